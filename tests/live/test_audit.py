"""The charter held on a real server: who broke it, what a user may know of it, and that asking only reads."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from . import objects
from .client import Client
from .estate import (
    EGRESS,
    MUST,
    NEVER,
    ONLY,
    SECRET,
    STORE,
    TO_ALL,
    TO_STORE,
    TRAINER,
    Ask,
    asking,
    build,
    config,
    next_second,
)
from .promise import breaches
from .rig import ControlPlane, until

FLEET = 520  # more than a page


@pytest.fixture(scope="module")
def plane(planes: Callable[..., ControlPlane]) -> Iterator[ControlPlane]:
    plane = planes()
    build(plane)
    yield plane
    plane.stop()


@pytest.fixture
def admin(plane: ControlPlane) -> Client:
    return plane.server.admin


@pytest.fixture
def ask(plane: ControlPlane, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    return asking(plane, tmp_path, capsys)


@pytest.fixture
def charter(ask: Ask, tmp_path: Path) -> str:
    return str(tmp_path / "charter.yaml")


def test_every_command_answers_with_the_least_rights_and_asks_for_nothing_else(
    plane: ControlPlane, ask: Ask, charter: str, tmp_path: Path
) -> None:
    since = len(plane.server.audit())
    audited = ask("audit", "--charter", charter, "-o", "json", "--fail-on", "fail", "--fail-on", "unknown")
    assert audited.status == 0, audited.err
    assert audited.rules == {NEVER: "pass", MUST: "pass", ONLY: "pass"}
    assert audited.json["coverage"] == []
    roles = {
        each["workload"]: (each["role"], each["pods"]) for each in ask("inventory", "-o", "json").json["workloads"]
    }
    assert roles[TRAINER] == ("training", 2)
    assert roles[STORE] == ("feature-store", 2)
    cells = {(each["from"], each["to"]): each for each in ask("matrix", "--by", "workload", "-o", "json").json["cells"]}
    assert cells[TRAINER, STORE]["ports"] == ["6566/TCP"], "the protocol is the server's default"
    assert cells[TRAINER, "internet"]["outcome"] == "blocked"
    assert cells[STORE, TRAINER]["outcome"] == "blocked"
    reached = ask("reach", TRAINER, "-o", "json").json
    assert [each["workload"] for each in reached["workloads"]] == [STORE]
    assert reached["outside"] == []
    proof = tmp_path / "proof.zip"
    assert ask("evidence", "-o", str(proof), "--charter", charter, "--ask", f"{TRAINER} {STORE} 6566").status == 0
    assert ask("evidence", "verify", str(proof)).status == 0
    written = tmp_path / "written.yaml"
    assert ask("charter", "init", str(written)).status == 0
    assert "feature-store: 6566/TCP" in written.read_text()
    assert ask("audit", "--charter", str(written), "-o", "json").rules[NEVER] == "pass"
    recorded = plane.server.audit()[since:]
    assert recorded
    assert all(each["userAgent"].startswith("netpol-console/") for each in recorded)
    assert {each["verb"] for each in recorded} <= {"get", "list", "watch"}, "nothing had to be reviewed"
    assert {each["responseStatus"]["code"] for each in recorded} == {200}, "nothing was refused"
    assert "secrets" not in {each.get("objectRef", {}).get("resource") for each in recorded}
    assert breaches(recorded) == []


def test_nothing_secret_leaves_the_server_with_evidence(ask: Ask, charter: str, tmp_path: Path) -> None:
    """Pods' environment and annotations come with every list, and are dropped at the door."""
    proof = tmp_path / "proof.zip"
    assert ask("evidence", "-o", str(proof), "--charter", charter).status == 0
    with zipfile.ZipFile(proof) as bundle:
        held = {name: bundle.read(name) for name in bundle.namelist()}
    assert any(b"fit-0" in data for data in held.values())
    assert [name for name, data in held.items() if SECRET.encode() in data] == []


