"""One direction of one connection between two parties, judged and explained.

The order of judgement: Admin tier, NetworkPolicy, Baseline, default allow. Each tier
only speaks for pods; hostNetwork pods, a pod's own node and a pod itself are outside
of it (network-policies page of the Kubernetes documentation).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from msgspec.structs import replace

from console.objects.core import Pod
from console.objects.coverage import Gap
from console.policy.asking import Modes, ask
from console.policy.match import both, either
from console.policy.model import Action, Policy, Tier
from console.policy.trace import DirectionTrace, Ground, Match, PolicyTrace, Question, TierResult, TierTrace

_RESULTS: Final = {
    Action.ALLOW: TierResult.ALLOWED,
    Action.DENY: TierResult.DENIED,
    Action.PASS: TierResult.PASSED,
}


def judge(question: Question, *, policies: Sequence[Policy], gaps: Sequence[Gap], modes: Modes) -> DirectionTrace:
    """Judge one direction. `gaps` are those that concern the subject.

    `policies` are all that may select it, those of a tier in order of priority and name.
    """
    subject, peer = question.subject, question.peer
    if subject.host_pod is not None:
        return DirectionTrace(question, True, Ground.HOST_NETWORK)
    if subject.pod_gaps:
        return DirectionTrace(question, None, Ground.GAP, (), subject.pod_gaps)
    if subject.pod is None or subject.namespace is None:
        return DirectionTrace(question, True, Ground.OUTSIDE)
    itself = peer.pod is not None and peer.pod.ref == subject.pod.ref
    if itself and question.service_port is None:
        return DirectionTrace(question, True, Ground.SELF)
    own_node = peer.pod is None and (peer.address in subject.own_node or _beside(subject.pod, peer.host_pod))
    # Both exemptions are NetworkPolicy's. The other tiers can name nodes, and mean them; and a pod that a Service
    # leads back to itself is subject to them (the API overview of network-policy-api, on hairpin traffic).
    exempt = own_node or itself
    by_tier: dict[Tier, list[Policy]] = {tier: [] for tier in Tier}
    for policy in policies:
        by_tier[policy.tier].append(policy)
    asked = [_asked(tier, own, question, modes) for tier, own in by_tier.items()]
    answers = _answers(asked, exempt=exempt)
    answer: Match = answers.pop() if len(answers) == 1 else None
    tiers, deciding = _told(asked, exempt=exempt, sure=answer is not None)
    ground = Ground.POLICY if deciding else Ground.SELF if itself else Ground.OWN_NODE if own_node else Ground.DEFAULT
    concerned = tuple(gap for gap in gaps if not (gap.resource == "networkpolicies" and _additive(tiers, exempt)))
    if concerned:
        return DirectionTrace(question, None, Ground.GAP, tiers, concerned)
    return DirectionTrace(question, answer, ground, tiers)


def _beside(pod: Pod, host_pod: Pod | None) -> bool:
    """Whether a hostNetwork pod runs on the pod's own node, by name: addresses may not be known."""
    return host_pod is not None and pod.node != "" and host_pod.node == pod.node


def _additive(tiers: Sequence[TierTrace], exempt: bool) -> bool:
    # NetworkPolicies add up: one that could not be read cannot take back what another allows.
    return exempt or tiers[Tier.NETWORK_POLICY].result is TierResult.ALLOWED


def _asked(tier: Tier, policies: Sequence[Policy], question: Question, modes: Modes) -> TierTrace:
    """Ask the policies of a tier; the result is not filled in yet."""
    traces = [ask(policy, question, modes) for policy in policies]
    return TierTrace(
        tier,
        TierResult.SILENT,
        tuple(trace for trace in traces if trace.selects is not False and trace.governs),
        tuple(trace for trace in traces if trace.selects is False),
    )


