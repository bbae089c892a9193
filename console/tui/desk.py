"""The thread between a source and the screens: it builds engines and answers questions, so that drawing never waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from console.cluster.source import Change, Source, State, Status, Update
from console.errors import ConsoleError
from console.history.replay import RecordingSource
from console.history.rewind import Movable, movable
from console.objects.snapshot import Snapshot
from console.policy.asking import Modes
from console.policy.engine import Engine
from console.tui.model.frame import Answer, Frame, Question, ask, first_frame, follow, moved
from console.tui.model.known import Known

#: States in which what was read is worth looking into: all there is, rather than a part of it.
_READ: Final = (State.LIVE, State.STATIC)


class Unopened:
    """A Source that could not be made: it says why, as one that failed does."""

    def __init__(self, title: str, error: ConsoleError) -> None:
        self.title = title
        self._error = error

    def open(self, on_update: Callable[[Update], None]) -> None:
        """Say why."""
        status = Status(State.FAILED, time.time(), message=self._error.message, hint=self._error.hint)
        on_update(Update(Snapshot(), status))

    def close(self) -> None:
        """There is nothing to close."""


class Desk:
    """Follows one source at a time and posts a `Frame` for each newest update, or when other things are asked.

    An update that comes while one is worked on replaces the one that waits; their changes
    add up. `post` is called from the desk's thread.
    """

    def __init__(
        self, post: Callable[[Frame], None], *, clock: Callable[[], float] = time.time, modes: Modes | None = None
    ) -> None:
        self._post = post
        self._clock = clock
        self._modes = modes
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="desk", daemon=True)
        # Guarded by _wake:
        self._source: Source | None = None
        self._retired: list[Source] = []
        self._waiting: list[Update] = []
        self._questions: tuple[Question, ...] = ()
        self._dirty = False
        self._stopping = False

    def start(self, source: Source) -> None:
        """Begin with a source."""
        self.follow(source)
        self._thread.start()

    def follow(self, source: Source) -> None:
        """Leave the source followed so far for another. Returns at once; the old one is closed on the desk's thread."""
        with self._wake:
            if self._source is not None:
                self._retired.append(self._source)
            self._source = movable(source)
            self._waiting.clear()
            self._dirty = True
            self._wake.notify()

    def go(self, at: float) -> bool:
        """Show the moment at `at` (time.time() seconds), not now. Returns at once: False where it is forgotten."""
        return isinstance(self._source, Movable) and self._source.go(at)

    def mark(self, at: float) -> None:
        """Say that one may come back to what is so from `at` on. Returns at once; any thread may."""
        if isinstance(self._source, Movable):
            self._source.mark(at)

    def now(self) -> None:
        """Show the newest there is. Returns at once."""
        if isinstance(self._source, Movable):
            self._source.now()

    @property
    def recording(self) -> str:
        """The file of the recording that is looked at; empty for other sources."""
        return self._source.path if isinstance(self._source, RecordingSource) else ""

    @property
    def modes(self) -> Modes | None:
        """How what the specification leaves open is judged."""
        return self._modes

    def ask(self, questions: tuple[Question, ...]) -> None:
        """Answer these, now and at every update, instead of those asked before."""
        with self._wake:
            self._questions = questions
            self._dirty = True
            self._wake.notify()

    def stop(self, timeout: float = 5.0) -> None:
        """Close the source and end the thread; waits for it at most `timeout` seconds."""
        with self._wake:
            self._stopping = True
            if self._source is not None:
                self._retired.append(self._source)
                self._source = None
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _receive(self, source: Source, update: Update) -> None:
        with self._wake:
            if source is not self._source:
                return
            if self._waiting and not moved(self._waiting[-1], update):
                update = replace(update, changes=(*self._waiting.pop().changes, *update.changes))
            self._waiting.append(update)
            self._dirty = True
            self._wake.notify()

    def _run(self) -> None:
        opened: Source | None = None
        frame: Frame | None = None
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._dirty or self._stopping)
                retired, self._retired = self._retired, []
                source, questions = self._source, self._questions
                update = self._waiting.pop(0) if self._waiting else None
                self._dirty = bool(self._waiting)
                stopping = self._stopping
            for old in retired:
                old.close()
            if stopping:
                return
            if source is not None and source is not opened:
                opened = source
                frame = first_frame(source.title, self._clock())
                source.open(lambda newest, of=source: self._receive(of, newest))  # type: ignore[misc]
            if frame is not None:
                frame = self._next(frame, update, questions)
                self._post(frame)
                if frame.status.state in _READ:
                    # While it is drawn: the first letter of a filter asks for all roles, a picker for all ends.
                    frame.known.work_out(frame.snapshot.contents, unless=lambda: self._dirty or self._stopping)

    def _next(self, frame: Frame, update: Update | None, questions: tuple[Question, ...]) -> Frame:
        changes: tuple[Change, ...] = ()
        engine, known_answers = frame.engine, frame.answers
        try:
            if update is not None:
                if moved(frame.update, update):
                    known_answers = {}  # another moment is shown: no verdict changed
                changes = update.changes
                if update.snapshot is not frame.snapshot:
                    engine = Engine(update.snapshot, engine, modes=self._modes)
            answers = self._answers(known_answers, engine, engine is not frame.engine, questions, changes)
        except Exception as error:  # The thread must outlive a fault of the engine, and say so.
            status = Status(State.STALE, self._clock(), message=f"the console itself failed: {error!r}")
            return replace(frame, update=replace(frame.update, status=status), trouble=repr(error))
        known = frame.known if engine is frame.engine else Known(engine.snapshot.contents, frame.known)
        return Frame(frame.title, update or frame.update, engine, answers, known=known)

    def _answers(
        self,
        known: Mapping[Question, Answer],
        engine: Engine,
        fresh: bool,
        questions: tuple[Question, ...],
        changes: tuple[Change, ...],
    ) -> dict[Question, Answer]:
        answers: dict[Question, Answer] = {}
        for question in questions:
            before = known.get(question)
            if before is not None and not fresh:
                answers[question] = before
            else:
                answers[question] = follow(before, ask(question, engine), changes, self._clock())
        return answers
