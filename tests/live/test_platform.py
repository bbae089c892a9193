"""One platform, three ways to it: a real server, the demo's server, and files. They must tell the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from console.cluster.contexts import from_dict
from console.cluster.live import LiveSource
from console.cluster.load import load
from console.cluster.manifests import read
from console.demo.api.kinds import KNOWN_CUSTOM
from console.demo.cluster import DemoCluster
from console.objects.snapshot import Snapshot
from console.policy.ends import port_choices, workload_end
from console.policy.engine import Engine
from console.policy.networking import compile_policy
from console.policy.verdict import Connection, End, EndKind

from . import kubeconfig, objects
from .follower import following
from .rig import ControlPlane, until


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoCluster]:
    with DemoCluster(at=0.0) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def raws(demo: DemoCluster) -> list[objects.Raw]:
    """Every object of the demo, in the order in which one could create them."""
    store = demo.store
    kinds = ["Namespace", "Node", *sorted({kind.kind for kind in store.kinds()} - {"Namespace", "Node"})]
    return [store.get(ref) for kind in kinds for ref in store.refs(kind) if kind != "CustomResourceDefinition"]


@pytest.fixture(scope="module")
def plane(planes: Callable[..., ControlPlane], raws: list[objects.Raw]) -> Iterator[ControlPlane]:
    """A real cluster with the demo's platform in it."""
    plane = planes()
    admin = plane.server.admin
    objects.bind(admin, "auditor", [objects.rule("*", "*")])
    for kind in KNOWN_CUSTOM:
        if any((raw["apiVersion"], raw["kind"]) == (kind.api_version, kind.kind) for raw in raws):
            crd = objects.crd(kind.group, kind.plural, kind.kind, version=kind.version, namespaced=kind.namespaced)
            admin.create(objects.CRDS, crd)
            path = f"/apis/{kind.api_version}/{kind.plural}"
            until("the kind is served", lambda path=path: admin.ask("GET", path).status == 200)  # type: ignore[misc]
    objects.replay(admin, raws)
    yield plane
    plane.stop()


@pytest.fixture(scope="module")
def snapshots(
    plane: ControlPlane, demo: DemoCluster, raws: list[objects.Raw], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Snapshot]:
    folder = tmp_path_factory.mktemp("platform")
    config = kubeconfig.write(folder / "config", kubeconfig.context("real", plane.server, "auditor"))
    with following(config) as console:
        real = console.live().snapshot
    shown = load(LiveSource(from_dict(demo.kubeconfig())), timeout=20).snapshot
    files = folder / "platform.json"
    files.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": raws}))
    return {"real": real, "demo": shown, "files": read([str(files)]).snapshot}


def _own(snapshot: Snapshot) -> list[str]:
    return [name for name in snapshot.contents if name not in ("default", "kube-public", "kube-node-lease")]


def test_the_same_objects_arrive(snapshots: dict[str, Snapshot]) -> None:
    told = {source: dict(_told(snapshot)) for source, snapshot in snapshots.items()}
    assert len(told["real"]) > 300
    for source in ("demo", "files"):
        assert told[source].keys() == told["real"].keys()
        different = {
            key: (value, told[source][key]) for key, value in told["real"].items() if told[source][key] != value
        }
        assert different == {}, source


def _told(snapshot: Snapshot) -> Iterator[tuple[str, Any]]:
    for name in _own(snapshot):
        held = snapshot.contents[name]
        yield f"Namespace {name}", dict(held.namespace.labels)
        for pod in held.pods.values():
            # Since 1.35 a server copies where a node stands to the pods it places there.
            labels = {key: value for key, value in pod.labels.items() if not key.startswith("topology.kubernetes.io/")}
            yield str(pod.ref), (labels, pod.ips, pod.host_ips, pod.ports, pod.phase, pod.ready, pod.owner)
        for service in held.services.values():
            yield str(service.ref), (service.type, service.ports, service.cluster_ips, dict(service.selector))
        for each in held.endpoint_slices.values():
            yield str(each.ref), (each.service, each.endpoints, each.ports)
        for workload in held.workloads:
            yield f"workload {workload.ref}", sorted(pod.name for pod in workload.pods)
        for policy in held.policies.values():
            yield str(policy.ref), compile_policy(policy)
    for node in snapshot.nodes.values():
        yield f"Node {node.name}", (dict(node.labels), node.addresses)


def test_the_same_verdicts_follow(snapshots: dict[str, Snapshot]) -> None:
    answers = [_answers(snapshot) for snapshot in snapshots.values()]
    assert len(answers[0]) > 1000
    assert set(answers[0].values()) >= {"allowed", "blocked"}
    for other in answers[1:]:
        assert {key: (answers[0][key], value) for key, value in other.items() if answers[0][key] != value} == {}


def _answers(snapshot: Snapshot) -> dict[tuple[str, str, str], str]:
    """Every third workload to every other and to the internet, on the first port that the destination has."""
    engine = Engine(snapshot)
    ends = [
        workload_end(workload.ref, workload.pods)
        for name in _own(snapshot)
        for workload in snapshot.contents[name].workloads
        if not all(pod.finished for pod in workload.pods)
    ]
    found = {}
    for source in ends[::3]:
        for destination in (*ends, End(EndKind.INTERNET)):
            choices = port_choices(destination) or port_choices(ends[0])
            port = choices[0]
            verdict = engine.evaluate(Connection(source, destination, port.protocol, port.port))
            found[str(source.ref), str(destination.ref or "internet"), str(port)] = verdict.outcome.value
    return found
