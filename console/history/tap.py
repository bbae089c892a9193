"""A source that is recorded while it is looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from console.cluster.source import Source, Update
from console.errors import InputError
from console.history.recorder import Recorder
from console.history.writer import Bounds, Writer
from console.objects.diagnostics import Diagnostic, Severity


class RecordedSource:
    """A source all of whose updates go to a recorder too. What goes wrong with that is a diagnostic, and no more."""

    def __init__(self, source: Source, begin: Callable[[], Recorder]) -> None:
        """`begin` makes the recorder when the source is opened, and may raise InputError; it ends with the source."""
        self._source = source
        self._begin = begin
        self._recorder: Recorder | None = None
        self._trouble = ""

    @property
    def title(self) -> str:
        """The source's own."""
        return self._source.title

    def open(self, on_update: Callable[[Update], None]) -> None:
        """See Source."""
        try:
            self._recorder = self._begin()
            self._recorder.start()
        except InputError as error:
            self._trouble = f"nothing is recorded: {error.message}"
        self._source.open(lambda update: on_update(self._taken(update)))

    def _taken(self, update: Update) -> Update:
        if self._recorder is not None:
            self._recorder.take(update)
            self._trouble = self._recorder.trouble
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

        def begin() -> Recorder:
            # Not before: until it is closed, the source of before holds the file.
            writer, self._first = self._first or Writer(path, bounds), None
            return Recorder(writer, source.title, annotations=annotations)

        return RecordedSource(source, begin)
