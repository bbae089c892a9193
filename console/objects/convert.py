"""From wire shapes to the objects the console keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from console.objects import wire
from console.objects.core import (
    METADATA_NAME,
    ContainerPort,
    Endpoint,
    EndpointPort,
    EndpointSlice,
    ForeignPolicy,
    Namespace,
    Node,
    Owner,
    Pod,
    Service,
    ServicePort,
)
from console.objects.diagnostics import Malformed
from console.objects.meta import Manager, OwnerRef, SourceText
from console.objects.netpol import (
    IPBlock,
    NetworkPolicy,
    NetworkPolicyPeer,
    NetworkPolicyPort,
    NetworkPolicyRule,
)
from console.objects.selectors import LabelSelector

#: The label by which an EndpointSlice names its Service.
SERVICE_NAME: Final = "kubernetes.io/service-name"


def _labels(raw: dict[str, str | None] | None) -> Mapping[str, str]:
    # A null label value is the empty string to the API server.
    if not raw:
        return {}
    return {key: value if value is not None else "" for key, value in raw.items()}


def name_of(meta: wire.WireMeta) -> str:
    """The object's name. Raises Malformed where it has none."""
    if not meta.name:
        raise Malformed("the object has no name", path="metadata.name")
    return meta.name


def _owner(meta: wire.WireMeta) -> OwnerRef | None:
    for owner in meta.owner_references or ():
        if owner.controller and owner.kind and owner.name:
            return OwnerRef(kind=owner.kind, name=owner.name, api_version=owner.api_version)
    return None


def manager_of(meta: wire.WireMeta) -> Manager | None:
    """Who wrote the object last, status aside."""
    # Status writers (kubelet, scheduler) change no path; who wrote the rest last did.
    latest: wire.WireManaged | None = None
    names: tuple[str, ...] = ()
    for entry in meta.managed_fields or ():
        if entry.subresource or (latest is not None and (entry.time or "") < (latest.time or "")):
            continue
        tied = latest is not None and entry.time == latest.time
        names = (*names, entry.manager) if tied else (entry.manager,)
        latest = entry
    return Manager.any_of(names, latest.operation, latest.time or "") if latest else None


def namespace(raw: wire.WireObject, text: SourceText | None = None) -> Namespace:
    """A Namespace; every one carries its name as a label, even in files that leave it out."""
    del text
    meta = raw.metadata
    name = name_of(meta)
    labels = {**_labels(meta.labels), METADATA_NAME: name}
    return Namespace(name, labels, uid=meta.uid or "", resource_version=meta.resource_version or "",
                     manager=manager_of(meta))  # fmt: skip


def _ports(containers: list[wire.WireContainer] | None, *, sidecar: bool) -> list[ContainerPort]:
    return [
        ContainerPort(port.container_port, port.protocol or "TCP", port.name or "", sidecar)
        for container in containers or ()
        for port in container.ports or ()
    ]


def _pod_ports(spec: wire.WirePodSpec) -> tuple[ContainerPort, ...]:
    # Of the init containers only sidecars (restartPolicy: Always) run beside the pod's containers.
    sidecars = [init for init in spec.init_containers or () if init.restart_policy == "Always"]
    return (*_ports(spec.containers, sidecar=False), *_ports(sidecars, sidecar=True))


def pod(raw: wire.WirePod, text: SourceText | None = None) -> Pod:
    """A Pod."""
    del text
    meta, spec, status = raw.metadata, raw.spec or wire.WirePodSpec(), raw.status or wire.WirePodStatus()
    ips = tuple(entry.ip for entry in status.pod_ips or () if entry.ip)
    host_ips = tuple(entry.ip for entry in status.host_ips or () if entry.ip)
    return Pod(
        namespace=meta.namespace or "default",
        name=name_of(meta),
        labels=_labels(meta.labels),
        ips=ips or ((status.pod_ip,) if status.pod_ip else ()),
        host_ips=host_ips or ((status.host_ip,) if status.host_ip else ()),
        node=spec.node_name or "",
        phase=status.phase or "",
        reason=status.reason or "",
        ready=_ready(status),
        host_network=bool(spec.host_network),
        deleting=meta.deletion_timestamp is not None,
        ports=_pod_ports(spec),
        images=tuple(container.image or "" for container in spec.containers or ()),
        owner=_owner(meta),
        service_account=spec.service_account_name or "",
        created=meta.creation_timestamp or "",
        uid=meta.uid or "",
        resource_version=meta.resource_version or "",
        manager=manager_of(meta),
    )


