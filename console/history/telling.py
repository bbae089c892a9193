"""The timeline of a recording, read as it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from console.cluster.source import State
from console.governance.findings import Audit
from console.history.cursor import Cursor
from console.history.deltas import Standing
from console.history.recording import Hole, Recording
from console.history.timeline import Happened, Step, Timeline, gathered
from console.policy.asking import Modes
from console.policy.engine import Engine

#: The states in which a source sees what changes.
_ANSWERING: Final = (State.LIVE.value, State.STATIC.value)


class _Watch:
    """Notes the times in which the source that was recorded did not answer."""

    def __init__(self, cursor: Cursor) -> None:
        self._begin: float | None = None
        self._why = ""
        self._found: list[Hole] = []
        self.note(cursor.at, cursor.moment().standing)

    def note(self, at: float, standing: Standing | None) -> None:
        """Take note of how the source stands from a moment on; None: as before."""
        if standing is None:
            return
        if standing.state in _ANSWERING:
            self.end(at)
        elif self._begin is None:
            self._begin, self._why = at, f"the cluster did not answer ({standing.message or standing.state})"

    def end(self, at: float) -> None:
        """It answers again, or the recording ends."""
        if self._begin is not None:
            self._found.append(Hole(self._begin, at, self._why))
            self._begin = None

    def take(self) -> Iterator[Hole]:
        """What was found since this was last asked."""
        found, self._found = self._found, []
        yield from found


def told(
    recording: Recording,
    *,
    since: float,
    until: float,
    audit: Callable[[Engine], Audit] | None = None,
    modes: Modes | None = None,
) -> Iterator[Step | Hole]:
    """What happened from one moment until another (seconds since the epoch), and the times nothing is known of.

    Those are the times nobody recorded, and those in which the cluster did not answer. What
    changed in them is not told one by one: nobody saw it.
    """
    cursor = Cursor(recording)
    cursor.seek(since)
    while True:
        watch = _Watch(cursor)
        timeline = Timeline(cursor.moment().snapshot, audit=audit, modes=modes)
        for at, changes, snapshot in gathered(_whole(cursor, until, watch)):
            yield timeline.tell(at, changes, snapshot)
            yield from watch.take()
        due = cursor.next_at
        hole = recording.hole_before(due) if due is not None else None
        watch.end(hole.begin if hole is not None else until)
        yield from watch.take()
        if due is None or due > until:
            return
        cursor.step()
        if hole is not None:
            yield hole


def _whole(cursor: Cursor, until: float, watch: _Watch) -> Iterator[Happened]:
    """What happens without a hole."""
    while (due := cursor.next_at) is not None and due <= until and not cursor.jumps:
        event = cursor.step()
        assert event is not None
        watch.note(event.at, event.standing)
        yield event.at, event.changes(), cursor.moment().snapshot
