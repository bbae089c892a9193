"""Blast radius: what an end reaches in several hops, the shortest chains to a target, and where to cut them.

Nothing else imports networkx (130 ms): only who asks for several hops pays for it.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain as chained
from itertools import islice, pairwise
from typing import Any, Final

import networkx as nx

from console.policy.matrix import Groups
from console.policy.paths_nodes import START, Edge, Nodes
from console.policy.ports import PortSpan
from console.policy.reachable import Place

#: How many shortest chains to a target are told.
_CHAINS: Final = 3
_TARGET: Final = "target"


@dataclass(frozen=True, slots=True)
class Stage:
    """What is reached after `hops`, by an edge on a shortest chain to it."""

    hops: int
    edge: Edge


@dataclass(frozen=True, slots=True)
class Route:
    """The way to a target. `hops` None: it is not reached, however many hops one takes.

    `chains` are shortest ones, none if they take more hops than were asked for. `cut` are
    the fewest paths (between pods that are alike) to close so that no chain of any length
    is left, `through` the workloads that every chain passes. Where chains are not `sure`,
    it cannot be known whether the target is reached.
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


def blast(
    source: Place, label: str, groups: Groups, *, own: Iterable[str], targets: Mapping[str, frozenset[str]], hops: int
) -> Blast:
    """What an end reaches in several hops.

    `groups` are the workloads, `own` those the end's pods belong to. `targets` are
    workloads by what they are together called; a part of the outside is called by its
    name and has none.
    """
    graph = _Graph(Nodes(source, label, groups, list(own), targets))
    stages = sorted(graph.stages(hops), key=lambda stage: (stage.hops, stage.edge.destinations))
    return Blast(label, hops, tuple(stages), tuple(graph.route(*target, hops) for target in targets.items()))


#: The nodes a walk came to: after how many hops, and from which node on a shortest chain.
_Walk = dict[int, tuple[int, int]]


class _Graph:
    """The paths between nodes. `_sure` holds those that are surely open, `_maybe` all."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._sure, self._maybe = nx.DiGraph(), nx.DiGraph()
        for node in range(len(nodes.nodes)):
            after = nodes.after(node)
            self._maybe.add_node(node)
            self._maybe.add_edges_from((node, other) for other in after)
            self._sure.add_node(node)
            self._sure.add_edges_from((node, other) for other, sure in after.items() if sure)
        self._surely, self._possibly = _walk(self._sure), _walk(self._maybe)

    def stages(self, hops: int) -> Iterator[Stage]:
        """What is reached within so many hops, by sure paths where there are such."""
        for node, (taken, parent) in {**self._possibly, **self._surely}.items():
            if node != START and taken <= hops:
                # What is alike has the same paths, but maybe on other ports: those of one are told.
                among = None if parent == START else [*self._nodes.nodes[parent].held][:1]
                yield from (Stage(taken, edge) for edge, _ in self._nodes.edges(parent, node, among))

    def route(self, target: str, names: frozenset[str], hops: int) -> Route:
        """The way to a target."""
        nodes = enumerate(self._nodes.nodes)
        ends = {node for node, held in nodes if node != START and not names.isdisjoint(held.names)}
        if not names:
            ends = {self._nodes.outside[target]} if target in self._nodes.outside else set()
        surely = not ends.isdisjoint(self._surely)
        walk = self._surely if surely else self._possibly
        reached = [node for node in walk if node in ends]
        if not reached:
            return Route(target, None, True, (), (), ())
        taken = min(walk[node][0] for node in reached)
        chains: tuple[tuple[Edge, ...], ...] = ()
        if taken <= hops:
            graph = self._sure if surely else self._maybe
            nearest = [node for node in reached if walk[node][0] == taken]
            paths = chained.from_iterable(nx.all_shortest_paths(graph, START, node) for node in nearest)
            chains = tuple(tuple(self._chain(path)) for path in islice(paths, _CHAINS))
        cut, through = self._cut(ends)
        return Route(target, taken, surely, chains, cut, through)

    def _chain(self, path: Sequence[int]) -> Iterator[Edge]:
        """A chain of nodes as edges: of paths on different ports, those that lead to most workloads."""
        among: list[int] | None = None
        for node, other in pairwise(path):
            edge, among = max(self._nodes.edges(node, other, among), key=lambda found: (found[0].sure, len(found[1])))
            yield edge

    def _cut(self, ends: set[int]) -> tuple[tuple[Edge, ...], tuple[str, ...]]:
        """The fewest paths whose closing leaves no chain, those nearest the target, and what every chain passes.

        What may be open counts as open: else what is said to be cut might not be.
        """
        leading = self._leading(ends, self._possibly)
        flow = nx.DiGraph()
        for node in sorted(leading):
            into = 0
            for other in self._maybe[node]:
                if other in ends:
                    into += self._nodes.size(node, other)
                elif other in leading:
                    flow.add_edge(node, other, capacity=self._nodes.size(node, other))
            if into:
                flow.add_edge(node, _TARGET, capacity=into)
        _, (near, _) = nx.minimum_cut(flow, START, _TARGET)
        crossing = (
            edge
            for node in sorted(near)
            for other in self._maybe[node]
            if other in ends or (other in leading and other not in near)
            for edge, _ in self._nodes.edges(node, other)
        )
        cut = sorted(_folded(crossing), key=lambda edge: (edge.sources, edge.destinations))
        return tuple(cut), tuple(self._dominators(flow))

    def _leading(self, ends: Collection[int], walked: Container[int]) -> set[int]:
        """The nodes on some chain to one of the ends."""
        found: set[int] = set()
        edge = set(ends)
        while edge:
            edge = {each for node in edge for each in self._maybe.pred[node] if each in walked and each not in ends}
            edge -= found
            found |= edge
        return found

    def _dominators(self, flow: Any) -> Iterator[str]:
        """The single workloads that every chain passes, in the order in which it does."""
        above = nx.immediate_dominators(flow, START)
        found: list[str] = []
        node = above[_TARGET]
        while node != START:
            found += self._nodes.nodes[node].names if self._nodes.nodes[node].size == 1 else ()
            node = above[node]
        return reversed(found)


def _walk(graph: Any) -> _Walk:
    found: _Walk = {START: (0, START)}
    for parent, node in nx.bfs_edges(graph, START):
        found[node] = found[parent][0] + 1, parent
    return found


def _folded(edges: Iterable[Edge]) -> Iterator[Edge]:
    """Edges with those together that lead to the same ends on the same ports, then those from the same ends."""
    into: dict[tuple[tuple[str, ...], tuple[PortSpan, ...], bool], dict[str, None]] = {}
    for edge in edges:
        into.setdefault((edge.destinations, edge.spans, edge.sure), {}).update(dict.fromkeys(edge.sources))
    found: dict[tuple[tuple[str, ...], tuple[PortSpan, ...], bool], dict[str, None]] = {}
    for (destinations, spans, sure), sources in into.items():
        found.setdefault((tuple(sources), spans, sure), {}).update(dict.fromkeys(destinations))
    return (Edge(ends, tuple(destinations), spans, sure) for (ends, spans, sure), destinations in found.items())
