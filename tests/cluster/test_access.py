"""Users who may not read everything: what is shown to them, and what is said to be missing."""

from __future__ import annotations

from dataclasses import replace

from console.cluster.contexts import Target, from_dict
from console.cluster.source import State, Verb
from console.demo.api.access import Rule
from console.demo.server import ApiServer
from console.demo.store import Store
from console.objects.coverage import NOT_READABLE
from console.objects.meta import ObjectRef

from .conftest import Follow, names
from .raw import namespace, pod

READ = ("get", "list", "watch")


def as_user(server: ApiServer, user: str, *groups: str, namespace: str | None = None) -> Target:
    return replace(from_dict(server.kubeconfig(namespace=namespace)), act_as=user, act_as_groups=groups)


def refused(update) -> dict[str, tuple[str, ...]]:
    gaps = update.snapshot.coverage.gaps
    assert {gap.code for gap in gaps} <= {NOT_READABLE}
    assert all(gap.namespace is None for gap in gaps)
    return {gap.resource: gap.besides for gap in gaps}


def test_one_namespace_by_the_kubeconfigs_own(server: ApiServer, follow: Follow) -> None:
    server.access.grant("dev", Rule(READ, namespaces=("a",)))
    update = follow(as_user(server, "dev", namespace="a")).until_state(State.LIVE)
    assert names(update) == {"p0", "p1", "p2"}
    gaps = refused(update)
    assert gaps["pods"] == gaps["networkpolicies"] == ("a",)
    assert gaps["nodes"] == ()
    assert "networkpolicies" in update.status.message
    assert "read in a" in update.status.message
    assert {"pods", "networkpolicies"} <= set(update.status.resources)
    assert not update.snapshot.coverage.of("networkpolicies", "a")
    assert update.snapshot.coverage.of("networkpolicies", "b")


def test_labels_of_namespaces_that_may_not_be_read_are_not_taken_for_known(server: ApiServer, follow: Follow) -> None:
    server.access.grant("dev", Rule(READ, namespaces=("a",)))
    server.access.refuse(resource="namespaces")
    update = follow(as_user(server, "dev", namespace="a")).until_state(State.LIVE)
    assert not update.snapshot.namespace("a").labels_known
    assert refused(update)["namespaces"] == ()


def test_a_namespace_that_may_be_read_by_name_alone_has_known_labels(
    server: ApiServer, store: Store, follow: Follow
) -> None:
    server.access.grant("dev", Rule(("get",), ("namespaces",)), Rule(READ, namespaces=("a",)))
    reader = follow(as_user(server, "dev"), namespaces=["a"])
    update = reader.until(lambda update: update.snapshot.namespace("a").declared)
    assert update.snapshot.namespace("a").labels["team"] == "x"
    update = reader.until_state(State.LIVE)
    assert refused(update)["namespaces"] == ("a",)
    store.patch_labels(ObjectRef("Namespace", "", "a"), {"team": "z"})
    reader.until(lambda update: update.snapshot.namespace("a").labels["team"] == "z")


def test_namespaces_named_on_the_command_line(server: ApiServer, follow: Follow) -> None:
    server.access.grant("dev", Rule(READ, namespaces=("a", "b")))
    update = follow(as_user(server, "dev"), namespaces=["a", "b", "none-of-mine"]).until_state(State.LIVE)
    assert names(update) == {"p0", "p1", "p2", "q0", "q1"}
    assert refused(update)["pods"] == ("a", "b")


def test_namespaces_found_by_reviews_of_ones_own_rights(server: ApiServer, store: Store, follow: Follow) -> None:
    server.access.grant("dev", Rule(READ, ("namespaces",)), Rule(READ, namespaces=("b",)))
    reader = follow(as_user(server, "dev"))
    update = reader.until_state(State.LIVE)
    assert names(update) == {"q0", "q1"}
    assert refused(update)["pods"] == ("b",)
    assert server.requests.find(verb="create", resource="selfsubjectrulesreviews")
    assert not server.requests.find(verb="list", resource="pods", namespace="a"), "a review spared the question"
    store.apply(pod("b", "later"))
    assert "later" in names(reader.until(lambda update: "later" in names(update)))


