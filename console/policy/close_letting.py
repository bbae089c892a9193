"""What lets a path through, rule by rule and peer by peer; and why no policy can close it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from console.policy.model import Action, Tier
from console.policy.trace import DirectionTrace, Ground, PolicyTrace, TierResult


def letting_rules(trace: DirectionTrace) -> Iterator[tuple[PolicyTrace, int]]:
    """The rules that let a direction through, or may; none where that is the baseline, or that nothing governs it."""
    for tier in trace.tiers:
        if tier.tier is Tier.BASELINE or tier.result not in (TierResult.ALLOWED, TierResult.UNKNOWN):
            continue
        for policy in tier.policies:
            first = tier.tier is Tier.ADMIN and tier.result is TierResult.ALLOWED
            for rule in policy.rules:
                matched = rule.action is Action.ALLOW and rule.matched is not False
                if matched and (not first or (policy.decided is Action.ALLOW and policy.deciding == rule.index)):
                    yield policy, rule.index
        return


def add_peers(rules: dict[int, set[int] | None], policy: PolicyTrace, number: int) -> None:
    """Add the peers of a rule that match to those to take out."""
    rule = next(each for each in policy.rules if each.index == number)
    for peer in rule.peers:
        if peer.index is None:
            rules[number] = None
        elif peer.matched is not False:
            held = rules.setdefault(number, set())
            if held is not None:
                held.add(peer.index)


def ungoverned(traces: Iterable[DirectionTrace]) -> str:
    """Why no policy can close a path at either end."""
    return "; ".join(words for each in traces if (words := _why(each)))


def _why(trace: DirectionTrace) -> str:
    name = trace.question.subject.name
    if trace.ground is Ground.OWN_NODE:
        return f"the node that {name} runs on always gets through to it"
    if trace.ground is Ground.HOST_NETWORK:
        return f"{name} is on its node's network, where no policy governs its {trace.direction.value}"
    if trace.ground is Ground.OUTSIDE:
        return f"{name} is no pod: no policy here governs it"
    if trace.ground is Ground.GAP:
        return f"it cannot be known what governs {name}: {trace.gaps[0].why if trace.gaps else 'not all was read'}"
    return ""
