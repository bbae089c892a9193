"""How one resource is followed: a state machine without I/O, clock or threads.

It is fed what happened (a page arrived, a stream ended, …) and answers with what to do
next and with news for whoever keeps the objects. The rules are those of the Kubernetes
API concepts page ("Efficient detection of changes"): list in pages, watch from the
list's resourceVersion, list again when that version has expired (410).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from console.cluster.failures import Failure
from console.cluster.steps import (
    Absent,
    Behind,
    Changed,
    Command,
    Diagnosed,
    Elapsed,
    Ended,
    EventArrived,
    Failed,
    Filled,
    Following,
    Garbled,
    Happened,
    List,
    Listed,
    News,
    Opened,
    PageArrived,
    Polled,
    Reload,
    Reloaded,
    Step,
    Stop,
    Timing,
    Unreadable,
    Wait,
    Watch,
)
from console.objects.coverage import Gap
from console.objects.decode import Event, Page
from console.objects.diagnostics import Diagnostic, Severity
from console.objects.meta import ObjectRef
from console.objects.snapshot import KubeObject

_EXPIRED: Final = 410
#: Server errors in a row after which a resource that was never read counts as unreadable.
_PATIENCE: Final = 5
# What a server says to a resourceVersion it cannot serve: too old, too new, not one of its own.
_BAD_VERSION: Final = (400, _EXPIRED, 504)


class Reflector:
    """Follows one collection. `start` gives the first step, `step` each next one."""

    def __init__(
        self, *, optional: bool = False, timing: Timing | None = None, jitter: Callable[[], float] = lambda: 0.0
    ) -> None:
        """`jitter` gives numbers in [0, 1); it spreads waits so that clients do not come back all at once."""
        self._optional = optional
        self._timing = timing or Timing()
        self._jitter = jitter
        self._known: dict[ObjectRef, KubeObject] = {}
        self._listed = False
        self._version = ""
        self._fresh: dict[ObjectRef, KubeObject] = {}  # the list under way
        self._gaps: list[Gap] = []
        self._diagnostics: list[Diagnostic] = []
        self._current: List | Watch = self._from_start()
        self._next: Command = self._current  # after a Wait
        self._failures = 0  # requests without a useful answer, in a row
        self._unsteady = 0  # streams that broke soon, or had to be begun anew, since the last steady one
        self._expired_lists = 0
        self._refusals = 0  # lists refused in a row
        self._reloading = False
        self._reloaded = False  # since the server last accepted the credentials
        self._polling = False

    def start(self) -> Step:
        """The first thing to do."""
        return Step(self._current)

    def step(self, happened: Happened) -> Step:
        """Take in what happened; say what to do next."""
        match happened:
            case PageArrived(page):
                return self._page(page)
            case EventArrived(event):
                return self._event(event)
            case Opened():
                self._reloaded = self._polling = False
                self._failures = 0
                return Step(None, [Following()])
            case Ended(silent=True):
                # Not even a bookmark: a proxy that holds streams back until they end, maybe. What it held back
                # is in a list, and nowhere else.
                return self._do(self._from_start())
            case Ended(lasted):
                return self._ended(lasted, Failure(0, "the server ends every watch at once"))
            case Failed(failure, lasted):
                return self._ended(lasted, failure) if lasted and not failure.code else self._failed(failure)
            case Garbled(diagnostic, lasted):
                self._lasted(lasted)
                return self._garbled(diagnostic)
            case Elapsed():
                return self._do(self._next)
            case Reloaded():
                self._reloading = False
                return self._do(self._current)

    # -- lists

    def _from_start(self, limit: int | None = None) -> List:
        self._fresh, self._gaps, self._diagnostics = {}, [], []
        return List("", self._timing.limit if limit is None else limit)

    def _page(self, page: Page) -> Step:
        self._reloaded = False
        self._failures = self._refusals = 0
        if not (page.continue_token or page.resource_version):
            message = "the server's list has no resourceVersion, so what comes after it cannot be followed"
            return self._garbled(Diagnostic(severity=Severity.ERROR, message=message))
        news: list[News] = []
        changed: list[KubeObject] = []
        for obj in page.objects:
            ref = obj.ref
            self._fresh[ref] = obj
            if not self._listed and not same(self._known.get(ref), obj):
                self._known[ref] = obj
                changed.append(obj)
        if not self._listed:
            news.append(Filled(changed, len(self._fresh)))
        self._gaps += page.gaps
        self._diagnostics += page.diagnostics
        self._version = page.resource_version or self._version
        if page.continue_token:
            return Step(self._do(List(page.continue_token, self._timing.limit)).command, news)
        news += self._settle()
        news.append(Listed(len(self._known), tuple(self._gaps), tuple(self._diagnostics)))
        self._fresh, self._gaps, self._diagnostics = {}, [], []
        self._expired_lists = 0
        self._listed = True
        return Step(self._do(self._watch()).command, news)

    def _settle(self) -> list[News]:
        """Make what is known equal to the list just read; only real changes are news."""
        news: list[News] = []
        for ref in [ref for ref in self._known if ref not in self._fresh]:
            news.append(Changed(self._known.pop(ref), None, first=not self._listed))
        for ref, obj in self._fresh.items():
            news += self._put(ref, obj)
        return news

    # -- streams

    def _watch(self) -> Watch:
        # Never 0, which means no limit.
        return Watch(self._version, max(1, int(self._timing.watch * (1 - 0.2 * self._jitter()))))

    def _event(self, event: Event) -> Step:
        if event.type == "ERROR":
            return self._again_from_start(Failure(event.code, event.message))
        self._version = event.resource_version or self._version
        obj = event.object
        if obj is None:
            return Step(None)
        if event.type == "DELETED":
            gone = self._known.pop(obj.ref, None)
            return Step(None, [Changed(gone, None)] if gone else [])
        return Step(None, self._put(obj.ref, obj))

    def _put(self, ref: ObjectRef, obj: KubeObject) -> list[News]:
        before = self._known.get(ref)
        if same(before, obj):
            return []
        self._known[ref] = obj
        if before is not None and before.uid != obj.uid:
            return [Changed(before, None), Changed(None, obj)]
        return [Changed(before, obj)]

    def _ended(self, lasted: float, failure: Failure) -> Step:
        self._lasted(lasted)
        if lasted >= self._timing.steady:
            return self._do(self._watch())
        self._unsteady += 1
        return self._retry(failure, self._watch(), self._unsteady)

    def _lasted(self, seconds: float) -> None:
        if seconds >= self._timing.steady:
            self._unsteady = 0

    # -- failures

    def _garbled(self, diagnostic: Diagnostic) -> Step:
        again = self._again_from_start(Failure(0, diagnostic.message))
        return Step(again.command, [Diagnosed(diagnostic), *again.news])

    def _failed(self, failure: Failure) -> Step:
        watching = isinstance(self._current, Watch)
        if self._reloading:
            # An exec plugin that fails may open a browser each time: ask rarely.
            return Step(self._wait(self._timing.sign_in, Reload()), [Behind(failure)])
        if failure.code == 401:
            return self._unauthorized(failure)
        if failure.code == 403:
            if not watching:
                return self._refused(failure)
            # Either the right to read was taken away, which a list tells at once, or watch alone is refused.
            if not self._polling:
                self._polling = True
                return self._do(self._from_start())
            return Step(self._wait(self._timing.poll, self._from_start()), [Polled(failure)])
        if failure.code == 404 and not watching:
            if self._optional:
                gone: list[News] = [Changed(obj, None) for obj in self._known.values()]
                self._known.clear()
                return Step(Stop(), [*gone, Absent()])
            return self._refused(failure)
        if isinstance(self._current, List) and failure.code == _EXPIRED and self._current.continue_token:
            # The list took longer than the server keeps its version. A cluster too big to be
            # listed in time is asked for everything at once, as client-go's pager does.
            self._expired_lists += 1
            return self._do(self._from_start(limit=0 if self._expired_lists > 2 else None))
        if failure.code == 400 or (watching and (failure.code in _BAD_VERSION or failure.code == 404)):
            return self._again_from_start(failure)
        self._failures += 1
        if failure.code >= 500 and not self._listed and self._failures == _PATIENCE:
            # The server is there and this resource is not to be had, as when the extension server behind it is
            # down: nothing else should wait for it.
            self._known.clear()
            return Step(self._retry(failure, self._from_start(), self._failures).command, [Unreadable(failure)])
        return self._retry(failure, self._watch() if watching else self._current, self._failures)

    def _unauthorized(self, failure: Failure) -> Step:
        if not self._reloaded:
            self._reloaded = True
            return self._do(Reload())
        self._failures += 1
        return Step(self._wait(self._backoff(self._failures), Reload()), [Behind(failure)])

    def _refused(self, failure: Failure) -> Step:
        self._refusals += 1
        if self._listed and self._refusals <= self._timing.doubts:
            # A server that was just started refuses everything until it has read its own rules.
            return self._retry(failure, self._from_start(), self._refusals)
        # What was known cannot be kept up; a list that is granted later is a first list.
        self._known.clear()
        self._listed = False
        seconds = self._timing.refused if self._refusals > 1 else self._timing.steady
        spread = seconds * (1 + 0.25 * self._jitter())
        return Step(self._wait(spread, self._from_start()), [Unreadable(failure)])

    def _again_from_start(self, failure: Failure) -> Step:
        self._unsteady += 1
        again = self._from_start()
        return self._do(again) if self._unsteady == 1 else self._retry(failure, again, self._unsteady - 1)

    def _retry(self, failure: Failure, command: List | Watch, times: int) -> Step:
        seconds = max(self._backoff(times), min(failure.retry_after, self._timing.retry_after_max))
        # One failure is an accident that the next try mends; two, or a long wait, are a state worth telling.
        tell = times >= 2 or seconds >= self._timing.steady
        return Step(self._wait(seconds, command), [Behind(failure)] if tell else [])

    def _backoff(self, times: int) -> float:
        doubled: float = self._timing.backoff_min * 2 ** min(max(times - 1, 0), 16)
        return min(self._timing.backoff_max, doubled * (1 + 0.5 * self._jitter()))

    def _wait(self, seconds: float, then: Command) -> Wait:
        self._next = then
        return Wait(seconds)

    def _do(self, command: Command) -> Step:
        if isinstance(command, (List, Watch)):
            self._current = command
        self._reloading = isinstance(command, Reload)
        return Step(command)


def same(before: KubeObject | None, after: KubeObject) -> bool:
    """Whether nothing that the console keeps differs, apart from the version and who wrote it."""
    if before is None or type(before) is not type(after):
        return False
    if before.uid == after.uid and before.resource_version == after.resource_version != "":
        return True
    return bool(_content(before) == _content(after))


def _content(obj: KubeObject) -> KubeObject:
    return msgspec.structs.replace(obj, resource_version="", manager=None)
