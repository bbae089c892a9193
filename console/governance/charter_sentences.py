"""What a charter's rules say, as sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from console.governance.charter import Ground, Verb
from console.governance.charter_terms import PortTerm, Term, listed

_SENTENCES: Final[Mapping[Ground, str]] = MappingProxyType(
    {
        Ground.DENY_INGRESS: "nothing gets into {} unless a policy lets it",
        Ground.DENY_EGRESS: "nothing gets out of {} unless a policy lets it",
        Ground.DNS: "{} can look names up, where it may open connections at all",
        Ground.METADATA: "the metadata address is closed to {}",
        Ground.POLICIES_SELECT: "no policy selects nothing, in the namespaces of {}",
        Ground.REPLICAS_ALIKE: "all pods of {} have the same paths",
        Ground.SERVICES_REACHABLE: "something reaches every Service in front of {}",
    }
)


def ground_sentence(ground: Ground, where: str) -> str:
    """What a rule of the baseline says of whom it is about."""
    return _SENTENCES[ground].format(where)


def sentence_of(
    verb: Verb,
    outward: bool,
    subject: Sequence[Term],
    others: Sequence[Term],
    among: Sequence[Term],
    ports: Sequence[PortTerm],
    *,
    chain: bool,
) -> str:
    """What a rule says."""
    on = f" on {', '.join(map(str, ports))}" if ports else ""
    whose, ends = listed(subject), listed(others, "or" if verb is Verb.NEVER else "and")
    of = f"of {listed(among)}, " if among else ""
    any_chain = " through any chain" if chain else ""
    reach = "reach" if len(subject if outward else others) > 1 else "reaches"
    if outward:
        said = {Verb.NEVER: f"never {reach}", Verb.ONLY: f"{reach} only", Verb.MUST: "must reach"}[verb]
        return f"{of}{whose} {said} {ends}{on}{any_chain}"
    if verb is Verb.ONLY:
        return f"{of}only {ends} {reach} {whose}{on}{any_chain}"
    ends = listed(others)
    return f"{ends} {f'never {reach}' if verb is Verb.NEVER else 'must reach'} {whose}{on}{any_chain}"
