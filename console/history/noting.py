"""From the updates of a source to what is written of them: objects before and after, at moments that never go back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import console
from console.cluster.source import Update
from console.history.deltas import Delta, Facts, Key, Standing, delta, key_of, slim
from console.objects.snapshot import KubeObject, Snapshot

MICRO: Final = 1_000_000
#: A clock that goes back by less than this many seconds is being set; by more, it is another time.
_SET: Final = 1.0
#: The tables of a namespace's contents.
_TABLES: Final = ("pods", "policies", "services", "endpoint_slices", "owners", "foreign")
#: The namespace whose uid tells clusters apart; it is as old as the cluster and never made again.
_SYSTEM: Final = "kube-system"


class Times:
    """Moments in microseconds since the epoch that never go back, whatever the clock does.

    Where the clock goes back by a second or more, times run on ahead of it, by `ahead` seconds.
    """

    def __init__(self, last: int = 0) -> None:
        """`last` is the moment the first one must not come before."""
        self.ahead = 0.0
        self._last = last

    def of(self, at: float) -> int:
        """The moment of a time.time() value."""
        moment = round((at + self.ahead) * MICRO)
        if moment <= self._last - round(_SET * MICRO):
            self.ahead += (self._last - moment) / MICRO
            moment = self._last
        self._last = max(self._last, moment)
        return self._last


class Notes:
    """What a recording holds of its source so far."""

    def __init__(self, source: str, times: Times, *, annotations: bool = False) -> None:
        """`source` is what the source is called; `annotations` of policies are kept where that is asked for."""
        self.held: dict[Key, KubeObject] = {}
        self.standing = Standing()
        self._source = source
        self._times = times
        self._annotations = annotations
        self._seen = Snapshot()
        self._server = ""

    @property
    def facts(self) -> Facts:
        """Where the recording is from."""
        cluster = self._seen.namespace(_SYSTEM).uid
        return Facts(self._source, cluster, self._server, console.__version__, self._annotations)

    def begin(self, update: Update) -> None:
        """Take an update as the state to begin with."""
        for obj in update.snapshot.objects():
            self.held[key_of(obj)] = slim(obj, annotations=self._annotations)
        self._seen, self._server, self.standing = update.snapshot, update.server, standing_of(update)

    def take(self, update: Update, now: float) -> list[Delta]:
        """What an update changed, in order; the `at` of each is the moment itself."""
        found = []
        for change in update.changes:
            obj = change.after or change.before
            if obj is not None:  # else it is found by what the snapshot holds
                found.append(self._put(key_of(obj), change.after, change.at))
        for key, after in _differing(self._seen, update.snapshot):
            found.append(self._put(key, after, now))
        self._seen, self._server = update.snapshot, update.server
        return [each for each in found if each is not None]

    def _put(self, key: Key, after: KubeObject | None, at: float) -> Delta | None:
        before = self.held.get(key)
        if after is None:
            return Delta(self._times.of(at), *key) if self.held.pop(key, None) is not None else None
        if after is before:
            return None
        after = slim(after, annotations=self._annotations)
        self.held[key] = after
        found = delta(before, after, 0)
        return None if found is None else Delta(self._times.of(at), *key, found.fields, found.splices)


def standing_of(update: Update) -> Standing:
    """How the source stood at an update."""
    status, snapshot = update.status, update.snapshot
    known = all(held.namespace.labels_known for held in snapshot.contents.values())
    return Standing(snapshot.coverage, known, status.state.value, status.message, status.hint)


def _differing(old: Snapshot, new: Snapshot) -> Iterator[tuple[Key, KubeObject | None]]:
    """The objects that are not the very same in two snapshots, with what the new one has; None for what it has not."""
    for name in {**old.contents, **new.contents}:
        was, now = old.contents.get(name), new.contents.get(name)
        if was is now:
            continue
        before, after = (
            {name: each.namespace} if each is not None and each.namespace.declared else {} for each in (was, now)
        )
        yield from _of_table(before, after)
        for table in _TABLES:
            yield from _of_table(getattr(was, table, {}), getattr(now, table, {}))
    for table in ("nodes", "tiered", "foreign"):
        yield from _of_table(getattr(old, table), getattr(new, table))


def _of_table(old: Mapping[Any, KubeObject], new: Mapping[Any, KubeObject]) -> Iterator[tuple[Key, KubeObject | None]]:
    for name, obj in new.items():
        if old.get(name) is not obj:
            yield key_of(obj), obj
    for name, obj in old.items():
        if name not in new:
            yield key_of(obj), None
