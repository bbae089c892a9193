"""The path of a connection as a tree: steps, tiers, policies, rules, peers, clauses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from console.objects.meta import ObjectRef
from console.policy.trace import (
    Clause,
    ClauseKind,
    DirectionTrace,
    Match,
    PeerTrace,
    PolicyTrace,
    RuleTrace,
    TierResult,
    TierTrace,
)
from console.policy.verdict import Case, Outcome, ServiceState, Verdict
from console.report import verdict_words, words
from console.tui.model.nodes import Focus, Key, Node
from console.tui.text import Piece, Tone

OUTCOME_TONES: Final[Mapping[Outcome, Tone]] = {
    Outcome.ALLOWED: Tone.GOOD,
    Outcome.BLOCKED: Tone.BAD,
    Outcome.PARTIAL: Tone.WARN,
    Outcome.UNKNOWN: Tone.WARN,
}
_MATCH_TONES: Final[Mapping[Match, Tone]] = {True: Tone.GOOD, False: Tone.BAD, None: Tone.WARN}
#: So many replicas are listed one by one.
_NAMES: Final = 200


def tree(verdict: Verdict) -> tuple[Node, ...]:
    """The tree of a verdict: one path where all replicas are alike, else a branch for each case, the worst first."""
    if not verdict.cases:
        return (_service(verdict),) if verdict.service else ()
    if len(verdict.cases) == 1:
        return _steps(verdict, verdict.cases[0], ())
    return tuple(_case(verdict, case, number) for number, case in enumerate(verdict.cases))


def leading_focus(verdict: Verdict) -> Focus | None:
    """The policy an explanation begins with: of the direction that carried the answer, the one that decided."""
    case = verdict.leading
    if case is None:
        return None
    ordered = sorted(case.directions(), key=lambda each: each.allowed is True)
    return next((found for each in ordered if (found := _direction_focus(each, _near(verdict))) is not None), None)


def _near(verdict: Verdict) -> tuple[ObjectRef, ...]:
    """The policies that came closest to letting the connection through, the nearest first."""
    return tuple(dict.fromkeys(miss.policy for miss in verdict.near_misses))


def leading_key(verdict: Verdict) -> Key | None:
    """Where the cursor begins: on the direction that carried the answer."""
    case = verdict.leading
    if case is None:
        return None
    carrying = next((each for each in case.directions() if each.allowed is not True), case.egress)
    return (*_case_key(verdict, case, 0), carrying.direction.value)


def _case_key(verdict: Verdict, case: Case, number: int) -> Key:
    # By what sets it apart, not by its place: cases change places when one of them flips.
    return () if len(verdict.cases) == 1 else ("case", *(case.facts or (number,)))


def _case(verdict: Verdict, case: Case, number: int) -> Node:
    key = _case_key(verdict, case, number)
    title = words.outcome_word(case.outcome)
    facts = ", ".join(case.facts)
    line = (
        Piece(f"{title}  ", OUTCOME_TONES[case.outcome]),
        Piece(f"{facts}  " if facts else "", Tone.STRONG),
        Piece(f"{_folded(case.sources)} → {_folded(case.destinations)}", Tone.DIM),
    )
    return Node(key, line, branches=lambda: _steps(verdict, case, key), start_open=number == 0)


def _folded(names: Sequence[str]) -> str:
    return words.some(names, 1)


def _steps(verdict: Verdict, case: Case, key: Key) -> tuple[Node, ...]:
    steps = [
        _end("source", verdict.connection.source.pods, case.sources, key),
        _direction(case.egress, case, _near(verdict), (*key, "egress")),
        _direction(case.ingress, case, _near(verdict), (*key, "ingress")),
        _end("destination", (), case.destinations, key),
    ]
    if verdict.service is not None:
        steps.insert(2, _service(verdict, key))
    return tuple(steps)


def _end(side: str, pods: Sequence[object], names: Sequence[str], key: Key) -> Node:
    if len(names) == 1:
        return Node((*key, side), (Piece(f"· {side:<12}", Tone.DIM), Piece(names[0])))
    of = f" of {len(pods)}" if len(pods) > len(names) else ""
    line = (Piece(f"· {side:<12}", Tone.DIM), Piece(f"{len(names)}{of} alike: {words.some(names, 1)}"))

    def members() -> list[Node]:
        nodes = [Node((*key, side, name), (Piece(f"· {name}", Tone.DIM),)) for name in names[:_NAMES]]
        if len(names) > _NAMES:
            nodes.append(Node((*key, side, "more"), (Piece(f"· … {len(names) - _NAMES} more", Tone.DIM),)))
        return nodes

    return Node((*key, side), line, branches=members)


def _service(verdict: Verdict, key: Key = ()) -> Node:
    step = verdict.service
    assert step is not None
    good = step.state is ServiceState.TRANSLATED
    glyph = Piece("● " if good else "○ ", Tone.GOOD if good else Tone.BAD)
    return Node((*key, "service"), (glyph, Piece(f"{'service':<12}"), Piece(verdict_words.service_line(step))))


def _direction(trace: DirectionTrace, case: Case, near: Sequence[ObjectRef], key: Key) -> Node:
    outcome = {True: Outcome.ALLOWED, False: Outcome.BLOCKED, None: Outcome.UNKNOWN}[trace.allowed]
    line = (
        Piece(f"{words.answer_glyph(trace.allowed)} ", OUTCOME_TONES[outcome]),
        Piece(f"{trace.direction.value:<12}", Tone.STRONG),
        Piece(
            _at_home(verdict_words.direction_reason(trace), trace),
            Tone.PLAIN if trace.allowed else OUTCOME_TONES[outcome],
        ),
    )
    asked = [tier for tier in trace.tiers if tier.policies or tier.unselecting]
    carries = trace.allowed is not True or case.outcome is Outcome.ALLOWED

    def branches() -> list[Node]:
        nodes = [
            Node((*key, "gap", place), (Piece("? ", Tone.WARN), Piece(gap.why))) for place, gap in enumerate(trace.gaps)
        ]
        return nodes + [_tier(tier, trace, near, (*key, tier.tier.name)) for tier in asked]

    if not asked and not trace.gaps:
        return Node(key, line)
    return Node(key, line, _direction_focus(trace, near), branches, start_open=carries)


def _at_home(text: str, trace: DirectionTrace) -> str:
    """The text without the namespace of the end that is governed: NetworkPolicies live where their pods do."""
    pod = trace.question.subject.pod
    return re.sub(rf"(?<![\w./-]){re.escape(pod.namespace)}/", "", text) if pod else text


def _direction_focus(trace: DirectionTrace, near: Sequence[ObjectRef]) -> Focus | None:
    asked = [policy for tier in trace.tiers for policy in (*tier.policies, *tier.unselecting)]
    selecting = list(trace.policies())
    chosen = (
        next(iter(trace.deciders), None)
        or next((policy for ref in near for policy in asked if policy.ref == ref), None)
        or next((policy for policy in selecting if policy.rules), None)
        or next(iter(selecting), None)
    )
    return Focus(chosen, trace.direction) if chosen else None


def _tier(tier: TierTrace, trace: DirectionTrace, near: Sequence[ObjectRef], key: Key) -> Node:
    quiet = tier.result in (TierResult.SILENT, TierResult.NOT_REACHED)
    line = (Piece(verdict_words.tier_line(tier), Tone.DIM if quiet else Tone.PLAIN),)
    carried = any(policy.decided is not None for policy in tier.policies)

    def matters(policy: PolicyTrace) -> bool:
        # Where a rule carried, its policy alone matters; where none did, those that came closest.
        return policy.decided is not None if carried else policy.ref in near or len(tier.policies) == 1

    def branches() -> list[Node]:
        ordered = sorted(tier.policies, key=lambda policy: not matters(policy))
        nodes = [_policy(policy, trace, (*key, str(policy.ref)), start_open=matters(policy)) for policy in ordered]
        if tier.unselecting:
            nodes.append(_unselecting(tier.unselecting, trace, near, (*key, "unselecting")))
        return nodes

    return Node(key, line, _direction_focus(trace, near), branches, start_open=bool(tier.policies))


def _unselecting(policies: Sequence[PolicyTrace], trace: DirectionTrace, near: Sequence[ObjectRef], key: Key) -> Node:
    verb = "does" if len(policies) == 1 else "do"
    line = (Piece(f"{words.count(len(policies), 'policy')} of the namespace {verb} not select it", Tone.DIM),)
    ordered = sorted(policies, key=lambda policy: policy.ref not in near)

    def branches() -> list[Node]:
        return [_policy(each, trace, (*key, str(each.ref)), start_open=each.ref in near) for each in ordered]

    return Node(key, line, branches=branches, start_open=any(policy.ref in near for policy in policies))


def _policy(policy: PolicyTrace, trace: DirectionTrace, key: Key, *, start_open: bool) -> Node:
    matched = None if policy.selects is None else policy.decided is not None
    glyph = (
        Piece(f"{words.match_glyph(matched)} ", _MATCH_TONES[matched])
        if policy.selects is not False
        else Piece("– ", Tone.DIM)
    )
    tone = Tone.DIM if policy.selects is False else Tone.PLAIN
    name, _, did = _at_home(verdict_words.policy_line(policy), trace).partition("  ")
    line = (glyph, Piece(name, tone), Piece(f"  {did}", Tone.DIM))
    focus = Focus(policy, trace.direction)

    def branches() -> list[Node]:
        nodes = [_clause(clause, verdict_words.this_end(trace.direction), focus, (*key, "subject", place), "selects ")
                 for place, clause in enumerate(policy.subject)]  # fmt: skip
        return nodes + [_rule(rule, policy, trace, (*key, rule.index)) for rule in policy.rules]

    if not policy.subject and not policy.rules:
        return Node(key, line, focus)
    return Node(key, line, focus, branches, start_open=start_open)


def _rule(rule: RuleTrace, policy: PolicyTrace, trace: DirectionTrace, key: Key) -> Node:
    line = (
        Piece(f"{words.match_glyph(rule.matched)} ", _MATCH_TONES[rule.matched]),
        Piece(verdict_words.rule_line(rule)),
    )
    side = verdict_words.other_end(trace.direction)
    focus = Focus(policy, trace.direction, tuple(clause.path for clause in rule.clauses()) or (rule.path,))

    def branches() -> list[Node]:
        nodes: list[Node] = []
        for place, peer in enumerate(rule.peers):
            nodes += _peer(peer, len(rule.peers), policy, trace, (*key, "peer", place))
        for place, clause in enumerate(rule.ports):
            nodes.append(_clause(clause, side, Focus(policy, trace.direction, (clause.path,)), (*key, "port", place)))
        return nodes

    return Node(key, line, focus, branches, start_open=rule.matched is not False or policy.decided is None)


def _peer(peer: PeerTrace, of: int, policy: PolicyTrace, trace: DirectionTrace, key: Key) -> Iterator[Node]:
    side = verdict_words.other_end(trace.direction)

    def clauses() -> list[Node]:
        return [
            _clause(clause, side, Focus(policy, trace.direction, (clause.path,)), (*key, place))
            for place, clause in enumerate(peer.clauses)
        ]

    if of == 1:
        yield from clauses()
        return
    focus = Focus(policy, trace.direction, tuple(clause.path for clause in peer.clauses) or (peer.path,))
    glyph = Piece(f"{words.match_glyph(peer.matched)} ", _MATCH_TONES[peer.matched])
    name = verdict_words.peer_line(peer).rpartition(" ")[0]
    short = "; ".join(clause.wanted for clause in peer.clauses)
    yield Node(key, (glyph, Piece(name), Piece(f"  {short}", Tone.DIM)), focus, clauses)


def _clause(clause: Clause, side: str, focus: Focus, key: Key, before: str = "") -> Node:
    glyph = Piece(f"{words.match_glyph(clause.matched)} ", _MATCH_TONES[clause.matched])
    at = Focus(focus.policy, focus.direction, (clause.path,))
    if clause.matched and clause.kind not in (ClauseKind.ANY_PEER, ClauseKind.ANY_PORT):
        # What was wanted is what was found: said once, and what was found only where it says more.
        found = "" if clause.found == clause.wanted or clause.wanted.startswith("any ") else f"  {clause.found}"
        kind = before or f"{clause.kind.value} "
        return Node(key, (glyph, Piece(kind, Tone.DIM), Piece(clause.wanted), Piece(found, Tone.DIM)), at)
    return Node(key, (glyph, Piece(verdict_words.clause_fact(clause, side))), at)
