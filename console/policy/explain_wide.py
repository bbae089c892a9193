"""Findings: the parts of a policy that let through more than one reads at a glance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from itertools import pairwise
from typing import Final

from console.policy.addresses import contains
from console.policy.ends import METADATA_ADDRESS
from console.policy.explain_model import DirectionView, Finding, PeerView, RuleView
from console.policy.explain_study import Study
from console.policy.explain_words import counted, listed, peer_words, port_words, workload_name
from console.policy.match import selects
from console.policy.model import Action, Address, CidrPeer, Direction, PodPeer, Tier

#: Where clouds serve instance metadata, per family (the IPv6 one is AWS's).
_METADATA: Final[dict[int, Address]] = {4: ip_address(METADATA_ADDRESS), 6: ip_address("fd00:ec2::254")}


def wide(study: Study) -> Iterator[Finding]:
    """The findings about the subject, then those about each rule that allows."""
    yield from _whole_namespace(study)
    for view in study.directions:
        for rule in view.rules:
            if rule.rule.action is Action.ALLOW:
                yield from _peers(view.direction, rule)
                if rule.ports is None:
                    sentence = f"rule {rule.rule.index + 1} names no port: every port and protocol is open"
                    yield Finding("ALL_PORTS", rule.rule.path, sentence)
            yield from _named_ports(study, view, rule)


def _whole_namespace(study: Study) -> Iterator[Finding]:
    subject, selected = study.policy.subject, study.selected
    everything = subject.pods is None or subject.pods.is_empty
    if study.policy.tier is not Tier.NETWORK_POLICY or not everything or len(selected.workloads) < 2:
        return
    if not any(view.rules for view in study.directions):
        return  # a default deny: that it is for everybody is all it says
    size = f"{counted(len(selected.pods), 'pod')} of {len(selected.workloads)} workloads"
    sentence = f"selects every pod of {subject.home}, present and future: {size} now"
    for view in study.directions:
        alone = study.population.workloads(study.around.ungoverned(view.direction))
        if len(alone) == len(selected.workloads):
            sentence += f"; for {view.direction.value} nothing else isolates any of them"
        elif alone:
            names = listed([workload_name(ref) for ref in alone])
            sentence += f"; for {view.direction.value} nothing else isolates {names}"
    yield Finding("WHOLE_NAMESPACE", subject.pods_path, sentence)


def _peers(direction: Direction, view: RuleView) -> Iterator[Finding]:
    rule = view.rule
    if view.peers is None:
        inward = "anything may connect, from inside the cluster and from outside"
        outward = f"everything may be reached, inside and outside, {METADATA_ADDRESS} (cloud metadata) among it"
        whom = inward if direction is Direction.INGRESS else outward
        yield Finding("ANY_PEER", rule.path, f"rule {rule.index + 1} names no peer: {whom}")
        return
    for each in view.peers:
        peer = each.peer
        if isinstance(peer, PodPeer) and peer.namespaces is not None and peer.namespaces.is_empty:
            number = counted(len(each.members.namespaces) if each.members else 0, "namespace")
            sentence = f"matches {peer_words(peer)}: {number} now, and any that is made"
            yield Finding("ALL_NAMESPACES", peer.namespaces_path, sentence)
        elif isinstance(peer, CidrPeer) and peer.network.prefixlen == 0:
            yield Finding("OPEN_INTERNET", peer.cidr_path, _open(peer, direction))
    yield from _opens_both(view.peers)


def _open(peer: CidrPeer, direction: Direction) -> str:
    version, metadata = peer.network.version, _METADATA[peer.network.version]
    less = f" but {listed([str(each) for each in peer.excepts], 4)}" if peer.excepts else ""
    sentence = f"{peer.network} is every IPv{version} address{less}"
    if direction is Direction.INGRESS:
        return sentence
    out = any(contains(each, metadata) for each in peer.excepts)
    return f"{sentence}; {metadata} (cloud metadata) is {'excepted' if out else 'among them'}"


def _opens_both(peers: Sequence[PeerView]) -> Iterator[Finding]:
    """Neighbouring items of which one has only a namespaceSelector and the other only a podSelector.

    A dash too many makes two alternatives of one condition. Where the two together
    would match no pod at all, nobody can have meant them together.
    """
    for one, other in alternatives(peers):
        by_pods, by_namespaces = (one, other) if _pods_only(one) else (other, one)
        assert isinstance(by_pods.peer, PodPeer)
        assert isinstance(by_namespaces.peer, PodPeer)
        if by_pods.members is None or by_namespaces.members is None or by_pods.peer.pods is None:
            continue
        pods = by_pods.peer.pods
        either = {id(pod) for each in (by_pods, by_namespaces) for pod in (each.members.pods if each.members else ())}
        together = sum(selects(pods, pod.labels) for pod in by_namespaces.members.pods)
        if 0 < together < len(either):
            sentence = (
                f"{peer_words(one.peer)} and {peer_words(other.peer)} are alternatives: they match "
                f"{counted(len(either), 'pod')}, and in one item, where both must hold, they would match {together}"
            )
            yield Finding("OPENS_BOTH", other.peer.path, sentence)


def alternatives(peers: Sequence[PeerView]) -> Iterator[tuple[PeerView, PeerView]]:
    """Neighbouring items of which one has only a namespaceSelector and the other only a podSelector."""
    for one, other in pairwise(peers):
        if (_pods_only(one) and _namespaces_only(other)) or (_pods_only(other) and _namespaces_only(one)):
            yield one, other


def _pods_only(view: PeerView) -> bool:
    peer = view.peer
    return isinstance(peer, PodPeer) and peer.namespaces is None and peer.pods is not None and not peer.pods.is_empty


def _namespaces_only(view: PeerView) -> bool:
    peer = view.peer
    return isinstance(peer, PodPeer) and peer.namespaces is not None and peer.pods is None


def _named_ports(study: Study, view: DirectionView, rule: RuleView) -> Iterator[Finding]:
    for port in rule.ports or ():
        if len(port.numbers) < 2:
            continue
        resolved = len(study.destinations(view.direction, rule).pods) - port.undeclared
        if any(pods != resolved for _, pods in port.numbers):
            means = ", ".join(f"{number} on {counted(pods, 'pod')}" for number, pods in port.numbers)
            yield Finding("NAMED_PORT_DIFFERS", port.match.path, f"{port_words(port.match)} means {means}")
