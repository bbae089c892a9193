"""The tiers around NetworkPolicy: AdminNetworkPolicy, BaselineAdminNetworkPolicy, ClusterNetworkPolicy."""

from __future__ import annotations

from typing import Any

import pytest

from console.objects.coverage import NOT_READABLE, Gap
from console.objects.diagnostics import Malformed
from console.policy.trace import Ground, TierResult
from console.policy.verdict import Outcome
from tests.clusters import ask, document, namespace, pod, policy, snapshot

TWO = (
    namespace("a", team="x")
    + namespace("b", team="y")
    + pod("a", "src", "10.0.0.1", role="client")
    + pod("b", "dst", "10.0.0.2", role="server")
)
ALL: dict[str, Any] = {"namespaces": {}}


def cnp(name: str, tier: str, priority: int, **spec: Any) -> str:
    meta = {"name": name}
    body = {"tier": tier, "priority": priority, "subject": ALL, **spec}
    api = "policy.networking.k8s.io/v1alpha2"
    return document({"apiVersion": api, "kind": "ClusterNetworkPolicy", "metadata": meta, "spec": body})


def rule(action: str, to: Any = None, **fields: Any) -> list[dict[str, Any]]:
    return [{"action": action, "to": [to or ALL], **fields}]


def outcome(*objects: str, src: str = "a/src", dst: str = "b/dst", port: str = "80") -> Outcome:
    return ask(snapshot(TWO + "".join(objects)), src, dst, port).outcome


DENY_ALL = policy("a", "deny", "{podSelector: {}, policyTypes: [Egress]}")


def test_admin_goes_before_network_policy_and_baseline_after():
    assert outcome(cnp("x", "Admin", 1, egress=rule("Accept")), DENY_ALL) is Outcome.ALLOWED
    assert outcome(cnp("x", "Baseline", 1, egress=rule("Accept")), DENY_ALL) is Outcome.BLOCKED
    assert outcome(cnp("x", "Baseline", 1, egress=rule("Deny"))) is Outcome.BLOCKED


def test_the_first_matching_rule_by_priority_decides():
    accept, deny = cnp("z", "Admin", 1, egress=rule("Accept")), cnp("a", "Admin", 2, egress=rule("Deny"))
    assert outcome(accept, deny) is Outcome.ALLOWED
    assert outcome(accept.replace("priority: 1", "priority: 3"), deny) is Outcome.BLOCKED


def test_pass_hands_on_to_the_next_tier_and_skips_the_rest_of_its_own():
    passing, deny = cnp("p", "Admin", 1, egress=rule("Pass")), cnp("d", "Admin", 2, egress=rule("Deny"))
    assert outcome(passing, deny) is Outcome.ALLOWED
    assert outcome(passing, deny, DENY_ALL) is Outcome.BLOCKED
    verdict = ask(snapshot(TWO + passing + deny + DENY_ALL), "a/src", "b/dst", "80")
    assert [tier.result for tier in verdict.cases[0].egress.tiers] == [
        TierResult.PASSED,
        TierResult.DENIED,
        TierResult.NOT_REACHED,
    ]


def test_equal_priorities_that_disagree_are_unknown_and_those_that_agree_are_not():
    accept, deny = cnp("x", "Admin", 1, egress=rule("Accept")), cnp("y", "Admin", 1, egress=rule("Deny"))
    verdict = ask(snapshot(TWO + accept + deny), "a/src", "b/dst", "80")
    assert verdict.outcome is Outcome.UNKNOWN
    assert {caveat.code for caveat in verdict.caveats} == {"SAME_PRIORITY"}
    assert outcome(deny, deny.replace("name: y", "name: z")) is Outcome.BLOCKED
    # Passing to a tier that allows comes to the same as accepting.
    assert outcome(accept, cnp("p", "Admin", 1, egress=rule("Pass"))) is Outcome.ALLOWED


@pytest.mark.parametrize(("action", "expected"), [("Accept", Outcome.UNKNOWN), ("Deny", None)])
def test_domain_names_cannot_be_matched_to_addresses(action: str, expected: Outcome | None):
    names = cnp(
        "x",
        "Admin",
        1,
        egress=[*rule(action, {"domainNames": ["*.hf.co"]}), *rule("Deny", {"networks": ["0.0.0.0/0"]})],
    )
    verdict = ask(snapshot(TWO + names), "a/src", "ip:8.8.8.8", "443")
    # domainNames may only be accepted: a policy that denies by them is not valid, so what it does is not known.
    assert verdict.outcome is Outcome.UNKNOWN
    code = "DOMAIN_NAMES" if expected else "INVALID_POLICY"
    assert code in {caveat.code for caveat in verdict.caveats}


def test_a_domain_name_that_changes_nothing_leaves_the_answer_sure():
    assert (
        outcome(cnp("x", "Admin", 1, egress=rule("Accept", {"domainNames": ["hf.co"]})), dst="ip:8.8.8.8")
        is Outcome.ALLOWED
    )