def test_what_one_may_not_read_turns_answers_unknown_and_never_green(
    admin: Client, ask: Ask, charter: str, tmp_path: Path
) -> None:
    """Less is known with each user: all but the policies, one namespace, nothing."""
    seen = "namespaces pods services nodes endpointslices replicasets jobs"
    objects.bind(admin, "operator", [objects.rule("core discovery.k8s.io apps batch", seen, "list", "watch")])
    for user in ("operator", "tenant"):
        audited = ask("audit", "--charter", charter, "-o", "json", user=user)
        assert audited.status == 3
        assert audited.rules == {NEVER: "unknown", MUST: "unknown", ONLY: "unknown"}
        assert any(f'User "{user}" cannot list resource "networkpolicies"' in each for each in audited.json["coverage"])
        assert audited.json["findings"] == [], "what is not there may only not have been seen"
    matrix = ask("matrix", "--by", "workload", "-o", "json", user="operator")
    assert matrix.status == 3
    assert {each["outcome"] for each in matrix.json["cells"]} <= {"unknown", None}
    reached = ask("reach", TRAINER, "-o", "json", user="operator")
    assert reached.status == 3
    assert {each["outcome"] for each in (*reached.json["workloads"], *reached.json["outside"])} == {"unknown"}
    inventory = ask("inventory", "-o", "json", user="tenant")
    assert inventory.status == 3
    assert [each["workload"] for each in inventory.json["workloads"]] == [TRAINER]
    assert inventory.json["unseen"]
    for user, words in (("operator", "not known: feature-store"), ("tenant", "nothing that was read")):
        begun = ask("charter", "init", user=user)
        assert begun.status == 3
        assert f"#   training reaches\n#     {words}" in begun.out
        assert "NOT READ networkpolicies cannot be read" in begun.out
    for command in (("audit", "--charter", charter), ("inventory",), ("matrix",), ("charter", "init")):
        nothing = ask(*command, user="nobody")
        assert (nothing.status, nothing.out) == (3, "")
        assert 'User "nobody" cannot list' in nothing.err


def test_evidence_of_a_part_says_that_it_is_one(ask: Ask, charter: str, tmp_path: Path) -> None:
    proof = tmp_path / "part.zip"
    made = ask("evidence", "-o", str(proof), "--charter", charter, user="tenant")
    assert made.status == 3
    assert "made of a part only" in made.err
    verified = ask("evidence", "verify", str(proof))
    assert verified.status == 0
    assert "not read: networkpolicies cannot be read, but for 1 namespace" in verified.out


def test_the_replica_on_the_last_page_is_judged_as_the_first(
    plane: ControlPlane, admin: Client, ask: Ask, charter: str
) -> None:
    """520 replicas behind one policy; the last of them slips out of it."""
    path = "/api/v1/namespaces/fleet/pods"
    objects.add_namespace(admin, "fleet")
    template = objects.pod("one", {"app": "fleet", "fenced": "yes"}, owner=("apps/v1", "StatefulSet", "fleet"))
    template["metadata"]["labels"]["governance.netpol-console.dev/role"] = "training"
    objects.add_pod(admin, "fleet", template, "10.9.0.1")
    objects.add_policy(
        admin,
        "fleet",
        objects.policy("fence", {"podSelector": {"matchLabels": {"fenced": "yes"}}, "policyTypes": ["Egress"]}),
    )
    served = admin.get(f"{path}/one").json
    names = (("fleet", f"pod-{number:03}", f"10.9.{number // 250}.{number % 250 + 2}") for number in range(FLEET))
    plane.etcd.put(objects.stored_copies(served, names))
    until("all are served", lambda: len(admin.get(path).json["items"]) == FLEET + 1)
    assert ask("audit", "--charter", charter, "-o", "json").rules[NEVER] == "pass"
    since = len(plane.server.audit())
    admin.patch(f"{path}/pod-{FLEET - 1:03}", {"metadata": {"labels": {"fenced": None}}})
    audited = ask("audit", "--charter", charter, "-o", "json")
    assert audited.status == 1
    (rule,) = (each for each in audited.json["rules"] if each["name"] == NEVER)
    assert [(each["from"], each["to"], each["outcome"]) for each in rule["offences"]] == [
        ("fleet/statefulset/fleet", "internet", "partial")
    ]
    pages = [
        each["requestURI"]
        for each in plane.server.audit()[since:]
        if each["verb"] == "list" and each["objectRef"]["resource"] == "pods"
    ]
    assert len(pages) > 1
    assert all("limit=" in page for page in pages)
    assert sum("continue=" in page for page in pages) == len(pages) - 1
    admin.ask("DELETE", path, query={"gracePeriodSeconds": 0})
    admin.delete(objects.NETWORK_POLICIES.format("fleet") + "/fence")


