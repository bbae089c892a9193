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


class Strand:
    """What groups of pods, taken together, reach: four sets of classes, made once, from which any cell is read.

    They are those that some pod reaches, and that every one does, surely and possibly. A
    pod and itself is no pair: to every one it is as if reached, to some it is not.
    """

    __slots__ = ("_lone", "_none", "every", "every_maybe", "some", "some_maybe")

    def __init__(self, reach: Reachability, sources: int, ports: int | None = None) -> None:
        """`ports` are those asked about, any of them (None: any port)."""
        self.some = self.some_maybe = 0
        self.every = self.every_maybe = reach.universe.all
        alone = 0
        for source in bits(sources):
            alone = reach.alone(source)
            sure, maybe = reach.row(source, ports), reach.row(source, ports, maybe=True)
            self.some |= sure & ~alone
            self.some_maybe |= maybe & ~alone
            self.every &= reach.every(source, ports) | alone
            self.every_maybe &= reach.every(source, ports, maybe=True) | alone
        self._none = not sources
        self._lone = alone if alone == sources else 0

    def outcome(self, destinations: int) -> Outcome | None:
        """The answer to a set of classes, as `Reachability.outcome` gives it."""
        if self._none or not destinations & ~self._lone:
            return None
        if destinations & ~self.every == 0 and destinations & self.some:
            return Outcome.ALLOWED
        if not destinations & self.some_maybe:
            return Outcome.BLOCKED
        certain = destinations & self.some and destinations & ~self.every_maybe
        return Outcome.PARTIAL if certain else Outcome.UNKNOWN


def matrix(reach: Reachability, groups: Groups, columns: Groups | None = None, *, ports: int | None = None) -> Matrix:
    """The matrix of groups (to other `columns`, if given) and the outside, on any of `ports` (None: any port)."""
    outside = parts(reach)
    into = groups if columns is None else columns
    cells: dict[tuple[str, str], Outcome | None] = {}
    for among, ends in ((groups, {**into, **outside}), (outside, into)):
        for row, sources in among.items():
            strand = Strand(reach, sources, ports)
            for column, destinations in ends.items():
                cells[row, column] = strand.outcome(destinations)
    return Matrix(tuple(groups), tuple(into), tuple(outside), cells)


def parts(reach: Reachability) -> Groups:
    """The parts of the outside there are, in the order in which they are shown."""
    found = {kind: reach.outside(kind) for kind in OUTSIDE}
    return {kind: classes for kind, classes in found.items() if classes}


def spans_between(reach: Reachability, sources: int, destinations: int, *, maybe: bool = False) -> tuple[PortSpan, ...]:
    """The ports on which any pair of two groups surely gets through, or (`maybe`) possibly."""
    found = 0
    for source in bits(sources):
        wanted = destinations & ~reach.alone(source)
        if reach.row(source, maybe=maybe) & wanted:
            for ports, classes in reach.reached(source, maybe=maybe).items():
                found |= ports if classes & wanted else 0
    return tuple(PortSpan(protocol, low, high, Outcome.ALLOWED) for protocol, low, high in reach.atoms.spans(found))
