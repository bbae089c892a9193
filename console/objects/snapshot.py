"""A cluster at one moment, immutable, and the builder that makes the next one from it cheaply."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from console.objects.core import METADATA_NAME, EndpointSlice, ForeignPolicy, Namespace, Node, Owner, Pod, Service
from console.objects.coverage import Coverage
from console.objects.meta import ObjectRef
from console.objects.netpol import NetworkPolicy
from console.objects.tiered import TieredPolicy
from console.objects.workloads import Workload, group, owner_of

#: Every object a snapshot holds.
KubeObject = Namespace | Pod | NetworkPolicy | TieredPolicy | Service | EndpointSlice | Node | Owner | ForeignPolicy

#: Kinds that share the owners' table of a namespace.
OWNER_KINDS: Final = ("ReplicaSet", "Job")


@dataclass(frozen=True)
class Contents:
    """All that one namespace holds. Two snapshots share the Contents of a namespace nothing changed in."""

    namespace: Namespace
    pods: Mapping[str, Pod] = field(default_factory=dict)
    policies: Mapping[str, NetworkPolicy] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    endpoint_slices: Mapping[str, EndpointSlice] = field(default_factory=dict)
    owners: Mapping[tuple[str, str], Owner] = field(default_factory=dict)
    foreign: Mapping[tuple[str, str], ForeignPolicy] = field(default_factory=dict)

    @cached_property
    def workloads(self) -> tuple[Workload, ...]:
        """The workloads of the namespace, in order of name, then kind."""
        return group(self.pods.values(), self.owners)

    @cached_property
    def node_agents(self) -> tuple[Pod, ...]:
        """Pods of DaemonSets on their node's network (not finished), as network plugins run them."""
        return tuple(
            pod
            for pod in self.pods.values()
            if pod.host_network and pod.owner is not None and pod.owner.kind == "DaemonSet" and not pod.finished
        )

    @cached_property
    def pods_by_ip(self) -> Mapping[str, Pod]:
        """Pods by each address they hold for themselves (not finished, not on their node's network)."""
        return {ip: pod for pod in self.pods.values() if not pod.finished and not pod.host_network for ip in pod.ips}

    @cached_property
    def nodes_by_ip(self) -> Mapping[str, str]:
        """Names of nodes by address, as the pods' host addresses tell of them."""
        return {ip: pod.node for pod in self.pods.values() if pod.node for ip in pod.host_ips}

    def workload_of(self, pod: Pod) -> ObjectRef:
        """The workload a pod of this namespace belongs to (the pod itself where nothing owns it)."""
        return owner_of(pod, self.owners)


