"""What widgets that draw their own lines share: the colours of the theme, worked out once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Self

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.filter import ANSIToTruecolor
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from console.tui import draw
from console.tui.text import Piece, Tone
from console.tui.theme import Band, bands, tones

#: The width of the bar at the right of lines that scroll, in cells.
BAR: Final = 1


class Drawn(Widget):
    """A widget drawn line by line from pieces."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._palette: tuple[Style, dict[Tone, Style], dict[Band, Style]] | None = None
        self._blank: Strip | None = None

    def notify_style_update(self) -> None:
        """Forget the colours of the old theme."""
        self._palette = self._blank = None
        super().notify_style_update()

    def strip(self, line: Iterable[Piece], cells: int, band: Band | None = None) -> Strip:
        """A line of exactly `cells` cells, on a band where one is given."""
        if self._palette is None:
            variables, background = self.app.theme_variables, self.background_colors[1]
            self._palette = self.rich_style, tones(variables, background), bands(variables, background)
        base, in_tone, on_band = self._palette
        if not line and band is None:
            # Most lines of a large screen are empty: one strip for all of them is cut and written once.
            if self._blank is None or self._blank.cell_length != cells:
                self._blank = Strip.blank(cells, base)
            return self._blank
        return draw.strip(line, cells, base + on_band[band] if band else base, in_tone)


class LineView(Drawn, ScrollView, can_focus=True, inherit_bindings=False):
    """Lines that scroll up and down, in a frame, with a bar on the right that shows where one is.

    The lines between the borders are put together here, each once: by way of Textual's
    styles, filters and a scrollbar of its own each is made some eight times, which is
    half the time a key takes. The bar is blank where all fits, so nothing ever moves.
    """

    DEFAULT_CSS = """
    LineView { overflow-x: hidden; overflow-y: hidden; scrollbar-size: 0 0; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        # What stands on each row, and that in its frame.
        self._said: dict[int, Strip] = {}
        self._made: dict[int, Strip] = {}
        self._made_for: Size | None = None
        self._total = 0
        self._frame: tuple[Segment, Segment, Segment, Segment] | None = None
        self._framed_blank: Strip | None = None

    def set_height(self, lines: int) -> None:
        """Say how many lines there are."""
        size = Size(self.cells, max(lines, self.content_region.height))
        before, self._total = self._total, lines
        if self.styles.auto_dimensions:
            self.virtual_size = size
        elif size != self.virtual_size:
            # The view itself stays as large as it is: set as an attribute, this would lay out the whole screen anew.
            self.set_reactive(Widget.virtual_size, size)
            self.scroll_y = self.validate_scroll_y(self.scroll_y)
            if lines != before:
                self.refresh()

    @property
    def cells(self) -> int:
        """The width lines are drawn in: all but the column of the bar."""
        return max(self.content_region.width - BAR, 0)

    @property
    def allow_vertical_scroll(self) -> bool:
        """The wheel scrolls, though Textual knows of no scrollbar."""
        return True

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw anew: all of it, or the lines of some regions of the content."""
        if repaint and regions:
            for y in (y for region in regions for y in region.line_range):
                self._said.pop(y, None)
                self._made.pop(y, None)
        elif repaint:
            self._forget()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def _forget(self) -> None:
        self._said.clear()
        self._made.clear()
        self._frame = self._framed_blank = None

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a part of the widget, frame included."""
        width, height = self.outer_size
        if self.outer_size != self._made_for:
            if self._made_for is None or width != self._made_for.width or self._total <= 1:
                self._forget()
            # Lines as wide as before say the same; the bar beside them may be another. What stands for lines where
            # there are none has its place by the height.
            self._made.clear()
            self._made_for = self.outer_size
        above, below = self.gutter.top, self.gutter.bottom
        strips = [
            self._line(y - above)
            if above <= y < height - below
            else super(LineView, self).render_lines(Region(0, y, width, 1))[0]
            for y in crop.line_range
        ]
        left, right = crop.column_span
        return strips if (left, right) == (0, width) else [strip.crop(left, right) for strip in strips]

    def _line(self, y: int) -> Strip:
        strip = self._made.get(y)
        if strip is None:
            strip = self._made[y] = self._framed(y)
        return strip

    def _framed(self, y: int) -> Strip:
        if (said := self._said.get(y)) is None:
            said = self._said[y] = self.render_line(y)
        if said is not self._blank or y in self._thumb():
            return self._between_edges(said, y in self._thumb())
        if self._framed_blank is None or self._framed_blank.cell_length != self.outer_size.width:
            self._framed_blank = self._between_edges(said, False)
        return self._framed_blank

    def _between_edges(self, said: Strip, lit: bool) -> Strip:
        if self._frame is None:
            self._frame = self._edges()
        before, after, blank, thumb = self._frame
        bar = thumb if lit else blank
        strip = Strip([each for each in (before, *said, bar, after) if each.text], self.outer_size.width)
        for each in self.get_line_filters():
            # Colours of the terminal's own palette, for which Textual keeps a filter, are never used here.
            if not isinstance(each, ANSIToTruecolor):
                strip = strip.apply_filter(each, self.background_colors[1])
        return strip

    def _edges(self) -> tuple[Segment, Segment, Segment, Segment]:
        """What stands before a line and after it, and the bar, without and with its thumb."""
        base, padding, behind = self.rich_style, self.styles.padding, self.background_colors[1]
        (_, (right_edge, right), _, (left_edge, left)) = self.styles.border
        return (
            Segment("│" * bool(left_edge) + " " * padding.left, base + Style(color=(behind + left).rich_color)),
            Segment(" " * padding.right + "│" * bool(right_edge), base + Style(color=(behind + right).rich_color)),
            Segment(" ", base),
            Segment("▐", base + Style(color=(behind + self.styles.scrollbar_color).rich_color)),
        )

    def _thumb(self) -> range:
        """The rows of the bar that are lit."""
        rows, lines = self.size.height, self._total
        if not 0 < rows < lines:
            return range(0)
        size = max(rows * rows // lines, 1)
        start = round((rows - size) * self.scroll_offset.y / (lines - rows))
        return range(start, start + size)

    def on_bar(self, event: events.MouseEvent) -> bool:
        """Whether a mouse event is on the bar."""
        offset = event.get_content_offset(self)
        return offset is not None and offset.x >= self.cells

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the bar."""
        if self.on_bar(event) and self.max_scroll_y:
            self.capture_mouse()
            self._drag(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Scroll with the bar."""
        if self.app.mouse_captured is self:
            self._drag(event)

    def on_mouse_up(self) -> None:
        """Let go of the bar."""
        self.release_mouse()

    def _drag(self, event: events.MouseEvent) -> None:
        at = (event.y - self.gutter.top) / max(self.size.height - 1, 1)
        self.scroll_to(y=round(at * self.max_scroll_y), animate=False, force=True, immediate=True)
