"""The kinds of objects the demo's API server can serve, by group and version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Kind:
    """A resource of the API. `custom` kinds come from a CustomResourceDefinition and may appear and go."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    custom: bool = False
    short: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        """``group/version`` as objects carry it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def grouped_name(self) -> str:
        """``plural.group`` (``plural`` in the core group): how error messages and CRDs name the resource."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def entry(self) -> dict[str, Any]:
        """The kind's line in its group's discovery document."""
        return {
            "name": self.plural,
            "singularName": self.kind.lower(),
            "namespaced": self.namespaced,
            "kind": self.kind,
            "verbs": ["get", "list", "watch"],
            **({"shortNames": list(self.short)} if self.short else {}),
        }


#: What says that a kind is served: the apiVersion and the kind.
CRD: Final = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
#: The group and version of the questions what one may; nothing is kept of them.
REVIEW_GROUP: Final = ("authorization.k8s.io", "v1")

#: Served by every cluster. Secrets are served, so that a test can prove that nobody asks for them.
BUILT_IN: Final[tuple[Kind, ...]] = (
    Kind("", "v1", "namespaces", "Namespace", namespaced=False, short=("ns",)),
    Kind("", "v1", "nodes", "Node", namespaced=False, short=("no",)),
    Kind("", "v1", "pods", "Pod", short=("po",)),
    Kind("", "v1", "services", "Service", short=("svc",)),
    Kind("", "v1", "configmaps", "ConfigMap", short=("cm",)),
    Kind("", "v1", "secrets", "Secret"),
    Kind("", "v1", "serviceaccounts", "ServiceAccount", short=("sa",)),
    Kind("", "v1", "replicationcontrollers", "ReplicationController", short=("rc",)),
    Kind("apps", "v1", "deployments", "Deployment", short=("deploy",)),
    Kind("apps", "v1", "replicasets", "ReplicaSet", short=("rs",)),
    Kind("apps", "v1", "statefulsets", "StatefulSet", short=("sts",)),
    Kind("apps", "v1", "daemonsets", "DaemonSet", short=("ds",)),
    Kind("batch", "v1", "jobs", "Job"),
    Kind("batch", "v1", "cronjobs", "CronJob", short=("cj",)),
    Kind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"),
    Kind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", short=("netpol",)),
    Kind("networking.k8s.io", "v1", "ingresses", "Ingress", short=("ing",)),
    Kind(
        "apiextensions.k8s.io",
        "v1",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        namespaced=False,
        short=("crd",),
    ),
)

#: Custom kinds that are served from the moment the first object of theirs (or `Store.define`) brings them.
KNOWN_CUSTOM: Final[tuple[Kind, ...]] = (
    Kind("kubeflow.org", "v1", "pytorchjobs", "PyTorchJob", custom=True),
    Kind("jobset.x-k8s.io", "v1alpha2", "jobsets", "JobSet", custom=True),
    Kind("ray.io", "v1", "rayclusters", "RayCluster", custom=True),
    Kind("ray.io", "v1", "rayjobs", "RayJob", custom=True),
    Kind("ray.io", "v1", "rayservices", "RayService", custom=True),
    Kind("serving.kserve.io", "v1beta1", "inferenceservices", "InferenceService", custom=True, short=("isvc",)),
    Kind("argoproj.io", "v1alpha1", "workflows", "Workflow", custom=True, short=("wf",)),
    Kind(
        "policy.networking.k8s.io",
        "v1alpha1",
        "adminnetworkpolicies",
        "AdminNetworkPolicy",
        namespaced=False,
        custom=True,
        short=("anp",),
    ),
    Kind(
        "policy.networking.k8s.io",
        "v1alpha1",
        "baselineadminnetworkpolicies",
        "BaselineAdminNetworkPolicy",
        namespaced=False,
        custom=True,
        short=("banp",),
    ),
    Kind(
        "policy.networking.k8s.io",
        "v1alpha2",
        "clusternetworkpolicies",
        "ClusterNetworkPolicy",
        namespaced=False,
        custom=True,
        short=("cnp",),
    ),
    Kind(
        "policy.networking.k8s.io",
        "v1beta1",
        "clusternetworkpolicies",
        "ClusterNetworkPolicy",
        namespaced=False,
        custom=True,
        short=("cnp",),
    ),
    Kind("cilium.io", "v2", "ciliumnetworkpolicies", "CiliumNetworkPolicy", custom=True),
    Kind("cilium.io", "v2", "ciliumclusterwidenetworkpolicies", "CiliumClusterwideNetworkPolicy", False, custom=True),
    Kind("crd.projectcalico.org", "v1", "networkpolicies", "NetworkPolicy", custom=True),
    Kind("crd.projectcalico.org", "v1", "globalnetworkpolicies", "GlobalNetworkPolicy", False, custom=True),
    Kind("projectcalico.org", "v3", "networkpolicies", "NetworkPolicy", custom=True),
    Kind("projectcalico.org", "v3", "globalnetworkpolicies", "GlobalNetworkPolicy", False, custom=True),
    Kind("crd.antrea.io", "v1beta1", "networkpolicies", "NetworkPolicy", custom=True),
    Kind("crd.antrea.io", "v1beta1", "clusternetworkpolicies", "ClusterNetworkPolicy", False, custom=True),
    Kind("security.istio.io", "v1", "authorizationpolicies", "AuthorizationPolicy", custom=True),
    Kind("k8s.ovn.org", "v1", "egressfirewalls", "EgressFirewall", custom=True),
)


