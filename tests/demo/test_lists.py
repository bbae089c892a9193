"""LIST and GET: pages, their moment, forms of the answer."""

from __future__ import annotations

from typing import Any

import pytest

from console.demo.api.kinds import KNOWN_CUSTOM
from console.demo.server import ApiServer
from console.demo.store import Store
from console.objects.resources import FOREIGN_KINDS, TIERED
from tests.cluster.raw import namespace, pod, pod_ref

from .http import Client, Connect

PODS = "/api/v1/pods"
METADATA = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"


def names(page: dict[str, Any]) -> list[str]:
    return [f"{item['metadata']['namespace']}/{item['metadata']['name']}" for item in page["items"]]


def pages(client: Client, path: str, limit: int) -> list[dict[str, Any]]:
    found = [client.get(path, limit=limit).json]
    while token := found[-1]["metadata"].get("continue"):
        found.append(client.get(path, limit=limit, **{"continue": token}).json)
    return found


def test_a_list_is_typed_and_its_items_are_not(client: Client) -> None:
    page = client.get(PODS).json
    assert (page["kind"], page["apiVersion"]) == ("PodList", "v1")
    assert names(page) == [f"{ns}/p{n}" for ns in "ab" for n in range(5)]
    assert not any("kind" in item or "apiVersion" in item for item in page["items"])


def test_a_list_of_custom_objects_names_the_kind_of_each(store: Store, client: Client) -> None:
    job = {"apiVersion": "kubeflow.org/v1", "kind": "PyTorchJob", "metadata": {"name": "j", "namespace": "a"}}
    store.apply(job)
    (item,) = client.get("/apis/kubeflow.org/v1/pytorchjobs").json["items"]
    assert (item["kind"], item["apiVersion"]) == ("PyTorchJob", "kubeflow.org/v1")


def test_a_namespaced_list_holds_that_namespace_only(client: Client) -> None:
    assert names(client.get("/api/v1/namespaces/b/pods").json) == [f"b/p{n}" for n in range(5)]


def test_pages_hold_every_object_once_and_say_what_remains(client: Client) -> None:
    found = pages(client, PODS, 4)
    assert [len(page["items"]) for page in found] == [4, 4, 2]
    assert [page["metadata"].get("remainingItemCount") for page in found] == [6, 2, None]
    assert [name for page in found for name in names(page)] == names(client.get(PODS).json)


