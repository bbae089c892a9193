"""The core/v1 and discovery/v1 objects a verdict or a screen needs, flattened to what is used of them."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from console.objects.meta import Manager, ObjectRef, OwnerRef, SourceText
from console.objects.selectors import LabelSelector

#: The label every namespace carries (set by the API server since 1.21).
METADATA_NAME = "kubernetes.io/metadata.name"


class Namespace(msgspec.Struct, frozen=True):
    """A Namespace. `declared` is false where only its use by other objects tells of it."""

    name: str
    labels: Mapping[str, str]
    declared: bool = True
    labels_known: bool = True
    uid: str = ""
    resource_version: str = ""
    manager: Manager | None = None

    @property
    def ref(self) -> ObjectRef:
        """The reference by which messages name this object."""
        return ObjectRef("Namespace", "", self.name)


class ContainerPort(msgspec.Struct, frozen=True, gc=False):
    """A declared port of a container. `sidecar` marks ports of restartable init containers."""

    port: int
    protocol: str = "TCP"
    name: str = ""
    sidecar: bool = False


class Pod(msgspec.Struct, frozen=True):
    """A Pod, or (`template`) the pod that a workload in a file would make.

    `ips` is in the order of ``status.podIPs``; `created` is RFC 3339. Finished pods
    (Succeeded, Failed) keep their object but take part in no verdict: their
    addresses are reused.
    """

    namespace: str
    name: str
    labels: Mapping[str, str]
    ips: tuple[str, ...] = ()
    host_ips: tuple[str, ...] = ()
    node: str = ""
    phase: str = ""
    reason: str = ""
    ready: bool = False
    host_network: bool = False
    deleting: bool = False
    ports: tuple[ContainerPort, ...] = ()
    images: tuple[str, ...] = ()
    owner: OwnerRef | None = None
    service_account: str = ""
    template: bool = False
    created: str = ""
    uid: str = ""
    resource_version: str = ""
    manager: Manager | None = None

    @property
    def ref(self) -> ObjectRef:
        """The reference by which messages name this object."""
        return ObjectRef("Pod", self.namespace, self.name)

    @property
    def finished(self) -> bool:
        """Whether the pod has ended (phase Succeeded or Failed) and holds no address any more."""
        return self.phase in ("Succeeded", "Failed")


class ServicePort(msgspec.Struct, frozen=True, gc=False):
    """A port of a Service. `target` is the ``targetPort``: a number, or the name of a container port."""

    port: int
    target: int | str
    protocol: str = "TCP"
    name: str = ""


class Service(msgspec.Struct, frozen=True):
    """A Service. An empty `selector` means its endpoints are managed by hand or by another controller."""

    namespace: str
    name: str
    type: str = "ClusterIP"
    cluster_ips: tuple[str, ...] = ()
    external_name: str = ""
    selector: Mapping[str, str] = {}
    ports: tuple[ServicePort, ...] = ()
    publish_not_ready: bool = False
    labels: Mapping[str, str] = {}
    uid: str = ""
    resource_version: str = ""
    manager: Manager | None = None

    @property
    def ref(self) -> ObjectRef:
        """The reference by which messages name this object."""
        return ObjectRef("Service", self.namespace, self.name)

    @property
    def headless(self) -> bool:
        """Whether the Service has no address of its own: names resolve to the pods."""
        return "None" in self.cluster_ips


class Endpoint(msgspec.Struct, frozen=True, gc=False):
    """One endpoint of an EndpointSlice. `pod` is the name of the pod behind it, ``""`` if none is named."""

    addresses: tuple[str, ...]
    pod: str = ""
    ready: bool = True


class EndpointPort(msgspec.Struct, frozen=True, gc=False):
    """A port of an EndpointSlice; `name` is the ServicePort's name."""

    port: int | None
    protocol: str = "TCP"
    name: str = ""


class EndpointSlice(msgspec.Struct, frozen=True):
    """A discovery/v1 EndpointSlice of the Service named in ``kubernetes.io/service-name``."""

    namespace: str
    name: str
    service: str
    address_type: str = "IPv4"
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[EndpointPort, ...] = ()
    uid: str = ""
    resource_version: str = ""
    manager: Manager | None = None

    @property
    def ref(self) -> ObjectRef:
        """The reference by which messages name this object."""
        return ObjectRef("EndpointSlice", self.namespace, self.name)


class Node(msgspec.Struct, frozen=True):
    """A Node: its labels and addresses (InternalIP and ExternalIP)."""

    name: str
    labels: Mapping[str, str] = {}
    addresses: tuple[str, ...] = ()
    uid: str = ""
    resource_version: str = ""
    manager: Manager | None = None

    @property
    def ref(self) -> ObjectRef:
        """The reference by which messages name this object."""
        return ObjectRef("Node", "", self.name)


class Owner(msgspec.Struct, frozen=True):
    """An object between a pod and its workload (ReplicaSet, Job), kept for its own owner only."""

    kind: str
    namespace: str
    name: str
    owner: OwnerRef | None = None
    uid: str = ""
    resource_version: str = ""
    manager: Manager | None = None

    @property
    def ref(self) -> ObjectRef:
        """The reference by which messages name this object."""
        return ObjectRef(self.kind, self.namespace, self.name)


class ForeignPolicy(msgspec.Struct, frozen=True):
    """A policy of a kind this version does not evaluate: it is counted, shown, and makes verdicts UNKNOWN.

    `namespace` is ``""`` for cluster-scoped kinds. `namespace_selector` and
    `pod_selector` say what it selects where the kind writes that as label selectors;
    None means it may select anything in its scope.
    """

    kind: str
    namespace: str
    name: str
    api_version: str = ""
    namespace_selector: LabelSelector | None = None
    pod_selector: LabelSelector | None = None
    text: SourceText | None = None
    uid: str = ""
    resource_version: str = ""
    manager: Manager | None = None

    @property
    def ref(self) -> ObjectRef:
        """The reference by which messages name this object."""
        return ObjectRef(self.kind, self.namespace, self.name)
