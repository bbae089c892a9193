"""Tables as values: columns that choose what fits, rows whose lines are made only when they are seen."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Final, Generic, NamedTuple, TypeVar

from console.tui.model.search import Filter
from console.tui.text import Line, Piece, cells_of, fit, fit_ends

R = TypeVar("R")

#: More rows than this are not all measured: some of them, evenly spread, say how wide the columns are.
SAMPLE: Final = 400
#: The first column of a table that was not measured as a whole is a multiple of this wide, in cells.
_STEP: Final = 8


class Column(NamedTuple, Generic[R]):
    """A column. `cell` makes its piece for a row; `width` is in cells, None: as wide as its widest text (by `text`).

    A column with a `drop` is left out where the table is too wide, the highest first;
    what is still too wide then costs the `flexible` one, by default the first. One with
    `ends` is cut in its middle.
    """

    title: str
    cell: Callable[[R], Piece]
    text: Callable[[R], str] | None = None
    width: int = 0
    drop: int = 0
    right: bool = False
    flexible: bool = False
    ends: bool = False

    def written(self, text: str, cells: int) -> str:
        """A text as it stands in this column, in so many cells."""
        return fit_ends(text, cells) if self.ends else fit(text, cells, right=self.right)


class Table(Generic[R]):
    """Rows with a key each, in columns. `empty` is what to say where there are none.

    `text` and `labels` of a row are what filters look at.
    """

    def __init__(
        self,
        rows: Sequence[R],
        columns: Sequence[Column[R]] = (),
        key: Callable[[R], Hashable] = lambda row: row,
        *,
        text: Callable[[R], str] = str,
        labels: Callable[[R], Iterable[Mapping[str, str]]] = lambda _: (),
        empty: Sequence[Line] = (),
        least: int = 16,
        most: int = 40,
    ) -> None:
        self.rows = rows
        self._text = text
        self._labels = labels
        self.keys: Sequence[Hashable] = [key(row) for row in rows]
        self.empty = empty
        self._columns = columns
        self._least = least
        self._most = most
        self._layouts: dict[int, tuple[tuple[Column[R], int], ...]] = {}
        self._parts: Sequence[Table[R]] = ()

    @classmethod
    def joined(
        cls, parts: Sequence[Table[R]], columns: Sequence[Column[R]], *, least: int = 16, most: int = 40
    ) -> Table[R]:
        """The rows of several tables, one after the other, in columns; the text filters look at is kept by each."""
        table = cls((), columns, labels=parts[0]._labels if parts else lambda _: (), least=least, most=most)
        table.rows = [row for part in parts for row in part.rows]
        table.keys = [key for part in parts for key in part.keys]
        table._parts = parts
        return table

    @cached_property
    def _texts(self) -> list[str]:
        if self._parts:
            return [text for part in self._parts for text in part._texts]
        return [self._text(row).lower() for row in self.rows]

    def narrowed(self, by: Filter) -> Table[R]:
        """The rows that pass a filter, in columns as wide as those of all rows."""
        if not by:
            return self
        places = by.places(self._texts, lambda place: self._labels(self.rows[place]))
        part = copy(self)
        part.rows = [self.rows[place] for place in places]
        part.keys = [self.keys[place] for place in places]
        part._widths = self._widths
        part.__dict__.pop("_texts", None)
        return part

    @cached_property
    def _widths(self) -> list[int]:
        """What each column would like: its widest text, or its fixed width, or its title."""
        measured = self.rows[:: len(self.rows) // SAMPLE + 1]
        wanted = []
        for column in self._columns:
            longest = max((cells_of(column.text(row)) for row in measured), default=0) if column.text else column.width
            wanted.append(max(longest, len(column.title)))
        if wanted and len(measured) < len(self.rows):
            # Room for a name that was not among those; and the columns stay where they are when rows come and go.
            wanted[0] = -(-wanted[0] // _STEP) * _STEP
        return wanted

    @property
    def wanted(self) -> int:
        """The cells that all its columns want, spaces between them included."""
        return sum(self._widths) + max(len(self._widths) - 1, 0)

    def layout(self, cells: int) -> tuple[tuple[Column[R], int], ...]:
        """The columns that fit in a width, each with its own."""
        if cells not in self._layouts:
            self._layouts[cells] = self._lay(cells)
        return self._layouts[cells]

    def _lay(self, cells: int) -> tuple[tuple[Column[R], int], ...]:
        kept = list(zip(self._columns, self._widths, strict=True))
        if not kept:
            return ()
        main, wide = next((item for item in kept if item[0].flexible), kept[0])
        enough = min(max(wide, self._least), self._most)
        while True:
            left = cells - sum(size + 1 for column, size in kept if column is not main)
            droppable = [column for column, _ in kept if column.drop and column is not main]
            if left >= min(enough, cells) or not droppable:
                break
            worst = max(droppable, key=lambda column: column.drop)
            kept = [item for item in kept if item[0] is not worst]
        # What is left over stays on the right: columns far from their names are hard to read across.
        given = max(min(left, max(wide + 2, self._least)), 4)
        return tuple((column, given if column is main else size) for column, size in kept)

    def head(self, cells: int) -> Line:
        """The titles of the columns."""
        return self._join([Piece(fit(column.title, size, right=column.right)) for column, size in self.layout(cells)])

    def line(self, index: int, cells: int) -> Line:
        """One row as a line."""
        row = self.rows[index]
        made = ((column, size, column.cell(row)) for column, size in self.layout(cells))
        return self._join([Piece(column.written(piece.text, size), piece.tone) for column, size, piece in made])

    @staticmethod
    def _join(pieces: list[Piece]) -> Line:
        spaced: list[Piece] = []
        for piece in pieces:
            if spaced:
                spaced.append(Piece(" "))
            spaced.append(piece)
        return tuple(spaced)
