"""Driving the console as a person does: keys in, text on the screen out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual import events
from textual.pilot import Pilot
from textual.widget import Widget

from console.cluster.source import Source, State
from console.tui.app import ConsoleApp
from console.tui.widgets.chrome import Bar, Foot
from console.tui.widgets.rows import RowList

#: Seconds something on screen may take; nothing waits that long unless it fails.
PATIENCE = 10.0

_NAMES = {
    " ": "space", "/": "slash", "-": "minus", ":": "colon", ".": "full_stop", "=": "equals_sign",
    "!": "exclamation_mark", "_": "underscore", ",": "comma", "?": "question_mark",
}  # fmt: skip
_LETTERS = {name: letter for letter, name in _NAMES.items()}


class Driver:
    """The console under test."""

    def __init__(self, app: ConsoleApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def text(self) -> str:
        """The screen, line by line."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    @property
    def header(self) -> str:
        """The first line."""
        return self.app.base.query_one("#header", Bar).text if self.app.base else ""

    @property
    def footer(self) -> str:
        """The keys shown at the bottom."""
        return self.app.screen.query_one(Foot).text

    @property
    def notices(self) -> str:
        """What was said in passing."""
        return "\n".join(notification.message for notification in self.app._notifications)

    def list(self, id: str = "listing") -> RowList:
        """A list by its id."""
        return self.app.screen.query_one(f"#{id}", RowList)

    def rows(self, id: str = "listing", cells: int = 200) -> list[str]:
        """The rows of a list, all of them, as text."""
        table = self.list(id).table
        return ["".join(piece.text for piece in table.line(place, cells)).rstrip() for place in range(len(table.rows))]

    def row(self, name: str, id: str = "listing") -> str:
        """The row that begins with a name."""
        return next(row for row in self.rows(id) if row.split()[0] == name)

    def under_cursor(self, id: str = "listing") -> str:
        """The row under the cursor of a list."""
        return self.rows(id)[self.list(id).cursor]

    @property
    def focused(self) -> str:
        """The id of the widget in focus."""
        widget: Widget | None = self.app.screen.focused
        return widget.id or "" if widget else ""

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other, each when the one before has done what it does."""
        for key in keys:
            letter = key if len(key) == 1 else _LETTERS.get(key)
            self.app.post_message(events.Key(key, letter))
            await self.pilot.pause(0.0)
            await self.pilot.pause(0.0)

    async def type(self, text: str) -> None:
        """Type a text, letter by letter."""
        await self.press(*(_NAMES.get(letter, letter) for letter in text))

    def burst(self, text: str) -> None:
        """Type a text faster than anything can answer, as a terminal hands on what a script sends."""
        for letter in text:
            self.app.post_message(events.Key(_NAMES.get(letter, "enter" if letter == "\n" else letter), letter))

    async def paste(self, text: str) -> None:
        """Paste a text where the focus is: the same as typing it, in one go."""
        self.app.post_message(events.Paste(text))
        await self.pilot.pause(0.0)

    async def command(self, text: str) -> None:
        """Give a command."""
        await self.until(lambda: self.app.base, "ready")
        await self.press("colon")
        await self.paste(text)
        await self.press("enter")

    async def tab_to(self, id: str) -> None:
        """Press tab until a pane has the focus."""
        for _ in range(10):
            if self.focused == id:
                return
            await self.press("tab")
        raise AssertionError(f"tab never comes to {id}")

    async def until(self, true: Callable[[], Any], what: str = "") -> None:
        """Wait until something holds; fails with the screen where it never does."""
        deadline = time.monotonic() + PATIENCE
        while True:
            await self.pilot.pause(0.0)
            try:
                if true():
                    return
            except (LookupError, StopIteration, AttributeError):
                pass  # not there yet
            if time.monotonic() > deadline:
                raise AssertionError(f"never {what or 'so'}:\n{self.text}\n{self.notices}")
            await asyncio.sleep(0.04)

    async def see(self, *texts: str) -> None:
        """Wait until all the texts are on the screen."""

        def shown() -> bool:
            screen = self.text  # drawn anew at each look
            return all(text in screen for text in texts)

        await self.until(shown, f"showed {texts}")

    async def live(self) -> None:
        """Wait until the cluster was read."""
        await self.until(lambda: self.app.frame.status.state is State.LIVE, "live")

    async def put_cursor(self, name: str, id: str = "listing") -> None:
        """Move the cursor of a list to the row that begins with a name."""
        names = [row.split()[0] for row in self.rows(id)]
        self.list(id)._go(names.index(name))
        await self.pilot.pause()


@asynccontextmanager
async def console(
    source: Source | Callable[[], Source], size: tuple[int, int] = (120, 36), *, ahead: bool = False, **options: Any
) -> AsyncIterator[Driver]:
    """The console on a source, at a size of columns and lines.

    `ahead`: mount the screens nobody has gone to yet, as it does in idle moments: half of what a test costs.
    """
    app = ConsoleApp(source, **options) if ahead else ConsoleApp(source, settled=None, **options)
    async with app.run_test(size=size) as pilot:
        yield Driver(app, pilot)
