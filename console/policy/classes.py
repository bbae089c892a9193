"""What a class is: pods, or a part of the outside, that no policy can tell apart; and which class a pod is in."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from console.objects.core import ContainerPort, Pod
from console.objects.snapshot import Snapshot
from console.policy.addresses import BITS, PRIVATE_NETWORKS, api_server_addresses, internet, parse_address
from console.policy.model import Address, Network
from console.policy.parties import address_of, families_of
from console.policy.spans import Spans, numbered

#: The ranges that addresses outside the cluster are shown by, beside the internet.
METADATA: Final = "metadata"
INTERNET: Final = "internet"
PRIVATE: Final = "private"
API_SERVER: Final = "apiserver"
NODES: Final = "nodes"
#: Private addresses, as numbers: RFC 1918, RFC 4193. They begin spans of their own.
_PRIVATE: Final = {
    family: tuple(
        range(int(network.network_address), int(network.network_address) + network.num_addresses)
        for network in networks
    )
    for family, networks in PRIVATE_NETWORKS.items()
}
#: How many addresses of a span are tried, before it is taken to be all pods'.
_TRIED: Final = 1 << 16


class Where(NamedTuple):
    """Where pods are, by family in the order of the universe's: the span of their address (-1: none).

    A hostNetwork pod is where its node is: `hosts` are its addresses, `holds` the families
    that its own status tells of.
    """

    spans: tuple[int, ...]
    hosts: tuple[Address | None, ...] = ()
    holds: frozenset[int] = frozenset()


class Key(NamedTuple):
    """What tells the pods of a class from others. `names` stands for their ports that have names."""

    namespace: str
    host: bool
    labels: tuple[tuple[str, str], ...]
    names: int
    where: Where


@dataclass(frozen=True, slots=True)
class PodClass:
    """Pods of one namespace that policies cannot tell apart."""

    key: Key
    pods: tuple[Pod, ...]

    @property
    def namespace(self) -> str:
        """The namespace of its pods."""
        return self.key.namespace

    @property
    def host(self) -> bool:
        """Whether they are on their node's network."""
        return self.key.host


@dataclass(frozen=True, slots=True)
class Outside:
    """Addresses that are no pods' and that policies cannot tell apart; `kind` is one of the constants above."""

    kind: str
    address: Address


class Keys:
    """Makes the keys of pods, as far as policies can tell them apart."""

    def __init__(self, keys: Collection[str], *, named: bool, families: tuple[int, ...], spans: Mapping[int, Spans]):
        """`named`: whether policies name ports."""
        self._keys = tuple(sorted(keys))
        self._named = named
        self._families = families
        self.places = {family: place for place, family in enumerate(families)}
        self._spans = tuple(spans[family] for family in families)
        self._numbers: dict[tuple[ContainerPort, ...], int] = {(): 0}
        #: The ports with names, by the number that stands for them in a key.
        self.ports: list[tuple[ContainerPort, ...]] = [()]
        self._by_name: dict[int, Mapping[str, Sequence[ContainerPort]]] = {}

    def of(self, pod: Pod, snapshot: Snapshot) -> Key:
        """The key of a pod."""
        return Key(*self.worn(pod), self.where(pod, snapshot))

    def worn(self, pod: Pod) -> tuple[str, bool, tuple[tuple[str, str], ...], int]:
        """All of a key but where the pod is: replicas share it."""
        labels = pod.labels
        own = tuple([(key, labels[key]) for key in self._keys if key in labels])
        return pod.namespace, pod.host_network, own, self._name(pod) if self._named else 0

    def _name(self, pod: Pod) -> int:
        named = tuple([port for port in pod.ports if port.name])
        number = self._numbers.get(named)
        if number is None:
            number = self._numbers[named] = len(self.ports)
            self.ports.append(named)
        return number

    def named(self, number: int) -> Mapping[str, Sequence[ContainerPort]]:
        """The ports that a number stands for, by name."""
        found = self._by_name.get(number)
        if found is None:
            by_name: dict[str, list[ContainerPort]] = {}
            for port in self.ports[number]:
                by_name.setdefault(port.name, []).append(port)
            found = self._by_name[number] = by_name
        return found

    def where(self, pod: Pod, snapshot: Snapshot) -> Where:
        """Where a pod is."""
        if pod.host_network:
            hosts = tuple(address_of(pod, snapshot, family) for family in self._families)
            spans = (-1 if each is None else held.of(int(each)) for each, held in zip(hosts, self._spans, strict=True))
            return Where(tuple(spans), hosts, families_of(pod))
        found = [-1] * len(self._families)
        for text in pod.ips:
            place, value = self.placed(text)
            if place is not None and found[place] < 0:
                found[place] = self._spans[place].of(value)
        return Where(tuple(found))

    def span(self, place: int, value: int) -> int:
        """The span of an address of a family."""
        return self._spans[place].of(value)

    def placed(self, text: str) -> tuple[int | None, int]:
        """An address as the place of its family among those of the universe (None: not one of them) and its number."""
        address = numbered(text)
        return (None, 0) if address is None else (self.places.get(address[0]), address[1])


class Surroundings:
    """The parts of the outside in one family.

    `met` are pods' addresses that were passed over when one was picked to stand for a part: without
    the pod another one would have been.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        networks: Mapping[Network, None],
        spans: Spans,
        *,
        family: int,
        taken: Collection[int],
        node_labels: bool,
    ) -> None:
        """`taken` are the addresses pods hold; `node_labels`: whether policies can tell nodes apart."""
        self._snapshot = snapshot
        self._spans = spans
        self._family = family
        self._node_labels = node_labels
        self.met = _Met(taken)
        self.parts = tuple(self._parts(networks))

    def _parts(self, networks: Mapping[Network, None]) -> Iterator[Outside]:
        for address in internet([[(each, ())] for each in networks], self._family, self.met):
            yield Outside(INTERNET, address)
        if self._family == 4:
            metadata = parse_address("169.254.169.254")
            assert metadata is not None
            yield Outside(METADATA, metadata)
        for address in api_server_addresses(self._snapshot):
            if address.version == self._family:
                yield Outside(API_SERVER, address)
        yield from (Outside(NODES, address) for address in self._nodes())
        for start, end in pairwise((*self._spans.starts, 1 << BITS[self._family])):
            if any(start in whole for whole in _PRIVATE[self._family]):
                free = next((value for value in range(start, min(end, start + _TRIED)) if value not in self.met), None)
                if free is not None:
                    yield Outside(PRIVATE, self._spans.address(free))

    def _nodes(self) -> Iterator[Address]:
        """One address of each kind of node that networks, or selectors of nodes, can tell apart."""
        seen: set[object] = set()
        for text, name in self._snapshot.nodes_by_ip.items():
            address = parse_address(text)
            if address is None or address.version != self._family:
                continue
            node = self._snapshot.nodes.get(name)
            labels = tuple(sorted(node.labels.items())) if node is not None and self._node_labels else None
            key = self._spans.of(int(address)), labels, node is None
            if key not in seen:
                seen.add(key)
                yield address


class _Met:
    """Addresses that are taken, and which of them were asked about."""

    def __init__(self, taken: Collection[int]) -> None:
        self._taken = taken
        self.asked: set[int] = set()

    def __contains__(self, address: object) -> bool:
        held = address in self._taken
        if held and isinstance(address, int):
            self.asked.add(address)
        return held
