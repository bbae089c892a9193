"""Blast radius: what an end reaches in several hops, the shortest chains to a target, and where to cut them.

The graph's nodes are workloads' pods that policies cannot tell apart; those with the
same paths in and out on the same ports are one node (twins), which changes no shortest
path and no smallest cut: a smallest cut that lies nearest the target is unique, so it
treats twins alike. The outside is where chains end, never a stage of one.

Nothing else imports networkx (130 ms): only who asks for several hops pays for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any, Final

import networkx as nx

from console.policy.matrix import OUTSIDE, Groups
from console.policy.ports import PortSpan
from console.policy.reach import Reachability, bits
from console.policy.reachable import Place, inside, on, spans

#: The node the end asked about is.
_START: Final = 0
#: How many shortest chains to a target are told.
_CHAINS: Final = 3
_TARGET: Final = "target"


@dataclass(frozen=True, slots=True)
class Edge:
    """Paths from each of `sources` to each of `destinations` (workloads that are alike, or a part of the outside).

    `sure` is False where that they are open cannot be known.
    """

    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    spans: tuple[PortSpan, ...]
    sure: bool


@dataclass(frozen=True, slots=True)
class Stage:
    """What is reached after `hops`, by the edge on a shortest chain to it."""

    hops: int
    edge: Edge


@dataclass(frozen=True, slots=True)
class Route:
    """The way to a target. `hops` None: it is not reached, however many hops one takes.

    `chains` are shortest ones, none if they take more hops than were asked for. `cut` are
    the fewest paths (between pods that are alike) to close so that no chain of any length
    is left, `through` the workloads that every chain passes. Where chains are not `sure`, it cannot be known
    whether the target is reached.
    """

    target: str
    hops: int | None
    sure: bool
    chains: tuple[tuple[Edge, ...], ...]
    cut: tuple[Edge, ...]
    through: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Blast:
    """What an end reaches in `hops` hops, and its ways to the targets."""

    source: str
    hops: int
    stages: tuple[Stage, ...]
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class _Node:
    """Workloads' pods with the same paths; `classes` are theirs, and the first stands for all."""

    names: tuple[str, ...]
    classes: int


def blast(
    source: Place, label: str, groups: Groups, *, own: Iterable[str], targets: Mapping[str, frozenset[str]], hops: int
) -> Blast:
    """What an end reaches in several hops.

    `groups` are the workloads, `own` those the end's pods belong to. `targets` are
    workloads by what they are together called; a part of the outside is called by its
    name and has none.
    """
    graph = _Graph(source, label, groups, frozenset(own), targets)
    sure, maybe = graph.walked(sure=True), graph.walked(sure=False)
    stages = [*graph.stages(sure, {}, hops), *graph.stages(maybe, sure, hops)]
    stages.sort(key=lambda stage: (stage.hops, stage.edge.destinations))
    routes = tuple(graph.route(target, names, hops, sure, maybe) for target, names in targets.items())
    return Blast(label, hops, tuple(stages), routes)


#: What a class reaches: sets of classes of pods by ports, and ports by part of the outside.
_Row = tuple[tuple[tuple[int, int], ...], tuple[int, ...]]
#: Ports on which an edge is surely open, and those on which it may be.
_Ports = tuple[int, int]


