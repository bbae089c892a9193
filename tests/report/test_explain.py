"""An explanation as people and scripts read it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from console.objects.coverage import NOT_READABLE, Gap
from console.objects.decode import template_pod
from console.objects.snapshot import Snapshot, build
from console.policy.engine import Engine
from console.policy.explain import explain
from console.policy.explain_names import parse_policy
from console.report.explain import explanation_json, explanation_lines
from tests.clusters import document, namespace, pod, policy, snapshot

CLUSTER = (
    namespace("training", team="ml")
    + namespace("store", team="data")
    + pod("training", "trainer-0", "10.0.0.1", role="trainer")
    + pod("training", "trainer-1", "10.0.0.2", role="trainer")
    + pod("store", "online-0", "10.0.0.3", ports=[{"name": "online", "containerPort": 6566}], app="feast")
    + pod("store", "redis-0", "10.0.0.4", app="redis")
    + policy("store", "deny", "{podSelector: {}, policyTypes: [Ingress, Egress]}")
)
ANP = "policy.networking.k8s.io/v1alpha1"


def lines(cluster: Snapshot, name: str) -> list[str]:
    return list(explanation_lines(explain(Engine(cluster), parse_policy(name, cluster))))


def as_json(cluster: Snapshot, name: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(
        json.dumps(explanation_json(explain(Engine(cluster), parse_policy(name, cluster))))
    )
    return made


SPEC = """
podSelector: {matchLabels: {app: feast}}
ingress:
- from:
  - {namespaceSelector: {matchLabels: {team: ml}}, podSelector: {matchLabels: {role: trainer}}}
  ports: [{port: online}]
- from:
  - ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}
  - podSelector: {matchExpressions: [{key: app, operator: Exists}]}
