"""The console itself on a real cluster, from end to end, and the command line beside it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from console.cluster.contexts import load_context
from console.cluster.live import LiveSource
from console.cluster.steps import Timing
from console.tui.screens.simulate import SimulateScreen
from console.tui.widgets.pane import TextPane
from tests.tui.driver import Driver, console

from . import kubeconfig, objects
from .client import Client
from .rig import ControlPlane, free_ports

WHERE = "shop"
QUICK = Timing(backoff_min=0.1, backoff_max=0.5)
BOX = {"podSelector": {"matchLabels": {"app": "box"}}}
FROM_FRIEND = {"from": [{"podSelector": {"matchLabels": {"app": "friend"}}}]}


@pytest.fixture(scope="module")
def plane(planes: Callable[..., ControlPlane]) -> Iterator[ControlPlane]:
    plane = planes()
    admin = plane.server.admin
    objects.bind(admin, "auditor", [objects.rule("*", "*")])
    objects.add_namespace(admin, WHERE)
    apps = "/apis/apps/v1/namespaces/shop"
    labels = {"app": "box"}
    template = {"metadata": {"labels": labels}, "spec": objects.pod("x")["spec"]}
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "box", "uid": "0", "controller": True}
    for kind, name, owners in (("Deployment", "box", []), ("ReplicaSet", "box-5d4f", [owner])):
        metadata = {"name": name, "labels": labels, "ownerReferences": owners}
        spec = {"selector": {"matchLabels": labels}, "template": template}
        raw = {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}
        admin.create(f"{apps}/{kind.lower()}s", raw)
    replica_set = ("apps/v1", "ReplicaSet", "box-5d4f")
    for number in (1, 2):
        raw = objects.pod(f"box-5d4f-{number}", labels, ports={"http": 8080}, owner=replica_set)
        objects.add_pod(admin, WHERE, raw, f"10.1.0.{number}")
    objects.add_pod(admin, WHERE, objects.pod("friend", {"app": "friend"}), "10.1.0.11")
    objects.add_pod(admin, WHERE, objects.pod("stranger", {"app": "stranger"}), "10.1.0.12")
    yield plane
    plane.stop()


@pytest.fixture
def admin(plane: ControlPlane) -> Client:
    return plane.server.admin


@pytest.fixture
def config(plane: ControlPlane, tmp_path: Path) -> Path:
    (dead,) = free_ports(1)
    nowhere = kubeconfig.Context("dead", f"https://127.0.0.1:{dead}", plane.server.ca, kubeconfig.token("x"))
    live = kubeconfig.context("real", plane.server, "auditor", namespace=WHERE)
    return kubeconfig.write(tmp_path / "config", live, nowhere)


def _source(config: Path, name: str | None = None) -> LiveSource:
    return LiveSource(load_context(str(config), context=name, environ={}), timing=QUICK)


def _yaml(user: Driver) -> str:
    return user.app.screen.query_one("#yaml", TextPane).text


async def test_from_browsing_to_a_verdict_that_follows_the_cluster(
    plane: ControlPlane, admin: Client, config: Path
) -> None:
    """Browse, simulate, let somebody else edit policies, and see the verdict flip; each step waits for the screen."""
    policies = objects.NETWORK_POLICIES.format(WHERE)
    async with console(_source(config)) as user:
        await user.live()
        await user.command(f"ns {WHERE}")
        await user.see("box", "friend", "stranger", "real")
        assert "□" in user.row("box")
        await user.command(f"sim {WHERE}/stranger {WHERE}/deploy/box 8080")
        await user.see("● ALLOWED")
        assert isinstance(user.app.base, SimulateScreen)
        # A second client closes the box to all but the friend.
        await asyncio.to_thread(
            objects.add_policy, admin, WHERE, objects.policy("box", {**BOX, "ingress": [FROM_FRIEND]})
        )
        await user.see("○ BLOCKED")
        await user.until(lambda: "friend" in _yaml(user), "showed the policy that decides")
        # … and then lets the stranger in as well.
        stranger = {"from": [{"podSelector": {"matchLabels": {"app": "stranger"}}}]}
        await asyncio.to_thread(admin.patch, f"{policies}/box", {"spec": {"ingress": [FROM_FRIEND, stranger]}})
        await user.see("● ALLOWED")
        await asyncio.to_thread(admin.patch, f"{policies}/box", {"spec": {"ingress": []}})
        await user.see("○ BLOCKED")
        # A label that changes is as good as a policy.
        pods = f"/api/v1/namespaces/{WHERE}/pods"
        for number in (1, 2):
            await asyncio.to_thread(
                admin.patch, f"{pods}/box-5d4f-{number}", {"metadata": {"labels": {"app": f"open-{number}"}}}
            )
            await user.see("◐ PARTIAL" if number == 1 else "● ALLOWED")
        # The server goes: what was there stays, and is called old.
        await asyncio.to_thread(plane.server.kill)
        await user.see("STALE", "● ALLOWED")
        await asyncio.to_thread(plane.server.start)
        await user.see("● live")
        await asyncio.to_thread(admin.delete, f"{policies}/box")
        await user.press("1")
        await user.see("□")
    for number in (1, 2):
        admin.patch(f"/api/v1/namespaces/{WHERE}/pods/box-5d4f-{number}", {"metadata": {"labels": {"app": "box"}}})


async def test_to_a_dead_context_and_back(config: Path) -> None:
    open_context = partial(_source, config)
    async with console(_source(config), contexts=("dead", "real"), open_context=open_context) as user:
        await user.live()
        await user.command("ctx dead")
        await user.see("dead", "connection refused")
        await user.press("2", "1", "question_mark", "escape")
        await user.command("ctx real")
        await user.see("● live", WHERE)


def _simulate(config: Path, tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HOME": str(tmp_path), "KUBECONFIG": str(config)}
    command = [sys.executable, "-m", "console", "simulate", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)


def test_the_command_line_answers_from_the_current_context(admin: Client, config: Path, tmp_path: Path) -> None:
    objects.add_policy(admin, WHERE, objects.policy("box", {**BOX, "ingress": [FROM_FRIEND]}))
    for source, outcome, code in (("friend", "allowed", 0), ("stranger", "blocked", 1)):
        done = _simulate(config, tmp_path, f"{WHERE}/{source}", f"{WHERE}/deploy/box", "--port", "http", "-o", "json")
        assert (done.returncode, done.stderr) == (code, "")
        answer = json.loads(done.stdout)
        assert answer["outcome"] == outcome
    fix = answer["fix"]["manifest"]
    refused = _simulate(config, tmp_path, f"{WHERE}/strangr", f"{WHERE}/deploy/box", "--port", "http")
    assert refused.returncode == 2
    assert f"{WHERE}/stranger" in refused.stderr
    gone = _simulate(config, tmp_path, "a/b", "c/d", "--port", "80", "--context", "dead")
    assert gone.returncode == 3
    assert "connection refused" in gone.stderr
    assert "Traceback" not in refused.stderr + gone.stderr
    _mends(admin, fix, config, tmp_path)
    admin.delete(objects.NETWORK_POLICIES.format(WHERE) + "/box")


def _mends(admin: Client, manifest: str, config: Path, tmp_path: Path) -> None:
    """The smallest fix is one that the real server takes, and then the connection is allowed."""
    import yaml

    for raw in yaml.safe_load_all(manifest):
        path = objects.NETWORK_POLICIES.format(WHERE)
        name = raw["metadata"]["name"]
        if admin.create(path, raw, exist_ok=True).status == 409:
            admin.patch(f"{path}/{name}", {"spec": raw["spec"]})
    done = _simulate(config, tmp_path, f"{WHERE}/stranger", f"{WHERE}/deploy/box", "--port", "http")
    assert done.returncode == 0, done.stdout
