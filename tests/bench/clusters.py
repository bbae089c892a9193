"""Clusters to measure on: a List of a file, or one of the same shape made here, the same each time."""

from __future__ import annotations

import ipaddress
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

Raw = dict[str, Any]

#: Roles of workloads: the tier they wear, and the port they serve.
_ROLES: Final = {
    "router": ("edge", "http", 8080),
    "llm": ("serving", "http", 8000),
    "embedder": ("serving", "grpc", 9000),
    "trainer": ("training", "nccl", 29500),
    "loader": ("training", "grpc", 7070),
    "features": ("data", "grpc", 6566),
    "vectors": ("data", "grpc", 19530),
    "registry": ("control", "http", 5000),
    "notebook": ("lab", "http", 8888),
    "evals": ("lab", "metrics", 9090),
}
_ENVIRONMENTS: Final = ("prod", "stage", "dev")


@dataclass(frozen=True)
class Cluster:
    """Raw objects of a cluster."""

    objects: Sequence[Raw]

    @cached_property
    def counts(self) -> Counter[str]:
        """How many objects there are of each kind."""
        return Counter(each["kind"] for each in self.objects)

    def of(self, kind: str) -> list[Raw]:
        return [each for each in self.objects if each["kind"] == kind]

    def ends(self) -> list[str]:
        """The pods, as the command line names them."""
        return [f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for pod in self.of("Pod")]

    def __str__(self) -> str:
        counts = self.counts
        return f"{counts['Namespace']:,} namespaces, {counts['Pod']:,} pods, {counts['NetworkPolicy']:,} policies"

    def write_json(self, path: Path) -> Path:
        """Write it as one List."""
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": self.objects}, separators=(",", ":")))
        return path

    def write_yaml(self, path: Path) -> Path:
        """Write it as YAML documents, as kubectl would."""
        import yaml

        class Dumper(yaml.CSafeDumper):
            def ignore_aliases(self, data: Any) -> bool:
                return True

        with path.open("w") as file:
            yaml.dump_all(self.objects, file, Dumper=Dumper, sort_keys=False, explicit_start=True)
        return path


def load(path: Path) -> Cluster:
    """The cluster of a file that holds one List as JSON."""
    return Cluster(json.loads(path.read_text())["items"])


def generate(namespaces: int, *, workloads: int, replicas: int, policies: int = 10) -> Cluster:
    """A cluster of so many namespaces, workloads in each, replicas of each, and policies in each namespace."""
    chance = random.Random(f"{namespaces}/{workloads}/{replicas}/{policies}")
    addresses = ipaddress.ip_network("10.0.0.0/8").hosts()
    objects: list[Raw] = []
    for number in range(namespaces):
        name = f"tenant-{number:03d}"
        env = _ENVIRONMENTS[number % len(_ENVIRONMENTS)]
        labels = {"kubernetes.io/metadata.name": name, "team": f"team-{number % 40}", "env": env}
        objects.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        for place in range(workloads):
            objects.extend(_workload(chance, addresses, name, place, replicas))
        objects.extend(_policies(name, labels["team"], policies))
    return Cluster(objects)


def _workload(
    chance: random.Random, addresses: Iterator[Any], namespace: str, place: int, replicas: int
) -> Iterator[Raw]:
    role = list(_ROLES)[place % len(_ROLES)]
    tier, port_name, port = _ROLES[role]
    name = role if place < len(_ROLES) else f"{role}-{place}"
    mark = _mark(chance, 9)
    labels = {"app": name, "role": role, "tier": tier, "version": chance.choice(("v1", "v2"))}
    if tier in ("serving", "training"):
        labels["model"] = chance.choice(("llama", "mistral", "bert", "whisper"))
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{name}-{mark}", "uid": mark, "controller": True}
    container = {
        "name": "main",
        "image": f"registry.local/{role}:1",
        "ports": [{"name": port_name, "containerPort": port}, {"name": "health", "containerPort": 9091}],
    }
    for _ in range(replicas):
        address = str(next(addresses))
        node = chance.randrange(200)
        yield {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{name}-{mark}-{_mark(chance, 5)}",
                "namespace": namespace,
                "labels": {**labels, "pod-template-hash": mark},
                "ownerReferences": [owner],
            },
            "spec": {"nodeName": f"node-{node:03d}", "containers": [container]},
            "status": {
                "phase": "Running",
                "hostIP": f"192.168.0.{node + 1}",
                "podIP": address,
                "podIPs": [{"ip": address}],
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }


def _mark(chance: random.Random, length: int) -> str:
    """What controllers append to names: no vowels, so no words; no digits either, which YAML may take for a number."""
    return "".join(chance.choices("bcdfghjklmnpqrstvwxz", k=length))


def _policies(namespace: str, team: str, count: int) -> Iterator[Raw]:
    dns = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "tenant-000"}}}
    outside = {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "169.254.169.254/32"]}}
    everything: Raw = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    shapes: list[Raw] = [
        everything,
        {
            "podSelector": {},
            "policyTypes": ["Egress"],
            "egress": [{"to": [dns], "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}],
        },
        _ingress({"tier": "serving"}, [{"podSelector": {"matchLabels": {"tier": "edge"}}}], {"port": "http"}),
        _ingress({"tier": "data"}, [_peer({"team": team}, {"tier": "serving"})], {"port": 6566}),
        _ingress({"tier": "data"}, [_peer({"team": team}, {"tier": "training"})], {"port": 19530}),
        _ingress({"tier": "training"}, [{"podSelector": {"matchLabels": {"tier": "training"}}}], {"port": 29500}),
        _egress({"tier": "training"}, [{"podSelector": {}}], {"port": 1024, "endPort": 32767}),
        _egress({"tier": "serving"}, [_peer({"team": team}, {"tier": "data"})], {"port": 6566}),
        _egress({"tier": "edge"}, [outside], {"port": 443}),
        _ingress({"role": "registry"}, [_peer({"env": "prod"}, {})], {"port": "http"}),
    ]
    for number in range(count):
        yield {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": f"rule-{number:02d}", "namespace": namespace},
            "spec": shapes[number % len(shapes)],
        }


def _peer(namespaces: dict[str, str], pods: dict[str, str]) -> Raw:
    return {"namespaceSelector": {"matchLabels": namespaces}, "podSelector": {"matchLabels": pods}}


def _ingress(subject: dict[str, str], peers: list[Raw], port: Raw) -> Raw:
    rule = {"from": peers, "ports": [port]}
    return {"podSelector": {"matchLabels": subject}, "policyTypes": ["Ingress"], "ingress": [rule]}


def _egress(subject: dict[str, str], peers: list[Raw], port: Raw) -> Raw:
    return {
        "podSelector": {
            "matchExpressions": [{"key": key, "operator": "In", "values": [value]} for key, value in subject.items()]
        },
        "policyTypes": ["Egress"],
        "egress": [{"to": peers, "ports": [port]}],
    }
