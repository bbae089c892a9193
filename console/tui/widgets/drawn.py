"""What widgets that draw their own lines share: the colours of the theme, worked out once."""

from __future__ import annotations

from collections.abc import Iterable

from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from console.tui import draw
from console.tui.text import Piece, Tone
from console.tui.theme import Band, bands, tones


class Drawn(Widget):
    """A widget drawn line by line from pieces."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._palette: tuple[Style, dict[Tone, Style], dict[Band, Style]] | None = None

    def notify_style_update(self) -> None:
        """Forget the colours of the old theme."""
        self._palette = None
        super().notify_style_update()

    def strip(self, line: Iterable[Piece], cells: int, band: Band | None = None) -> Strip:
        """A line of exactly `cells` cells, on a band where one is given."""
        if self._palette is None:
            variables, background = self.app.theme_variables, self.background_colors[1]
            self._palette = self.rich_style, tones(variables, background), bands(variables, background)
        base, in_tone, on_band = self._palette
        return draw.strip(line, cells, base + on_band[band] if band else base, in_tone)


class LineView(Drawn, ScrollView, can_focus=True, inherit_bindings=False):
    """Lines that scroll up and down. The scrollbar is always there, blank where all fits, so that nothing ever moves."""

    DEFAULT_CSS = """
    LineView {
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
    }
    """

    def set_height(self, lines: int) -> None:
        """Say how many lines there are."""
        size = Size(self.cells, max(lines, self.content_region.height))
        if self.styles.auto_dimensions:
            self.virtual_size = size
        elif size != self.virtual_size:
            # The view itself stays as large as it is: set as an attribute, this would lay out the whole screen anew.
            self.set_reactive(Widget.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = size.height
            self.scroll_y = self.validate_scroll_y(self.scroll_y)

    @property
    def cells(self) -> int:
        """The width lines are drawn in."""
        return max(self.content_region.width - self.styles.scrollbar_size_vertical, 0)
