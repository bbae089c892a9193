"""Each fault, as the client meets it, and that its end is the end of it."""

from __future__ import annotations

import gzip
import http.client
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from console.demo.server import ApiServer
from console.demo.store import Store
from tests.cluster.raw import pod

from .http import Client, Connect

PODS = "/api/v1/pods"


@pytest.mark.parametrize("code", [401, 403, 410, 429, 500, 503])
def test_an_error_answer_strikes_as_often_as_said(server: ApiServer, client: Client, code: int) -> None:
    fault = server.faults.answer(code, verb="list", resource="pods", times=2, retry_after=7)
    assert client.get("/api/v1/services").status == 200
    assert [client.get(PODS).status for _ in range(3)] == [code, code, 200]
    assert fault.hits == 2


def test_too_many_requests_say_when_to_come_again(server: ApiServer, client: Client) -> None:
    server.faults.answer(429, retry_after=7)
    reply = client.get(PODS)
    assert (reply.headers["Retry-After"], reply.json["details"]["retryAfterSeconds"]) == ("7", 7)


def test_a_fault_without_a_count_lasts_until_it_is_taken_out(server: ApiServer, client: Client) -> None:
    fault = server.faults.answer(503, times=None)
    assert {client.get(PODS).status for _ in range(5)} == {503}
    fault.release()
    assert client.get(PODS).status == 200


def test_a_stalled_request_is_answered_once_released(server: ApiServer, client: Client, connect: Connect) -> None:
    fault = server.faults.stall(verb="list", resource="pods")
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(client.get, PODS)
        assert fault.wait()
        assert not server.requests.find()
        assert connect(server).get(PODS).status == 200  # others go on
        assert not reply.done()
        fault.release()
        assert reply.result(10).status == 200


def test_a_stalled_peer_may_hang_up(server: ApiServer, connect: Connect) -> None:
    fault = server.faults.stall()
    client = connect(server)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(client.get, PODS)
        assert fault.wait()
        (thread,) = [t for t in threading.enumerate() if t.name == "demo-api-peer"]
        client.hang_up()
        thread.join(10)
        assert not thread.is_alive()


def test_a_slow_answer_comes(server: ApiServer, client: Client) -> None:
    fault = server.faults.slow(0.05, resource="pods")
    assert client.get(PODS).status == 200
    assert fault.hits == 1


def test_a_login_page_in_between(server: ApiServer, client: Client, store: Store) -> None:
    server.faults.wrong_content_type(resource="pods", times=2)
    reply = client.get(PODS)
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html")
    assert reply.body.startswith(b"<!doctype html>")
    assert client.get(PODS, watch=1, resourceVersion=store.version).headers["Content-Type"] == "text/html"


@pytest.mark.parametrize("compressed", [False, True])
def test_a_list_cut_short(server: ApiServer, client: Client, compressed: bool) -> None:
    server.faults.gzip = compressed
    server.faults.cut(verb="list", resource="pods")
    with pytest.raises(http.client.IncompleteRead):
        client.get(PODS, headers={"Accept-Encoding": "gzip"})
    client.close()
    assert client.get(PODS).status == 200


@pytest.mark.parametrize("compressed", [False, True])
def test_a_list_of_broken_json(server: ApiServer, client: Client, compressed: bool) -> None:
    server.faults.gzip = compressed
    server.faults.malformed(verb="list", resource="pods")
    reply = client.get(PODS, headers={"Accept-Encoding": "gzip"})
    assert reply.status == 200
    assert reply.raw == (gzip.compress(reply.body, 1, mtime=0) if compressed else reply.body)
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.body)
    assert client.get(PODS).json["kind"] == "PodList"


def test_a_watch_under_way_is_cut_in_the_middle_of_an_event(server: ApiServer, client: Client, store: Store) -> None:
    with client.watch(PODS, resourceVersion=store.version) as events:
        server.faults.cut(verb="watch", resource="pods")
        with pytest.raises(http.client.IncompleteRead):
            events.everything()


def test_a_watch_under_way_sends_a_broken_line_and_goes_on(server: ApiServer, client: Client, store: Store) -> None:
    with client.watch(PODS, resourceVersion=store.version) as events:
        server.faults.malformed(verb="watch", resource="pods")
        with pytest.raises(json.JSONDecodeError):
            events.next()
        store.apply(pod("a", "new"))
        assert events.next()["type"] == "ADDED"


def test_a_half_open_watch_keeps_silent_until_released(
    server: ApiServer, client: Client, store: Store, connect: Connect
) -> None:
    query = {"resourceVersion": store.version, "allowWatchBookmarks": "true"}
    with client.watch(PODS, **query) as events, ThreadPoolExecutor(1) as pool:
        fault = server.faults.half_open(resource="pods")
        assert fault.wait()
        store.apply(pod("a", "new"))
        seen = pool.submit(lambda: next(e for e in iter(events.next, None) if e["type"] != "BOOKMARK"))
        with connect(server).watch(PODS, resourceVersion=query["resourceVersion"]) as other:
            assert other.next()["type"] == "ADDED"
        assert not seen.done()
        fault.release()
        assert seen.result(10)["object"]["metadata"]["name"] == "new"


def test_an_error_event_ends_a_watch_under_way(server: ApiServer, client: Client, store: Store) -> None:
    with client.watch(PODS, resourceVersion=store.version) as events:
        server.faults.event_error(410, resource="pods")
        (event,) = events.rest()
    assert (event["type"], event["object"]["code"], event["object"]["kind"]) == ("ERROR", 410, "Status")


def test_clear_lets_everything_go_on(server: ApiServer, client: Client) -> None:
    faults = server.faults
    faults.answer(500, times=None)
    stall = faults.stall()
    faults.gzip = True
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(client.get, PODS)
        assert stall.wait()
        faults.clear()
        assert reply.result(10).status == 200
    assert faults.gzip is None
