"""Asking for the name of a file, and writing a text to it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from console.errors import InputError
from console.tui import draw, keys
from console.tui.saving import Occupied, save
from console.tui.screens.ground import Cover
from console.tui.text import Piece, Tone


class SaveScreen(Cover[Path | None], inherit_bindings=False):
    """Asks where a text goes. A file that is there is written over only when asked twice. Gives the path, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.SAVE)]
    DEFAULT_CSS = """
    SaveScreen { align: center middle; background: $background 65%; }
    SaveScreen #box {
        width: 76; max-width: 96%; height: auto; border: round $accent; background: $surface; padding: 0 1;
    }
    SaveScreen Input, SaveScreen Input:focus { border: none; height: 1; padding: 0; background: $panel; }
    SaveScreen #told { height: auto; max-height: 5; margin-top: 1; }
    """

    def __init__(self, text: str, name: str) -> None:
        super().__init__()
        self._text = text
        self._suggested = name
        self._asked = ""

    def compose(self) -> ComposeResult:
        """The name, and what the keys do."""
        with Vertical(id="box") as box:
            draw.title(box, "Write the YAML to a file")
            yield Input(self._suggested, id="name", compact=True, select_on_focus=False)
            yield Static(id="told")

    def on_mount(self) -> None:
        """Begin to type at the end of the name."""
        self._tell()
        self.query_one(Input).focus()

    def _tell(self, error: InputError | None = None) -> None:
        how = (
            Piece("⏎", Tone.ACCENT), Piece(" write  ", Tone.DIM), Piece("esc", Tone.ACCENT), Piece(" cancel", Tone.DIM)
        )  # fmt: skip
        if error is None:
            self.query_one("#told", Static).update(draw.content(how))
            return
        told = [(Piece(f"✗ {error.message}", Tone.BAD),), (Piece(error.hint, Tone.WARN),), how]
        self.query_one("#told", Static).update(draw.contents(told))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Another name has to be asked about anew."""
        event.stop()
        if self._asked and event.value != self._asked:
            self._asked = ""
            self._tell()

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Write it; disks can be slow."""
        event.stop()
        name = event.value
        try:
            path = await asyncio.to_thread(save, self._text, name, over=bool(name) and name == self._asked)
        except InputError as error:
            self._asked = name if isinstance(error, Occupied) else ""
            self._tell(error)
            return
        self.dismiss(path)

    def action_close(self) -> None:
        """Write nothing."""
        self.dismiss(None)
