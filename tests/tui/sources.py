"""Sources that say what a test tells them to, when it tells them to."""

from __future__ import annotations

import time
from collections.abc import Callable

from console.cluster.source import State, Status, Update
from console.objects.snapshot import Snapshot


class Scripted:
    """A Source without a cluster: `say` hands on an update."""

    def __init__(self, title: str = "scripted") -> None:
        self.title = title
        self.closed = False
        self.opened = False
        self._tell: Callable[[Update], None] = lambda update: None

    def open(self, on_update: Callable[[Update], None]) -> None:
        self.opened = True
        self._tell = on_update

    def close(self) -> None:
        self.closed = True

    def say(
        self, state: State, snapshot: Snapshot | None = None, *, since: float | None = None, **status: object
    ) -> None:
        at = time.time() if since is None else since
        self._tell(Update(snapshot or Snapshot(), Status(state, at, **status)))  # type: ignore[arg-type]

    def tell(self, update: Update) -> None:
        self._tell(update)
