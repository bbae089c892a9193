"""What is written of an object and of a change: its fields that differ, and nothing that decides no verdict.

An object as the console keeps it has no secrets, environment or commands to begin with.
Of a policy's own text, which the YAML view shows, annotations are left out too (they may
hold anything) unless asked for, and what the API server notes for itself. A change of
these alone, or of a pod's status in what the console does not keep, is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import msgspec

from console.objects.core import EndpointSlice, ForeignPolicy, Namespace, Node, Owner, Pod, Service
from console.objects.coverage import Coverage
from console.objects.meta import ObjectRef, SourceText
from console.objects.netpol import NetworkPolicy
from console.objects.snapshot import KubeObject
from console.objects.tiered import TieredPolicy

#: The classes of objects, by the name a recording has for each.
CLASSES: Final[Mapping[str, type[KubeObject]]] = {
    each.__name__: each
    for each in (Namespace, Node, Owner, Pod, Service, EndpointSlice, NetworkPolicy, TieredPolicy, ForeignPolicy)
}
#: Written along with what differs, and no difference by themselves.
_ASIDE: Final = ("resource_version", "manager")
#: Fields that the reference of an object says already.
_NAMING: Final = ("kind", "namespace", "name")
#: What of a policy's text is not kept: who manages which field, and versions that grow with each status update.
_NOT_KEPT: Final = ("managedFields", "resourceVersion", "generation", "selfLink")
#: From so many items on, a list is written as what was cut from it and put into it.
_LONG: Final = 4

Key = tuple[str, ObjectRef]


class Splice(msgspec.Struct, array_like=True, frozen=True):
    """What became of a list: from item `start` on, `removed` items gave way to `items`."""

    start: int
    removed: int
    items: tuple[Any, ...]


class Delta(msgspec.Struct, array_like=True, frozen=True):
    """What became of one object, `at` microseconds before its frame's time.

    `fields` None: it is gone. Where it was not there before, the fields that are not
    given have their defaults. `splices` are the fields that are long lists.
    """

    at: int
    kind: str
    ref: ObjectRef
    fields: dict[str, Any] | None = None
    splices: dict[str, Splice] = {}

    @property
    def key(self) -> Key:
        """Which object."""
        return self.kind, self.ref


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the source stood: what of it could not be read, and how fresh it was (names of `source.State`)."""

    coverage: Coverage = Coverage()
    labels_known: bool = True
    state: str = "live"
    message: str = ""
    hint: str = ""


