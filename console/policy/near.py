"""Near misses: the rules that came closest to allowing a blocked connection, and the clauses that failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from console.objects.meta import ObjectRef
from console.policy.model import Tier
from console.policy.trace import Clause, ClauseKind, DirectionTrace, RuleTrace
from console.policy.verdict import Case, NearMiss, Outcome

_MOST: Final = 5  # what one reads at a glance; the trace has them all

#: Whether a rule of a policy that does not select the end would match, if it did.
WouldMatch = Callable[[DirectionTrace, ObjectRef], bool]


def near_misses(case: Case, would_match: WouldMatch) -> tuple[NearMiss, ...]:
    """The near misses of a blocked case, the nearest first; none where it is not blocked."""
    if case.outcome is not Outcome.BLOCKED:
        return ()
    found = [miss for direction in case.directions() if direction.allowed is False
             for miss in _of_direction(direction, would_match)]  # fmt: skip
    # A rule that fails in one half only is nearer than one that fails in both, however few their clauses.
    found.sort(key=lambda miss: (_halves(miss), len(miss.failed)))
    return tuple(miss for miss in found if _halves(miss) == _halves(found[0]))[:_MOST]


def _halves(miss: NearMiss) -> int:
    return len({clause.kind is ClauseKind.PORT for clause in miss.failed})


def _of_direction(direction: DirectionTrace, would_match: WouldMatch) -> Iterator[NearMiss]:
    for tier in direction.tiers:
        if tier.tier is not Tier.NETWORK_POLICY:
            continue
        for policy in tier.policies:
            for rule in policy.rules:
                if not rule.matched and _could_match(rule):
                    yield NearMiss(direction.direction, policy.ref, rule.index, rule.path, failed_clauses(rule))
        for policy in tier.unselecting:
            if policy.governs and would_match(direction, policy.ref):
                # It would allow this, if only it selected the end.
                failed = _failed(policy.subject)
                yield NearMiss(direction.direction, policy.ref, None, failed[0].path, failed)


def _could_match(rule: RuleTrace) -> bool:
    """Whether a rule is of the right kind for the peer: selectors never match an address, whatever they say."""
    return bool(rule.peer) or any(not clause.hopeless for peer in rule.peers for clause in peer.clauses)


def failed_clauses(rule: RuleTrace) -> tuple[Clause, ...]:
    """The fewest clauses that would have to change for a rule to match: those of its nearest peer and port."""
    failed: tuple[Clause, ...] = ()
    if not rule.peer:
        hopeful = [peer for peer in rule.peers if not any(clause.hopeless for clause in peer.clauses)]
        failed += min((_failed(peer.clauses) for peer in hopeful or rule.peers), key=len)
    if not rule.port:
        failed += min((_failed([clause]) for clause in rule.ports), key=len)
    return failed


def _failed(clauses: Sequence[Clause]) -> tuple[Clause, ...]:
    return tuple(clause for clause in clauses if not clause.matched)
