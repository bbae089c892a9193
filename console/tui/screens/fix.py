"""The smallest fix of a blocked connection, over the whole screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Self

from textual import work
from textual.binding import BindingType

from console.errors import ConsoleError
from console.tui import keys
from console.tui.model.fixview import Remedy
from console.tui.model.frame import Question
from console.tui.model.whatif import Start
from console.tui.screens.save import SaveScreen
from console.tui.screens.text import TextScreen
from console.tui.screens.whatif import WhatIfScreen
from console.tui.text import Piece, Tone
from console.tui.widgets.pane import TextPane


class FixScreen(TextScreen):
    """Works out a fix on a thread, shows it as YAML, copies it and writes it to a file."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.FIX)]

    def __init__(self) -> None:
        super().__init__()
        self._question = Question("", "", "")
        self._find: Callable[[], Remedy] = Remedy
        self._found: Remedy | None = None

    def look_for(self, find: Callable[[], Remedy], question: Question) -> Self:
        """Show what `find` works out for a question: not on the event loop."""
        self._find, self._question, self._found = find, question, None
        return self.present(f"Smallest fix · {question}", [(Piece("◌ working it out …", Tone.DIM),)])

    def begin(self) -> None:
        """Start."""
        super().begin()
        if self._question.complete:
            self.call_after_refresh(self._work_out)  # which would hold up the first frame

    @work(exclusive=True, exit_on_error=False)
    async def _work_out(self) -> None:
        try:
            found = await asyncio.to_thread(self._find)
        except ConsoleError as error:
            found = Remedy(why_none=str(error))
        except Exception as error:  # A fault of the engine is told, and leaves the console as it was.
            found = Remedy(why_none=f"The console itself failed to work out a fix: {error!r}")
        self._found = found
        self.query_one(TextPane).show_laid(found.laid, keep=False)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is nothing to copy, to write or to change before a fix is found."""
        if action in ("copy", "write", "edit") and (self._found is None or not self._found.text):
            return False
        return super().check_action(action, parameters)

    def action_copy(self) -> None:
        """Copy the YAML."""
        if self._found is not None:
            self.stage.copy(self._found.text, "the YAML")

    def action_write(self) -> None:
        """Write the YAML to a file."""
        if self._found is not None:
            self.app.push_screen(SaveScreen(self._found.text, self._found.file), self._written)

    def action_edit(self) -> None:
        """Change it, and see what would come of it."""
        if self._found is not None:
            start = Start(self._found.text, note="Begun with the smallest fix.")
            self.app.push_screen(self.stage.cover(WhatIfScreen).try_out(self._question, start=start))

    def _written(self, path: Path | None) -> None:
        if path is not None:
            self.stage.say(f"Wrote {path}")
