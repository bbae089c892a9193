"""Policies of kinds that come as CRDs: they appear, change version and go while the console runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.cluster.source import Verb
from console.cluster.steps import Timing
from console.policy.verdict import Outcome

from . import kubeconfig, objects
from .client import Client
from .follower import Follower, following
from .rig import ControlPlane, until

QUICK = Timing(discover=0.3, backoff_min=0.1, backoff_max=0.5, steady=1.0)
GROUP = "policy.networking.k8s.io"


@pytest.fixture(scope="module")
def plane(planes: Callable[..., ControlPlane]) -> Iterator[ControlPlane]:
    plane = planes()
    admin = plane.server.admin
    objects.bind(admin, "auditor", [objects.rule("*", "*")])
    for name in ("a", "b"):
        objects.add_namespace(admin, name, team=name)
        objects.add_pod(admin, name, objects.pod("pod", {"app": name}), f"10.0.0.{1 + (name == 'b')}")
    yield plane
    plane.stop()


@pytest.fixture
def console(plane: ControlPlane, tmp_path: Path) -> Iterator[Follower]:
    config = kubeconfig.write(tmp_path / "config", kubeconfig.context("real", plane.server, "auditor"))
    with following(config, timing=QUICK) as console:
        console.live()
        yield console


def _define(
    admin: Client, plural: str, kind: str, version: str, group: str = GROUP, *, namespaced: bool = False
) -> str:
    """Define a kind; where its objects are."""
    admin.create(objects.CRDS, objects.crd(group, plural, kind, version=version, namespaced=namespaced))
    path = f"/apis/{group}/{version}/{'namespaces/a/' if namespaced else ''}{plural}"
    until("the kind is served", lambda: admin.ask("GET", path).status == 200)
    return path


def _undefine(admin: Client, plural: str, group: str = GROUP) -> None:
    admin.delete(f"{objects.CRDS}/{plural}.{group}")


def _object(kind: str, version: str, name: str, spec: objects.Raw, group: str = GROUP) -> objects.Raw:
    return {"apiVersion": f"{group}/{version}", "kind": kind, "metadata": {"name": name}, "spec": spec}


def _is(console: Follower, outcome: Outcome) -> None:
    console.until(f"a to b is {outcome}", lambda _: console.outcome("a/pod", "b/pod", "80") is outcome)


def test_an_admin_policy_counts_from_the_moment_its_kind_is_there_until_it_goes(
    plane: ControlPlane, console: Follower
) -> None:
    admin = plane.server.admin
    assert console.outcome("a/pod", "b/pod", "80") is Outcome.ALLOWED
    path = _define(admin, "adminnetworkpolicies", "AdminNetworkPolicy", "v1alpha1")
    everybody: objects.Raw = {"namespaces": {}}
    deny = [{"name": "no-a", "action": "Deny", "from": [{"namespaces": {"matchLabels": {"team": "a"}}}]}]
    admin.create(
        path, _object("AdminNetworkPolicy", "v1alpha1", "no-a", {"priority": 5, "subject": everybody, "ingress": deny})
    )
    _is(console, Outcome.BLOCKED)
    admin.patch(f"{path}/no-a", {"spec": {"ingress": [{**deny[0], "action": "Allow"}]}})
    _is(console, Outcome.ALLOWED)
    admin.patch(f"{path}/no-a", {"spec": {"ingress": deny}})
    _is(console, Outcome.BLOCKED)
    _undefine(admin, "adminnetworkpolicies")
    _is(console, Outcome.ALLOWED)
    assert (Verb.DELETED, "no-a") in {(each.verb, each.ref.name) for each in console.changes}
    assert console.never_fell_back(), console.states


def test_a_kind_that_moves_to_another_version_is_followed_there(plane: ControlPlane, console: Follower) -> None:
    admin = plane.server.admin
    path = _define(admin, "clusternetworkpolicies", "ClusterNetworkPolicy", "v1alpha2")
    shut = {"action": "Deny", "from": [{"namespaces": {}}]}
    spec = {
        "tier": "Admin",
        "priority": 7,
        "subject": {"namespaces": {"matchLabels": {"team": "b"}}},
        "ingress": [shut],
    }
    admin.create(path, _object("ClusterNetworkPolicy", "v1alpha2", "shut", spec))
    _is(console, Outcome.BLOCKED)
    definition = f"{objects.CRDS}/clusternetworkpolicies.{GROUP}"
    held = admin.get(definition).json["spec"]["versions"]
    both = [{**held[0], "served": False, "storage": False}, {**held[0], "name": "v1beta1", "storage": True}]
    admin.patch(definition, {"spec": {"versions": both}})
    moved = path.replace("v1alpha2", "v1beta1")
    until("the new version is served", lambda: admin.ask("GET", moved).status == 200)
    admin.patch(f"{moved}/shut", {"spec": {"ingress": [{**shut, "action": "Accept"}]}})
    _is(console, Outcome.ALLOWED)
    console.until(
        "the kind is at its new version",
        lambda update: (
            [policy.api_version.rpartition("/")[2] for policy in update.snapshot.tiered.values()] == ["v1beta1"]
        ),
    )
    _undefine(admin, "clusternetworkpolicies")
    console.until("it is gone", lambda update: not update.snapshot.tiered)


def test_a_policy_of_a_kind_that_is_not_evaluated_makes_its_pods_unknown(
    plane: ControlPlane, console: Follower
) -> None:
    admin = plane.server.admin
    path = _define(admin, "ciliumnetworkpolicies", "CiliumNetworkPolicy", "v2", "cilium.io", namespaced=True)
    console.until("an empty kind changes nothing", lambda _: console.outcome("a/pod", "b/pod", "80") is Outcome.ALLOWED)
    selector = {"endpointSelector": {"matchLabels": {"app": "a"}}}
    admin.create(path, _object("CiliumNetworkPolicy", "v2", "theirs", selector, "cilium.io"))
    _is(console, Outcome.UNKNOWN)
    gone = {"endpointSelector": {"matchLabels": {"app": "nothing-here"}}}
    admin.patch(f"{path}/theirs", {"spec": gone})
    _is(console, Outcome.ALLOWED)
    admin.patch(f"{path}/theirs", {"spec": selector})
    _is(console, Outcome.UNKNOWN)
    _undefine(admin, "ciliumnetworkpolicies", "cilium.io")
    _is(console, Outcome.ALLOWED)


def test_a_kind_of_no_interest_is_not_asked_for(plane: ControlPlane, console: Follower) -> None:
    admin = plane.server.admin
    since = len(plane.server.audit())
    _define(admin, "widgets", "Widget", "v1", "shop.example")
    path = _define(admin, "baselineadminnetworkpolicies", "BaselineAdminNetworkPolicy", "v1alpha1")
    until("the kind that matters is followed", lambda: "baselineadminnetworkpolicies" in _asked(plane, since))
    assert "widgets" not in _asked(plane, since)
    assert admin.get(path).json["items"] == []


def _asked(plane: ControlPlane, since: int) -> set[str]:
    return {each.get("objectRef", {}).get("resource", "") for each in plane.server.audit()[since:]}