class _Graph:
    """The paths of a snapshot, seen from one end. `_sure` holds the edges that are surely open, `_maybe` all."""

    def __init__(
        self,
        source: Place,
        label: str,
        groups: Groups,
        own: frozenset[str],
        targets: Mapping[str, frozenset[str]],
    ) -> None:
        self._reach = source.reach
        self._own = [(name, number) for name in sorted(own) for number in bits(groups[name] & source.classes)]
        self._rows = _rows(source.reach, source.classes | inside(source.reach))
        self._nodes = [_Node((label,), source.classes), *_twins(self._rows, groups, set(self._own), targets)]
        self._outside: dict[str, int] = {}
        for kind in OUTSIDE if source.inside else ():
            self._outside[kind] = len(self._nodes)
            self._nodes.append(_Node((kind,), 0))
        self._sure, self._maybe = nx.DiGraph(), nx.DiGraph()
        for graph in (self._sure, self._maybe):
            graph.add_nodes_from(range(len(self._nodes)))
        #: Of the workloads the end stands for, how many have the edge to a node.
        self._starting: dict[int, int] = {}
        self._connect(source)

    def _connect(self, source: Place) -> None:
        at: dict[int, list[int]] = {}
        for node, held in enumerate(self._nodes):
            if node != _START and held.classes:
                at.setdefault(next(bits(held.classes)), []).append(node)
        first = sum(1 << number for number in at)
        for node, held in enumerate(self._nodes):
            found: dict[int, list[int]] = {}
            for number in bits(source.classes) if node == _START else islice(bits(held.classes), 1):
                for sure, row in zip((True, False), self._rows[number], strict=True):
                    for other, ports in self._out(row, at, first):
                        if other != node:
                            found.setdefault(other, [0, 0])[not sure] |= ports
            for other, (sure_ports, ports) in found.items():
                self._maybe.add_edge(node, other, ports=(sure_ports, ports))
                if sure_ports:
                    self._sure.add_edge(node, other)
        for _, number in self._own:
            for other in {other for other, _ in self._out(self._rows[number][1], at, first)}:
                self._starting[other] = self._starting.get(other, 0) + 1

    def _out(self, row: _Row, at: Mapping[int, Sequence[int]], first: int) -> Iterator[tuple[int, int]]:
        for ports, classes in row[0]:
            for number in bits(classes & first):
                yield from ((node, ports) for node in at[number])
        for kind, ports in zip(OUTSIDE, row[1], strict=True):
            if ports and kind in self._outside:
                yield self._outside[kind], ports

    def walked(self, *, sure: bool) -> dict[int, tuple[int, int]]:
        """The nodes that are reached: after how many hops, and from which node on a shortest chain."""
        found = {_START: (0, _START)}
        for parent, node in nx.bfs_edges(self._sure if sure else self._maybe, _START):
            found[node] = found[parent][0] + 1, parent
        return found

    def stages(
        self, walked: Mapping[int, tuple[int, int]], but: Mapping[int, tuple[int, int]], hops: int
    ) -> Iterator[Stage]:
        """What a walk came to within so many hops, but for what another one did."""
        for node, (taken, parent) in walked.items():
            if node != _START and node not in but and taken <= hops:
                yield Stage(taken, self._edge([parent], [node], self._ports(parent, node)))

    def route(
        self,
        target: str,
        names: frozenset[str],
        hops: int,
        sure: Mapping[int, tuple[int, int]],
        maybe: Mapping[int, tuple[int, int]],
    ) -> Route:
        """The way to a target."""
        ends = {node for node, held in enumerate(self._nodes) if node != _START and not names.isdisjoint(held.names)}
        if not names:
            ends = {self._outside[target]} if target in self._outside else set()
        surely = not ends.isdisjoint(sure)
        walked = sure if surely else maybe
        reached = [node for node in walked if node in ends]
        if not reached:
            return Route(target, None, True, (), (), ())
        taken = min(walked[node][0] for node in reached)
        chains: tuple[tuple[Edge, ...], ...] = ()
        if taken <= hops:
            nearest = [node for node in reached if walked[node][0] == taken]
            chains = tuple(self._chains(self._sure if surely else self._maybe, nearest))
        cut, through = self._cut(ends, maybe)
        return Route(target, taken, surely, chains, cut, through)

    def _chains(self, graph: Any, nearest: Sequence[int]) -> Iterator[tuple[Edge, ...]]:
        found = (path for node in nearest for path in nx.all_shortest_paths(graph, _START, node))
        for path in islice(found, _CHAINS):
            yield tuple(self._edge([node], [other], self._ports(node, other)) for node, other in pairwise(path))

    def _cut(self, ends: set[int], walked: Mapping[int, tuple[int, int]]) -> tuple[tuple[Edge, ...], tuple[str, ...]]:
        """The fewest paths whose closing leaves no chain, those nearest the target, and what every chain passes.

        What may be open counts as open: else what is said to be cut might not be.
        """
        flow = nx.DiGraph()
        for node, other in self._maybe.edges:
            if node in walked and node not in ends and other != _START:
                to = _TARGET if other in ends else other
                more = flow[node][to]["capacity"] if flow.has_edge(node, to) else 0
                flow.add_edge(node, to, capacity=more + self._size(node, other))
        leading = nx.ancestors(flow, _TARGET)
        flow = flow.subgraph({*leading, _TARGET})
        _, (near, _) = nx.minimum_cut(flow, _START, _TARGET)
        closing: dict[tuple[int, _Ports], list[int]] = {}
        for node in sorted(near):
            for other in self._maybe.successors(node):
                if other in ends or (other in leading and other not in near):
                    closing.setdefault((other, self._ports(node, other)), []).append(node)
        folded: dict[tuple[tuple[int, ...], _Ports], list[int]] = {}
        for (other, ports), nodes in closing.items():
            folded.setdefault((tuple(nodes), ports), []).append(other)
        cut = [self._edge(nodes, others, ports) for (nodes, ports), others in folded.items()]
        cut.sort(key=lambda edge: (edge.sources, edge.destinations))
        return tuple(cut), tuple(self._dominators(flow))

    def _dominators(self, flow: Any) -> Iterator[str]:
        """The single workloads that every chain passes, in the order in which it does."""
        above = nx.immediate_dominators(flow, _START)
        found: list[str] = []
        node = above[_TARGET]
        while node != _START:
            found += self._nodes[node].names if len(self._nodes[node].names) == 1 else ()
            node = above[node]
        return reversed(found)

    def _ports(self, node: int, other: int) -> _Ports:
        ports: _Ports = self._maybe[node][other]["ports"]
        return ports

    def _size(self, node: int, other: int) -> int:
        """How many paths an edge stands for; the end asked about may be several workloads, of which some have it."""
        sources = self._starting[other] if node == _START and self._own else len(self._nodes[node].names)
        return sources * len(self._nodes[other].names)

    def _edge(self, nodes: Sequence[int], others: Sequence[int], ports: _Ports) -> Edge:
        return Edge(
            tuple(dict.fromkeys(name for node in nodes for name in self._nodes[node].names)),
            tuple(dict.fromkeys(name for node in others for name in self._nodes[node].names)),
            spans(self._reach, ports[0] or ports[1]),
            bool(ports[0]),
        )


