"""The thread that keeps all pairs: what the Matrix shows, what an end reaches, and what a change did to the paths.

It stands beside the desk, so that the verdict on screen never waits for the whole cluster.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from console.cluster.source import State
from console.errors import ConsoleError
from console.tui.background import Background

if TYPE_CHECKING:
    from console.policy.engine import Engine
    from console.policy.reach import Reachability
    from console.tui.model.around import Around
    from console.tui.model.chart import Angle, Chart
    from console.tui.model.frame import Frame
    from console.tui.model.shift import Shift
    from console.tui.model.sight import Sight

#: After following a change it rests so many times what that took: a cluster that never rests takes a fifth of a core.
_REST: Final = 4.0
#: What changes within so many seconds is told as one: a Deployment's pods come, and are labelled, one by one.
_BURST: Final = 3.0
#: States in which all was read, so that what differs from then on is a change of the cluster.
_WHOLE: Final = (State.LIVE, State.STALE)


class Wanted(NamedTuple):
    """What is on screen: an angle of the Matrix, or None; the end that one looks around, or ``""``."""

    angle: Angle | None = None
    around: str = ""


@dataclass(frozen=True, eq=False)
class Findings:
    """What the survey knows. `error` says why there is not what is wanted, `trouble` what failed in here."""

    wanted: Wanted = field(default_factory=Wanted)
    chart: Chart | None = None
    around: Around | None = None
    error: ConsoleError | None = None
    shift: Shift | None = None
    trouble: str = ""


class Survey(Background):
    """Follows frames, the newest only, and posts `Findings` from its own thread whenever it knows more."""

    def __init__(
        self, post: Callable[[Findings], None], *, clock: Callable[[], float] = time.time, rest: float = _REST
    ) -> None:
        super().__init__("survey")
        self._post = post
        self._clock = clock
        self._rest = rest
        # Guarded by _wake:
        self._frame: Frame | None = None
        self._wanted = Wanted()
        self._fresh = self._pressed = False
        # The thread's own:
        self._found = Findings()
        self._title = ""
        self._sight: Sight | None = None
        self._reach: Reachability | None = None
        self._before: Frame | None = None
        #: When a burst of changes began (time.time() seconds), and what the cluster was before it.
        self._burst: tuple[float, Engine] | None = None

    def follow(self, frame: Frame) -> None:
        """Take a newer frame. Returns at once."""
        with self._wake:
            self._frame, self._fresh = frame, True
            self._rouse()

    def want(self, wanted: Wanted) -> None:
        """Look at something else, now and at every change. Returns at once."""
        with self._wake:
            if wanted != self._wanted:
                self._wanted, self._pressed = wanted, True
                self._wake.notify()

    def _run(self) -> None:
        until = 0.0
        while True:
            with self._wake:
                while not (self._stopping or self._pressed or (self._fresh and time.monotonic() >= until)):
                    self._wake.wait(max(until - time.monotonic(), 0.001) if self._fresh else None)
                if self._stopping:
                    return
                frame, wanted = self._frame, self._wanted
                self._fresh = self._pressed = False
            began = time.thread_time()
            try:
                if frame is not None:
                    self._look(frame, wanted)
            except Exception as error:  # The thread must outlive a fault of the engine, and say so.
                self._tell(replace(self._found, wanted=wanted, trouble=repr(error)))
            until = time.monotonic() + self._rest * (time.thread_time() - began)

    def _tell(self, found: Findings) -> None:
        self._found = found
        self._post(found)

    def _look(self, frame: Frame, wanted: Wanted) -> None:
        from console.tui.model.shift import stirred
        from console.tui.model.sight import Sight

        if frame.title != self._title:
            self._title, self._before, self._burst, self._reach = frame.title, None, None, None
            self._tell(Findings())
        if self._reach is not None and stirred(self._reach.engine.snapshot, frame.snapshot):
            self._reach, self._sight = self._reach.after(frame.engine), Sight(frame, self._sight)
        if wanted.angle is not None:
            self._draw(frame, wanted, wanted.angle)
        elif wanted.around:
            self._walk(frame, wanted)
        elif self._found.wanted != wanted:
            self._tell(replace(self._found, wanted=wanted, chart=None, around=None, error=None, trouble=""))
        self._compare(frame)

    def _draw(self, frame: Frame, wanted: Wanted, angle: Angle) -> None:
        """Make the chart, where that of this state of the cluster is not there yet."""
        from console.tui.model.chart import Chart

        reach = self._reached(frame)
        known = self._found.chart
        if known is not None and known.reach is reach and self._found.wanted.angle == angle:
            return
        assert self._sight is not None
        try:
            found = replace(self._found, wanted=wanted, chart=Chart(reach, self._sight, angle), error=None, trouble="")
        except ConsoleError as error:
            found = replace(self._found, wanted=wanted, chart=None, error=error, trouble="")
        self._tell(found)

    def _walk(self, frame: Frame, wanted: Wanted) -> None:
        """Look around an end, first one hop and then several, where that was not done on this state of the cluster."""
        from console.tui.model.around import around, blast_of

        reach = self._reached(frame)
        known = self._found.around
        if known is not None and known.reach is reach and known.subject == wanted.around:
            return
        try:
            found = around(reach, wanted.around)
        except ConsoleError as error:
            self._tell(replace(self._found, wanted=wanted, around=None, error=error, trouble=""))
            return
        if known is not None and known.subject == wanted.around:
            found = replace(found, blast=known.blast)  # until there is a newer one: what was open stays in view
        self._tell(replace(self._found, wanted=wanted, around=found, error=None, trouble=""))
        self._tell(replace(self._found, around=replace(found, blast=blast_of(found))))

    def _reached(self, frame: Frame) -> Reachability:
        from console.policy.reach import Reachability
        from console.tui.model.sight import Sight

        if self._reach is None or self._sight is None:
            self._sight = Sight(frame, self._sight)
            self._reach = Reachability(frame.engine)
        return self._reach

    def _compare(self, frame: Frame) -> None:
        """Say what changed since the frame before, once all was read."""
        from console.tui.model.shift import shift, stirred

        if frame.status.state is State.PAST:
            return  # another moment is shown: nothing changed
        if frame.status.state not in _WHOLE:
            self._before = self._burst = None
            return
        before, self._before = self._before, frame
        if before is None or not stirred(before.snapshot, frame.snapshot):
            return
        now = self._clock()
        if self._burst is None or abs(now - self._burst[0]) > _BURST:  # a clock may be set back
            self._burst = now, before.engine
        found = shift(self._burst[1], frame.engine, now)
        if found is not None:
            self._tell(replace(self._found, shift=found))
