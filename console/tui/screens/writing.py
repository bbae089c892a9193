"""Main screens whose content is written to a file, in the form its name ends with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from textual import work

from console.errors import ConsoleError
from console.tui.screens.filtering import FilterScreen


class WritingScreen(FilterScreen):
    """A main screen that ``w`` and ``:export`` write. Subclasses say what and where to."""

    @property
    def suggested_file(self) -> str:
        """The file one would write to."""
        raise NotImplementedError

    def writer(self, file: str, over: str) -> Callable[[], Path] | None:
        """What writes it, off the event loop, and gives where to; None where there is nothing to write, which it says.

        `over` is not empty where a file that is there is to be written over.
        """
        raise NotImplementedError

    def wrote(self, path: Path) -> str:
        """What to say of a file that was written."""
        return f"Wrote {path}"

    def action_write(self) -> None:
        """Open the command line with the name of a file to write to."""
        self.action_command(f"export ./{self.suggested_file}")

    def export(self, file: str, over: str = "") -> None:
        """Write what is shown to a file, in the form its name ends with."""
        write = self.writer(file, over)
        if write is not None:
            self._write(write)

    @work(exclusive=True, group="export", exit_on_error=False)
    async def _write(self, write: Callable[[], Path]) -> None:
        try:
            path = await asyncio.to_thread(write)
        except ConsoleError as error:
            self.console.fail(error)
        else:
            self.console.say(self.wrote(path))
