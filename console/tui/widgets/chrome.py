"""What frames every screen: the header, the tabs with what is set, the banner, the keys that matter here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.strip import Strip
from textual.widgets import Static

from console.tui import draw, keynames, keys
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

    @property
    def cells(self) -> int:
        """How many cells it takes, a space on either side of it included."""
        return width(self.line) + 2


class Foot(Drawn):
    """The keys that matter where the focus is, most needed first; a click on one presses it.

    One line; narrow screens take a second rather than lose a key, and then keep it:
    panes that grow and shrink with every move of the focus would be drawn anew for it.
    Drawn rather than made of widgets, which would have to be styled and laid out.
    """

    DEFAULT_CSS = "Foot { height: 1; background: $surface; }"
    #: A screen lower than this, or at least this wide, keeps to one line of keys.
    LOW = 20
    WIDE = 100

    def __init__(self) -> None:
        super().__init__(id="foot")
        self._shown: list[list[Entry]] = [[]]

    def on_mount(self) -> None:
        """Follow the bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def _bindings_changed(self, screen: Screen[object]) -> None:
        if screen is self.screen and self.is_attached:
            self.lay()

    def on_resize(self, event: events.Resize) -> None:
        """Fit the keys into the new width."""
        if event.size.width >= self.WIDE and event.size.height > 1:
            self.styles.height = 1
        self.lay()

    @property
    def text(self) -> str:
        """The keys shown, as text."""
        return "  ".join("".join(piece.text for piece in entry.line) for line in self._shown for entry in line)

    def lay(self) -> None:
        """Show the keys that are active now; while it is hidden, once it is back."""
        if not self.size:
            return
        most = 2 if self.size.width < self.WIDE and self.screen.size.height >= self.LOW else 1
        lines = _fill(self._entries(), self.size.width, most)
        if lines != self._shown:
            if len(lines) > self.size.height:
                self.styles.height = len(lines)
            self._shown = lines
            self.refresh()

    def _entries(self) -> list[Entry]:
        seen: dict[str, Entry] = {}
        unneeded = getattr(self.screen, "unneeded_keys", ())
        labels = getattr(self.screen, "key_labels", {})
        for key, (_, binding, enabled, tooltip) in self.screen.active_bindings.items():
            if binding.show and enabled and binding.id and binding.id not in (*seen, *unneeded):
                label = labels.get(binding.id, binding.description)
                seen[binding.id] = Entry(keynames.shown(key), label, key, tooltip)
        return [seen[each] for each in sorted(seen, key=lambda each: keys.RANKS.get(each, 50))]

    def render_line(self, y: int) -> Strip:
        """A line of keys."""
        pieces: list[Piece] = []
        for entry in self._shown[y] if y < len(self._shown) else ():
            pieces += (Piece(" "), *entry.line, Piece(" "))
        return self.strip(pieces, self.size.width)

    def _at(self, x: int, y: int) -> Entry | None:
        for entry in self._shown[y] if y < len(self._shown) else ():
            x -= entry.cells
            if x < 0:
                return entry
        return None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Say more about the key under the mouse."""
        entry = self._at(event.x, event.y)
        self.tooltip = draw.content((Piece(entry.tooltip),)) if entry else None

    def on_click(self, event: events.Click) -> None:
        """Press the key."""
        if (entry := self._at(event.x, event.y)) is not None:
            self.app.simulate_key(entry.press)


def _fill(entries: Sequence[Entry], cells: int, most: int) -> list[list[Entry]]:
    """The entries over at most so many lines; the last (help) stays longest, before it the last gives way first."""
    kept = list(entries)
    while True:
        lines: list[list[Entry]] = [[]]
        used = 0
        for entry in kept:
            if used + entry.cells > cells and lines[-1]:
                lines.append([])
                used = 0
            lines[-1].append(entry)
            used += entry.cells
        if len(lines) <= most or len(kept) <= 1:
            return lines[:most]
        del kept[-2]


class Chrome(Vertical):
    """The lines above a screen: header, tabs and hint, banner."""

    DEFAULT_CSS = """
    Chrome { height: auto; }
    Chrome #header { background: $surface; }
    Chrome #header.-past { background: $warning 30%; }
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
        past: bool = False,
    ) -> None:
        """Show the state of things; `past`: as it was at another moment."""
        if len(self.children) < 3:
            return  # the screen is being put together, or taken down
        header = self.query_one("#header", Bar)
        header.show(left, right)
        header.set_class(past, "-past")
        header.tooltip = draw.content((Piece(tooltip),)) if tooltip else None
        self.query_one("#hint", Bar).show(((),), hint)
        bar = self.query_one("#banner", Bar)
        bar.set_class(bool(banner), "-said")
        bar.show((banner,))

    async def on_click(self, event: events.Click) -> None:
        """A click on the banner opens what is behind it."""
        if isinstance(event.widget, Bar) and event.widget.id == "banner":
            await self.app.run_action("screen.notices")
