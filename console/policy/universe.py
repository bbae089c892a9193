"""The classes of a snapshot: pods, and parts of the outside, that no policy can tell apart.

A class is a bit; a selector, a network or a node peer is resolved once to the set of
classes it matches, kept as a Python int. Everything about all pairs is then a few
operations on such sets.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from ipaddress import IPv4Address, IPv6Address
from operator import or_

import msgspec

from console.objects.core import METADATA_NAME, Namespace, Pod
from console.objects.selectors import LabelSelector, Requirement
from console.objects.snapshot import Snapshot
from console.policy.addresses import NOT_INTERNET, api_server_addresses, internet, parse_address
from console.policy.match import keys_of, selects
from console.policy.model import Address, CidrPeer, Network, NodePeer, PodPeer, Policy
from console.policy.parties import address_of

#: The ranges that addresses outside the cluster are shown by, beside the internet.
METADATA = "metadata"
INTERNET = "internet"
PRIVATE = "private"
API_SERVER = "apiserver"
NODES = "nodes"


@dataclass(frozen=True, slots=True)
class PodClass:
    """Pods of one namespace that policies cannot tell apart; `address` is that of the first, if it has one."""

    namespace: str
    pods: tuple[Pod, ...]
    address: Address | None
    host: bool


@dataclass(frozen=True, slots=True)
class Outside:
    """Addresses that are no pods' and that policies cannot tell apart; `kind` is one of the constants above."""

    kind: str
    address: Address


