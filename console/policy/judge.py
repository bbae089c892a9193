"""One direction of one connection between two parties, judged and explained.

The order of judgement: Admin tier, NetworkPolicy, Baseline, default allow. Each tier
only speaks for pods; hostNetwork pods, a pod's own node and a pod itself are outside
of it (network-policies page of the Kubernetes documentation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from console.objects.core import Pod
from console.objects.coverage import Gap
from console.policy.match import (
    both,
    cidr_clause,
    either,
    namespace_clauses,
    pod_clauses,
    port_clause,
)
from console.policy.model import (
    Action,
    CidrPeer,
    Direction,
    Peer,
    PodPeer,
    Policy,
    Rule,
    Subject,
    Tier,
)
from console.policy.trace import (
    Clause,
    ClauseKind,
    DirectionTrace,
    Ground,
    Match,
    Party,
    PeerTrace,
    PolicyTrace,
    Question,
    RuleTrace,
    TierResult,
    TierTrace,
)


@dataclass(frozen=True, slots=True)
class Modes:
    """Answers to what the specification leaves contested; each is also a caveat where it matters.

    `ingress_ipblock_matches_pods`: an ingress ipBlock sees a pod source's own address
    (false: the source is rewritten first, so it never matches a pod).
    `sidecar_ports`: named ports of restartable init containers count.
    """

    ingress_ipblock_matches_pods: bool = True
    sidecar_ports: bool = True


def judge(
    question: Question,
    *,
    policies: Sequence[Policy],
    gaps: Sequence[Gap],
    modes: Modes,
) -> DirectionTrace:
    """Judge one direction. `policies` are all that may select the subject; `gaps` those that concern it."""
    subject, peer = question.subject, question.peer

    def free(ground: Ground) -> DirectionTrace:
        return DirectionTrace(question, True, ground)

    if subject.host_pod is not None:
        return free(Ground.HOST_NETWORK)
    if subject.pod is None or subject.namespace is None:
        # For an address, whether its own node's traffic is exempt is the pod's side's matter.
        return free(Ground.OUTSIDE)
    if peer.pod is not None and peer.pod.ref == subject.pod.ref:
        return free(Ground.SELF)
    # The exemption is NetworkPolicy's: the other tiers can name nodes, and mean them.
    own_node = peer.pod is None and peer.address is not None and peer.address in subject.own_node
    tiers: list[TierTrace] = []
    answer: Match = True
    ground = Ground.OWN_NODE if own_node else Ground.DEFAULT
    decided = False
    for tier in Tier:
        exempt = own_node and tier is Tier.NETWORK_POLICY
        asked = [] if exempt else [policy for policy in policies if policy.tier is tier]
        if decided:
            tiers.append(TierTrace(tier, TierResult.NOT_REACHED))
            continue
        trace = _tier(tier, asked, question, modes)
        tiers.append(trace)
        if trace.result in (TierResult.ALLOWED, TierResult.DENIED, TierResult.UNKNOWN):
            decided, ground = True, Ground.POLICY
            answer = {TierResult.ALLOWED: True, TierResult.DENIED: False, TierResult.UNKNOWN: None}[trace.result]
    concerned = tuple(gap for gap in gaps if not _harmless(gap, tiers, own_node))
    if concerned:
        return DirectionTrace(question, None, Ground.GAP, tuple(tiers), concerned)
    return DirectionTrace(question, answer, ground, tuple(tiers))


def _harmless(gap: Gap, tiers: Sequence[TierTrace], own_node: bool) -> bool:
    # NetworkPolicies add up: one that could not be read cannot take back what another allows.
    return gap.resource == "networkpolicies" and (
        own_node or any(tier.tier is Tier.NETWORK_POLICY and tier.result is TierResult.ALLOWED for tier in tiers)
    )


def _tier(tier: Tier, policies: Sequence[Policy], question: Question, modes: Modes) -> TierTrace:
    selecting: list[PolicyTrace] = []
    unselecting: list[PolicyTrace] = []
    for policy in sorted(policies, key=lambda each: (each.priority, each.ref)):
        trace = ask(policy, question, modes)
        if trace.selects is False:
            unselecting.append(trace)
        elif trace.governs:
            selecting.append(trace)
    if tier is Tier.NETWORK_POLICY:
        result, selecting = _isolating(selecting)
    else:
        result, selecting = _ordered(selecting)
    return TierTrace(tier, result, tuple(selecting), tuple(unselecting))


def _isolating(traces: Sequence[PolicyTrace]) -> tuple[TierResult, list[PolicyTrace]]:
    """NetworkPolicies add up: allowed when any rule of any of them matches, else denied."""
    if not traces:
        return TierResult.SILENT, []
    marked: list[PolicyTrace] = []
    result: Match = False
    for trace in traces:
        matching = next((rule.index for rule in trace.rules if rule.matched), None)
        result = either(result, *(rule.matched for rule in trace.rules))
        marked.append(_decided(trace, Action.ALLOW, matching) if matching is not None else trace)
    return {True: TierResult.ALLOWED, False: TierResult.DENIED, None: TierResult.UNKNOWN}[result], marked


def _ordered(traces: Sequence[PolicyTrace]) -> tuple[TierResult, list[PolicyTrace]]:
    """Admin and Baseline: the first rule that matches, by priority and then order, decides."""
    outcome = {Action.ALLOW: TierResult.ALLOWED, Action.DENY: TierResult.DENIED, Action.PASS: TierResult.PASSED}
    for number, trace in enumerate(traces):
        for rule in trace.rules:
            matched = both(trace.selects, rule.matched)
            if matched is None:
                return TierResult.UNKNOWN, list(traces)
            if matched:
                marked = _decided(trace, rule.action, rule.index)
                return outcome[rule.action], [*traces[:number], marked, *traces[number + 1 :]]
    return TierResult.SILENT, list(traces)


def _decided(trace: PolicyTrace, action: Action, rule: int) -> PolicyTrace:
    return PolicyTrace(trace.ref, trace.tier, trace.selects, trace.governs, trace.subject, trace.rules, action, rule)


def ask(policy: Policy, question: Question, modes: Modes, *, anyway: bool = False) -> PolicyTrace:
    """What one policy says of a question. `anyway` evaluates its rules even where it does not select the subject."""
    subject = subject_clauses(policy.subject, question.subject)
    selects = both(*(clause.matched for clause in subject))
    rules = policy.rules(question.direction)
    evaluated: tuple[RuleTrace, ...] = ()
    if rules and (anyway or selects is not False):
        evaluated = tuple(_rule(rule, question, modes) for rule in rules)
    return PolicyTrace(policy.ref, policy.tier, selects, rules is not None, subject, evaluated)


def subject_clauses(subject: Subject, party: Party) -> tuple[Clause, ...]:
    """The clauses by which a policy selects an end, all of which must match."""
    pod, namespace = party.pod, party.namespace
    assert pod is not None
    assert namespace is not None
    clauses: tuple[Clause, ...] = ()
    if subject.namespaces is None:
        if namespace.name != subject.home:
            return (Clause(ClauseKind.NAMESPACE, ("metadata", "namespace"), False, subject.home, namespace.name),)
    else:
        clauses = namespace_clauses(subject.namespaces, namespace, (*subject.path, "namespaceSelector"))
    if subject.pods is not None:
        clauses += pod_clauses(subject.pods, pod, subject.path)
    return clauses


def _rule(rule: Rule, question: Question, modes: Modes) -> RuleTrace:
    if rule.peers is None:
        anyone = Clause(ClauseKind.ANY_PEER, rule.path, True, "any peer", question.peer.name)
        peers: tuple[PeerTrace, ...] = (PeerTrace(rule.path, None, True, (anyone,)),)
    else:
        peers = tuple(_peer(peer, index, question, modes) for index, peer in enumerate(rule.peers))
    if rule.ports is None:
        found = f"{question.port}/{question.protocol.value}"
        ports: tuple[Clause, ...] = (Clause(ClauseKind.ANY_PORT, rule.path, True, "any port", found),)
    else:
        pod = question.destination
        if pod is not None and not modes.sidecar_ports:
            pod = _without_sidecars(pod)
        ports = tuple(port_clause(match, pod, question.protocol, question.port) for match in rule.ports)
    peer, port = either(*(each.matched for each in peers)), either(*(each.matched for each in ports))
    return RuleTrace(rule.path, rule.index, rule.action, both(peer, port), peer, port, peers, ports)


def _without_sidecars(pod: Pod) -> Pod:
    return msgspec.structs.replace(pod, ports=tuple(port for port in pod.ports if not port.sidecar))


def _peer(peer: Peer, index: int, question: Question, modes: Modes) -> PeerTrace:
    party = question.peer
    if isinstance(peer, CidrPeer):
        clause = cidr_clause(peer, party.address)
        if question.direction is Direction.INGRESS and party.pod is not None and clause.matched:
            note = "" if modes.ingress_ipblock_matches_pods else "a pod's address is rewritten before ingress"
            clause = replace(
                clause, matched=modes.ingress_ipblock_matches_pods, note=note, caveat="INGRESS_IPBLOCK_POD_SOURCE"
            )
        return PeerTrace(peer.path, index, clause.matched, (clause,))
    clauses = _pod_peer(peer, party)
    return PeerTrace(peer.path, index, both(*(clause.matched for clause in clauses)), clauses)


def _pod_peer(peer: PodPeer, party: Party) -> tuple[Clause, ...]:
    pod, namespace = party.pod, party.namespace
    if pod is None or namespace is None:
        found = f"{party.name} on its node's network" if party.host_pod else str(party.address or party.name)
        kind = ClauseKind.POD_SELECTOR if peer.namespaces is None else ClauseKind.NAMESPACE_SELECTOR
        wanted = f"pods of {peer.home}" if peer.namespaces is None else "pods of the cluster"
        path = (*peer.path, kind.value)
        return (Clause(kind, path, False, wanted, found, "selectors match pods only"),)
    if peer.namespaces is None:
        inside = namespace.name == peer.home
        clauses: tuple[Clause, ...] = ()
        if not inside or peer.pods is None:
            note = "" if inside else "a podSelector alone means the policy's own namespace"
            path = (*peer.path, "podSelector")
            clauses = (Clause(ClauseKind.NAMESPACE, path, inside, f"namespace {peer.home}", namespace.name, note),)
    else:
        clauses = namespace_clauses(peer.namespaces, namespace, (*peer.path, "namespaceSelector"))
    if peer.pods is not None:
        clauses += pod_clauses(peer.pods, pod, (*peer.path, "podSelector"))
    return clauses
