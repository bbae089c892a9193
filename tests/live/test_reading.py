"""Listing and watching: nothing missed, nothing shown twice, whatever the server does meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from console.cluster.source import State, Update, Verb
from console.cluster.steps import Timing

from . import kubeconfig, objects
from .client import Client
from .follower import following
from .rig import ControlPlane, until

EVERYTHING = [objects.rule("*", "*", "get", "list", "watch")]
#: A kubelet's and etcd's progress are missing here; kubeadm's etcd tells its progress as often.
PROGRESS = "--watch-progress-notify-interval=1s"


@pytest.fixture(scope="module")
def plane(planes: Callable[..., ControlPlane]) -> Iterator[ControlPlane]:
    """A cluster that the tests of this file kill and compact, one after the other."""
    plane = planes(etcd_flags=[PROGRESS])
    objects.bind(plane.server.admin, "auditor", EVERYTHING)
    yield plane
    plane.stop()


@pytest.fixture
def admin(plane: ControlPlane) -> Client:
    return plane.server.admin


@pytest.fixture
def config(plane: ControlPlane, tmp_path: Path) -> Path:
    return kubeconfig.write(tmp_path / "config", kubeconfig.context("real", plane.server, "auditor"))


@pytest.fixture
def where(admin: Client, request: pytest.FixtureRequest) -> str:
    """A namespace of the test's own."""
    name = request.node.name.removeprefix("test_").replace("_", "-")[:60].strip("-")
    objects.add_namespace(admin, name)
    return str(name)


def _late(plane: ControlPlane) -> float:
    """Seconds after which the server is surely ready again, past the moment in which it refuses everything."""
    return 2.0 + 2.0 * plane.server.started_in


def _requests(plane: ControlPlane, verb: str, resource: str, *, since: int = 0) -> list[dict[str, Any]]:
    """The console's requests, with their query; those still under way too (ResponseStarted)."""
    found: dict[str, dict[str, Any]] = {}
    for each in plane.server.audit()[since:]:
        if each["verb"] == verb and each.get("objectRef", {}).get("resource") == resource:
            query = parse_qs(urlsplit(each["requestURI"]).query)
            found[each["auditID"]] = {key: values[0] for key, values in query.items()}
    return list(found.values())


def test_pages_make_one_list(plane: ControlPlane, admin: Client, config: Path, where: str) -> None:
    for number in range(25):
        objects.add_pod(admin, where, objects.pod(f"pod-{number}"), f"10.1.0.{number + 1}")
    since = len(plane.server.audit())
    with following(config, timing=Timing(limit=10)) as console:
        console.live()
        assert {pod.name for pod in console.snapshot.contents[where].pods.values()} == {f"pod-{n}" for n in range(25)}
        pages = _requests(plane, "list", "pods", since=since)
        assert len(pages) >= 3
        assert {page["limit"] for page in pages} == {"10"}
        assert sum("continue" in page for page in pages) == len(pages) - 1
        assert console.changes == []


def test_changes_arrive_without_listing_again(plane: ControlPlane, admin: Client, config: Path, where: str) -> None:
    pods = f"/api/v1/namespaces/{where}/pods"
    since = len(plane.server.audit())
    with following(config) as console:
        console.live()
        objects.add_pod(admin, where, objects.pod("one", {"app": "a"}), "10.2.0.1")
        console.until("the pod is there", lambda update: update.snapshot.pod(where, "one"))
        admin.patch(f"{pods}/one", {"metadata": {"labels": {"app": "b"}}})
        console.until("the label changed", lambda update: _labels(update, where, "one").get("app") == "b")
        objects.add_policy(admin, where, objects.policy("closed", {"podSelector": {}}))
        console.until("the policy is there", lambda update: update.snapshot.contents[where].policies)
        admin.delete(f"{pods}/one")
        console.until("the pod is gone", lambda update: update.snapshot.pod(where, "one") is None)
        told = [(each.verb, each.ref.kind, each.ref.name, each.detail) for each in console.changes]
        assert (Verb.MODIFIED, "Pod", "one", "label app: a → b") in told
        assert told[0][:3] == (Verb.ADDED, "Pod", "one")
        assert told[-1][:3] == (Verb.DELETED, "Pod", "one")
        labelled = next(each for each in console.changes if "label app" in each.detail)
        assert labelled.manager is not None
        assert labelled.manager.name == "python-urllib3"
        assert len(_requests(plane, "list", "pods", since=since)) == 1
        assert console.states[-1] is State.LIVE


