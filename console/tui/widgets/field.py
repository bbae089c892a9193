"""A box that shows what was chosen for one part of the question, and opens a picker for it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip

from console.tui import draw, keys
from console.tui.text import Line, Piece, Tone, cleaned, fit, width
from console.tui.widgets.drawn import Drawn


class Field(Drawn, can_focus=True):
    """One of From, To and Port."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.FIELD)]
    DEFAULT_CSS = """
    Field { height: 3; border: round $border-blurred; padding: 0 1; border-title-color: $foreground; }
    Field:focus { border: round $accent; }
    Field:hover { border: round $primary; }
    """

    class Opened(Message):
        """The field was chosen."""

        def __init__(self, part: str) -> None:
            super().__init__()
            self.part = part

    def __init__(self, part: str, title: str, empty: str, *, tooltip: str) -> None:
        super().__init__(id=part)
        self.part = part
        self._empty = empty
        self._value = ""
        self._note = ""
        draw.title(self, title)
        self.tooltip = draw.content((Piece(tooltip),))

    def show(self, value: str, note: str = "") -> None:
        """Show what is chosen, and a few words about it."""
        if (value, note) != (self._value, self._note):
            self._value, self._note = value, note
            self.refresh()

    @property
    def value(self) -> str:
        """What is chosen."""
        return self._value

    def render_line(self, y: int) -> Strip:
        """The value, its end rather than its beginning where it is too long, and the note where there is room."""
        cells = self.size.width
        line: Line = (Piece(self._empty, Tone.DIM),)
        if self._value:
            value = cleaned((Piece(self._value, Tone.STRONG),))
            note = (Piece(f"  {self._note}", Tone.DIM),) if self._note else ()
            line = (*value, *note)
            if width(line) > cells:
                line = value
            if width(line) > cells:
                text = value[0].text
                while text and width((Piece(text),)) > cells - 1:
                    text = text[1:]
                line = (Piece("…", Tone.DIM), Piece(fit(text, cells - 1), Tone.STRONG))
        return self.strip(line if y == 0 else (), cells)

    def action_choose(self) -> None:
        """Open the picker."""
        self.post_message(self.Opened(self.part))

    def on_click(self) -> None:
        """Open the picker."""
        self.action_choose()
