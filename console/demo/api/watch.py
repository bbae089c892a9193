"""One watch: the events of a kind from a version on, until its time is up or a fault ends it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from console.demo.api.answers import not_newer
from console.demo.api.bell import Vigil
from console.demo.api.encoding import Stored, bookmark, event_line
from console.demo.api.kinds import Kind
from console.demo.api.refusals import Refusal, failure, invalid_option
from console.demo.api.routes import Route
from console.demo.faults import Fault, Faults, Injected
from console.demo.store import Compacted, Store

#: How long a watch lasts that names no ``timeoutSeconds`` (kube-apiserver: half an hour to an hour).
DEFAULT_SECONDS = 1800


class Cut(Exception):
    """Close the connection after sending these bytes, in the middle of a chunk."""

    def __init__(self, data: bytes) -> None:
        super().__init__("cut")
        self.data = data


@dataclass(frozen=True, slots=True)
class Watch:
    """A watch as it was asked for. `bookmark_seconds` is the time between two bookmarks."""

    kind: Kind
    namespace: str
    store: Store
    faults: Faults
    partial: bool
    bookmarks: bool
    initial: bool
    start: int
    seconds: float
    bookmark_seconds: float

    @classmethod
    def asked(
        cls, route: Route, kind: Kind, store: Store, faults: Faults, *, partial: bool, bookmark_seconds: float
    ) -> Watch:
        """The watch of a request. Raises Refusal where a parameter is wrong."""
        try:
            start = route.number("resourceVersion", 0)
            seconds = route.number("timeoutSeconds", 0)
        except ValueError as error:
            raise Refusal(400, "BadRequest", f"invalid parameter of a watch: {error}") from error
        initial = route.flag("sendInitialEvents")
        if initial and route.query.get("resourceVersionMatch") != "NotOlderThan":
            why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            raise invalid_option("resourceVersionMatch", why)
        return cls(
            kind=kind,
            namespace=route.namespace,
            store=store,
            faults=faults,
            partial=partial,
            bookmarks=route.flag("allowWatchBookmarks"),
            initial=initial,
            start=start,
            seconds=seconds or DEFAULT_SECONDS,
            bookmark_seconds=bookmark_seconds,
        )

    def run(self, vigil: Vigil, send: Callable[[bytes], None]) -> None:
        """Send lines until the watch ends. Raises Cut where a fault wants that, OSError where the peer is gone."""
        deadline = time.monotonic() + self.seconds
        try:
            cursor = self._begin(send)
            next_bookmark = time.monotonic() + self.bookmark_seconds
            while True:
                if not self._stumble(vigil, send):
                    return
                events, version = self.store.since(self.kind, cursor)
                cursor = max(cursor, version)
                lines = [self._line(entry.type, entry.obj) for entry in events if self._wanted(entry.obj)]
                now = time.monotonic()
                ending = now >= deadline
                if self.bookmarks and (now >= next_bookmark or ending):
                    lines.append(bookmark(self.kind, cursor, partial=self.partial))
                    next_bookmark = now + self.bookmark_seconds
                if lines:
                    send(b"".join(lines))
                if (
                    ending
                    or not self._served()
                    or not vigil.wait(min(deadline, next_bookmark) if self.bookmarks else deadline)
                ):
                    return
        except Compacted as error:
            message = f"too old resource version: {self.start} ({error.oldest})"
            send(_error(Refusal(410, "Expired", message)))
        except Refusal as refusal:
            send(_error(refusal))

    def _served(self) -> bool:
        """Whether the kind is still there: the watches of a custom kind end with its definition."""
        return self.store.kind_at(self.kind.group, self.kind.version, self.kind.plural) is not None

    def _begin(self, send: Callable[[bytes], None]) -> int:
        """Send what there is already, where that is asked for; the version to go on from."""
        if self.start and not self.initial:
            return self.start  # also a version of the future: kube-apiserver waits for it in silence
        not_newer(self.start, self.store)
        items, version = self.store.view(self.kind)
        lines = [self._line("ADDED", obj) for obj in items if self._wanted(obj)]
        if self.initial and self.bookmarks:
            lines.append(bookmark(self.kind, version, partial=self.partial, initial_end=True))
        send(b"".join(lines))
        return version

    def _stumble(self, vigil: Vigil, send: Callable[[bytes], None]) -> bool:
        """Let the faults strike; False where the watch ends by one."""
        for fault in self._struck(Fault.HALF_OPEN):
            while not fault.released:
                if not vigil.wait():
                    return False
        for fault in self._struck(Fault.EVENT_ERROR):
            send(_error(failure(fault.code)))
            return False
        for _ in self._struck(Fault.MALFORMED):
            send(b'{"type":"MODIFIED","object":{"metadata":{"name":}\n')
        for _ in self._struck(Fault.CUT):
            raise Cut(b'{"type":"MODIFIED","object":{"metadata":{"na')
        return True

    def _struck(self, fault: Fault) -> Iterator[Injected]:
        struck = self.faults.strike(fault, "watch", self.kind.plural)
        if struck is not None:
            yield struck

    def _wanted(self, obj: Stored) -> bool:
        return self.namespace in ("", obj.namespace)

    def _line(self, type_: str, obj: Stored) -> bytes:
        return event_line(type_, obj.partial() if self.partial else obj.full())


def _error(refusal: Refusal) -> bytes:
    return event_line("ERROR", msgspec.json.encode(refusal.body))
