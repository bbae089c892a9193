"""Objects as real servers keep them: two address families, Services, old clusters' leftovers, pods that end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from console.objects.decode import decode
from console.objects.netpol import NetworkPolicy
from console.objects.snapshot import Snapshot
from console.policy.ends import connection
from console.policy.engine import Engine
from console.policy.networking import validate
from console.policy.verdict import Outcome

from . import kubeconfig, objects
from .client import Client
from .follower import Follower, following, verdict
from .rig import ControlPlane

WHERE = "shapes"
BOX = {"podSelector": {"matchLabels": {"app": "box"}}}


def _caveats(snapshot: Snapshot, source: str, destination: str, port: str) -> set[str]:
    answer = Engine(snapshot).evaluate(connection(source, destination, port, snapshot))
    return {caveat.code for caveat in answer.caveats}


@pytest.fixture(scope="module")
def plane(planes: Callable[..., ControlPlane]) -> Iterator[ControlPlane]:
    """A cluster of two address families."""
    plane = planes(service_range="10.96.0.0/16,fd00:96::/108")
    objects.bind(plane.server.admin, "auditor", [objects.rule("*", "*")])
    objects.add_namespace(plane.server.admin, WHERE)
    for number, name in enumerate(("box", "friend", "stranger"), 1):
        raw = objects.pod(name, {"app": name}, ports={"http": 8080, "grpc": 9090})
        objects.add_pod(plane.server.admin, WHERE, raw, f"10.8.0.{number}", f"fd08::{number}")
    yield plane
    plane.stop()


@pytest.fixture
def admin(plane: ControlPlane) -> Client:
    return plane.server.admin


@pytest.fixture
def console(plane: ControlPlane, tmp_path: Path) -> Iterator[Follower]:
    config = kubeconfig.write(tmp_path / "config", kubeconfig.context("real", plane.server, "auditor"))
    with following(config) as console:
        console.live()
        yield console


@pytest.fixture
def policies(admin: Client, console: Follower) -> Iterator[Callable[[str, objects.Raw], None]]:
    """Adds a policy and waits until the console has it; all are gone in the end."""
    path = objects.NETWORK_POLICIES.format(WHERE)
    added: list[str] = []

    def add(name: str, spec: objects.Raw) -> None:
        objects.add_policy(admin, WHERE, objects.policy(name, spec))
        added.append(name)
        console.until("the policy is there", lambda update: name in update.snapshot.contents[WHERE].policies)

    yield add
    for name in added:
        admin.delete(f"{path}/{name}")


def test_both_families_of_a_pod_are_judged(console: Follower, policies: Callable[..., None]) -> None:
    assert console.snapshot.contents[WHERE].pods["box"].ips == ("10.8.0.1", "fd08::1")
    only_six = {"ipBlock": {"cidr": "fd08::/16", "except": ["fd08::3/128"]}}
    policies("six", {**BOX, "ingress": [{"from": [only_six]}]})
    assert console.outcome("ip:fd08::9", f"{WHERE}/box", "8080") is Outcome.ALLOWED
    assert console.outcome("ip:10.9.0.9", f"{WHERE}/box", "8080") is Outcome.BLOCKED
    # Over IPv6 the friend gets in, over IPv4 it does not: what it reaches depends on what it resolves.
    assert console.outcome(f"{WHERE}/friend", f"{WHERE}/box", "8080") is Outcome.PARTIAL
    assert "FAMILY_DIFFERS" in _caveats(console.snapshot, f"{WHERE}/friend", f"{WHERE}/box", "8080")
    assert console.outcome(f"{WHERE}/stranger", f"{WHERE}/box", "8080") is Outcome.BLOCKED


def test_a_service_of_two_families_leads_to_its_pods(
    admin: Client, console: Follower, policies: Callable[..., None]
) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "box"},
        "spec": {
            "ipFamilyPolicy": "RequireDualStack",
            "selector": {"app": "box"},
            "ports": [{"name": "web", "port": 80, "targetPort": "http"}],
        },
    }
    admin.create(f"/api/v1/namespaces/{WHERE}/services", service)
    for family, address in (("IPv4", "10.8.0.1"), ("IPv6", "fd08::1")):
        admin.create(f"/apis/discovery.k8s.io/v1/namespaces/{WHERE}/endpointslices", _slice("box", family, address))
    update = console.until(
        "the Service and its slices are there",
        lambda update: len(update.snapshot.contents[WHERE].endpoint_slices) == 2 and any(update.snapshot.services()),
    )
    held = update.snapshot.contents[WHERE].services["box"]
    assert [":" in address for address in held.cluster_ips] == [False, True]
    allow = {"from": [{"podSelector": {"matchLabels": {"app": "friend"}}}], "ports": [{"port": "http"}]}
    policies("web", {**BOX, "ingress": [allow]})
    assert console.outcome(f"{WHERE}/friend", f"svc:{WHERE}/box", "80") is Outcome.ALLOWED
    assert console.outcome(f"{WHERE}/friend", f"ip:{held.cluster_ips[1]}", "80") is Outcome.ALLOWED
    assert console.outcome(f"{WHERE}/stranger", f"svc:{WHERE}/box", "web") is Outcome.BLOCKED
    assert console.outcome(f"{WHERE}/friend", f"{WHERE}/box", "grpc") is Outcome.BLOCKED
    not_ready = {"endpoints": [{"addresses": ["10.8.0.1"], "conditions": {"ready": False}}]}
    admin.patch(f"/apis/discovery.k8s.io/v1/namespaces/{WHERE}/endpointslices/box-ipv4", not_ready)
    six = {"endpoints": [{"addresses": ["fd08::1"], "conditions": {"ready": False}}]}
    admin.patch(f"/apis/discovery.k8s.io/v1/namespaces/{WHERE}/endpointslices/box-ipv6", six)
    console.until(
        "no endpoint is ready",
        lambda update: (
            not any(
                endpoint.ready
                for each in update.snapshot.contents[WHERE].endpoint_slices.values()
                for endpoint in each.endpoints
            )
        ),
    )
    assert console.outcome(f"{WHERE}/friend", f"svc:{WHERE}/box", "80") is not Outcome.ALLOWED


def _slice(service: str, family: str, address: str) -> objects.Raw:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{service}-{family.lower()}",
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": family,
        "endpoints": [
            {
                "addresses": [address],
                "conditions": {"ready": True},
                "targetRef": {"kind": "Pod", "namespace": WHERE, "name": service},
            }
        ],
        "ports": [{"name": "web", "port": 8080, "protocol": "TCP"}],
    }


def test_a_pod_that_has_ended_leaves_its_address_to_another(admin: Client, console: Follower) -> None:
    objects.add_pod(admin, WHERE, objects.pod("ended", {"app": "ended"}), "10.8.1.1", phase="Succeeded")
    objects.add_pod(admin, WHERE, objects.pod("next", {"app": "next"}), "10.8.1.1")
    console.until("both are there", lambda update: {"ended", "next"} <= update.snapshot.contents[WHERE].pods.keys())
    assert console.snapshot.pods_by_ip["10.8.1.1"].name == "next"
    assert console.snapshot.contents[WHERE].pods["ended"].finished


def test_a_pod_that_is_being_deleted_is_there_until_it_is_gone(admin: Client, console: Follower) -> None:
    """Nobody ends it here, as on a node that is lost: the server keeps it, with the time of its deletion."""
    objects.add_pod(admin, WHERE, objects.pod("lost", {"app": "lost"}), "10.8.2.1")
    path = f"/api/v1/namespaces/{WHERE}/pods/lost"
    admin.ask("DELETE", path, query={"gracePeriodSeconds": 30})
    update = console.until("it is being deleted", lambda update: _deleting(update.snapshot, "lost"))
    assert update.snapshot.pods_by_ip["10.8.2.1"].name == "lost"
    admin.delete(path)
    console.until("it is gone", lambda update: update.snapshot.pod(WHERE, "lost") is None)


def _deleting(snapshot: Snapshot, name: str) -> bool:
    pod = snapshot.pod(WHERE, name)
    return pod is not None and pod.deleting


def test_a_namespace_that_never_finishes_deleting_is_still_judged(admin: Client, console: Follower) -> None:
    objects.add_namespace(admin, "going")
    objects.add_pod(admin, "going", objects.pod("last"), "10.8.3.1")
    admin.delete("/api/v1/namespaces/going")
    console.until("the pod is there", lambda update: update.snapshot.pod("going", "last"))
    assert console.outcome("going/last", f"{WHERE}/stranger", "80") is Outcome.ALLOWED


def test_a_pod_on_its_nodes_network_is_its_node(
    admin: Client, console: Follower, policies: Callable[..., None]
) -> None:
    objects.add_pod(admin, WHERE, objects.pod("agent", {"app": "box"}, host_network=True), "192.0.2.1")
    console.until("it is there", lambda update: update.snapshot.pod(WHERE, "agent"))
    policies("shut", {**BOX, "ingress": []})
    assert console.outcome(f"{WHERE}/stranger", f"{WHERE}/agent", "80") is Outcome.ALLOWED
    assert "HOST_NETWORK" in _caveats(console.snapshot, f"{WHERE}/stranger", f"{WHERE}/agent", "80")


@pytest.fixture(scope="module")
def older(planes: Callable[..., ControlPlane]) -> Iterator[ControlPlane]:
    """A server that behaves as 1.34 did."""
    plane = planes(flags=["--emulated-version=1.34"])
    objects.bind(plane.server.admin, "auditor", [objects.rule("*", "*")])
    yield plane
    plane.stop()


def test_what_only_an_older_server_takes_means_there_what_it_means_in_a_file(
    older: ControlPlane, tmp_path: Path
) -> None:
    admin = older.server.admin
    assert admin.get("/version").json["emulationMinor"] == "34"
    objects.add_namespace(admin, "old")
    objects.add_pod(admin, "old", objects.pod("box", {"app": "box"}), "10.8.0.1", "fd08::1")
    texts = ["10.0.0.1/8", "010.0.0.0/8", "10.0.0.0/08", "::ffff:10.0.0.0/104", "2001:db8::1/32"]
    for number, text in enumerate(texts):
        raw = objects.policy(f"old-{number}", {**BOX, "ingress": [{"from": [{"ipBlock": {"cidr": text}}]}]})
        taken = objects.add_policy(admin, "old", raw)
        assert taken.headers["Warning"], "it was taken, with a warning"
        served, written = decode(taken.json), decode({**raw, "metadata": {"name": raw["metadata"]["name"]}})
        assert isinstance(served, NetworkPolicy)
        assert isinstance(written, NetworkPolicy)
        assert [problem.fatal for problem in validate(served)] == [False]
        assert [problem.message for problem in validate(written)] == [problem.message for problem in validate(served)]
    config = kubeconfig.write(tmp_path / "config", kubeconfig.context("old", older.server, "auditor"))
    with following(config) as console:
        snapshot = console.live().snapshot
        assert len(snapshot.contents["old"].policies) == len(texts)
        assert verdict(snapshot, "ip:10.200.0.1", "old/box", "80") is Outcome.ALLOWED
        assert verdict(snapshot, "ip:2001:db8:1::1", "old/box", "80") is Outcome.ALLOWED
        assert verdict(snapshot, "ip:11.0.0.1", "old/box", "80") is Outcome.BLOCKED
        assert verdict(snapshot, "ip:2001:db9::1", "old/box", "80") is Outcome.BLOCKED
        engine = Engine(snapshot)
        told: list[Any] = [engine.problems(policy) for policy in snapshot.policies()]
        assert all(len(problems) == 1 and "1.36" in problems[0].message for problems in told)
