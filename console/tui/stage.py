"""What the screens share while the console runs: the newest frame, the session, the desk, and a way to say things."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from textual import events
from textual.app import App
from textual.css.query import NoMatches
from textual.driver import Driver
from textual.message import Message
from textual.screen import Screen

from console.errors import ConsoleError, InputError
from console.report.clean import clean
from console.tui.screens.ground import Cover, Ground

if TYPE_CHECKING:
    from console.settings import Settings
    from console.tui.annals import Annals
    from console.tui.desk import Desk
    from console.tui.messages import Arrived, Audited, Surveyed
    from console.tui.model.frame import Frame, Question
    from console.tui.model.session import Session
    from console.tui.model.standing import Standing
    from console.tui.screens.commanding import CommandScreen
    from console.tui.survey import Findings, Survey
    from console.tui.warden import Warden


#: Seconds after the cluster was read: by then it is drawn.
_IDLE: Final = 0.5
#: Seconds for which nothing is drawn while one screen takes the place of another.
_FLICKER: Final = 0.005


C = TypeVar("C", bound=Cover[Any])


class Stage(App[None], inherit_bindings=False):
    """The app as screens know it. What it has from `session` to `standing` is there once everything is loaded."""

    session: Session
    frame: Frame
    desk: Desk
    survey: Survey
    findings: Findings
    warden: Warden
    standing: Standing
    annals: Annals
    settings: Settings
    #: The present moment, in time.time() seconds.
    clock: Callable[[], float]
    #: Called when all was read, and again when what that leads to was made ready.
    settled: Callable[[], object] | None = None
    #: Called every second with how many seconds no key was pressed and nothing was worked out for one.
    tidy: Callable[[float], object]
    #: The most bytes that are copied through the terminal; None: what terminals are known to take.
    copy_limit: int | None = None

    def __init__(self) -> None:
        super().__init__()
        #: When a key was last pressed, or something worked out for one, in time.monotonic() seconds.
        self._pressed = 0.0
        #: What lies over the main screens, by kind, once it was made ready or shown.
        self._covers: dict[type[Cover[Any]], Cover[Any]] = {}

    def hand_over(self, message: Message) -> None:
        """Take a message from another thread; after the loop has ended there is nobody to take it."""
        if self.is_running:
            self.post_message(message)

    def on_unmount(self) -> None:
        """Let go of the source."""
        if hasattr(self, "desk"):
            self.desk.stop()
            self.survey.stop()
            self.warden.stop()

    def tick(self) -> None:
        """Let the age in the header grow, and what is told in passing pass."""
        aging = self.frame.status.state.value != "live" or self.findings.shift is not None
        if aging and (base := self.base) is not None:
            with suppress(NoMatches):  # a screen is there a moment before what is on it
                base.draw_chrome()
        if any(worker.is_running for worker in self.workers):
            self._pressed = time.monotonic()  # somebody waits for what comes of it
        self.tidy(time.monotonic() - self._pressed)

    async def on_event(self, event: events.Event) -> None:
        """Take note of keys: what can wait comes after them."""
        if isinstance(event, events.Key):
            self._pressed = time.monotonic()
        await super().on_event(event)

    @property
    def base(self) -> CommandScreen | None:
        """The main screen, whatever lies over it; None before there is one."""
        found = self.screen_stack[0] if self.screen_stack else None
        return cast("CommandScreen", found) if getattr(found, "NAME", "") and found and found.is_mounted else None

    def on_arrived(self, message: Arrived) -> None:
        """Draw a newer frame."""
        self.frame = message.frame
        self.survey.follow(self.frame)
        self.redraw()
        if self.settled is not None and self.frame.status.state.value in ("live", "static", "past"):
            self.settled()
            self.set_timer(_IDLE, partial(self._mount_ahead, self.settled))
            self.settled = None

    def on_surveyed(self, message: Surveyed) -> None:
        """Draw what is known of all pairs now."""
        self.findings = message.findings
        self.redraw()

    def on_audited(self, message: Audited) -> None:
        """Draw how the cluster stands to its charter now, and say at once which rule broke, and by what."""
        if self.standing.audit is None and "audit" in self._screen_stacks:
            self.set_timer(_IDLE, partial(self._draw_ahead, "audit"))
        self.standing = message.standing
        for news in self.standing.news:
            rule = news.turn.rule
            by = f": {news.because}" if news.because else ""
            if news.broke:
                self.say(f"✗ {rule.name} no longer holds{by}", "error")
            elif news.mended:
                self.say(f"✓ {rule.name} holds again", "information")
        self.redraw()

    async def _mount_ahead(self, settled: Callable[[], object]) -> None:
        """Mount the main screens not shown so far, so that the key that first goes to one only has to draw it."""
        for mode in self._modes.keys() - self._screen_stacks.keys():
            # What switch_mode does for a mode it has not seen, without the switch; Textual has no name for that.
            if self.is_running:
                await self._init_mode(mode)
                self._draw_ahead(mode)
        from console.tui.screens.fix import FixScreen
        from console.tui.screens.picker import Picker
        from console.tui.screens.text import TextScreen, YamlScreen
        from console.tui.screens.whatif import WhatIfScreen

        for kind in (Picker, TextScreen, YamlScreen, FixScreen, WhatIfScreen):
            if self.is_running:
                cover, mounted = self._get_screen(self.cover(kind))
                await mounted
                cover._refresh_layout(self.size)
        # The desk, too, has made ready by now what comes next.
        settled()

    def _draw_ahead(self, mode: str) -> None:
        """Draw a main screen that is mounted, and not on screen."""
        screen = cast("CommandScreen", self._screen_stacks[mode][-1])
        if screen is not self.base:
            screen.draw_chrome()
            screen.draw(self.frame)
            screen._refresh_layout(self.size)

    @property
    def _background_screens(self) -> list[Screen[Any]]:
        """The screens below that can be seen: none through one that is opaque, where Textual takes the next for seen.

        What lies below is not laid out and drawn, then, before it is seen again.
        """
        if self._screen_stack and self._screen_stack[-1].styles.background.a == 1:
            return []
        return super()._background_screens

    def delay_update(self, delay: float = 0.05) -> None:
        """Hold back what is drawn while screens change; not for as long as Textual would: ours are mounted already."""
        super().delay_update(min(delay, _FLICKER))

    def cover(self, kind: type[C]) -> C:
        """A screen to lie over the others: the one of its kind that is kept, or another where that is on screen."""
        kept = self._covers.get(kind)
        if kept is None:
            kept = self._covers[kind] = kind()
            self.install_screen(kept, kind.__name__)  # or else closing it would be the end of it
        elif any(kept in stack for stack in self._screen_stacks.values()):
            return kind()
        return cast("C", kept)

    def redraw(self) -> None:
        """Draw the newest frame on the main screen."""
        if self.base is not None:
            self.base.refresh_frame()

    def ask(self) -> None:
        """Have the questions on screen answered, and show what is known already."""
        self.desk.ask(self.session.questions)
        self.redraw()

    def set_question(self, question: Question) -> None:
        """Ask something else."""
        self.session.set_question(question)
        self.ask()

    def say(self, text: str, severity: str = "information") -> None:
        """Tell the user something, for a few seconds. Nothing in it is read as markup."""
        self.notify(clean(text), severity=severity, markup=False, timeout=6)  # type: ignore[arg-type]

    def _refresh_notifications(self) -> None:
        """Show what is said in passing on the screen one looks at; those that are Textual's do that their own way."""
        if self._screen_stack and isinstance(self.screen, Ground):
            self.screen.tell(self._notifications)
        else:
            super()._refresh_notifications()

    def fail(self, error: ConsoleError) -> None:
        """Tell the user of an error and what to do about it."""
        self.say(f"{error.message}. {error.hint}" if error.hint else error.message, "error")

    def copy(self, text: str, what: str) -> None:
        """Copy a text, and say where it went."""
        from console.settings import state_folder
        from console.tui.copying import LIMIT, copy, proviso

        try:
            limit = LIMIT if self.copy_limit is None else self.copy_limit
            path = copy(text, clipboard=self.copy_to_clipboard, folder=state_folder(), limit=limit)
        except InputError as error:
            self.fail(error)
            return
        if path is None:
            self.say(f"Copied {what} to the terminal's clipboard ({len(text):,} characters).{proviso(os.environ)}")
        else:
            self.say(f"Too long for the terminal's clipboard: {what} is in {path}", "warning")

    def copy_to_clipboard(self, text: str) -> None:
        """Copy a text by OSC 52, through whatever lies between here and the terminal."""
        from console.tui.copying import through_screen

        super().copy_to_clipboard(text)
        if self._driver is not None and (wrapped := through_screen(text, os.environ)):
            self._driver.write(wrapped)

    def get_driver_class(self) -> type[Driver]:
        """What speaks to the terminal: Textual's own, which on leaving wipes what it drew."""
        driver = super().get_driver_class()
        if sys.platform == "win32":
            return driver
        from textual.drivers.linux_driver import LinuxDriver

        from console.tui.leaving import WipingDriver

        return WipingDriver if driver is LinuxDriver else driver

    def action_interrupt(self) -> None:
        """ctrl+c is not how one leaves: it is too near to copying."""
        self.say("q leaves the console.")

    def action_command_palette(self) -> None:
        """Search everything that has a key on the main screen, and the themes."""
        from console.tui.model.search import Candidate
        from console.tui.screens.picker import Choice, Picker

        offered: dict[str, tuple[Candidate, Callable[[], object]]] = {}
        for title, entries in self.base.key_sections() if self.base else ():
            for key in entries:
                press = partial(self.call_after_refresh, self.simulate_key, key.press)
                offered.setdefault(key.does, (Candidate(key.does, f"{title}: {key.keys}"), press))
        offered["Change the theme"] = Candidate("Change the theme", "Colours"), self.action_change_theme

        def do(text: str | None) -> None:
            if text is not None:
                offered[text][1]()

        choice = Choice("Palette", [candidate for candidate, _ in offered.values()], "letters of what it does")
        self.push_screen(self.cover(Picker).offer(choice), do)
