"""The cluster-scoped policies of ``policy.networking.k8s.io``: AdminNetworkPolicy,
BaselineAdminNetworkPolicy (v1alpha1) and ClusterNetworkPolicy (v1alpha2, v1beta1).

One form holds all three: they differ in where they write a port and in their names for
actions. Source of the shapes: ``apis/v1alpha1`` and ``apis/v1alpha2`` of the
network-policy-api repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from console.objects.meta import Manager, ObjectRef, SourceText
from console.objects.selectors import LabelSelector

#: Where a rule of each kind writes its ports.
PORTS_FIELD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AdminNetworkPolicy": "ports",
        "BaselineAdminNetworkPolicy": "ports",
        "ClusterNetworkPolicy": "protocols",
    }
)


class NamespacedPods(msgspec.Struct, frozen=True, rename="camel"):
    """``pods``: pods by label in namespaces by label."""

    pod_selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None


class TieredPeer(msgspec.Struct, frozen=True, rename="camel"):
    """One item of ``from``, ``to`` or ``subject``: exactly one field. `unknown` names fields not known here."""

    namespaces: LabelSelector | None = None
    pods: NamespacedPods | None = None
    nodes: LabelSelector | None = None
    networks: list[str] | None = None
    domain_names: list[str] | None = None
    unknown: tuple[str, ...] = ()


class TieredPort(msgspec.Struct, frozen=True):
    """A port of a rule: a range of a protocol (`low` None: all of its ports), or a `name`.

    `key` is the path inside the object from the rule to this port.
    """

    key: tuple[str | int, ...]
    protocol: str | None = None
    low: int | None = None
    high: int | None = None
    name: str = ""


class TieredRule(msgspec.Struct, frozen=True):
    """A rule. `ports` None: every port and protocol."""

    action: str
    peers: tuple[TieredPeer, ...]
    ports: tuple[TieredPort, ...] | None = None
    name: str = ""


class TieredPolicy(msgspec.Struct, frozen=True):
    """A policy of a tier other than NetworkPolicy's. `tier` is ``Admin`` or ``Baseline``."""

    kind: str
    name: str
    api_version: str
    tier: str
    priority: int
    subject: TieredPeer
    ingress: tuple[TieredRule, ...] = ()
    egress: tuple[TieredRule, ...] = ()
    text: SourceText | None = None
    uid: str = ""
    resource_version: str = ""
    manager: Manager | None = None

    @property
    def ref(self) -> ObjectRef:
        """The reference by which messages name this object."""
        return ObjectRef(self.kind, "", self.name)
