"""A source that is recorded while it is looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from console.cluster.source import Source, Update
from console.history.recorder import Recorder
from console.history.writer import Bounds, Writer
from console.objects.diagnostics import Diagnostic, Severity


class RecordedSource:
    """A source all of whose updates go to a recorder too. What goes wrong with that is a diagnostic, and no more."""

    def __init__(self, source: Source, recorder: Recorder) -> None:
        """`recorder` is not started yet; it ends when the source is closed."""
        self._source = source
        self._recorder = recorder

    @property
    def title(self) -> str:
        """The source's own."""
        return self._source.title

    def open(self, on_update: Callable[[Update], None]) -> None:
        """See Source."""
        self._recorder.start()

        def take(update: Update) -> None:
            self._recorder.take(update)
            if self._recorder.trouble:
                said = Diagnostic(severity=Severity.WARNING, message=self._recorder.trouble)
                update = replace(update, diagnostics=(*update.diagnostics, said))
            on_update(update)

        self._source.open(take)

    def close(self) -> None:
        """See Source; what was seen until now is written."""
        self._source.close()
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
        """The source, recorded. Raises InputError where the file can be recorded to no more."""
        path, bounds, annotations = self._how
        writer, self._first = self._first or Writer(path, bounds), None
        return RecordedSource(source, Recorder(writer, source.title, annotations=annotations))
