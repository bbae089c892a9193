"""The thread that holds every newest frame to the charter, beside the desk: verdicts on screen never wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from console.cluster.source import Change, State
from console.tui.model.standing import Standing, Turned

if TYPE_CHECKING:
    from console.cluster.source import Update
    from console.governance.audit import Auditor
    from console.tui.model.frame import Frame

#: After an audit it rests so many times what that took: a cluster that never rests takes a fifth of a core.
_REST: Final = 4.0
#: States in which all was read: before, everything would be found missing.
_WHOLE: Final = (State.LIVE, State.STALE, State.STATIC, State.PAST)


class Warden:
    """Audits frames, the newest only, and posts a `Standing` for each from its own thread.

    `charter` gives the charter's text and what it is called; it is read on that thread,
    before the first audit. Changes of frames that were passed over add up, so that what
    did it is still told.
    """

    def __init__(
        self,
        post: Callable[[Standing], None],
        charter: Callable[[], tuple[str, str]],
        *,
        clock: Callable[[], float] = time.time,
        rest: float = _REST,
    ) -> None:
        self._post = post
        self._charter = charter
        self._clock = clock
        self._rest = rest
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="warden", daemon=True)
        # Guarded by _wake:
        self._frame: Frame | None = None
        self._last: Update | None = None
        self._changes: tuple[Change, ...] = ()
        self._stopping = False
        # The thread's own:
        self._auditor: Auditor | None = None
        self._title = ""
        self._standing = Standing()

    def follow(self, frame: Frame) -> None:
        """Take a newer frame. Returns at once."""
        if frame.status.state not in _WHOLE:
            return
        with self._wake:
            if frame.update is self._last:
                return
            if self._frame is not None and self._frame.title != frame.title:
                self._changes = ()
            self._frame, self._last = frame, frame.update
            self._changes += frame.update.changes
            if not self._thread.is_alive() and not self._stopping:
                self._thread.start()
            self._wake.notify()

    def stop(self, timeout: float = 5.0) -> None:
        """End the thread; waits for it at most `timeout` seconds."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._frame is not None or self._stopping)
                if self._stopping:
                    return
                frame, changes = self._frame, self._changes
                self._frame, self._changes = None, ()
            began = time.thread_time()
            try:
                assert frame is not None
                standing = self._audited(frame, changes)
            except Exception as error:  # The thread must outlive a fault of the core, and say so.
                standing = replace(self._standing, news=(), trouble=repr(error))
            self._standing = standing
            self._post(standing)
            with self._wake:
                self._wake.wait_for(lambda: self._stopping, timeout=self._rest * (time.thread_time() - began))

    def _audited(self, frame: Frame, changes: tuple[Change, ...]) -> Standing:
        from console.governance.audit import Auditor
        from console.governance.audit_follow import Happened, follow
        from console.governance.charter_read import load
        from console.report.words import change_words

        if self._auditor is None or frame.title != self._title:
            text, file = self._charter()
            self._auditor = Auditor(load(text, file=file), today=datetime.now(UTC).date())
            self._title, self._standing = frame.title, Standing(charter_file=file, charter_text=text)
        before = self._standing
        if frame.engine is before.engine:
            return replace(before, news=())
        now = self._clock()
        audit, turns = follow(
            before.audit,
            self._auditor.audit(frame.engine),
            at=datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
            happened=[Happened(each.ref, change_words(each)) for each in changes],
            inventory=self._auditor.inventory,
        )
        news = tuple(Turned(turn, now) for turn in turns) if before.audit is not None else ()
        return replace(
            before,
            audit=audit,
            engine=frame.engine,
            entries=tuple(self._auditor.inventory.entries.values()),
            news=news,
            turned={**before.turned, **{each.turn.rule.name: each for each in news}},
            trouble="",
        )