@pytest.mark.parametrize("action", ["Accept", "Deny", "Pass"])
@pytest.mark.parametrize("beside", [[], [ALL]])
def test_a_rule_with_a_peer_of_an_unknown_kind_fails_closed(action: str, beside: list[dict[str, Any]]):
    # "treat the rule as matching no traffic", "treat the rule as a 'Deny all' rule": the rule, not the one peer.
    unknown = {"action": action, "to": [*beside, {"services": {}}]}
    assert outcome(cnp("x", "Admin", 1, egress=[unknown, *rule("Deny")])) is Outcome.BLOCKED


def test_a_rule_that_allows_and_fails_closed_leaves_the_default_and_one_that_denies_does_so_on_every_port():
    accepts = {"action": "Accept", "to": [{"services": {}}, ALL]}
    assert outcome(cnp("x", "Admin", 1, egress=[accepts]), DENY_ALL) is Outcome.BLOCKED
    assert outcome(cnp("x", "Admin", 1, egress=[accepts])) is Outcome.ALLOWED
    udp = [{"udp": {"destinationPort": {"number": 53}}}]
    denies = {"action": "Deny", "to": [{"services": {}}], "protocols": udp}
    verdict = ask(snapshot(TWO + cnp("x", "Admin", 1, egress=[denies])), "a/src", "b/dst", "80")
    assert verdict.outcome is Outcome.BLOCKED
    (decider,) = verdict.cases[0].egress.deciders
    (peer,) = decider.rules[0].peers
    assert peer.clauses[0].path == ("spec", "egress", 0, "to", 0, "services")


def test_nodes_match_by_address_and_label_and_not_knowing_the_node_is_not_knowing():
    node = document(
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": "n1", "labels": {"zone": "z1"}},
            "status": {"addresses": [{"type": "InternalIP", "address": "192.168.0.1"}]},
        }
    )
    closed = cnp("x", "Admin", 1, egress=rule("Deny", {"nodes": {"matchLabels": {"zone": "z1"}}}))
    assert outcome(node, closed, dst="ip:192.168.0.1") is Outcome.BLOCKED
    assert outcome(node, closed, dst="ip:192.168.0.2") is Outcome.ALLOWED
    gap = Gap(code=NOT_READABLE, resource="nodes", why="403")
    assert ask(snapshot(TWO + closed, gap), "a/src", "ip:192.168.0.1", "80").outcome is Outcome.UNKNOWN


def test_networks_match_pods_by_their_addresses():
    assert outcome(cnp("x", "Admin", 1, egress=rule("Deny", {"networks": ["10.0.0.2/32"]}))) is Outcome.BLOCKED


def test_named_ports_have_no_protocol_of_their_own():
    web = pod("b", "web", "10.0.0.3", ports=[{"name": "q", "containerPort": 53, "protocol": "UDP"}])
    named = cnp("x", "Admin", 1, egress=rule("Deny", protocols=[{"destinationNamedPort": "q"}]))
    assert outcome(web, named, dst="b/web", port="53/UDP") is Outcome.BLOCKED
    assert outcome(web, named, dst="b/web", port="53/TCP") is Outcome.ALLOWED


def test_an_invalid_policy_of_a_tier_makes_what_it_may_govern_unknown():
    broken = cnp("x", "Admin", 2000, egress=rule("Deny"))
    verdict = ask(snapshot(TWO + broken), "a/src", "b/dst", "80")
    assert verdict.outcome is Outcome.UNKNOWN
    assert "0 to 1000" in verdict.caveats[0].detail


def test_an_invalid_policy_of_a_tier_leaves_alone_what_its_subject_does_not_select():
    elsewhere = {"pods": {"namespaceSelector": {"matchLabels": {"team": "x"}}, "podSelector": {}}}
    broken = cnp("x", "Admin", 2000, subject=elsewhere, ingress=[{"action": "Deny", "from": [ALL]}])
    assert outcome(broken) is Outcome.UNKNOWN
    assert outcome(broken, src="ip:8.8.8.8") is Outcome.ALLOWED


BOTH = {"number": 1, "range": {"start": 1, "end": 2}}
NO_RANGE = {"range": {"start": 2, "end": 2}}


@pytest.mark.parametrize(("fields", "where"), [
    ({"protocols": []}, "protocols"),
    ({"ports": [{"portNumber": {"port": 80}}]}, "ports"),
    ({"protocols": [{"tcp": {}, "udp": {}}]}, "protocols[0]"),
    ({"protocols": [{"icmp": {}}]}, "protocols[0]"),
    ({"protocols": [{"tcp": {"flags": "SYN"}}]}, "protocols[0].tcp"),
    ({"protocols": [{"tcp": {"destinationPort": BOTH}}]}, "protocols[0].tcp.destinationPort"),
    ({"protocols": [{"tcp": {"destinationPort": NO_RANGE}}]}, "protocols[0].tcp.destinationPort.range"),
])  # fmt: skip
def test_ports_that_say_more_or_less_than_one_thing_are_refused_and_none_is_overlooked(
    fields: dict[str, Any], where: str
):
    with pytest.raises(Malformed) as caught:
        outcome(cnp("x", "Admin", 1, egress=rule("Deny", **fields)))
    assert caught.value.path == f"spec.egress[0].{where}"


