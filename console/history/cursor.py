"""Moves through a recording: to a moment, and on to the next event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from console.history.deltas import Standing
from console.history.recording import Event, Hole, Recording
from console.objects.snapshot import Snapshot, SnapshotBuilder


@dataclass(frozen=True, slots=True)
class Moment:
    """The state at a moment (seconds since the epoch). `hole` is set where nothing is known of it: then it is older."""

    at: float
    snapshot: Snapshot
    standing: Standing
    hole: Hole | None = None


class Cursor:
    """A place in a recording, and the state there. Moving forward makes each snapshot from the one before it."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._place = -1
        self._events: Iterator[Event] = iter(())
        self._next: Event | None = None
        self._begin(0)

    def _begin(self, place: int) -> None:
        """Go to where a segment begins, from nothing."""
        self._enter(place)
        self._builder = SnapshotBuilder()
        self._standing = Standing()
        self._snapshot: Snapshot | None = None
        first = self._pop()
        assert first is not None
        self._take(first)

    def _enter(self, place: int) -> None:
        self._place = place
        self._events = self.recording.events(place)
        self._next = next(self._events, None)

    def _pop(self) -> Event | None:
        event, self._next = self._next, next(self._events, None)
        return event

    def _take(self, event: Event) -> None:
        self.at = event.at
        if event.standing is not None:
            self._standing = event.standing
        for obj in event.whole or ():
            self._builder.put(obj)
        for before, after in event.pairs:
            if after is not None:
                self._builder.put(after)
            elif before is not None:
                self._builder.drop(before.ref, type(before))
        self._snapshot = None

    @property
    def next_at(self) -> float | None:
        """When the next event is, in seconds since the epoch; None at the end."""
        while self._next is None:
            if self._place + 1 >= self.recording.places:
                return None
            if self.recording.follows(self._place + 1):
                self._enter(self._place + 1)
                self._pop()  # the state that is here already
            else:
                return self.recording.segment_begin(self._place + 1)
        return self._next.at

    @property
    def jumps(self) -> bool:
        """Whether nothing is known of the time from here to the next event, which is a whole state."""
        return self.next_at is not None and self._next is None

    def step(self) -> Event | None:
        """Move on to the next event, and return it; None at the end."""
        if self.next_at is None:
            return None
        if self._next is None:
            self._enter(self._place + 1)
            event = self._pop()
            assert event is not None
            self._builder = SnapshotBuilder()
        else:
            event = self._pop()
            assert event is not None
        self._take(event)
        return event

    def seek(self, at: float) -> None:
        """Move to a moment: all that happened until then, and nothing later."""
        place = self.recording.place(at)
        if place != self._place or at < self.at:
            self._begin(place)
        while self._next is not None and self._next.at <= at:
            self.step()
        self.at = at

    def moment(self) -> Moment:
        """The state here."""
        if self._snapshot is None:
            self._builder.namespace_labels_known(self._standing.labels_known)
            self._snapshot = self._builder.build(self._standing.coverage)
        return Moment(self.at, self._snapshot, self._standing, self.recording.hole_at(self.at))
