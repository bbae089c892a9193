"""Snapshots that change, as a source hands them on, without a source."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from console.cluster.facts import change
from console.cluster.source import Change, State, Status, Update
from console.history.recorder import Recorder
from console.history.writer import Bounds, Writer
from console.objects.core import Endpoint, EndpointSlice, Namespace, Pod
from console.objects.coverage import Coverage
from console.objects.meta import Manager
from console.objects.snapshot import KubeObject, Snapshot, SnapshotBuilder

#: When everything here begins, in seconds since the epoch.
BEGIN = 1_800_000_000.0


def pod(name: str, namespace: str = "shop", ip: str = "10.0.0.1", **labels: str) -> Pod:
    return Pod(namespace, name, labels, ips=(ip,), phase="Running", ready=True, uid=f"uid-{name}", resource_version="1")


def slice_of(count: int, ready: int) -> EndpointSlice:
    endpoints = tuple(Endpoint((f"10.0.0.{number}",), f"p{number}", number < ready) for number in range(count))
    return EndpointSlice("shop", "web", "web", endpoints=endpoints)


class Changing:
    """A cluster that is changed by hand; `update` is what its source would hand on."""

    def __init__(self, *objects: KubeObject) -> None:
        self._builder = SnapshotBuilder()
        for obj in (Namespace("shop", {"team": "x"}), Namespace("kube-system", {}, uid="the-cluster"), *objects):
            self._builder.put(obj)
        self._changes: list[Change] = []
        self.coverage = Coverage()
        self.state = State.LIVE
        self.snapshot = self._builder.build()
        self.version = 1

    def put(self, obj: KubeObject, at: float, *, told: bool = True) -> None:
        self.version += 1
        obj = msgspec.structs.replace(obj, resource_version=str(self.version), manager=Manager("kubectl", "Update"))
        before = self._builder.put(obj)
        if told:
            self._changes.append(change(before, obj, at))

    def drop(self, obj: KubeObject, at: float, *, told: bool = True) -> None:
        before = self._builder.drop(obj.ref, type(obj))
        if told:
            self._changes.append(change(before, None, at))

    def update(self) -> Update:
        self.snapshot = self._builder.build(self.coverage)
        changes, self._changes = tuple(self._changes), []
        return Update(self.snapshot, Status(self.state, BEGIN), changes)


class Rig:
    """A recorder without its thread: `tick` is what it does once a second."""

    def __init__(self, path: Path, cluster: Changing, bounds: Bounds | None = None) -> None:
        self.path = path
        self.cluster = cluster
        self.said: list[str] = []
        self.writer = Writer(path, bounds)
        self.recorder = Recorder(self.writer, "prod", say=self.said.append)

    def tick(self, at: float) -> None:
        self.recorder.record(self.cluster.update(), at)
        self.recorder.write(at)

    def end(self, at: float) -> None:
        self.recorder.write(at, ended=True)
        self.writer.close()


def contents(snapshot: Snapshot) -> dict[object, KubeObject]:
    """Every object, for comparing, without what is written only along with a change."""
    return {
        (type(obj), obj.ref): msgspec.structs.replace(obj, resource_version="", manager=None)
        for obj in snapshot.objects()
    }


def seconds(changes: Iterable[Change]) -> list[float]:
    return [each.at for each in changes]
