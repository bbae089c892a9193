"""Who gets in, who may do what, and that nobody may write."""

from __future__ import annotations

from typing import Any

import pytest

from console.demo.api.access import Rule
from console.demo.server import ApiServer
from console.demo.store import Store

from .http import Client, Connect

PODS = "/api/v1/pods"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubject{}reviews"
AUDITOR = {"Impersonate-User": "auditor"}


def may(client: Client, headers: dict[str, str] | None = None, **attributes: str) -> bool:
    reply = client.post(REVIEWS.format("access"), {"spec": {"resourceAttributes": attributes}}, headers=headers)
    assert (reply.status, reply.json["kind"]) == (201, "SelfSubjectAccessReview")
    allowed: bool = reply.json["status"]["allowed"]
    return allowed


@pytest.mark.parametrize("path", [PODS, "/version", "/apis", "/nowhere"])
@pytest.mark.parametrize("token", ["", "wrong"])
def test_without_the_token_nothing_is_told(server: ApiServer, path: str, token: str, connect: Connect) -> None:
    reply = connect(server, token=token).get(path)
    assert (reply.status, reply.json["reason"]) == (401, "Unauthorized")


def test_a_rotated_token_expires_the_old_one(server: ApiServer, client: Client, connect: Connect) -> None:
    assert client.get(PODS).status == 200
    fresh = server.rotate_token()
    assert client.get(PODS).status == 401
    assert connect(server, token=fresh).get(PODS).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path", [PODS, "/api/v1/namespaces/a/pods/p0", "/api/v1/namespaces/a/pods/p0/exec", "/apis/apps/v1/deployments"]
)
def test_every_write_is_refused(store: Store, client: Client, method: str, path: str) -> None:
    before = store.version
    reply = client.call(method, path, {"kind": "Pod"})
    assert (reply.status, reply.json["reason"]) == (405, "MethodNotAllowed")
    assert store.version == before
    assert client.get(PODS).status == 200  # the body was taken off the connection


def test_a_refusal_names_who_what_and_where(server: ApiServer, client: Client) -> None:
    server.access.refuse(resource="pods", namespace="")
    refused = client.get(PODS)
    assert (refused.status, refused.json["reason"]) == (403, "Forbidden")
    assert refused.json["message"] == (
        'pods is forbidden: User "demo" cannot list resource "pods" in API group "" at the cluster scope'
    )
    assert client.get("/api/v1/namespaces/a/pods").status == 200
    assert client.get("/api/v1/namespaces").status == 200
    assert not may(client, verb="list", resource="pods")
    assert may(client, verb="list", resource="pods", namespace="a")
    server.access.relent()
    assert client.get(PODS).status == 200


def test_a_verb_can_be_refused(server: ApiServer, client: Client, store: Store) -> None:
    server.access.refuse(verb="watch", resource="networkpolicies")
    path = "/apis/networking.k8s.io/v1/networkpolicies"
    assert client.get(path).status == 200
    assert client.get(path, watch=1, resourceVersion=store.version).status == 403


def test_an_impersonated_user_has_the_rights_granted_to_them(server: ApiServer, client: Client) -> None:
    assert client.get(PODS, headers=AUDITOR).status == 403
    assert client.get("/apis", headers=AUDITOR).status == 200
    server.access.grant("auditor", Rule(resources=("pods",), namespaces=("a",)))
    assert client.get("/api/v1/namespaces/a/pods", headers=AUDITOR).status == 200
    refused = client.get("/api/v1/namespaces/b/pods", headers=AUDITOR)
    assert 'User "auditor"' in refused.json["message"]
    assert 'in the namespace "b"' in refused.json["message"]
    assert client.get(PODS, headers=AUDITOR).status == 403
    assert may(client, AUDITOR, verb="watch", resource="pods", namespace="a")
    assert not may(client, AUDITOR, verb="list", resource="services", namespace="a")


def test_groups_carry_rights_and_need_a_user(server: ApiServer, client: Client) -> None:
    server.access.grant("group:readers", Rule())
    assert client.get(PODS, headers={**AUDITOR, "Impersonate-Group": "readers"}).status == 200
    assert client.get(PODS, headers={"Impersonate-Group": "readers"}).status == 400


def test_impersonation_itself_is_a_right(server: ApiServer, client: Client) -> None:
    server.access.grant("demo", Rule())
    refused = client.get(PODS, headers=AUDITOR)
    assert refused.status == 403
    assert 'cannot impersonate resource "users"' in refused.json["message"]


def test_rules_review_lists_what_is_allowed(server: ApiServer, client: Client) -> None:
    server.access.grant("auditor", Rule(verbs=("list", "watch"), resources=("pods", "services"), namespaces=("a",)))
    reply = client.post(REVIEWS.format("rules"), {"spec": {"namespace": "a"}}, headers=AUDITOR)
    assert reply.status == 201
    rules: list[dict[str, Any]] = reply.json["status"]["resourceRules"]
    assert [(rule["resources"], rule["verbs"]) for rule in rules] == [
        (["pods"], ["list", "watch"]),
        (["services"], ["list", "watch"]),
    ]
    elsewhere = client.post(REVIEWS.format("rules"), {"spec": {"namespace": "b"}}, headers=AUDITOR)
    assert elsewhere.json["status"]["resourceRules"] == []


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [("access", {}, 422), ("rules", {"spec": {}}, 400), ("access", [], 400), ("access", {"spec": ["x"]}, 400)],
)
def test_a_review_that_asks_nothing_is_refused(client: Client, kind: str, body: Any, code: int) -> None:
    assert client.post(REVIEWS.format(kind), body).status == code


def test_requests_are_counted(server: ApiServer, client: Client) -> None:
    client.get("/api/v1/namespaces/a/pods", limit=2)
    client.get(PODS, headers=AUDITOR)
    client.get("/version")
    listed, refused, version = server.requests.find()
    assert (listed.verb, listed.resource, listed.namespace, listed.status) == ("list", "pods", "a", 200)
    assert listed.query == "limit=2"
    assert (refused.status, refused.user) == (403, "auditor")
    assert (version.verb, version.resource, version.path) == ("get", "", "/version")
    assert server.requests.find(resource="pods", status=403) == [refused]
    assert server.requests.wait(2, resource="pods", timeout=0)
    assert not server.requests.wait(3, resource="pods", timeout=0)
