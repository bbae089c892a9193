"""The label by which pods come under a policy that opens a path, where taking it off closes the path as well."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec
from msgspec.structs import replace

from console.objects.core import Pod
from console.objects.meta import ObjectRef
from console.objects.netpol import NetworkPolicy
from console.objects.snapshot import Snapshot, SnapshotBuilder
from console.policy.close_told import Told
from console.policy.engine import Engine
from console.policy.fix_rules import VOLATILE
from console.policy.match import keys_of
from console.policy.opens import Path


class Unlabel(msgspec.Struct, frozen=True):
    """A label to take off pods (and off the template of their workload, if it is there), and what else that closes."""

    label: str
    pods: tuple[ObjectRef, ...]
    closes: tuple[Path, ...]

    @property
    def command(self) -> str:
        """What does it to the pods that run."""
        names = " ".join(each.name for each in self.pods)
        return f"kubectl label pods -n {self.pods[0].namespace} {names} {self.label.partition('=')[0]}-"


def unlabel(
    engine: Engine, edited: Iterable[ObjectRef], pods: Sequence[Pod], tried: Callable[[Engine], Told | None]
) -> Unlabel | None:
    """The label whose loss closes what `edited` NetworkPolicies let through, as `tried` tells; None if none does.

    Labels by which Services find the pods are left alone.
    """
    snapshot = engine.snapshot
    if not pods:
        return None
    common = set.intersection(*(set(pod.labels.items()) for pod in pods))
    wanted = {key for ref in edited for key in _keys(snapshot, ref)}
    kept = {
        key
        for service in snapshot.contents[pods[0].namespace].services.values()
        if service.selector and all(service.selector.items() <= pod.labels.items() for pod in pods)
        for key in service.selector
    }
    for key, value in sorted(common):
        if key in wanted and key not in kept and key not in VOLATILE:
            builder = SnapshotBuilder(snapshot)
            for pod in pods:
                fewer = {other: held for other, held in pod.labels.items() if other != key}
                builder.put(replace(pod, labels=fewer))
            told = tried(Engine(builder.build(), engine))
            if told is not None:
                return Unlabel(f"{key}={value}", tuple(pod.ref for pod in pods), told.closes)
    return None


def _keys(snapshot: Snapshot, ref: ObjectRef) -> Iterable[str]:
    written = snapshot.policy(ref)
    return keys_of(written.pod_selector) if isinstance(written, NetworkPolicy) else ()
