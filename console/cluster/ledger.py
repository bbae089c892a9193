"""What all watchers together have read: the objects, what is missing, what changed, and how fresh it is.

No I/O and no threads: news go in, an Update comes out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from console.cluster.facts import change
from console.cluster.failures import Failure
from console.cluster.reflector import same
from console.cluster.source import Change, State, Status, Update
from console.cluster.standing import Followed, gaps, state, tells
from console.cluster.steps import (
    Absent,
    Behind,
    Changed,
    Diagnosed,
    Filled,
    Following,
    Key,
    Listed,
    News,
    Polled,
    Unreadable,
)
from console.objects.core import Namespace
from console.objects.coverage import Coverage
from console.objects.diagnostics import Diagnostic
from console.objects.meta import ObjectRef
from console.objects.snapshot import KubeObject, SnapshotBuilder

_MAX_DIAGNOSTICS: Final = 200


@dataclass(slots=True)
class Ledger:
    """Collects news by the Key they come under. One thread owns it."""

    _builder: SnapshotBuilder = field(default_factory=SnapshotBuilder)
    _followed: dict[Key, Followed] = field(default_factory=dict)
    _changes: list[Change] = field(default_factory=list)
    _status: Status = field(default_factory=lambda: Status(State.CONNECTING, 0.0))
    _coverage: Coverage = field(default_factory=Coverage)
    #: Why the cluster cannot be asked at all (no credentials, no kubeconfig); None while it can.
    fatal: Failure | None = None
    #: Whether the kinds of policy that this cluster has are known; a Failure where they may not be asked for.
    kinds: Failure | bool = False
    #: The API server's version, once it is known.
    server: str = ""
    #: Whether readable namespaces are being looked for.
    searching: bool = False
    #: How many objects first lists have brought.
    filled: int = 0
    _version: int = 0
    _lived: bool = False

    def __post_init__(self) -> None:
        self._builder.namespace_labels_known(False)

    # -- what is followed

    def expect(self, key: Key) -> None:
        """A collection is about to be followed (or anew, from the start)."""
        self._followed[key] = Followed()
        self._version += 1

    def forget(self, key: Key) -> None:
        """A collection is followed no more; its objects stay until another reader of them knows better."""
        self._followed.pop(key, None)
        self._version += 1

    def drop(self, key: Key, at: float) -> None:
        """A collection and its objects are gone from the cluster."""
        self.forget(key)
        for ref in [ref for ref in self._builder.refs(key.resource.as_class) if _within(ref, key)]:
            gone = self._builder.drop(ref, key.resource.as_class)
            if gone is not None:
                self._changes.append(change(gone, None, at))

    def refused(self, key: Key) -> bool:
        """Whether a collection may not be read (its reading may also fail for other reasons)."""
        held = self._followed.get(key)
        return held is not None and held.refused is not None and held.refused.code == 403

    def listed(self, key: Key) -> bool:
        """Whether a collection was read whole."""
        held = self._followed.get(key)
        return held is not None and held.listed

    def settled(self, key: Key) -> bool:
        """Whether a collection was read whole, or refused."""
        held = self._followed.get(key)
        return held is not None and held.settled

    def behind(self, key: Key) -> Failure | None:
        """Why the server gives no useful answer about a collection; None where it does."""
        held = self._followed.get(key)
        return held.behind if held else None

    def namespaces(self) -> tuple[str, ...]:
        """The names of the Namespaces that could be read."""
        return tuple(sorted(self._namespaces()))

    # -- news

    def take(self, key: Key, news: list[News], at: float) -> None:
        """Note news of a collection; those of one that is not followed (any more) are let go."""
        held = self._followed.get(key)
        if held is None:
            return
        for each in news:
            if tells(each, held):
                self._version += 1
            match each:
                case Filled(objects, count):
                    self._fill(held, key, objects, count)
                case Changed():
                    self._change(held, key, each, at)
                case Listed(count, gaps, diagnostics):
                    self._listed(held, key, count)
                    held.gaps, held.diagnostics, held.garbled = gaps, diagnostics, None
                case Following():
                    held.behind = held.polled = None
                case Behind(failure):
                    held.behind = failure
                case Unreadable(failure):
                    held.settled, held.refused, held.behind, held.gaps = True, failure, None, ()
                    held.begun = False
                case Polled(failure):
                    held.behind, held.polled = None, failure
                case Diagnosed(diagnostic):
                    held.garbled = diagnostic
                case Absent():
                    self.drop(key, at)

    def _fill(self, held: Followed, key: Key, objects: list[KubeObject], count: int) -> None:
        if not held.begun:
            held.begun = True
            held.inherited = {ref for ref in self._builder.refs(key.resource.as_class) if _within(ref, key)}
        held.count = count
        self.filled += len(objects)
        for obj in objects:
            self._builder.put(obj)
        if held.inherited:
            held.inherited.difference_update(obj.ref for obj in objects)

    def _listed(self, held: Followed, key: Key, count: int) -> None:
        held.count, held.settled, held.behind, held.refused = count, True, None, None
        for ref in held.inherited:
            self._builder.drop(ref, key.resource.as_class)
        held.inherited.clear()
        if key.resource.plural == "namespaces" and not key.names:
            self._builder.namespace_labels_known(True)

    def _change(self, held: Followed, key: Key, changed: Changed, at: float) -> None:
        if changed.after is not None:
            before = self._builder.put(changed.after)
            # Another reader may have told of it already.
            told = not changed.first and not same(before, changed.after)
            held.inherited.discard(changed.after.ref)
            before = before if before is None or before.uid == changed.after.uid else None
        else:
            assert changed.before is not None
            before = self._builder.drop(changed.before.ref, key.resource.as_class)
            told = not changed.first and before is not None
        if told:
            self._changes.append(change(before, changed.after, at))
        if held.gaps:
            subject = changed.after or changed.before
            held.gaps = tuple(gap for gap in held.gaps if subject is None or gap.ref != subject.ref)

    # -- what comes out

    @property
    def mark(self) -> object:
        """Differs from an earlier mark where an update would."""
        return self._version, self.kinds, self.searching, self.fatal

    @property
    def milestones(self) -> int:
        """Grows by each first step that is worth an update at once."""
        return sum(held.settled for held in self._followed.values()) + bool(self.kinds) + (not self.searching)

    @property
    def whole(self) -> bool:
        """Whether everything that may be read was read once."""
        return bool(self.kinds) and not self.searching and all(held.settled for held in self._followed.values())

    def update(self, at: float) -> Update:
        """The snapshot, status and changes as of now; the changes are handed on once."""
        namespaces = [held for key, held in self._followed.items() if key.resource.plural == "namespaces"]
        if any(held.refused for held in namespaces):
            self._builder.namespace_labels_known(False)
        missing = tuple(gaps(self._followed, self.kinds, self._namespaces))
        if missing != self._coverage.gaps:
            self._coverage = Coverage(missing)
        changes, self._changes = tuple(self._changes), []
        self._status = self._stand(at)
        return Update(
            self._builder.build(self._coverage), self._status, changes, tuple(self._diagnostics()), self.server
        )

    def _stand(self, at: float) -> Status:
        found, failure, resources = state(self._followed, whole=self.whole or self._lived)
        if self.fatal is not None:
            found, failure = State.FAILED, self.fatal
        # Once everything was read, a new CRD or a search for more rights does not mean loading again.
        self._lived = self._lived or found is State.LIVE
        since = self._status.since if self._status.state is found else at
        loaded = self._loaded() if found is State.LOADING else {}
        message, hint = (failure.message, failure.hint) if failure else ("", "")
        return Status(found, since, message, hint, loaded, resources)

    def _loaded(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for key, held in self._followed.items():
            counts[key.resource.full_name] = counts.get(key.resource.full_name, 0) + held.count
        return counts

    def _namespaces(self) -> Iterator[str]:
        return (ref.name for ref in self._builder.refs(Namespace))

    def _diagnostics(self) -> Iterator[Diagnostic]:
        left = _MAX_DIAGNOSTICS
        for held in self._followed.values():
            found = (*held.diagnostics, *([held.garbled] if held.garbled else []))[:left]
            left -= len(found)
            yield from found


def _within(ref: ObjectRef, key: Key) -> bool:
    """Whether an object (of the right class) belongs to a collection; several kinds share a class."""
    if ref.kind != key.resource.kind:
        return False
    return (key.namespace in (None, ref.namespace)) and (not key.names or ref.name in key.names)
