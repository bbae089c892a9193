"""A verdict as text for a terminal or a ticket."""

from __future__ import annotations

from collections.abc import Iterator

from console.policy.fix import Fix
from console.policy.model import Tier
from console.policy.near import failed_clauses
from console.policy.ports import PortsVerdict
from console.policy.trace import DirectionTrace, PolicyTrace, RuleTrace, TierResult
from console.policy.verdict import Case, Outcome, Verdict
from console.report import verdict_words, words
from console.report.clean import clean
from console.report.json import manifest


def verdict_lines(verdict: Verdict, fix: Fix | None = None, *, trace: bool = False) -> Iterator[str]:
    """The verdict: the question, the answer in one line, the path to the clause, why not, and the caveats.

    A rule that does not match is told by the clauses that failed; with `trace` every
    clause of every rule is.
    """
    asked = verdict.connection
    port = f"{asked.port}/{asked.protocol.value}"
    yield f"{words.end_word(asked.source)} → {words.end_word(asked.destination)} {port}"
    yield f"{words.outcome_word(verdict.outcome)}  {verdict_words.headline(verdict)}"
    if verdict.service is not None:
        yield ""
        yield f"  service   {verdict_words.service_line(verdict.service)}"
    for case in verdict.cases:
        yield ""
        if len(verdict.cases) > 1:
            yield f"  {verdict_words.case_title(case)}"
        yield from _case(case, trace)
    if verdict.near_misses:
        yield ""
        yield "  why not"
        for number, miss in enumerate(verdict.near_misses, 1):
            yield f"    {number} {miss.direction.value}: {verdict_words.near_miss_line(miss)}"
    if fix is not None:
        yield ""
        yield f"  smallest fix: {verdict_words.fix_line(fix)}"
        yield from (f"    {clean(line)}" for line in manifest(fix.objects).splitlines())
    if verdict.caveats:
        yield ""
        yield "  caveats"
        for caveat in verdict.caveats:
            detail = f" [{clean(caveat.detail)}]" if caveat.detail else ""
            yield f"    {caveat.code}: {caveat.sentence}{detail}"


def ports_lines(verdict: PortsVerdict) -> Iterator[str]:
    """The answer for any port: the question, the outcome, and the ports of each protocol by outcome."""
    yield f"{words.end_word(verdict.source)} → {words.end_word(verdict.destination)} any port"
    yield f"{words.outcome_word(verdict.outcome)}  {verdict_words.ports_headline(verdict)}"
    for outcome in Outcome:
        spans = verdict.of(outcome)
        if spans and verdict.outcome is Outcome.PARTIAL:
            yield f"  {words.OUTCOME_GLYPHS[outcome]} {outcome.value:<8} {', '.join(map(str, spans))}"


def _case(case: Case, trace: bool) -> Iterator[str]:
    for direction in case.directions():
        yield f"  {words.answer_glyph(direction.allowed)} {verdict_words.direction_line(direction)}"
        # Where other tiers have policies for this, that one said nothing is a part of the answer.
        others = any(tier.tier is not Tier.NETWORK_POLICY and tier.policies for tier in direction.tiers)
        for tier in direction.tiers:
            if tier.policies or trace or (others and tier.result is not TierResult.NOT_REACHED):
                yield f"      {verdict_words.tier_line(tier)}"
            for policy in tier.policies:
                yield from _policy(policy, direction, trace)
                if not trace and _ended(policy, direction):
                    break


def _policy(policy: PolicyTrace, direction: DirectionTrace, trace: bool) -> Iterator[str]:
    yield f"        {verdict_words.policy_line(policy)}"
    side = verdict_words.other_end(direction.direction)
    if not trace and direction.allowed and policy.decided is None:
        return  # what did not have to match is no part of the answer
    last = policy.deciding if not trace and _ended(policy, direction) else None
    for rule in policy.rules:
        if last is not None and rule.index > last:
            break
        if trace or rule.matched:
            yield f"          {words.match_glyph(rule.matched)} {verdict_words.rule_line(rule)}"
            yield from _clauses(rule, side, trace)
        elif not direction.allowed:
            failed = "; ".join(verdict_words.clause_fact(clause, side) for clause in failed_clauses(rule))
            yield f"          {words.match_glyph(rule.matched)} rule {rule.index + 1}  {failed}"


def _ended(policy: PolicyTrace, direction: DirectionTrace) -> bool:
    """Whether a tier's order ended with a policy: what comes after its deciding rule had no say."""
    ordered = policy.tier is not Tier.NETWORK_POLICY and direction.allowed is not None
    return ordered and policy.decided is not None


def _clauses(rule: RuleTrace, side: str, trace: bool) -> Iterator[str]:
    for peer in rule.peers:
        if trace or peer.matched:
            for clause in peer.clauses:
                yield f"              {words.match_glyph(clause.matched)} {verdict_words.clause_fact(clause, side)}"
    for clause in rule.ports:
        if trace or clause.matched:
            yield f"              {words.match_glyph(clause.matched)} {verdict_words.clause_fact(clause, side)}"
