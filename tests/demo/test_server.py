"""The server's own life, and the real client in front of it."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from kubernetes import client as kubernetes_client
from kubernetes import config

from console.demo.server import ApiServer
from console.demo.store import Store
from tests.cluster.raw import pod, pod_ref

from .http import Connect


def peers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("demo-api")]


def test_stop_ends_every_thread_and_connection(store: Store, connect: Connect) -> None:
    server = ApiServer(store)
    server.start()
    idle, watching, stalled = connect(server), connect(server), connect(server)
    idle.get("/version")
    fault = server.faults.stall(resource="services")
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(stalled.get, "/api/v1/services")
        assert fault.wait()
        with watching.watch("/api/v1/pods", resourceVersion=store.version):
            assert len(peers()) == 4
            server.stop()
            assert peers() == []
        with pytest.raises(http.client.RemoteDisconnected):
            reply.result(10)
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1])))


def test_stop_does_not_wait_for_a_peer_that_reads_nothing(connect: Connect) -> None:
    big = Store([pod("a", f"p{n}", filler="x" * 10_000) for n in range(1000)])
    with ApiServer(big) as server:
        client = connect(server)
        client.send("/api/v1/pods")
        server.stop()
        assert peers() == []
        client.close()


def test_it_starts_again_at_the_same_address(server: ApiServer, store: Store, connect: Connect) -> None:
    before = server.url
    connect(server).get("/version")
    server.stop()
    server.start()
    assert server.url == before
    assert connect(server).get("/version").status == 200


def test_it_listens_on_loopback_only(server: ApiServer) -> None:
    assert server.url.startswith("http://127.0.0.1:")


def test_stop_before_start_is_nothing(store: Store) -> None:
    ApiServer(store).stop()


@pytest.mark.parametrize("request_line", [b"GARBAGE\r\n\r\n", b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n"])
def test_garbage_is_answered_and_harms_nobody(server: ApiServer, request_line: bytes, connect: Connect) -> None:
    with socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1])), timeout=10) as raw:
        raw.sendall(request_line)
        raw.shutdown(socket.SHUT_WR)
        assert b"HTTP/1.1 4" in raw.recv(1000) or request_line == b"GARBAGE\r\n\r\n"
    assert connect(server).get("/version").status == 200


def test_a_body_that_is_too_large_or_unsized_is_refused(server: ApiServer, connect: Connect) -> None:
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    assert connect(server).send(path, method="POST", headers={"Content-Length": "99999999"}).status == 413
    assert connect(server).send(path, method="POST", headers={"Transfer-Encoding": "chunked"}).status == 411


def test_the_real_client_reads_it(server: ApiServer, store: Store) -> None:
    api = config.new_client_from_config_dict(server.kubeconfig(namespace="a"))
    assert isinstance(api, kubernetes_client.ApiClient)
    request = api.param_serialize("GET", "/api/v1/pods", auth_settings=["BearerToken"])
    response = api.call_api(*request, _request_timeout=(5, 5))
    assert response.status == 200
    assert b'"PodList"' in response.response.read()
    core = kubernetes_client.CoreV1Api(api)
    assert [item.metadata.name for item in core.list_namespaced_pod("b", limit=2).items] == ["p0", "p1"]
    api.close()


def test_objects_carry_what_the_server_gives_them(store: Store) -> None:
    (first, *_) = store.refs("Pod")
    made = store.get(first)["metadata"]
    assert made["creationTimestamp"].endswith("Z")
    assert len(made["uid"]) == 36
    store.patch_labels(first, {"role": "x"}, manager="kubectl-label")
    once = store.get(first)["metadata"]
    store.patch_labels(first, {"role": None}, manager="kubectl-label")
    twice = store.get(first)["metadata"]
    assert [entry["manager"] for entry in twice["managedFields"]] == ["kubectl-label"]
    assert (once["labels"], twice["labels"]) == ({"role": "x"}, {})
    assert once["uid"] == twice["uid"] == made["uid"]
    assert int(made["resourceVersion"]) < int(once["resourceVersion"]) < int(twice["resourceVersion"])


def test_the_latest_manager_comes_last_with_its_time() -> None:
    clock = iter(range(1_800_000_000, 1_800_000_100))
    store = Store([pod("a", "p")], clock=lambda: next(clock))
    for manager in ("helm", "kubectl-label", "helm"):
        obj = store.get(pod_ref("a", "p"))
        obj["metadata"]["labels"] = {"by": manager}
        store.apply(obj, manager=manager)
    held = store.get(pod_ref("a", "p"))["metadata"]["managedFields"]
    assert [entry["manager"] for entry in held] == ["kubectl-label", "helm"]
    assert held[0]["time"] < held[1]["time"]


def test_a_status_has_an_entry_of_its_own() -> None:
    store = Store([pod("a", "p")])
    obj = store.get(pod_ref("a", "p"))
    obj["status"] = {"phase": "Succeeded"}
    store.apply(obj, manager="kubelet")
    (entry,) = store.get(pod_ref("a", "p"))["metadata"]["managedFields"]
    assert (entry["manager"], entry["subresource"]) == ("kubelet", "status")


def test_an_apply_that_changes_nothing_is_no_change(store: Store) -> None:
    before = store.version
    store.apply(pod("a", "p0"))
    assert store.version == before


def test_an_object_made_again_is_another(store: Store) -> None:
    ref = pod_ref("a", "p0")
    first = store.get(ref)["metadata"]["uid"]
    store.delete(ref)
    with pytest.raises(KeyError):
        store.get(ref)
    store.apply(pod("a", "p0"))
    assert store.get(ref)["metadata"]["uid"] != first


def test_generation_counts_changes_of_the_spec() -> None:
    store = Store([pod("a", "p") | {"metadata": {"name": "p", "namespace": "a", "generation": 1}}])
    store.patch_labels(pod_ref("a", "p"), {"x": "y"})
    assert store.get(pod_ref("a", "p"))["metadata"]["generation"] == 1
    obj = store.get(pod_ref("a", "p"))
    obj["spec"]["nodeName"] = "n"
    store.apply(obj)
    assert store.get(pod_ref("a", "p"))["metadata"]["generation"] == 2


@pytest.mark.parametrize(
    "obj", [{}, {"kind": "Pod", "apiVersion": "v1"}, {"kind": "Nope", "apiVersion": "x/v1", "metadata": {"name": "n"}}]
)
def test_what_no_server_would_take_is_a_value_error(obj: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"no metadata.name|nothing serves"):
        Store([obj])


def test_two_stores_of_the_same_objects_are_alike() -> None:
    one, other = (Store([pod("a", "p")], clock=lambda: 0.0) for _ in range(2))
    assert one.get(pod_ref("a", "p")) == other.get(pod_ref("a", "p"))
    assert time.gmtime(0).tm_year == int(one.get(pod_ref("a", "p"))["metadata"]["creationTimestamp"][:4])
