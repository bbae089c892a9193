"""Timeline: what happened, who did it, what it opened and closed, and every screen as it was at that moment."""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from console.cluster.source import State
from console.tui import draw, keys
from console.tui.annals import Item
from console.tui.model import rows, status, timelineview
from console.tui.model.frame import Frame
from console.tui.model.search import Filter
from console.tui.model.timelineview import Edge
from console.tui.screens.filtering import FilterScreen
from console.tui.screens.start import WIDE
from console.tui.text import Line, Piece, Tone
from console.tui.widgets.cursor import CursorView
from console.tui.widgets.pane import TextPane
from console.tui.widgets.rows import RowList

#: A moment so many seconds before a change shows what was there until then.
_JUST_BEFORE: Final = 1e-6


class TimelineScreen(FilterScreen):
    """Entries, the newest first; beside them what is told of the one under the cursor, and its paths."""

    NAME = "timeline"
    FILTER_ADVICE = "text  !text"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.TIMELINE)]
    DEFAULT_CSS = """
    TimelineScreen #entries { width: 3fr; }
    TimelineScreen #told { width: 2fr; }
    TimelineScreen RowList, TimelineScreen TextPane { border: round $border-blurred; border-title-color: $foreground; }
    TimelineScreen RowList:focus, TimelineScreen TextPane:focus { border: round $accent; }
    TimelineScreen #about { height: 1fr; padding: 0 1; }
    TimelineScreen #edges { height: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._narrowed = Filter()
        self._effects = False
        self._drawn: object = None
        self._read = ""

    def body(self) -> ComposeResult:
        """The entries and what is told of one."""
        with Horizontal(id="timeline", classes="bare"):
            yield RowList(id="entries")
            with Vertical(id="told", classes="bare"):
                yield TextPane(id="about")
                yield RowList(id="edges", head=False)

    @property
    def entries(self) -> RowList:
        """What happened."""
        return self.query_one("#entries", RowList)

    @property
    def about(self) -> TextPane:
        """What is told of the entry under the cursor."""
        return self.query_one("#about", TextPane)

    @property
    def edges(self) -> RowList:
        """The paths it changed."""
        return self.query_one("#edges", RowList)

    def panes(self) -> list[Widget]:
        """Entries, paths, what is told."""
        return [self.entries, *([self.edges] if self.edges.table.rows else []), self.about]

    def on_mount(self) -> None:
        """Begin on the entries."""
        draw.title(self.entries, "Timeline")
        self.arrange_panes()
        self.entries.focus()

    def arrange_panes(self) -> None:
        """Side by side where there is room; narrower, what is told is a page of its own."""
        wide = self.size.width >= WIDE
        beside = self.pane in (self.about, self.edges)
        self.entries.display = wide or not beside
        self.query_one("#told").display = wide or beside
        self.edges.display = bool(self.edges.table.rows)

    def draw(self, frame: Frame) -> None:
        """The entries, and what is told of the one under the cursor."""
        self._read_recording(frame)
        annals = self.console.annals
        state = annals.count, annals.reading, annals.trouble, self._narrowed, self._effects, frame.status.state
        if state != self._drawn:
            self._drawn = state
            self._draw_entries(frame)

    def _draw_entries(self, frame: Frame) -> None:
        annals = self.console.annals
        table = timelineview.rows(annals.items(), effects=self._effects, empty=self._empty(frame))
        if table.rows and self._narrowed:
            table = table.narrowed(self._narrowed)
            table.empty = rows.filtered_out("entry", self._narrowed)
        newest = self.entries.cursor == 0
        with self.prevent(CursorView.Moved):
            self.entries.show(table)
            if newest:  # who looks at the newest goes on doing so
                self.entries.action_edge(-1)
        shown = [
            "Timeline",
            " · what changed paths or rules" if self._effects else "",
            f"  /{self._narrowed.text}" if self._narrowed else "",
            "  ◌ reading …" if annals.reading else "",
        ]
        folded = f"{annals.folded:,} more touched no path" if annals.folded else ""
        draw.title(self.entries, "".join(shown), " · ".join(part for part in (f"{len(table.rows):,}", folded) if part))
        self._draw_told()

    def _empty(self, frame: Frame) -> tuple[Line, ...]:
        annals = self.console.annals
        if frame.status.state is State.FAILED:
            return status.failure(frame, self.rescue_keys())
        if annals.trouble:
            return ((Piece("✗ ", Tone.BAD), Piece(annals.trouble)),)
        if annals.reading:
            return ((Piece("◌ reading the recording …", Tone.DIM),),)
        if frame.status.state is State.STATIC:
            return (
                (Piece("Files do not change: there is nothing to tell."),),
                (Piece("netpol-console diff OLD NEW compares two states of them.", Tone.DIM),),
            )
        if self._effects and annals.count:
            return (
                (Piece("Nothing that happened changed a path or a rule."),),
                (Piece("p", Tone.KEY), Piece(" shows all that happened", Tone.DIM)),
            )
        return (
            (Piece("Nothing has changed since the console was opened."),),
            (Piece("What happens from here on is told; netpol-console record keeps it in a file.", Tone.DIM),),
        )

    @property
    def _item(self) -> Item | None:
        table, place = self.entries.table, self.entries.cursor
        return table.rows[place] if place < len(table.rows) else None

    def _draw_told(self) -> None:
        item = self._item
        with self.prevent(CursorView.Moved):
            self.edges.show(timelineview.edges(item))
        count = len(self.edges.table.rows)
        draw.title(self.edges, "Paths", f"{count:,}" if count else "")
        self.about.show(list(timelineview.about(item)) if item is not None else (), keep=False)
        self.arrange_panes()

    def _read_recording(self, frame: Frame) -> None:
        """Read what a recording tells, once it is known to be one; what a session tells comes by itself."""
        path = self.console.desk.recording
        if path and path != self._read and frame.status.state is State.PAST:
            self._read = path
            self._tell(path)

    @work(exit_on_error=False)
    async def _tell(self, path: str) -> None:
        console = self.console
        audit = await asyncio.to_thread(console.warden.auditing)
        await asyncio.to_thread(
            console.annals.read,
            path,
            audit=audit,
            modes=console.desk.modes,
            progress=lambda: None,
            stopped=lambda: not console.is_running,
        )
        self.refresh_frame()

    @on(CursorView.Moved, "#entries")
    def _moved(self) -> None:
        self._draw_told()

    @on(CursorView.Chosen)
    def _opened(self, event: CursorView.Chosen) -> None:
        if event.view is self.edges:
            self.action_simulate()
        else:
            self.action_look(1)

    def action_look(self, side: int) -> None:
        """Show every screen as it was just after the entry under the cursor, or (-1) just before it."""
        item = self._item
        if item is None:
            self.console.say("There is no moment to go to: nothing is told here.", "warning")
            return
        if not self.console.desk.go(item.after if side > 0 else item.at - _JUST_BEFORE):
            self.console.say("That moment is kept no more. A session with --record FILE keeps all.", "warning")
            return
        when = "after" if side > 0 else "before"
        back = "goes to its end" if self.console.desk.recording else "is back to now"
        self.console.say(f"Every screen now shows the moment just {when} this. n {back}.")

    def action_simulate(self) -> None:
        """Ask about the path under the cursor."""
        table, place = self.edges.table, self.edges.cursor
        edge: Edge | None = table.rows[place] if place < len(table.rows) else None
        if edge is None or edge.question is None:
            self.console.say("There is no path here that can be asked about.", "warning")
            return
        self.console.set_question(edge.question)
        self.lead_to("simulate")

    def action_effects(self) -> None:
        """Only what changed a path or a rule, or all."""
        self._effects = not self._effects
        self.refresh_frame()

    def action_back(self) -> None:
        """Go back to the entries, take the filter off, go back to now, to where we came from."""
        if self.pane in (self.about, self.edges):
            self.go_to_pane(self.entries)
        elif self._narrowed:
            self._narrowed = Filter()
            self.refresh_frame()
        else:
            self.go_back()

    @property
    def filtered_by(self) -> str:
        """See FilterScreen."""
        return self._narrowed.text

    def narrow(self, text: str) -> None:
        """See FilterScreen."""
        self._narrowed = Filter.parse(text)
        self.draw(self.frame)

    def action_copy(self) -> None:
        """Copy what is told of the entry."""
        item = self._item
        if item is not None:
            self.console.copy("\n".join(timelineview.plain(item)) + "\n", "what is told of it")
