"""A recording as a source: it stands at one moment, or plays at a speed, and can be moved."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from console.cluster.source import Change, State, Status, Update
from console.errors import ConsoleError
from console.history.cursor import Cursor
from console.history.recording import Recording
from console.history.times import moment, rfc3339
from console.objects.diagnostics import Diagnostic, Severity
from console.objects.snapshot import Snapshot

#: Seconds between two updates while it plays.
_PACE: Final = 0.25
#: Seconds that `close` waits for an update that is just being handed on.
_GOODBYE: Final = 0.4


class RecordingSource:
    """A recording at a moment. A Source, and rewind.Movable.

    Its updates are in state PAST, whose `since` is the moment that is shown. What is
    moved to takes effect on the source's own thread; each move is an update.
    """

    def __init__(self, path: str, at: str | None = None, *, speed: float = 0.0) -> None:
        """`at` is a moment as `times.moment` reads it: by default the end, or the beginning where it plays at `speed`.

        `speed` is how many recorded seconds pass in one; 0: it stands still. What is wrong
        with the file or the moment is told by an update that FAILED.
        """
        self._path = path
        self._at = at or ("+0s" if speed else "end")
        self._speed = speed
        self._closed = False
        self._thread: threading.Thread | None = None
        self._wake = threading.Condition()
        self._moves: deque[float] = deque()
        self._handing = threading.RLock()

    @property
    def title(self) -> str:
        """The file's name."""
        return Path(self._path).name

    @property
    def path(self) -> str:
        """The file."""
        return self._path

    def open(self, on_update: Callable[[Update], None]) -> None:
        """Start reading in a thread; see Source."""
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._run, args=(on_update,), name="recording", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """See Source."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._handing.acquire(timeout=_GOODBYE):
            self._handing.release()

    # -- moving (see rewind.Movable); each returns at once

    def go(self, at: float) -> bool:
        """See rewind.Movable; at most an end of the recording."""
        with self._wake:
            self._moves.append(at)
            self._wake.notify()
        return True

    def now(self) -> None:
        """See rewind.Movable: the end of the recording."""
        self.go(math.inf)

    def mark(self, at: float) -> None:
        """See rewind.Movable: every moment is kept."""

    # -- the thread

    def _run(self, on_update: Callable[[Update], None]) -> None:
        hand_on = partial(self._hand_on, on_update)
        hand_on(Update(Snapshot(), Status(State.LOADING, time.time())))
        try:
            with Recording(self._path) as recording:
                cursor = Cursor(recording)
                cursor.seek(moment(self._at, recording.begin, recording.end))
                self._follow(cursor, hand_on)
        except ConsoleError as error:
            hand_on(Update(Snapshot(), Status(State.FAILED, time.time(), message=error.message, hint=error.hint)))

    def _follow(self, cursor: Cursor, hand_on: Callable[[Update], None]) -> None:
        changes: tuple[Change, ...] = ()
        while not self._closed:
            hand_on(update_at(cursor, changes, self._speed))
            changes = ()
            began, from_ = time.monotonic(), cursor.at
            while not self._closed:
                to = self._wait(None if not self._speed or cursor.at >= cursor.recording.end else _PACE)
                if to is not None:
                    cursor.seek(min(max(to, cursor.recording.begin), cursor.recording.end))
                    break
                changes += _play_to(cursor, from_ + (time.monotonic() - began) * self._speed)
                if changes or cursor.at >= cursor.recording.end or cursor.at - from_ >= 1.0:
                    break

    def _wait(self, timeout: float | None) -> float | None:
        """The moment to move to next, or None after `timeout` seconds."""
        with self._wake:
            self._wake.wait_for(lambda: self._moves or self._closed, timeout)
            return self._moves.popleft() if self._moves else None

    def _hand_on(self, on_update: Callable[[Update], None], update: Update) -> None:
        with self._handing:
            if not self._closed:
                on_update(update)


def read(path: str, at: str | None = None) -> Update:
    """What a recording holds at a moment, as `times.moment` reads it; by default at its end.

    Raises InputError where it cannot be read or nothing is known of that moment, UsageError where it is none.
    """
    with Recording(path) as recording:
        cursor = Cursor(recording)
        cursor.seek(moment(at or "end", recording.begin, recording.end))
        recording.known(cursor.at)
        return update_at(cursor)


def _play_to(cursor: Cursor, at: float) -> tuple[Change, ...]:
    """Everything that happens until a moment."""
    changes: tuple[Change, ...] = ()
    at = min(at, cursor.recording.end)
    while (due := cursor.next_at) is not None and due <= at:
        event = cursor.step()
        changes += event.changes() if event is not None else ()
    cursor.at = max(cursor.at, at)
    return changes


def update_at(cursor: Cursor, changes: tuple[Change, ...] = (), speed: float = 0.0) -> Update:
    """What a source says of the moment a cursor is at."""
    here = cursor.moment()
    message, hint = here.standing.message, here.standing.hint
    if here.hole is not None:
        message, hint = str(here.hole), f"this is the state at {rfc3339(here.hole.begin)}"
    elif here.standing.state != State.LIVE.value:
        message = f"when this was recorded the source was {here.standing.state}: {message}"
    if speed and cursor.at < cursor.recording.end:
        hint = f"{hint}; playing ×{speed:g}".removeprefix("; ")
    said = tuple(
        Diagnostic(severity=Severity.WARNING, message=str(each), file=str(cursor.recording.path))
        for each in (*cursor.recording.damage, *cursor.recording.holes)
    )
    status = Status(State.PAST, here.at, message, hint)
    return Update(here.snapshot, status, changes, said, cursor.recording.facts.server)
