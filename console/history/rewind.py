"""A source that can be looked at as it was: moments of this session, while it goes on unseen."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol, runtime_checkable

from console.cluster.source import Source, State, Status, Update
from console.objects.snapshot import Snapshot

#: Moments that are kept. Two snapshots share what did not change between them, so that one more costs little.
KEPT: Final = 2_000
_BACK: Final = "This is the past: what happens now is kept, and not shown (n goes back to now)"
_WHOLE: Final = (State.LIVE, State.STALE)


@runtime_checkable
class Movable(Protocol):
    """What else a source offers whose past can be looked at. Both return at once; an update follows."""

    def go(self, at: float) -> None:
        """Show the last moment not after `at` (seconds since the epoch)."""
        ...

    def now(self) -> None:
        """Show the newest there is."""
        ...


def movable(source: Source) -> Source:
    """The source itself where its past can be looked at already, else one around it that keeps its moments."""
    return source if isinstance(source, Movable) else Rewind(source)


class Rewind:
    """Hands on what a source says, and keeps it. A Source, and Movable.

    While a moment is shown (its updates are in state PAST), what the source says waits, and
    is handed on with all that changed in the meantime when one goes back to now.
    """

    def __init__(self, source: Source, *, kept: int = KEPT) -> None:
        self._source = source
        self._tell: Callable[[Update], None] = lambda _: None
        self._lock = threading.RLock()
        # Guarded by _lock:
        self._moments: deque[tuple[float, Snapshot]] = deque(maxlen=kept)
        self._newest: Update | None = None
        self._past = False

    @property
    def title(self) -> str:
        """The source's."""
        return self._source.title

    def open(self, on_update: Callable[[Update], None]) -> None:
        """See Source."""
        self._tell = on_update
        self._source.open(self._take)

    def close(self) -> None:
        """See Source."""
        self._source.close()

    def _take(self, update: Update) -> None:
        with self._lock:
            if update.status.state in _WHOLE and (not self._moments or update.snapshot is not self._moments[-1][1]):
                at = max((change.at for change in update.changes), default=time.time())
                last = self._moments[-1][0] if self._moments else at
                self._moments.append((max(at, last), update.snapshot))
            if self._past and self._newest is not None:
                self._newest = replace(update, changes=(*self._newest.changes, *update.changes))
                return
            self._newest = replace(update, changes=())
            self._tell(update)

    def go(self, at: float) -> None:
        """See Movable. Where nothing was read whole yet, nothing is shown."""
        with self._lock:
            if not self._moments:
                return
            place = max(bisect_right([moment for moment, _ in self._moments], at) - 1, 0)
            when, snapshot = self._moments[place]
            self._past = True
            self._tell(Update(snapshot, Status(State.PAST, when, _BACK, "n goes back to now")))

    def now(self) -> None:
        """See Movable."""
        with self._lock:
            if self._past and self._newest is not None:
                self._past = False
                newest, self._newest = self._newest, replace(self._newest, changes=())
                self._tell(newest)
