"""Clusters of the sizes that tools are compared on, by a generator that lies beside the checkout, or is named."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any, Final

Raw = dict[str, Any]
#: Namespaces, workloads in each, pods of each, policies in each namespace.
SIZES: Final = {
    "S": (10, 5, 4, 5),
    "M": (50, 8, 5, 10),
    "L": (200, 10, 5, 10),
    "XL": (500, 10, 10, 10),
    "100k": (1000, 10, 10, 10),
}
_BESIDE: Final = Path(__file__).parents[3] / "shared" / "bench" / "gen_cluster.py"


class NoGenerator(Exception):
    """The generator is not there; says where it was looked for."""


def generate(shape: tuple[int, int, int, int], given: Path | None, *, tiers: bool, folder: Path) -> Path:
    """A folder with ``namespaces.json``, ``pods.json`` and ``policies.json``, each a List. Raises NoGenerator."""
    path = given or _BESIDE
    if not path.is_file():
        raise NoGenerator(f"there is no {path}: name gen_cluster.py by --generator")
    spec = importlib.util.spec_from_file_location("gen_cluster", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    namespaces, pods, policies = module.make(*shape)
    folder.mkdir()
    for name, objects in (
        ("namespaces", namespaces),
        ("pods", pods),
        ("policies", [*policies, *(all_tiers() if tiers else ())]),
    ):
        listed = {"apiVersion": "v1", "kind": "List", "items": objects}
        (folder / f"{name}.json").write_text(json.dumps(listed, separators=(",", ":")))
    return folder


def all_tiers() -> list[Raw]:
    """Policies of the admin and the baseline tier over every namespace of tenants."""
    tenants: Raw = {"namespaces": {"matchLabels": {"tier": "tenant"}}}

    def pods(**labels: str) -> Raw:
        return {"pods": {"namespaceSelector": {}, "podSelector": {"matchLabels": labels}}}

    def env(name: str) -> Raw:
        return {"namespaces": {"matchLabels": {"env": name}}}

    monitoring: Raw = {"namespaces": {"matchLabels": {"purpose": "monitoring"}}}
    return [
        _admin("scrape", 1, tenants, ingress=[_rule("Allow", "from", [monitoring], port=9090)]),
        _admin("metadata", 2, tenants, egress=[_rule("Deny", "to", [{"networks": ["169.254.169.254/32"]}])]),
        _admin("prod-from-dev", 3, env("prod"), ingress=[_rule("Deny", "from", [env("dev")])]),
        _admin("pii", 4, pods(pii="true"), egress=[_rule("Deny", "to", [{"networks": ["172.16.0.0/12"]}])]),
        _admin("trainers", 5, pods(tier="training"), ingress=[_rule("Pass", "from", [env("prod")], port=29500)]),
        _admin("hub", 6, env("dev"), egress=[_rule("Allow", "to", [{"domainNames": ["*.example.com"]}], port=443)]),
        {
            "apiVersion": "policy.networking.k8s.io/v1alpha1",
            "kind": "BaselineAdminNetworkPolicy",
            "metadata": {"name": "default"},
            "spec": {"subject": tenants, "ingress": [_rule("Deny", "from", [env("stage")])]},
        },
    ]


def _rule(action: str, key: str, peers: list[Raw], *, port: int | None = None) -> Raw:
    return {"action": action, key: peers} | ({"ports": [{"portNumber": {"port": port}}]} if port else {})


def _admin(name: str, priority: int, subject: Raw, **rules: list[Raw]) -> Raw:
    return {
        "apiVersion": "policy.networking.k8s.io/v1alpha1",
        "kind": "AdminNetworkPolicy",
        "metadata": {"name": name},
        "spec": {"subject": subject, "priority": priority, **rules},
    }
