"""The AI platform of the demo as raw objects: what a cluster of an ML team looks like to an SRE.

The applications stand in `console.demo.stack`, the policies as YAML in the folder
``policies`` beside this module. Everything is the same in every run but the
timestamps, which are relative to `now`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import resources
from types import MappingProxyType
from typing import Final

import yaml

from console.demo.controllers import Controllers
from console.demo.marks import Raw, managed, stamp, uid
from console.demo.pods import NODE_IPS, POD_NETS
from console.demo.services import service, slices
from console.demo.spec import App
from console.demo.stack.notebooks import NOTEBOOKS
from console.demo.stack.platform import INGRESS, KUBEFLOW, OBSERVABILITY, SYSTEM
from console.demo.stack.serving import GATEWAY, SERVING, VECTORS
from console.demo.stack.training import FEATURES, PIPELINES, REGISTRY, TRAINING

_TEAM: Final = "team"
_DOMAIN: Final = "governance.netpol-console.dev/domain"
_DATA: Final = "data-classification"
_PROFILE: Final = "app.kubernetes.io/part-of"

#: The namespaces and the labels their owners gave them.
NAMESPACES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "training": {_TEAM: "ml-research", _DOMAIN: "train-data", _DATA: "confidential", _PROFILE: "kubeflow-profile"},
        "serving": {_TEAM: "inference", _DOMAIN: "prod-model", _DATA: "internal"},
        "feature-store": {_TEAM: "data-platform", _DOMAIN: "train-data", _DATA: "confidential"},
        "vector-db": {_TEAM: "search", _DOMAIN: "retrieval-data", _DATA: "confidential"},
        "gateway": {_TEAM: "inference", _DOMAIN: "external-api", _DATA: "internal"},
        "notebooks": {_TEAM: "data-science", _DATA: "confidential", _PROFILE: "kubeflow-profile"},
        "pipelines": {_TEAM: "ml-platform", _DOMAIN: "train-data", _DATA: "confidential"},
        "registry": {_TEAM: "ml-platform", _DOMAIN: "prod-model", _DATA: "internal"},
        "kubeflow": {_TEAM: "ml-platform", "control-plane": "kubeflow"},
        "observability": {_TEAM: "sre", _DOMAIN: "telemetry"},
        "ingress-nginx": {_TEAM: "sre", "app.kubernetes.io/name": "ingress-nginx"},
        "kube-system": {},
    }
)
_APPS: Final[tuple[App, ...]] = (
    *TRAINING,
    *SERVING,
    *FEATURES,
    *VECTORS,
    *GATEWAY,
    *NOTEBOOKS,
    *PIPELINES,
    *REGISTRY,
    *KUBEFLOW,
    *OBSERVABILITY,
    *INGRESS,
    *SYSTEM,
)
_HOURS_OLD: Final = 4320  # half a year
_POOLS: Final = MappingProxyType({"cpu": "m7i.4xlarge", "h100": "p5.48xlarge", "l4": "g6.12xlarge"})


def platform(now: float) -> Iterator[Raw]:
    """Every object of the platform at moment 0, which is `now` (seconds since the epoch)."""
    created = stamp(now - _HOURS_OLD * 3600)
    for name, labels in NAMESPACES.items():
        yield _namespace(name, labels, created)
    for name, address in NODE_IPS.items():
        yield _node(name, address, created)
    controllers = Controllers(now)
    pods: dict[str, list[Raw]] = {}
    number = 0
    for app in _APPS:
        for obj in controllers.expand(app):
            if obj["kind"] == "Pod":
                pods.setdefault(app.namespace, []).append(obj)
            yield obj
    for app in _APPS:
        for svc in app.services:
            made = service(app, svc, number, now)
            number += 1
            yield made
            yield from slices(made, pods[app.namespace])
    yield from policies(now)


def policies(now: float) -> Iterator[Raw]:
    """The NetworkPolicies, read from their YAML."""
    for entry in sorted(resources.files("console.demo").joinpath("policies").iterdir(), key=lambda file: file.name):
        # The same loader in C; every wheel of PyYAML has it.
        for obj in yaml.load_all(entry.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader):
            yield _as_applied(obj, now)


def _as_applied(policy: Raw, now: float) -> Raw:
    metadata = policy["metadata"]
    by = "helm" if (metadata.get("labels") or {}).get("app.kubernetes.io/managed-by") == "Helm" else "argocd-controller"
    age = 24 * (40 + len(metadata["name"]))  # all of them old, none as old as the next
    created = stamp(now - age * 3600)
    served = {
        "uid": uid("NetworkPolicy", metadata["namespace"], metadata["name"]),
        "generation": 1,
        "creationTimestamp": created,
        "managedFields": managed(by, policy["apiVersion"], created),
    }
    return {**policy, "metadata": {**metadata, **served}}


def _namespace(name: str, labels: Mapping[str, str], created: str) -> Raw:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "uid": uid("Namespace", name),
            "creationTimestamp": created,
            "labels": dict(labels),
            "managedFields": managed("argocd-controller", "v1", created),
        },
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def _node(name: str, address: str, created: str) -> Raw:
    pool = name.split("-")[1]
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": _POOLS[pool],
        "topology.kubernetes.io/region": "eu-1",
        "pool": pool,
    }
    if pool != "cpu":
        labels["nvidia.com/gpu.present"] = "true"
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "uid": uid("Node", name),
            "creationTimestamp": created,
            "labels": labels,
            "managedFields": managed("kubelet", "v1", created, status="kubelet"),
        },
        "spec": {"podCIDR": f"{POD_NETS[name]}.0/24"},
        "status": {
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
            "nodeInfo": {"kubeletVersion": "v1.36.0", "osImage": "Ubuntu 24.04.3 LTS"},
        },
    }
