"""The timeline of a recording, read as it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from console.governance.findings import Audit
from console.history.cursor import Cursor
from console.history.recording import Hole, Recording
from console.history.timeline import Happened, Step, Timeline, gathered
from console.policy.asking import Modes
from console.policy.engine import Engine


def told(
    recording: Recording,
    *,
    since: float,
    until: float,
    audit: Callable[[Engine], Audit] | None = None,
    modes: Modes | None = None,
) -> Iterator[Step | Hole]:
    """What happened from one moment until another (seconds since the epoch), and the times nothing is known of.

    What changed during a hole is not told one by one: nobody saw it.
    """
    cursor = Cursor(recording)
    cursor.seek(since)
    while True:
        timeline = Timeline(cursor.moment().snapshot, audit=audit, modes=modes)
        for at, changes, snapshot in gathered(_whole(cursor, until)):
            yield timeline.tell(at, changes, snapshot)
        due = cursor.next_at
        if due is None or due > until:
            return
        hole = recording.hole_before(due)
        cursor.step()
        if hole is not None:
            yield hole


def _whole(cursor: Cursor, until: float) -> Iterator[Happened]:
    """What happens without a hole."""
    while (due := cursor.next_at) is not None and due <= until and not cursor.jumps:
        event = cursor.step()
        assert event is not None
        yield event.at, event.changes(), cursor.moment().snapshot
