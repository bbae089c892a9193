"""Plays the timetable on a store, cycle after cycle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from console.demo.api.encoding import Stored
from console.demo.api.kinds import Kind
from console.demo.store import Store
from console.demo.timetable import CYCLE, Event, events

# What the API server and its bookkeeping write, and what a second beginning cannot have again.
_SERVERS_OWN: Final = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")


class Playback:
    """Moves a store, which must be at moment 0, along the timetable. Not thread-safe.

    `on_time` is told each event's second before it is applied, so that what it writes
    bears that time. Seconds count from the start on; past `CYCLE` they begin again.
    """

    def __init__(self, store: Store, on_time: Callable[[float], None]) -> None:
        self._store = store
        self._on_time = on_time
        self._beginning: Mapping[Kind, tuple[Stored, ...]] = {kind: store.view(kind)[0] for kind in store.kinds()}
        again = Event(CYCLE, "the demo begins again", self._begin_again)
        self._events = (*events(), again)
        self._done = 0

    @property
    def next_at(self) -> float:
        """The second at which the next event is due."""
        cycle, index = divmod(self._done, len(self._events))
        return cycle * CYCLE + self._events[index].at

    def advance(self, seconds: float) -> list[Event]:
        """Apply every event that is due by then, in order; returns them."""
        applied = []
        while self.next_at <= seconds:
            self._on_time(self.next_at)
            event = self._events[self._done % len(self._events)]
            self._done += 1
            event.apply(self._store)
            applied.append(event)
        return applied

    def _begin_again(self, store: Store) -> None:
        for kind in store.kinds():
            before = {(obj.namespace, obj.name): obj for obj in self._beginning.get(kind, ())}
            now = {(obj.namespace, obj.name): obj for obj in store.view(kind)[0]}
            for key in now.keys() - before.keys():
                store.delete(store.ref_of(now[key]))
            for key in sorted(before):
                self._restore(store, before[key], now.get(key))

    @staticmethod
    def _restore(store: Store, before: Stored, now: Stored | None) -> None:
        if now is not None and now.body == before.body:
            return
        wanted = before.decoded()
        if now is not None:
            held = now.decoded()
            if _plain(held) == _plain(wanted):
                return
            if held.get("status", {}).get("phase") != wanted.get("status", {}).get("phase"):
                # A pod that has ended never runs again: another one takes its place.
                store.delete(store.ref_of(now))
                now = None
        if now is None:
            wanted["metadata"] = {k: v for k, v in wanted["metadata"].items() if k not in _SERVERS_OWN}
        store.apply(wanted, manager="kube-controller-manager")


def _plain(obj: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _SERVERS_OWN}
    return {**obj, "metadata": metadata}
