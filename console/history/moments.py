"""The moments of a session that can be looked at again: the last ones all, of older ones those worth it."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from console.objects.snapshot import Snapshot

#: The last so many moments are all kept, a quarter of a minute of a cluster that never rests.
RECENT: Final = 64
#: Of those before, the last so many at which something was told.
WORTH: Final = 500


class Moment(NamedTuple):
    """The state from `at` on (seconds since the epoch), until the next one."""

    at: float
    snapshot: Snapshot


class Moments:
    """Snapshots in order of time. Two of them share what did not change between; what differs takes some 25 KiB."""

    def __init__(self, recent: int = RECENT, worth: int = WORTH) -> None:
        self._most = recent
        self._recent: deque[Moment] = deque()
        self._worth: deque[Moment] = deque(maxlen=worth)
        self._marked: set[float] = set()

    def add(self, at: float, snapshot: Snapshot) -> None:
        """Keep a state from `at` on; a moment before the last one is taken for that."""
        if self._recent:
            if snapshot is self._recent[-1].snapshot:
                return
            at = max(at, self._recent[-1].at)
        self._recent.append(Moment(at, snapshot))
        while len(self._recent) > self._most:
            oldest = self._recent.popleft()
            if oldest.at in self._marked or not self._worth:  # where it all began is worth it, too
                self._worth.append(oldest)
            self._marked.discard(oldest.at)

    def mark(self, at: float) -> None:
        """Say that something was told of what is so from `at` on."""
        self._marked.add(at)

    def at(self, when: float) -> Moment | None:
        """The last moment that is kept and is not after `when`; None where all that was then is forgotten."""
        for moment in (*reversed(self._recent), *reversed(self._worth)):
            if moment.at <= when:
                return moment
        return None
