"""A pane of text that scrolls: wrapped lines, or YAML with numbers and marks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from console.tui import keys
from console.tui.text import Line, fold
from console.tui.theme import Band
from console.tui.widgets.drawn import BAR, LineView


class TextPane(LineView, can_focus=True, inherit_bindings=False):
    """Lines of any number; they are laid out anew for each width, and drawn as they are seen.

    A line that is too long continues under its own indentation.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.TEXT)]

    class Clicked(Message):
        """The pane was clicked."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._make: Callable[[int], Sequence[tuple[Line, bool]]] = lambda _: ()
        self._lines: Sequence[tuple[Line, bool]] = ()
        self._laid = 0
        self._seeking = False

    def show(self, lines: Sequence[Line], *, keep: bool = True) -> None:
        """Show lines of text; `keep` the scroll position, or go to the top."""
        self.show_laid(lambda cells: [(part, False) for line in lines for part in fold(line, cells)], keep=keep)

    def show_laid(
        self, make: Callable[[int], Sequence[tuple[Line, bool]]], *, keep: bool = True, seek: bool = False
    ) -> None:
        """Show what `make` lays out for a width: lines, and whether each is marked; `seek` the marked ones."""
        self._make = make
        self._laid = 0
        self._seeking = seek
        self._lay()
        if not keep:
            self.scroll_to(y=0, animate=False, force=True, immediate=True)
        if seek:
            # Other panes may still come or go in this refresh, and with them the height of this one.
            self.call_after_refresh(self._seek)
        self.refresh()

    @property
    def text(self) -> str:
        """All lines as they are laid out, as text."""
        return "\n".join("".join(piece.text for piece in line).rstrip() for line, _ in self._lines)

    @property
    def marked(self) -> list[str]:
        """The lines that are marked, as text."""
        return ["".join(piece.text for piece in line).strip() for line, marked in self._lines if marked]

    def _lay(self) -> None:
        self._lay_for(self.cells)

    def _lay_for(self, cells: int) -> None:
        if cells > 0 and cells != self._laid:
            self._laid = cells
            self._lines = self._make(cells)
            self.set_height(len(self._lines))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """As many lines as there are in that width, for panes as high as their text."""
        self._lay_for(width - BAR)
        return len(self._lines)

    def _seek(self) -> None:
        """Scroll so that the marked lines are visible, in the middle where they were not."""
        places = [place for place, (_, marked) in enumerate(self._lines) if marked]
        if not places or not self._seeking:
            return
        height = self.scrollable_content_region.height
        if places[0] < self.scroll_offset.y or places[-1] >= self.scroll_offset.y + height:
            room = max((height - (places[-1] - places[0] + 1)) // 2, 1)
            self.scroll_to(y=max(places[0] - room, 0), animate=False, force=True, immediate=True)

    def on_resize(self) -> None:
        """Lay out for the new width."""
        if self.cells != self._laid:
            self._lay()
            self.refresh()
        self.set_height(len(self._lines))
        self._seek()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        cells = self.cells
        self._lay()
        at = y + self.scroll_offset.y
        line, marked = self._lines[at] if at < len(self._lines) else ((), False)
        return self.strip(line, cells, Band.MARKED if marked else None)

    def action_scroll(self, step: int) -> None:
        """Scroll by lines."""
        self._seeking = False
        self.scroll_to(y=self.scroll_offset.y + step, animate=False, immediate=True)

    def action_page(self, step: int) -> None:
        """Scroll by a page."""
        self.action_scroll(step * max(self.scrollable_content_region.height - 1, 1))

    def action_edge(self, side: int) -> None:
        """Scroll to the beginning or the end."""
        self._seeking = False
        self.scroll_to(y=0 if side < 0 else self.max_scroll_y, animate=False, immediate=True)

    def on_click(self) -> None:
        """Say that it was clicked."""
        self.post_message(self.Clicked())
