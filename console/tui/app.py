"""The console as an app: it holds the newest frame and the session, and carries out what concerns every screen."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from console.cluster.source import Source, State
from console.errors import ConsoleError, InputError
from console.policy.asking import Modes
from console.report.clean import clean
from console.settings import Settings, state_folder
from console.tui import keys
from console.tui.copying import LIMIT, copy
from console.tui.desk import Desk
from console.tui.errands import Errands
from console.tui.messages import Arrived
from console.tui.model.frame import Question, first_frame
from console.tui.model.rows import View
from console.tui.model.session import Session, normal_port
from console.tui.screens.base import MainScreen
from console.tui.screens.browse import BrowseScreen
from console.tui.screens.simulate import SimulateScreen
from console.tui.theme import DEFAULT, THEMES


class ConsoleApp(Errands, App[None], inherit_bindings=False):
    """Browse and Simulate over one source at a time, which is handed in.

    `open_context` opens one of `contexts`; `reopen` makes the present source afresh, for
    when it failed. `clock` gives time.time() seconds; `settled` is called once all was read.
    """

    TITLE = "netpol-console"
    MODES: ClassVar[dict[str, str | Callable[[], Screen[object]]]] = {
        "browse": BrowseScreen,  # type: ignore[dict-item]
        "simulate": SimulateScreen,  # type: ignore[dict-item]
    }
    DEFAULT_MODE = "browse"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.APP)]
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    CSS = """
    Screen { background: $background; color: $foreground; }
    * { scrollbar-color: $foreground 25%; scrollbar-background: $background; }
    """

    def __init__(
        self,
        source: Source,
        *,
        settings: Settings | None = None,
        modes: Modes | None = None,
        contexts: Sequence[str] = (),
        open_context: Callable[[str], Source] | None = None,
        reopen: Callable[[], Source] | None = None,
        clock: Callable[[], float] = time.time,
        copy_limit: int = LIMIT,
        settled: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__()
        self.settings = settings or Settings()
        self.clock = clock
        self.session = Session(
            view=View(self.settings.namespace),
            contexts=tuple(contexts),
            open_context=open_context,
            reopen=reopen,
        )
        self.frame = first_frame(source.title, clock())
        self._source = source
        self._copy_limit = copy_limit
        self._settled: Callable[[], object] | None = settled
        self.desk = Desk(lambda frame: self._hand_over(Arrived(frame)), clock=clock, modes=modes)
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = _known_theme(self.settings, self.available_themes)
        self.set_keymap(dict(keys.checked(self.settings)))

    def _hand_over(self, message: Arrived) -> None:
        # Called from the desk's thread; after the loop has ended there is nobody to hand over to.
        if self.is_running:
            self.post_message(message)

    def on_mount(self) -> None:
        """Begin to read: after the first paint, which shows the skeleton."""
        self.call_after_refresh(self.desk.start, self._source)
        self.set_interval(1.0, self._tick)

    def on_unmount(self) -> None:
        """Let go of the source."""
        self.desk.stop()

    def _tick(self) -> None:
        """Let the age in the header grow."""
        if self.frame.status.state is not State.LIVE and (base := self.base) is not None:
            base.draw_chrome()

    @property
    def base(self) -> MainScreen | None:
        """The main screen, whatever lies over it."""
        found = self.screen_stack[0] if self.screen_stack else None
        return found if isinstance(found, MainScreen) and found.is_mounted else None

    def on_arrived(self, message: Arrived) -> None:
        """Draw a newer frame."""
        self.frame = message.frame
        self.redraw()
        if self._settled is not None and self.frame.status.state in (State.LIVE, State.STATIC):
            self._settled()
            self._settled = None

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
        self.session.question = question._replace(port=normal_port(question.port))
        self.ask()

    def set_end(self, side: str, text: str) -> None:
        """Set the source or the destination; go on to Simulate when both are set."""
        self.session.set_end(side, text, self.frame.snapshot)
        question = self.session.question
        self.ask()
        if question.source and question.destination and isinstance(self.base, BrowseScreen):
            self.session.ask_port = not question.port
            self.action_go("simulate")
        elif isinstance(self.base, BrowseScreen):
            key, other = ("d", "destination") if side == "source" else ("s", "source")
            self.say(f"{side.capitalize()}: {text}. Now {key} on the {other}, or 2 to simulate.")

    def action_go(self, screen: str) -> None:
        """Go to a main screen."""
        if screen != self.current_mode:
            self.switch_mode(screen)

    def say(self, text: str, severity: str = "information") -> None:
        """Tell the user something, for a few seconds. Nothing in it is read as markup."""
        self.notify(
            clean(text),
            severity=severity,  # type: ignore[arg-type]
            markup=False,
            timeout=6,
        )

    def fail(self, error: ConsoleError) -> None:
        """Tell the user of an error and what to do about it."""
        self.say(f"{error.message}. {error.hint}".strip() if error.hint else error.message, "error")

    def copy(self, text: str, what: str) -> None:
        """Copy a text, and say where it went."""
        try:
            path = copy(text, clipboard=self.copy_to_clipboard, folder=state_folder(), limit=self._copy_limit)
        except InputError as error:
            self.fail(error)
            return
        if path is None:
            self.say(f"Copied {what} to the terminal's clipboard ({len(text):,} characters).")
        else:
            self.say(f"Too long for the terminal's clipboard: {what} is in {path}", "warning")

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The command palette: everything that has a key here, and the themes."""
        del screen  # the main screen's keys are offered, whatever lies over it
        for title, entries in self.key_sections():
            for key in entries:
                yield SystemCommand(key.does, f"{title}: {key.keys}", partial(self.press, key.press))
        yield SystemCommand("Change the theme", "Colours", self.action_change_theme)


def _known_theme(settings: Settings, available: Iterable[str]) -> str:
    name = settings.theme or DEFAULT
    known = list(available)
    if name not in known:
        raise InputError(f"{settings.place('theme')}: there is no theme {name!r}", hint=f"themes: {', '.join(known)}")
    return name


def run(
    source: Source,
    *,
    settings: Settings | None = None,
    modes: Modes | None = None,
    contexts: Sequence[str] = (),
    open_context: Callable[[str], Source] | None = None,
    reopen: Callable[[], Source] | None = None,
) -> int:
    """Open the console on a source until the user leaves; returns the exit status.

    Raises InputError where the settings name a theme or a key that does not exist.
    """
    # What is there now, and the objects once they are read, stay until the end: looking through them for garbage
    # again and again would hold up keys for 50 ms and more.
    app = ConsoleApp(
        source,
        settings=settings,
        modes=modes,
        contexts=contexts,
        open_context=open_context,
        reopen=reopen,
        settled=gc.freeze,
    )
    gc.freeze()
    app.run()
    return app.return_code or 0