class Universe:
    """All classes of a snapshot in one address family, and the sets that selectors and networks match."""

    def __init__(
        self,
        snapshot: Snapshot,
        policies: Iterable[Policy],
        *,
        family: int,
        extra: Iterable[str] = (),
        networks: Iterable[Network] = (),
    ) -> None:
        """`extra` are further label keys that may decide (those of policies that are not evaluated).

        `networks` are further ones to tell addresses apart by: to ask about them, or to
        compare with another snapshot.
        """
        policies = list(policies)
        self.snapshot = snapshot
        self.family = family
        keys, cuts = set(extra), dict.fromkeys(networks)
        self._names_ports = self._names_nodes = False
        for policy in policies:
            keys.update(keys_of(policy.subject.pods))
            for rule in (*(policy.ingress or ()), *(policy.egress or ())):
                self._names_ports = self._names_ports or any(match.name for match in rule.ports or ())
                for peer in rule.peers or ():
                    if isinstance(peer, PodPeer):
                        keys.update(keys_of(peer.pods))
                    elif isinstance(peer, CidrPeer):
                        cuts.update(dict.fromkeys((peer.network, *peer.excepts)))
                    self._names_nodes = self._names_nodes or isinstance(peer, NodePeer)
        self._spans = _Spans(cuts, family)
        self.pods: list[PodClass] = []
        self.class_of: dict[tuple[str, str], int] = {}
        self._group(frozenset(keys))
        self.outside = list(self._outside(cuts))
        self.size = len(self.pods) + len(self.outside)
        self.all = (1 << self.size) - 1
        self._index()

    def _group(self, keys: frozenset[str]) -> None:
        found: dict[object, list[Pod]] = {}
        addresses: dict[object, Address | None] = {}
        for pod in self.snapshot.pods():
            if pod.finished:
                continue
            address = address_of(pod, self.snapshot, self.family)
            labels = tuple((key, pod.labels[key]) for key in sorted(keys & pod.labels.keys()))
            ports = tuple(port for port in pod.ports if port.name) if self._names_ports else ()
            where = address if pod.host_network else self._spans.of(address)
            key: object = (pod.namespace, pod.host_network, labels, ports, where)
            found.setdefault(key, []).append(pod)
            addresses.setdefault(key, address)
        for number, (key, pods) in enumerate(found.items()):
            self.pods.append(PodClass(pods[0].namespace, tuple(pods), addresses[key], pods[0].host_network))
            for pod in pods:
                self.class_of[pod.namespace, pod.name] = number

    def _outside(self, networks: Mapping[Network, None]) -> Iterator[Outside]:
        own = [address for address in map(parse_address, self.snapshot.pods_by_ip) if address is not None]
        for address in internet(list(networks), self.family, own):
            yield Outside(INTERNET, address)
        seen: set[object] = set()
        if self.family == 4:
            metadata = parse_address("169.254.169.254")
            assert metadata is not None
            yield Outside(METADATA, metadata)
        for address in api_server_addresses(self.snapshot):
            if address.version == self.family:
                yield Outside(API_SERVER, address)
        yield from (Outside(NODES, address) for address in self._nodes())
        taken = {int(address) for address in own if address.version == self.family}
        for start in self._spans.starts:
            address = self._spans.address(start)
            if int(address) not in taken and _private(address) and (where := self._spans.of(address)) not in seen:
                seen.add(where)
                yield Outside(PRIVATE, address)

    def _nodes(self) -> Iterator[Address]:
        """One address of each kind of node that networks, or selectors of nodes, can tell apart."""
        seen: set[object] = set()
        for text, name in self.snapshot.nodes_by_ip.items():
            address = parse_address(text)
            if address is None or address.version != self.family:
                continue
            node = self.snapshot.nodes.get(name)
            labels = tuple(sorted(node.labels.items())) if node is not None and self._names_nodes else None
            key = self._spans.of(address), labels, node is None
            if key not in seen:
                seen.add(key)
                yield address

    def _index(self) -> None:
        """Which classes carry a label, or a label's value; which are in a namespace."""
        values: dict[tuple[str, str], int] = {}
        keys: dict[str, int] = {}
        self.in_namespace: dict[str, int] = {}
        #: Classes that selectors can match: pods with an address of their own.
        self.selectable = 0
        for number, each in enumerate(self.pods):
            bit = 1 << number
            self.in_namespace[each.namespace] = self.in_namespace.get(each.namespace, 0) | bit
            if each.host:
                continue
            self.selectable |= bit
            for key, value in each.pods[0].labels.items():
                values[key, value] = values.get((key, value), 0) | bit
                keys[key] = keys.get(key, 0) | bit
        self._values, self._keys = values, keys
        self._by_span: dict[int, int] = {}
        for number, address in self._addresses():
            span = self._spans.of(address)
            self._by_span[span] = self._by_span.get(span, 0) | (1 << number)
        self._filled = sorted(self._by_span)
        self._networks: dict[Network, int] = {}
        self._namespaces: dict[bytes, tuple[int, int]] = {}

    def of_pods(self, selector: LabelSelector | None) -> int:
        """The classes whose pods a podSelector matches, in any namespace; None matches all."""
        found = self.selectable
        if selector is not None:
            for key, value in (selector.match_labels or {}).items():
                found &= self._values.get((key, value), 0)
            for entry in selector.match_expressions or ():
                found &= self._of_requirement(entry)
        return found

    def _of_requirement(self, entry: Requirement) -> int:
        if entry.operator == "Exists":
            return self._keys.get(entry.key, 0)
        if entry.operator == "DoesNotExist":
            return ~self._keys.get(entry.key, 0) & self.all
        listed = reduce(or_, (self._values.get((entry.key, value), 0) for value in entry.values or ()), 0)
        return listed if entry.operator == "In" else ~listed & self.all

    def selected(self, namespaces: LabelSelector | None, pods: LabelSelector | None, home: str) -> tuple[int, int]:
        """The classes that a pair of selectors surely matches, and those it may (labels that could not be read)."""
        sure, maybe = self._in_namespaces(namespaces, home)
        matched = self.of_pods(pods)
        return sure & matched, maybe & matched

    def _in_namespaces(self, selector: LabelSelector | None, home: str) -> tuple[int, int]:
        if selector is None:
            found = self.in_namespace.get(home, 0)
            return found, found
        # Equal selectors are many (every tenant names the same few), and each asks every namespace.
        key = msgspec.json.encode(selector)
        if key not in self._namespaces:
            self._namespaces[key] = self._matched_namespaces(selector)
        return self._namespaces[key]

    def _matched_namespaces(self, selector: LabelSelector) -> tuple[int, int]:
        sure = maybe = 0
        for name, bits in self.in_namespace.items():
            namespace = self.snapshot.namespace(name)
            matched = selects(selector, namespace.labels) if namespace.labels_known else _by_name(selector, namespace)
            if matched:
                sure |= bits
            elif matched is None:
                maybe |= bits
        return sure, sure | maybe

    def of_network(self, peer: CidrPeer) -> int:
        """The classes whose address lies in a network and in none of its exceptions."""
        found = self.within(peer.network)
        for inner in peer.excepts:
            found &= ~self.within(inner)
        return found

    def within(self, network: Network) -> int:
        """The classes whose address lies in a network: one that a policy names, or that was given."""
        if network not in self._networks:
            first, last = self._spans.range(network)
            held = self._filled[bisect_left(self._filled, first) : bisect_left(self._filled, last)]
            self._networks[network] = reduce(or_, (self._by_span[span] for span in held), 0)
        return self._networks[network]

    def of_nodes(self, peer: NodePeer) -> tuple[int, int]:
        """The classes whose address is that of a node a selector matches, surely and maybe."""
        sure = maybe = 0
        unread = bool(self.snapshot.coverage.of("nodes"))
        for number, address in self._addresses():
            if number < len(self.pods) and not self.pods[number].host:
                continue
            name = self.snapshot.nodes_by_ip.get(str(address), "")
            node = self.snapshot.nodes.get(name)
            if node is not None:
                sure |= (1 << number) if selects(peer.nodes, node.labels) else 0
            elif name or unread:
                maybe |= 1 << number
        return sure, sure | maybe

    def _addresses(self) -> Iterator[tuple[int, Address]]:
        for number, each in enumerate(self.pods):
            if each.address is not None:
                yield number, each.address
        for number, part in enumerate(self.outside, len(self.pods)):
            yield number, part.address


