"""WATCH: events, bookmarks, ends, and versions that are too old or too new."""

from __future__ import annotations

import threading

import pytest

from console.demo.server import ApiServer
from console.demo.store import Store
from tests.cluster.raw import pod, pod_ref

from .http import Client, Connect

PODS = "/api/v1/pods"


def test_a_watch_follows_a_list_without_a_gap(store: Store, client: Client) -> None:
    version = client.get(PODS).json["metadata"]["resourceVersion"]
    store.apply(pod("a", "new"))
    with client.watch(PODS, resourceVersion=version) as events:
        added = events.next()
        store.patch_labels(pod_ref("a", "new"), {"role": "x"})
        modified = events.next()
        store.delete(pod_ref("a", "new"))
        deleted = events.next()
    assert [event["type"] for event in (added, modified, deleted)] == ["ADDED", "MODIFIED", "DELETED"]
    assert {event["object"]["metadata"]["name"] for event in (added, modified, deleted)} == {"new"}
    assert added["object"]["kind"] == "Pod"
    assert modified["object"]["metadata"]["labels"] == {"role": "x"}
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in (added, modified, deleted)]
    assert int(version) < versions[0] < versions[1] < versions[2]


def test_a_watch_sees_its_kind_and_namespace_only(store: Store, client: Client) -> None:
    with client.watch("/api/v1/namespaces/b/pods", resourceVersion=store.version) as events:
        store.apply(pod("a", "elsewhere"))
        store.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b", "namespace": "b"}})
        store.apply(pod("b", "here"))
        assert events.next()["object"]["metadata"]["name"] == "here"


def test_a_watch_of_metadata_alone(store: Store, client: Client) -> None:
    accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    with client.watch(PODS, headers={"Accept": accept}, resourceVersion=store.version) as events:
        store.apply(pod("a", "new"))
        seen = events.next()["object"]
    assert seen.keys() == {"kind", "apiVersion", "metadata"}
    assert seen["kind"] == "PartialObjectMetadata"


def test_a_watch_from_nowhere_begins_with_what_there_is(store: Store, client: Client) -> None:
    with client.watch("/api/v1/namespaces/a/pods") as events:
        assert [events.next()["type"] for _ in range(5)] == ["ADDED"] * 5
        store.delete(pod_ref("a", "p0"))
        assert events.next()["type"] == "DELETED"


def test_initial_events_end_with_a_marked_bookmark(store: Store, client: Client) -> None:
    asked = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    with client.watch("/api/v1/namespaces/a/pods", **asked) as events:
        kinds = [events.next()["type"] for _ in range(5)]
        last = events.next()
    assert kinds == ["ADDED"] * 5
    assert last["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_bookmarks_move_past_changes_of_other_kinds(store: Store, client: Client) -> None:
    start = store.version
    with client.watch(PODS, resourceVersion=start, allowWatchBookmarks="true") as events:
        store.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "a"}})
        while int((event := events.next())["object"]["metadata"]["resourceVersion"]) == start:
            assert event["type"] == "BOOKMARK"
    assert event["type"] == "BOOKMARK"
    assert int(event["object"]["metadata"]["resourceVersion"]) == store.version


@pytest.mark.parametrize(
    ("word", "watches"), [("1", True), ("true", True), ("True", True), ("", True), ("0", False), ("False", False)]
)
def test_flags_are_read_as_kubernetes_reads_them(store: Store, client: Client, word: str, watches: bool) -> None:
    response = client.send(PODS, watch=word, resourceVersion=store.version)
    assert (response.headers["Transfer-Encoding"] == "chunked") == watches
    client.close()


def test_no_bookmarks_unless_asked_for(store: Store, client: Client) -> None:
    with client.watch(PODS, resourceVersion=store.version, timeoutSeconds=1) as events:
        assert events.rest() == []


def test_a_watch_ends_in_time_and_the_connection_lives_on(store: Store, client: Client) -> None:
    query = {"resourceVersion": store.version, "timeoutSeconds": 1, "allowWatchBookmarks": "true"}
    response = client.send(PODS, watch=1, **query)
    assert response.read().endswith(b"}\n")
    assert client.get("/version").status == 200


def test_a_compacted_version_gets_410_inside_the_stream(store: Store, client: Client) -> None:
    version = store.version
    store.apply(pod("a", "new"))
    store.compact()
    with client.watch(PODS, resourceVersion=version) as events:
        (event,) = events.rest()
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
    assert str(version) in event["object"]["message"]


def test_compaction_leaves_a_watch_that_is_up_to_date_alone(store: Store, client: Client) -> None:
    with client.watch(PODS, resourceVersion=store.version) as events:
        store.apply(pod("a", "before"))
        events.next()
        store.compact()
        store.apply(pod("a", "after"))
        assert events.next()["object"]["metadata"]["name"] == "after"


def test_the_log_is_bounded(client: Client, connect: Connect) -> None:
    small = Store([pod("a", "p")], log_size=10)
    start = small.version
    for n in range(30):
        small.patch_labels(pod_ref("a", "p"), {"n": str(n)})
    with ApiServer(small) as server:
        with connect(server).watch(PODS, resourceVersion=start) as events:
            assert events.rest()[0]["object"]["code"] == 410
        with connect(server).watch(PODS, resourceVersion=small.version - 10) as events:
            assert [events.next()["object"]["metadata"]["labels"]["n"] for _ in range(10)][-1] == "29"


def test_a_version_of_the_future_is_waited_for_in_silence(store: Store, client: Client) -> None:
    with client.watch(PODS, resourceVersion=store.version + 2) as events:
        for name in ("first", "second", "third"):
            store.apply(pod("a", name))
        assert events.next()["object"]["metadata"]["name"] == "third"


def test_a_watch_ends_with_the_definition_of_its_kind(store: Store, client: Client) -> None:
    path = "/apis/cilium.io/v2/ciliumnetworkpolicies"
    store.apply({"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "x"}})
    (crd,) = store.refs("CustomResourceDefinition")
    with client.watch(path) as events:
        assert events.next()["type"] == "ADDED"
        store.delete(crd)
        assert [event["type"] for event in events.rest()] == ["DELETED"]


def test_a_burst_reaches_every_watch_whole(store: Store, server: ApiServer, connect: Connect) -> None:
    def follow(seen: list[str]) -> None:
        with connect(server).watch(PODS, resourceVersion=start) as events:
            while len(seen) < 1000:
                seen.append(events.next()["object"]["metadata"]["name"])

    start = store.version
    seen: list[list[str]] = [[], []]
    threads = [threading.Thread(target=follow, args=(each,)) for each in seen]
    for thread in threads:
        thread.start()
    for n in range(1000):
        store.apply(pod("a", f"burst-{n}"))
    for thread in threads:
        thread.join(20)
    assert seen == [[f"burst-{n}" for n in range(1000)]] * 2


def test_a_peer_that_leaves_is_noticed_at_once(server: ApiServer, store: Store, connect: Connect) -> None:
    client = connect(server)
    with client.watch(PODS, resourceVersion=store.version):
        (thread,) = [t for t in threading.enumerate() if t.name == "demo-api-peer"]
    thread.join(10)
    assert not thread.is_alive()
