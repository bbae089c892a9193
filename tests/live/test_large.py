"""Ten thousand pods: everything arrives, a burst of changes arrives whole, and the figures are printed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from console.cluster.source import Verb
from tests.bench.case_open import SKELETON
from tests.bench.clusters import Cluster, generate
from tests.bench.serve import serving
from tests.bench.terminal import Terminal, Usage, console, environment

from . import kubeconfig, objects
from .client import Client
from .follower import following
from .rig import ControlPlane, until

ROOT = Path(__file__).parents[2]
BURST = 1000


@pytest.fixture(scope="module")
def large() -> Cluster:
    return generate(200, workloads=10, replicas=5, policies=10)


@pytest.fixture(scope="module")
def plane(planes: Callable[..., ControlPlane], large: Cluster) -> Iterator[ControlPlane]:
    plane = planes()
    admin = plane.server.admin
    objects.bind(admin, "auditor", [objects.rule("*", "*")])
    plane.etcd.put(_stored(admin, large))
    count = len(large.of("Pod"))
    # Straight into etcd: the server's own memory of it has to catch up.
    until("all are served", lambda: len(admin.get("/api/v1/pods").json["items"]) == count, seconds=60, every=0.5)
    yield plane
    plane.stop()


def _stored(admin: Client, large: Cluster) -> Iterator[tuple[str, objects.Raw]]:
    """The cluster's objects as the server would have stored them: with defaults, uids, and who manages what."""
    objects.add_namespace(admin, "template")
    sample = large.of("Pod")[0]
    path = "/api/v1/namespaces/template/pods"
    metadata = {key: value for key, value in sample["metadata"].items() if key != "namespace"}
    objects.add_pod(admin, "template", {**sample, "metadata": metadata}, "10.0.0.1")
    served = admin.get(f"{path}/{metadata['name']}").json
    admin.delete(f"{path}/{metadata['name']}")
    for raw in large.objects:
        about = raw["metadata"]
        where, name = about.get("namespace", ""), about["name"]
        more = {
            "uid": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{raw['kind']}/{where}/{name}")),
            "creationTimestamp": served["metadata"]["creationTimestamp"],
            "managedFields": served["metadata"]["managedFields"] if raw["kind"] == "Pod" else [],
        }
        stored = {**raw, "metadata": {**about, **more}}
        if raw["kind"] == "Pod":
            container = {**served["spec"]["containers"][0], **raw["spec"]["containers"][0]}
            stored["spec"] = {**served["spec"], **raw["spec"], "containers": [container]}
            stored["status"] = {**served["status"], **raw["status"]}
        plural = {"Pod": "pods", "NetworkPolicy": "networkpolicies", "Namespace": "namespaces"}[raw["kind"]]
        yield "/".join(("/registry", plural, *([where] if where else []), name)), stored


@pytest.fixture
def config(plane: ControlPlane, tmp_path: Path) -> Path:
    return kubeconfig.write(tmp_path / "config", kubeconfig.context("real", plane.server, "auditor"))


def test_ten_thousand_pods_are_shown_as_from_the_demo_server(
    plane: ControlPlane, large: Cluster, config: Path, tmp_path: Path, figures: Callable[[str], None]
) -> None:
    real = _opened(config, large, tmp_path)
    with serving(large.write_json(tmp_path / "cluster.json"), tmp_path) as demo:
        shown = _opened(demo, large, tmp_path)
    for name, (painted, full) in (("a real server", real), ("the demo's server", shown)):
        figures(
            f"10,000 pods of {name}: first paint {painted.wall:.2f} s, filled Browse {full.wall:.2f} s"
            f" ({full.cpu:.2f} s CPU), peak {full.peak:.0f} MiB"
        )
    server, etcd = plane.server.process, plane.etcd.process
    assert server
    assert etcd
    figures(
        f"the servers with them: kube-apiserver {server.resident_mib():.0f} MiB, etcd {etcd.resident_mib():.0f} MiB"
    )
    assert real[1].peak < 1.5 * shown[1].peak, "what real objects carry besides is dropped as they are decoded"


def _opened(config: Path, large: Cluster, home: Path) -> tuple[Usage, Usage]:
    """What the console took until its first paint, and until it showed everything."""
    command = console("--kubeconfig", str(config))
    with Terminal(command, environment=environment(home), cwd=ROOT) as terminal:
        painted = terminal.until(SKELETON)
        # A real cluster has a few namespaces of its own.
        full = terminal.until(rf"● live · 20\d ns · 10,000 pods · {len(large.of('NetworkPolicy')):,} policies")
        terminal.settle()
        terminal.leave()
    return painted, full


def test_of_a_burst_of_changes_none_is_missed(
    plane: ControlPlane, large: Cluster, config: Path, figures: Callable[[str], None]
) -> None:
    admin = plane.server.admin
    pods = large.of("Pod")
    changed, gone = pods[: BURST // 2], pods[BURST // 2 : BURST * 3 // 4]
    fresh = [objects.pod(f"burst-{number}", {"app": "burst"}) for number in range(BURST // 4)]
    where = "/api/v1/namespaces/{}/pods"

    def act(task: tuple[str, Any]) -> None:
        verb, raw = task
        about = raw["metadata"]
        path = where.format(about.get("namespace", "tenant-007"))
        if verb == "change":
            admin.patch(f"{path}/{about['name']}", {"metadata": {"labels": {"burst": "seen"}}})
        elif verb == "delete":
            admin.delete(f"{path}/{about['name']}")
        else:
            admin.create(path, raw)

    tasks = [
        *(("change", raw) for raw in changed),
        *(("delete", raw) for raw in gone),
        *(("add", raw) for raw in fresh),
    ]
    with following(config) as console:
        console.live(seconds=60)
        before = len(list(console.snapshot.pods()))
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(act, tasks[::2] + tasks[1::2]))
        served = {
            f"{item['metadata']['namespace']}/{item['metadata']['name']}": item["metadata"]["labels"]
            for item in admin.get("/api/v1/pods").json["items"]
        }
        update = console.until(
            "all of it arrived",
            lambda update: (
                {f"{pod.namespace}/{pod.name}": dict(pod.labels) for pod in update.snapshot.pods()} == served
            ),
            seconds=30,
        )
        assert len(list(update.snapshot.pods())) == before == 10_000
        told: dict[Verb, list[str]] = {verb: [] for verb in Verb}
        for change in console.changes:
            if change.ref.kind == "Pod" and change.detail in ("", "label burst: (none) → seen"):
                told[change.verb].append(f"{change.ref.namespace}/{change.ref.name}")
    assert sorted(told[Verb.MODIFIED]) == sorted(_names(changed))
    assert sorted(told[Verb.DELETED]) == sorted(_names(gone))
    assert sorted(told[Verb.ADDED]) == sorted(f"tenant-007/{raw['metadata']['name']}" for raw in fresh)


def _names(raws: list[objects.Raw]) -> list[str]:
    return [f"{raw['metadata']['namespace']}/{raw['metadata']['name']}" for raw in raws]
