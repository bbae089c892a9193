"""What a user may read is what the console reads; what it may not read, it does not claim to know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from console.cluster.source import State, Update
from console.cluster.steps import Timing
from console.objects.coverage import NOT_READABLE
from console.objects.resources import FOREIGN_KINDS, RESOURCES, TIERED
from console.policy.verdict import Outcome

from . import kubeconfig, objects
from .client import Client
from .follower import following
from .promise import asked, breaches
from .rig import ControlPlane, until

HERE = Path(__file__).parent
#: Refusals are doubted and asked again quickly.
QUICK = Timing(refused=0.5, steady=0.5, backoff_min=0.05, backoff_max=0.2, watch=2, doubts=1, discover=0.5)
BOX = {"podSelector": {"matchLabels": {"app": "box"}}}


@pytest.fixture(scope="module")
def plane(planes: Callable[..., ControlPlane]) -> Iterator[ControlPlane]:
    plane = planes()
    admin = plane.server.admin
    for name in ("mine", "theirs"):
        objects.add_namespace(admin, name, owner=name)
        for number, pod in enumerate(("box", "friend", "stranger")):
            objects.add_pod(admin, name, objects.pod(pod, {"app": pod}), f"10.{1 + (name == 'theirs')}.0.{number + 1}")
        from_friend = [{"podSelector": {"matchLabels": {"app": "friend"}}}]
        objects.add_policy(admin, name, objects.policy("box", {**BOX, "ingress": [{"from": from_friend}]}))
    _apply(admin, "least-rbac.yaml")
    _apply(admin, "least-rbac-namespace.yaml", "mine")
    admin.create("/api/v1/namespaces/mine/secrets", _secret())
    yield plane
    plane.stop()


def _secret() -> objects.Raw:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "never-read"}, "stringData": {"a": "b"}}


def _apply(admin: Client, name: str, where: str = "") -> None:
    base = "/apis/rbac.authorization.k8s.io/v1" + (f"/namespaces/{where}" if where else "")
    for raw in yaml.safe_load_all((HERE / name).read_text()):
        admin.create(f"{base}/{raw['kind'].lower()}s", raw)


def _config(plane: ControlPlane, tmp_path: Path, user: str, namespace: str = "") -> Path:
    context = kubeconfig.context(user, plane.server, user, namespace=namespace)
    return kubeconfig.write(tmp_path / "config", context)


def _refused(update: Update) -> set[str]:
    return {gap.resource for gap in update.snapshot.coverage.gaps if gap.code == NOT_READABLE}


def _settled(update: Update) -> bool:
    return update.status.state in (State.LIVE, State.FAILED)


def test_the_least_rights_are_enough(plane: ControlPlane, tmp_path: Path) -> None:
    since = len(plane.server.audit())
    with following(_config(plane, tmp_path, "least")) as console:
        update = console.live()
        assert update.snapshot.coverage.gaps == ()
        assert update.status.message == ""
        assert console.outcome("mine/friend", "mine/box", "80") is Outcome.ALLOWED
        assert console.outcome("mine/stranger", "mine/box", "80") is Outcome.BLOCKED
    recorded = plane.server.audit()[since:]
    assert {each["responseStatus"]["code"] for each in asked(recorded)} == {200}, "nothing was refused"
    assert not [each for each in asked(recorded) if each["verb"] == "create"], "nothing had to be reviewed"


def test_the_least_rights_are_what_the_console_reads_and_no_more() -> None:
    granted = set()
    role = next(yaml.safe_load_all((HERE / "least-rbac.yaml").read_text()))
    for rule in role["rules"]:
        assert rule["verbs"] == ["list", "watch"]
        granted |= {(group, resource) for group in rule["apiGroups"] for resource in rule["resources"]}
    read = {(each.group, each.plural) for each in (*RESOURCES, *TIERED)}
    read |= {(group, plural) for group, kinds in FOREIGN_KINDS.items() for plural, _, _ in kinds}
    assert granted == read


def test_each_of_the_least_rights_is_needed(plane: ControlPlane, tmp_path: Path) -> None:
    """Without a right, the console says what is missing."""
    path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/netpol-console"
    admin = plane.server.admin
    rules = admin.get(path).json["rules"]
    with following(_config(plane, tmp_path, "least"), timing=QUICK) as console:
        console.live()
        for resource in RESOURCES:
            admin.patch(path, {"rules": [_without(rule, resource.plural) for rule in rules]})
            name = resource.plural
            console.until(f"{name} is missing", lambda update, name=name: name in _refused(update))  # type: ignore[misc]
            admin.patch(path, {"rules": rules})
            console.until("it is back", lambda update: _refused(update) == set() and update.status.state is State.LIVE)


def _without(rule: objects.Raw, plural: str) -> objects.Raw:
    # A rule needs a resource: one that does not exist grants nothing.
    return {**rule, "resources": [each for each in rule["resources"] if each != plural] or ["nothing"]}


def test_one_namespace_is_seen_whole_and_of_the_rest_nothing_is_claimed(plane: ControlPlane, tmp_path: Path) -> None:
    with following(_config(plane, tmp_path, "tenant", "mine")) as console:
        update = console.live()
        assert set(update.snapshot.contents) == {"mine"}
        assert update.snapshot.namespace("mine").labels["owner"] == "mine"
        assert len(update.snapshot.contents["mine"].pods) == 3
        assert {"pods", "networkpolicies", "namespaces"} <= _refused(update)
        assert "mine" in update.status.message
        assert "UNKNOWN" in update.status.hint
        assert console.outcome("mine/friend", "mine/box", "80") is Outcome.ALLOWED
        assert console.outcome("mine/stranger", "mine/box", "80") is Outcome.BLOCKED
        # The address is a pod's of the other namespace, which a policy there protects.
        assert console.outcome("mine/friend", "ip:10.2.0.1", "80") is Outcome.UNKNOWN
        assert console.outcome("ip:10.2.0.2", "mine/box", "80") is not Outcome.ALLOWED
        assert console.outcome("mine/friend", "internet", "443") is Outcome.ALLOWED


def test_a_namespace_is_found_by_its_flag_too(plane: ControlPlane, tmp_path: Path) -> None:
    with following(_config(plane, tmp_path, "tenant"), namespaces=["theirs", "mine"]) as console:
        assert set(console.live().snapshot.contents) == {"mine"}


def test_nothing_at_all_is_said_to_be_nothing(plane: ControlPlane, tmp_path: Path) -> None:
    with following(_config(plane, tmp_path, "nobody", "mine")) as console:
        update = console.until("it is settled", _settled)
        assert update.status.state is State.FAILED
        assert "nothing" in update.status.message
        assert 'User "nobody" cannot list' in update.status.message
        assert update.status.hint
        assert not update.snapshot.contents


def test_rights_given_and_taken_while_it_runs(plane: ControlPlane, tmp_path: Path) -> None:
    admin = plane.server.admin
    with following(_config(plane, tmp_path, "nobody", "theirs"), timing=QUICK) as console:
        console.until("nothing may be read", lambda update: update.status.state is State.FAILED)
        objects.bind(admin, "nobody", [objects.rule("core", "pods", "list", "watch")], where="theirs", role="given")
        console.until("the pods are there", lambda update: update.snapshot.pod("theirs", "box"))
        admin.delete("/apis/rbac.authorization.k8s.io/v1/namespaces/theirs/rolebindings/given")
        console.until("nothing may be read again", lambda update: update.status.state is State.FAILED)
        # What was read stays to be looked at, but nothing is claimed from it.
        assert console.outcome("theirs/friend", "theirs/box", "80") is Outcome.UNKNOWN
        objects.bind(admin, "nobody", [objects.rule("*", "*")], role="everything")
        console.until("everything is there", lambda update: _refused(update) == set())
        assert console.live().snapshot.pod("mine", "box")
        for kind in ("clusterrolebindings", "clusterroles"):
            admin.delete(f"/apis/rbac.authorization.k8s.io/v1/{kind}/everything")


def test_the_right_to_list_alone_is_polled(plane: ControlPlane, tmp_path: Path) -> None:
    admin = plane.server.admin
    objects.bind(admin, "operator", [objects.rule("*", "*", "get", "list")], role="lists")
    with following(_config(plane, tmp_path, "operator"), timing=Timing(poll=0.3)) as console:
        update = console.until("it is live, and says so", lambda update: "may not be watched" in update.status.message)
        assert update.status.state is State.LIVE
        objects.add_pod(admin, "mine", objects.pod("polled"), "10.1.0.9")
        console.until("the change is seen", lambda update: update.snapshot.pod("mine", "polled"))
    for kind in ("clusterrolebindings", "clusterroles"):
        admin.delete(f"/apis/rbac.authorization.k8s.io/v1/{kind}/lists")


def test_acting_as_another_shows_what_that_one_may_see(plane: ControlPlane, tmp_path: Path) -> None:
    may = {"apiGroups": [""], "resources": ["users", "groups"], "verbs": ["impersonate"]}
    objects.bind(plane.server.admin, "operator", [may], role="impersonates")
    since = len(plane.server.audit())
    config = _config(plane, tmp_path, "operator", "mine")
    with following(config, as_user="jane", as_groups=["netpol-console", "more"]) as console:
        assert console.live().snapshot.coverage.gaps == ()
    with following(config, as_user="jane", as_groups=["netpol-console-tenants"]) as console:
        assert set(console.live().snapshot.contents) == {"mine"}
    with following(config, as_user="jane") as console:
        failed = console.until("it is settled", _settled)
        assert failed.status.state is State.FAILED
        assert 'User "jane"' in failed.status.message
    recorded = asked(plane.server.audit()[since:])
    assert {each["impersonatedUser"]["username"] for each in recorded} == {"jane"}
    assert any({"netpol-console", "more"} <= set(each["impersonatedUser"]["groups"]) for each in recorded)


def test_who_may_not_act_as_another_is_told(plane: ControlPlane, tmp_path: Path) -> None:
    with following(_config(plane, tmp_path, "nobody"), as_user="jane") as console:
        failed = console.until("it is settled", _settled)
        assert failed.status.state is State.FAILED
        assert "impersonate" in failed.status.message
        assert 'User "nobody"' in failed.status.message


def test_the_server_recorded_reads_and_reviews_of_own_rights_alone(plane: ControlPlane, tmp_path: Path) -> None:
    """Across the whole ladder above: no other verb, and never a Secret, granted or refused."""
    with following(_config(plane, tmp_path, "tenant", "mine")) as console:
        console.live()
    recorded = until("the tenant's requests are recorded", lambda: _of(plane, "tenant"))
    assert {"get", "list", "watch", "create"} == {each["verb"] for each in recorded}
    created = {each["objectRef"]["resource"] for each in recorded if each["verb"] == "create"}
    assert created <= {"selfsubjectrulesreviews", "selfsubjectaccessreviews"}
    assert breaches(plane.server.audit()) == []
    assert "secrets" not in {each.get("objectRef", {}).get("resource") for each in asked(plane.server.audit())}


def _of(plane: ControlPlane, user: str) -> list[Mapping[str, Any]]:
    return [each for each in asked(plane.server.audit()) if each["user"]["username"] == user]