class Facts(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a recording is from.

    `source` is the context's name, `cluster` the uid of the namespace kube-system, by which
    clusters are told apart, `server` the API server's version, `console` the version that wrote it.
    """

    source: str = ""
    cluster: str = ""
    server: str = ""
    console: str = ""
    annotations: bool = False


class Batch(msgspec.Struct, frozen=True, omit_defaults=True):
    """The payload of a frame of deltas, in order. `standing` is how the source stood after them, where that changed.

    `ended`: the recording was ended here, and not cut off. `ahead` is by how many seconds
    the times from here on are ahead of the clock, which went back, where that changed.
    """

    deltas: tuple[Delta, ...] = ()
    standing: Standing | None = None
    ended: bool = False
    ahead: float | None = None


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """The payload of a keyframe: everything. `ahead` is as in a Batch."""

    facts: Facts
    standing: Standing
    ahead: float = 0.0
    namespaces: list[Namespace] = []
    nodes: list[Node] = []
    owners: list[Owner] = []
    pods: list[Pod] = []
    services: list[Service] = []
    endpoint_slices: list[EndpointSlice] = []
    policies: list[NetworkPolicy] = []
    tiered: list[TieredPolicy] = []
    foreign: list[ForeignPolicy] = []

    def objects(self) -> list[KubeObject]:
        """Every object."""
        return [
            *self.namespaces,
            *self.nodes,
            *self.owners,
            *self.pods,
            *self.services,
            *self.endpoint_slices,
            *self.policies,
            *self.tiered,
            *self.foreign,
        ]


class _Head(msgspec.Struct, frozen=True):
    """Of a State, where it is from."""

    facts: Facts


#: Where a State has the objects of each class.
_TABLES: Final[Mapping[type, str]] = {
    Namespace: "namespaces",
    Node: "nodes",
    Owner: "owners",
    Pod: "pods",
    Service: "services",
    EndpointSlice: "endpoint_slices",
    NetworkPolicy: "policies",
    TieredPolicy: "tiered",
    ForeignPolicy: "foreign",
}
_ENCODER: Final = msgspec.msgpack.Encoder()
# Made here, not where they are used: see objects/shapes.py.
_STATES: Final = msgspec.msgpack.Decoder(State)
_HEADS: Final = msgspec.msgpack.Decoder(_Head)
_BATCHES: Final = msgspec.msgpack.Decoder(Batch)


def key_of(obj: KubeObject) -> Key:
    """Which object it is. Two classes may share a kind, as where a CRD's version is not evaluated."""
    return type(obj).__name__, obj.ref


def state_of(objects: Mapping[Key, KubeObject], facts: Facts, standing: Standing, ahead: float = 0.0) -> State:
    """The keyframe of these objects."""
    tables: dict[str, list[KubeObject]] = {name: [] for name in _TABLES.values()}
    for obj in objects.values():
        tables[_TABLES[type(obj)]].append(obj)
    return State(facts, standing, ahead, **tables)  # type: ignore[arg-type]


def encode(value: State | Batch) -> bytes:
    """The bytes of a payload."""
    return _ENCODER.encode(value)


def decode_state(payload: bytes) -> State:
    """The keyframe in a payload. Raises one of shapes.NO_JSON if it holds none."""
    return _STATES.decode(payload)


def decode_facts(payload: bytes) -> Facts:
    """Where the keyframe in a payload is from. Raises one of shapes.NO_JSON if it holds none."""
    return _HEADS.decode(payload).facts


def decode_batch(payload: bytes) -> Batch:
    """The deltas in a payload. Raises one of shapes.NO_JSON if it holds none."""
    return _BATCHES.decode(payload)


def slim(obj: KubeObject, *, annotations: bool = False) -> KubeObject:
    """The object as it is kept: of a policy's own text only what a reader of its YAML looks for."""
    if not isinstance(obj, NetworkPolicy | TieredPolicy | ForeignPolicy) or obj.text is None:
        return obj
    value = msgspec.json.decode(obj.text.json) if obj.text.json is not None else None
    if not isinstance(value, dict):
        return msgspec.structs.replace(obj, text=None)
    value.pop("status", None)
    meta = value.get("metadata")
    if isinstance(meta, dict):
        dropped = _NOT_KEPT if annotations else (*_NOT_KEPT, "annotations")
        value["metadata"] = {name: each for name, each in meta.items() if name not in dropped}
    return msgspec.structs.replace(obj, text=SourceText(json=msgspec.json.encode(value)))


def delta(before: KubeObject | None, after: KubeObject, at: int) -> Delta | None:
    """What became of an object, both states of it slim; None where nothing did that is written."""
    fields: dict[str, Any] = {}
    splices: dict[str, Splice] = {}
    defaults = _defaults(type(after))
    for field in after.__struct_fields__:
        now = getattr(after, field)
        was = defaults.get(field, msgspec.NODEFAULT) if before is None else getattr(before, field)
        if now is was or now == was or field in _NAMING:
            continue
        if isinstance(was, tuple) and isinstance(now, tuple) and len(was) >= _LONG:
            splices[field] = _splice(was, now)
        else:
            fields[field] = now
    if before is not None and not splices and all(field in _ASIDE for field in fields):
        return None
    return Delta(at, type(after).__name__, after.ref, fields, splices)


def applied(change: Delta, before: KubeObject | None) -> KubeObject | None:
    """The object after a delta; None where it is gone.

    Raises ValueError, AttributeError or TypeError where the delta is not one of `before`.
    """
    if change.fields is None:
        return None
    kind = CLASSES.get(change.kind)
    if kind is None:
        raise ValueError(f"it holds objects of a class that this version does not know: {change.kind}")
    types = _types(kind)
    values = {field: msgspec.convert(value, types[field]) for field, value in change.fields.items() if field in types}
    for field, splice in change.splices.items():
        held: tuple[Any, ...] = getattr(before, field)
        items = msgspec.convert(splice.items, types[field])
        values[field] = (*held[: splice.start], *items, *held[splice.start + splice.removed :])
    if before is not None:
        return msgspec.structs.replace(before, **values)
    values |= {field: value for field, value in zip(_NAMING, change.ref, strict=True) if field in types}
    return kind(**values)


def _splice(was: tuple[Any, ...], now: tuple[Any, ...]) -> Splice:
    shorter = min(len(was), len(now))
    start = next((place for place in range(shorter) if was[place] != now[place]), shorter)
    left = shorter - start
    tail = next((place for place in range(left) if was[-1 - place] != now[-1 - place]), left)
    return Splice(start, len(was) - start - tail, now[start : len(now) - tail])


@cache
def _types(kind: type[KubeObject]) -> Mapping[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(kind)}


@cache
def _defaults(kind: type[KubeObject]) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        if field.default is not msgspec.NODEFAULT:
            found[field.name] = field.default
        elif field.default_factory is not msgspec.NODEFAULT:
            found[field.name] = field.default_factory()
    return found
