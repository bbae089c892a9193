"""Raw Kubernetes objects, and the requests that put them into a cluster."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .client import Answer, Client

Raw = dict[str, Any]

NETWORK_POLICIES = "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def namespace(name: str, **labels: str) -> Raw:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def pod(
    name: str,
    labels: Mapping[str, str] | None = None,
    *,
    ports: Mapping[str, int] | None = None,
    node: str = "node-1",
    owner: tuple[str, str, str] | None = None,
    host_network: bool = False,
) -> Raw:
    """`ports` are names and TCP numbers; `owner` is apiVersion, kind and name of its controller."""
    declared = [{"name": key, "containerPort": number} for key, number in (ports or {}).items()]
    raw: Raw = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": dict(labels or {})},
        "spec": {
            "nodeName": node,
            "containers": [{"name": "main", "image": "registry.example/main:1", "ports": declared}],
        },
    }
    if host_network:
        raw["spec"]["hostNetwork"] = True
    if owner:
        version, kind, owner_name = owner
        raw["metadata"]["ownerReferences"] = [
            {
                "apiVersion": version,
                "kind": kind,
                "name": owner_name,
                "uid": str(uuid.uuid5(uuid.NAMESPACE_OID, owner_name)),
                "controller": True,
            }
        ]
    return raw


def status(*addresses: str, phase: str = "Running") -> Raw:
    """What a kubelet would report: the phase and the pod's addresses."""
    found: Raw = {
        "phase": phase,
        "hostIP": "192.0.2.1",
        "conditions": [{"type": "Ready", "status": "True" if phase == "Running" else "False"}],
    }
    if addresses:
        found |= {"podIP": addresses[0], "podIPs": [{"ip": address} for address in addresses]}
    return found


def policy(name: str, spec: Raw) -> Raw:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": spec,
    }


def add_namespace(admin: Client, name: str, **labels: str) -> None:
    """There afterwards, with these labels, whether it was there before or not."""
    if admin.create("/api/v1/namespaces", namespace(name, **labels), exist_ok=True).status == 409:
        admin.patch(f"/api/v1/namespaces/{name}", {"metadata": {"labels": labels}})


def add_pod(admin: Client, where: str, raw: Raw, *addresses: str, phase: str = "Running") -> Answer:
    """Create a pod and report its status, as scheduler and kubelet would."""
    admin.create(f"/api/v1/namespaces/{where}/pods", raw)
    path = f"/api/v1/namespaces/{where}/pods/{raw['metadata']['name']}/status"
    return admin.patch(path, {"status": status(*addresses, phase=phase)})


def add_policy(admin: Client, where: str, raw: Raw) -> Answer:
    return admin.create(NETWORK_POLICIES.format(where), raw)


def stored_copies(template: Raw, names: Iterator[tuple[str, str, str]]) -> Iterator[tuple[str, Raw]]:
    """Copies of a served pod under etcd's keys: (namespace, name, address) each, with uids of their own."""
    for where, name, address in names:
        metadata = {key: value for key, value in template["metadata"].items() if key != "resourceVersion"}
        metadata |= {"namespace": where, "name": name, "uid": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{where}/{name}"))}
        addressed = {**template["status"], "podIP": address, "podIPs": [{"ip": address}]}
        yield f"/registry/pods/{where}/{name}", {**template, "metadata": metadata, "status": addressed}


def bind(admin: Client, user: str, rules: list[Raw], *, where: str = "", role: str = "") -> None:
    """Grant `rules` to a user, cluster-wide or in one namespace."""
    name = role or f"{user}-{where or 'everywhere'}"
    kind = "Role" if where else "ClusterRole"
    base = "/apis/rbac.authorization.k8s.io/v1" + (f"/namespaces/{where}" if where else "")
    metadata = {"name": name}
    admin.create(
        f"{base}/{kind.lower()}s",
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata, "rules": rules},
    )
    admin.create(
        f"{base}/{kind.lower()}bindings",
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": f"{kind}Binding",
            "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
        },
    )


def rule(groups: str, resources: str, *verbs: str) -> Raw:
    """A rule of RBAC; groups and resources are separated by blanks, ``core`` stands for the core group."""
    return {
        "apiGroups": ["" if group == "core" else group for group in groups.split()],
        "resources": resources.split(),
        "verbs": list(verbs) or ["get", "list", "watch"],
    }


def crd(group: str, plural: str, kind: str, *, version: str, namespaced: bool = False) -> Raw:
    """The least a CRD needs to be served; its objects keep whatever is in their spec."""
    metadata: Raw = {"name": f"{plural}.{group}"}
    if group.endswith((".k8s.io", ".kubernetes.io")):
        # The server refuses these groups without the note that their owners put there.
        metadata["annotations"] = {"api-approved.kubernetes.io": "unapproved, a live test"}
    keeps_all = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": {
            "group": group,
            "scope": "Namespaced" if namespaced else "Cluster",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": keeps_all}}},
                }
            ],
        },
    }


def replay(admin: Client, raws: Iterable[Raw]) -> None:
    """Create objects as another cluster served them: without what that server had added, with what kubelets report."""
    paths: dict[tuple[str, str], tuple[str, bool]] = {}
    for raw in raws:
        version, kind = raw["apiVersion"], raw["kind"]
        if (version, kind) not in paths:
            base = f"/apis/{version}" if "/" in version else f"/api/{version}"
            for entry in admin.get(base).json["resources"]:
                if "/" not in entry["name"]:
                    paths[version, entry["kind"]] = (f"{base}/{{}}{entry['name']}", entry["namespaced"])
        path, namespaced = paths[version, kind]
        metadata = {key: raw["metadata"][key] for key in ("name", "labels", "annotations") if key in raw["metadata"]}
        if "ownerReferences" in raw["metadata"]:
            metadata["ownerReferences"] = raw["metadata"]["ownerReferences"]
        where = path.format(f"namespaces/{raw['metadata']['namespace']}/" if namespaced else "")
        body = {key: value for key, value in raw.items() if key not in ("metadata", "status")} | {"metadata": metadata}
        if admin.create(where, body, exist_ok=True).status == 409:
            admin.patch(f"{where}/{metadata['name']}", {"metadata": {"labels": metadata.get("labels", {})}})
        if kind in ("Pod", "Node"):
            admin.patch(f"{where}/{metadata['name']}/status", {"status": raw["status"]})
