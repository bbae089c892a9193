"""The incidents' timetable: what opens and closes when, that it repeats, and that it freezes."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from console.demo.cluster import DemoCluster
from console.demo.playback import Playback
from console.demo.store import Store
from console.demo.timetable import CYCLE, events

from .http import Connect
from .snapshots import outcome

NOW = 1_800_000_000.0
FINETUNE = "training/pytorchjob/llm-finetune"


def objects(store: Store, *, without: tuple[str, ...] = ()) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Every object, less some fields of its metadata."""
    found = {}
    for kind in store.kinds():
        for stored in store.view(kind)[0]:
            obj = stored.decoded()
            obj["metadata"] = {key: value for key, value in obj["metadata"].items() if key not in without}
            found[kind.kind, stored.namespace, stored.name] = obj
    return found


def plain(store: Store) -> dict[tuple[str, str, str], dict[str, Any]]:
    return objects(store, without=("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"))


@pytest.fixture
def frozen() -> DemoCluster:
    return DemoCluster(at=0, now=NOW)


def test_events_are_in_order_and_leave_time_to_look() -> None:
    times = [event.at for event in events()]
    assert times == sorted(times)
    assert len(set(times)) == len(times)
    assert times[-1] <= 120 < CYCLE


def test_every_event_changes_something(frozen: DemoCluster) -> None:
    before = frozen.store.version
    for event in events():
        frozen.advance(event.at)
        assert frozen.store.version > before, event.title
        before = frozen.store.version


def test_training_reaches_the_internet_from_30_to_90_seconds_by_a_label(frozen: DemoCluster) -> None:
    policies = {key: obj for key, obj in plain(frozen.store).items() if key[0] == "NetworkPolicy"}
    seen = {}
    for at in (29, 30, 31, 59, 89, 90, 91):
        frozen.advance(at)
        seen[at] = outcome(frozen.store, FINETUNE, "internet", 443)
        training = {key: obj for key, obj in plain(frozen.store).items() if key[:2] == ("NetworkPolicy", "training")}
        assert training.items() <= policies.items()
    assert seen == {
        **dict.fromkeys((29, 90, 91), "blocked"),
        **dict.fromkeys((30, 31, 59, 89), "allowed"),
    }


def test_the_label_names_who_wrote_it(frozen: DemoCluster) -> None:
    frozen.advance(30)
    (pod, *_) = [ref for ref in frozen.store.refs("Pod", "training") if ref.name.startswith("llm-finetune-")]
    last = frozen.store.get(pod)["metadata"]["managedFields"][-1]
    assert last["manager"] == "kubectl-label"
    assert last["time"] == "2027-01-15T08:00:30Z"


@pytest.mark.parametrize(
    ("source", "destination", "port", "states"),
    [
        ("notebooks/jupyter-ana", "svc:vector-db/qdrant", 6333, {59: "blocked", 60: "allowed", 105: "blocked"}),
        ("gateway/deploy/litellm", "serving/deploy/reranker", 8000, {41: "allowed", 48: "partial", 115: "allowed"}),
        (FINETUNE, "svc:feature-store/feast-online", 6566, dict.fromkeys((0, 9, 12, 16, 149), "allowed")),
    ],
)
def test_other_paths_open_and_close(
    frozen: DemoCluster, source: str, destination: str, port: int, states: dict[int, str]
) -> None:
    seen = {}
    for at in states:
        frozen.advance(at)
        seen[at] = outcome(frozen.store, source, destination, port)
    assert seen == states


def test_a_pod_is_evicted_and_replaced(frozen: DemoCluster) -> None:
    def phases() -> list[str]:
        pods = [ref for ref in frozen.store.refs("Pod", "feature-store") if ref.name.startswith("feast-online")]
        return sorted(frozen.store.get(ref)["status"]["phase"] for ref in pods)

    seen = {}
    for at in (0, 8, 10, 16):
        frozen.advance(at)
        seen[at] = phases()
    assert seen == {
        0: ["Running"] * 3,
        8: ["Failed", "Running", "Running"],
        10: ["Failed", "Pending", "Running", "Running"],
        16: ["Failed", "Running", "Running", "Running"],
    }


