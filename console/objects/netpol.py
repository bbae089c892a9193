"""``networking.k8s.io/v1`` NetworkPolicy as written (before the API server's defaulting is applied to it).

Source of the shapes: Kubernetes ``staging/src/k8s.io/api/networking/v1/types.go``.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from console.objects.meta import Manager, ObjectRef, SourceText
from console.objects.selectors import LabelSelector


class IPBlock(msgspec.Struct, frozen=True):
    """An address range less its exceptions."""

    cidr: str
    # `except` is a keyword in Python.
    excepts: list[str] | None = msgspec.field(name="except", default=None)


class NetworkPolicyPeer(msgspec.Struct, frozen=True, rename="camel"):
    """One item of ``from`` or ``to``: selectors, or an ipBlock."""

    pod_selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None
    ip_block: IPBlock | None = None


class NetworkPolicyPort(msgspec.Struct, frozen=True, rename="camel"):
    """One item of ``ports``; every field is optional."""

    protocol: str | None = None
    port: int | str | None = None
    end_port: int | None = None


class NetworkPolicyRule(msgspec.Struct, frozen=True):
    """A rule of either direction: `peers` is its ``from`` or ``to``. None and ``[]`` both mean any."""

    peers: list[NetworkPolicyPeer] | None = None
    ports: list[NetworkPolicyPort] | None = None


class NetworkPolicy(msgspec.Struct, frozen=True):
    """A NetworkPolicy. None in `ingress`, `egress` or `policy_types` means the field is absent (or null)."""

    namespace: str
    name: str
    pod_selector: LabelSelector
    ingress: tuple[NetworkPolicyRule, ...] | None = None
    egress: tuple[NetworkPolicyRule, ...] | None = None
    policy_types: tuple[str, ...] | None = None
    labels: Mapping[str, str] = {}
    text: SourceText | None = None
    uid: str = ""
    resource_version: str = ""
    manager: Manager | None = None

    @property
    def ref(self) -> ObjectRef:
        """The reference by which messages name this object."""
        return ObjectRef("NetworkPolicy", self.namespace, self.name)
