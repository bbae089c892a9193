"""What one policy says of one question: does it select the end, and which of its rules match, clause by clause."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from console.objects.core import Pod
from console.policy.match import (
    both,
    cidr_clause,
    either,
    namespace_clauses,
    node_clauses,
    pod_clauses,
    port_clause,
    port_matches,
)
from console.policy.model import (
    CidrPeer,
    Direction,
    DomainPeer,
    NodePeer,
    Peer,
    PodPeer,
    Policy,
    PortMatch,
    Rule,
    Subject,
    UnknownPeer,
)
from console.policy.trace import Clause, ClauseKind, Party, PeerTrace, PolicyTrace, Question, RuleTrace


class Modes(msgspec.Struct, frozen=True):
    """Answers to what the specification leaves contested; each is also a caveat where it matters.

    `ingress_ipblock_matches_pods`: an ingress ipBlock sees a pod source's own address
    (false: the source is rewritten first, so it never matches a pod).
    `sidecar_ports`: named ports of restartable init containers count.
    """

    ingress_ipblock_matches_pods: bool = True
    sidecar_ports: bool = True


def ask(policy: Policy, question: Question, modes: Modes) -> PolicyTrace:
    """What one policy says of a question."""
    subject = subject_clauses(policy.subject, question.subject)
    selects = both(*[clause.matched for clause in subject])
    rules = policy.rules(question.direction)
    evaluated: tuple[RuleTrace, ...] = ()
    if rules and selects is not False:
        evaluated = tuple([_rule(rule, question, modes) for rule in rules])
    return PolicyTrace(
        policy.ref, policy.tier, selects, rules is not None, subject, evaluated, priority=policy.priority
    )


def any_matches(rules: Iterable[Rule], question: Question, modes: Modes) -> bool:
    """Whether any of some rules surely matches. Asks no further than that needs."""
    pod, protocol, port = _destination(question, modes), question.protocol, question.port
    return any(
        (rule.ports is None or any(port_matches(match, pod, protocol, port) for match in rule.ports))
        and (rule.peers is None or any(_peer(peer, rule, question, modes).matched for peer in rule.peers))
        for rule in rules
    )


def subject_clauses(subject: Subject, party: Party) -> tuple[Clause, ...]:
    """The clauses by which a policy selects an end, all of which must match."""
    pod, namespace = party.pod, party.namespace
    assert pod is not None
    assert namespace is not None
    clauses: tuple[Clause, ...] = ()
    if subject.namespaces is None:
        if namespace.name != subject.home:
            return (Clause(ClauseKind.NAMESPACE, subject.namespaces_path, False, subject.home, namespace.name),)
    else:
        clauses = namespace_clauses(subject.namespaces, namespace, subject.namespaces_path)
    if subject.pods is not None:
        clauses += pod_clauses(subject.pods, pod, subject.pods_path)
    return clauses


def _rule(rule: Rule, question: Question, modes: Modes) -> RuleTrace:
    if rule.peers is None:
        anyone = Clause(ClauseKind.ANY_PEER, rule.path, True, "any peer", question.peer.name)
        peers: tuple[PeerTrace, ...] = (PeerTrace(rule.path, None, True, (anyone,)),)
    else:
        peers = tuple([_peer(peer, rule, question, modes) for peer in rule.peers])
    if rule.ports is None:
        found = f"{question.port}/{question.protocol.value}"
        # Ports that a rule failing closed may name do not count, so it must not be said to name none.
        closed = any(isinstance(peer, UnknownPeer) for peer in rule.peers or ())
        note = "the whole rule fails closed, whatever ports it names" if closed else ""
        ports: tuple[Clause, ...] = (Clause(ClauseKind.ANY_PORT, rule.path, True, "any port", found, note),)
    else:
        ports = tuple([_port(match, question, modes) for match in rule.ports])
    peer, port = either(*[each.matched for each in peers]), either(*[each.matched for each in ports])
    return RuleTrace(rule.path, rule.index, rule.action, both(peer, port), peer, port, peers, ports)


def _port(match: PortMatch, question: Question, modes: Modes) -> Clause:
    """The clause of a port, saying so where it names the port of the Service in place of the pods' own."""
    clause = port_clause(match, _destination(question, modes), question.protocol, question.port)
    asked, protocol = question.service_port, question.protocol
    if clause.matched or asked in (None, question.port) or match.low is None or match.high is None:
        return clause
    if match.protocol in (None, protocol) and match.low <= asked <= match.high:
        return replace(clause, note=f"{asked} is the Service's port; policies see the pod's own, {question.port}")
    return clause