def test_two_ways_to_name_a_port_are_refused_in_v1alpha1_too():
    both = {"portNumber": {"port": 80}, "namedPort": "web"}
    spec = {"priority": 1, "subject": ALL, "egress": rule("Deny", ports=[both])}
    api = "policy.networking.k8s.io/v1alpha1"
    raw = {"apiVersion": api, "kind": "AdminNetworkPolicy", "metadata": {"name": "x"}, "spec": spec}
    with pytest.raises(Malformed, match="exactly one of portNumber, portRange and namedPort"):
        outcome(document(raw))


@pytest.mark.parametrize(("egress", "said"), [
    (rule("Deny") * 26, "25 rules at most, holds 26"),
    ([{"action": "Deny", "to": [ALL] * 26}], "25 peers at most"),
    (rule("Deny", protocols=[{"tcp": {}}] * 26), "25 entries at most"),
    (rule("Deny", {"networks": []}), "at least one entry"),
    (rule("Deny", {"networks": ["10.0.0.0/8"] * 26}), "25 entries at most"),
])  # fmt: skip
def test_lists_longer_than_an_api_server_takes_are_not_valid(egress: list[dict[str, Any]], said: str):
    verdict = ask(snapshot(TWO + cnp("x", "Admin", 1, egress=egress)), "a/src", "b/dst", "80")
    assert verdict.outcome is Outcome.UNKNOWN
    assert said in verdict.caveats[0].detail


def test_baseline_beside_a_network_policy_of_the_other_direction_is_said_to_be_contested():
    verdict = ask(
        snapshot(TWO + cnp("x", "Baseline", 1, egress=rule("Deny")) + policy("a", "in", "{podSelector: {}}")),
        "a/src", "b/dst", "80",
    )  # fmt: skip
    assert verdict.outcome is Outcome.BLOCKED
    assert {caveat.code for caveat in verdict.caveats} == {"BASELINE_BESIDE_NETWORK_POLICY"}


def test_an_admin_allow_at_the_destination_does_not_override_the_sources_egress():
    allow = {"action": "Accept", "from": [ALL]}
    assert outcome(cnp("x", "Admin", 1, ingress=[allow]), DENY_ALL) is Outcome.BLOCKED


@pytest.mark.parametrize("tier", ["Admin", "Baseline"])
def test_a_pod_is_subject_when_a_service_leads_it_back_to_itself_and_not_by_its_own_address(tier: str):
    meta = {"namespace": "a", "name": "own"}
    spec = {"selector": {"role": "client"}, "ports": [{"port": 80}]}
    service = document({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec})
    deny = cnp("x", tier, 1, egress=rule("Deny"))
    assert outcome(service, deny, dst="svc:a/own") is Outcome.BLOCKED
    assert outcome(service, deny, dst="a/src") is Outcome.ALLOWED
    # What a NetworkPolicy means there is undefined; it keeps no pod from itself.
    assert outcome(service, DENY_ALL, dst="svc:a/own") is Outcome.ALLOWED


def test_a_tier_cannot_isolate_by_being_silent():
    assert (
        outcome(cnp("x", "Admin", 1, egress=rule("Accept", {"namespaces": {"matchLabels": {"team": "z"}}})))
        is Outcome.ALLOWED
    )


def test_what_may_match_and_changes_nothing_leaves_the_answer_to_the_tiers_below():
    hosts = cnp("x", "Admin", 1, egress=rule("Accept", {"domainNames": ["hf.co"]}))
    (case,) = ask(snapshot(TWO + hosts), "a/src", "ip:192.0.2.7", "443").cases
    assert case.egress is not None
    assert (case.outcome, case.egress.ground) == (Outcome.ALLOWED, Ground.DEFAULT)
    status = {"addresses": [{"type": "InternalIP", "address": "10.9.0.3"}]}
    node = document({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": status})
    mine = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": "a", "name": "mine"},
        "spec": {"nodeName": "n1", "containers": [{"image": "x"}]},
        "status": {"phase": "Running", "podIP": "10.0.0.9"},
    }
    (case,) = ask(snapshot(TWO + hosts + DENY_ALL + node + document(mine)), "a/mine", "ip:10.9.0.3", "443").cases
    assert case.egress is not None
    assert (case.outcome, case.egress.ground) == (Outcome.ALLOWED, Ground.OWN_NODE)
