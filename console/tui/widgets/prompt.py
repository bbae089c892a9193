"""The line at the bottom on which filters and commands are typed."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from console.tui import draw, keys
from console.tui.text import Line, Piece, Tone
from console.tui.widgets.chrome import Foot


class Prompt(Horizontal):
    """Opens for a filter (``/``) or a command (``:``); says what it takes, and what was wrong with it."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.PROMPT)]
    DEFAULT_CSS = """
    Prompt { height: 1; display: none; background: $panel; }
    Prompt #sign { width: 3; padding: 0 1; color: $accent; text-style: bold; }
    Prompt Input, Prompt Input:focus { border: none; height: 1; padding: 0; background: $panel; width: 1fr; }
    Prompt #advice { width: auto; max-width: 50%; padding: 0 1; }
    """

    class Typed(Message):
        """The text changed."""

        def __init__(self, sign: str, text: str) -> None:
            super().__init__()
            self.sign = sign
            self.text = text

    class Entered(Typed):
        """Enter was pressed."""

    class Closed(Message):
        """It was closed without entering."""

        def __init__(self, sign: str) -> None:
            super().__init__()
            self.sign = sign

    class Completing(Typed):
        """Tab was pressed: the last word should be completed."""

    def __init__(self) -> None:
        super().__init__(id="prompt")
        self.sign = ""

    def compose(self) -> ComposeResult:
        """The sign, the input, the advice."""
        yield Static(id="sign")
        yield Input(id="typed", compact=True, select_on_focus=False)
        yield Static(id="advice")

    def open(self, sign: str, text: str, advice: str) -> None:
        """Open for a sign (``/`` or ``:``) with a text to begin from."""
        self.sign = sign
        self.query_one("#sign", Static).update(draw.content((Piece(sign),)))
        self.advise((Piece(advice, Tone.DIM),))
        typed = self.query_one(Input)
        with typed.prevent(Input.Changed):
            typed.value = text
        typed.cursor_position = len(text)
        self._show(True)
        # At once, not when the queue is empty: what is typed next belongs here.
        self.screen.set_focus(typed)

    def advise(self, line: Line) -> None:
        """Say something beside the input."""
        self.query_one("#advice", Static).update(draw.content(line))

    def fill(self, text: str) -> None:
        """Replace what is typed."""
        typed = self.query_one(Input)
        typed.value = text
        typed.cursor_position = len(text)

    @property
    def is_open(self) -> bool:
        """Whether it is on screen."""
        return self.display

    def shut(self) -> None:
        """Take it off the screen."""
        self._show(False)

    def _show(self, shown: bool) -> None:
        # It takes the place of the keys. Said by display, not by a class: that would style every widget anew.
        self.display = shown
        self.screen.query_one(Foot).display = not shown

    def on_input_changed(self, event: Input.Changed) -> None:
        """Pass the text on as it is typed."""
        event.stop()
        if self.is_open:
            self.post_message(self.Typed(self.sign, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Pass the finished text on."""
        event.stop()
        self.post_message(self.Entered(self.sign, event.value))

    def action_close(self) -> None:
        """Close without entering."""
        self.post_message(self.Closed(self.sign))

    def action_complete(self) -> None:
        """Ask for the last word to be completed."""
        self.post_message(self.Completing(self.sign, self.query_one(Input).value))