@dataclass(frozen=True)
class Snapshot:
    """The objects of a cluster at one moment, and what of it could not be read (`coverage`).

    `revision` grows by one with each snapshot a builder makes. `contents` is in order
    of namespace name.
    """

    contents: Mapping[str, Contents] = field(default_factory=dict)
    nodes: Mapping[str, Node] = field(default_factory=dict)
    tiered: Mapping[tuple[str, str], TieredPolicy] = field(default_factory=dict)
    foreign: Mapping[tuple[str, str], ForeignPolicy] = field(default_factory=dict)
    coverage: Coverage = field(default_factory=Coverage)
    revision: int = 0

    def objects(self) -> Iterator[KubeObject]:
        """Every object, as a builder takes it; namespaces that are only in use are none."""
        yield from self.nodes.values()
        yield from self.tiered.values()
        yield from self.foreign.values()
        for held in self.contents.values():
            if held.namespace.declared:
                yield held.namespace
            for table in _TABLES.values():
                yield from getattr(held, table).values()

    def namespace(self, name: str) -> Namespace:
        """The Namespace, or for one that is only used, what is sure of it: its name label."""
        held = self.contents.get(name)
        return held.namespace if held else implied_namespace(name)

    def pod(self, namespace: str, name: str) -> Pod | None:
        """The pod of that name, if there is one."""
        held = self.contents.get(namespace)
        return held.pods.get(name) if held else None

    def pods(self) -> Iterator[Pod]:
        """Every pod."""
        for held in self.contents.values():
            yield from held.pods.values()

    def policies(self) -> Iterator[NetworkPolicy]:
        """Every NetworkPolicy."""
        for held in self.contents.values():
            yield from held.policies.values()

    def policy(self, ref: ObjectRef) -> NetworkPolicy | TieredPolicy | ForeignPolicy | None:
        """The policy of any kind that a reference names, if it is there."""
        if not ref.namespace:
            return self.tiered.get((ref.kind, ref.name)) or self.foreign.get((ref.kind, ref.name))
        held = self.contents.get(ref.namespace)
        if held is None:
            return None
        return held.policies.get(ref.name) if ref.kind == "NetworkPolicy" else held.foreign.get((ref.kind, ref.name))

    def services(self) -> Iterator[Service]:
        """Every Service."""
        for held in self.contents.values():
            yield from held.services.values()

    def workloads(self) -> Iterator[Workload]:
        """Every workload, namespace by namespace."""
        for held in self.contents.values():
            yield from held.workloads

    def foreign_policies(self) -> Iterator[ForeignPolicy]:
        """Every policy of a kind that is not evaluated, cluster-scoped ones first."""
        yield from self.foreign.values()
        for held in self.contents.values():
            yield from held.foreign.values()

    @cached_property
    def pods_by_ip(self) -> Mapping[str, Pod]:
        """Pods by each address they hold for themselves (not finished, not on their node's network)."""
        found: dict[str, Pod] = {}
        for held in self.contents.values():
            found.update(held.pods_by_ip)
        return found

    @cached_property
    def services_by_ip(self) -> Mapping[str, Service]:
        """Services by cluster address."""
        return {ip: service for service in self.services() for ip in service.cluster_ips if ip != "None"}

    @cached_property
    def nodes_by_ip(self) -> Mapping[str, str]:
        """Names of nodes by address; pods' host addresses tell of nodes that could not be read."""
        found: dict[str, str] = {}
        for held in self.contents.values():
            found.update(held.nodes_by_ip)
        found.update({ip: node.name for node in self.nodes.values() for ip in node.addresses})
        return found


def implied_namespace(name: str, *, labels_known: bool = True) -> Namespace:
    """A namespace that is in use without an object of its own: only its name label is sure."""
    return Namespace(name=name, labels={METADATA_NAME: name}, declared=False, labels_known=labels_known)


