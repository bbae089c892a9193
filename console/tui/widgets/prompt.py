"""The line at the bottom on which filters and commands are typed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input, Static

from console.tui import draw, keys
from console.tui.text import Line, Piece, Tone
from console.tui.widgets.chrome import Foot


class Asking(NamedTuple):
    """What is asked for, and what becomes of it. `typed` hears of every change; `complete` gives the text completed."""

    sign: str
    advice: str
    entered: Callable[[str], None]
    closed: Callable[[], None]
    typed: Callable[[str], object] = lambda _: None
    complete: Callable[[str], str | None] = lambda _: None


class Prompt(Horizontal):
    """Opens for a filter (``/``) or a command (``:``); says what it takes, and what was wrong with it.

    Its keys act before those behind them are looked at: whatever is typed after enter
    goes where enter has led.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.PROMPT)]
    DEFAULT_CSS = """
    Prompt { height: 1; display: none; background: $panel; }
    Prompt #sign { width: 3; padding: 0 1; color: $accent; text-style: bold; }
    Prompt Input, Prompt Input:focus { border: none; height: 1; padding: 0; background: $panel; width: 1fr; }
    Prompt #advice { width: auto; max-width: 50%; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__(id="prompt")
        self._asking: Asking | None = None

    def compose(self) -> ComposeResult:
        """The sign, the input, the advice."""
        yield Static(id="sign")
        yield Input(id="typed", compact=True, select_on_focus=False)
        yield Static(id="advice")

    def open(self, asking: Asking, text: str = "") -> None:
        """Open, with a text to begin from."""
        self._asking = asking
        draw.update(self.query_one("#sign", Static), (Piece(asking.sign),))
        self.advise((Piece(asking.advice, Tone.DIM),))
        typed = self.query_one(Input)
        with typed.prevent(Input.Changed):
            typed.value = text
        typed.cursor_position = len(text)
        self._show(True)
        # At once, not when the queue is empty: what is typed next belongs here.
        self.screen.set_focus(typed)

    def advise(self, line: Line) -> None:
        """Say something beside the input."""
        draw.update(self.query_one("#advice", Static), line)

    @property
    def is_open(self) -> bool:
        """Whether it is on screen."""
        return self.display

    def shut(self) -> None:
        """Take it off the screen."""
        self._asking = None
        self._show(False)

    def _show(self, shown: bool) -> None:
        # It takes the place of the keys. Said by display, not by a class: that would style every widget anew.
        self.display = shown
        self.screen.query_one(Foot).display = not shown

    def on_input_changed(self, event: Input.Changed) -> None:
        """Pass the text on as it is typed."""
        event.stop()
        if self._asking is not None:
            self._asking.typed(event.value)

    async def action_enter(self) -> None:
        """Pass the finished text on."""
        text = await self._text()
        if self._asking is not None:
            self._asking.entered(text)

    async def action_close(self) -> None:
        """Close without entering."""
        await self._text()
        if self._asking is not None:
            self._asking.closed()

    async def action_complete(self) -> None:
        """Complete the last word."""
        text = await self._text()
        if self._asking is not None and (found := self._asking.complete(text)) is not None:
            typed = self.query_one(Input)
            typed.value = found
            typed.cursor_position = len(found)

    async def _text(self) -> str:
        """What was typed, letters that are still on their way to the input included."""
        typed = self.query_one(Input)
        await caught_up(typed)
        return typed.value


class Bottom(Vertical):
    """The last lines of a screen: the keys or, instead, the prompt. Apart, so that they alone are drawn anew."""

    DEFAULT_CSS = "Bottom { height: auto; }"

    def compose(self) -> ComposeResult:
        """Both, of which one is shown."""
        yield Prompt()
        yield Foot()


async def caught_up(widget: Widget) -> None:
    """Wait until a widget has taken in every key that was sent to it."""
    done = asyncio.Event()
    if widget.call_later(done.set):
        await done.wait()
