"""Ends that are not pods: nodes, the API server, networks, whole namespaces."""

from __future__ import annotations

import pytest

from console.errors import UnknownEnd, UsageError
from console.policy.verdict import Outcome
from tests.clusters import ask, document, pod, policy, snapshot

NODE = document(
    {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "n1"},
        "status": {"addresses": [{"type": "InternalIP", "address": "192.168.0.1"}]},
    }
)
API = document(
    {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "namespace": "default",
            "name": "kubernetes",
            "labels": {"kubernetes.io/service-name": "kubernetes"},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["192.168.0.250"]}],
        "ports": [{"port": 6443, "name": "https"}],
    }
)
TWO = pod("a", "src", "10.0.0.1", role="x") + pod("a", "other", "10.0.0.3", role="y") + pod("b", "dst", "10.0.0.2")


def egress(*peers: str) -> str:
    rules = ", ".join(f"{{to: [{peer}]}}" for peer in peers)
    return policy("a", "out", f"{{podSelector: {{}}, policyTypes: [Egress], egress: [{rules}]}}")


def test_a_node_is_its_addresses():
    open_to_node = egress("{ipBlock: {cidr: 192.168.0.0/24}}")
    assert ask(snapshot(TWO + NODE + open_to_node), "a/src", "node:n1", "10250").outcome is Outcome.ALLOWED
    assert (
        ask(snapshot(TWO + NODE + egress("{ipBlock: {cidr: 10.0.0.0/8}}")), "a/src", "node:n1", "10250").outcome
        is Outcome.BLOCKED
    )
    with pytest.raises(UnknownEnd, match="did you mean node:n1"):
        ask(snapshot(TWO + NODE), "a/src", "node:n2", "10250")


def test_the_api_server_is_where_its_service_says():
    cluster = snapshot(TWO + API + egress("{ipBlock: {cidr: 192.168.0.250/32}}"))
    assert ask(cluster, "a/src", "apiserver", "6443").outcome is Outcome.ALLOWED
    assert ask(cluster, "apiserver", "b/dst", "9443").outcome is Outcome.ALLOWED
    with pytest.raises(UnknownEnd, match="ip:ADDRESS"):
        ask(snapshot(TWO), "a/src", "apiserver", "6443")


@pytest.mark.parametrize(("peer", "network", "expected"), [
    ("{ipBlock: {cidr: 172.16.0.0/12}}", "172.20.0.0/16", Outcome.ALLOWED),
    ("{ipBlock: {cidr: 172.16.0.0/12, except: [172.20.128.0/17]}}", "172.20.0.0/16", Outcome.PARTIAL),
    ("{ipBlock: {cidr: 172.20.0.0/24}}", "172.20.0.0/16", Outcome.PARTIAL),
    ("{ipBlock: {cidr: 10.0.0.0/8}}", "172.20.0.0/16", Outcome.BLOCKED),
    ("{ipBlock: {cidr: 0.0.0.0/0}}", "fd00::/64", Outcome.BLOCKED),
])  # fmt: skip
def test_a_network_is_all_of_its_addresses(peer: str, network: str, expected: Outcome):
    assert ask(snapshot(TWO + egress(peer)), "a/src", f"cidr:{network}", "443").outcome is expected


def test_a_namespace_is_all_of_its_pods():
    allow = policy(
        "b",
        "in",
        "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}, podSelector: {matchLabels: {role: x}}}]}]}",
    )
    verdict = ask(snapshot(TWO + allow), "namespace:a", "b/dst", "80")
    assert verdict.outcome is Outcome.PARTIAL
    assert {case.sources: case.outcome for case in verdict.cases} == {
        ("a/other",): Outcome.BLOCKED,
        ("a/src",): Outcome.ALLOWED,
    }


def test_pods_of_a_namespace_among_themselves_are_not_judged_as_themselves():
    closed = snapshot(TWO + policy("a", "deny", "{podSelector: {}}"))
    assert ask(closed, "namespace:a", "namespace:a", "80").outcome is Outcome.BLOCKED


def test_the_metadata_address_has_a_name():
    verdict = ask(snapshot(TWO + egress("{ipBlock: {cidr: 0.0.0.0/0}}")), "a/src", "metadata", "80")
    assert (verdict.outcome, str(verdict.connection.destination)) == (Outcome.ALLOWED, "ip:169.254.169.254")


@pytest.mark.parametrize("text", ["cidr:10.0.0.1", "cidr:x/8", "namespace:", "svc:x", "nope:a", "node:"])
def test_what_names_nothing_is_refused(text: str):
    with pytest.raises(UsageError):
        ask(snapshot(TWO), "a/src", text, "80")


def test_of_a_workloads_pods_only_those_on_the_node_are_let_through_from_it():
    def replica(number: int) -> str:
        return document(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "namespace": "a",
                    "name": f"w-{number}",
                    "ownerReferences": [{"kind": "StatefulSet", "name": "w", "controller": True}],
                },
                "status": {"phase": "Running", "podIP": f"10.0.0.{number}", "hostIP": f"192.168.0.{number}"},
            }
        )

    cluster = snapshot(replica(1) + replica(2) + policy("a", "deny", "{podSelector: {}}"))
    verdict = ask(cluster, "ip:192.168.0.1", "a/sts/w", "8080")
    assert verdict.outcome is Outcome.PARTIAL
    assert {case.destinations: case.outcome for case in verdict.cases} == {
        ("a/w-1",): Outcome.ALLOWED,
        ("a/w-2",): Outcome.BLOCKED,
    }


def test_a_host_network_pod_on_the_pods_own_node_is_let_through_by_the_nodes_name():
    def on_node(name: str, **spec: object) -> str:
        meta = {"namespace": "a", "name": name}
        return document(
            {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"nodeName": "n1", **spec}, "status": {}}
        )

    cluster = snapshot(on_node("agent", hostNetwork=True) + on_node("web") + policy("a", "deny", "{podSelector: {}}"))
    assert ask(cluster, "a/agent", "a/web", "80").outcome is Outcome.ALLOWED


def test_a_replica_of_one_family_beside_a_dual_one_is_judged_over_its_own():
    def replica(number: int, *ips: str) -> str:
        return document(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "namespace": "a",
                    "name": f"w-{number}",
                    "labels": {"only": str(len(ips))},
                    "ownerReferences": [{"kind": "StatefulSet", "name": "w", "controller": True}],
                },
                "status": {"phase": "Running", "podIPs": [{"ip": ip} for ip in ips]},
            }
        )

    dual = pod("b", "dual", "10.0.0.9").replace("- ip: 10.0.0.9", "- ip: 10.0.0.9\n  - ip: fd00::9")
    to_any = "egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]"
    four = f"{{podSelector: {{matchLabels: {{only: '1'}}}}, policyTypes: [Egress], {to_any}}}"
    cluster = snapshot(replica(1, "10.0.0.1") + replica(2, "10.0.0.2", "fd00::2") + dual + policy("a", "four", four))
    verdict = ask(cluster, "a/sts/w", "b/dual", "80")
    assert (verdict.outcome, verdict.caveats) == (Outcome.ALLOWED, ())
