"""Small clusters written as YAML, for tests that ask the engine."""

from __future__ import annotations

from typing import Any

import yaml

from console.objects.coverage import Coverage, Gap
from console.objects.decode import decode
from console.objects.snapshot import Snapshot, build
from console.policy.ends import connection
from console.policy.engine import Engine
from console.policy.verdict import Verdict


def snapshot(text: str, *gaps: Gap) -> Snapshot:
    """The snapshot of the objects in a YAML text."""
    objects = [decode(raw) for raw in yaml.safe_load_all(text) if raw]
    return build([obj for obj in objects if obj is not None], Coverage(gaps))


def ask(cluster: Snapshot, src: str, dst: str, port: str) -> Verdict:
    """The verdict on a question in text."""
    return Engine(cluster).evaluate(connection(src, dst, port, cluster))


def pod(namespace: str, name: str, ip: str = "", *, ports: list[dict[str, Any]] | None = None, **labels: str) -> str:
    """The YAML of a pod, as one document."""
    return document(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"namespace": namespace, "name": name, "labels": labels},
            "spec": {"containers": [{"image": "x", "ports": ports or []}]},
            "status": {"phase": "Running", **({"podIP": ip, "podIPs": [{"ip": ip}]} if ip else {})},
        }
    )


def namespace(name: str, **labels: str) -> str:
    """The YAML of a namespace, as one document."""
    return document({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})


def policy(namespace: str, name: str, spec: str) -> str:
    """The YAML of a NetworkPolicy with a spec in YAML, as one document."""
    meta = {"namespace": namespace, "name": name}
    api = "networking.k8s.io/v1"
    return document({"apiVersion": api, "kind": "NetworkPolicy", "metadata": meta, "spec": yaml.safe_load(spec)})


def document(raw: dict[str, Any]) -> str:
    """Any object as one YAML document."""
    return "---\n" + yaml.safe_dump(raw)
