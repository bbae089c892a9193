"""Choosing one of many by a few letters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from console.tui import draw, keys
from console.tui.model.search import MOST, Candidate, Offer
from console.tui.model.table import Column, Table
from console.tui.screens.ground import Cover
from console.tui.text import Line, Piece, Tone
from console.tui.widgets.cursor import CursorView
from console.tui.widgets.rows import RowList


class Picker(Cover[str | None], inherit_bindings=False):
    """Offers candidates; what is typed narrows them. Gives the chosen one's text, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.PICKER)]
    DEFAULT_CSS = """
    Picker { align: center middle; }
    Picker #box {
        width: 84; max-width: 96%; height: 24; max-height: 92%;
        border: round $accent; background: $surface; padding: 0 1;
    }
    Picker Input, Picker Input:focus { border: none; height: 1; padding: 0; background: $panel; }
    Picker RowList { height: 1fr; margin-top: 1; }
    Picker #told { height: auto; max-height: 3; }
    """

    def __init__(
        self,
        title: str,
        candidates: Sequence[Candidate],
        *,
        placeholder: str,
        typed: Callable[[str], Candidate | None] = lambda _: None,
        current: str = "",
    ) -> None:
        super().__init__()
        self._title = title
        self._offer = Offer(candidates)
        self._placeholder = placeholder
        self._typed = typed
        self._current = current

    def compose(self) -> ComposeResult:
        """A line to type on, what matches, and what the keys do."""
        with Vertical(id="box") as box:
            draw.title(box, self._title)
            yield Input(id="query", compact=True, placeholder=self._placeholder)
            found = RowList(id="found", head=False)
            found.can_focus = False
            found.lit = True
            yield found
            yield Static(id="told")

    def on_mount(self) -> None:
        """Show all there is."""
        self._show("")
        self.query_one(RowList).move_to(self._current)
        self.query_one(Input).focus()

    def _show(self, query: str) -> None:
        typed = self._typed(query) if query.strip() else None
        found = self._offer.rank(query)
        rows = [typed, *(each for each in found if each.text != typed.text)] if typed else found
        nothing: Line = (Piece(f"Nothing is called {query!r} here, or nearly."),)
        columns: list[Column[Candidate]] = [
            Column("NAME", lambda row: Piece(row.text), lambda row: row.text),
            Column("WHAT", lambda row: Piece(row.note, Tone.DIM), lambda row: row.note, drop=1),
        ]
        # Rows keyed by place, not by object: while one types, the best match has the cursor.
        table = Table(rows, columns, lambda row: row.text, empty=(nothing,), most=56)
        listed = self.query_one(RowList)
        listed.show(table)
        listed.action_edge(-1)
        count = f"{len(found):,}" if len(found) < MOST else f"{MOST} of {len(self._offer.candidates):,}"
        line = (
            Piece("⏎", Tone.ACCENT), Piece(" choose  ", Tone.DIM), Piece("↑↓", Tone.ACCENT), Piece(" move  ", Tone.DIM),
            Piece("esc", Tone.ACCENT), Piece(" cancel  ", Tone.DIM), Piece(f"{count} found", Tone.DIM),
        )  # fmt: skip
        self.query_one("#told", Static).update(draw.content(line))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow to what is typed."""
        event.stop()
        self._show(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Give what the cursor is on."""
        event.stop()
        key = self.query_one(RowList).key
        if key is not None:
            self.dismiss(str(key))

    def on_cursor_view_chosen(self, event: CursorView.Chosen) -> None:
        """Give what was clicked twice."""
        event.stop()
        self.dismiss(str(event.key))

    def action_move(self, step: int) -> None:
        """Move in the list while typing goes on."""
        self.query_one(RowList).action_move(step)

    def action_page(self, step: int) -> None:
        """Move by a page."""
        self.query_one(RowList).action_page(step)

    def action_close(self) -> None:
        """Give nothing."""
        self.dismiss(None)
