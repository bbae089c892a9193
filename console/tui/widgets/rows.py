"""A table of any length: columns above, one line a row, a cursor that stays on its object."""

from __future__ import annotations

from typing import Any

from textual.strip import Strip

from console.tui.model.table import Table
from console.tui.text import Line, Piece, Tone, wrap
from console.tui.widgets.cursor import CursorView


class RowList(CursorView):
    """Draws a `Table`. Where it has no rows, what to do about that stands in their place."""

    def __init__(self, *, id: str | None = None, head: bool = True) -> None:
        super().__init__(id=id)
        self.head_height = 1 if head else 0
        self._table: Table[Any] = Table(())

    @property
    def table(self) -> Table[Any]:
        """What is shown."""
        return self._table

    def show(self, table: Table[Any]) -> None:
        """Show a table; the cursor stays on the object it is on."""
        if table is self._table and table.keys:
            return
        self._table = table
        self.put(table.keys)

    def paint_head(self, cells: int) -> Line:
        """The names of the columns."""
        return (
            (Piece("  "), *(Piece(piece.text, Tone.KEY) for piece in self._table.head(cells - 2)))
            if self._table.keys
            else ()
        )

    def paint(self, index: int, line: int, cells: int) -> Line:  # noqa: ARG002
        """A row, with a mark where the cursor is."""
        mark = Piece("▸ " if index == self.cursor else "  ", Tone.ACCENT)
        return (mark, *self._table.line(index, cells - 2))

    def render_line(self, y: int) -> Strip:
        """One line of the screen; of the words for an empty table where there are no rows."""
        strip = super().render_line(y)
        if self._table.keys or not self._table.empty:
            return strip
        words = [part for line in self._table.empty for part in wrap(line, max(self.cells - 2, 8))]
        # Around the middle, where one looks when there is nothing else.
        at = y - max((self.size.height - len(words)) // 3, 0)
        if not 0 <= at < len(words):
            return strip
        return self.strip((Piece(" "), *words[at]), self.cells)
