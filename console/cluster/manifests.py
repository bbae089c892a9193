"""Manifests as a source: files, folders and standard input, read once."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final, TextIO

from console.cluster.manifests_files import Failure, texts
from console.cluster.manifests_objects import Collector
from console.cluster.source import State, Status, Update
from console.errors import InputError
from console.objects.coverage import UNPARSED, Gap
from console.objects.diagnostics import Diagnostic, Severity
from console.objects.snapshot import Snapshot
from console.objects.yaml_text import load_documents

#: Files that one note names; the others are counted.
_NAMED: Final = 3
#: Kinds that the note on unknown ones names.
_KINDS: Final = 8
#: Diagnostics of the same words that are told one by one.
_ALIKE: Final = 20
#: Seconds that `close` waits for an update that is just being handed on.
_GOODBYE: Final = 0.4


@dataclass(frozen=True, slots=True)
class Reading:
    """What manifests hold. `unused` counts, by kind, objects that decide no path and were not kept."""

    snapshot: Snapshot
    diagnostics: tuple[Diagnostic, ...]
    unused: Mapping[str, int]


def read(paths: Sequence[str], stdin: TextIO | BinaryIO | None = None) -> Reading:
    """Read files, folders (and those below them) and, for ``-``, `stdin`.

    What cannot be read is a diagnostic, and a gap where it may decide a verdict; the rest
    is still read. Raises InputError where not a single Kubernetes object is found.
    """
    collector = collected(paths, stdin)
    diagnostics = told(collector)
    if not collector.taken and not collector.unused:
        raise _nothing(paths, diagnostics)
    return Reading(collector.snapshot(), diagnostics, collector.unused)


def collected(paths: Sequence[str], stdin: TextIO | BinaryIO | None) -> Collector:
    """Everything in the files, collected. Raises nothing: what cannot be read is a diagnostic."""
    collector = Collector()
    with _no_collection():
        for found in texts(paths, stdin):
            file = _shown(found.file)
            if isinstance(found, Failure):
                severity = Severity.ERROR if found.lost else Severity.WARNING
                collector.diagnostics.append(
                    Diagnostic(severity=severity, message=found.message, hint=found.hint, file=file)
                )
                if found.lost:
                    why = f"{file} could not be read ({found.message}); it may hold policies"
                    collector.gaps.append(Gap(code=UNPARSED, resource="*", why=why))
                continue
            if found.warning:
                collector.diagnostics.append(Diagnostic(severity=Severity.WARNING, message=found.warning, file=file))
            for document in load_documents(found.text, file=file):
                collector.add(document)
    return collector


def told(collector: Collector) -> tuple[Diagnostic, ...]:
    """What a user is told of what was collected."""
    return (*_summed(collector.diagnostics), *_notes(collector))


class ManifestSource:
    """Manifests as a Source: STATIC once read, FAILED where nothing could be."""

    def __init__(self, paths: Sequence[str], *, stdin: TextIO | BinaryIO | None = None) -> None:
        self._paths = tuple(paths)
        self._stdin = stdin
        self._closed = False
        # Held while an update is handed on, so that none follows `close`; it may be called from within one.
        self._handing = threading.RLock()

    @property
    def title(self) -> str:
        """The first path, and how many others there are."""
        first = "standard input" if self._paths[0] == "-" else _shown(os.path.normpath(self._paths[0]))
        return first if len(self._paths) == 1 else f"{first} +{len(self._paths) - 1}"

    def open(self, on_update: Callable[[Update], None]) -> None:
        """Start reading in a thread; see Source."""
        threading.Thread(target=self._run, args=(on_update,), name="manifests", daemon=True).start()

    def close(self) -> None:
        """No update follows; see Source. What is being read is read to its end, and dropped."""
        self._closed = True
        if self._handing.acquire(timeout=_GOODBYE):
            self._handing.release()

    def _run(self, on_update: Callable[[Update], None]) -> None:
        self._hand_on(on_update, Update(Snapshot(), Status(State.LOADING, time.time())))
        try:
            reading = read(self._paths, self._stdin)
        except InputError as error:
            status = Status(State.FAILED, time.time(), message=error.message, hint=error.hint)
            self._hand_on(on_update, Update(Snapshot(), status))
        else:
            status = Status(State.STATIC, time.time())
            self._hand_on(on_update, Update(reading.snapshot, status, diagnostics=reading.diagnostics))

    def _hand_on(self, on_update: Callable[[Update], None], update: Update) -> None:
        with self._handing:
            if not self._closed:
                on_update(update)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without garbage collection: loading makes many objects and no garbage, and collecting doubles its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _summed(diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Diagnostics without an endless row of the same: a folder of templates, a folder given as two copies."""
    times: Counter[str] = Counter()
    for diagnostic in diagnostics:
        times[diagnostic.message] += 1
        if times[diagnostic.message] <= _ALIKE:
            yield diagnostic
    for message, count in times.items():
        if count > _ALIKE:
            yield Diagnostic(severity=Severity.NOTE, message=f"{count - _ALIKE} more: {message}")


def _notes(collector: Collector) -> Iterator[Diagnostic]:
    if collector.kustomizations:
        yield Diagnostic(
            severity=Severity.NOTE,
            message=f"{_listed(collector.kustomizations)}: a kustomization, which is not built: files are read as is",
            hint="to judge what it makes: kubectl kustomize FOLDER | netpol-console … --manifests -",
        )
    if collector.strange:
        message = f"{_listed(collector.strange)}: YAML that is no Kubernetes object (no kind) was left out"
        yield Diagnostic(severity=Severity.NOTE, message=message)
    if collector.unknown:
        most = collector.unknown.most_common()
        named = ", ".join(f"{count} {kind}" for kind, count in most[:_KINDS])
        rest = most[_KINDS:]
        more = f" and {sum(count for _, count in rest)} of {len(rest)} more kinds" if rest else ""
        yield Diagnostic(
            severity=Severity.NOTE,
            message=f"of kinds the console does not know, left out: {named}{more}",
            hint="pods that their controllers would make are not seen; of a running cluster, give it the pods too",
        )


def _listed(files: Iterable[str]) -> str:
    named = list(files)
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return ", ".join(named[:_NAMED]) + more


def _nothing(paths: Sequence[str], diagnostics: Sequence[Diagnostic]) -> InputError:
    where = _listed("standard input" if path == "-" else _shown(path) for path in paths)
    shown = [str(diagnostic) for diagnostic in diagnostics[:_NAMED]]
    if len(diagnostics) > _NAMED:
        shown.append(f"and {len(diagnostics) - _NAMED} more like these")
    hint = "\n  ".join(shown) or "it needs documents with apiVersion and kind"
    return InputError(f"no Kubernetes object could be read from {where}", hint=hint)


def _shown(path: str) -> str:
    """A path as text: bytes that are no UTF-8 become a replacement character."""
    return os.fsencode(path).decode(errors="replace")
