"""The thread that holds every newest frame to the charter and tells what happened: no verdict waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Final

from console.cluster.source import Change, State
from console.history.times import day
from console.tui.background import Background
from console.tui.model.standing import Standing, Turned

if TYPE_CHECKING:
    from console.cluster.source import Update
    from console.governance.audit_daily import DailyAuditor
    from console.governance.findings import Audit
    from console.history.timeline import Timeline
    from console.policy.asking import Modes
    from console.policy.engine import Engine
    from console.tui.annals import Annals
    from console.tui.model.frame import Frame

#: After an audit it rests so many times what that took: a cluster that never rests takes a fifth of a core.
_REST: Final = 4.0
#: Seconds between looks at whether another day has come: with it exceptions of the charter may have ended.
_LOOK: Final = 60.0
#: States in which all was read: before, everything would be found missing.
_WHOLE: Final = (State.LIVE, State.STALE, State.STATIC, State.PAST)


class Warden(Background):
    """Audits frames, the newest only, and posts a `Standing` for each from its own thread; `annals` has what happened.

    `charter` gives the charter's text and what it is called; it is read on that thread,
    before the first audit. Changes of frames that were passed over add up, so that what
    did it is still told. `mark` takes the moments of which something was told.
    """

    def __init__(
        self,
        post: Callable[[Standing], None],
        charter: Callable[[], tuple[str, str]],
        annals: Annals,
        *,
        mark: Callable[[float], None] = lambda _: None,
        modes: Modes | None = None,
        clock: Callable[[], float] = time.time,
        rest: float = _REST,
        look: float = _LOOK,
    ) -> None:
        super().__init__("warden")
        self._post = post
        self._charter = charter
        self._annals = annals
        self._mark = mark
        self._modes = modes
        self._clock = clock
        self._rest = rest
        self._look = look
        # Guarded by _wake:
        self._frame: Frame | None = None
        self._title = ""
        self._last: Update | None = None
        self._changes: tuple[Change, ...] = ()
        # The thread's own:
        self._auditor: DailyAuditor | None = None
        self._judged: Frame | None = None
        self._audited = ""
        self._timeline: Timeline | None = None
        self._present: Audit
        self._standing = Standing()
        #: The newest audit: that of a moment one looks back at is not.
        self._newest: Audit | None = None

    def follow(self, frame: Frame) -> None:
        """Take a newer frame. Returns at once."""
        if frame.status.state not in _WHOLE:
            return
        with self._wake:
            if frame.update is self._last:
                return
            if self._title != frame.title:
                self._title, self._changes = frame.title, ()
            self._frame, self._last = frame, frame.update
            self._changes += frame.update.changes
            self._rouse()

    def auditing(self) -> Callable[[Engine], Audit]:
        """What audits a recording's moments one after the other; None of it is posted. Raises ConsoleError."""
        from console.governance.audit import Auditor
        from console.governance.charter_read import load

        text, file = self._charter()
        return Auditor(load(text, file=file), today=self._today()).audit

    def _today(self) -> date:
        """The day of what is judged: what has run out since was in force then."""
        frame = self._judged
        past = frame is not None and frame.status.state is State.PAST
        return day(frame.status.since if frame is not None and past else self._clock())

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._frame is not None or self._stopping, timeout=self._look)
                if self._stopping:
                    return
                frame, changes = self._frame or self._outdated, self._changes
                if frame is None:
                    continue
                self._frame = None
                if not _looks_back(frame):
                    self._changes = ()
            began = time.thread_time()
            try:
                standing = self._judge(frame, changes)
            except Exception as error:  # The thread must outlive a fault of the core, and say so.
                standing = replace(self._standing, news=(), trouble=repr(error))
            self._standing = standing
            self._post(standing)
            with self._wake:
                self._wake.wait_for(lambda: self._stopping, timeout=self._rest * (time.thread_time() - began))

    @property
    def _outdated(self) -> Frame | None:
        """The frame that was judged last, where that was on another day."""
        return self._judged if self._auditor is not None and self._auditor.outdated else None

    def _judge(self, frame: Frame, changes: tuple[Change, ...]) -> Standing:
        from console.governance.audit_daily import DailyAuditor
        from console.governance.charter_read import load

        self._judged = frame
        if self._auditor is None or frame.title != self._audited:
            text, file = self._charter()
            self._auditor = DailyAuditor(load(text, file=file), today=self._today)
            self._audited, self._newest, self._timeline = frame.title, None, None
            self._standing = Standing(charter_file=file, charter_text=text)
            self._annals.clear()
        before = self._standing
        if frame.engine is before.engine and not self._auditor.outdated:
            return replace(before, news=())
        audit = self._auditor.audit(frame.engine)
        news: tuple[Turned, ...] = ()
        if not _looks_back(frame):
            audit, news = self._followed(audit, changes)
            self._tell(frame, audit, changes)
        return replace(
            before,
            audit=audit,
            engine=frame.engine,
            entries=tuple(self._auditor.inventory.entries.values()),
            news=news,
            turned={**before.turned, **{each.turn.rule.name: each for each in news}},
            trouble="",
        )

    def _followed(self, audit: Audit, changes: tuple[Change, ...]) -> tuple[Audit, tuple[Turned, ...]]:
        """The audit with since when and because of what, and the rules that turned since the newest one before."""
        from console.governance.audit_follow import Happened, follow
        from console.history.times import utc
        from console.report.words import change_words

        assert self._auditor is not None
        now = self._clock()
        audit, turns = follow(
            self._newest,
            audit,
            at=utc(now),
            happened=[Happened(each.ref, change_words(each)) for each in changes],
            inventory=self._auditor.inventory,
        )
        first, self._newest = self._newest is None, audit
        return audit, () if first else tuple(Turned(turn, now) for turn in turns)

    def _tell(self, frame: Frame, audit: Audit, changes: tuple[Change, ...]) -> None:
        """Add what happened to the annals. A recording tells its own."""
        from console.history.timeline import Timeline

        if frame.status.state is State.PAST:
            return
        self._present = audit
        if self._timeline is None:
            self._timeline = Timeline(frame.snapshot, audit=lambda _: self._present, modes=self._modes)
            return
        at = max((change.at for change in changes), default=self._clock())
        step = self._timeline.tell(at, changes, frame.snapshot)
        if step.entries:
            self._mark(at)
        self._annals.add(step, at)


def _looks_back(frame: Frame) -> bool:
    """Whether a frame shows a moment that one has gone back to; what happened since is still to be told."""
    return frame.status.state is State.PAST and not frame.update.changes
