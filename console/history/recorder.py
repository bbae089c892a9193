"""Records a source: takes its updates and has what changed written, within a second, by a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import msgspec

from console.cluster.source import State, Update
from console.errors import ConsoleError
from console.history.deltas import Batch, Delta, Standing, encode, state_of
from console.history.noting import Notes, Times, standing_of
from console.history.writer import Writer, why

#: Seconds within which a change is on the disk.
SYNC: Final = 1.0
#: Seconds after which it is noted that nothing changed: until then the recording is known to be whole.
HEARTBEAT: Final = 30.0
#: Seconds after which writing is tried again where it failed.
RETRY: Final = 10.0
#: Seconds that the last write may take.
_GOODBYE: Final = 30.0


class Recorder:
    """Writes the updates of one source to one recording, from the first whole one on.

    `say` is told (on the recorder's thread) when writing fails and when it goes on again;
    what happens in between is missing, and the recording says so. `trouble` is what
    is wrong now, `incomplete` whether anything was, `written` how many changes were written.
    """

    def __init__(
        self,
        writer: Writer,
        source: str,
        *,
        annotations: bool = False,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.trouble = ""
        self.incomplete = False
        self.written = 0
        self._writer = writer
        self._say = say
        self._times = Times(writer.last)
        self._notes = Notes(source, self._times, annotations=annotations)
        self._begun = False
        self._going = False  # whether the file ends with what deltas can follow
        self._batch: list[Delta] = []
        self._standing: Standing | None = None  # where it is to be written
        self._told_ahead = 0.0
        self._wrote = self._next_try = 0.0
        #: Set once nothing more is written.
        self.ended = threading.Event()
        self._wake = threading.Condition()
        self._waiting: Update | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    @property
    def begun(self) -> bool:
        """Whether the source was read whole, so that there is something to record."""
        return self._begun

    @property
    def objects(self) -> int:
        """How many objects there are."""
        return len(self._notes.held)

    def start(self) -> None:
        """Begin to write what is taken."""
        self._thread.start()

    def take(self, update: Update) -> None:
        """Have an update recorded; returns at once. Updates come in order."""
        with self._wake:
            if self.ended.is_set():
                return  # nobody would take it from here
            if self._waiting is not None:
                update = replace(update, changes=(*self._waiting.changes, *update.changes))
            self._waiting = update
            self._wake.notify()

    def stop(self) -> None:
        """Write what is left and end; the writer is closed. Safe to call twice.

        A disk that does not answer is waited for a while, not for ever.
        """
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(_GOODBYE)

    def _run(self) -> None:
        stopping = False
        while not stopping:
            with self._wake:
                # What comes within a second is written together.
                self._wake.wait_for(lambda: self._stopping, SYNC if self._begun else SYNC / 10)
                update, self._waiting = self._waiting, None
                stopping = self._stopping
            now = time.time()
            try:
                if update is not None:
                    self.record(update, now)
                self.write(now, ended=stopping)
            except ConsoleError as error:
                self._fail(f"nothing is recorded: {error}")
                stopping = True
            except Exception as error:
                # A mistake of ours must not pass for a recording that goes on.
                self._fail(f"recording failed ({type(error).__name__}: {error}); please report this")
                stopping = True
        self._writer.close()
        self.ended.set()

    # -- what the thread does, for whoever has another idea of time

    def record(self, update: Update, now: float) -> None:
        """Note what an update changed. What is still loading is no state to begin with.

        Raises InputError where the file holds another cluster.
        """
        if not self._begun:
            if update.status.state not in (State.CONNECTING, State.LOADING, State.FAILED):
                self._notes.begin(update)
                self._writer.check(self._notes.facts)
                self._begun = True
            return
        self._batch += self._notes.take(update, now)
        standing = standing_of(update)
        if standing != self._notes.standing:
            self._notes.standing = self._standing = standing

    def write(self, now: float, *, ended: bool = False) -> None:
        """Write and sync what was noted; also, once in a while, that nothing was."""
        # A clock that is set back must not make the next try, or sign of life, an hour away.
        waiting = 0 < self._next_try - now <= RETRY
        if not self._begun or (not self._going and waiting and not ended):
            return
        try:
            if not self._going:
                self._keyframe(now, continued=False)
            quiet = not self._batch and self._standing is None
            if not quiet or ended or not 0 <= now - self._wrote < HEARTBEAT:
                self._deltas(now, ended=ended)
                if self._writer.keyframe_due and not ended:
                    self._keyframe(now, continued=True)
        except OSError as error:
            self._pause(error, now)

    def _keyframe(self, now: float, *, continued: bool) -> None:
        state = state_of(self._notes.held, self._notes.facts, self._notes.standing, self._times.ahead)
        self._writer.keyframe(self._times.of(now), encode(state), continued=continued)
        self._writer.sync()
        goes_on = not self._going and self.trouble
        self._batch.clear()
        self._standing, self._going, self._wrote, self._told_ahead = None, True, now, self._times.ahead
        before, self.trouble = self.trouble, self._writer.trouble
        if goes_on:
            self._say(f"recording goes on in {self._writer.path}; what happened meanwhile is missing")
        if self.trouble and self.trouble != before:
            self._say(self.trouble)

    def _deltas(self, now: float, *, ended: bool) -> None:
        at = self._times.of(now)
        deltas = tuple(msgspec.structs.replace(each, at=at - each.at) for each in self._batch)
        ahead = self._times.ahead if self._times.ahead != self._told_ahead else None
        self._writer.deltas(at, encode(Batch(deltas, self._standing, ended, ahead)))
        self._writer.sync()
        self.written += len(deltas)
        self._batch.clear()
        self._standing, self._wrote, self._told_ahead = None, now, self._times.ahead

    def _pause(self, error: OSError, now: float) -> None:
        """Let go what was noted, until a whole state can be written again."""
        self._batch.clear()
        self._standing, self._going, self._next_try = None, False, now + RETRY
        if not self.trouble.startswith("recording is paused"):
            said = f"recording is paused: {self._writer.path} cannot be written: {why(error)}"
            self._fail(said, f"; what was written can be read; it is tried again every {RETRY:g} s")

    def _fail(self, trouble: str, more: str = "") -> None:
        self.trouble, self.incomplete = trouble, True
        self._say(trouble + more)