def _index(peer: Peer, rule: Rule) -> int:
    """Which of the rule's peers it is, as written: each network of a peer is compiled to a peer of its own."""
    index = peer.path[len(rule.path) + 1]
    assert isinstance(index, int)
    return index


def _destination(question: Question, modes: Modes) -> Pod | None:
    """The pod whose declared ports count, with those that do."""
    pod = question.destination
    if pod is None or modes.sidecar_ports:
        return pod
    return replace(pod, ports=tuple(port for port in pod.ports if not port.sidecar))


def _peer(peer: Peer, rule: Rule, question: Question, modes: Modes) -> PeerTrace:
    party, index = question.peer, _index(peer, rule)
    if isinstance(peer, CidrPeer):
        clause = cidr_clause(peer, party)
        if question.direction is Direction.INGRESS and party.pod is not None and clause.matched:
            note = "" if modes.ingress_ipblock_matches_pods else "a pod's address is rewritten before ingress"
            clause = replace(
                clause, matched=modes.ingress_ipblock_matches_pods, note=note, caveat="INGRESS_IPBLOCK_POD_SOURCE"
            )
        return PeerTrace(peer.path, index, clause.matched, (clause,))
    if isinstance(peer, NodePeer):
        clauses = node_clauses(peer.nodes, party, peer.path)
    elif isinstance(peer, DomainPeer):
        outside = party.pod is None and party.host_pod is None
        wanted, found = ", ".join(peer.names), party.name
        note = "which addresses a name has is not known here" if outside else "names are matched outside the cluster"
        clauses = (Clause(ClauseKind.DOMAIN_NAMES, peer.path, None if outside else False, wanted, found, note),)
    elif isinstance(peer, UnknownPeer):
        note = f"the whole rule fails closed: it {'denies everything' if peer.matches else 'matches nothing'}"
        clauses = (Clause(ClauseKind.UNKNOWN_PEER, peer.path, peer.matches, peer.field, party.name, note),)
    else:
        clauses = _pod_peer(peer, party)
    return PeerTrace(peer.path, index, both(*[clause.matched for clause in clauses]), clauses)


def _pod_peer(peer: PodPeer, party: Party) -> tuple[Clause, ...]:
    pod, namespace = party.pod, party.namespace
    if pod is None or namespace is None:
        found = f"{party.name} on its node's network" if party.host_pod else party.name
        kind = ClauseKind.POD_SELECTOR if peer.namespaces is None else ClauseKind.NAMESPACE_SELECTOR
        wanted = f"pods of {peer.home}" if peer.namespaces is None else "pods of the cluster"
        path = peer.pods_path if peer.namespaces is None else peer.namespaces_path
        unread = [gap for gap in party.pod_gaps if peer.namespaces is not None or gap.covers(peer.home)]
        if unread:
            return (Clause(kind, path, None, wanted, found, f"it may be a pod's address: {unread[0].why}"),)
        return (Clause(kind, path, False, wanted, found, "selectors match pods only", hopeless=True),)
    if peer.namespaces is None:
        inside = namespace.name == peer.home
        clauses: tuple[Clause, ...] = ()
        if not inside or peer.pods is None:
            note = "" if inside else "a podSelector alone means the policy's own namespace"
            clauses = (
                Clause(ClauseKind.NAMESPACE, peer.pods_path, inside, f"namespace {peer.home}", namespace.name, note),
            )
    else:
        clauses = namespace_clauses(peer.namespaces, namespace, peer.namespaces_path)
    if peer.pods is not None:
        clauses += pod_clauses(peer.pods, pod, peer.pods_path)
    return clauses
