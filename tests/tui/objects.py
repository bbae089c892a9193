"""Raw objects to write into the demo's store while the console watches."""

from __future__ import annotations

from typing import Any

from console.demo.cluster import DemoCluster
from console.objects.meta import ObjectRef


def pod(namespace: str, name: str, ip: str = "10.250.0.9", **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": namespace, "name": name, "labels": labels},
        "spec": {"containers": [{"name": "main", "image": "example.test/x"}]},
        "status": {
            "phase": "Running",
            "podIP": ip,
            "podIPs": [{"ip": ip}],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def policy(namespace: str, name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"namespace": namespace, "name": name},
        "spec": spec,
    }


def pods_of(demo: DemoCluster, namespace: str, prefix: str) -> list[ObjectRef]:
    return [ref for ref in demo.store.refs("Pod", namespace) if ref.name.startswith(prefix)]
