"""The profiles of all classes in one address family, under one assumption, and the rows they come to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from console.policy.bitsets import bits
from console.policy.profile import Cell

_ANY: Final = -1
#: When so many more tables than there are in use have been left empty, they are made anew.
_SPARE: Final = 256


@dataclass(slots=True)
class Side:
    """Per class what it lets out, and what it lets in, as cells; what is let in also by source.

    A table holds, for one set of sources, the classes they are let into, by ports. Classes
    are in few different ones, which is why a row is only a few operations.
    """

    egress: list[Sequence[Cell]]
    ingress: list[Sequence[Cell]]
    tables: list[Mapping[int, int]] = field(default_factory=list)
    #: The numbers of the tables by their sources, and of those that a class is among the sources of.
    numbers: dict[int, int] = field(default_factory=dict)
    of_source: list[tuple[int, ...]] = field(default_factory=list)

    def fill(self, everybody: int) -> None:
        """Make the tables of what is let in."""
        by_sources: dict[int, dict[int, int]] = {}
        members: dict[int, tuple[Sequence[Cell], int]] = {}
        for number, cells in enumerate(self.ingress):
            # Classes with the same policies share their cells.
            known = members.get(id(cells))
            members[id(cells)] = (cells, (known[1] if known else 0) | (1 << number))
        for cells, classes in members.values():
            for ports, sources in cells:
                table = by_sources.setdefault(sources, {})
                table[ports] = table.get(ports, 0) | classes
        self.tables = list(by_sources.values())
        self.numbers = {sources: number for number, sources in enumerate(by_sources)}
        found: list[list[int]] = [[] for _ in self.egress]
        for sources, number in self.numbers.items():
            if sources != _ANY:
                for each in bits(sources & everybody):
                    found[each].append(number)
        self.of_source = [tuple(each) for each in found]

    def into(self, source: int) -> Iterator[Mapping[int, int]]:
        """The tables of what a class is let into."""
        everywhere = self.numbers.get(_ANY)
        if everywhere is not None:
            yield self.tables[everywhere]
        for number in self.of_source[source]:
            yield self.tables[number]

    def row(self, source: int, asked: int) -> int:
        """The classes a class reaches on any of some ports."""
        found = 0
        cells = [(ports & asked, peers) for ports, peers in self.egress[source] if ports & asked]
        if cells:
            for table in self.into(source):
                for ports, into in table.items():
                    for open_, peers in cells:
                        if ports & open_:
                            found |= into & peers
        return found

    def reached(self, source: int, asked: int) -> dict[int, int]:
        """What a class reaches on any of some ports, by the ports."""
        found: dict[int, int] = {}
        cells = [(ports & asked, peers) for ports, peers in self.egress[source] if ports & asked]
        for table in self.into(source) if cells else ():
            for ports, into in table.items():
                for open_, peers in cells:
                    if ports & open_ and into & peers:
                        found[ports & open_] = found.get(ports & open_, 0) | (into & peers)
        return found

    def column(self, destination: int, asked: int, among: int) -> int:
        """The classes (of some) that reach a class on any of some ports."""
        cells = [(ports & asked, sources) for ports, sources in self.ingress[destination] if ports & asked]
        return self.let_in(destination, cells, among)

    def let_in(self, destination: int, cells: Iterable[Cell], among: int) -> int:
        """The classes (of some) that reach a class by some cells of what it lets in."""
        found = 0
        for ports, sources in cells:
            for source in bits(sources & among & ~found):
                for on, peers in self.egress[source]:
                    if on & ports and peers >> destination & 1:
                        found |= 1 << source
                        break
        return found

    def ports(self, source: int, destination: int) -> int:
        """The ports on which a class reaches another."""
        return _open(self.egress[source], destination) & _open(self.ingress[destination], source)

    def succeeding(
        self,
        egress: Mapping[int, Sequence[Cell]],
        ingress: Mapping[int, Sequence[Cell]],
        everybody: int,
        entered: Iterable[int] = (),
    ) -> Side:
        """The same where some classes have other cells; `entered` are classes that had none."""
        later = Side(list(self.egress), list(self.ingress), list(self.tables), dict(self.numbers), list(self.of_source))
        for number, cells in egress.items():
            later.egress[number] = cells
        left: dict[int, dict[int, int]] = {}
        changed = [(number, self.ingress[number], cells) for number, cells in ingress.items()]
        for number, before, cells in changed:
            for ports, sources in before:
                if (ports, sources) in cells:
                    continue
                place = self.numbers[sources]
                table = left.get(sources)
                if table is None:
                    table = left[sources] = dict(later.tables[place])
                if ports in table:
                    table[ports] &= ~(1 << number)
                    if not table[ports]:
                        del table[ports]
            later.ingress[number] = cells
        for sources, table in left.items():
            later.tables[self.numbers[sources]] = table
        fresh = 0
        for number in entered:
            fresh |= 1 << number
        joined: dict[int, dict[int, int]] = {}
        for number, before, cells in changed:
            for ports, sources in cells:
                if (ports, sources) in before:
                    continue
                if sources not in joined:
                    joined[sources] = later._opened(sources, left, fresh, everybody)
                joined[sources][ports] = joined[sources].get(ports, 0) | (1 << number)
        for sources, table in left.items():
            if not table and sources not in joined and sources in later.numbers:
                del later.numbers[sources]
        for number in entered:
            later.of_source[number] = tuple(
                place for sources, place in later.numbers.items() if sources != _ANY and sources >> number & 1
            )
        if len(later.tables) > 2 * len(later.numbers) + _SPARE:
            later.fill(everybody)
        return later

    def _opened(self, sources: int, left: Mapping[int, dict[int, int]], fresh: int, everybody: int) -> dict[int, int]:
        """The table of some sources, to be changed."""
        place = self.numbers.get(sources)
        if place is not None:
            table = dict(self.tables[place])
            self.tables[place] = table
            return table
        table = {}
        before = sources & ~fresh
        if before != sources and before in left and not left[before] and before in self.numbers:
            # All who were let in from `before` are now let in from those who entered, too.
            place = self.numbers.pop(before)
            self.tables[place] = table
            self.numbers[sources] = place
            return table
        place = len(self.tables)
        self.tables.append(table)
        self.numbers[sources] = place
        if sources != _ANY:
            for each in bits(sources & everybody & ~fresh):
                self.of_source[each] = (*self.of_source[each], place)
        return table

    def __len__(self) -> int:
        return len(self.egress)


def _open(cells: Sequence[Cell], peer: int) -> int:
    found = 0
    for ports, peers in cells:
        if peers >> peer & 1:
            found |= ports
    return found