def _rows(reach: Reachability, classes: int) -> dict[int, tuple[_Row, _Row]]:
    """What classes reach, surely and maybe."""
    kinds, pods = [reach.outside(kind) for kind in OUTSIDE], inside(reach)

    def row(number: int, maybe: bool) -> _Row:
        reached = reach.reached(number, maybe=maybe)
        within = sorted((ports, held & pods) for ports, held in reached.items() if held & pods)
        return tuple(within), tuple(on(reached, kind) for kind in kinds)

    return {number: (row(number, False), row(number, True)) for number in bits(classes)}


def _twins(
    rows: Mapping[int, tuple[_Row, _Row]],
    groups: Groups,
    own: set[tuple[str, int]],
    targets: Mapping[str, frozenset[str]],
) -> Iterator[_Node]:
    """Workloads' pods, those together that have the same paths in and out and belong to the same targets."""
    numbered = {row: number for number, row in enumerate(dict.fromkeys(rows.values()))}
    columns: dict[int, list[tuple[int, bool, int]]] = {}
    for row, kind in numbered.items():
        for sure, (within, _) in zip((True, False), row, strict=True):
            for ports, classes in within:
                for number in bits(classes):
                    columns.setdefault(number, []).append((kind, sure, ports))
    entering = {number: tuple(column) for number, column in columns.items()}
    found: dict[object, tuple[list[str], int]] = {}
    for name, classes in groups.items():
        belongs = tuple(name in names for names in targets.values())
        for number in bits(classes):
            if (name, number) not in own:
                key = numbered[rows[number]], entering.get(number), belongs
                names, held = found.get(key, ([], 0))
                found[key] = [*names, name], held | (1 << number)
    return (_Node(tuple(names), held) for names, held in found.values())
