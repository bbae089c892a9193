"""A source that can be looked at as it was: moments of this session, while it goes on unseen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol, runtime_checkable

from console.cluster.source import Source, State, Status, Update
from console.history.moments import Moments

_BACK: Final = "This is the past: n goes back to now"
_KEPT: Final = "What happens meanwhile is kept, and told on the way back."
_WHOLE: Final = (State.LIVE, State.STALE)
#: A clock that goes back by less than this many seconds is being set; by more, it is another time.
_SET: Final = 1.0
#: Seconds between what was last before a clock went back and what is first after.
_NEXT: Final = 0.001


@runtime_checkable
class Movable(Protocol):
    """What else a source offers whose past can be looked at. All return at once."""

    def go(self, at: float) -> bool:
        """Show the last moment not after `at` (seconds since the epoch); an update follows, unless there is none."""
        ...

    def now(self) -> None:
        """Show the newest there is; an update follows."""
        ...

    def mark(self, at: float) -> None:
        """Say that one may come back to what is so from `at` on."""
        ...


def movable(source: Source) -> Source:
    """The source itself where its past can be looked at already, else one around it that keeps its moments."""
    return source if isinstance(source, Movable) else Rewind(source)


class Rewind:
    """Hands on what a source says, and keeps it. A Source, and Movable.

    Where the clock goes back, times run on ahead of it, as those of a recording do.
    While a moment is shown (its updates are in state PAST), what the source says waits, and
    is handed on with all that changed in the meantime when one goes back to now.
    """

    def __init__(self, source: Source, moments: Moments | None = None) -> None:
        self._source = source
        self._tell: Callable[[Update], None] = lambda _: None
        self._lock = threading.RLock()
        # Guarded by _lock:
        self._moments = moments or Moments()
        self._newest: Update | None = None
        self._past = False
        self._last = self._ahead = 0.0

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
            if update.status.state in _WHOLE:
                update = self._in_order(update)
            if self._past and self._newest is not None:
                self._newest = replace(update, changes=(*self._newest.changes, *update.changes))
                return
            self._newest = replace(update, changes=())
            self._tell(update)

    def _in_order(self, update: Update) -> Update:
        """Keep the moment of an update, whose times come after all before it: else they led to what was before."""
        moment = moment_of(update)
        if moment + self._ahead <= self._last - _SET:
            self._ahead = self._last + _NEXT - moment
        at = moment + self._ahead
        self._last = max(self._last, at)
        self._moments.add(at, update.snapshot)
        if not self._ahead:
            return update
        return replace(update, changes=tuple(replace(each, at=each.at + self._ahead) for each in update.changes))

    def go(self, at: float) -> bool:
        """See Movable."""
        with self._lock:
            moment = self._moments.at(at)
            if moment is None:
                return False
            self._past = True
            self._tell(Update(moment.snapshot, Status(State.PAST, moment.at, _BACK, _KEPT)))
            return True

    def mark(self, at: float) -> None:
        """See Movable."""
        with self._lock:
            self._moments.mark(at)

    def now(self) -> None:
        """See Movable."""
        with self._lock:
            if self._past and self._newest is not None:
                self._past = False
                newest, self._newest = self._newest, replace(self._newest, changes=())
                self._tell(newest)


def moment_of(update: Update) -> float:
    """When what an update says came to be, in seconds since the epoch: with the last of its changes."""
    return max((change.at for change in update.changes), default=time.time())
