"""Choosing one of many by a few letters."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import ClassVar, NamedTuple, Self

from textual import events, on
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
from console.tui.widgets.prompt import caught_up
from console.tui.widgets.rows import RowList


class Choice(NamedTuple):
    """What is offered. `typed` makes a candidate of what was typed, where it means one; `current` has the cursor.

    `then` hears what was chosen, and gives what is to be chosen next, in the same place; None: that was all.
    """

    title: str
    candidates: Sequence[Candidate]
    placeholder: str
    typed: Callable[[str], Candidate | None] = lambda _: None
    current: str = ""
    then: Callable[[str], Choice | None] = lambda _: None


class Picker(Cover[str | None], inherit_bindings=False):
    """Offers candidates; what is typed narrows them. Gives the text of the one that was chosen last, or None."""

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

    def __init__(self) -> None:
        super().__init__()
        self._choice = Choice("", (), "")
        self._offer = Offer(())

    def compose(self) -> ComposeResult:
        """A line to type on, what matches, and what the keys do."""
        with Vertical(id="box"):
            yield Input(id="query", compact=True)
            found = RowList(id="found", head=False)
            found.can_focus = False
            found.lit = True
            yield found
            yield Static(id="told")

    def offer(self, choice: Choice) -> Self:
        """Offer this, from the beginning."""
        self._choice, self._offer = choice, Offer(choice.candidates)
        self.renew()
        return self

    def begin(self) -> None:
        """Show all there is."""
        draw.title(self.query_one("#box"), self._choice.title)
        query = self.query_one(Input)
        with query.prevent(Input.Changed):
            query.value = ""
        query.placeholder = self._choice.placeholder
        self._show("")
        self.query_one(RowList).move_to(self._choice.current)
        query.focus()

    @on(events.ScreenSuspend)
    @on(events.ScreenResume)
    def _blink(self) -> None:
        """Nobody sees the cursor blink while it is closed."""
        self.query_one(Input).cursor_blink = self.is_active

    def _show(self, query: str) -> None:
        typed = self._choice.typed(query) if query.strip() else None
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

    async def action_choose(self) -> None:
        """Take what the cursor is on, letters that are still on their way to the line included."""
        await caught_up(self.query_one(Input))
        self._take(self.query_one(RowList).key)

    def on_cursor_view_chosen(self, event: CursorView.Chosen) -> None:
        """Take what was clicked twice."""
        event.stop()
        self._take(event.key)

    def _take(self, key: Hashable | None) -> None:
        if key is None:
            return
        following = self._choice.then(str(key))
        if following is None:
            self.dismiss(str(key))
        else:
            self.offer(following)

    def action_move(self, step: int) -> None:
        """Move in the list while typing goes on."""
        self.query_one(RowList).action_move(step)

    def action_page(self, step: int) -> None:
        """Move by a page."""
        self.query_one(RowList).action_page(step)

    def action_close(self) -> None:
        """Give nothing."""
        self.dismiss(None)