"""


def test_it_reads_as_sentences():
    assert lines(snapshot(CLUSTER + policy("store", "feast", SPEC)), "store/feast") == [
        "NetworkPolicy store/feast",
        "  selects 1 pod of 1 workload: store/online-0",
        "  isolates them for ingress, with deny",
        "    rule 1 lets in pods with role=trainer in namespaces with team=ml (2 pods of 2 workloads)"
        " on online/TCP (6566)",
        "    rule 2 lets in, on every port:",
        "      addresses in 0.0.0.0/0 except 10.0.0.0/8",
        "      pods with a label app in namespace store (2 pods of 2 workloads)",
        "  says nothing of egress",
        "",
        "  filled in by the API server",
        "    spec.policyTypes: left out, so Ingress: it has no egress rule",
        "    spec.ingress[0].ports[0].protocol: left out, so TCP",
        "",
        "  wider than it looks",
        "    OPEN_INTERNET  spec.ingress[1].from[0].ipBlock.cidr: 0.0.0.0/0 is every IPv4 address but 10.0.0.0/8",
        "    ALL_PORTS  spec.ingress[1]: rule 2 names no port: every port and protocol is open",
    ]


def test_a_default_deny_says_what_it_does_alone_and_with_others():
    assert lines(snapshot(CLUSTER), "store/deny") == [
        "NetworkPolicy store/deny",
        "  selects 2 pods of 2 workloads: store/online-0, store/redis-0",
        "  isolates them for ingress and lets nothing in",
        "  isolates them for egress and lets nothing out",
    ]
    beside = policy("store", "feast", SPEC)
    assert "  isolates them for ingress, with feast; has no rule of its own" in lines(
        snapshot(CLUSTER + beside), "store/deny"
    )


def test_a_tier_with_an_order_says_who_is_asked_before():
    def admin(name: str, priority: int, action: str) -> str:
        rule = {"action": action, "to": [{"nodes": {}}, {"domainNames": ["hub.example"]}]}
        if action != "Allow":
            rule["to"] = [{"namespaces": {"matchLabels": {"team": "ml"}}}]
        spec = {"priority": priority, "subject": {"namespaces": {"matchLabels": {"team": "data"}}}, "egress": [rule]}
        meta = {"name": name}
        return document({"apiVersion": ANP, "kind": "AdminNetworkPolicy", "metadata": meta, "spec": spec})

    told = lines(
        snapshot(CLUSTER + admin("first", 1, "Deny") + admin("mine", 2, "Allow") + admin("twin", 2, "Pass")), "anp/mine"
    )
    assert told[:8] == [
        "AdminNetworkPolicy mine  (Admin tier, priority 2)",
        "  selects 2 pods of 2 workloads: store/online-0, store/redis-0",
        "  says nothing of ingress",
        "  judges egress; the first rule that matches decides",
        "    at the same priority as adminnetworkpolicy/twin: which is asked first is undefined",
        "    asked before it: adminnetworkpolicy/first",
        "    rule 1 lets out to, on every port:",
        "      all nodes (0 nodes)",
    ]
    assert told[8] == "      hosts named hub.example (which addresses these have is not known here)"


def test_a_policy_that_is_not_valid_says_so_before_all_else():
    told = lines(snapshot(CLUSTER + policy("store", "bad", "{podSelector: {}, policyTypes: [Both]}")), "store/bad")
    assert told == [
        "NetworkPolicy store/bad",
        "  is not valid: an API server refuses it",
        "  may select 2 pods of 2 workloads: store/online-0, store/redis-0; verdicts on these are UNKNOWN",
        "",
        "  not valid",
        "    spec.policyTypes[0]: must be Ingress or Egress, is 'Both'",
    ]


def test_a_kind_that_is_not_evaluated_is_not_guessed_at():
    meta = {"name": "x", "namespace": "store"}
    cilium = document({"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": meta, "spec": {}})
    told = lines(snapshot(CLUSTER + cilium), "store/ciliumnetworkpolicy/x")
    assert told[1] == "  is of a kind that is not evaluated here: what it allows is not known"
    assert told[2].endswith("verdicts on these are UNKNOWN")
    assert len(told) == 3


def test_counts_of_what_could_be_read_are_told_as_such():
    gap = Gap(code=NOT_READABLE, resource="pods", namespace="store", why="pods of store may not be read (403)")
    told = lines(snapshot(CLUSTER + policy("store", "p", "{podSelector: {matchLabels: {a: b}}}"), gap), "store/p")
    assert told[1] == "  selects no pod that could be read"
    assert told[-2:] == ["  not known", "    NOT_READABLE: pods of store may not be read (403)"]


def test_workloads_of_files_are_not_counted_as_pods():
    template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"image": "x"}]}}
    meta = {"namespace": "store", "name": "web"}
    made = template_pod(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {"template": template}}
    )
    assert made is not None
    parts = snapshot(policy("store", "p", "{podSelector: {}}"))
    cluster = build([made, *parts.policies()])
    assert lines(cluster, "store/p")[1] == "  selects the pods of 1 workload: store/deployment/web"
    assert as_json(cluster, "store/p")["selects"]["pods"] == 0


@pytest.mark.parametrize("text", ["\x1b[31mred", "\u202ereversed", "two\nlines"])
def test_text_of_the_cluster_never_reaches_a_terminal_raw(text: str):
    spec = document(
        {
            "apiVersion": ANP,
            "kind": "AdminNetworkPolicy",
            "metadata": {"name": "x"},
            "spec": {
                "priority": 1,
                "subject": {"namespaces": {}},
                "egress": [{"action": "Allow", "to": [{"domainNames": [text]}, {text: {}}]}],
                "ingress": [{"action": "Allow", "from": [{"namespaces": {}}], "ports": [{"namedPort": text}]}],
            },
        }
    )
    told = lines(snapshot(CLUSTER + spec), "anp/x")
    assert any("PORT_NOWHERE" in line for line in told)
    assert all(line.isprintable() for line in told)


def test_json_has_it_all_as_values():
    made = as_json(snapshot(CLUSTER + policy("store", "feast", SPEC)), "store/feast")
    assert made["policy"] == {"kind": "NetworkPolicy", "namespace": "store", "name": "feast"}
    assert made["standing"] == "evaluated"
    assert (made["tier"], made["priority"]) == ("network_policy", None)
    assert made["selects"] == {
        "pods": 1,
        "templates": 0,
        "workloads": ["store/online-0"],
        "host_network": 0,
        "complete": True,
    }
    (ingress,) = made["directions"]
    assert [each["name"] for each in ingress["together_with"]] == ["deny"]
    first, second = ingress["rules"]
    assert first["ports"][0]["numbers"] == [{"port": "6566/TCP", "pods": 1}]
    assert first["peers"][0]["matches"]["pods"] == 2
    assert (second["path"], second["ports"]) == ("spec.ingress[1]", None)
    assert [each["path"] for each in made["defaults"]] == ["spec.policyTypes", "spec.ingress[0].ports[0].protocol"]
    assert made["findings"][0] == {
        "code": "OPEN_INTERNET",
        "effect": "wider",
        "path": "spec.ingress[1].from[0].ipBlock.cidr",
        "sentence": "0.0.0.0/0 is every IPv4 address but 10.0.0.0/8",
        "policies": [],
    }


def test_json_of_what_is_not_evaluated_has_problems_or_nothing():
    made = as_json(snapshot(CLUSTER + policy("store", "bad", "{podSelector: {}, policyTypes: [Both]}")), "store/bad")
    assert made["standing"] == "invalid"
    assert made["problems"] == [
        {"path": "spec.policyTypes[0]", "message": "must be Ingress or Egress, is 'Both'", "fatal": True}
    ]
    assert (made["tier"], made["directions"], made["findings"]) == (None, [], [])