def _ready(status: wire.WirePodStatus) -> bool:
    """Whether a pod is ready. In a file, a pod that says nothing of it stands for a running one."""
    said = [condition.status == "True" for condition in status.conditions or () if condition.type == "Ready"]
    return all(said) if said else (status.phase or "Running") == "Running"


def template(kind: str, owner: wire.WireMeta, raw: wire.WirePodTemplate, *, api_version: str) -> Pod:
    """The pod a workload's template stands for, named after the workload."""
    spec = raw.spec or wire.WirePodSpec()
    return Pod(
        namespace=owner.namespace or "default",
        name=name_of(owner),
        labels=_labels(raw.metadata.labels),
        ready=True,
        host_network=bool(spec.host_network),
        ports=_pod_ports(spec),
        images=tuple(container.image or "" for container in spec.containers or ()),
        owner=OwnerRef(kind, name_of(owner), api_version),
        service_account=spec.service_account_name or "",
        template=True,
    )


def service(raw: wire.WireService, text: SourceText | None = None) -> Service:
    """A Service; an absent targetPort is the port itself (core/v1 defaults)."""
    del text
    meta, spec = raw.metadata, raw.spec or wire.WireServiceSpec()
    return Service(
        namespace=meta.namespace or "default",
        name=name_of(meta),
        type=spec.type or "ClusterIP",
        cluster_ips=tuple(spec.cluster_ips or ([spec.cluster_ip] if spec.cluster_ip else [])),
        external_name=spec.external_name or "",
        selector=_labels(spec.selector),
        ports=tuple(
            ServicePort(port.port, port.target_port or port.port, port.protocol or "TCP", port.name or "")
            for port in spec.ports or ()
        ),
        publish_not_ready=bool(spec.publish_not_ready_addresses),
        labels=_labels(meta.labels),
        uid=meta.uid or "",
        resource_version=meta.resource_version or "",
        manager=manager_of(meta),
    )


def endpoint_slice(raw: wire.WireEndpointSlice, text: SourceText | None = None) -> EndpointSlice:
    """An EndpointSlice."""
    del text
    meta = raw.metadata
    endpoints = tuple(
        Endpoint(
            addresses=tuple(entry.addresses or ()),
            pod=entry.target_ref.name if entry.target_ref and entry.target_ref.kind == "Pod" else "",
            ready=entry.conditions is None or entry.conditions.ready is not False,
        )
        for entry in raw.endpoints or ()
    )
    return EndpointSlice(
        namespace=meta.namespace or "default",
        name=name_of(meta),
        service=_labels(meta.labels).get(SERVICE_NAME, ""),
        address_type=raw.address_type or "IPv4",
        endpoints=endpoints,
        ports=tuple(EndpointPort(port.port, port.protocol or "TCP", port.name or "") for port in raw.ports or ()),
        uid=meta.uid or "",
        resource_version=meta.resource_version or "",
        manager=manager_of(meta),
    )


def node(raw: wire.WireNode, text: SourceText | None = None) -> Node:
    """A Node with the addresses policies can see (host names are none)."""
    del text
    meta, status = raw.metadata, raw.status or wire.WireNodeStatus()
    addresses = tuple(
        entry.address for entry in status.addresses or () if entry.type in ("InternalIP", "ExternalIP", "")
    )
    return Node(name_of(meta), _labels(meta.labels), addresses, uid=meta.uid or "",
                resource_version=meta.resource_version or "", manager=manager_of(meta))  # fmt: skip


def owner(kind: str) -> Callable[[wire.WireObject, SourceText | None], Owner]:
    """The converter of a kind that stands between pods and their workload."""

    def convert(raw: wire.WireObject, text: SourceText | None = None) -> Owner:
        del text
        meta = raw.metadata
        return Owner(kind, meta.namespace or "default", name_of(meta), _owner(meta), uid=meta.uid or "",
                     resource_version=meta.resource_version or "", manager=manager_of(meta))  # fmt: skip

    return convert


