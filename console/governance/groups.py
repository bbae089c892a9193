"""Ways to group pods for a matrix: by pod, workload, namespace or role."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from console.governance.roles import classify
from console.objects.core import Namespace
from console.objects.workloads import Workload
from console.policy.reach import Reachability


class By(Enum):
    """What the rows and columns of a matrix stand for."""

    POD = "pod"
    WORKLOAD = "workload"
    NAMESPACE = "namespace"
    ROLE = "role"


def groups(
    reach: Reachability,
    by: By,
    *,
    namespace: str | None = None,
    among: Callable[[Workload], bool] = lambda _: True,
    role: Callable[[Workload], str] | None = None,
) -> dict[str, int]:
    """The groups by name, each a set of classes; of one namespace, and of the workloads `among` takes, only.

    A class can be in several groups: two workloads that no policy tells apart share one.
    `role` says what a workload is, where that is known already.
    """
    found: dict[str, int] = {}
    for held in reach.engine.snapshot.contents.values():
        if namespace is not None and held.namespace.name != namespace:
            continue
        for workload in held.workloads:
            active = workload.active
            if not active or not among(workload):
                continue
            name = "" if by is By.POD else _name(by, workload, held.namespace, role)
            for pod in active:
                each = name or f"{pod.namespace}/{pod.name}"
                found[each] = found.get(each, 0) | (1 << reach.class_of(pod))
    return dict(sorted(found.items()))


def _name(by: By, workload: Workload, namespace: Namespace, role: Callable[[Workload], str] | None) -> str:
    if by is By.WORKLOAD:
        return f"{workload.namespace}/{workload.kind.lower()}/{workload.name}"
    if by is By.NAMESPACE:
        return workload.namespace
    return role(workload) if role else classify(workload, namespace).role.value
