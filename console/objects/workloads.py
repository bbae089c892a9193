"""From pods to workloads: the top owner of each, by the owners that were read or the marks controllers leave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from console.objects.core import Owner, Pod
from console.objects.meta import ObjectRef, OwnerRef

#: The label a Deployment's controller puts on ReplicaSets and pods; its value ends the ReplicaSet's name.
POD_TEMPLATE_HASH = "pod-template-hash"
#: Argo Rollouts' label of the same use.
ROLLOUT_HASH = "rollouts-pod-template-hash"
_MAX_OWNERS = 16  # owner chains are two or three long; a longer one is a cycle


class Workload(NamedTuple):
    """The top owner of pods, or a bare pod (kind ``Pod``), with its pods in name order."""

    kind: str
    namespace: str
    name: str
    pods: tuple[Pod, ...]

    @property
    def ref(self) -> ObjectRef:
        """The reference by which messages name the workload."""
        return ObjectRef(self.kind, self.namespace, self.name)

    @property
    def active(self) -> tuple[Pod, ...]:
        """The pods that take part in verdicts: those that have not finished."""
        return tuple(pod for pod in self.pods if not pod.finished)


def owner_of(pod: Pod, owners: Mapping[tuple[str, str], Owner]) -> ObjectRef:
    """The workload a pod belongs to.

    Follows ``ownerReferences`` through the owners that were read. A ReplicaSet that
    was not read is taken for its Deployment's (or Rollout's) where the pod carries the
    controller's hash label and the name ends in it, which only those controllers do.
    """
    if pod.owner is None:
        return ObjectRef("Pod", pod.namespace, pod.name)
    current = pod.owner
    for _ in range(_MAX_OWNERS):
        known = owners.get((current.kind, current.name))
        if known is None:
            current = _unread_owner(current, pod)
            break
        if known.owner is None:
            break
        current = known.owner
    return ObjectRef(current.kind, pod.namespace, current.name)


def _unread_owner(owner: OwnerRef, pod: Pod) -> OwnerRef:
    if owner.kind != "ReplicaSet":
        return owner
    for label, kind in ((ROLLOUT_HASH, "Rollout"), (POD_TEMPLATE_HASH, "Deployment")):
        value = pod.labels.get(label)
        if value and owner.name.endswith(f"-{value}"):
            return OwnerRef(kind=kind, name=owner.name[: -len(value) - 1])
    return owner


def group(pods: Iterable[Pod], owners: Mapping[tuple[str, str], Owner]) -> tuple[Workload, ...]:
    """Group the pods of one namespace by workload, in order of name, then kind."""
    found: dict[ObjectRef, list[Pod]] = {}
    for pod in pods:
        found.setdefault(owner_of(pod, owners), []).append(pod)
    return tuple(
        Workload(ref.kind, ref.namespace, ref.name, tuple(sorted(members, key=lambda pod: pod.name)))
        for ref, members in sorted(found.items(), key=lambda item: (item[0].name, item[0].kind))
    )
