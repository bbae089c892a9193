"""Folding what is judged alike, and telling apart what is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from console.objects.core import Pod
from console.policy.parties import Replicas, Scope
from console.policy.trace import DirectionTrace, Ground, Party, PolicyTrace
from console.policy.verdict import Case, Outcome

#: The order in which the cases of a verdict are told: what is broken first.
_ORDER: Final = (Outcome.BLOCKED, Outcome.PARTIAL, Outcome.UNKNOWN, Outcome.ALLOWED)
#: Values of a fact that are told; more are counted.
_MOST: Final = 3


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


def fold(judged: Iterable[Judged], scope: Scope) -> tuple[Case, ...]:
    """Merge cases with the same answer for the same reasons; what sets the others apart becomes their facts.

    `scope` is what policies look at: no other label can make a difference.
    """
    merged: dict[object, list[Judged]] = {}
    for each in judged:
        merged.setdefault(_reasons(each.case), []).append(each)
    groups = list(merged.values())
    cases = [_merge([each.case for each in group]) for group in groups]
    if len({case.outcome for case in cases}) > 1:
        wanted = sorted(scope.keys)
        nodes = _own_nodes(cases)
        told = any(nodes)
        froms = _apart([_first(each.sources for each in group) for group in groups], wanted, "source", told)
        tos = _apart(
            [_first(each.destinations for each in group) for group in groups], wanted, "destination", any(nodes)
        )
        cases = [
            replace(case, facts=(*case.facts, *node, *a, *b))
            for case, node, a, b in zip(cases, nodes, froms, tos, strict=True)
        ]
    return worst_first(cases)


def worst_first(cases: Iterable[Case]) -> tuple[Case, ...]:
    """Cases in the order in which they are told."""
    return tuple(sorted(cases, key=lambda case: _ORDER.index(case.outcome)))


def across_ports(cases: Iterable[Case]) -> tuple[Case, ...]:
    """The cases of a Service's endpoints, worst first; where they differ and so do their ports, that is a fact."""
    told = worst_first(cases)
    if len({case.outcome for case in told}) == 1 or len({case.port for case in told}) == 1:
        return told
    return tuple(replace(case, facts=(*case.facts, f"destination port {case.port}")) for case in told)


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


def _own_nodes(cases: Sequence[Case]) -> list[tuple[str, ...]]:
    """Whether each case is between pods and their own nodes, where only some are: no label tells that."""
    own = [any(trace.ground is Ground.OWN_NODE for trace in case.directions()) for case in cases]
    if len(set(own)) == 1:
        return [()] * len(cases)
    return [("the pod's own node",) if each else ("another node than the pod's own",) for each in own]


def _first(replicas: Iterable[Replicas]) -> list[Party]:
    return [each.members[0] for each in replicas]


def _apart(groups: Sequence[Sequence[Party]], keys: Sequence[str], side: str, told: bool) -> list[tuple[str, ...]]:
    """For each group of parties, the facts in which it differs from any other. `told`: another fact tells already."""
    facts: list[list[str]] = [[] for _ in groups]
    pods = [[party.pod or party.host_pod for party in group] for group in groups]

    def tell(values: Sequence[Sequence[str]]) -> None:
        distinct = [list(dict.fromkeys(each)) for each in values]
        if len({frozenset(each) for each in distinct}) > 1:
            for found, each in zip(facts, distinct, strict=True):
                more = f" and {len(each) - _MOST} more" if len(each) > _MOST else ""
                found.append(f"{side} {' or '.join(each[:_MOST])}{more}")

    for key in keys:
        tell([[_label(pod, key) for pod in group] for group in pods])
    tell([[f"{'on' if party.host_pod else 'not on'} its node's network" for party in group] for group in groups])
    tell([[_declared(pod) for pod in group] for group in pods])
    if not told and not any(facts):
        tell(
            [
                [f"address {'such as ' if party.pod is None else ''}{party.address or 'none yet'}" for party in group]
                for group in groups
            ]
        )
    return [tuple(found) for found in facts]


def _label(pod: Pod | None, key: str) -> str:
    return f"{key}={pod.labels[key]}" if pod is not None and key in pod.labels else f"{key} absent"


def _declared(pod: Pod | None) -> str:
    ports = pod.ports if pod is not None else ()
    listed = ", ".join(f"{port.name or '-'} {port.port}/{port.protocol}" for port in ports) or "none"
    return f"declares ports {listed}"
