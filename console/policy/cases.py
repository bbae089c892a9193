"""Folding what is judged alike, and telling apart what is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from console.policy.parties import Replicas
from console.policy.trace import DirectionTrace, Party, PolicyTrace
from console.policy.verdict import Case, Outcome

#: The order in which the cases of a verdict are told: what is broken first.
_ORDER: Final = (Outcome.BLOCKED, Outcome.PARTIAL, Outcome.UNKNOWN, Outcome.ALLOWED)


class Judged(msgspec.Struct, frozen=True):
    """A case with the replicas it was judged for."""

    case: Case
    sources: Replicas
    destinations: Replicas


def outcome_of(cases: Sequence[Case]) -> Outcome:
    """The answer for all cases together: PARTIAL as soon as one is allowed and another blocked."""
    outcomes = {case.outcome for case in cases}
    if len(outcomes) == 1:
        return outcomes.pop()
    if {Outcome.ALLOWED, Outcome.BLOCKED} <= outcomes or Outcome.PARTIAL in outcomes:
        return Outcome.PARTIAL
    return Outcome.UNKNOWN


def fold(judged: Iterable[Judged], keys: Iterable[str]) -> tuple[Case, ...]:
    """Merge cases with the same answer for the same reasons; what sets the others apart becomes their facts.

    `keys` are the label keys that policies look at: no other label can make a difference.
    """
    merged: dict[object, list[Judged]] = {}
    for each in judged:
        merged.setdefault(_reasons(each.case), []).append(each)
    groups = list(merged.values())
    cases = [_merge([each.case for each in group]) for group in groups]
    if len({case.outcome for case in cases}) > 1:
        wanted = sorted(keys)
        froms = _apart([group[0].sources.members[0] for group in groups], wanted, "source")
        tos = _apart([group[0].destinations.members[0] for group in groups], wanted, "destination")
        cases = [replace(case, facts=(*case.facts, *a, *b)) for case, a, b in zip(cases, froms, tos, strict=True)]
    return worst_first(cases)


def worst_first(cases: Iterable[Case]) -> tuple[Case, ...]:
    """Cases in the order in which they are told."""
    return tuple(sorted(cases, key=lambda case: _ORDER.index(case.outcome)))


def alike(cases: Iterable[Case]) -> tuple[Case, ...]:
    """Cases with those of the same reasons merged, whatever ends they are about."""
    merged: dict[object, list[Case]] = {}
    for case in cases:
        merged.setdefault(_reasons(case), []).append(case)
    return worst_first(_merge(group) for group in merged.values())


def _merge(group: Sequence[Case]) -> Case:
    first = group[0]
    if len(group) == 1:
        return first
    return replace(
        first,
        sources=tuple(dict.fromkeys(name for case in group for name in case.sources)),
        destinations=tuple(dict.fromkeys(name for case in group for name in case.destinations)),
        caveats=tuple(sorted({caveat for case in group for caveat in case.caveats})),
    )


def _reasons(case: Case) -> object:
    return case.port, case.outcome, case.facts, *(_direction(direction) for direction in case.directions())


def _direction(trace: DirectionTrace) -> object:
    policies = tuple(
        (policy.ref, policy.selects, policy.decided, policy.deciding, _halves(policy)) for policy in trace.policies()
    )
    return trace.allowed, trace.ground, policies


def _halves(policy: PolicyTrace) -> object:
    return tuple((rule.matched, rule.peer, rule.port) for rule in policy.rules)


def same_reasons(one: Sequence[Case], other: Sequence[Case]) -> bool:
    """Whether two folded sets of cases say the same of the same ends."""
    return [(_reasons(case), case.sources, case.destinations) for case in one] == [
        (_reasons(case), case.sources, case.destinations) for case in other
    ]


def _apart(parties: Sequence[Party], keys: Sequence[str], side: str) -> list[tuple[str, ...]]:
    """For each party, the facts in which it differs from any other."""
    facts: list[list[str]] = [[] for _ in parties]
    pods = [party.pod or party.host_pod for party in parties]
    for key in keys:
        values = [pod.labels.get(key) if pod else None for pod in pods]
        if len(set(values)) > 1:
            for found, value in zip(facts, values, strict=True):
                found.append(f"{side} {key}={value}" if value is not None else f"{side} {key} absent")
    if len({party.host_pod is not None for party in parties}) > 1:
        for found, party in zip(facts, parties, strict=True):
            found.append(f"{side} {'on' if party.host_pod else 'not on'} its node's network")
    named = [pod.ports if pod else () for pod in pods]
    if len(set(named)) > 1:
        for found, ports in zip(facts, named, strict=True):
            listed = ", ".join(f"{port.name or '-'} {port.port}/{port.protocol}" for port in ports) or "none"
            found.append(f"{side} declares ports {listed}")
    if not any(facts) and len({party.address for party in parties}) > 1:
        for found, party in zip(facts, parties, strict=True):
            found.append(f"{side} address {'such as ' if party.pod is None else ''}{party.address or 'none yet'}")
    return [tuple(found) for found in facts]
