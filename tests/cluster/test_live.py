"""The live source against a real HTTP server: what it shows, and what it makes of every fault."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace

import pytest

from console.cluster.contexts import from_dict
from console.cluster.live import LiveSource
from console.cluster.source import State, Update, Verb
from console.cluster.transport import Limits
from console.demo.server import ApiServer
from console.demo.store import Store
from console.objects.coverage import INVALID_POLICY, LOADING
from console.objects.meta import ObjectRef

from .conftest import QUICK, Follow, Reader, names
from .raw import namespace, pod, policy, service

ALL = {"p0", "p1", "p2", "q0", "q1"}
POD = ObjectRef("Pod", "a", "p0")


def test_a_cluster_is_read_whole_and_in_pages(server: ApiServer, follow: Follow) -> None:
    reader = follow()
    update = reader.until_state(State.LIVE)
    assert names(update) == ALL
    assert update.snapshot.coverage.complete
    assert update.snapshot.namespace("a").labels["team"] == "x"
    assert [each.name for each in update.snapshot.policies()] == ["deny"]
    pages = server.requests.find(verb="list", resource="pods")
    assert [("continue=" in page.query, "limit=2" in page.query) for page in pages] == [
        (False, True),
        (True, True),
        (True, True),
    ]
    states = [update.status.state for update in reader.updates]
    assert states[0] is State.CONNECTING
    assert states == sorted(states, key=[State.CONNECTING, State.LOADING, State.LIVE].index)
    assert not reader.changes, "what a first list brings is no change"


def test_until_everything_was_read_the_gaps_say_what_is_missing(server: ApiServer, follow: Follow) -> None:
    held = server.faults.stall(verb="list", resource="pods")
    reader = follow(limits=Limits())
    update = reader.until(lambda update: update.status.state is State.LOADING and not update.snapshot.coverage.of("*"))
    update = reader.until(lambda update: {gap.resource for gap in update.snapshot.coverage.gaps} == {"pods"})
    assert {gap.code for gap in update.snapshot.coverage.gaps} == {LOADING}
    assert [each.name for each in update.snapshot.policies()] == ["deny"], "what is there already is shown"
    assert update.status.loaded["networkpolicies"] == 1
    held.release()
    assert reader.until_state(State.LIVE).snapshot.coverage.complete


def test_changes_show_with_their_facts_and_who_made_them(store: Store, follow: Follow) -> None:
    reader = follow()
    reader.until_state(State.LIVE)
    store.patch_labels(POD, {"app": "worker"}, manager="kubectl-label")
    store.apply(pod("b", "new"), manager="deployer")
    store.delete(ObjectRef("Pod", "b", "q0"))
    store.apply(policy("a", "deny", policyTypes=["Egress"], egress=[]), manager="argocd")
    changes = {change.ref.name: change for change in reader.until_changes(4)}
    assert changes["p0"].verb is Verb.MODIFIED
    assert changes["p0"].detail == "label app: web → worker"
    assert changes["p0"].manager is not None
    assert changes["p0"].manager.name == "kubectl-label"
    assert changes["new"].verb is Verb.ADDED
    assert (changes["q0"].verb, changes["q0"].manager) == (Verb.DELETED, None)
    assert "policyTypes" in changes["deny"].detail
    assert names(reader.latest) == {"p0", "p1", "p2", "q1", "new"}


def test_an_object_made_again_under_its_name_is_two_changes(store: Store, follow: Follow) -> None:
    reader = follow()
    reader.until_state(State.LIVE)
    store.delete(POD)
    store.apply(pod("a", "p0", app="web"))
    assert [change.verb for change in reader.until_changes(2)] == [Verb.DELETED, Verb.ADDED]


def test_a_burst_is_told_whole_in_few_updates(store: Store, follow: Follow) -> None:
    reader = follow()
    reader.until_state(State.LIVE)
    before = len(reader.updates)
    for number in range(300):
        store.apply(pod("b", f"burst{number}"))
    changes = reader.until_changes(300)
    assert sorted(change.ref.name for change in changes) == sorted(f"burst{number}" for number in range(300))
    assert len(reader.updates) - before <= 30, "four a second, however many changes there are"


def test_bookmarks_keep_the_version_fresh_so_that_the_next_stream_needs_no_new_list(
    store: Store, server: ApiServer, follow: Follow
) -> None:
    reader = follow(timing=replace(QUICK, watch=1))
    reader.until_state(State.LIVE)
    store.apply(service("a", "other"))  # pods do not change: only a bookmark tells their watch of the version

    def watches() -> list[str]:
        return [entry.query for entry in server.requests.find(verb="watch", resource="pods")]

    assert server.requests.wait(2, verb="watch", resource="pods")
    assert f"resourceVersion={store.version}" in watches()[-1]
    store.compact()
    assert server.requests.wait(3, verb="watch", resource="pods")
    assert len(server.requests.find(verb="list", resource="pods")) == 3, "the three pages of the first list"


@pytest.mark.parametrize("how", ["status", "event"])
def test_410_means_list_again_and_only_real_changes_are_told(
    store: Store, server: ApiServer, follow: Follow, how: str
) -> None:
    reader = follow()
    reader.until_state(State.LIVE)
    server.stop()
    store.patch_labels(POD, {"app": "worker"})
    store.delete(ObjectRef("Pod", "b", "q0"))
    store.apply(pod("b", "new"))
    store.compact()  # the next watch gets an ERROR event of code 410 …
    if how == "status":
        server.faults.answer(410, verb="watch", resource="pods")  # … or no stream at all
    server.start()
    changes = reader.until_changes(3)
    assert {(change.ref.name, change.verb) for change in changes} == {
        ("p0", Verb.MODIFIED),
        ("q0", Verb.DELETED),
        ("new", Verb.ADDED),
    }
    assert names(reader.until_state(State.LIVE)) == {"p0", "p1", "p2", "q1", "new"}
    assert len(reader.changes) == 3


def test_an_error_event_in_a_good_stream_means_list_again(server: ApiServer, store: Store, follow: Follow) -> None:
    reader = follow()
    reader.until_state(State.LIVE)
    struck = server.faults.event_error(410, resource="pods")
    assert struck.wait()
    store.patch_labels(POD, {"app": "worker"})
    assert [change.detail for change in reader.until_changes(1)] == ["label app: web → worker"]
    assert server.requests.wait(6, verb="list", resource="pods")


def test_an_expired_continue_token_starts_the_list_again(store: Store, server: ApiServer, follow: Follow) -> None:
    first = server.faults.stall(verb="list", resource="pods")
    second = server.faults.stall(verb="list", resource="pods")
    reader = follow(limits=Limits())
    assert first.wait()
    first.release()
    assert second.wait()  # the second page is asked for
    store.delete(POD)  # which the first page had
    store.compact()
    second.release()
    update = reader.until_state(State.LIVE)
    assert names(update) == ALL - {"p0"}
    assert server.requests.find(verb="list", resource="pods", status=410)


def test_too_many_requests_are_waited_out(server: ApiServer, follow: Follow) -> None:
    server.faults.answer(429, verb="list", resource="pods", times=2)
    reader = follow()
    assert names(reader.until_state(State.LIVE)) == ALL
    assert len(server.requests.find(verb="list", resource="pods", status=429)) == 2
    told = [update.status for update in reader.updates if "429" in update.status.message]
    assert told
    assert "slow down" in told[0].hint


@pytest.mark.parametrize("code", [500, 503])
def test_a_server_that_fails_for_a_while_is_asked_again(server: ApiServer, follow: Follow, code: int) -> None:
    server.faults.answer(code, verb="list", times=12)
    assert names(follow().until_state(State.LIVE)) == ALL


def test_a_list_that_is_cut_short_is_read_again(server: ApiServer, follow: Follow) -> None:
    cut = server.faults.cut(verb="list", resource="pods", times=2)
    assert names(follow().until_state(State.LIVE)) == ALL
    assert cut.hits == 2


def test_a_watch_that_is_cut_loses_nothing(server: ApiServer, store: Store, follow: Follow) -> None:
    reader = follow()
    reader.until_state(State.LIVE)
    for number in range(4):
        server.faults.cut(verb="watch", resource="pods")
        store.patch_labels(POD, {"round": str(number)})
    reader.until(lambda update: update.snapshot.pod("a", "p0").labels.get("round") == "3")
    assert [change.detail for change in reader.changes][-1].endswith("→ 3")


def test_a_stalled_answer_is_given_up_and_asked_for_again(server: ApiServer, follow: Follow) -> None:
    stalled = server.faults.stall(verb="list", resource="pods")
    reader = follow(limits=Limits(answer=0.3))
    assert names(reader.until_state(State.LIVE)) == ALL
    assert stalled.hits == 1


def test_a_half_open_stream_is_noticed_by_its_silence(server: ApiServer, store: Store, follow: Follow) -> None:
    reader = follow()
    reader.until_state(State.LIVE)
    silent = server.faults.half_open(resource="pods")
    assert silent.wait()
    store.patch_labels(POD, {"app": "worker"})
    assert [change.ref for change in reader.until_changes(1)] == [POD]


def test_a_body_that_is_no_json_is_told_and_read_again(server: ApiServer, follow: Follow) -> None:
    server.faults.malformed(verb="list", resource="pods", times=3)
    reader = follow()
    assert names(reader.until_state(State.LIVE)) == ALL
    told = [each.message for update in reader.updates for each in update.diagnostics]
    assert any("no list of pods" in message for message in told)
    assert not reader.latest.diagnostics, "it is mended"


def test_a_login_page_is_no_list(server: ApiServer, follow: Follow) -> None:
    page = server.faults.wrong_content_type(verb="list", resource="pods", times=None)
    reader = follow()
    update = reader.until(lambda update: any("no list of pods" in each.message for each in update.diagnostics))
    assert update.status.state is State.LOADING
    page.release()
    reader.until_state(State.LIVE)


def test_a_line_that_is_no_event_is_told_and_the_list_read_again(
    server: ApiServer, store: Store, follow: Follow
) -> None:
    reader = follow()
    reader.until_state(State.LIVE)
    broken = server.faults.malformed(verb="watch", resource="pods")
    assert broken.wait()
    store.patch_labels(POD, {"app": "worker"})
    reader.until_changes(1)
    assert server.requests.wait(6, verb="list", resource="pods")


def test_one_malformed_object_loses_no_other_and_is_a_gap_until_it_is_mended(store: Store, follow: Follow) -> None:
    store.apply(policy("a", "broken", policyTypes="Ingress"))
    reader = follow()
    update = reader.until_state(State.LIVE)
    assert [each.name for each in update.snapshot.policies()] == ["deny"]
    [gap] = update.snapshot.coverage.gaps
    assert (gap.code, gap.ref) == (INVALID_POLICY, ObjectRef("NetworkPolicy", "a", "broken"))
    assert "policyTypes" in str(update.diagnostics[0])
    store.apply(policy("a", "broken", policyTypes=["Ingress"]))
    update = reader.until(lambda update: update.snapshot.coverage.complete)
    assert {each.name for each in update.snapshot.policies()} == {"broken", "deny"}


def test_an_object_that_becomes_malformed_takes_no_other_along(store: Store, follow: Follow) -> None:
    reader = follow()
    reader.until_state(State.LIVE)
    store.apply(policy("a", "deny", policyTypes="Ingress"))
    update = reader.until(lambda update: update.snapshot.coverage.gaps)
    assert update.snapshot.coverage.gaps[0].ref == ObjectRef("NetworkPolicy", "a", "deny")
    store.apply(pod("a", "later"))
    reader.until(lambda update: "later" in names(update))


def test_when_the_server_goes_the_last_snapshot_stays_and_when_it_is_back_so_is_the_source(
    server: ApiServer, store: Store, follow: Follow
) -> None:
    reader = follow()
    reader.until_state(State.LIVE)
    server.stop()
    stale = reader.until_state(State.STALE)
    assert names(stale) == ALL
    assert server.url in stale.status.message
    assert "connection refused" in stale.status.message
    assert "kubectl --context demo version" in stale.status.hint
    assert "pods" in reader.until(lambda update: len(update.status.resources) > 5).status.resources
    assert reader.latest.status.since == stale.status.since, "the header counts from the first sign"
    store.apply(pod("a", "meanwhile"))
    server.start()
    assert names(reader.until_state(State.LIVE)) >= ALL
    reader.until(lambda update: "meanwhile" in names(update))


def test_a_server_that_was_never_there_is_failed_and_is_followed_once_it_comes(
    server: ApiServer, follow: Follow
) -> None:
    server.stop()
    reader = follow()
    failed = reader.until_state(State.FAILED)
    assert "connection refused" in failed.status.message
    assert failed.status.hint
    server.start()
    assert names(reader.until_state(State.LIVE)) == ALL


def test_the_console_never_asks_for_more_than_it_may(server: ApiServer, store: Store, follow: Follow) -> None:
    server.access.grant("auditor", *())
    for reader in (follow(), follow(replace(from_dict(server.kubeconfig()), act_as="auditor"))):
        reader.until(lambda update: update.status.state in (State.LIVE, State.FAILED))
    server.faults.cut(verb="watch", times=None).wait(8)
    asked = {(request.verb, request.resource) for request in server.requests.find()}
    assert {verb for verb, _ in asked} == {"get", "list", "watch", "create"}
    assert {resource for verb, resource in asked if verb == "create"} <= {
        "selfsubjectaccessreviews",
        "selfsubjectrulesreviews",
    }
    assert "secrets" not in {resource for _, resource in asked}


def test_metadata_alone_is_asked_for_of_what_only_names_workloads(server: ApiServer, follow: Follow) -> None:
    follow().until_state(State.LIVE)
    asked = {entry.resource: entry.accept for entry in server.requests.find(verb="list")}
    assert "PartialObjectMetadataList" in asked["replicasets"]
    assert "PartialObjectMetadataList" in asked["jobs"]
    assert "Partial" not in asked["pods"]


def test_faults_are_told_by_updates_and_never_by_the_log(
    server: ApiServer, follow: Follow, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.WARNING):
        reader = follow()
        reader.until_state(State.LIVE)
        server.faults.cut(verb="watch", times=20)
        server.faults.answer(500, times=5)
        server.stop()
        reader.until_state(State.STALE)
        server.start()
        reader.until_state(State.LIVE)
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_ten_thousand_pods_are_all_there() -> None:
    objects = [pod(f"n{number % 100}", f"p{number}", app=f"app{number % 300}") for number in range(10_000)]
    with ApiServer(Store([*(namespace(f"n{number}") for number in range(100)), *objects])) as server:
        source = LiveSource(from_dict(server.kubeconfig()))
        reader = Reader()
        source.open(reader)
        update = reader.until_state(State.LIVE)
        source.close()
        assert sum(1 for _ in update.snapshot.pods()) == 10_000
        assert len(server.requests.find(verb="list", resource="pods")) == 20
        assert len(reader.updates) < 40


@pytest.mark.parametrize("verb", ["list", "watch"])
def test_closing_is_prompt_whatever_the_server_does_and_no_update_follows(server: ApiServer, verb: str) -> None:
    stalled = server.faults.stall(verb=verb, times=None)
    source = LiveSource(from_dict(server.kubeconfig()), timing=QUICK)
    reader = Reader()
    source.open(reader)
    assert stalled.wait(8)
    before = time.monotonic()
    source.close()
    assert time.monotonic() - before < 1.0, "a promise of the Source protocol"
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("watch-", "live-", "discover"))]
    updates = len(reader.updates)
    source.close()
    assert len(reader.updates) == updates


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_mistake_inside_is_told_and_not_taken_for_a_quiet_cluster(server: ApiServer) -> None:
    reader = Reader()

    def take(update: Update) -> None:
        reader(update)
        if update.status.state is State.LIVE:
            raise LookupError("a mistake")

    source = LiveSource(from_dict(server.kubeconfig()), timing=QUICK)
    source.open(take)
    assert "LookupError" in reader.until_state(State.FAILED).status.message
    source.close()


def test_closing_before_opening_opens_nothing(server: ApiServer) -> None:
    source = LiveSource(from_dict(server.kubeconfig()))
    source.close()
    reader = Reader()
    source.open(reader)
    assert not reader.updates
    assert source.title == "demo"
