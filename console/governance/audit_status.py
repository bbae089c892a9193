"""What a rule comes to: its offences less those that are excepted, and what keeps it from being known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from console.governance.charter import BaselineRule, Ground, Pardon, Rule
from console.governance.charter_terms import Kind, Term
from console.governance.findings import Offence, Status
from console.governance.scopes import Scene
from console.objects.coverage import Gap
from console.policy.engine import Engine

#: What tells whom a rule means: without it, pods may be missing, or taken for something else.
_TELLING: Final = ("pods", "namespaces", "*")


def excuse(
    offences: Iterable[Offence], pardons: Sequence[Pardon], scene: Scene
) -> tuple[tuple[Offence, ...], tuple[tuple[Offence, str], ...]]:
    """The offences that no exception covers, and those that one does, with its words."""
    if not pardons:
        return tuple(offences), ()
    covered = [(pardon, _names(pardon.sources, scene), _names(pardon.destinations, scene)) for pardon in pardons]
    left: list[Offence] = []
    excepted: list[tuple[Offence, str]] = []
    for offence in offences:
        for pardon, sources, destinations in covered:
            if _in(offence.source, sources) and _in(offence.destination, destinations):
                excepted.append((offence, pardon.words()))
                break
        else:
            left.append(offence)
    return tuple(left), tuple(excepted)


def _names(terms: Sequence[Term], scene: Scene) -> set[str] | None:
    """What offences call whom the terms mean; None for anybody."""
    if not terms:
        return None
    return {side.ask for side in scene.ends(terms).values()}


def _in(name: str, names: set[str] | None) -> bool:
    return names is None or name in names


def status_of(
    rule: Rule | BaselineRule,
    offences: Sequence[Offence],
    unknowns: Sequence[Offence],
    excepted: Sequence[tuple[Offence, str]],
    pairs: int,
    engine: Engine,
) -> tuple[Status, str]:
    """The status, and in a line what it rests on. What was shown counts, whatever else is not known."""
    if offences:
        more = f", and {_counted(len(unknowns), rule)} cannot be known" if unknowns else ""
        return Status.FAIL, f"{_counted(len(offences), rule)} of {pairs}{more}"
    if unknowns:
        return Status.UNKNOWN, f"{_counted(len(unknowns), rule)} of {pairs} cannot be known: {unknowns[0].why}"
    missing = list(_missing(rule, engine))
    if missing:
        return Status.UNKNOWN, missing[0]
    if excepted:
        return Status.EXCEPTED, excepted[0][1]
    if not pairs:
        return Status.PASS, "there is nothing here that it is about"
    return Status.PASS, f"{_counted(pairs, rule)}"


def _counted(number: int, rule: Rule | BaselineRule) -> str:
    if isinstance(rule, Rule) or rule.ground is Ground.METADATA:
        noun, plural = "pair", "pairs"
    elif rule.ground is Ground.POLICIES_SELECT:
        noun, plural = "policy", "policies"
    else:
        noun, plural = "workload", "workloads"
    return f"{number} {noun if number == 1 else plural}"


def _missing(rule: Rule | BaselineRule, engine: Engine) -> Iterator[str]:
    """Why a rule that nothing breaks may be broken all the same."""
    plugin = engine.plugin
    if plugin is not None and plugin.enforces is False:
        yield f"{plugin.name} enforces no policy ({plugin.fact}): what policies say is not what the network does"
    for gap in engine.gaps:
        if gap.resource in _TELLING and _concerns(gap, rule):
            yield f"it may be about pods that were not seen: {gap.why}"
        elif isinstance(rule, BaselineRule) and rule.ground in _POLICIES and gap.resource not in ("nodes", "services"):
            yield gap.why


#: Rules of the baseline that are about policies themselves.
_POLICIES: Final = (Ground.POLICIES_SELECT, Ground.DENY_INGRESS, Ground.DENY_EGRESS)


def _concerns(gap: Gap, rule: Rule | BaselineRule) -> bool:
    """Whether what was not read may hold an end of a rule: not where one of its ends is in other namespaces only."""
    ends = (rule.subject, rule.others) if isinstance(rule, Rule) else (rule.within, rule.within)
    return any(_within(gap, terms) for terms in ends)


def _within(gap: Gap, terms: Sequence[Term]) -> bool:
    return any(
        term.inside and (term.kind not in (Kind.NAMESPACE, Kind.WORKLOAD) or gap.covers(term.value.split("/")[0]))
        for term in terms
    )