def _answers(tiers: Sequence[TierTrace], *, exempt: bool) -> set[bool]:
    """Every answer the tiers can come to: more than one where a match is not known, or an order is undefined."""
    if not tiers:
        return {True}
    tier, below = tiers[0], tiers[1:]
    if tier.tier is Tier.NETWORK_POLICY:
        if not tier.policies:
            return _answers(below, exempt=exempt)
        # For a pod it isolates this tier is final, and it lets what is exempt through whatever its rules say.
        matched = exempt or _any_rule(tier.policies)
        return {True, False} if matched is None else {matched}
    found: set[bool] = set()
    # Which of two policies of equal priority comes first is undefined, so each may.
    for _, group in groupby(tier.policies, key=lambda policy: policy.priority):
        surely = False
        for policy in group:
            for action, certain in _acts(policy):
                found |= {Action.ALLOW: {True}, Action.DENY: {False}}.get(action) or _answers(below, exempt=exempt)
                surely = surely or certain
        if surely:
            return found
    return found | _answers(below, exempt=exempt)


def _acts(policy: PolicyTrace) -> Iterator[tuple[Action, bool]]:
    """The actions a policy may take, up to the first rule that surely matches."""
    for rule in policy.rules:
        matched = both(policy.selects, rule.matched)
        if matched is not False:
            yield rule.action, matched is True
        if matched:
            return


def _any_rule(policies: Sequence[PolicyTrace]) -> Match:
    return either(*(rule.matched for policy in policies for rule in policy.rules))


def _told(tiers: Sequence[TierTrace], *, exempt: bool, sure: bool) -> tuple[tuple[TierTrace, ...], bool]:
    """The tiers with what each said, and whether the rules of one of them decided.

    Where the answer is not `sure`, a tier whose order is undefined and matters said nothing that can be known.
    """
    told: list[TierTrace] = []
    ended = deciding = False
    for tier in tiers:
        if ended:
            told.append(TierTrace(tier.tier, TierResult.NOT_REACHED))
            continue
        if exempt and tier.tier is Tier.NETWORK_POLICY and tier.policies:
            # What its rules say is not asked, so it is not told.
            told.append(replace(tier, result=TierResult.ALLOWED, policies=()))
            ended = True
            continue
        if tier.tier is not Tier.NETWORK_POLICY and not sure and _tied(tier.policies):
            told.append(replace(tier, result=TierResult.UNKNOWN))
            ended = deciding = True
            continue
        result, policies = (_isolating if tier.tier is Tier.NETWORK_POLICY else _ordered)(tier.policies)
        told.append(replace(tier, result=result, policies=tuple(policies)))
        if result is TierResult.UNKNOWN and sure:
            continue  # whatever it comes to, the answer is what the tiers below say
        ended = deciding = result in (TierResult.ALLOWED, TierResult.DENIED, TierResult.UNKNOWN)
    return tuple(told), deciding


def _isolating(traces: Sequence[PolicyTrace]) -> tuple[TierResult, Sequence[PolicyTrace]]:
    """NetworkPolicies add up: allowed when any rule of any of them matches, else denied."""
    if not traces:
        return TierResult.SILENT, traces
    marked: list[PolicyTrace] = []
    for trace in traces:
        matching = next((rule.index for rule in trace.rules if rule.matched), None)
        marked.append(trace if matching is None else replace(trace, decided=Action.ALLOW, deciding=matching))
    result = {True: TierResult.ALLOWED, False: TierResult.DENIED, None: TierResult.UNKNOWN}[_any_rule(traces)]
    return result, marked


def _tied(traces: Sequence[PolicyTrace]) -> bool:
    """Whether policies of the priority that decides would do different things, each by its first rule that matches."""
    for _, group in groupby(traces, key=lambda policy: policy.priority):
        actions = {action for policy in group for action, certain in _acts(policy) if certain}
        if actions:
            return len(actions) > 1
    return False


def _ordered(traces: Sequence[PolicyTrace]) -> tuple[TierResult, Sequence[PolicyTrace]]:
    """Admin and Baseline: the first rule that matches, by priority and then order, decides."""
    for number, trace in enumerate(traces):
        for rule in trace.rules:
            matched = both(trace.selects, rule.matched)
            if matched is None:
                return TierResult.UNKNOWN, traces
            if matched:
                marked = replace(trace, decided=rule.action, deciding=rule.index)
                return _RESULTS[rule.action], [*traces[:number], marked, *traces[number + 1 :]]
    return TierResult.SILENT, traces