class Kinds:
    """The kinds served at this moment. Not thread-safe: its Store guards it."""

    def __init__(self) -> None:
        self._served: dict[tuple[str, str, str], Kind] = {}
        self._by_object: dict[tuple[str, str], Kind] = {}
        for kind in BUILT_IN:
            self.add(kind)

    def add(self, kind: Kind) -> None:
        """Serve a kind."""
        self._served[kind.group, kind.version, kind.plural] = kind
        self._by_object[kind.api_version, kind.kind] = kind

    def remove(self, kind: Kind) -> None:
        """Serve a kind no longer."""
        self._served.pop((kind.group, kind.version, kind.plural), None)
        self._by_object.pop((kind.api_version, kind.kind), None)

    def at(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind served at a path, if there is one."""
        return self._served.get((group, version, plural))

    def of_object(self, api_version: str, kind: str) -> Kind | None:
        """The served kind of an object, by what it says of itself."""
        return self._by_object.get((api_version, kind))

    def named(self, name: str) -> Kind | None:
        """The served kind called ``Kind``, ``Kind.group`` or ``Kind.group/version``: the first one that fits."""
        word, _, place = name.partition(".")
        for kind in self._served.values():
            if kind.kind == word and place in ("", kind.group, kind.api_version):
                return kind
        return None

    def name_of(self, kind: Kind) -> str:
        """The shortest name by which `named` finds a kind."""
        names = (kind.kind, f"{kind.kind}.{kind.group}", f"{kind.kind}.{kind.api_version}")
        return next(name for name in names if self.named(name) == kind)

    def versions(self, kind: Kind) -> tuple[Kind, ...]:
        """The kind at every version that is served."""
        return tuple(k for k in self._served.values() if (k.group, k.plural) == (kind.group, kind.plural))

    def all(self) -> tuple[Kind, ...]:
        """Every kind served."""
        return tuple(self._served.values())


def known_custom(api_version: str, kind: str) -> Kind | None:
    """The custom kind of an object that is known but not served yet."""
    return next((k for k in KNOWN_CUSTOM if (k.api_version, k.kind) == (api_version, kind)), None)


def definition(kind: Kind, versions: list[str]) -> dict[str, Any]:
    """The CustomResourceDefinition that says a kind is served, in these versions."""
    names = {"plural": kind.plural, "singular": kind.kind.lower(), "kind": kind.kind, "listKind": f"{kind.kind}List"}
    return {
        "apiVersion": CRD[0],
        "kind": CRD[1],
        "metadata": {"name": kind.grouped_name},
        "spec": {
            "group": kind.group,
            "names": {**names, "shortNames": list(kind.short)} if kind.short else names,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "versions": [{"name": name, "served": True, "storage": name == kind.version} for name in versions],
        },
        "status": {"conditions": [{"type": "Established", "status": "True", "reason": "InitialNamesAccepted"}]},
    }