class _Spans:
    """The bounds of networks cut the addresses of a family into spans whose addresses match the same ones."""

    def __init__(self, networks: Iterable[Network], family: int) -> None:
        cuts = {0}
        self._family = family
        for network in (*networks, *NOT_INTERNET[family]):
            if network.version == family:
                first = int(network.network_address)
                cuts |= {first, first + network.num_addresses}
        bits = 32 if family == 4 else 128
        self.starts = sorted(cut for cut in cuts if cut < 1 << bits)

    def of(self, address: Address | None) -> int:
        """The span of an address; -1 where there is none."""
        return -1 if address is None else bisect_right(self.starts, int(address)) - 1

    def range(self, network: Network) -> tuple[int, int]:
        """The spans of a network, as a half-open range; empty for the other family."""
        if network.version != self._family:
            return 0, 0
        first = int(network.network_address)
        return bisect_right(self.starts, first) - 1, bisect_left(self.starts, first + network.num_addresses)

    def address(self, start: int) -> Address:
        """The first address of a span."""
        return IPv4Address(start) if self._family == 4 else IPv6Address(start)


def _private(address: Address) -> bool:
    return address.is_private and not address.is_loopback and not address.is_link_local and not address.is_unspecified


def _by_name(selector: LabelSelector, namespace: Namespace) -> bool | None:
    """What a namespaceSelector says of a namespace of which only the name is known."""
    if selector.is_empty:
        return True
    if set(keys_of(selector)) == {METADATA_NAME}:
        return selects(selector, namespace.labels)
    named = LabelSelector(
        {key: value for key, value in (selector.match_labels or {}).items() if key == METADATA_NAME},
        [entry for entry in selector.match_expressions or () if entry.key == METADATA_NAME],
    )
    return None if selects(named, namespace.labels) else False
