"""What frames every screen: the header, the tabs with what is set, the banner, the keys that matter here."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.strip import Strip
from textual.widgets import Static

from console.tui import draw, keys
from console.tui.text import Line, Piece, Tone, crop, width
from console.tui.widgets.drawn import Drawn


class Bar(Drawn):
    """One line with something on the left and something on the right, each in the widest form that fits.

    The right side has the say: the left is shortened, then cut, for it.
    """

    DEFAULT_CSS = "Bar { height: 1; width: 1fr; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._left: Sequence[Line] = ((),)
        self._right: Sequence[Line] = ((),)

    def show(self, left: Sequence[Line], right: Sequence[Line] = ((),)) -> None:
        """Show these, each given as ways to write it, the widest first."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    @property
    def text(self) -> str:
        """What is drawn, as text."""
        return self.render_line(0).text

    def render_line(self, y: int) -> Strip:
        """The line."""
        cells = self.size.width
        return self.strip(self._compose_line(cells) if y == 0 else (), cells)

    def _compose_line(self, cells: int) -> Line:
        inner = cells - 2
        for right in self._right:
            for left in self._left:
                gap = inner - width(left) - width(right)
                if gap >= (2 if right and left else 0):
                    return (Piece(" "), *left, Piece(" " * gap), *right)
        right = self._right[-1]
        left = crop(self._left[-1], max(inner - width(right) - 2, 0))
        gap = max(inner - width(left) - width(right), 1 if left else 0)
        return (Piece(" "), *left, Piece(" " * gap), *right)


class Tab(Static):
    """The name of a screen; a click goes there."""

    DEFAULT_CSS = """
    Tab { width: auto; height: 1; padding: 0 1; color: $foreground 60%; }
    Tab.-current { color: $accent; text-style: bold reverse; }
    Tab:hover { color: $accent; }
    """

    def __init__(self, key: str, label: str, screen: str, *, current: bool, tooltip: str) -> None:
        super().__init__(draw.content((Piece(f"{key} {label}"),)), classes="-current" if current else "")
        self._target = screen
        self.tooltip = draw.content((Piece(tooltip),))

    async def on_click(self) -> None:
        """Go to the screen."""
        await self.app.run_action(f"screen.go('{self._target}')")


class Entry(NamedTuple):
    """A key in the footer: as it is written, what it does, the key to press for it, its tooltip."""

    key: str
    label: str
    press: str
    tooltip: str

    @property
    def line(self) -> Line:
        """The key and what it does."""
        return (Piece(self.key, Tone.ACCENT), Piece(" "), Piece(self.label, Tone.DIM))


class FootKey(Static):
    """A key and what it does; a click does it."""

    DEFAULT_CSS = """
    FootKey { width: auto; height: 1; padding: 0 1; }
    FootKey:hover { background: $primary 25%; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.entry: Entry | None = None

    def show(self, entry: Entry | None) -> None:
        """Be this key; None: be none."""
        if entry == self.entry:
            return
        self.entry = entry
        self.display = entry is not None
        if entry is not None:
            self.update(draw.content(entry.line))
            self.tooltip = draw.content((Piece(entry.tooltip),))

    def on_click(self) -> None:
        """Press the key."""
        if self.entry is not None:
            self.app.simulate_key(self.entry.press)


class Foot(Vertical):
    """The keys that matter where the focus is. Takes a second line rather than lose one, where there is room."""

    DEFAULT_CSS = """
    Foot { height: auto; max-height: 2; background: $surface; }
    Foot Horizontal { height: 1; }
    """
    #: A screen lower than this keeps to one line of keys.
    LOW = 20

    def __init__(self) -> None:
        super().__init__(id="foot")
        self._shown: list[list[Entry]] = []

    def compose(self) -> ComposeResult:
        """Two lines, the second shown where it is needed."""
        yield Horizontal()
        yield Horizontal()

    def on_mount(self) -> None:
        """Follow the bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def _bindings_changed(self, screen: Screen[object]) -> None:
        if screen is self.screen and self.is_attached and self.display:
            self.call_later(self.lay)

    def on_resize(self) -> None:
        """Fit the keys into the new width."""
        self.call_later(self.lay)

    @property
    def text(self) -> str:
        """The keys shown, as text."""
        return "  ".join("".join(piece.text for piece in entry.line) for line in self._shown for entry in line)

    async def lay(self) -> None:
        """Show the keys that are active now, most needed first where not all fit."""
        rows = 2 if self.screen.size.height >= self.LOW else 1
        lines = _fill(self._entries(), self.screen.size.width, rows)
        if lines == self._shown:
            return
        self._shown = lines
        with self.app.batch_update():
            for place, row in enumerate(self.query(Horizontal)):
                entries = lines[place] if place < len(lines) else []
                row.display = bool(entries)
                missing = len(entries) - len(row.children)
                if missing > 0:
                    await row.mount_all(FootKey() for _ in range(missing))
                for key, entry in zip_longest(row.query(FootKey), entries):
                    key.show(entry)

    def _entries(self) -> list[Entry]:
        seen: dict[str, Entry] = {}
        for key, (_, binding, enabled, tooltip) in self.screen.active_bindings.items():
            if binding.show and enabled and binding.id and binding.id not in seen:
                seen[binding.id] = Entry(keys.shown(key), binding.description, key, tooltip)
        return [seen[each] for each in sorted(seen, key=lambda each: keys.RANKS.get(each, 50))]


def _fill(entries: list[Entry], cells: int, rows: int) -> list[list[Entry]]:
    """The entries over at most so many rows; where they do not fit, those before the last give way, the last first."""
    entries = list(entries)
    while True:
        lines: list[list[Entry]] = [[]]
        used = 0
        for entry in entries:
            size = width(entry.line) + 2
            if used + size > cells and lines[-1]:
                lines.append([])
                used = 0
            lines[-1].append(entry)
            used += size
        if len(lines) <= rows or len(entries) <= 1:
            return lines[:rows]
        del entries[-2]


class Chrome(Vertical):
    """The lines above a screen: header, tabs and hint, banner."""

    DEFAULT_CSS = """
    Chrome { height: auto; }
    Chrome #header { background: $surface; }
    Chrome #tabs { height: 1; background: $surface; }
    Chrome #banner { background: $warning 14%; display: none; }
    Chrome #banner.-said { display: block; }
    """

    def __init__(self, current: str) -> None:
        super().__init__(id="chrome")
        self._current = current

    def compose(self) -> ComposeResult:
        """Header, tabs, banner."""
        yield Bar(id="header")
        with Horizontal(id="tabs"):
            for key in (each for each in keys.EVERYWHERE if each.action.startswith("go(")):
                screen = key.action[4:-2]
                current = screen == self._current
                yield Tab(key.keys, key.label, screen, current=current, tooltip=key.tooltip)
            yield Bar(id="hint")
        yield Bar(id="banner")

    def show(
        self,
        *,
        left: Sequence[Line],
        right: Sequence[Line],
        hint: Sequence[Line] = ((),),
        banner: Line = (),
        tooltip: str = "",
    ) -> None:
        """Show the state of things."""
        header = self.query_one("#header", Bar)
        header.show(left, right)
        header.tooltip = draw.content((Piece(tooltip),)) if tooltip else None
        self.query_one("#hint", Bar).show(((),), hint)
        bar = self.query_one("#banner", Bar)
        bar.set_class(bool(banner), "-said")
        bar.show((banner,))

    async def on_click(self, event: events.Click) -> None:
        """A click on the banner opens what is behind it."""
        if isinstance(event.widget, Bar) and event.widget.id == "banner":
            await self.app.run_action("screen.notices")
