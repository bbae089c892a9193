"""The nodes that chains of several hops go through, and the paths between them.

A node is workloads' pods that policies cannot tell apart, together with those that have
the same paths in and out (twins), on whatever ports. That changes no shortest chain and
no smallest cut: of the smallest cuts the one that lies nearest the target is unique, so
it treats twins alike. The outside is where chains end, never a stage of one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from console.policy.matrix import OUTSIDE, Groups
from console.policy.ports import PortSpan
from console.policy.reach import Reachability, bits
from console.policy.reachable import Place, inside, on, spans

#: The node of the end asked about.
START = 0


@dataclass(frozen=True, slots=True)
class Edge:
    """Paths on the same ports from each of `sources` to each of `destinations`: workloads, or a part of the outside.

    `sure` is False where that they are open cannot be known.
    """

    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    spans: tuple[PortSpan, ...]
    sure: bool


@dataclass(frozen=True, slots=True)
class Node:
    """Classes that are alike, each with the workloads that have pods in it; or a part of the outside, by its `kind`."""

    held: Mapping[int, tuple[str, ...]]
    kind: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """What it stands for."""
        return self.of(self.held)

    def of(self, classes: Iterable[int]) -> tuple[str, ...]:
        """The workloads of some of its classes."""
        return tuple(dict.fromkeys(name for each in classes for name in self.held[each])) or (self.kind,)

    @property
    def size(self) -> int:
        """How many it stands for, a workload as often as its pods are told apart."""
        return sum(map(len, self.held.values())) or 1


#: What a class reaches: sets of classes of pods by ports, and ports by part of the outside.
_Row = tuple[tuple[tuple[int, int], ...], tuple[int, ...]]
#: Ports on which a path is surely open, and those on which it may be.
_Ports = tuple[int, int]


class Nodes:
    """The nodes of a snapshot, seen from one end, which is the first of them.

    `own` are the workloads the end's pods belong to: its pods are no other node.
    Workloads that belong to different `targets` are told apart.
    """

    def __init__(
        self, source: Place, label: str, groups: Groups, own: Collection[str], targets: Mapping[str, frozenset[str]]
    ) -> None:
        self._reach = source.reach
        self._own = [(name, number) for name in sorted(own) for number in bits(groups[name] & source.classes)]
        #: Per class, what it reaches surely, and maybe.
        self._rows = _rows(source.reach, source.classes | inside(source.reach))
        start = Node(dict.fromkeys(bits(source.classes), (label,)))
        self.nodes = [start, *_twins(self._rows, groups, set(self._own), targets)]
        self._at: dict[int, list[int]] = {}
        for number, node in enumerate(self.nodes):
            if number != START:
                self._at.setdefault(next(iter(node.held)), []).append(number)
        self._firsts = sum(1 << number for number in self._at)
        self.outside = {kind: len(self.nodes) + n for n, kind in enumerate(OUTSIDE if source.inside else ())}
        self.nodes += [Node({}, kind) for kind in self.outside]
        #: Of the end's workloads, how many have a path to a node.
        self._starting: dict[int, int] = {}
        for _, number in self._own:
            for other in self._after(number):
                self._starting[other] = self._starting.get(other, 0) + 1

    def after(self, node: int) -> dict[int, bool]:
        """The nodes a node has paths to, and whether it surely has."""
        found: dict[int, bool] = {}
        # The classes of the end may differ; those of any other node do not.
        for number in self.nodes[node].held if node == START else [*self.nodes[node].held][:1]:
            for other, sure in self._after(number).items():
                if other != node:
                    found[other] = found.get(other, False) or sure
        return found

    def size(self, node: int, other: int) -> int:
        """How many paths there are between two nodes; the end may be several workloads, of which some have one."""
        sources = self._starting[other] if node == START and self._own else self.nodes[node].size
        return sources * self.nodes[other].size

    def edges(self, node: int, other: int, among: Collection[int] | None = None) -> Iterator[tuple[Edge, list[int]]]:
        """The paths between two nodes by their ports, from some classes (None: all), with the classes they lead to."""
        found: dict[tuple[_Ports, int], list[int]] = {}
        for number in self.nodes[node].held if among is None else among:
            for ports, classes in self._between(number, self.nodes[other]):
                found.setdefault((ports, classes), []).append(number)
        for ((sure, maybe), classes), numbers in found.items():
            ends = list(bits(classes))
            sources, destinations = self.nodes[node].of(numbers), self.nodes[other].of(ends)
            yield Edge(sources, destinations, spans(self._reach, sure or maybe), bool(sure)), ends

    def _after(self, number: int) -> dict[int, bool]:
        found: dict[int, bool] = {}
        for sure, (within, outer) in zip((True, False), self._rows[number], strict=True):
            for _, classes in within:
                for first in bits(classes & self._firsts):
                    for node in self._at[first]:
                        found[node] = found.get(node, False) or sure
            for kind, ports in zip(OUTSIDE, outer, strict=True):
                if ports and kind in self.outside:
                    found[self.outside[kind]] = found.get(self.outside[kind], False) or sure
        return found

    def _between(self, number: int, other: Node) -> Iterator[tuple[_Ports, int]]:
        sure, maybe = self._rows[number]
        if other.kind:
            kind = OUTSIDE.index(other.kind)
            if maybe[1][kind]:
                yield (sure[1][kind], maybe[1][kind]), 0
            return
        wanted = sum(1 << each for each in other.held)
        for ports, classes in maybe[0]:
            rest = classes & wanted
            for surely, held in sure[0]:
                if rest & held:
                    yield (surely, ports), rest & held
                    rest &= ~held
            if rest:
                yield (0, ports), rest


def _rows(reach: Reachability, classes: int) -> dict[int, tuple[_Row, _Row]]:
    """What classes reach, surely and maybe."""
    kinds, pods = [reach.outside(kind) for kind in OUTSIDE], inside(reach)

    def row(number: int, maybe: bool) -> _Row:
        reached = reach.reached(number, maybe=maybe)
        within = ((ports, held & pods) for ports, held in reached.items() if held & pods)
        return tuple(within), tuple(on(reached, kind) for kind in kinds)

    return {number: (row(number, False), row(number, True)) for number in bits(classes)}


def _twins(
    rows: Mapping[int, tuple[_Row, _Row]],
    groups: Groups,
    own: Collection[tuple[str, int]],
    targets: Mapping[str, frozenset[str]],
) -> Iterator[Node]:
    """The nodes that are pods: those together that have the same paths in and out, and belong to the same targets."""
    leaving = {number: tuple(map(_any_port, both)) for number, both in rows.items()}
    numbered = {row: number for number, row in enumerate(dict.fromkeys(leaving.values()))}
    entering: dict[int, list[tuple[int, bool]]] = {}
    for row, kind in numbered.items():
        for sure, (within, _) in zip((True, False), row, strict=True):
            for number in bits(within):
                entering.setdefault(number, []).append((kind, sure))
    columns = {number: tuple(column) for number, column in entering.items()}
    found: dict[object, dict[int, list[str]]] = {}
    for name, classes in groups.items():
        belongs = tuple(name in names for names in targets.values())
        for number in bits(classes):
            if (name, number) not in own:
                key = numbered[leaving[number]], columns.get(number), belongs
                found.setdefault(key, {}).setdefault(number, []).append(name)
    return (Node({number: tuple(names) for number, names in held.items()}) for held in found.values())


def _any_port(row: _Row) -> tuple[int, tuple[bool, ...]]:
    within = 0
    for _, classes in row[0]:
        within |= classes
    return within, tuple(map(bool, row[1]))
