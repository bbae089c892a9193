"""What the API server fills in where an object leaves it out."""

from __future__ import annotations

from typing import Any


def fill(obj: dict[str, Any]) -> dict[str, Any]:
    """The object with its defaults. Parts of a wrong type stay as they are: old clusters hold such objects.

    NetworkPolicy: ``policyTypes`` and the protocol of ports (``pkg/apis/networking/v1/defaults.go``).
    Namespace: the name label (``pkg/apis/core/v1/defaults.go``, since 1.21).
    """
    if obj.get("kind") == "Namespace":
        metadata = obj["metadata"]
        labels = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata["name"]}
        return {**obj, "metadata": {**metadata, "labels": labels}}
    if obj.get("kind") == "NetworkPolicy" and obj.get("apiVersion") == "networking.k8s.io/v1":
        spec = obj.get("spec")
        return {**obj, "spec": _policy_spec(spec)} if isinstance(spec, dict) else obj
    return obj


def _policy_spec(spec: dict[str, Any]) -> dict[str, Any]:
    filled = dict(spec)
    for direction in ("ingress", "egress"):
        rules = filled.get(direction)
        if isinstance(rules, list):
            filled[direction] = [_rule(rule) for rule in rules]
    if not filled.get("policyTypes"):
        filled["policyTypes"] = ["Ingress", "Egress"] if filled.get("egress") else ["Ingress"]
    return filled


def _rule(rule: Any) -> Any:
    if not isinstance(rule, dict) or not isinstance(rule.get("ports"), list):
        return rule
    ports = [{"protocol": "TCP", **port} if isinstance(port, dict) else port for port in rule["ports"]]
    return {**rule, "ports": ports}
