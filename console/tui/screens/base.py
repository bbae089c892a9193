"""What the main screens share: the frame around them, panes one moves between, the prompt."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.css.query import NoMatches
from textual.widget import Widget

from console.cluster.source import State
from console.tui import keys
from console.tui.model import status
from console.tui.model.auditview import summary
from console.tui.model.frame import Frame
from console.tui.model.session import Session
from console.tui.screens.ground import Ground
from console.tui.survey import Wanted
from console.tui.text import Line
from console.tui.widgets.chrome import Chrome, Foot
from console.tui.widgets.prompt import Bottom, Prompt

if TYPE_CHECKING:
    from console.tui.stage import Stage


class MainScreen(Ground[None], inherit_bindings=False):
    """A screen reached by a number. Subclasses list their panes and draw a frame."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.PANES)]
    AUTO_FOCUS = None
    #: Its name in `go`.
    NAME = ""
    #: Whether the keys of a moment of the past stand in the footer.
    _past = False

    def compose(self) -> ComposeResult:
        """The frame around the body."""
        yield Chrome(self.NAME)
        yield from self.body()
        yield Bottom()

    def body(self) -> ComposeResult:
        """The widgets between header and footer."""
        raise NotImplementedError

    def panes(self) -> list[Widget]:
        """What tab moves between, in order."""
        raise NotImplementedError

    @property
    def main_pane(self) -> Widget:
        """Where the focus goes when it has nowhere else to be."""
        return self.panes()[0]

    def arrange_panes(self) -> None:
        """Show the panes the width has room for, the one in focus among them."""
        raise NotImplementedError

    def draw(self, frame: Frame) -> None:
        """Draw what changed in a frame."""
        raise NotImplementedError

    @property
    def console(self) -> Stage:
        """The app."""
        return cast("Stage", self.app)

    @property
    def session(self) -> Session:
        """What the user has set."""
        return self.console.session

    @property
    def frame(self) -> Frame:
        """The newest frame."""
        return self.console.frame

    @property
    def prompt(self) -> Prompt:
        """The line for filters and commands."""
        return self.query_one(Prompt)

    @property
    def wanted(self) -> Wanted:
        """What of all pairs the screen shows; the survey works out nothing else."""
        return Wanted()

    def take(self) -> None:
        """Take what a command asked the screen to show."""

    @on(events.ScreenResume)
    def _catch_up(self) -> None:
        """Catch up with what happened while another screen was shown."""
        if self.console.base is self:  # and not only mounted ahead of being shown
            self.take()
            self.call_after_refresh(self._want)  # what works that out would hold up the first frame
        self.refresh_frame()

    def _want(self) -> None:
        if self.console.base is self:
            self.console.survey.want(self.wanted)

    @property
    def unneeded_keys(self) -> tuple[str, ...]:
        """The ids of keys that are not worth a place in the footer now."""
        return () if self.frame.status.state is State.PAST else ("app.now",)

    @property
    def key_labels(self) -> Mapping[str, str]:
        """What keys are labelled, by id, where that is not what they are labelled elsewhere."""
        return {"app.now": "its end"} if self.console.desk.recording else {}

    def refresh_frame(self) -> None:
        """Draw the newest frame, header included, where this is the screen one looks at."""
        if self.console.base is self and self.query("Chrome #banner"):
            self.draw_chrome()
            self.draw(self.frame)

    def draw_chrome(self) -> None:
        """Draw what frames the screen."""
        frame = self.frame
        past = frame.status.state is State.PAST
        right = status.with_charter(status.freshness(frame, self.console.clock()), summary(self.console.standing))
        self.query_one(Chrome).show(
            left=status.place(frame, self.session.view.namespace),
            right=right,
            hint=self._passing() or self.hint(),
            past=past,
            banner=status.banner(frame),
            tooltip=" ".join(part for part in (frame.status.message, frame.status.hint) if part),
        )
        if past is not self._past:
            self._past = past
            self.query_one(Foot).lay()

    def _passing(self) -> tuple[Line, ...]:
        """What the last change of the cluster did to its paths, for a while."""
        found = self.console.findings.shift
        if self.frame.status.state is State.PAST:
            return ()  # that was another moment
        return found.ways if found is not None and found.told(self.console.clock()) else ()

    def hint(self) -> tuple[Line, ...]:
        """What stands at the right of the tabs, as ways to write it, the widest first."""
        return ((),)

    def on_mount(self) -> None:
        """Begin on the main pane."""
        # A screen that is closed while it is still being put together has no panes.
        with suppress(NoMatches):
            self.arrange_panes()
            self.main_pane.focus()

    def on_resize(self) -> None:
        """Fit the panes into the new size."""
        with suppress(NoMatches):
            self.arrange_panes()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Keep the pane in focus on screen."""
        if event.widget in self.panes():
            self.arrange_panes()

    @property
    def pane(self) -> Widget | None:
        """The pane in focus."""
        return self.focused if self.focused in self.panes() else None

    def go_to_pane(self, pane: Widget) -> None:
        """Put the focus on a pane, on screen first where it was not."""
        pane.display = True
        self.set_focus(pane)

    def action_pane(self, step: int) -> None:
        """Move to the next or previous pane."""
        panes = self.panes()
        place = panes.index(self.pane) if self.pane is not None else -step
        self.go_to_pane(panes[(place + step) % len(panes)])
