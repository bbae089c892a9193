"""Raw objects for the tests."""

from __future__ import annotations

from typing import Any

from console.objects.meta import ObjectRef


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def pod(ns: str, name: str, **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": ns, "name": name, "labels": labels},
        "spec": {"containers": [{"name": "main", "image": "registry.example/app:1"}]},
        "status": {"phase": "Running"},
    }


def pod_ref(ns: str, name: str) -> ObjectRef:
    return ObjectRef("Pod", ns, name)
