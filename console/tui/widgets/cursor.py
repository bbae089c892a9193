"""A scrolling view with a cursor that stays on the same object while the rows around it change."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Sequence
from contextlib import suppress
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from console.tui import keys
from console.tui.text import Line
from console.tui.theme import Band
from console.tui.widgets.drawn import LineView


class CursorView(LineView, can_focus=True, inherit_bindings=False):
    """Items of one line or more, of which only the visible lines are ever drawn.

    Subclasses hold the items: they give `keys_shown` and `paint`, and `heights` where
    items take more than a line. The cursor belongs to a key: when the items change it
    stays on that key and on the same line of the screen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.LIST)]

    #: Lines above the items that do not scroll.
    head_height = 0
    #: Whether the cursor is lit without the focus, where keys reach it by another way.
    lit = False

    class Moved(Message):
        """The cursor is on another item, or that item may look different now."""

        def __init__(self, view: CursorView, key: Hashable | None) -> None:
            super().__init__()
            self.view = view
            self.key = key

        @property
        def control(self) -> CursorView:
            """The view that sent it."""
            return self.view

    class Chosen(Message):
        """An item was chosen by enter or by a double click."""

        def __init__(self, view: CursorView, key: Hashable) -> None:
            super().__init__()
            self.view = view
            self.key = key

        @property
        def control(self) -> CursorView:
            """The view that sent it."""
            return self.view

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._keys: Sequence[Hashable] = ()
        self._tops: list[int] | None = None
        self._lines = 0
        self.cursor = 0

    def paint(self, index: int, line: int, cells: int) -> Line:
        """Line `line` of an item, in `cells` cells."""
        raise NotImplementedError

    def paint_head(self, cells: int) -> Line:  # noqa: ARG002
        """The line above the items, where `head_height` is 1."""
        return ()

    @property
    def key(self) -> Hashable | None:
        """The key of the item under the cursor."""
        return self._keys[self.cursor] if self.cursor < len(self._keys) else None

    def put(self, items: Sequence[Hashable], heights: Sequence[int] | None = None) -> None:
        """Show other items; the cursor stays on its key, and that on its line of the screen.

        Where the key is gone, the cursor stays at the same place in the order.
        """
        if items is self._keys and heights is None:
            self.refresh()  # the rows are the same; what they say may not be
            return
        before, old = self.key, self._keys
        anchor = self._anchor()
        self._keys = items
        self._measure(heights)
        place = self._place(before)
        self.cursor = min(self.cursor, max(len(items) - 1, 0)) if place is None else place
        self.set_height(self._lines + self.head_height)
        if anchor is not None and (place := self._place(old[anchor[0]])) is not None:
            self._scroll(self._top(place) - anchor[1])
        elif self._lines:
            self.show_cursor()
        self.refresh()
        if self.key != before:
            self.post_message(self.Moved(self, self.key))

    def _place(self, key: Hashable | None) -> int | None:
        # Looked for rather than kept: that of one key is asked, that of ten thousand would have to be made.
        with suppress(ValueError):
            return self._keys.index(key)
        return None

    def _measure(self, heights: Sequence[int] | None) -> None:
        if heights is None:
            self._tops, self._lines = None, len(self._keys)
            return
        self._tops = []
        self._lines = 0
        for height in heights:
            self._tops.append(self._lines)
            self._lines += height

    def _anchor(self) -> tuple[int, int] | None:
        """An item, and the line of the view it stands on: the cursor's if visible, else the first visible one."""
        if not self._keys or not self.size.height:
            return None
        top = self.scroll_offset.y
        line = self._top(self.cursor) - top
        if 0 <= line < self.page_height:
            return self.cursor, line
        first = self._at(top)
        return first, self._top(first) - top

    def _top(self, index: int) -> int:
        return self._tops[index] if self._tops is not None else index

    def _height(self, index: int) -> int:
        after = self._top(index + 1) if index + 1 < len(self._keys) else self._lines
        return after - self._top(index)

    def _at(self, line: int) -> int:
        place = bisect_right(self._tops, line) - 1 if self._tops is not None else line
        return min(max(place, 0), max(len(self._keys) - 1, 0))

    @property
    def page_height(self) -> int:
        """How many lines of items are visible at once."""
        return max(self.scrollable_content_region.height - self.head_height, 1)

    def _scroll(self, top: int) -> None:
        self.scroll_to(y=max(top, 0), animate=False, force=True, immediate=True)

    def show_cursor(self) -> None:
        """Scroll as little as needed for the cursor's item to be visible, its first line first."""
        if not self._keys:
            return
        first = self._top(self.cursor)
        last = first + self._height(self.cursor) - 1
        top = self.scroll_offset.y
        if last >= top + self.page_height:
            top = last - self.page_height + 1
        self._scroll(min(top, first))

    def move_to(self, key: Hashable) -> bool:
        """Put the cursor on a key; False where there is no such item."""
        place = self._place(key)
        if place is None:
            return False
        self._go(place)
        return True

    def _go(self, place: int) -> None:
        if not self._keys:
            return
        place = min(max(place, 0), len(self._keys) - 1)
        before, top = self.cursor, self.scroll_offset.y
        self.cursor = place
        self.show_cursor()
        if top == self.scroll_offset.y:
            self._refresh_item(before)
            self._refresh_item(place)
        if place != before:
            self.post_message(self.Moved(self, self.key))

    def _refresh_item(self, place: int) -> None:
        self.refresh_lines(self.head_height + self._top(place), self._height(place))

    def action_move(self, step: int) -> None:
        """Move by items."""
        self._go(self.cursor + step)

    def action_page(self, step: int) -> None:
        """Move by a page."""
        self._go(self._at(self._top(self.cursor) + step * self.page_height) if self._keys else 0)

    def action_edge(self, side: int) -> None:
        """Move to the first or the last item."""
        self._go(0 if side < 0 else len(self._keys) - 1)

    def action_choose(self) -> None:
        """Choose the item under the cursor."""
        if self.key is not None:
            self.post_message(self.Chosen(self, self.key))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; a second one chooses."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y < self.head_height or not self._keys or self.on_bar(event):
            return
        line = offset.y - self.head_height + self.scroll_offset.y
        if line >= self._lines:
            return
        self._go(self._at(line))
        if event.chain == 2:
            self.action_choose()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """As many lines as there are, for lists as high as their rows."""
        return self._lines + self.head_height

    def on_resize(self) -> None:
        """Lay the lines out anew for the new width; begin at the top where the cursor is visible from there."""
        self.set_height(self._lines + self.head_height)
        if self._keys and self._top(self.cursor) + self._height(self.cursor) <= self.page_height:
            self._scroll(0)
        self.show_cursor()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        cells = self.cells
        if y < self.head_height:
            return self.strip(self.paint_head(cells), cells)
        at = y - self.head_height + self.scroll_offset.y
        if at >= self._lines or not self._keys:
            return self.strip((), cells)
        index = self._at(at)
        band = (Band.CURSOR if self.has_focus or self.lit else Band.RESTING) if index == self.cursor else None
        return self.strip(self.paint(index, at - self._top(index), cells), cells, band)
