"""From ends to parties: which replicas cannot be told apart, and how the network sees each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address
from itertools import chain

import msgspec
from msgspec.structs import replace

from console.objects.core import Pod
from console.objects.coverage import LOADING, NOT_READABLE, Gap
from console.objects.selectors import LabelSelector
from console.objects.snapshot import Snapshot
from console.policy.addresses import Blocks, contains, internet, never_a_pods, parse_address, within
from console.policy.match import keys_of
from console.policy.model import Address, CidrPeer, Network, PodPeer, Policy, Rule
from console.policy.trace import Party
from console.policy.verdict import End, EndKind


class Scope:
    """What some policies, and further selectors that matter, can tell apart; worked out when it is asked for."""

    def __init__(self, policies: Sequence[Policy], selectors: Sequence[LabelSelector | None] = ()) -> None:
        self._policies = policies
        self._selectors = selectors

    def _rules(self) -> Iterator[Rule]:
        for policy in self._policies:
            yield from policy.ingress or ()
            yield from policy.egress or ()

    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys of pods' labels."""
        peers = (peer for rule in self._rules() for peer in rule.peers or () if isinstance(peer, PodPeer))
        subjects = (policy.subject.pods for policy in self._policies)
        selectors = chain(self._selectors, subjects, (peer.pods for peer in peers))
        return frozenset(key for selector in selectors for key in keys_of(selector))

    @cached_property
    def blocks(self) -> tuple[Blocks, ...]:
        """The networks of each rule that has any, with their exceptions."""
        return tuple(
            dict.fromkeys(
                blocks
                for rule in self._rules()
                if (blocks := tuple((p.network, p.excepts) for p in rule.peers or () if isinstance(p, CidrPeer)))
            )
        )

    @cached_property
    def networks(self) -> tuple[Network, ...]:
        """All networks and exceptions."""
        return tuple(
            dict.fromkeys(each for blocks in self.blocks for block in blocks for each in (block[0], *block[1]))
        )


