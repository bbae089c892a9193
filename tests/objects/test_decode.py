"""Raw objects in, values and diagnostics out."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.objects.core import ForeignPolicy, Namespace, Pod, Service
from console.objects.decode import decode, decode_event, decode_page, template_pod
from console.objects.diagnostics import Malformed
from console.objects.meta import Manager, ObjectRef
from console.objects.netpol import NetworkPolicy
from console.objects.resources import RESOURCES, TIERED, Resource
from console.objects.tiered import TieredPolicy

RESOURCE = {resource.plural: resource for resource in RESOURCES}


def raw(kind: str, api_version: str = "v1", *, name: str = "x", **fields: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": "ns", **fields.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, **fields}


def page(*items: dict[str, Any], **meta: str) -> bytes:
    return json.dumps({"kind": "List", "metadata": meta, "items": items}).encode()


def test_a_pod_keeps_what_verdicts_need_and_nothing_else():
    pod = decode(
        raw(
            "Pod",
            metadata={"labels": {"app": "web"}, "annotations": {"secret": "no"}},
            spec={
                "hostNetwork": True,
                "containers": [
                    {"image": "i", "env": [{"name": "A", "value": "hidden"}], "ports": [{"containerPort": 80}]}
                ],
                "initContainers": [
                    {"restartPolicy": "Always", "ports": [{"containerPort": 15001, "name": "mesh"}]},
                    {"ports": [{"containerPort": 1, "name": "gone"}]},
                ],
            },
            status={"phase": "Running", "podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}], "hostIP": "192.168.0.1"},
        )
    )
    assert isinstance(pod, Pod)
    assert (pod.ips, pod.host_ips, pod.host_network) == (("10.0.0.1", "fd00::1"), ("192.168.0.1",), True)
    assert [(port.port, port.protocol, port.sidecar) for port in pod.ports] == [
        (80, "TCP", False),
        (15001, "TCP", True),
    ]
    assert "hidden" not in repr(pod)


def test_the_last_writer_is_kept_and_status_writers_are_not_writers():
    managed = [
        {"manager": "kubectl", "operation": "Update", "time": "2026-01-01T00:00:00Z"},
        {"manager": "argo", "operation": "Apply", "time": "2026-01-02T00:00:00Z"},
        {"manager": "kubelet", "operation": "Update", "time": "2026-01-03T00:00:00Z", "subresource": "status"},
    ]
    pod = decode(raw("Pod", metadata={"managedFields": managed}))
    assert isinstance(pod, Pod)
    assert pod.manager == Manager("argo", "Apply", "2026-01-02T00:00:00Z")


def test_of_two_who_wrote_within_a_second_neither_is_said_to_be_the_last():
    """Servers order them by name, which says nothing."""
    second = "2026-01-02T00:00:00Z"
    managed = [
        {"manager": "argo", "operation": "Apply", "time": second},
        {"manager": "early", "operation": "Update", "time": "2026-01-01T00:00:00Z"},
        {"manager": "kubectl", "operation": "Update", "time": second},
        {"manager": "kubectl", "operation": "Apply", "time": second},
        {"manager": "kubelet", "operation": "Update", "time": second, "subresource": "status"},
    ]
    pod = decode(raw("Pod", metadata={"managedFields": managed}))
    assert isinstance(pod, Pod)
    assert pod.manager is not None
    assert pod.manager.name == "argo or kubectl"
    assert pod.manager.names == ("argo", "kubectl")


def test_a_namespace_always_carries_its_name():
    namespace = decode({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ml", "labels": None}})
    assert isinstance(namespace, Namespace)
    assert namespace.labels == {"kubernetes.io/metadata.name": "ml"}


def test_an_absent_target_port_is_the_port_itself():
    service = decode(raw("Service", spec={"ports": [{"port": 80}, {"port": 81, "targetPort": "http"}]}))
    assert isinstance(service, Service)
    assert [port.target for port in service.ports] == [80, "http"]


def test_absent_and_empty_rules_stay_apart():
    kinds = [decode(raw("NetworkPolicy", "networking.k8s.io/v1", spec=spec)) for spec in ({}, {"egress": []}, None)]
    assert [kind.egress if isinstance(kind, NetworkPolicy) else "" for kind in kinds] == [None, (), None]


@pytest.mark.parametrize(("spec", "path", "said"), [
    ({"podSelector": {"matchLabels": {"a": "b", "on": True}}}, "spec.podSelector.matchLabels[on]", "quote it"),
    ({"ingress": [{"ports": [{"port": 1.5}]}]}, "spec.ingress[0].ports[0].port", "a whole number"),
    ({"ingress": {}}, "spec.ingress", "must be a list, is a mapping"),
    ({"egress": [{"to": [{"ipBlock": {}}]}]}, "spec.egress[0].to[0].ipBlock.cidr", "needs a cidr"),
])  # fmt: skip
def test_a_wrong_type_is_an_error_with_its_path(spec: Any, path: str, said: str):
    with pytest.raises(Malformed, match=said) as caught:
        decode(raw("NetworkPolicy", "networking.k8s.io/v1", name="p", spec=spec))
    assert caught.value.path == path
    assert caught.value.ref == ObjectRef("NetworkPolicy", "ns", "p")


@pytest.mark.parametrize(("kind", "version", "served"), [
    ("NetworkPolicy", "extensions/v1beta1", "networking.k8s.io/v1"),
    ("NetworkPolicy", "networking.k8s.io/v1000", "networking.k8s.io/v1"),
    ("NetworkPolicy", "v1", "networking.k8s.io/v1"),
    ("Pod", "v1beta3", "v1"),
    ("Namespace", "apps/v1", "v1"),
    ("EndpointSlice", "discovery.k8s.io/v1beta1", "discovery.k8s.io/v1"),
    ("ClusterNetworkPolicy", "networking.k8s.io/v1",
     "policy.networking.k8s.io/v1alpha2 or policy.networking.k8s.io/v1beta1"),
])  # fmt: skip
def test_a_version_that_no_api_server_has_is_refused_with_the_way_out(kind: str, version: str, served: str):
    with pytest.raises(Malformed, match=f"serves no {kind} at {version}; write {served}") as caught:
        decode(raw(kind, version))
    assert caught.value.path == "apiVersion"


@pytest.mark.parametrize("owner", [{"name": "web"}, {"kind": "ReplicaSet"}])
def test_an_owner_without_a_kind_or_a_name_is_none(owner: dict[str, str]):
    found = decode(raw("Pod", metadata={"ownerReferences": [{**owner, "controller": True}]}))
    assert isinstance(found, Pod)
    assert found.owner is None


def test_another_groups_kind_of_the_same_name_is_none_of_kubernetes():
    assert decode(raw("Service", "serving.knative.dev/v1")) is None
    assert decode(raw("Node", "fleet.example.com/v1")) is None


@pytest.mark.parametrize("version", ["v1alpha1", "v1", "v1beta9"])
def test_a_cluster_network_policy_at_a_version_that_is_not_evaluated_is_a_foreign_one(version: str):
    found = decode(raw("ClusterNetworkPolicy", f"policy.networking.k8s.io/{version}", spec={"subject": {}}))
    assert isinstance(found, ForeignPolicy)


def test_a_malformed_item_never_loses_the_others():
    found = decode_page(
        page(raw("Pod", name="a"), raw("Pod", name="b", spec=7), raw("Pod", name="c")), RESOURCE["pods"]
    )
    assert [pod.ref.name for pod in found.objects] == ["a", "c"]
    (problem,) = found.diagnostics
    assert (problem.ref, problem.path) == (ObjectRef("Pod", "ns", "b"), "spec")
    (gap,) = found.gaps
    assert (gap.resource, gap.namespace) == ("pods", "ns")


@pytest.mark.parametrize("number", [0, -1, 65536, 1 << 40])
def test_a_port_that_there_is_none_of_is_malformed(number: int) -> None:
    declared = raw("Pod", spec={"containers": [{"name": "c", "ports": [{"name": "http", "containerPort": number}]}]})
    offered = raw("Service", spec={"ports": [{"port": number}]})
    for obj in (declared, offered):
        with pytest.raises(Malformed, match=r"[pP]ort: Expected `?int`? [<>]= (1|65535)"):
            decode(obj)


@pytest.mark.parametrize("number", [-1, 65536])
def test_a_target_port_that_there_is_none_of_is_malformed(number: int) -> None:
    with pytest.raises(Malformed, match="targetPort"):
        decode(raw("Service", spec={"ports": [{"port": 80, "targetPort": number}]}))


def test_a_target_port_of_zero_is_as_good_as_none() -> None:
    found = decode(raw("Service", spec={"ports": [{"port": 80, "targetPort": 0}]}))
    assert isinstance(found, Service)
    assert found.ports[0].target == 80


def test_a_page_says_where_the_next_one_is():
    found = decode_page(page(resourceVersion="7", **{"continue": "token"}), RESOURCE["pods"])
    assert (found.resource_version, found.continue_token) == ("7", "token")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"items": 3}', b'{"metadata": {}}'])
def test_a_body_that_is_no_list_is_said_to_be_none(body: bytes):
    with pytest.raises(Malformed, match="no list of pods"):
        decode_page(body, RESOURCE["pods"])


def test_an_empty_list_of_metadata_has_null_for_items():
    body = b'{"kind":"PartialObjectMetadataList","metadata":{"resourceVersion":"7"},"items":null}'
    found = decode_page(body, RESOURCE["replicasets"])
    assert (found.objects, found.resource_version, found.diagnostics) == ([], "7", [])


def test_events_of_all_types():
    added = decode_event(json.dumps({"type": "ADDED", "object": raw("Pod")}).encode(), RESOURCE["pods"])
    bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}}
    error = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}}
    assert added.object is not None
    assert added.object.ref.name == "x"
    assert decode_event(json.dumps(bookmark).encode(), RESOURCE["pods"]).resource_version == "9"
    gone = decode_event(json.dumps(error).encode(), RESOURCE["pods"])
    assert (gone.type, gone.code, gone.message) == ("ERROR", 410, "too old")


def test_a_policy_has_the_same_text_whether_it_was_listed_or_watched():
    """A server leaves the kind out of a list's items, and puts it first into a watch's objects."""
    rest = {"metadata": {"name": "x", "namespace": "ns"}, "spec": {"podSelector": {}}}
    whole = {"kind": "NetworkPolicy", "apiVersion": "networking.k8s.io/v1", **rest}
    resource = RESOURCE["networkpolicies"]
    (listed,) = decode_page(json.dumps({"items": [rest]}, separators=(",", ":")).encode(), resource).objects
    line = json.dumps({"type": "ADDED", "object": whole}, separators=(",", ":")).encode()
    assert listed == decode_event(line, resource).object


def test_a_workload_stands_for_its_template_unless_it_is_owned_itself():
    template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"ports": [{"containerPort": 1}]}]}}
    made = template_pod(raw("Deployment", "apps/v1", spec={"template": template}))
    assert made is not None
    assert (made.template, made.labels, made.owner and made.owner.kind) == (True, {"app": "x"}, "Deployment")
    cron = template_pod(raw("CronJob", "batch/v1", spec={"jobTemplate": {"spec": {"template": template}}}))
    assert cron is not None
    owner = [{"kind": "Deployment", "name": "x", "controller": True}]
    owned = raw("ReplicaSet", "apps/v1", metadata={"ownerReferences": owner}, spec={"template": template})
    assert template_pod(owned) is None
    assert template_pod(raw("ConfigMap", spec={"template": template["metadata"]})) is None


def test_policies_of_other_kinds_keep_what_they_select():
    spec = {"endpointSelector": {"matchLabels": {"a": "b"}}}
    found = decode(raw("CiliumNetworkPolicy", "cilium.io/v2", spec=spec))
    assert isinstance(found, ForeignPolicy)
    assert found.pod_selector is not None
    assert found.pod_selector.match_labels == {"a": "b"}
    for key in ("k8s:a", "io.kubernetes.pod.namespace", "io.cilium.k8s.policy.serviceaccount"):
        prefixed = decode(
            raw("CiliumNetworkPolicy", "cilium.io/v2", spec={"endpointSelector": {"matchLabels": {key: "b"}}})
        )
        assert isinstance(prefixed, ForeignPolicy)
        assert prefixed.pod_selector is None


@pytest.mark.parametrize(("selector", "labels"), [
    ({"matchLabels": {"app": "web"}}, {"app": "web"}),
    ({}, None),
    (None, None),
])  # fmt: skip
def test_an_authorization_policy_selects_the_workloads_it_names(selector: Any, labels: dict[str, str] | None):
    found = decode(raw("AuthorizationPolicy", "security.istio.io/v1", spec={"selector": selector}))
    assert isinstance(found, ForeignPolicy)
    assert (found.pod_selector.match_labels if found.pod_selector else None) == labels


def test_a_known_kind_at_an_unknown_version_is_not_evaluated_as_if_it_were_known():
    found = decode(raw("ClusterNetworkPolicy", "policy.networking.k8s.io/v9", spec={}))
    assert isinstance(found, ForeignPolicy)


def test_both_spellings_of_a_port_become_one_form():
    alpha1 = {
        "priority": 5,
        "subject": {"namespaces": {}},
        "ingress": [
            {
                "action": "Deny",
                "from": [{"pods": {"namespaceSelector": {}, "podSelector": {"matchLabels": {"a": "b"}}}}],
                "ports": [
                    {"portNumber": {"port": 80}},
                    {"portRange": {"protocol": "UDP", "start": 1, "end": 9}},
                    {"namedPort": "http"},
                ],
            }
        ],
    }
    alpha2 = {
        **alpha1,
        "tier": "Admin",
        "ingress": [
            {
                "action": "Deny",
                "from": alpha1["ingress"][0]["from"],  # type: ignore[index]
                "protocols": [
                    {"tcp": {"destinationPort": {"number": 80}}},
                    {"udp": {"destinationPort": {"range": {"start": 1, "end": 9}}}},
                    {"destinationNamedPort": "http"},
                ],
            }
        ],
    }
    admin = decode(raw("AdminNetworkPolicy", "policy.networking.k8s.io/v1alpha1", spec=alpha1))
    cluster = decode(raw("ClusterNetworkPolicy", "policy.networking.k8s.io/v1alpha2", spec=alpha2))
    forms = [
        [(port.protocol, port.low, port.high, port.name) for port in policy.ingress[0].ports or ()]
        for policy in (admin, cluster)
        if isinstance(policy, TieredPolicy)
    ]
    assert forms == [[("TCP", 80, 80, ""), ("UDP", 1, 9, ""), (None, None, None, "http")]] * 2


def test_a_peer_of_an_unknown_kind_is_kept_by_its_name():
    spec = {
        "tier": "Admin",
        "priority": 1,
        "subject": {"namespaces": {}},
        "egress": [{"action": "Accept", "to": [{"services": {}}]}],
    }
    found = decode(raw("ClusterNetworkPolicy", "policy.networking.k8s.io/v1alpha2", spec=spec))
    assert isinstance(found, TieredPolicy)
    assert found.egress[0].peers[0].unknown == ("services",)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["metadata", "spec", "status", "ports", "endpoints", "items", "podSelector", "ingress", "egress"]
)


@given(value=st.dictionaries(FIELDS, JSON), resource=st.sampled_from((*RESOURCES, *TIERED)))
def test_whatever_arrives_is_an_object_or_malformed(value: dict[str, Any], resource: Resource):
    whole = {"apiVersion": resource.api_version, "kind": resource.kind, **value}
    with contextlib.suppress(Malformed):
        decode(whole)
    found = decode_page(json.dumps({"items": [whole]}).encode(), resource)
    assert len(found.objects) + len(found.diagnostics) == 1


def test_a_policy_that_nests_too_deep_is_malformed_and_the_rest_is_read() -> None:
    junk: Any = None
    for _ in range(300):
        junk = [junk]
    policies = RESOURCE["networkpolicies"]
    kind = {"kind": policies.kind, "api_version": policies.api_version}
    found = decode_page(page(raw(**kind, junk=junk), raw(**kind, name="y")), policies)
    assert [obj.ref.name for obj in found.objects] == ["y"]
    assert [each.message for each in found.diagnostics] == ["nested more than 200 levels deep"]
    assert [gap.ref.name for gap in found.gaps if gap.ref] == ["x"]