class SnapshotBuilder:
    """Collects objects and makes snapshots; each shares with the last whatever did not change.

    Not thread-safe: one thread owns a builder.
    """

    def __init__(self, start: Snapshot | None = None) -> None:
        """`start` is a snapshot to go on from."""
        start = start or Snapshot()
        self._tables: dict[str, dict[str, dict[object, KubeObject]]] = {
            name: {table: dict(getattr(held, table)) for table in _TABLES.values()}
            for name, held in start.contents.items()
        }
        self._declared = {name: held.namespace for name, held in start.contents.items() if held.namespace.declared}
        self._nodes = dict(start.nodes)
        self._tiered = dict(start.tiered)
        self._foreign = dict(start.foreign)
        self._dirty: set[str] = set()
        #: Which of the tables without namespaces changed.
        self._changed: set[type] = set()
        self._made = start
        self._labels_known = True

    def put(self, obj: KubeObject) -> KubeObject | None:
        """Add or replace an object; returns the one it replaced."""
        if isinstance(obj, Namespace):
            self._dirty.add(obj.name)
            before: KubeObject | None = self._declared.get(obj.name)
            self._declared[obj.name] = obj
            return before
        if isinstance(obj, Node):
            before = self._nodes.get(obj.name)
            self._nodes[obj.name] = obj
            self._changed.add(Node)
            return before
        if isinstance(obj, TieredPolicy):
            before = self._tiered.get((obj.kind, obj.name))
            self._tiered[obj.kind, obj.name] = obj
            self._changed.add(TieredPolicy)
            return before
        if isinstance(obj, ForeignPolicy) and not obj.namespace:
            before = self._foreign.get((obj.kind, obj.name))
            self._foreign[obj.kind, obj.name] = obj
            self._changed.add(ForeignPolicy)
            return before
        table = _TABLES[type(obj)]
        key = (obj.kind, obj.name) if isinstance(obj, Owner | ForeignPolicy) else obj.name
        held = self._tables.setdefault(obj.namespace, {}).setdefault(table, {})
        before = held.get(key)
        held[key] = obj
        self._dirty.add(obj.namespace)
        return before

    def drop(self, ref: ObjectRef, kind: type[KubeObject]) -> KubeObject | None:
        """Remove the object `ref` names (of class `kind`); returns it, or None if it was not there."""
        if kind is Namespace:
            self._dirty.add(ref.name)
            return self._declared.pop(ref.name, None)
        if kind in (Node, TieredPolicy) or (kind is ForeignPolicy and not ref.namespace):
            self._changed.add(kind)
        if kind is Node:
            return self._nodes.pop(ref.name, None)
        if kind is TieredPolicy:
            return self._tiered.pop((ref.kind, ref.name), None)
        if kind is ForeignPolicy and not ref.namespace:
            return self._foreign.pop((ref.kind, ref.name), None)
        table = _TABLES[kind]
        key = (ref.kind, ref.name) if kind in (Owner, ForeignPolicy) else ref.name
        self._dirty.add(ref.namespace)
        return self._tables.get(ref.namespace, {}).get(table, {}).pop(key, None)

    def refs(self, kind: type[KubeObject]) -> Iterator[ObjectRef]:
        """The references of all objects of a class."""
        if kind is Namespace:
            yield from [obj.ref for obj in self._declared.values()]
        elif kind is Node:
            yield from [obj.ref for obj in self._nodes.values()]
        elif kind is TieredPolicy:
            yield from [obj.ref for obj in self._tiered.values()]
        else:
            if kind is ForeignPolicy:
                yield from [obj.ref for obj in self._foreign.values()]
            for tables in list(self._tables.values()):
                yield from [obj.ref for obj in tables.get(_TABLES[kind], {}).values()]

    def namespace_labels_known(self, known: bool) -> None:
        """Say whether Namespaces can be read; where not, undeclared ones have labels nobody knows."""
        if known != self._labels_known:
            self._labels_known = known
            self._dirty.update(self._tables)

    def build(self, coverage: Coverage | None = None) -> Snapshot:
        """The snapshot as of now; only namespaces that changed since the last one are made anew."""
        contents = dict(self._made.contents)
        for name in self._dirty:
            tables = {table: held for table, held in self._tables.get(name, {}).items() if held}
            declared = self._declared.get(name)
            if declared is None and not tables:
                contents.pop(name, None)
                continue
            namespace = declared or implied_namespace(name, labels_known=self._labels_known)
            copies: dict[str, dict[object, KubeObject]] = {table: dict(held) for table, held in tables.items()}
            contents[name] = Contents(namespace, **copies)  # type: ignore[arg-type]
        if self._dirty - self._made.contents.keys():
            contents = dict(sorted(contents.items()))
        self._dirty.clear()
        changed, self._changed = self._changed, set()
        self._made = Snapshot(
            contents=contents,
            nodes=dict(self._nodes) if Node in changed else self._made.nodes,
            tiered=dict(self._tiered) if TieredPolicy in changed else self._made.tiered,
            foreign=dict(self._foreign) if ForeignPolicy in changed else self._made.foreign,
            coverage=self._made.coverage if coverage is None else coverage,
            revision=self._made.revision + 1,
        )
        return self._made


_TABLES: Final[Mapping[type, str]] = {
    Pod: "pods",
    NetworkPolicy: "policies",
    Service: "services",
    EndpointSlice: "endpoint_slices",
    Owner: "owners",
    ForeignPolicy: "foreign",
}


def build(objects: Iterable[KubeObject], coverage: Coverage | None = None) -> Snapshot:
    """A snapshot of the given objects."""
    builder = SnapshotBuilder()
    for obj in objects:
        builder.put(obj)
    return builder.build(coverage)