class Replicas(msgspec.Struct, frozen=True):
    """Pods (or addresses) that the policies in question cannot tell apart; the first stands for all."""

    members: tuple[Party, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What the members are called."""
        return tuple(member.name for member in self.members)


def families_of(pod: Pod) -> frozenset[int]:
    """The address families a pod holds; empty while it has no address."""
    # Before Kubernetes 1.30 status.hostIP holds one family; podIPs of a hostNetwork pod are its node's, of both.
    texts = (*pod.ips, *pod.host_ips) if pod.host_network else pod.ips
    return frozenset(address.version for address in map(parse_address, texts) if address is not None)


def address_of(pod: Pod, snapshot: Snapshot, family: int | None) -> Address | None:
    """The address a pod is known by in one family (None: the first it has); its node's for a hostNetwork pod."""
    texts = (*pod.ips, *pod.host_ips, *_node_addresses(pod, snapshot)) if pod.host_network else pod.ips
    addresses = (address for address in map(parse_address, texts) if address is not None)
    return next((each for each in addresses if family in (None, each.version)), None)


def pod_party(pod: Pod, snapshot: Snapshot, family: int | None) -> Party:
    """A pod as the network sees it in one address family (None: whatever it has first)."""
    address = address_of(pod, snapshot, family)
    name = f"{pod.namespace}/{pod.name}"
    if pod.host_network:
        return replace(address_party(address, snapshot, name), host_pod=pod, pod_gaps=())
    nodes = frozenset(
        parsed for text in (*pod.host_ips, *_node_addresses(pod, snapshot)) if (parsed := parse_address(text))
    )
    return Party(name, pod, snapshot.namespace(pod.namespace), address, own_node=nodes)


def address_party(address: Address | None, snapshot: Snapshot, name: str) -> Party:
    """A bare address as the network sees it, with the node that has it."""
    node_name = snapshot.nodes_by_ip.get(str(address), "")
    node = snapshot.nodes.get(node_name)
    known = node is not None or (not node_name and not snapshot.coverage.of("nodes"))
    gaps = () if node_name or address is None else _pod_gaps(address, snapshot)
    return Party(name, address=address, node=node, node_known=known, pod_gaps=gaps)


def _pod_gaps(address: Address, snapshot: Snapshot) -> tuple[Gap, ...]:
    """The gaps by which an address that no known pod holds may be a pod's."""
    if never_a_pods(address):
        return ()
    gaps = snapshot.coverage.gaps
    return tuple(gap for gap in gaps if gap.resource == "pods" and gap.code in (NOT_READABLE, LOADING))


class _Held:
    """The addresses of one family that pods and nodes hold, as numbers; nobody asks for more than a few of them."""

    def __init__(self, snapshot: Snapshot, family: int) -> None:
        self._snapshot = snapshot
        self._of: type[IPv4Address | IPv6Address] = IPv4Address if family == 4 else IPv6Address

    def __contains__(self, number: object) -> bool:
        # As Kubernetes writes addresses: in their canonical form.
        text = str(self._of(number))
        return text in self._snapshot.pods_by_ip or text in self._snapshot.nodes_by_ip


def _node_addresses(pod: Pod, snapshot: Snapshot) -> tuple[str, ...]:
    node = snapshot.nodes.get(pod.node)
    return node.addresses if node else ()


def bare_ends(end: End) -> frozenset[Address | str]:
    """The addresses, and names of nodes, by which an end may be the node of a pod at the other one."""
    hosts = (parse_address(text) for pod in end.pods if pod.host_network for text in (*pod.ips, *pod.host_ips))
    nodes = (pod.node for pod in end.pods if pod.host_network and pod.node)
    return frozenset((*end.addresses, *(address for address in hosts if address is not None), *nodes))


def replicas(
    end: End, snapshot: Snapshot, scope: Scope, family: int | None, *, beside: frozenset[Address | str]
) -> list[Replicas]:
    """The classes of an end's parties in one address family (None: no address of either end is known).

    `beside` are the bare addresses and nodes at the other end: pods on one of them are let through.
    """
    if end.kind is EndKind.INTERNET or end.network is not None:
        version = end.network.version if end.network is not None else family or 4
        own = _Held(snapshot, version)
        parts = internet(scope.blocks, version, own)
        if end.network is not None:
            parts = within(end.network, scope.blocks, own)
        called = str(end.network or "internet")
        gaps = {each: _pod_gaps(each, snapshot) for each in parts}
        if end.network is None:
            gaps = dict.fromkeys(gaps, ())
        return [
            Replicas((Party(f"{called}, such as {each}", address=each, pod_gaps=held),)) for each, held in gaps.items()
        ]
    if end.addresses:
        usable = [address for address in end.addresses if family in (None, address.version)]
        called = f" of {end.ref.name}" if end.ref is not None else ""
        parties = [address_party(each, snapshot, f"{each}{called}") for each in usable]
        if end.ref is not None:  # whose addresses they are is known
            parties = [replace(party, pod_gaps=()) for party in parties]
        return [Replicas((party,)) for party in parties]
    if len(end.pods) == 1:
        return [Replicas((pod_party(end.pods[0], snapshot, family),))]
    classes: dict[object, list[Party]] = {}
    for pod in end.pods:
        party = pod_party(pod, snapshot, family)
        key = _signature(pod, party.address, scope), (party.own_node | {pod.node}) & beside
        classes.setdefault(key, []).append(party)
    return [Replicas(tuple(members)) for members in classes.values()]


def _signature(pod: Pod, address: Address | None, scope: Scope) -> object:
    labels = tuple((key, pod.labels[key]) for key in sorted(scope.keys & pod.labels.keys()))
    # Without an address in the family: none yet, or one in another.
    member: object = bool(families_of(pod))
    if address is not None:
        member = tuple(contains(network, address) for network in scope.networks)
    # A hostNetwork pod is its node's address, which may be the other end's own node.
    return pod.namespace, labels, pod.ports, member, (address, pod.node) if pod.host_network else None
