"""Which gaps in what was read concern which pods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from console.objects.core import Namespace, Pod
from console.objects.coverage import INVALID_POLICY, POLICY_KIND_NOT_MODELLED, Gap
from console.objects.resources import FOREIGN_KINDS, TIERED
from console.objects.snapshot import Snapshot
from console.policy.match import selects, selects_namespace

#: Istio applies the policies of its root namespace to the whole mesh.
_MESH_WIDE: Final = ("AuthorizationPolicy", "istio-system")
#: Resources in which a gap can change what policies decide.
_DECIDING: Final = frozenset(
    [
        "*",
        "networkpolicies",
        *(f"{resource.plural}.{resource.group}" for resource in TIERED),
        *(f"{plural}.{group}" for group, kinds in FOREIGN_KINDS.items() for plural, _, _ in kinds),
    ]
)


def foreign_gaps(snapshot: Snapshot) -> Iterator[Gap]:
    """A gap for each policy of a kind that is not evaluated."""
    for policy in snapshot.foreign_policies():
        mesh_wide = (policy.kind, policy.namespace) == _MESH_WIDE
        evaluated = any(policy.kind == resource.kind for resource in TIERED)
        what = policy.api_version if evaluated else "this kind of policy"
        yield Gap(
            code=POLICY_KIND_NOT_MODELLED,
            resource=policy.kind,
            namespace=None if mesh_wide or not policy.namespace else policy.namespace,
            namespace_selector=policy.namespace_selector,
            pod_selector=policy.pod_selector,
            ref=policy.ref,
            why=f"{policy.ref} may select it, and {what} is not evaluated",
        )


def concerns(gap: Gap, pod: Pod, namespace: Namespace | None) -> bool:
    """Whether what is missing could decide about a pod."""
    if gap.code not in (POLICY_KIND_NOT_MODELLED, INVALID_POLICY) and gap.resource not in _DECIDING:
        return False
    if not gap.covers(pod.namespace):
        return False
    if (
        gap.namespace_selector is not None
        and namespace is not None
        and selects_namespace(gap.namespace_selector, namespace) is False
    ):
        return False
    return gap.pod_selector is None or selects(gap.pod_selector, pod.labels)
