"""The objects of the demo cluster, their versions, and the log of what happened to them.

Only the process itself writes here; the API server on top of it only reads. As in
etcd, one counter versions everything, and any moment since the last compaction can
be read again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from console.demo.api.bell import Bell
from console.demo.api.defaults import fill
from console.demo.api.encoding import Stored
from console.demo.api.kinds import CRD, Kind, Kinds, definition, known_custom
from console.demo.marks import Raw, entry_of, stamp, uid
from console.objects.meta import ObjectRef

#: The version of the first object: an old cluster's numbers, not a new one's.
FIRST_VERSION = 41_200


class Compacted(Exception):
    """The moment asked for is no longer kept. `oldest` is the first version that is."""

    def __init__(self, oldest: int) -> None:
        super().__init__(f"versions before {oldest} are compacted")
        self.oldest = oldest


class Logged(NamedTuple):
    """One change: the object as it is after it (as it was, for DELETED), and as it was before."""

    version: int
    type: str
    obj: Stored
    before: Stored | None


class Store:
    """Kubernetes objects by kind, namespace and name. Thread-safe.

    `objects` are raw dicts (any order; they are not changed), `clock` gives seconds
    since the epoch for timestamps, `log_size` is how many changes are kept before the
    oldest are compacted. Objects keep a ``uid``, ``creationTimestamp`` and
    ``managedFields`` they bring. Raises ValueError on an object without kind or name,
    or of a kind that nobody defined.
    """

    def __init__(
        self, objects: Iterable[Mapping[str, Any]] = (), *, clock: Callable[[], float] = time.time, log_size: int = 4096
    ) -> None:
        self.changed = Bell()
        self._lock = threading.RLock()
        self._clock = clock
        self._kinds = Kinds()
        self._tables: dict[Kind, dict[tuple[str, str], Stored]] = {}
        self._sorted: dict[Kind, tuple[Stored, ...]] = {}
        self._log: list[Logged] = []
        self._log_size = log_size
        self._version = FIRST_VERSION - 1
        self._compacted = self._version  # the log starts right after this version
        for obj in objects:
            self._create(*self._identify(obj), fill(dict(obj)), manager=None)
        self.compact()

    # Reading

    @property
    def version(self) -> int:
        """The version of the latest change: the ``resourceVersion`` of a list made now."""
        with self._lock:
            return self._version

    def kinds(self) -> tuple[Kind, ...]:
        """Every kind served now."""
        with self._lock:
            return self._kinds.all()

    def kind_at(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind served at a path, if there is one."""
        with self._lock:
            return self._kinds.at(group, version, plural)

    def get(self, ref: ObjectRef) -> dict[str, Any]:
        """A fresh copy of an object. KeyError if there is none."""
        with self._lock:
            return self._at(ref).decoded()

    def refs(self, kind: str, namespace: str | None = None) -> tuple[ObjectRef, ...]:
        """The references of all objects of a kind (``Pod``; ``NetworkPolicy.cilium.io`` where words are shared)."""
        with self._lock:
            found = self._kinds.named(kind)
            table = self._tables.get(found, {}) if found else {}
            return tuple(ObjectRef(kind, *key) for key in sorted(table) if namespace in (None, key[0]))

    def ref_of(self, stored: Stored) -> ObjectRef:
        """The reference of an object."""
        with self._lock:
            return ObjectRef(self._kinds.name_of(stored.kind), stored.namespace, stored.name)

    def find(self, kind: Kind, namespace: str, name: str) -> Stored | None:
        """The current version of one object."""
        with self._lock:
            return self._tables.get(kind, {}).get((namespace, name))

    def view(self, kind: Kind, at: int | None = None) -> tuple[tuple[Stored, ...], int]:
        """All objects of a kind in order of namespace and name, and the moment shown: `at`, or now.

        Raises Compacted for a moment that is no longer kept.
        """
        with self._lock:
            if kind not in self._sorted:
                self._sorted[kind] = _in_order(self._tables.get(kind, {}))
            if at is None or at >= self._version:
                return self._sorted[kind], self._version
            later = [entry for entry in self._since(at) if entry.obj.kind == kind]
            if not later:
                return self._sorted[kind], at
            table = dict(self._tables.get(kind, {}))
        for entry in reversed(later):
            key = (entry.obj.namespace, entry.obj.name)
            if entry.before is None:
                del table[key]
            else:
                table[key] = entry.before
        return _in_order(table), at

    def since(self, kind: Kind, version: int) -> tuple[list[Logged], int]:
        """The changes of a kind after a version, and the version that takes the reader to. Raises Compacted."""
        with self._lock:
            return [entry for entry in self._since(version) if entry.obj.kind == kind], self._version

    def _since(self, version: int) -> list[Logged]:
        if version < self._compacted:
            raise Compacted(self._compacted)
        # Every change takes exactly one version, so a version is a place in the log.
        return self._log[version - self._compacted :]

    # Writing

    def apply(self, obj: Mapping[str, Any], *, manager: str = "kubectl-client-side-apply") -> ObjectRef:
        """Create an object, or replace it whole (status too); returns its reference. One that is the same stays.

        The server's own fields are kept or made. `manager` goes into ``managedFields``.
        """
        with self._lock:
            kind, key = self._identify(obj)
            before = self._tables.get(kind, {}).get(key)
            if before is None:
                self._create(kind, key, fill(dict(obj)), manager=manager)
            else:
                self._replace(before, fill(dict(obj)), manager)
            return ObjectRef(self._kinds.name_of(kind), *key)

    def patch_labels(self, ref: ObjectRef, labels: Mapping[str, str | None], *, manager: str = "kubectl-label") -> None:
        """Set labels of an object, as ``kubectl label`` does; None takes one away. KeyError if there is no object."""
        with self._lock:
            obj = self.get(ref)
            merged = {**(obj["metadata"].get("labels") or {}), **labels}
            obj["metadata"]["labels"] = {key: value for key, value in merged.items() if value is not None}
            self.apply(obj, manager=manager)

    def delete(self, ref: ObjectRef) -> None:
        """Delete an object; a Namespace takes what it holds along, a CRD its objects. KeyError if there is none."""
        with self._lock:
            stored = self._at(ref)
            if ref.kind == "Namespace":
                for inner in [obj for table in self._tables.values() for obj in table.values()]:
                    if inner.namespace == ref.name:
                        self._remove(inner)
            self._remove(stored)
            if ref.kind == CRD[1]:
                self._undefine(stored)

    def define(self, kind: Kind) -> None:
        """Serve a custom kind, with a CustomResourceDefinition that says so."""
        with self._lock:
            self._kinds.add(kind)
            self.apply(definition(kind, [each.version for each in self._kinds.versions(kind)]))

    def compact(self) -> None:
        """Forget every past moment: watches and pages that stand before this one get 410."""
        with self._lock:
            self._log.clear()
            self._compacted = self._version
        self.changed.ring()

    def _identify(self, obj: Mapping[str, Any]) -> tuple[Kind, tuple[str, str]]:
        api_version, word = str(obj.get("apiVersion", "")), str(obj.get("kind", ""))
        metadata = obj.get("metadata")
        name = metadata.get("name") if isinstance(metadata, Mapping) else None
        if not name or not isinstance(metadata, Mapping):
            raise ValueError(f"an object of kind {word!r} has no metadata.name")
        kind = self._kinds.of_object(api_version, word)
        if kind is None:
            kind = known_custom(api_version, word)
            if kind is None:
                raise ValueError(f"nothing serves {api_version} {word}; call Store.define first")
            self.define(kind)
        namespace = str(metadata.get("namespace") or "default") if kind.namespaced else ""
        return kind, (namespace, str(name))

    def _at(self, ref: ObjectRef) -> Stored:
        kind = self._kinds.named(ref.kind)
        stored = self._tables.get(kind, {}).get((ref.namespace, ref.name)) if kind else None
        if stored is None:
            raise KeyError(str(ref))
        return stored

    def _create(self, kind: Kind, key: tuple[str, str], obj: dict[str, Any], *, manager: str | None) -> None:
        metadata = {**obj["metadata"]}
        if kind.namespaced:
            metadata["namespace"] = key[0]
        metadata.setdefault("uid", uid(kind.grouped_name, *key, self._version + 1))  # new for one that is made again
        metadata.setdefault("creationTimestamp", stamp(self._clock()))
        if manager is not None:
            metadata["managedFields"] = self._written(metadata, kind, manager, ("f:metadata", "f:spec"))
        self._write("ADDED", kind, key, {**obj, "metadata": metadata}, None)

    def _replace(self, before: Stored, obj: dict[str, Any], manager: str) -> None:
        old = before.decoded()
        kept = {
            field: old["metadata"][field]
            for field in ("namespace", "uid", "creationTimestamp", "resourceVersion", "generation", "managedFields")
            if field in old["metadata"]
        }
        obj = {**obj, "metadata": {**obj["metadata"], **kept}}
        changed = _changed(old, obj)
        if not changed:
            return
        metadata = obj["metadata"]
        if "generation" in kept and old.get("spec") != obj.get("spec"):
            metadata["generation"] = kept["generation"] + 1
        metadata["managedFields"] = self._written(metadata, before.kind, manager, changed)
        self._write("MODIFIED", before.kind, (before.namespace, before.name), obj, before)

    def _remove(self, stored: Stored) -> None:
        self._write("DELETED", stored.kind, (stored.namespace, stored.name), stored.decoded(), stored)

    def _undefine(self, definition: Stored) -> None:
        spec = definition.decoded()["spec"]
        for version in spec["versions"]:
            kind = self._kinds.at(spec["group"], version["name"], spec["names"]["plural"])
            if kind is not None:
                for stored in list(self._tables.get(kind, {}).values()):
                    self._remove(stored)
                self._kinds.remove(kind)
        self.changed.ring()

    def _write(self, type_: str, kind: Kind, key: tuple[str, str], obj: dict[str, Any], before: Stored | None) -> None:
        self._version += 1
        obj["metadata"] = {**obj["metadata"], "resourceVersion": str(self._version)}
        body = {field: value for field, value in obj.items() if field not in ("apiVersion", "kind")}
        stored = Stored(kind, *key, self._version, msgspec.json.encode(body))
        table = self._tables.setdefault(kind, {})
        if type_ == "DELETED":
            del table[key]
        else:
            table[key] = stored
        self._sorted.pop(kind, None)
        self._log.append(Logged(self._version, type_, stored, before))
        if len(self._log) > 2 * self._log_size:  # in bulk, so that the cost is spread
            dropped = len(self._log) - self._log_size
            del self._log[:dropped]
            self._compacted += dropped
        self.changed.ring()

    def _written(self, metadata: Mapping[str, Any], kind: Kind, manager: str, fields: Iterable[str]) -> list[Raw]:
        """The ``managedFields`` of an object once a manager has written some top fields (``f:spec``)."""
        entry = entry_of(manager, kind.api_version, stamp(self._clock()), fields)
        # The API server keeps one entry per manager and subresource; the latest comes last.
        others = [
            held
            for held in metadata.get("managedFields") or ()
            if (held.get("manager"), held.get("subresource")) != (manager, entry.get("subresource"))
        ]
        return [*others, entry]


def _in_order(table: Mapping[tuple[str, str], Stored]) -> tuple[Stored, ...]:
    return tuple(table[key] for key in sorted(table))


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The top fields that differ, as ``managedFields`` names them (``f:spec``); empty where nothing does."""
    return [f"f:{field}" for field in {**old, **new} if old.get(field) != new.get(field)]
