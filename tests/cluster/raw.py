"""Raw objects as an API server would store them."""

from __future__ import annotations

from typing import Any

from console.objects.meta import ObjectRef


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def pod(space: str, name: str, **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": space, "name": name, "labels": labels},
        "spec": {"containers": [{"name": "main", "image": "registry.example/app:1", "ports": [{"containerPort": 80}]}]},
        "status": {"phase": "Running"},
    }


def policy(space: str, name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"namespace": space, "name": name},
        "spec": {"podSelector": {}, **spec},
    }


def service(space: str, name: str, port: int = 80) -> dict[str, Any]:
    spec = {"selector": {"app": name}, "ports": [{"port": port}], "clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": space, "name": name}, "spec": spec}


def pod_ref(space: str, name: str) -> ObjectRef:
    return ObjectRef("Pod", space, name)