def test_pages_show_the_moment_of_the_first_one(store: Store, client: Client) -> None:
    before = client.get(PODS).json
    first = client.get(PODS, limit=3).json
    store.delete(pod_ref("b", "p4"))
    store.apply(pod("b", "p9"))
    store.patch_labels(pod_ref("b", "p0"), {"role": "changed"})
    second = client.get(PODS, limit=100, **{"continue": first["metadata"]["continue"]}).json
    assert first["items"] + second["items"] == before["items"]
    assert second["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert "b/p9" in names(client.get(PODS).json)


def test_an_expired_page_answers_410_with_a_token_for_the_rest(store: Store, client: Client) -> None:
    first = client.get(PODS, limit=8).json
    store.apply(pod("b", "p9"))
    store.compact()
    expired = client.get(PODS, limit=8, **{"continue": first["metadata"]["continue"]})
    assert (expired.status, expired.json["reason"]) == (410, "Expired")
    rest = client.get(PODS, limit=8, **{"continue": expired.json["metadata"]["continue"]}).json
    assert names(rest) == ["b/p3", "b/p4", "b/p9"]


@pytest.mark.parametrize("token", ["nonsense", "e30", "%%%"])
def test_a_token_of_another_server_is_a_bad_request(client: Client, token: str) -> None:
    assert client.get(PODS, **{"continue": token}).status == 400


def test_a_list_from_the_cache_ignores_the_limit(client: Client) -> None:
    assert len(client.get(PODS, limit=2, resourceVersion=0).json["items"]) == 10


def test_an_exact_version_shows_that_moment(store: Store, client: Client) -> None:
    then = store.version
    store.delete(pod_ref("a", "p0"))
    exact = client.get(PODS, resourceVersion=then, resourceVersionMatch="Exact").json
    assert "a/p0" in names(exact)
    assert "a/p0" not in names(client.get(PODS, resourceVersion=then).json)
    store.compact()
    assert client.get(PODS, resourceVersion=then, resourceVersionMatch="Exact").status == 410


def test_a_version_of_the_future_times_out(store: Store, client: Client) -> None:
    reply = client.get(PODS, resourceVersion=store.version + 1)
    assert (reply.status, reply.json["reason"]) == (504, "Timeout")
    assert reply.headers["Retry-After"] == "1"


def test_metadata_alone(client: Client) -> None:
    page = client.get(PODS, headers={"Accept": METADATA.format("List") + ",application/json"}).json
    assert page["kind"] == "PartialObjectMetadataList"
    assert {item["kind"] for item in page["items"]} == {"PartialObjectMetadata"}
    assert all(item.keys() == {"kind", "apiVersion", "metadata"} for item in page["items"])
    one = client.get("/api/v1/namespaces/a/pods/p0", headers={"Accept": METADATA.format("")}).json
    assert (one["kind"], one["metadata"]["name"]) == ("PartialObjectMetadata", "p0")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", "PodList"),
        ("application/vnd.kubernetes.protobuf, application/json", "PodList"),
        ("*/*", "PodList"),
        ("application/vnd.kubernetes.protobuf", "Status"),
        (METADATA.format(""), "Status"),
    ],
)
def test_accept_is_negotiated(client: Client, accept: str, kind: str) -> None:
    reply = client.get(PODS, headers={"Accept": accept})
    assert reply.json["kind"] == kind
    assert reply.status == (406 if kind == "Status" else 200)


def test_one_object_and_a_missing_one(client: Client) -> None:
    found = client.get("/api/v1/namespaces/a/pods/p0").json
    assert (found["kind"], found["apiVersion"], found["metadata"]["name"]) == ("Pod", "v1", "p0")
    missing = client.get("/api/v1/namespaces/a/pods/nope")
    assert missing.status == 404
    assert missing.json["message"] == 'pods "nope" not found'
    assert client.get("/api/v1/namespaces/a").json["kind"] == "Namespace"


@pytest.mark.parametrize("path", ["/apis/networking.k8s.io/v7/networkpolicies", "/api/v1/namespaces/a/pods/p0/log"])
def test_what_a_built_in_group_does_not_serve_is_not_found(client: Client, path: str) -> None:
    reply = client.get(path)
    assert (reply.status, reply.json["reason"]) == (404, "NotFound")


@pytest.mark.parametrize("path", ["/apis/example.com/v1/things", "/apis/example.com/v1", "/openapi/v3"])
def test_what_no_group_serves_is_not_found_in_plain_text(client: Client, path: str) -> None:
    reply = client.get(path)
    assert (reply.status, reply.body) == (404, b"404 page not found\n")


@pytest.mark.parametrize("name", ["labelSelector", "fieldSelector"])
def test_a_selector_is_refused_rather_than_ignored(client: Client, name: str) -> None:
    assert client.get(PODS, **{name: "a=b"}).status == 400


def test_large_answers_are_compressed_when_asked(server: ApiServer, store: Store, client: Client) -> None:
    asked = {"Accept-Encoding": "gzip"}
    assert "Content-Encoding" not in client.get(PODS, headers=asked).headers
    for n in range(600):
        store.apply(pod("a", f"many-{n}"))
    large = client.get(PODS, headers=asked)
    assert large.headers["Content-Encoding"] == "gzip"
    assert len(large.json["items"]) == 610
    plain = client.get(PODS, headers={"Accept-Encoding": "identity"})
    assert plain.body == large.body
    server.faults.gzip = False
    assert "Content-Encoding" not in client.get(PODS, headers=asked).headers
    server.faults.gzip = True
    assert client.get("/version", headers=asked).headers["Content-Encoding"] == "gzip"


