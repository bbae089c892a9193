"""What was asked of the API server, for tests to count."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Request:
    """One answered request. `verb` is Kubernetes' (get, list, watch, create, …), `status` the HTTP one.

    `namespace` is ``""`` for the whole cluster, `resource` the plural (``""`` for
    documents such as /version, which `path` names), `user` who asked after impersonation.
    """

    verb: str
    resource: str
    namespace: str
    status: int
    path: str
    query: str
    user: str
    accept: str


class RequestLog:
    """The latest requests, as their answers began. Thread-safe."""

    def __init__(self) -> None:
        self._entries: deque[Request] = deque(maxlen=_KEPT)
        self._grown = threading.Condition()

    def add(self, request: Request) -> None:
        """Note a request."""
        with self._grown:
            self._entries.append(request)
            self._grown.notify_all()

    def find(
        self,
        *,
        verb: str | None = None,
        resource: str | None = None,
        namespace: str | None = None,
        status: int | None = None,
    ) -> list[Request]:
        """The requests that are as said, oldest first."""
        wanted = (verb, resource, namespace, status)
        with self._grown:
            return [
                entry
                for entry in self._entries
                if all(
                    want is None or want == got
                    for want, got in zip(
                        wanted, (entry.verb, entry.resource, entry.namespace, entry.status), strict=True
                    )
                )
            ]

    def wait(
        self,
        count: int = 1,
        *,
        verb: str | None = None,
        resource: str | None = None,
        namespace: str | None = None,
        status: int | None = None,
        timeout: float = 10.0,
    ) -> bool:
        """Wait until at least `count` such requests were answered; False after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with self._grown:
            while len(self.find(verb=verb, resource=resource, namespace=namespace, status=status)) < count:
                if not self._grown.wait(deadline - time.monotonic()):
                    return False
        return True
