"""A text area for YAML: keys in colour, the next line begins where this one does, faults stand behind their lines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Final, cast

from rich.segment import Segment
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.document._document import EditResult
from textual.document._edit import Edit
from textual.strip import Strip
from textual.widgets import TextArea

from console.report.clean import clean, clean_lines
from console.tui import keys
from console.tui.text import Tone, cells_of
from console.tui.theme import tones

if TYPE_CHECKING:
    from console.tui.stage import Stage

_KEY: Final = re.compile(r"[\s-]*(?P<key>[^\s:#][^:#]*:)(?=\s|$)")


class Editor(TextArea):
    """What is put into it is cleaned first: nothing in it is obeyed by a terminal, and nothing hidden."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.EDITOR)]
    DEFAULT_CSS = """
    Editor, Editor:focus { border: none; padding: 0; background: $background; }
    Editor .text-area--gutter { color: $foreground 40%; }
    Editor .text-area--cursor-gutter { color: $accent; background: $foreground 6%; }
    Editor .text-area--cursor-line { background: $foreground 6%; }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, soft_wrap=False, show_line_numbers=True, tab_behavior="focus", compact=True)
        self._faults: Mapping[int, str] = {}

    def load_text(self, text: str) -> None:
        """Begin with a text; that is no edit one could undo."""
        super().load_text(_harmless(text))

    def edit(self, edit: Edit) -> EditResult:
        """Every change comes through here: typed, pasted, or from the clipboard."""
        edit.text = _harmless(edit.text)
        return super().edit(edit)

    def show_faults(self, faults: Mapping[int, str]) -> None:
        """Show what is wrong behind the lines (1-based) where it is."""
        if faults != self._faults:
            self._faults = faults
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """A line, with its fault behind it."""
        strip = super().render_line(y)
        row = y + self.scroll_offset.y
        fault = self._faults.get(row + 1)
        if not fault or row >= self.document.line_count:
            return strip
        text = self.document.get_line(row)
        # Behind the cell in which a cursor at the end of the line stands.
        end = max(self.gutter_width + cells_of(text) + 1 - self.scroll_offset.x, 0)
        style = tones(self.app.theme_variables, self.background_colors[1])[Tone.BAD]
        said = Segment(f" ✗ {clean(fault)}", self.rich_style + style)
        return Strip.join([strip.crop(0, end), Strip([said])]).adjust_cell_length(self.size.width, self.rich_style)

    def get_line(self, line_index: int) -> Text:
        """A line in colour."""
        line = super().get_line(line_index)
        styles = tones(self.app.theme_variables, self.background_colors[1])
        found = _KEY.match(line.plain)
        if line.plain.lstrip().startswith("#"):
            line.stylize(styles[Tone.DIM])
        elif found is not None:
            line.stylize(styles[Tone.KEY], *found.span("key"))
        return line

    def on_key(self, event: events.Key) -> None:
        """Begin the next line where this one begins."""
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            row, column = self.cursor_location
            before = self.document.get_line(row)[:column]
            self.insert("\n" + before[: len(before) - len(before.lstrip(" "))])

    def action_edge(self, side: int) -> None:
        """Go to the beginning or the end of the text."""
        self.move_cursor((0, 0) if side < 0 else self.document.end)

    def action_copy(self) -> None:
        """Copy what is selected, as everything here is copied."""
        if self.selected_text:
            cast("Stage", self.app).copy(self.selected_text, "what is selected")

    def action_cut(self) -> None:
        """Copy what is selected, and take it out; without a selection the line."""
        start, end = self.selection
        if start == end:
            self.action_select_line()
        self.action_copy()
        super().action_cut()


def _harmless(text: str) -> str:
    return clean_lines(text.replace("\r\n", "\n").replace("\r", "\n"))
