"""All classes of a snapshot, numbered, and the sets of them that selectors, networks and nodes match.

A class is a bit; a selector, a network or a node peer is resolved to the set of classes
it matches, kept as a Python int. Everything about all pairs is then a few operations on
such sets. Classes of pods come first, then those of the outside.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from functools import reduce
from operator import or_
from typing import Final

from console.objects.core import ContainerPort, Namespace
from console.objects.selectors import LabelSelector
from console.objects.snapshot import Snapshot
from console.policy.bitsets import bits
from console.policy.classes import (
    API_SERVER,
    INTERNET,
    METADATA,
    NODES,
    PRIVATE,
    Key,
    Keys,
    Outside,
    PodClass,
    Surroundings,
    Where,
)
from console.policy.grouping import group
from console.policy.labelled import Placed, Wearers, by_name
from console.policy.match import selects
from console.policy.mentions import Mentions
from console.policy.model import CidrPeer, Network, NodePeer
from console.policy.spans import Spans
from console.policy.vocabulary import Vocabulary

__all__ = ["API_SERVER", "INTERNET", "METADATA", "NODES", "PRIVATE", "Outside", "PodClass", "Universe"]

#: What stands in a place that is left for a class still to come, or where nobody is any more.
NOBODY: Final = PodClass(Key("", False, (), 0, Where(())), ())

#: Places left for classes that come later: one for so many there are, and no fewer than.
_ROOM: Final = 16
_LEAST_ROOM: Final = 64


class Universe:
    """The classes of a snapshot, and their sets.

    A class may be emptied and others come later (see `succession`): numbers stay, and `all` are
    the classes that somebody is in.
    """

    def __init__(self, snapshot: Snapshot, vocabulary: Vocabulary, *, family: int | None = None) -> None:
        """`vocabulary` is what classes are told apart by.

        `family` None: every family that pods hold, and a pod takes part in those it holds. In one
        `family`, all pods are taken to.
        """
        self.snapshot = snapshot
        self.nodes_by_ip = snapshot.nodes_by_ip
        self.vocabulary = vocabulary
        self.family = family
        self._shared = False
        #: What selectors mention, once pods of new kinds were met; and keys that stand for a class beside its own.
        self.mentions: Mentions | None = None
        self._aliases: dict[int, tuple[Key, ...]] = {}
        families = (4, 6) if family is None else (family,)
        self.spans = {each: Spans(vocabulary.networks, each) for each in families}
        self.keys = Keys(vocabulary.keys, named=bool(vocabulary.names), families=families, spans=self.spans)
        grouped = group(snapshot, self.keys)
        self.pods: list[PodClass] = grouped.classes
        #: The number of a key's class, and of a pod's by namespace and name.
        self.numbers: dict[Key, int] = grouped.numbers
        self.placed: dict[str, dict[str, int]] = grouped.placed
        self.next = len(self.pods)
        #: How many pods hold an address of a family.
        self.held = {each: sum(len(held.pods) for held in self.pods if self.holds(held.key, each)) for each in families}
        #: The families that count.
        self.families = tuple(each for each in families if self.held[each]) or families[:1]
        self.pods += [NOBODY] * max(_LEAST_ROOM, self.next // _ROOM)
        self.surroundings = {
            each: Surroundings(
                snapshot,
                vocabulary.networks,
                self.spans[each],
                family=each,
                taken=grouped.taken[self.keys.places[each]],
                node_labels=vocabulary.nodes,
            )
            for each in self.families
        }
        self.outside: list[Outside] = [part for each in self.surroundings.values() for part in each.parts]
        self.size = len(self.pods) + len(self.outside)
        self._index()

    @property
    def in_namespace(self) -> Mapping[str, int]:
        """The classes of each namespace."""
        return {name: classes & self.all for name, classes in self._spaces.items()}

    @property
    def class_of(self) -> Mapping[tuple[str, str], int]:
        """The classes of pods that have not finished, by namespace and name."""
        return Placed(self.placed)

    def holds(self, key: Key, family: int | None = None) -> bool:
        """Whether pods hold an address of a family (None: of any)."""
        if key.host:
            return bool(key.where.holds) if family is None else family in key.where.holds
        return max(key.where.spans) >= 0 if family is None else key.where.spans[self.keys.places[family]] >= 0

    # -- indexes

    def _index(self) -> None:
        #: The classes of a namespace, those that are empty by now among them.
        self._spaces: dict[str, int] = {}
        #: Classes that selectors can match: pods with an address of their own.
        self.selectable = 0
        #: By family, who takes part in it: by its addresses, or for want of any.
        self.holding = dict.fromkeys(self.families, 0)
        self.all = 0
        self._labels = Wearers()
        self._by_span: dict[int, dict[int, int]] = {family: {} for family in self.families}
        self._declared: dict[str, dict[ContainerPort, int]] = {}
        for number in range(self.next):
            self._index_class(number)
        self.inside = self.all
        for number, part in enumerate(self.outside, len(self.pods)):
            family, bit = part.address.version, 1 << number
            self.all |= bit
            self.holding[family] |= bit
            held = self._by_span[family]
            span = self.spans[family].of(int(part.address))
            held[span] = held.get(span, 0) | bit
        self._filled = {family: sorted(held) for family, held in self._by_span.items()}
        self._label_namespaces()
        self._networks: dict[Network, int] = {}

    def _index_class(self, number: int) -> None:
        """Take a class of pods into the indexes but those of namespaces' labels."""
        bit, key = 1 << number, self.pods[number].key
        self.all |= bit
        self._spaces[key.namespace] = self._spaces.get(key.namespace, 0) | bit
        for family in self.families:
            span = key.where.spans[self.keys.places[family]]
            if span >= 0:
                held = self._by_span[family]
                held[span] = held.get(span, 0) | bit
            if self.family is not None or self.holds(key, family) or not self.holds(key):
                self.holding[family] |= bit
        if key.host:
            return
        self.selectable |= bit
        self._labels.add(key.labels, bit)
        for port in self.keys.ports[key.names]:
            if port.name in self.vocabulary.names:
                by_port = self._declared.setdefault(port.name, {})
                by_port[port] = by_port.get(port, 0) | bit

    def _label_namespaces(self) -> None:
        """Which classes are in a namespace that wears a label; `unread`: the namespaces whose are unknown."""
        self._namespace_labels = Wearers()
        self.unread: list[Namespace] = []
        for name, classes in self._spaces.items():
            self._label(self.snapshot.namespace(name), classes)

    def _label(self, namespace: Namespace, classes: int) -> None:
        if not namespace.labels_known:
            self.unread.append(namespace)
            return
        self._namespace_labels.add(namespace.labels.items(), classes)

    # -- the next one

    def succeeded(self, snapshot: Snapshot) -> Universe:
        """A copy, for a later snapshot, whose classes may be changed."""
        later = copy(self)
        later.snapshot = snapshot
        later.pods, later.placed, later.held = list(self.pods), dict(self.placed), dict(self.held)
        later._shared = True
        return later

    def _unshare(self) -> None:
        """Copy what changes with classes only; pods come and go more often."""
        if not self._shared:
            return
        self._shared = False
        self.numbers, self.holding, self._aliases = dict(self.numbers), dict(self.holding), dict(self._aliases)
        self._spaces = dict(self._spaces)
        self._by_span = {family: dict(held) for family, held in self._by_span.items()}
        self._declared = {name: dict(held) for name, held in self._declared.items()}
        self._labels, self._namespace_labels = self._labels.copy(), self._namespace_labels.copy()
        self._networks = {}

    def enter(self, pods: PodClass) -> int | None:
        """Give new classes of pods a number; None where no place is left. What they hold is counted by `count`."""
        if self.next == len(self.pods):
            return None
        self._unshare()
        number = self.next
        self.next += 1
        self.pods[number] = pods
        self.numbers[pods.key] = number
        self._index_class(number)
        self.inside |= 1 << number
        self._label(self.snapshot.namespace(pods.namespace), 1 << number)
        for family, held in self._by_span.items():
            if len(held) != len(self._filled[family]):
                self._filled = {**self._filled, family: sorted(held)}
        return number

    def alike(self, key: Key) -> int | None:
        """The class of pods that no selector tells apart from those of a key, which is one of its keys from now on."""
        mentions = self.mentions
        if mentions is None or key.host:
            return None
        for number in bits(self._spaces.get(key.namespace, 0) & self.inside):
            other = self.pods[number].key
            if mentions.alike(key, other):
                self._unshare()
                self.mentions = mentions.blurring(key, other)
                self.numbers[key] = number
                self._aliases[number] = (*self._aliases.get(number, ()), key)
                return number
        return None

    def forget(self, number: int) -> None:
        """Let no key stand for a class any more."""
        self._unshare()
        for key in (self.pods[number].key, *self._aliases.pop(number, ())):
            if self.numbers.get(key) == number:
                del self.numbers[key]

    def leave(self, number: int) -> None:
        """Take away a class that nobody is in any more."""
        self.forget(number)
        bit = 1 << number
        self.pods[number] = NOBODY
        self.all &= ~bit
        self.inside &= ~bit
        for family in self.holding:
            self.holding[family] &= ~bit

    def count(self, key: Key, by: int) -> None:
        """Count pods that came or went in the families they hold."""
        for family in self.held:
            if self.holds(key, family):
                self.held[family] += by

    @property
    def steady(self) -> bool:
        """Whether the families that count are still those that pods hold."""
        counted = tuple(family for family, pods in self.held.items() if pods)
        return self.family is not None or (counted or tuple(self.held)[:1]) == self.families

    # -- what selectors match

    def of_pods(self, selector: LabelSelector | None) -> int:
        """The classes whose pods a podSelector matches, in any namespace; None matches all."""
        return self._labels.matching(selector, self.selectable)

    def selected(self, namespaces: LabelSelector | None, pods: LabelSelector | None, home: str) -> tuple[int, int]:
        """The classes that a pair of selectors surely matches, and those it may (labels that could not be read)."""
        if namespaces is None:
            found = self._labels.matching(pods, self.selectable & self._spaces.get(home, 0))
            return found, found
        among = self.of_pods(pods)
        if not self.unread:
            found = self._namespace_labels.matching(namespaces, among)
            return found, found
        sure, maybe = self._with_unread(namespaces)
        return sure & among, maybe & among

    def _with_unread(self, selector: LabelSelector) -> tuple[int, int]:
        unread = 0
        for namespace in self.unread:
            unread |= self._spaces[namespace.name]
        sure = self._namespace_labels.matching(selector, self.inside & ~unread)
        maybe = 0
        for namespace in self.unread:
            matched = by_name(selector, namespace)
            if matched:
                sure |= self._spaces[namespace.name]
            elif matched is None:
                maybe |= self._spaces[namespace.name]
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
            found = 0
            if network.version in self.families:
                first, last = self.spans[network.version].range(network)
                filled, held = self._filled[network.version], self._by_span[network.version]
                numbers = filled[bisect_left(filled, first) : bisect_left(filled, last)]
                found = reduce(or_, (held[span] for span in numbers), 0)
            self._networks[network] = found
        return self._networks[network] & self.all

    def of_nodes(self, peer: NodePeer, family: int) -> tuple[int, int]:
        """The classes whose address in a family is that of a node a selector matches, surely and maybe."""
        sure = maybe = 0
        unread = bool(self.snapshot.coverage.of("nodes"))
        for number, address in self._addresses(family):
            name = self.nodes_by_ip.get(address, "")
            node = self.snapshot.nodes.get(name)
            if node is not None:
                sure |= (1 << number) if selects(peer.nodes, node.labels) else 0
            elif name or unread:
                maybe |= 1 << number
        return sure, sure | maybe

    def _addresses(self, family: int) -> Iterator[tuple[int, str]]:
        """The addresses by which classes may be nodes."""
        place = self.keys.places[family]
        for number in bits(self.inside & ~self.selectable):
            address = self.pods[number].key.where.hosts[place]
            if address is not None:
                yield number, str(address)
        for number, part in enumerate(self.outside, len(self.pods)):
            if part.address.version == family:
                yield number, str(part.address)

    def declared(self, name: str) -> Mapping[ContainerPort, int]:
        """The ports of a name that policies use, each with the classes of pods that declare it."""
        return self._declared.get(name, {})

    def names_of(self, number: int) -> int:
        """What stands for the ports with names that a class declares; a hostNetwork pod is an address, with none."""
        return 0 if number >= len(self.pods) or self.pods[number].host else self.pods[number].key.names

    def ports_of(self, number: int) -> tuple[ContainerPort, ...]:
        """The ports with names that a class declares."""
        return self.keys.ports[self.names_of(number)]

    def ports_named(self, number: int, name: str) -> Sequence[ContainerPort]:
        """The ports of one name that a class declares."""
        return self.keys.named(self.names_of(number)).get(name, ())