def test_endpoints_follow_the_pods(frozen: DemoCluster) -> None:
    def endpoints() -> set[str]:
        slices = [frozen.store.get(ref) for ref in frozen.store.refs("EndpointSlice", "feature-store")]
        (mine,) = [s for s in slices if s["metadata"]["labels"]["kubernetes.io/service-name"] == "feast-online"]
        return {endpoint["targetRef"]["name"] for endpoint in mine["endpoints"]}

    before = endpoints()
    frozen.advance(8)
    assert len(before - endpoints()) == 1
    frozen.advance(16)
    assert len(endpoints()) == len(before)
    assert endpoints() != before


def test_the_cycle_ends_where_it_began(frozen: DemoCluster) -> None:
    beginning = plain(frozen.store)
    frozen.advance(CYCLE - 1)
    assert plain(frozen.store) != beginning
    frozen.advance(CYCLE)
    assert plain(frozen.store) == beginning


def test_the_second_cycle_is_as_the_first(frozen: DemoCluster) -> None:
    other = DemoCluster(at=0, now=NOW)
    other.advance(CYCLE)
    for event in events():
        frozen.advance(event.at)
        other.advance(CYCLE + event.at)
        assert plain(frozen.store) == plain(other.store), event.title


def test_a_moment_is_the_same_however_it_is_reached() -> None:
    step_by_step = DemoCluster(at=0, now=NOW - 70)
    for at in range(71):
        step_by_step.advance(at)
    at_once = DemoCluster(at=70, now=NOW)
    assert objects(at_once.store) == objects(step_by_step.store)


def test_moments_of_later_cycles_are_those_of_the_first() -> None:
    far = DemoCluster(at=1_000_000 * CYCLE + 31, now=NOW)
    assert objects(far.store) == objects(DemoCluster(at=31, now=NOW).store)


def test_names_do_not_depend_on_the_clock() -> None:
    one, other = (DemoCluster(at=60, now=now) for now in (NOW, NOW + 86_399))
    assert plain(one.store).keys() == plain(other.store).keys()


def test_a_frozen_cluster_stands_still(connect: Connect) -> None:
    with DemoCluster(at=31, now=NOW) as cluster:
        assert not any(thread.name == "demo-timetable" for thread in threading.enumerate())
        listed = connect(cluster.server).get("/api/v1/pods").json["metadata"]["resourceVersion"]
        assert int(listed) == cluster.store.version
        assert outcome(cluster.store, FINETUNE, "internet", 443) == "allowed"


def test_a_live_cluster_lives_and_stops(connect: Connect) -> None:
    cluster = DemoCluster(pace=200)
    assert cluster.lives
    with pytest.raises(RuntimeError, match="lives by itself"):
        cluster.advance(1)
    start = cluster.store.version
    cluster.start()
    labels: list[str | None] = []
    with connect(cluster.server).watch("/api/v1/namespaces/training/pods", resourceVersion=start) as events_:
        while labels[-2:] != ["model-hub", None]:
            labels.append(events_.next()["object"]["metadata"]["labels"].get("egress"))
    cluster.stop()
    cluster.stop()
    assert not any(thread.name.startswith("demo-") for thread in threading.enumerate())


def test_stop_does_not_wait_for_the_next_event() -> None:
    cluster = DemoCluster(pace=0.001)
    cluster.start()
    cluster.stop()
    assert not any(thread.name.startswith("demo-") for thread in threading.enumerate())


def test_playback_tells_the_time_before_each_event() -> None:
    told: list[float] = []
    playback = Playback(DemoCluster(at=0, now=NOW).store, told.append)
    applied = playback.advance(CYCLE)
    assert told == [event.at for event in applied] == [*(event.at for event in events()), CYCLE]
    assert playback.next_at == CYCLE + events()[0].at