def _peer(raw: wire.WirePeer, path: str) -> NetworkPolicyPeer:
    block = None
    if raw.ip_block is not None:
        if not raw.ip_block.cidr:
            raise Malformed("an ipBlock needs a cidr", path=f"{path}.ipBlock.cidr")
        block = IPBlock(raw.ip_block.cidr, raw.ip_block.excepts)
    return NetworkPolicyPeer(raw.pod_selector, raw.namespace_selector, block)


def _rule(peers: list[wire.WirePeer] | None, ports: list[wire.WirePort | None] | None, path: str) -> NetworkPolicyRule:
    listed = None if ports is None else [port or wire.WirePort() for port in ports]
    return NetworkPolicyRule(
        peers=None if peers is None else [_peer(peer, f"{path}[{i}]") for i, peer in enumerate(peers)],
        ports=None if listed is None else [NetworkPolicyPort(p.protocol, p.port, p.end_port) for p in listed],
    )


def network_policy(raw: wire.WireNetworkPolicy, text: SourceText | None = None) -> NetworkPolicy:
    """A NetworkPolicy as written; defaulting and validation belong to the engine."""
    meta, spec = raw.metadata, raw.spec or wire.WireNetworkPolicySpec()
    ingress = egress = None
    if spec.ingress is not None:
        rules = [rule or wire.WireIngressRule() for rule in spec.ingress]
        ingress = tuple(_rule(r.from_, r.ports, f"spec.ingress[{i}].from") for i, r in enumerate(rules))
    if spec.egress is not None:
        outward = [rule or wire.WireEgressRule() for rule in spec.egress]
        egress = tuple(_rule(r.to, r.ports, f"spec.egress[{i}].to") for i, r in enumerate(outward))
    return NetworkPolicy(
        namespace=meta.namespace or "default",
        name=name_of(meta),
        pod_selector=spec.pod_selector or LabelSelector(),
        ingress=ingress,
        egress=egress,
        policy_types=None if spec.policy_types is None else tuple(spec.policy_types),
        labels=_labels(meta.labels),
        text=text,
        uid=meta.uid or "",
        resource_version=meta.resource_version or "",
        manager=manager_of(meta),
    )


def foreign(kind: str, api_version: str, *, namespaced: bool) -> Callable[..., ForeignPolicy]:
    """The converter of a policy kind that is not evaluated."""

    def convert(raw: wire.WireForeign, text: SourceText | None = None) -> ForeignPolicy:
        meta, spec = raw.metadata, raw.spec or wire.WireForeignSpec()
        namespaces: LabelSelector | None = None
        pods: LabelSelector | None = None
        if spec.subject is not None:
            namespaces = spec.subject.namespaces
            if spec.subject.pods is not None:
                namespaces, pods = spec.subject.pods.namespace_selector, spec.subject.pods.pod_selector
        elif spec.endpoint_selector is not None and _plain(spec.endpoint_selector):
            pods = spec.endpoint_selector
        elif kind == "AuthorizationPolicy":
            pods = _workload_selector(spec.selector)
        return ForeignPolicy(
            kind=kind,
            namespace=(meta.namespace or "default") if namespaced else "",
            name=name_of(meta),
            api_version=api_version,
            namespace_selector=namespaces,
            pod_selector=pods,
            text=text,
            uid=meta.uid or "",
            resource_version=meta.resource_version or "",
            manager=manager_of(meta),
        )

    return convert


def _workload_selector(raw: object) -> LabelSelector | None:
    """Istio's ``WorkloadSelector``: labels of pods; None where it is not written so (Calico's is an expression)."""
    labels = raw.get("matchLabels") if isinstance(raw, Mapping) else None
    if not isinstance(labels, Mapping) or not all(isinstance(value, str) for value in labels.values()):
        return None
    return LabelSelector(match_labels=dict(labels))


def _plain(selector: LabelSelector) -> bool:
    # Cilium prefixes keys with their source (k8s:, any:, reserved:) and adds keys of its own for namespaces and
    # service accounts; only other bare keys are surely pod labels.
    keys = [*(selector.match_labels or {}), *(entry.key for entry in selector.match_expressions or ())]
    return not any(":" in key or key.startswith(("io.kubernetes.", "io.cilium.")) for key in keys)
