"""Who reaches whom between groups of pods, and from and to the outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from console.policy.ports import PortSpan
from console.policy.reach import Reachability, bits
from console.policy.universe import API_SERVER, INTERNET, METADATA, NODES, PRIVATE
from console.policy.verdict import Outcome

#: Parts of the outside in the order in which they are shown.
OUTSIDE = (INTERNET, METADATA, PRIVATE, API_SERVER, NODES)
#: Groups of pods by name, each a set of classes, in the order in which they are shown.
Groups = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The answers between groups. A cell is None where the only pair is a pod and itself."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    outside: tuple[str, ...]
    cells: Mapping[tuple[str, str], Outcome | None]

    def cell(self, row: str, column: str) -> Outcome | None:
        """The answer from a row to a column (a group, or a part of the outside)."""
        return self.cells[row, column]

    def open_cells(self) -> Iterator[tuple[str, str, Outcome]]:
        """The cells where something gets through, or may."""
        for (row, column), outcome in self.cells.items():
            if outcome is not None and outcome is not Outcome.BLOCKED:
                yield row, column, outcome


def matrix(reach: Reachability, groups: Groups, *, ports: int | None = None) -> Matrix:
    """The matrix of groups and of the outside, on any of `ports` (None: any port)."""
    outside = {kind: reach.outside(kind) for kind in OUTSIDE}
    outside = {kind: classes for kind, classes in outside.items() if classes}
    names = tuple(groups)
    cells: dict[tuple[str, str], Outcome | None] = {}
    for row, sources in {**groups, **outside}.items():
        for column, destinations in {**groups, **outside}.items():
            if row in groups or column in groups:
                cells[row, column] = reach.outcome(sources, destinations, ports)
    return Matrix(names, names, tuple(outside), cells)


def spans_between(reach: Reachability, sources: int, destinations: int) -> tuple[PortSpan, ...]:
    """The ports on which any pair of two groups surely gets through."""
    found = 0
    for source in bits(sources):
        for destination in bits(reach.row(source) & destinations):
            found |= reach.ports(source, destination)
    return tuple(PortSpan(protocol, low, high, Outcome.ALLOWED) for protocol, low, high in reach.atoms.spans(found))