def test_discovery_tells_what_is_served(store: Store, client: Client) -> None:
    assert client.get("/api").json["versions"] == ["v1"]
    core = {entry["name"]: entry["namespaced"] for entry in client.get("/api/v1").json["resources"]}
    assert core["pods"]
    assert not core["nodes"]
    assert "cilium.io" not in {group["name"] for group in client.get("/apis").json["groups"]}
    assert client.get("/apis/cilium.io/v2").status == 404
    policy = next(kind for kind in KNOWN_CUSTOM if kind.kind == "CiliumNetworkPolicy")
    store.define(policy)
    assert "cilium.io" in {group["name"] for group in client.get("/apis").json["groups"]}
    assert client.get("/apis/cilium.io").json["preferredVersion"]["version"] == "v2"
    assert client.get("/apis/cilium.io/v2").json["resources"][0]["name"] == policy.plural
    assert client.get("/version").json["major"] == "1"


def test_a_definition_takes_its_kind_along_when_it_goes(store: Store, client: Client) -> None:
    path = "/apis/cilium.io/v2/ciliumnetworkpolicies"
    store.apply({"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "x"}})
    (crd,) = store.refs("CustomResourceDefinition")
    assert len(client.get(path).json["items"]) == 1
    store.delete(crd)
    assert client.get(path).status == 404


def test_policies_are_served_with_the_servers_defaults(store: Store, client: Client) -> None:
    spec = {"podSelector": {}, "egress": [{"ports": [{"port": 443}, {"port": 53, "protocol": "UDP"}]}]}
    meta = {"name": "np", "namespace": "a"}
    store.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec})
    served = client.get("/apis/networking.k8s.io/v1/namespaces/a/networkpolicies/np").json["spec"]
    assert served["policyTypes"] == ["Ingress", "Egress"]
    assert [port["protocol"] for port in served["egress"][0]["ports"]] == ["TCP", "UDP"]


def test_deleting_a_namespace_takes_its_objects_along(store: Store, client: Client) -> None:
    store.delete(store.refs("Namespace")[0])
    assert names(client.get(PODS).json) == [f"b/p{n}" for n in range(5)]


def test_ten_thousand_objects_page_by_page(store: Store, connect: Connect) -> None:
    many = Store([namespace("n"), *(pod("n", f"p{n:05}") for n in range(10_000))])
    with ApiServer(many) as server:
        found = pages(connect(server), PODS, 500)
    assert len(found) == 20
    assert len({name for page in found for name in names(page)}) == 10_000


def test_every_policy_kind_that_is_known_can_be_served(store: Store, client: Client) -> None:
    wanted = {(group, plural) for group, kinds in FOREIGN_KINDS.items() for plural, *_ in kinds}
    wanted |= {(resource.group, resource.plural) for resource in TIERED}
    assert wanted <= {(kind.group, kind.plural) for kind in KNOWN_CUSTOM}
    for kind in KNOWN_CUSTOM:
        ref = store.apply({"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": "x"}})
        assert len(client.get(f"/apis/{kind.api_version}/{kind.plural}").json["items"]) == 1
        assert store.get(ref)["apiVersion"] == kind.api_version
        assert ref in store.refs(ref.kind)


def test_a_definition_lists_each_version_that_is_served(store: Store, client: Client) -> None:
    name = "clusternetworkpolicies.policy.networking.k8s.io"
    for kind in KNOWN_CUSTOM:
        if kind.grouped_name == name:
            store.define(kind)
    crd = client.get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}").json
    assert [version["name"] for version in crd["spec"]["versions"]] == ["v1alpha2", "v1beta1"]
    store.delete(store.refs("CustomResourceDefinition")[0])
    assert client.get("/apis/policy.networking.k8s.io").status == 404
