"""Ways to group pods for a matrix: by pod, workload, namespace or role."""

from __future__ import annotations

from enum import Enum

from console.governance.roles import classify
from console.objects.workloads import Workload
from console.policy.reach import Reachability


class By(Enum):
    """What the rows and columns of a matrix stand for."""

    POD = "pod"
    WORKLOAD = "workload"
    NAMESPACE = "namespace"
    ROLE = "role"


def groups(reach: Reachability, by: By, *, namespace: str | None = None) -> dict[str, int]:
    """The groups by name, each a set of classes; of one namespace only, if one is given.

    A class can be in several groups: two workloads that no policy tells apart share one.
    """
    found: dict[str, int] = {}
    snapshot = reach.engine.snapshot
    for held in snapshot.contents.values():
        if namespace is not None and held.namespace.name != namespace:
            continue
        for workload in held.workloads:
            for pod in workload.active:
                name = _name(by, workload, pod.name, reach)
                found[name] = found.get(name, 0) | (1 << reach.class_of(pod))
    return dict(sorted(found.items()))


def _name(by: By, workload: Workload, pod: str, reach: Reachability) -> str:
    if by is By.POD:
        return f"{workload.namespace}/{pod}"
    if by is By.WORKLOAD:
        return f"{workload.namespace}/{workload.kind.lower()}/{workload.name}"
    if by is By.NAMESPACE:
        return workload.namespace
    namespace = reach.engine.snapshot.namespace(workload.namespace)
    return classify(workload, namespace).role.value