def test_a_namespace_that_comes_later_is_looked_at_too(server: ApiServer, store: Store, follow: Follow) -> None:
    server.access.grant("dev", Rule(READ, ("namespaces",)), Rule(READ, namespaces=("b", "c")))
    reader = follow(as_user(server, "dev"))
    reader.until_state(State.LIVE)
    store.apply(namespace("c"))
    store.apply(pod("c", "there"))
    update = reader.until(lambda update: "there" in names(update))
    assert update.status.state is State.LIVE, "more to read does not mean loading again"


def test_nothing_at_all_is_failed_with_what_to_do(server: ApiServer, follow: Follow) -> None:
    update = follow(as_user(server, "nobody")).until_state(State.FAILED)
    assert "read nothing" in update.status.message
    assert "--namespace" in update.status.hint


def test_a_right_granted_later_is_noticed(server: ApiServer, follow: Follow) -> None:
    reader = follow(as_user(server, "dev"))
    reader.until_state(State.FAILED)
    server.access.grant("dev", Rule(READ))
    update = reader.until(lambda update: update.snapshot.coverage.complete)
    assert update.status.state is State.LIVE
    assert names(update) == {"p0", "p1", "p2", "q0", "q1"}
    assert not reader.changes, "what one may see for the first time is no change"


def test_from_namespaces_to_the_whole_cluster_and_back(server: ApiServer, store: Store, follow: Follow) -> None:
    server.access.grant("dev", Rule(READ, namespaces=("a",)))
    reader = follow(as_user(server, "dev", namespace="a"))
    reader.until_state(State.LIVE)
    server.access.grant("dev", Rule(READ))
    reader.until(lambda update: update.snapshot.coverage.complete)
    store.delete(ObjectRef("Pod", "a", "p0"))
    store.apply(pod("a", "new"))
    assert [(change.verb, change.ref.name) for change in reader.until_changes(2)] == [
        (Verb.DELETED, "p0"),
        (Verb.ADDED, "new"),
    ]
    server.access.grant("dev", Rule(READ, namespaces=("a",)))
    server.faults.cut(verb="watch", times=8)
    reader.until(lambda update: any(gap.besides == ("a",) for gap in update.snapshot.coverage.of("pods")))
    store.delete(ObjectRef("Pod", "a", "new"))
    assert {"p1", "p2"} <= names(reader.until(lambda update: "new" not in names(update)))


def test_a_right_to_list_without_a_right_to_watch_means_polling(
    server: ApiServer, store: Store, follow: Follow
) -> None:
    server.access.grant("dev", Rule(("get", "list")))
    reader = follow(as_user(server, "dev"))
    reader.until_state(State.LIVE)
    reader.until(lambda update: "may not be watched" in update.status.message)
    store.patch_labels(ObjectRef("Pod", "a", "p0"), {"app": "worker"})
    assert reader.until_changes(1)[0].detail == "label app: web → worker"


def test_groups_to_act_as_are_sent_one_by_one(server: ApiServer, follow: Follow) -> None:
    server.access.grant("group:auditors", Rule(READ))
    update = follow(as_user(server, "eve", "interns", "auditors")).until_state(State.LIVE)
    assert update.snapshot.coverage.complete
    assert {request.user for request in server.requests.find(verb="list")} == {"eve"}


def test_kinds_of_policy_that_may_not_be_asked_for_leave_everything_open(server: ApiServer, follow: Follow) -> None:
    server.faults.answer(403, verb="get", resource="", times=None)
    update = follow().until_state(State.LIVE)
    [gap] = update.snapshot.coverage.gaps
    assert (gap.code, gap.resource) == (NOT_READABLE, "*")
