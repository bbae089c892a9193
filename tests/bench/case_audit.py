"""Holding a cluster to the default charter, in this process: the first audit, then one after each kind of change."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import partial
from typing import Final

from msgspec.structs import replace

from console.governance.audit import Auditor
from console.governance.charter_default import default_charter
from console.governance.hygiene import Hygiene
from console.objects.core import Pod
from console.objects.decode import decode
from console.objects.snapshot import Snapshot, SnapshotBuilder, build
from console.policy.engine import Engine
from console.policy.reach import Reachability

from .clusters import Cluster, generate
from .figures import Figure
from .setting import Setting

_TODAY: Final = date(2026, 11, 23)
#: Namespaces, workloads in each, pods of each, policies in each namespace.
_SMALLER: Final = {"S": (10, 5, 4, 5), "M": (50, 8, 5, 10)}
#: How many changes of a kind are followed.
_CHANGES: Final = 10


def audit(setting: Setting) -> Iterator[Figure]:
    """The default charter on small, middling and large clusters."""
    clusters = {
        size: generate(spaces, workloads=workloads, replicas=replicas, policies=policies)
        for size, (spaces, workloads, replicas, policies) in _SMALLER.items()
    }
    for size, cluster in {**clusters, "L": setting.cluster}.items():
        snapshot = build(obj for raw in cluster.objects if (obj := decode(raw)) is not None)
        gc.collect()
        gc.freeze()
        gc.disable()  # a collection in the middle would be a figure of the collector's
        try:
            yield from _audit(size, cluster, snapshot, setting.runs)
        finally:
            gc.enable()
            gc.unfreeze()


def _audit(size: str, cluster: Cluster, snapshot: Snapshot, runs: int) -> Iterator[Figure]:
    how = f"in process, CPU; {cluster}"
    first = [_took(lambda: Auditor(default_charter(), today=_TODAY).audit(Engine(snapshot))) for _ in range(runs)]
    yield Figure("audit", f"{size}: first audit", "ms", tuple(first), f"{how}; engine and all pairs, too")

    reach = Reachability(Engine(snapshot))
    alone = [_took(lambda: Hygiene().follow(reach.engine, reach)) for _ in range(runs)]
    yield Figure("audit", f"{size}: hygiene of it", "ms", tuple(alone), "in process, CPU; all pairs were there")

    edits = _Edits(snapshot)
    for kind, change in edits.kinds().items():
        auditor, engine = Auditor(default_charter(), today=_TODAY), Engine(edits.builder.build())
        auditor.audit(engine)
        times = []
        for _ in range(_CHANGES):
            change()
            engine = Engine(edits.builder.build(), engine)
            times.append(_took(partial(auditor.audit, engine)))
            gc.collect()
        yield Figure("audit", f"{size}: {kind}", "ms", tuple(times), "in process, CPU; the audit alone")


class _Edits:
    """Single changes of a cluster, the same ones each time."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.builder = SnapshotBuilder(snapshot)
        self._chance = random.Random(7)
        self._count = 0

    def kinds(self) -> Mapping[str, Callable[[], None]]:
        """What each does."""
        return {
            "a pod turns ready": self._ready,
            "a policy loses a rule": self._policy,
            "a pod's revision label": self._revision,
            "a pod takes another's labels": self._relabel,
            "a pod goes": self._gone,
            "a pod comes": self._come,
            "a namespace is relabelled": self._namespace,
        }

    def _version(self) -> str:
        self._count += 1
        return f"edit-{self._count}"

    def _pod(self) -> Pod:
        spaces = [held for held in self.builder.build().contents.values() if held.pods]
        return self._chance.choice(list(self._chance.choice(spaces).pods.values()))

    def _ready(self) -> None:
        pod = self._pod()
        self.builder.put(replace(pod, ready=not pod.ready, resource_version=self._version()))

    def _policy(self) -> None:
        policy = self._chance.choice([each for each in self.builder.build().policies() if each.ingress or each.egress])
        if policy.ingress:
            edited = replace(policy, ingress=policy.ingress[:-1], resource_version=self._version())
        else:
            edited = replace(policy, egress=(policy.egress or ())[:-1], resource_version=self._version())
        self.builder.put(edited)

    def _revision(self) -> None:
        pod, version = self._pod(), self._version()
        self.builder.put(replace(pod, labels={**pod.labels, "revision": version}, resource_version=version))

    def _relabel(self) -> None:
        pod, other = self._pod(), self._pod()
        self.builder.put(replace(pod, labels=other.labels, resource_version=self._version()))

    def _gone(self) -> None:
        pod = self._pod()
        self.builder.drop(pod.ref, Pod)

    def _come(self) -> None:
        pod, version = self._pod(), self._version()
        self.builder.put(replace(pod, name=f"{pod.name}-{version}", ips=(), resource_version=version))

    def _namespace(self) -> None:
        contents = self.builder.build().contents
        one, other = (contents[self._chance.choice(sorted(contents))].namespace for _ in range(2))
        own = {key: value for key, value in one.labels.items() if key == "kubernetes.io/metadata.name"}
        self.builder.put(replace(one, labels={**other.labels, **own}, resource_version=self._version()))


def _took(do: Callable[[], object]) -> float:
    began = time.process_time()
    do()
    return (time.process_time() - began) * 1000
