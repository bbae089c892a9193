"""What happened, kept for the Timeline: told by the warden as it goes on, or read from a recording."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from console.governance.findings import Audit
    from console.history.recording import Hole
    from console.history.timeline import Entry, Step
    from console.policy.asking import Modes
    from console.policy.engine import Engine

#: Entries that are kept, and paths of theirs, each of which holds two verdicts; of more the oldest are dropped.
KEPT: Final = 2_000
PATHS: Final = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """An entry or a hole, with the moment that shows the cluster just after it (seconds since the epoch)."""

    number: int
    at: float
    after: float
    told: Entry | Hole


class Annals:
    """Entries in the order in which they happened. Any thread may add, any may look."""

    def __init__(self, kept: int = KEPT) -> None:
        self._lock = threading.Lock()
        self._items: deque[Item] = deque(maxlen=kept)
        self._count = self._paths = 0
        self.folded = 0
        #: Whether a recording is being read, and what kept it from being read.
        self.reading = False
        self.trouble = ""

    def clear(self) -> None:
        """Forget all: another cluster is looked at."""
        with self._lock:
            self._items.clear()
            self._count = self._paths = self.folded = 0
            self.reading, self.trouble = False, ""

    def add(self, step: Step, after: float) -> None:
        """Keep what a step tells; `after` is the moment that shows all of it."""
        with self._lock:
            self.folded += step.folded
            for entry in step.entries:
                self._put(entry.at, after, entry)

    def add_hole(self, hole: Hole) -> None:
        """Keep a time nothing is known of."""
        with self._lock:
            self._put(hole.begin, hole.end, hole)

    def _put(self, at: float, after: float, told: Entry | Hole) -> None:
        self._count += 1
        self._paths += _paths(told)
        if len(self._items) == self._items.maxlen:
            self._drop()
        self._items.append(Item(self._count, at, after, told))
        while self._paths > PATHS and len(self._items) > 1:
            self._drop()

    def _drop(self) -> None:
        self._paths -= _paths(self._items.popleft().told)

    @property
    def count(self) -> int:
        """How many there have been; those that are kept end with this number."""
        return self._count

    def items(self) -> list[Item]:
        """Those that are kept, the newest first."""
        with self._lock:
            return list(reversed(self._items))

    def read(
        self,
        path: str,
        *,
        audit: Callable[[Engine], Audit] | None,
        modes: Modes | None,
        progress: Callable[[], object],
        stopped: Callable[[], bool],
    ) -> None:
        """Read a recording from its beginning to its end. Not for the event loop; `progress` is called now and then."""
        from console.errors import ConsoleError
        from console.history.recording import Hole, Recording
        from console.history.telling import told

        self.clear()
        self.reading = True
        try:
            with Recording(path) as recording:
                steps = told(recording, since=recording.begin, until=recording.end, audit=audit, modes=modes)
                for step in _until(steps, stopped):
                    if isinstance(step, Hole):
                        self.add_hole(step)
                    else:
                        self.add(step, max((entry.at for entry in step.entries), default=step.at))
                    progress()
        except ConsoleError as error:
            self.trouble = str(error)
        finally:
            self.reading = False
            progress()


def _until(steps: Iterator[Step | Hole], stopped: Callable[[], bool]) -> Iterator[Step | Hole]:
    for step in steps:
        if stopped():
            return
        yield step


def _paths(told: Entry | Hole) -> int:
    return len(getattr(told, "paths", ()))