def _labels(update: Update, where: str, name: str) -> Mapping[str, str]:
    pod = update.snapshot.pod(where, name)
    return pod.labels if pod else {}


def test_a_watch_that_ends_in_time_goes_on_where_it_was(
    plane: ControlPlane, admin: Client, config: Path, where: str
) -> None:
    since = len(plane.server.audit())
    with following(config, timing=Timing(watch=3, steady=1.0)) as console:
        console.live()
        for name in ("first", "second", "third"):
            objects.add_pod(admin, where, objects.pod(name), "10.3.0.1")
            console.until("the pod is there", partial(_has_pod, where, name))
            renewed = len(_requests(plane, "watch", "pods", since=since)) + 1
            until("the watch is renewed", partial(_asked, plane, renewed, since))
        assert len(_requests(plane, "list", "pods", since=since)) == 1
        added = [each.ref.name for each in console.changes if each.verb is Verb.ADDED and each.ref.kind == "Pod"]
        assert added == ["first", "second", "third"]
        assert console.never_fell_back(), console.states


def _has_pod(where: str, name: str, update: Update) -> bool:
    return update.snapshot.pod(where, name) is not None


def _asked(plane: ControlPlane, count: int, since: int) -> bool:
    return len(_requests(plane, "watch", "pods", since=since)) >= count


def test_bookmarks_carry_an_idle_watch_over_compaction(
    plane: ControlPlane, admin: Client, config: Path, where: str
) -> None:
    """Policies do not change here, all else does: only bookmarks move their version past the compaction."""
    objects.add_policy(admin, where, objects.policy("idle", {"podSelector": {}}))
    with following(config, timing=Timing(watch=8, steady=1.0, backoff_min=_late(plane))) as console:
        console.live()
        for number in range(5):
            objects.add_pod(admin, where, objects.pod(f"noise-{number}"))
        since = len(plane.server.audit())
        # What the server writes for itself (leases) comes between now and then: a server that starts anew keeps
        # nothing from before its start, so the version must be the newest of all.
        until(
            "the idle watch is renewed from the newest version, which a bookmark told",
            lambda: any(
                int(watch["resourceVersion"]) >= plane.etcd.revision()
                for watch in _requests(plane, "watch", "networkpolicies", since=since)
            ),
            seconds=60,
            every=0.1,
        )
        since = len(plane.server.audit())
        plane.etcd.compact()
        plane.server.kill()
        plane.server.start()
        until("the watch goes on", lambda: _requests(plane, "watch", "networkpolicies", since=since), seconds=60)
        console.live(seconds=30)
        assert _requests(plane, "list", "networkpolicies", since=since) == []


