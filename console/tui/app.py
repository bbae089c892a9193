"""The console as an app: what the screens share, and a first paint that waits for nothing.

What this module imports is paid before anything is on the screen; all else is loaded
while the start screen is shown.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from textual import events, work
from textual.binding import BindingType

from console.errors import ConsoleError
from console.tui import garbage, keys, signals
from console.tui.screens.start import PANES_CSS, StartScreen
from console.tui.stage import Stage
from console.tui.theme import THEMES, known_theme

if TYPE_CHECKING:
    from console.cluster.source import Source
    from console.policy.asking import Modes
    from console.settings import Settings
    from console.tui.model.frame import Frame
    from console.tui.screens.commanding import CommandScreen

#: Seconds that a thread beside the loop keeps the interpreter while the loop waits for it: Python's own 5 ms, asked
#: for at every read and write, add up to more than a frame takes.
_TURN: Final = 0.0005


class ConsoleApp(Stage, inherit_bindings=False):
    """The screens over one source at a time.

    `source` is that source, or makes it: then it is made after the first paint, and
    `title` is what the header says until then. `open_context` opens one of `contexts`;
    `reopen` makes the present source afresh, for when it failed. `charter` gives the
    charter's text and what it is called (default: the one inside). `clock` gives
    time.time() seconds; `settled` is called when all was read and made ready (None: nothing is made ready ahead);
    `tidy` is called every second with how many no key was pressed.
    """

    TITLE = "netpol-console"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.APP)]
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    DEFAULT_MODE = "start"
    CSS = f"""
    Screen {{ background: $background; color: $foreground; }}
    Picker {{ background: $background; }}
    * {{ scrollbar-color: $foreground 25%; scrollbar-background: $background; }}
    {PANES_CSS}
    """

    def __init__(
        self,
        source: Source | Callable[[], Source],
        *,
        title: str = "",
        settings: Settings | None = None,
        modes: Modes | None = None,
        charter: Callable[[], tuple[str, str]] | None = None,
        contexts: Sequence[str] = (),
        open_context: Callable[[str], Source] | None = None,
        reopen: Callable[[], Source] | None = None,
        clock: Callable[[], float] = time.time,
        copy_limit: int | None = None,
        settled: Callable[[], object] | None = lambda: None,
        tidy: Callable[[float], object] = lambda _: None,
    ) -> None:
        from console.settings import Settings

        super().__init__()
        self.settings = settings or Settings()
        self.clock = clock
        self._make_source: Callable[[], Source] = source if callable(source) else lambda: source
        self._source_title = title if callable(source) else source.title
        self._judging = modes
        self._charter = charter or _charter_inside
        self._contexts = tuple(contexts), open_context, reopen or (source if callable(source) else None)
        self.copy_limit = copy_limit
        self.settled = settled
        self.tidy = tidy
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = known_theme(self.settings, self.available_themes)
        self.set_keymap(dict(keys.checked(self.settings)))
        self.add_mode("start", lambda: StartScreen(self._source_title))

    def on_mount(self) -> None:
        """Load the rest, after the first paint."""
        if not self.is_headless:
            signals.mind_stops(self)
        self.call_after_refresh(self._load)

    def on_resize(self, event: events.Resize) -> None:
        """Draw everything after a storm of sizes that ends where it began: the terminal has cut lines meanwhile."""
        if event.size == self.size and hasattr(self, "desk"):
            self.refresh(layout=True, repaint=True)

    @work(exit_on_error=True)
    async def _load(self) -> None:
        source = await asyncio.to_thread(_import_and, self._make_source, self._source_title)
        self._begin(source)
        start = self.screen
        await self.switch_mode("browse")
        for key in start.typed if isinstance(start, StartScreen) else ():
            self.post_message(events.Key(key.key, key.character))
        self.desk.start(source)
        self.set_interval(1.0, self.tick)

    def _begin(self, source: Source) -> None:
        from console.tui.annals import Annals
        from console.tui.desk import Desk
        from console.tui.messages import Arrived, Audited, Surveyed
        from console.tui.model.frame import first_frame
        from console.tui.model.rows import View
        from console.tui.model.session import Session
        from console.tui.model.standing import Standing
        from console.tui.screens.main import MAIN
        from console.tui.survey import Findings, Survey
        from console.tui.warden import Warden

        contexts, open_context, reopen = self._contexts
        view = View(self.settings.namespace)
        self.session = Session(view=view, contexts=contexts, open_context=open_context, reopen=reopen)
        self.frame = first_frame(source.title, self.clock())
        self.annals = Annals()
        self.standing = Standing()
        self.warden = Warden(
            lambda standing: self.hand_over(Audited(standing)),
            self._charter,
            self.annals,
            mark=lambda at: self.desk.mark(at),
            modes=self._judging,
            clock=self.clock,
        )

        def arrived(frame: Frame) -> None:
            self.warden.follow(frame)  # here, since of messages that wait only the newest is handed on
            self.hand_over(Arrived(frame))

        self.desk = Desk(arrived, clock=self.clock, modes=self._judging)
        self.findings = Findings()
        self.survey = Survey(lambda findings: self.hand_over(Surveyed(findings)), clock=self.clock)
        for name, screen in MAIN.items():
            self.add_mode(name, partial(self._made, screen))

    def _made(self, make: Callable[[], CommandScreen]) -> CommandScreen:
        """A screen whose widgets will be styled as they are mounted: with what is in force now.

        A new one is out of date to Textual, which would read all style sheets anew and style everything again.
        """
        screen = make()
        screen._css_update_count = self._css_update_count
        return screen


def _import_and(make_source: Callable[[], Source], title: str) -> Source:
    """Import what the screens need, then make the source; one that cannot be made says so as a source does."""
    import console.tui.screens.main  # noqa: F401

    try:
        return make_source()
    except ConsoleError as error:
        from console.tui.desk import Unopened

        return Unopened(title, error)


def _charter_inside() -> tuple[str, str]:
    from console.governance.charter_default import DEFAULT_FILE, default_text

    return default_text(), DEFAULT_FILE


def run(
    source: Source | Callable[[], Source],
    *,
    title: str = "",
    settings: Settings | None = None,
    modes: Modes | None = None,
    charter: Callable[[], tuple[str, str]] | None = None,
    contexts: Sequence[str] = (),
    open_context: Callable[[str], Source] | None = None,
    reopen: Callable[[], Source] | None = None,
) -> int:
    """Open the console until the user leaves; returns the exit status. See ConsoleApp for what is passed.

    Raises InputError where the settings name a theme or a key that does not exist.
    """
    app = ConsoleApp(
        source,
        title=title,
        settings=settings,
        modes=modes,
        charter=charter,
        contexts=contexts,
        open_context=open_context,
        reopen=reopen,
        # What was read stays until it changes: looking through it for garbage would hold up keys for 50 ms and more.
        settled=gc.freeze,
        tidy=garbage.tidy,
    )
    garbage.begin()
    sys.setswitchinterval(_TURN)
    asyncio.run(signals.run(app))
    return app.return_code or 0
