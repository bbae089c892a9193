"""A source that is recorded while it is looked at."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from console.cluster.source import Source, Update
from console.errors import InputError
from console.history.recorder import Recorder
from console.history.writer import Bounds, Writer
from console.objects.diagnostics import Diagnostic, Severity


class RecordedSource:
    """A source all of whose updates go to a recorder too. What goes wrong with that is a diagnostic, and no more."""

    def __init__(self, source: Source, begin: Callable[[Callable[[str], None]], Recorder]) -> None:
        """`begin` makes the recorder when the source is opened, and may raise InputError; it ends with the source.

        It is given whom the recorder tells of trouble.
        """
        self._source = source
        self._begin = begin
        self._recorder: Recorder | None = None
        self._trouble = ""
        # The recorder tells of trouble on a thread of its own.
        self._lock = threading.Lock()
        self._last: Update | None = None
        self._on_update: Callable[[Update], None] = lambda _: None

    @property
    def title(self) -> str:
        """The source's own."""
        return self._source.title

    def open(self, on_update: Callable[[Update], None]) -> None:
        """See Source."""
        self._on_update = on_update
        try:
            self._recorder = self._begin(self._hear)
            self._recorder.start()
        except InputError as error:
            self._trouble = f"nothing is recorded: {error.message}"
        self._source.open(self._hand_on)

    def _hand_on(self, update: Update) -> None:
        with self._lock:
            self._last = update
            if self._recorder is not None:
                self._recorder.take(update)
                self._trouble = self._recorder.trouble
            self._on_update(self._told(update))

    def _hear(self, _: str) -> None:
        """Tell what goes wrong when it does: a quiet cluster may have no other update for hours."""
        with self._lock:
            if self._recorder is not None and self._last is not None:
                self._trouble = self._recorder.trouble
                self._on_update(self._told(replace(self._last, changes=())))

    def _told(self, update: Update) -> Update:
        if not self._trouble:
            return update
        said = Diagnostic(severity=Severity.WARNING, message=self._trouble)
        return replace(update, diagnostics=(*update.diagnostics, said))

    def close(self) -> None:
        """See Source; what was seen until now is written."""
        self._source.close()
        if self._recorder is not None:
            self._recorder.stop()


class Session:
    """Records the source a session begins with, and that source when it is opened again; no other one.

    A recording holds one cluster: another context is not recorded.
    """

    def __init__(self, path: str, bounds: Bounds, *, annotations: bool = False) -> None:
        """Raises InputError where the file cannot be recorded to."""
        self._how = path, bounds, annotations
        self._first: Writer | None = Writer(path, bounds)

    def over(self, source: Source) -> Source:
        """The source, recorded."""
        path, bounds, annotations = self._how

        def begin(say: Callable[[str], None]) -> Recorder:
            # Not before: until it is closed, the source of before holds the file.
            writer, self._first = self._first or Writer(path, bounds), None
            return Recorder(writer, source.title, annotations=annotations, say=say)

        return RecordedSource(source, begin)
