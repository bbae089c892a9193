"""The shapes objects arrive in. msgspec decodes straight into them: unknown fields never become objects.

Null and absent mean the same to Kubernetes in every field here, so both are None.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from console.objects.selectors import LabelSelector
from console.objects.shapes import prepare

#: A port, as the API server takes them (``validation.IsValidPortNum``).
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]


class Wire(msgspec.Struct, rename="camel", gc=False):
    """Base of the wire shapes."""


class WireOwner(Wire):
    """``metadata.ownerReferences[]``."""

    kind: str = ""
    name: str = ""
    api_version: str = ""
    controller: bool | None = None


class WireManaged(Wire):
    """``metadata.managedFields[]`` without its fields."""

    manager: str = ""
    operation: str = ""
    time: str | None = None
    subresource: str = ""


class WireMeta(Wire):
    """``metadata``."""

    name: str | None = None
    namespace: str | None = None
    labels: dict[str, str | None] | None = None
    uid: str | None = None
    resource_version: str | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    owner_references: list[WireOwner] | None = None
    managed_fields: list[WireManaged] | None = None


class WireObject(Wire):
    """Any object, as far as its metadata."""

    metadata: WireMeta


class WireContainerPort(Wire):
    """A declared container port."""

    container_port: Port
    protocol: str | None = None
    name: str | None = None


class WireContainer(Wire):
    """A container; environment, commands and volumes are never decoded."""

    image: str | None = None
    ports: list[WireContainerPort] | None = None
    restart_policy: str | None = None


class WirePodSpec(Wire):
    """``spec`` of a pod."""

    containers: list[WireContainer] | None = None
    init_containers: list[WireContainer] | None = None
    host_network: bool | None = None
    node_name: str | None = None
    service_account_name: str | None = None


class WireIP(Wire):
    """``podIPs[]`` and ``hostIPs[]``."""

    ip: str = ""


class WireCondition(Wire):
    """A status condition."""

    type: str = ""
    status: str = ""


class WirePodStatus(Wire):
    """``status`` of a pod."""

    phase: str | None = None
    reason: str | None = None
    pod_ip: str | None = msgspec.field(name="podIP", default=None)
    pod_ips: list[WireIP] | None = msgspec.field(name="podIPs", default=None)
    host_ip: str | None = msgspec.field(name="hostIP", default=None)
    host_ips: list[WireIP] | None = msgspec.field(name="hostIPs", default=None)
    conditions: list[WireCondition] | None = None


class WirePod(Wire):
    """core/v1 Pod."""

    metadata: WireMeta
    spec: WirePodSpec | None = None
    status: WirePodStatus | None = None


class WireServicePort(Wire):
    """``spec.ports[]`` of a Service."""

    port: Port
    #: 0 is as good as absent.
    target_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] | str | None = None
    protocol: str | None = None
    name: str | None = None


class WireServiceSpec(Wire):
    """``spec`` of a Service."""

    type: str | None = None
    cluster_ip: str | None = msgspec.field(name="clusterIP", default=None)
    cluster_ips: list[str] | None = msgspec.field(name="clusterIPs", default=None)
    external_name: str | None = None
    selector: dict[str, str | None] | None = None
    ports: list[WireServicePort] | None = None
    publish_not_ready_addresses: bool | None = None


class WireService(Wire):
    """core/v1 Service."""

    metadata: WireMeta
    spec: WireServiceSpec | None = None


class WireTarget(Wire):
    """``endpoints[].targetRef``."""

    kind: str = ""
    name: str = ""


class WireEndpointConditions(Wire):
    """``endpoints[].conditions``; an absent ``ready`` means ready (discovery/v1)."""

    ready: bool | None = None


class WireEndpoint(Wire):
    """``endpoints[]``."""

    addresses: list[str] | None = None
    conditions: WireEndpointConditions | None = None
    target_ref: WireTarget | None = None


class WireEndpointPort(Wire):
    """``ports[]`` of an EndpointSlice."""

    port: Port | None = None
    protocol: str | None = None
    name: str | None = None


class WireEndpointSlice(Wire):
    """discovery.k8s.io/v1 EndpointSlice."""

    metadata: WireMeta
    address_type: str | None = None
    endpoints: list[WireEndpoint] | None = None
    ports: list[WireEndpointPort] | None = None


class WireNodeAddress(Wire):
    """``status.addresses[]`` of a Node."""

    type: str = ""
    address: str = ""


class WireNodeStatus(Wire):
    """``status`` of a Node."""

    addresses: list[WireNodeAddress] | None = None


class WireNode(Wire):
    """core/v1 Node."""

    metadata: WireMeta
    status: WireNodeStatus | None = None


class WireIPBlock(Wire):
    """``ipBlock``."""

    cidr: str | None = None
    excepts: list[str] | None = msgspec.field(name="except", default=None)


class WirePeer(Wire):
    """``from[]`` and ``to[]`` of a NetworkPolicy rule."""

    pod_selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None
    ip_block: WireIPBlock | None = None


class WirePort(Wire):
    """``ports[]`` of a NetworkPolicy rule."""

    protocol: str | None = None
    port: int | str | None = None
    end_port: int | None = None


class WireIngressRule(Wire):
    """``ingress[]``."""

    ports: list[WirePort | None] | None = None
    from_: list[WirePeer] | None = msgspec.field(name="from", default=None)


class WireEgressRule(Wire):
    """``egress[]``."""

    ports: list[WirePort | None] | None = None
    to: list[WirePeer] | None = None


class WireNetworkPolicySpec(Wire):
    """``spec`` of a NetworkPolicy. A null rule or port in a list is the empty one, as in Go."""

    pod_selector: LabelSelector | None = None
    ingress: list[WireIngressRule | None] | None = None
    egress: list[WireEgressRule | None] | None = None
    policy_types: list[str] | None = None


class WireNetworkPolicy(Wire):
    """networking.k8s.io/v1 NetworkPolicy."""

    metadata: WireMeta
    spec: WireNetworkPolicySpec | None = None


class WirePodTemplate(Wire):
    """``template`` of a workload."""

    metadata: WireMeta = msgspec.field(default_factory=WireMeta)
    spec: WirePodSpec | None = None


class WireForeignSubject(Wire):
    """``subject`` of the policy.networking.k8s.io kinds."""

    namespaces: LabelSelector | None = None
    pods: WirePeer | None = None


class WireForeignSpec(Wire):
    """As much of a foreign policy's spec as may say what it selects; anything else is kept undecoded."""

    subject: WireForeignSubject | None = None
    endpoint_selector: LabelSelector | None = None
    selector: Any = None


class WireForeign(Wire):
    """A policy of a kind that is not evaluated."""

    metadata: WireMeta
    spec: WireForeignSpec | None = None


class WireListMeta(Wire):
    """``metadata`` of a list."""

    resource_version: str | None = None
    continue_: str | None = msgspec.field(name="continue", default=None)


class WireRawList(Wire):
    """A list whose items are not decoded yet."""

    metadata: WireListMeta = msgspec.field(default_factory=WireListMeta)
    items: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET


class WireEvent(Wire):
    """A line of a watch."""

    type: str
    object: msgspec.Raw


class WireKind(Wire):
    """What an object says it is."""

    kind: Any = None


class WireStatus(Wire):
    """meta/v1 Status."""

    code: int = 0
    message: str | None = None
    reason: str | None = None


prepare(*Wire.__subclasses__())
