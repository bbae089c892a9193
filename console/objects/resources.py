"""The API resources the console reads, and the policy kinds it knows of but does not evaluate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from console.objects.core import EndpointSlice, ForeignPolicy, Namespace, Node, Owner, Pod, Service
from console.objects.netpol import NetworkPolicy
from console.objects.snapshot import KubeObject
from console.objects.tiered import TieredPolicy


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of the Kubernetes API. `group` is ``""`` for core. `as_class` is what its objects decode to.

    `metadata_only` resources are asked for as PartialObjectMetadata. `optional` ones
    (CRDs) may be absent. A missing `decides` resource makes verdicts UNKNOWN; the
    others only cost comfort (names of workloads).
    """

    plural: str
    group: str
    version: str
    kind: str
    as_class: type[KubeObject]
    namespaced: bool = True
    metadata_only: bool = False
    optional: bool = False
    decides: bool = True

    @property
    def api_version(self) -> str:
        """``group/version`` as objects carry it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def full_name(self) -> str:
        """The plural; with its group for kinds not every cluster has (``networkpolicies.crd.projectcalico.org``)."""
        return f"{self.plural}.{self.group}" if self.optional else self.plural

    def path(self, namespace: str | None = None) -> str:
        """The collection's URL path, cluster-wide or of one namespace."""
        base = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        return f"{base}/namespaces/{namespace}/{self.plural}" if namespace else f"{base}/{self.plural}"


#: Read from every cluster, in the order in which a first load wants them.
RESOURCES: Final[tuple[Resource, ...]] = (
    Resource("namespaces", "", "v1", "Namespace", Namespace, namespaced=False),
    Resource("networkpolicies", "networking.k8s.io", "v1", "NetworkPolicy", NetworkPolicy),
    Resource("pods", "", "v1", "Pod", Pod),
    Resource("services", "", "v1", "Service", Service),
    Resource("endpointslices", "discovery.k8s.io", "v1", "EndpointSlice", EndpointSlice),
    Resource("nodes", "", "v1", "Node", Node, namespaced=False),
    Resource("replicasets", "apps", "v1", "ReplicaSet", Owner, metadata_only=True, decides=False),
    Resource("jobs", "batch", "v1", "Job", Owner, metadata_only=True, decides=False),
)

_GROUP: Final = "policy.networking.k8s.io"
#: The cluster-scoped policies, at each version that is evaluated; read where their CRDs exist.
TIERED: Final[tuple[Resource, ...]] = tuple(
    Resource(f"{kind.lower()[:-1]}ies", _GROUP, version, kind, TieredPolicy, namespaced=False, optional=True)
    for version, kind in (
        ("v1alpha1", "AdminNetworkPolicy"),
        ("v1alpha1", "BaselineAdminNetworkPolicy"),
        ("v1alpha2", "ClusterNetworkPolicy"),
        ("v1beta1", "ClusterNetworkPolicy"),
    )
)

#: Policy kinds that are detected and counted where their CRDs exist, by group: (plural, kind, namespaced).
#: The version is the one the cluster serves.
FOREIGN_KINDS: Final[Mapping[str, tuple[tuple[str, str, bool], ...]]] = {
    "cilium.io": (
        ("ciliumnetworkpolicies", "CiliumNetworkPolicy", True),
        ("ciliumclusterwidenetworkpolicies", "CiliumClusterwideNetworkPolicy", False),
    ),
    "crd.projectcalico.org": (
        ("networkpolicies", "NetworkPolicy.crd.projectcalico.org", True),
        ("globalnetworkpolicies", "GlobalNetworkPolicy", False),
    ),
    "projectcalico.org": (
        ("networkpolicies", "NetworkPolicy.projectcalico.org", True),
        ("globalnetworkpolicies", "GlobalNetworkPolicy", False),
    ),
    "crd.antrea.io": (
        ("networkpolicies", "NetworkPolicy.crd.antrea.io", True),
        ("clusternetworkpolicies", "ClusterNetworkPolicy.crd.antrea.io", False),
    ),
    "security.istio.io": (("authorizationpolicies", "AuthorizationPolicy", True),),
    "k8s.ovn.org": (("egressfirewalls", "EgressFirewall", True),),
}


#: The API groups whose CRDs are looked for.
CUSTOM_GROUPS: Final = frozenset([_GROUP, *FOREIGN_KINDS])


def custom(group: str, version: str, plural: str) -> Resource | None:
    """The Resource of a policy kind that comes as a CRD, at the version a cluster serves; None if it is not one.

    A known kind at a version that is not evaluated is a foreign one.
    """
    for resource in TIERED:
        if (resource.group, resource.version, resource.plural) == (group, version, plural):
            return resource
    known = [(each.plural, each.kind, False) for each in TIERED if each.group == group]
    for name, kind, namespaced in (*FOREIGN_KINDS.get(group, ()), *known):
        if name == plural:
            return Resource(name, group, version, kind, ForeignPolicy, namespaced=namespaced, optional=True)
    return None