def test_after_compaction_the_difference_is_found(plane: ControlPlane, admin: Client, config: Path, where: str) -> None:
    """410 inside the stream: what came, changed and went meanwhile is told as such, and nothing else is."""
    for name in ("stays", "changes", "goes"):
        objects.add_pod(admin, where, objects.pod(name, {"app": "before"}), "10.4.0.1")
    with following(config, timing=Timing(backoff_min=0.1, backoff_max=0.5)) as console:
        console.live()
        first = console.latest.snapshot.pod(where, "stays")
        plane.server.kill()
        other = plane.replica("meanwhile")
        objects.add_pod(other.admin, where, objects.pod("comes"), "10.4.0.9")
        other.admin.patch(f"/api/v1/namespaces/{where}/pods/changes", {"metadata": {"labels": {"app": "after"}}})
        other.admin.delete(f"/api/v1/namespaces/{where}/pods/goes")
        plane.etcd.compact()
        since = len(plane.server.audit())
        plane.server.start()
        console.until("what went is gone", lambda update: update.snapshot.pod(where, "goes") is None, seconds=30)
        console.live()
        assert _requests(plane, "list", "pods", since=since), "the version is gone, so only a list can tell"
        told = {(each.verb, each.ref.name) for each in console.changes if each.ref.namespace == where}
        assert told == {(Verb.ADDED, "comes"), (Verb.MODIFIED, "changes"), (Verb.DELETED, "goes")}
        assert console.snapshot.pod(where, "stays") is first, "what did not change is the same object still"
        other.kill()


def test_a_list_whose_pages_expire_is_begun_again(plane: ControlPlane, admin: Client, config: Path, where: str) -> None:
    """The server dies between two pages; when it is back, the rest of that list is compacted away."""
    template = objects.pod("pod-x", {"app": "x"})
    objects.add_pod(admin, where, template, "10.5.0.1")
    served = admin.get(f"/api/v1/namespaces/{where}/pods/pod-x").json
    names = ((where, f"pod-{n}", f"10.5.{n // 250}.{n % 250 + 1}") for n in range(600))
    plane.etcd.put(objects.stored_copies(served, names))
    until("all are served", lambda: len(admin.get(f"/api/v1/namespaces/{where}/pods").json["items"]) == 601)
    since = len(plane.server.audit())
    with following(config, timing=Timing(limit=2, backoff_min=_late(plane))) as console:
        until("the list is under way", lambda: len(_requests(plane, "list", "pods", since=since)) > 10)
        # A change after the first page: compaction keeps the newest version of all.
        admin.delete(f"/api/v1/namespaces/{where}/pods/pod-x")
        plane.server.kill()
        assert console.latest.status.state is not State.LIVE
        plane.etcd.compact()
        plane.server.start()
        console.live(seconds=60)
        assert len(console.snapshot.contents[where].pods) == 600
    gone = [
        each
        for each in plane.server.audit()[since:]
        if each["verb"] == "list" and each.get("responseStatus", {}).get("code") == 410
    ]
    assert gone, "the rest of the list was refused"


def test_a_server_that_dies_leaves_the_last_picture_and_is_followed_when_it_is_back(
    plane: ControlPlane, admin: Client, config: Path, where: str
) -> None:
    objects.add_pod(admin, where, objects.pod("a", {"app": "a"}), "10.6.0.1")
    objects.add_pod(admin, where, objects.pod("b", {"app": "b"}), "10.6.0.2")
    objects.add_policy(admin, where, objects.policy("closed", {"podSelector": {"matchLabels": {"app": "b"}}}))
    with following(config, timing=Timing(backoff_min=0.1, backoff_max=0.5)) as console:
        console.live()
        assert console.outcome(f"{where}/a", f"{where}/b", "80").value == "blocked"
        plane.server.kill()
        stale = console.until("the picture is stale", lambda update: update.status.state is State.STALE)
        assert "127.0.0.1" in stale.status.message
        assert stale.status.hint
        assert console.outcome(f"{where}/a", f"{where}/b", "80").value == "blocked"
        plane.server.start()
        console.until(
            "it is live again, and nothing is left to say",
            lambda update: update.status.state is State.LIVE and not update.status.message,
            seconds=30,
        )
        admin.delete(objects.NETWORK_POLICIES.format(where) + "/closed")
        console.until("the policy is gone", lambda update: not update.snapshot.contents[where].policies)
        assert console.outcome(f"{where}/a", f"{where}/b", "80").value == "allowed"
        assert console.states[-3:] == [State.LIVE, State.STALE, State.LIVE]
