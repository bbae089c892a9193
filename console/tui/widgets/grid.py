"""A table of glyphs of any size, of which only what is visible is ever asked for; its names never scroll away."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip

from console.tui import keys
from console.tui.model.face import NAMES, At, Face, Layout, head_lines, lay
from console.tui.text import Piece, Tone, fit, wrap
from console.tui.theme import Band
from console.tui.widgets.drawn import LineView


class Grid(LineView, can_focus=True, inherit_bindings=False):
    """Draws a `Face`. The cursor is on a cell, or on the name of a row or a column; it stays on its keys."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.GRID)]

    class Moved(Message):
        """The cursor is on another place, or that place may look different now."""

    class Chosen(Message):
        """The place under the cursor was chosen by enter or by a double click."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._face = Face()
        self._first = 0
        self._laid: tuple[int, Layout] | None = None
        self.at = At(0, 0)

    @property
    def face(self) -> Face:
        """What is shown."""
        return self._face

    def show(self, face: Face, *, at: At | None = None) -> None:
        """Show something; the cursor goes to a place, or stays on its keys where they are still there."""
        before = self._face
        if at is None:
            at = At(
                _kept(before.rows, face.rows, self.at.row),
                _kept(before.columns, face.columns, self.at.column),
            )
        else:
            self._first = 0
        self._face, self._laid = face, None
        self.set_height(self._lines + self._layout.head)
        self._go(at)
        self.refresh()

    @property
    def _lines(self) -> int:
        """How many lines the rows take, the rule before those set apart included."""
        rows = len(self._face.rows)
        return rows + (0 < self._face.inner[0] < rows)

    @property
    def _layout(self) -> Layout:
        if self._laid is None or self._laid[0] != self.cells:
            self._laid = self.cells, lay(self._face, self.cells)
        return self._laid[1]

    @property
    def _columns(self) -> list[int]:
        """The columns that are visible, from left to right."""
        layout = self._layout
        scrolling = len(self._face.columns) - len(layout.fixed)
        first = min(self._first, max(scrolling - layout.shown, 0))
        return [*range(first, min(first + layout.shown, scrolling)), *layout.fixed]

    # Moving ----------------------------------------------------------------------------------------------------------

    def _go(self, at: At) -> None:
        rows, columns = len(self._face.rows), len(self._face.columns)
        if not rows or not columns:
            return  # what comes next may have the cursor's place again
        at = At(min(max(at.row, NAMES), rows - 1), min(max(at.column, NAMES), columns - 1))
        before, self.at = self.at, at
        layout = self._layout
        scrolling = columns - len(layout.fixed)
        if 0 <= at.column < scrolling:
            self._first = min(max(self._first, at.column - layout.shown + 1), at.column)
        self._first = min(self._first, max(scrolling - layout.shown, 0))
        line = self._line_of(at.row) if at.row >= 0 else 0
        page = self._page
        top = self.scroll_offset.y
        self._scroll(min(max(top, line - page + 1), line))
        self.refresh()
        if at != before:
            self.post_message(self.Moved())

    def _scroll(self, top: int) -> None:
        self.scroll_to(y=max(top, 0), animate=False, force=True, immediate=True)

    @property
    def _page(self) -> int:
        return max(self.scrollable_content_region.height - self._layout.head, 1)

    def _line_of(self, row: int) -> int:
        return row + (0 < self._face.inner[0] <= row)

    def _row_of(self, line: int) -> int | None:
        """The row on a line; None on the rule."""
        inner = self._face.inner[0]
        if not 0 < inner < len(self._face.rows) or line < inner:
            return line
        return line - 1 if line > inner else None

    def action_move(self, down: int, right: int) -> None:
        """Move by rows and columns."""
        self._go(At(self.at.row + down, self.at.column + right))

    def action_page(self, step: int) -> None:
        """Move by a page of rows."""
        self._go(At(max(self.at.row + step * self._page, 0), self.at.column))

    def action_edge(self, side: int) -> None:
        """Move to the first or the last row."""
        self._go(At(0 if side < 0 else len(self._face.rows) - 1, self.at.column))

    def action_side(self, side: int) -> None:
        """Move to the first or the last column."""
        self._go(At(self.at.row, 0 if side < 0 else len(self._face.columns) - 1))

    def action_choose(self) -> None:
        """Choose what is under the cursor."""
        if self._face.rows and self._face.columns:
            self.post_message(self.Chosen())

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; a second one chooses."""
        offset = event.get_content_offset(self)
        if offset is None or self.on_bar(event) or not self._face.rows:
            return
        layout = self._layout
        line = offset.y - layout.head + self.scroll_offset.y
        row = NAMES if offset.y < layout.head else self._row_of(line)
        visible = self._columns
        place = (offset.x - layout.label) // layout.column
        column = NAMES if offset.x < layout.label else visible[place] if place < len(visible) else None
        if row is not None and row < len(self._face.rows) and column is not None:
            self._go(At(row, column))
            if event.chain == 2:
                self.action_choose()

    def on_resize(self) -> None:
        """Fit into the new size."""
        self.set_height(self._lines + self._layout.head)
        self._go(self.at)

    # Drawing ---------------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        layout = self._layout
        if not self._face.columns or not self._face.rows:
            words = [part for line in self._face.empty for part in wrap(line, max(self.cells - 2, 8))]
            return self.strip((Piece(" "), *words[y - 1]) if 0 < y <= len(words) else (), self.cells)
        if y < layout.head:
            return self._joined(self._head(y))
        line = y - layout.head + self.scroll_offset.y
        row = self._row_of(line)
        if line >= self._lines:
            return self.strip((), self.cells)
        if row is None:
            return self.strip((Piece("─" * self.cells, Tone.DIM),), self.cells)
        return self._joined(self._cells_of(row))

    def _joined(self, parts: Iterator[tuple[Piece, int, Band | None]]) -> Strip:
        """Pieces of given widths, neighbours on the same band drawn together."""
        runs: list[tuple[list[Piece], int, Band | None]] = []
        for piece, cells, band in parts:
            if runs and runs[-1][2] is band:
                runs[-1][0].append(piece)
                runs[-1] = (runs[-1][0], runs[-1][1] + cells, band)
            else:
                runs.append(([piece], cells, band))
        strips = [self.strip(pieces, cells, band) for pieces, cells, band in runs]
        left = self.cells - sum(cells for _, cells, _ in runs)
        return Strip.join([*strips, *([self.strip((), left)] if left > 0 else [])]).adjust_cell_length(self.cells)

    def _head(self, y: int) -> Iterator[tuple[Piece, int, Band | None]]:
        layout, face = self._layout, self._face
        visible = self._columns
        yield Piece(fit(self._corner(y, visible), layout.label), Tone.DIM), layout.label, None
        for column in visible:
            words = head_lines(face.column_labels[column], layout.column - 1)
            # Names stand on the bottom line first.
            at = y - (layout.head - len(words))
            text = fit(words[at] if at >= 0 else "", layout.column - 1)
            tone = Tone.ACCENT if column >= face.inner[1] else Tone.KEY
            yield Piece(self._before(column) + text, tone), layout.column, self._band(NAMES, column)

    def _corner(self, y: int, visible: Sequence[int]) -> str:
        layout, face = self._layout, self._face
        if y == layout.head - 1:
            return "  from ↓ to →"
        scrolling = len(face.columns) - len(layout.fixed)
        if y == 0 and layout.shown < scrolling:
            last = visible[layout.shown - 1]
            left, right = "‹ " if visible[0] else "  ", " ›" if last < scrolling - 1 else ""
            return f"{left}{visible[0] + 1:,}–{last + 1:,}/{scrolling:,}{right}"
        return ""

    def _before(self, column: int) -> str:
        """What stands before a column: a rule where those begin that are set apart."""
        return "│" if column == self._face.inner[1] and column else " "

    def _band(self, row: int, column: int) -> Band | None:
        if (row, column) == self.at:
            return Band.CURSOR if self.has_focus else Band.RESTING
        return Band.RESTING if row == self.at.row or column == self.at.column else None

    def _cells_of(self, row: int) -> Iterator[tuple[Piece, int, Band | None]]:
        layout, face = self._layout, self._face
        mark = "▸ " if row == self.at.row else "  "
        tone = Tone.ACCENT if row >= face.inner[0] else Tone.PLAIN
        yield (
            Piece(mark + fit(face.row_labels[row], layout.label - 3) + " ", tone),
            layout.label,
            self._band(row, NAMES),
        )
        room = layout.column - 1
        for column in self._columns:
            glyph = face.glyph(row, column)
            here = (row, column) == self.at
            text = f"[{glyph.text}]" if here else f" {glyph.text} "
            text = " " * ((room - 3) // 2) + text
            yield Piece(self._before(column) + fit(text, room), glyph.tone), layout.column, self._band(row, column)


def _kept(before: Sequence[Hashable], after: Sequence[Hashable], place: int) -> int:
    """Where the key at a place is now; the same place in the order where it is gone."""
    if not 0 <= place < len(before):
        return place
    key = before[place]
    if place < len(after) and after[place] == key:
        return place
    return next((number for number, each in enumerate(after) if each == key), place)