class _Watch:
    """``audit --watch`` in a process of its own: its lines, as they come."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def line(self, *, seconds: float) -> Any:
        """The next line; queue.Empty where none comes within so many seconds."""
        return json.loads(self._lines.get(timeout=seconds))

    def turned(self, rule: str, *, seconds: float = 15) -> tuple[dict[str, Any], list[str]]:
        """The next turn of a rule, and all changes since the last line before it."""
        while True:
            line = self.line(seconds=seconds)
            for turn in line["turned"]:
                if turn["name"] == rule:
                    return turn, line["changes"]


@contextmanager
def _watching(path: Path, charter: str) -> Iterator[_Watch]:
    command = [sys.executable, "-m", "console", "audit", "--watch", "--kubeconfig", str(path), "--charter", charter]
    environment = {**os.environ, "HOME": str(path.parent)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield _Watch(process)
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
            assert process.stderr is not None
            assert "Traceback" not in process.stderr.read()
        finally:
            process.kill()


def test_a_rule_that_breaks_is_told_with_who_broke_it(
    plane: ControlPlane, admin: Client, ask: Ask, charter: str, tmp_path: Path
) -> None:
    """Managers as the server itself notes them: of an update, of server-side apply, and never of a status."""
    pod = "/api/v1/namespaces/train/pods/fit-0"
    with _watching(config(plane, tmp_path, "least"), charter) as watch:
        first = watch.line(seconds=60)
        assert {each["name"]: each["status"] for each in first["rules"]} == {NEVER: "pass", MUST: "pass", ONLY: "pass"}

        # Two within a second, as far as the server tells; it orders them by name.
        next_second()
        admin.patch(EGRESS, {"metadata": {"labels": {"seen": "yes"}}}, manager="zz-labeller")
        admin.patch(EGRESS, {"spec": TO_ALL}, manager="kubectl-edit")
        turn, changes = watch.turned(NEVER)
        assert (turn["was"], turn["status"]) == ("pass", "fail")
        (offence,) = turn["opened"]
        assert (offence["source"], offence["destination"], offence["ports"]) == (TRAINER, "internet", "443/TCP")
        assert offence["policies"]
        assert offence["because"] is not None
        assert "train/egress" in offence["because"]
        assert "(kubectl-edit)" in offence["because"]
        assert any("train/egress" in each and "(kubectl-edit)" in each for each in changes)

        next_second()
        metadata = {"name": "egress", "namespace": "train"}
        applied = {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": metadata,
            "spec": TO_STORE,
        }
        admin.apply(EGRESS, applied, manager="argocd-controller")
        turn, changes = watch.turned(NEVER)
        assert (turn["was"], turn["status"]) == ("fail", "pass")
        assert any("train/egress" in each and "(argocd-controller)" in each for each in changes)

        # A kubelet writes the pod's status after the label changed: it is not the one who opened the path.
        next_second()
        admin.create(
            objects.NETWORK_POLICIES.format("train"),
            objects.policy("hub", {**TO_ALL, "podSelector": {"matchLabels": {"egress": "hub"}}}),
        )
        next_second()
        admin.patch(pod, {"metadata": {"labels": {"egress": "hub"}}}, manager="kubectl-label")
        next_second()
        admin.patch(f"{pod}/status", {"status": {"message": "seen"}}, manager="kubelet")
        turn, changes = watch.turned(NEVER)
        assert (turn["was"], turn["status"]) == ("pass", "fail")
        (offence,) = turn["opened"]
        assert offence["outcome"] == "partial", "one replica of two"
        assert any("label egress: (none) → hub" in each and "(kubectl-label)" in each for each in changes)
        assert "kubelet" not in offence["because"]

        admin.delete(objects.NETWORK_POLICIES.format("train") + "/hub")
        turn, changes = watch.turned(NEVER)
        assert (turn["was"], turn["status"]) == ("fail", "pass")
    admin.patch(pod, {"metadata": {"labels": {"egress": None}}})
