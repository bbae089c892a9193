"""A verdict as text: which tier spoke, which policy carried, and what is not claimed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.cli import main
from console.policy.trace import TierResult
from console.report.text import verdict_lines
from tests.clusters import ask, document, namespace, pod, policy, snapshot

PODS = namespace("a", team="x") + pod("a", "src", "10.0.0.1", app="src") + pod("b", "dst", "10.0.0.2", app="dst")
ALL: dict[str, Any] = {"namespaces": {}}
OPEN = policy("b", "open", "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}")


def admin(name: str, action: str, priority: int = 1, **more: Any) -> str:
    spec = {"priority": priority, "subject": ALL, "ingress": [{"action": action, "from": [ALL], **more}]}
    api = "policy.networking.k8s.io/v1alpha1"
    return document({"apiVersion": api, "kind": "AdminNetworkPolicy", "metadata": {"name": name}, "spec": spec})


def baseline(action: str) -> str:
    spec = {"subject": ALL, "ingress": [{"action": action, "from": [ALL]}]}
    api = "policy.networking.k8s.io/v1alpha1"
    raw = {"apiVersion": api, "kind": "BaselineAdminNetworkPolicy", "metadata": {"name": "default"}, "spec": spec}
    return document(raw)


def said(*objects: str, trace: bool = False) -> list[str]:
    return [
        line.strip()
        for line in verdict_lines(ask(snapshot(PODS + "".join(objects)), "a/src", "b/dst", "80"), trace=trace)
    ]


def test_every_tier_that_was_asked_says_what_it_said_where_more_than_one_has_policies():
    lines = said(admin("later", "Pass"), baseline("Deny"))
    assert [line for line in lines if line.startswith(("Admin", "Namespace", "Baseline"))] == [
        "Admin  passed",
        "Namespace  silent",
        "Baseline  denied",
    ]
    assert "ingress  denied by baselineadminnetworkpolicy/default rule 1" in " ".join(lines)
    alone = said(policy("b", "closed", "{podSelector: {}}"))
    assert [line for line in alone if line.startswith(("Admin", "Baseline"))] == []
    assert "Baseline  silent" in said(trace=True)


def test_a_policy_that_passes_is_not_said_to_allow():
    (headline,) = [line for line in said(admin("later", "Pass"), OPEN) if line.startswith("● ALLOWED")]
    assert headline.endswith("ingress allowed by b/open rule 1")


def test_a_rule_that_fails_closed_is_not_said_to_name_no_port_where_it_names_one():
    spec = {"tier": "Admin", "priority": 1, "subject": ALL, "ingress": [
        {"action": "Deny", "from": [{"later": {}}], "protocols": [{"tcp": {"destinationPort": {"number": 443}}}]}
    ]}  # fmt: skip
    api = "policy.networking.k8s.io/v1alpha2"
    written = {"apiVersion": api, "kind": "ClusterNetworkPolicy", "metadata": {"name": "closed"}, "spec": spec}
    lines = said(document(written), trace=True)
    assert not any("names no port" in line for line in lines)
    assert "✓ the whole rule fails closed, whatever ports it names: any port matches" in lines


def test_policies_of_one_priority_that_disagree_leave_their_tier_unknown_and_none_of_them_carries():
    cluster = snapshot(PODS + admin("x", "Allow") + admin("y", "Deny"))
    ingress = ask(cluster, "a/src", "b/dst", "80").cases[0].ingress
    assert (ingress.allowed, ingress.tiers[0].result, ingress.deciders) == (None, TierResult.UNKNOWN, ())
    lines = said(admin("x", "Allow"), admin("y", "Deny"))
    assert "Admin  unknown" in lines
    assert "adminnetworkpolicy/y  rule 1 matches too" in lines
    assert not any("does not match" in line for line in lines)


def test_two_ends_outside_are_governed_by_nothing_here():
    lines = list(verdict_lines(ask(snapshot(PODS), "internet", "ip:10.9.9.9", "80")))
    assert lines[1] == "● ALLOWED  neither end is a pod: no policy here governs them"


def test_families_that_differ_read_as_a_sentence():
    both = pod("b", "dst", "10.0.0.2", app="dst").replace("- ip: 10.0.0.2", "- ip: 10.0.0.2\n  - ip: fd00::2")
    six = pod("a", "src", "10.0.0.1", app="src").replace("- ip: 10.0.0.1", "- ip: 10.0.0.1\n  - ip: fd00::1")
    v4 = policy("a", "out", "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}")
    lines = list(verdict_lines(ask(snapshot(both + six + v4), "a/src", "b/dst", "80")))
    assert lines[1] == "◐ PARTIAL  blocked over IPv6; allowed over IPv4"


@pytest.mark.parametrize(("objects", "name", "status"), [
    (OPEN.replace("{}", "{matchLabels: {app: src}}", 1), "b/open", 1),  # selects nothing, for one
    (policy("b", "from", "{podSelector: {matchLabels: {app: dst}}, ingress: [{from: [{namespaceSelector: "
                         "{matchLabels: {team: x}}}], ports: [{port: 80}]}]}"), "b/from", 0),
    (policy("b", "bad", "{podSelector: {}, ingress: [{ports: [{port: 0}]}]}"), "b/bad", 1),
    (document({"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy",
               "metadata": {"namespace": "b", "name": "c"}, "spec": {}}), "b/ciliumnetworkpolicy/c", 3),
])  # fmt: skip
def test_explain_says_by_its_status_whether_there_is_something_to_mend(
    tmp_path: Path, objects: str, name: str, status: int, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "all.yaml").write_text(PODS + objects)
    assert main(["explain", name, "--manifests", str(tmp_path), "-o", "json"]) == status
    assert json.loads(capsys.readouterr().out)["standing"]
