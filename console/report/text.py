"""A verdict as text for a terminal or a ticket."""

from __future__ import annotations

from collections.abc import Iterator

from console.policy.trace import DirectionTrace, PolicyTrace
from console.policy.verdict import Case, Verdict
from console.report import words
from console.report.clean import clean


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """The verdict: the question, the answer in one line, the path to the clause, why not, and the caveats."""
    asked = verdict.connection
    port = f"{asked.port}/{asked.protocol.value}"
    yield f"{words.end_word(asked.source)} → {words.end_word(asked.destination)} {port}"
    yield f"{words.outcome_word(verdict.outcome)}  {words.headline(verdict)}"
    if verdict.service is not None:
        yield ""
        yield f"  service   {words.service_line(verdict.service)}"
    for case in verdict.cases:
        yield ""
        if len(verdict.cases) > 1:
            yield f"  {words.case_title(case)}"
        yield from _case(case)
    if verdict.near_misses:
        yield ""
        yield "  why not"
        for number, miss in enumerate(verdict.near_misses, 1):
            yield f"    {number} {miss.direction.value}: {words.near_miss_line(miss)}"
    if verdict.caveats:
        yield ""
        yield "  caveats"
        for caveat in verdict.caveats:
            detail = f" [{clean(caveat.detail)}]" if caveat.detail else ""
            yield f"    {caveat.code}: {caveat.sentence}{detail}"


def _case(case: Case) -> Iterator[str]:
    for direction in case.directions():
        yield f"  {words.answer_glyph(direction.allowed)} {words.direction_line(direction)}"
        yield from _direction(direction)


def _direction(direction: DirectionTrace) -> Iterator[str]:
    for tier in direction.tiers:
        if tier.policies:
            yield f"      {words.tier_line(tier)}"
            for policy in tier.policies:
                yield from _policy(policy, direction)


def _policy(policy: PolicyTrace, direction: DirectionTrace) -> Iterator[str]:
    yield f"        {words.policy_line(policy)}"
    side = words.other_end(direction.direction)
    for rule in policy.rules:
        yield f"          {words.match_glyph(rule.matched)} {words.rule_line(rule)}"
        for peer in rule.peers:
            for clause in peer.clauses:
                yield f"              {words.match_glyph(clause.matched)} {words.clause_fact(clause, side)}"
        for clause in rule.ports:
            yield f"              {words.match_glyph(clause.matched)} {words.clause_fact(clause, side)}"
