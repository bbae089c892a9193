"""The demo's API server against the real one: the same requests, answers of the same shape.

Most of the console's tests run on the demo server, so what it gets wrong they would never tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pytest

from console.demo.server import ApiServer as DemoServer
from console.demo.store import Store

from . import objects
from .client import Answer, Client
from .rig import ControlPlane, until

WHERE = "parity"
PODS = f"/api/v1/namespaces/{WHERE}/pods"
POLICIES = f"/apis/networking.k8s.io/v1/namespaces/{WHERE}/networkpolicies"
ADMIN_POLICIES = "/apis/policy.networking.k8s.io/v1alpha1/adminnetworkpolicies"
REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
RULES = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
METADATA_LIST = {"Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}
METADATA = {"Accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}
SPEC = {
    "podSelector": {"matchLabels": {"app": "x"}},
    "ingress": [{"ports": [{"port": 80}]}],
    "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}],
}


@dataclass(frozen=True)
class Pair:
    """The same user of both servers."""

    real: Client
    demo: Client

    def ask(self, method: str, path: str, body: object = None, **how: Any) -> tuple[Answer, Answer]:
        return self.real.ask(method, path, body, **how), self.demo.ask(method, path, body, **how)


@dataclass(frozen=True)
class Servers:
    """Both servers with the same objects, as their administrator, a user without rights, and someone unknown."""

    admin: Pair
    nobody: Pair
    unknown: Pair
    plane: ControlPlane
    store: Store


def _raw_objects() -> list[objects.Raw]:
    found = [objects.namespace(WHERE, team="x")]
    for number in range(5):
        raw = objects.pod(f"pod-{number}", {"app": "x"}, ports={"http": 80})
        found.append({**raw, "status": objects.status(f"10.9.0.{number + 1}")})
    found.append(objects.policy("both", SPEC))
    for raw in found[1:]:
        raw["metadata"]["namespace"] = WHERE
    admin_policy = {"apiVersion": "policy.networking.k8s.io/v1alpha1", "kind": "AdminNetworkPolicy"}
    found.append({**admin_policy, "metadata": {"name": "first"}, "spec": {"priority": 5}})
    return found


@pytest.fixture(scope="module")
def servers(planes: Any) -> Iterator[Servers]:
    plane: ControlPlane = planes()
    admin = plane.server.admin
    raws = _raw_objects()
    objects.add_namespace(admin, WHERE, team="x")
    for raw in raws:
        if raw["kind"] == "Pod":
            objects.add_pod(admin, WHERE, raw, raw["status"]["podIP"])
    objects.add_policy(admin, WHERE, raws[-2])
    admin.create(
        objects.CRDS,
        objects.crd("policy.networking.k8s.io", "adminnetworkpolicies", "AdminNetworkPolicy", version="v1alpha1"),
    )
    until("the custom kind is served", lambda: admin.ask("GET", ADMIN_POLICIES).status == 200)
    admin.create(ADMIN_POLICIES, raws[-1])
    store = Store(raws)
    with DemoServer(store) as demo:
        token = demo.token
        yield Servers(
            Pair(admin, Client(demo.url, token=token)),
            Pair(
                plane.server.as_user("nobody"),
                Client(demo.url, token=token, headers={"Impersonate-User": "nobody"}),
            ),
            Pair(
                Client(plane.server.url, ca=plane.server.ca, token="who"),
                Client(demo.url, token="who"),
            ),
            plane,
            store,
        )
    plane.stop()


def shape(answer: Answer) -> dict[str, Any]:
    """What a client can tell of an answer that does not differ from cluster to cluster."""
    kind = answer.headers["Content-Type"]
    seen: dict[str, Any] = {"code": answer.status, "type": kind, "retry": answer.headers.get("Retry-After")}
    if not kind.startswith("application/json"):
        return seen | {"text": answer.body.strip()}
    body = answer.json
    return seen | (_list_shape(body) if "items" in body else _object_shape(body))


def _list_shape(body: dict[str, Any]) -> dict[str, Any]:
    heads = None
    if body["items"] is not None:
        heads = [(item.get("kind"), item.get("apiVersion"), item["metadata"]["name"]) for item in body["items"]]
    metadata = {key: bool(value) for key, value in body["metadata"].items()}
    return {"kind": body["kind"], "api": body["apiVersion"], "metadata": metadata, "items": heads}


def _object_shape(body: dict[str, Any]) -> dict[str, Any]:
    if body["kind"] != "Status":
        return {"kind": body["kind"], "api": body["apiVersion"], "spec": body.get("spec")}
    # Versions and what a language's parser says of nonsense differ; every other word is the same.
    return {**body, "message": re.sub(r"\d+", "N", body["message"])}


@dataclass(frozen=True)
class Case:
    """One request, asked of both."""

    name: str
    path: str
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "GET"
    body: Any = None
    user: str = "admin"


def _reviewed(verb: str, resource: str) -> objects.Raw:
    attributes = {"verb": verb, "resource": resource, "namespace": WHERE}
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }


CASES = (
    Case("a whole list", PODS),
    Case("a first page", PODS, {"limit": 2}),
    Case("a page as large as the list", PODS, {"limit": 5}),
    Case("a page from the cache is the whole list", PODS, {"limit": 2, "resourceVersion": "0"}),
    Case("an empty list", f"/api/v1/namespaces/{WHERE}/services"),
    Case("an empty list of metadata", "/api/v1/namespaces/nowhere/pods", {}, METADATA_LIST),
    Case("a namespace that does not exist", "/api/v1/namespaces/nowhere/pods"),
    Case("a list of policies", POLICIES),
    Case("a list of a custom kind", ADMIN_POLICIES),
    Case("a page of metadata", PODS, {"limit": 2}, METADATA_LIST),
    Case("metadata with a fallback", PODS, {"limit": 2}, {"Accept": f"{METADATA_LIST['Accept']},application/json"}),
    Case("metadata of a custom kind", ADMIN_POLICIES, {}, METADATA_LIST),
    Case("a policy with its defaults", f"{POLICIES}/both"),
    Case("an object that does not exist", f"{PODS}/missing"),
    Case("an object of a group that does not exist", f"{POLICIES}/missing"),
    Case("a resource that does not exist", "/api/v1/things"),
    Case("a resource of a group that does not exist", "/apis/things.example/v1/things"),
    Case("a resource of a version that does not exist", "/apis/networking.k8s.io/v7/networkpolicies"),
    Case("the documents of a group that does not exist", "/apis/things.example/v1"),
    Case("health", "/readyz"),
    Case("a version of the future", PODS, {"resourceVersion": "99999999"}),
    Case("a match without a version", PODS, {"resourceVersionMatch": "Exact"}),
    Case("initial events without a match", PODS, {"watch": "1", "sendInitialEvents": "true"}),
    Case("a method that is not served", PODS, method="PUT", body={}),
    Case("no such token", PODS, user="unknown"),
    Case("no such token, for documents", "/version", user="unknown"),
    Case("no right to list everything", "/api/v1/pods", user="nobody"),
    Case("no right to list one namespace", PODS, user="nobody"),
    Case("no right to list policies", POLICIES, user="nobody"),
    Case("no right to watch", PODS, {"watch": "1"}, user="nobody"),
    Case("no right to read one object", f"{POLICIES}/both", user="nobody"),
    Case("no right to list namespaces", "/api/v1/namespaces", user="nobody"),
    Case("no right to read a namespace", f"/api/v1/namespaces/{WHERE}", user="nobody"),
    Case("no right to what does not exist", "/apis/things.example/v1/things", user="nobody"),
    Case("a review that grants", REVIEW, method="POST", body=_reviewed("list", "pods")),
    Case("a review that refuses", REVIEW, method="POST", body=_reviewed("list", "pods"), user="nobody"),
    Case("a review of rules without a namespace", RULES, method="POST", body={**_reviewed("", ""), "spec": {}}),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_answers_have_the_same_shape(servers: Servers, case: Case) -> None:
    pair: Pair = getattr(servers, case.user)
    body = {**case.body, "kind": "SelfSubjectRulesReview"} if case.path == RULES else case.body
    real, demo = pair.ask(case.method, case.path, body, query=case.query, headers=case.headers)
    assert shape(demo) == shape(real)


def test_reviews_say_the_same(servers: Servers) -> None:
    for pair in (servers.admin, servers.nobody):
        for verb, resource in (("list", "pods"), ("watch", "networkpolicies"), ("create", "pods")):
            real, demo = pair.ask("POST", REVIEW, _reviewed(verb, resource))
            if (pair, verb) != (servers.admin, "create"):  # nobody may write to the demo
                assert demo.json["status"]["allowed"] == real.json["status"]["allowed"], (verb, resource)


def test_pages_end_at_the_same_objects(servers: Servers) -> None:
    walked = []
    for client in (servers.admin.real, servers.admin.demo):
        names, token, pages = [], "", 0
        while token or not pages:
            page = client.get(PODS, limit=2, **({"continue": token} if token else {}))
            names.append([item["metadata"]["name"] for item in page.json["items"]])
            token, pages = page.continue_token, pages + 1
        walked.append(names)
    assert walked[1] == walked[0] == [["pod-0", "pod-1"], ["pod-2", "pod-3"], ["pod-4"]]


def test_large_lists_are_compressed_and_streams_are_not(servers: Servers) -> None:
    config = "/api/v1/namespaces/parity/configmaps"
    raw = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "large", "namespace": WHERE}}
    raw |= {"data": {"large": "x" * 200_000}}
    servers.admin.real.create(config, raw)
    servers.store.apply(raw)
    for path, query in ((config, {}), (config, {"watch": 1, "timeoutSeconds": 1}), (POLICIES, {})):
        real, demo = servers.admin.ask("GET", path, query=query, headers={"Accept-Encoding": "gzip"})
        assert demo.headers.get("Content-Encoding") == real.headers.get("Content-Encoding"), (path, query)


def _events(client: Client, path: str, count: int, headers: dict[str, str] | None = None, **query: Any) -> list[Any]:
    """The first events of a watch: the type and the shape of the object of each."""
    found: list[Any] = []
    reader = client.with_headers(headers or {})
    with reader.watch(path, **query) as events:
        for event in islice(events, count):
            raw = event["object"]
            if event["type"] == "ERROR":
                found.append((event["type"], _object_shape(raw)))
            elif event["type"] == "BOOKMARK":
                named = {key: value for key, value in raw.items() if key != "metadata"}
                found.append((event["type"], named, sorted(raw["metadata"])))
            else:
                found.append((event["type"], raw["kind"], raw["apiVersion"], raw["metadata"]["name"]))
    return found


@pytest.mark.parametrize("path", [PODS, POLICIES, ADMIN_POLICIES])
@pytest.mark.parametrize("headers", [{}, METADATA], ids=["whole", "metadata"])
def test_a_watch_begins_with_the_same_events(servers: Servers, path: str, headers: dict[str, str]) -> None:
    query = {
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": 5,
    }
    count = 6 if path == PODS else 2
    real, demo = (_events(client, path, count, headers, **query) for client in (servers.admin.real, servers.admin.demo))
    assert demo == real
    assert real[-1][0] == "BOOKMARK"


def test_changes_are_told_alike(servers: Servers) -> None:
    raw = objects.policy("passing", {"podSelector": {}})
    raw["metadata"]["namespace"] = WHERE
    real_start = servers.admin.real.get(POLICIES).version
    demo_start = servers.admin.demo.get(POLICIES).version
    created = objects.add_policy(servers.admin.real, WHERE, raw).version
    servers.admin.real.patch(f"{POLICIES}/passing", {"spec": {"egress": [{}]}})
    servers.admin.real.delete(f"{POLICIES}/passing")
    ref = servers.store.apply(raw)
    changed = servers.store.get(ref)
    changed["spec"]["egress"] = [{}]
    servers.store.apply(changed)
    servers.store.delete(ref)
    told = []
    for client, start in ((servers.admin.real, real_start), (servers.admin.demo, demo_start)):
        with client.watch(POLICIES, resourceVersion=start, timeoutSeconds=5) as events:
            seen = [next(events) for _ in range(3)]
        versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in seen]
        assert versions == sorted(set(versions)), "every event, the deletion too, has a version of its own"
        told.append([(event["type"], event["object"]["spec"]) for event in seen])
    assert int(created) > int(real_start)
    assert told[1] == told[0]


def test_a_version_of_long_ago_is_refused_alike_in_the_stream(servers: Servers) -> None:
    _forget(servers)
    real, demo = (
        _events(client, PODS, 1, resourceVersion="1", timeoutSeconds=5)
        for client in (servers.admin.real, servers.admin.demo)
    )
    assert demo == real
    assert (real[0][0], real[0][1]["code"]) == ("ERROR", 410)


def test_a_page_that_comes_too_late_is_refused_alike(servers: Servers) -> None:
    tokens = [client.get(PODS, limit=2).continue_token for client in (servers.admin.real, servers.admin.demo)]
    _forget(servers)
    clients = (servers.admin.real, servers.admin.demo)
    late = [
        client.ask("GET", PODS, query={"limit": 2, "continue": token})
        for client, token in zip(clients, tokens, strict=True)
    ]
    refusals = [{**shape(answer), "metadata": sorted(answer.json["metadata"])} for answer in late]
    assert refusals[1] == refusals[0]
    assert refusals[0]["code"] == 410
    again = [
        client.get(PODS, limit=2, **{"continue": answer.continue_token})
        for client, answer in zip(clients, late, strict=True)
    ]
    assert shape(again[1]) == shape(again[0])


def test_a_custom_kind_that_goes_ends_its_watches_alike(servers: Servers) -> None:
    crd = "adminnetworkpolicies.policy.networking.k8s.io"
    ends = []
    for client, remove in (
        (servers.admin.real, lambda: servers.admin.real.delete(f"{objects.CRDS}/{crd}")),
        (servers.admin.demo, lambda: servers.store.delete(servers.store.refs("CustomResourceDefinition")[0])),
    ):
        with client.watch(ADMIN_POLICIES, timeoutSeconds=60) as events:
            first = next(events)
            remove()
            rest = [event["type"] for event in events]
        after = until("it is gone", lambda client=client: _gone(client))  # type: ignore[misc]
        ends.append((first["type"], rest, shape(after)))
    assert ends[1] == ends[0]


def _gone(client: Client) -> Answer | None:
    answer = client.ask("GET", ADMIN_POLICIES)
    return answer if answer.status == 404 else None


def _forget(servers: Servers) -> None:
    """Let both forget the past. The real one keeps lists and events in memory until it is started again."""
    admin, passing = servers.admin.real, objects.namespace(f"later-{servers.store.version}")
    admin.create("/api/v1/namespaces", passing)
    servers.plane.etcd.compact()
    servers.plane.server.kill()
    servers.plane.server.start()
    until("the custom kind is served again", lambda: admin.ask("GET", ADMIN_POLICIES).status == 200)
    servers.store.apply(passing)
    servers.store.compact()
