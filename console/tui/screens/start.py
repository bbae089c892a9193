"""What is painted first: the frame of Browse, empty, while everything else is still being loaded."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Static

from console.tui import draw
from console.tui.text import Piece, Tone
from console.tui.widgets.chrome import Chrome
from console.tui.widgets.drawn import BAR

#: From this width on all three panes of Browse are shown; else the details are a page of their own.
WIDE = 100
#: Narrower than this one pane is shown at a time; from `BROAD` on the side panes grow.
TINY = 64
BROAD = 160

#: The panes of Browse, for the app's style sheet: the start screen has the same, so that nothing moves.
#: What is bare only arranges others, which fill it: it is not drawn beneath them, for that is each line once more.
PANES_CSS = """
.bare { visibility: hidden; }
.bare > * { visibility: visible; }
.bare > .bare { visibility: hidden; }
#panes { height: 1fr; }
#panes > * {
    border: round $border-blurred; border-title-color: $foreground; border-subtitle-color: $foreground 60%;
}
#panes > *:focus { border: round $accent; }
#namespaces { width: 22; }
#listing { width: 1fr; min-width: 30; }
#details { width: 36; padding: 0 1; }
.-broad #details { width: 66; }
.-slim #details { width: 1fr; }
"""


def fit_panes(screen: Screen[None]) -> None:
    """Tell the style sheet how wide the screen is."""
    cells = screen.size.width
    screen.set_class(cells >= BROAD, "-broad")
    screen.set_class(cells < WIDE, "-slim")
    screen.set_class(cells < TINY, "-tiny")


def names_width(screen: Screen[None], wanted: int) -> int | str:
    """The width of the namespaces where their table wants so many cells; no wider than leaves room for the list."""
    cells = screen.size.width
    if cells < TINY:
        return "1fr"
    borders, mark = 2, 2
    return min(max(wanted + borders + mark + BAR, 16), 30 if cells >= WIDE else 22)


class StartScreen(Screen[None], inherit_bindings=False):
    """A skeleton."""

    DEFAULT_CSS = """
    StartScreen.-slim #details, StartScreen.-tiny #namespaces { display: none; }
    StartScreen #foot { height: 1; background: $surface; }
    """

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        #: What was typed meanwhile, for the screen that comes next.
        self.typed: list[events.Key] = []

    def on_key(self, event: events.Key) -> None:
        """Keep what is typed for the screen that comes next."""
        event.stop()
        event.prevent_default()
        self.typed.append(event)

    def compose(self) -> ComposeResult:
        """The header and three empty panes."""
        yield Chrome("browse")
        with Horizontal(id="panes", classes="bare"):
            for name, title in (
                ("namespaces", "Namespaces"),
                ("listing", "Workloads · all namespaces"),
                ("details", ""),
            ):
                pane = Static(id=name)
                draw.title(pane, title)
                yield pane
        yield Static(id="foot")

    def on_mount(self) -> None:
        """Say what is being opened."""
        named = (Piece(self._title, Tone.STRONG),)
        self.query_one(Chrome).show(
            left=((Piece("netpol-console", Tone.ACCENT), Piece("  "), *named), named),
            right=((Piece("◌ starting", Tone.WARN),),),
        )

    def on_resize(self) -> None:
        """Fit the panes."""
        fit_panes(self)
