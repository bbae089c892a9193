"""Faults that tests lay into the demo's API server: wrong answers, silence, cuts."""

from __future__ import annotations

import threading
from enum import Enum
from typing import Literal

from console.demo.api.bell import Bell


class Fault(Enum):
    """What goes wrong. The last four happen inside a watch that is under way; CUT and MALFORMED also to a list."""

    ANSWER = "answer with an error status"
    STALL = "accept, and never answer"
    SLOW = "answer late"
    WRONG_TYPE = "answer 200 with an HTML page"
    CUT = "close in the middle of the JSON"
    MALFORMED = "send JSON that is none"
    HALF_OPEN = "stop sending without closing"
    EVENT_ERROR = "send an ERROR event"


class Injected:
    """A fault laid in. It strikes `times` matching requests (None: all of them until `release`)."""

    def __init__(
        self,
        faults: Faults,
        fault: Fault,
        *,
        verb: str,
        resource: str,
        times: int | None,
        code: int = 0,
        seconds: float = 0.0,
    ) -> None:
        self._faults = faults
        self._left = times
        self._struck = 0
        self._verb = verb
        self._resource = resource
        self.fault = fault
        self.code = code
        self.seconds = seconds
        self.released = False

    @property
    def hits(self) -> int:
        """How many requests or streams it has struck."""
        with self._faults.changed_count:
            return self._struck

    def release(self) -> None:
        """Take the fault out: it strikes no more, and what it holds goes on."""
        with self._faults.changed_count:
            self.released = True
        self._faults.changed.ring()

    def wait(self, hits: int = 1, timeout: float = 10.0) -> bool:
        """Wait until it has struck `hits` times; False after `timeout` seconds."""
        with self._faults.changed_count:
            return self._faults.changed_count.wait_for(lambda: self._struck >= hits, timeout)

    def strikes(self, fault: Fault, verb: str, resource: str) -> bool:
        """Whether it strikes now, which uses one of its times up. The owner's lock is held."""
        if self.released or fault is not self.fault or self._left == 0:
            return False
        if self._verb not in ("*", verb) or self._resource not in ("*", resource):
            return False
        if self._left is not None:
            self._left -= 1
        self._struck += 1
        return True


class Faults:
    """The faults of one server. Thread-safe.

    `verb` is Kubernetes' (``list``, ``watch``, ``get``, ``create``), `resource` the
    plural; ``*`` matches all. Each method returns the Injected, to wait on and to
    release. `gzip` overrides what the server compresses: None as kube-apiserver does,
    True everything that may be, False nothing.
    """

    def __init__(self) -> None:
        self.changed = Bell()
        self.changed_count = threading.Condition()
        self.gzip: bool | None = None
        self._injected: list[Injected] = []

    def answer(
        self, code: int, *, verb: str = "*", resource: str = "*", times: int | None = 1, retry_after: int = 1
    ) -> Injected:
        """Answer with an error Status: 401, 403, 410, 429 (with Retry-After, in seconds), 500, 503, …."""
        return self._inject(Fault.ANSWER, verb, resource, times, code=code, seconds=retry_after)

    def stall(self, *, verb: str = "*", resource: str = "*", times: int | None = 1) -> Injected:
        """Take the request and send nothing until released; then answer it."""
        return self._inject(Fault.STALL, verb, resource, times)

    def slow(self, seconds: float, *, verb: str = "*", resource: str = "*", times: int | None = 1) -> Injected:
        """Answer `seconds` later."""
        return self._inject(Fault.SLOW, verb, resource, times, seconds=seconds)

    def wrong_content_type(self, *, verb: str = "*", resource: str = "*", times: int | None = 1) -> Injected:
        """Answer 200 with a login page, as a proxy in between does."""
        return self._inject(Fault.WRONG_TYPE, verb, resource, times)

    def cut(self, *, verb: Literal["list", "watch"], resource: str = "*", times: int | None = 1) -> Injected:
        """Close the connection in the middle of the JSON; a watch that is under way at once."""
        return self._inject(Fault.CUT, verb, resource, times)

    def malformed(self, *, verb: Literal["list", "watch"], resource: str = "*", times: int | None = 1) -> Injected:
        """Send a well-framed body, or a line of a watch that is under way, whose JSON is broken."""
        return self._inject(Fault.MALFORMED, verb, resource, times)

    def half_open(self, *, resource: str = "*", times: int | None = 1) -> Injected:
        """Send nothing more on a watch, not even its end, without closing; what happened follows once released."""
        return self._inject(Fault.HALF_OPEN, "watch", resource, times)

    def event_error(self, code: int, *, resource: str = "*", times: int | None = 1) -> Injected:
        """End a watch, also one under way, with an ERROR event of this status code."""
        return self._inject(Fault.EVENT_ERROR, "watch", resource, times, code=code)

    def clear(self) -> None:
        """Release every fault, and compress as usual."""
        with self.changed_count:
            injected, self._injected = self._injected, []
        for each in injected:
            each.release()
        self.gzip = None

    def strike(self, fault: Fault, verb: str, resource: str) -> Injected | None:
        """The injected fault of this kind that strikes now, if one does. For the server."""
        with self.changed_count:
            struck = next((each for each in self._injected if each.strikes(fault, verb, resource)), None)
            if struck is not None:
                self.changed_count.notify_all()
            return struck

    def _inject(
        self, fault: Fault, verb: str, resource: str, times: int | None, *, code: int = 0, seconds: float = 0.0
    ) -> Injected:
        injected = Injected(self, fault, verb=verb, resource=resource, times=times, code=code, seconds=seconds)
        with self.changed_count:
            self._injected.append(injected)
        self.changed.ring()
        return injected
