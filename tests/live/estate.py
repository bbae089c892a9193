"""A small AI estate on a real server, a charter for it, and the command line that asks about it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from console.cli import main
from console.governance.roles import ROLE_LABEL

from . import kubeconfig, objects
from .client import Client
from .rig import ControlPlane, until

HERE = Path(__file__).parent
TRAINER, STORE = "train/statefulset/fit", "store/statefulset/features"
NEVER, MUST, ONLY = "training never reaches the internet", "training reads the store", "only training reaches the store"
CHARTER = f"""
charter: estate
rules:
  - {{name: {NEVER}, from: "role:training", never: internet, severity: critical}}
  - {{name: {MUST}, from: "role:training", must: "role:feature-store", ports: [6566]}}
  - {{name: {ONLY}, to: "role:feature-store", only: "role:training"}}
exceptions: []
"""
#: What nothing of the console may ever hold.
SECRET = "hunter2"
_DENY: objects.Raw = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
#: Without types and protocol, which are for the server to fill in.
_FROM_TRAINING: objects.Raw = {
    "podSelector": {},
    "ingress": [
        {
            "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "train"}}}],
            "ports": [{"port": 6566}],
        }
    ],
}
TO_STORE: objects.Raw = {
    "podSelector": {},
    "policyTypes": ["Egress"],
    "egress": [
        {
            "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "store"}}}],
            "ports": [{"port": 6566}],
        }
    ],
}
TO_ALL: objects.Raw = {**TO_STORE, "egress": [*TO_STORE["egress"], {"ports": [{"port": 443}]}]}
EGRESS = objects.NETWORK_POLICIES.format("train") + "/egress"


def policies() -> list[objects.Raw]:
    """The estate's policies, as files have them."""
    specs = {
        ("train", "deny"): _DENY,
        ("train", "egress"): TO_STORE,
        ("store", "from-training"): _FROM_TRAINING,
        ("serve", "deny"): _DENY,
    }
    return [
        {**(raw := objects.policy(name, spec)), "metadata": {**raw["metadata"], "namespace": where}}
        for (where, name), spec in specs.items()
    ]


def pods() -> list[tuple[str, objects.Raw, str]]:
    """Namespace, pod and address."""
    found = []
    workloads: tuple[tuple[str, str, str, int, dict[str, int]], ...] = (
        ("train", "fit", "training", 2, {}),
        ("store", "features", "feature-store", 2, {"grpc": 6566}),
        ("serve", "api", "serving", 1, {}),
    )
    for subnet, (where, name, role, replicas, ports) in enumerate(workloads, start=1):
        for number in range(replicas):
            raw = objects.pod(
                f"{name}-{number}",
                {"app": name, ROLE_LABEL: role},
                ports=ports,
                owner=("apps/v1", "StatefulSet", name),
            )
            raw["metadata"]["annotations"] = {"note": SECRET}
            raw["spec"]["containers"][0]["env"] = [{"name": "PASSWORD", "value": SECRET}]
            found.append((where, raw, f"10.{subnet}.0.{number + 1}"))
    return found


def build(plane: ControlPlane) -> None:
    """The estate, and its users: `least` may list and watch all that the console reads, `tenant` only train."""
    admin = plane.server.admin
    for where in ("train", "store", "serve"):
        objects.add_namespace(admin, where)
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"key": SECRET}}
        admin.create(f"/api/v1/namespaces/{where}/secrets", secret)
    for where, raw, address in pods():
        objects.add_pod(admin, where, raw, address)
    for raw in policies():
        objects.add_policy(admin, raw["metadata"]["namespace"], raw)
    for file, where in (("least-rbac.yaml", ""), ("least-rbac-namespace.yaml", "train")):
        base = "/apis/rbac.authorization.k8s.io/v1" + (f"/namespaces/{where}" if where else "")
        for raw in yaml.safe_load_all((HERE / file).read_text()):
            admin.create(f"{base}/{raw['kind'].lower()}s", raw)


def edit(admin: Client, spec: objects.Raw, manager: str) -> None:
    """Let somebody change what training may reach."""
    next_second()
    admin.patch(EGRESS, {"spec": spec}, manager=manager)


def next_second() -> None:
    """managedFields tell whole seconds: of two who write within one, nobody can say who was the last."""
    now = int(time.time())
    until("the next second", lambda: int(time.time()) > now, seconds=2)


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def rules(self) -> dict[str, str]:
        """Of an audit: what became of each rule."""
        return {rule["name"]: rule["status"] for rule in self.json["rules"]}


Ask = Callable[..., Said]


def asking(plane: ControlPlane, folder: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """The command line on the estate, as a user of the token file, or on a recording."""
    (folder / "charter.yaml").write_text(CHARTER)

    def ask(*arguments: str, user: str = "least") -> Said:
        live = () if "--recording" in arguments else ("--kubeconfig", str(config(plane, folder, user)))
        capsys.readouterr()
        status = main([*arguments, *live])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Said(status, out, err)

    return ask


def config(plane: ControlPlane, folder: Path, user: str) -> Path:
    """A kubeconfig of a user, whose namespace is train."""
    return kubeconfig.write(
        folder / f"{user}.config", kubeconfig.context("estate", plane.server, user, namespace="train")
    )
