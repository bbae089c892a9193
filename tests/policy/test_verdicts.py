"""Verdicts where the specification's corners are: each test is one rule of it."""

from __future__ import annotations

import pytest
import yaml

from console.errors import UsageError
from console.objects.coverage import INVALID_POLICY, NOT_READABLE, UNPARSED, Gap
from console.objects.meta import ObjectRef
from console.policy.trace import Ground
from console.policy.verdict import Outcome, Verdict
from tests.clusters import ask, document, namespace, pod, policy, snapshot

TWO = pod("a", "src", "10.0.0.1", role="client") + pod("b", "dst", "10.0.0.2", role="server")
DENY = "{podSelector: {}, policyTypes: [Ingress, Egress]}"


def codes(verdict: Verdict) -> set[str]:
    return {caveat.code for caveat in verdict.caveats}


def test_without_policies_everything_is_allowed():
    verdict = ask(snapshot(TWO), "a/src", "b/dst", "80")
    assert verdict.outcome is Outcome.ALLOWED
    assert [trace.ground for trace in verdict.cases[0].directions()] == [Ground.DEFAULT, Ground.DEFAULT]


def test_both_ends_have_to_allow():
    closed = snapshot(TWO + policy("a", "deny", "{podSelector: {}, policyTypes: [Egress]}"))
    verdict = ask(closed, "a/src", "b/dst", "80")
    assert verdict.outcome is Outcome.BLOCKED
    assert verdict.cases[0].egress.allowed is False
    assert verdict.cases[0].ingress.allowed is True


def test_a_blocked_connection_names_the_clause_that_failed_with_both_values():
    allow = (
        "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}, podSelector: {matchLabels: {role: trainer}}}]}]}"
    )
    verdict = ask(snapshot(TWO + policy("b", "in", allow)), "a/src", "b/dst", "80")
    assert verdict.outcome is Outcome.BLOCKED
    (miss,) = verdict.near_misses
    assert miss.policy == ObjectRef("NetworkPolicy", "b", "in")
    (failed,) = miss.failed
    assert (failed.wanted, failed.found) == ("role=trainer", "role=client")
    assert failed.path == ("spec", "ingress", 0, "from", 0, "podSelector", "matchLabels", "role")


def test_a_policy_that_would_allow_but_selects_another_end_is_a_near_miss():
    allow = "{podSelector: {matchLabels: {role: serve}}, ingress: [{}]}"
    cluster = snapshot(TWO + policy("b", "deny", DENY) + policy("b", "in", allow))
    verdict = ask(cluster, "a/src", "b/dst", "80")
    (miss,) = verdict.near_misses
    assert (miss.policy.name, miss.rule) == ("in", None)
    assert [(clause.wanted, clause.found) for clause in miss.failed] == [("role=serve", "role=server")]


def test_rules_that_fail_in_both_halves_are_no_near_misses_where_one_fails_in_one():
    far = "{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {role: x}}}], ports: [{port: 1}]}]}"
    near = "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 81}]}]}"
    cluster = snapshot(TWO + policy("b", "a-far", far) + policy("b", "b-near", near))
    verdict = ask(cluster, "a/src", "b/dst", "80")
    assert [miss.policy.name for miss in verdict.near_misses] == ["b-near"]
    only_far = ask(snapshot(TWO + policy("b", "a-far", far)), "a/src", "b/dst", "80")
    assert [miss.policy.name for miss in only_far.near_misses] == ["a-far"]


def test_a_selector_is_no_near_miss_for_an_address():
    pods_only = "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}]}]}"
    assert ask(snapshot(TWO + policy("a", "out", pods_only)), "a/src", "internet", "443").near_misses == ()


def test_replicas_that_differ_make_the_verdict_partial_and_say_by_what():
    replicas = "".join(
        document(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "namespace": "a",
                    "name": f"web-{track}-{n}",
                    "labels": {"app": "web", "track": track, "n": str(n)},
                    "ownerReferences": [
                        {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "controller": True}
                    ],
                },
                "status": {"phase": "Running"},
            }
        )
        for track, number in (("stable", 3), ("canary", 1))
        for n in range(number)
    )
    allow = (
        "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}, podSelector: {matchLabels: {track: stable}}}]}]}"
    )
    cluster = snapshot(replicas + pod("b", "dst") + policy("b", "in", allow))
    verdict = ask(cluster, "a/sts/web", "b/dst", "80")
    assert verdict.outcome is Outcome.PARTIAL
    blocked, allowed = verdict.cases
    assert (blocked.outcome, blocked.sources) == (Outcome.BLOCKED, ("a/web-canary-0",))
    assert (allowed.outcome, len(allowed.sources)) == (Outcome.ALLOWED, 3)
    assert blocked.facts == ("source track=canary",)
    # Labels that no policy looks at never split replicas.
    assert len(verdict.cases) == 2


def test_a_workload_reaches_its_own_other_pods_by_policy_not_by_being_itself():
    pods = "".join(
        document(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "namespace": "a",
                    "name": f"w-{n}",
                    "ownerReferences": [{"kind": "StatefulSet", "name": "w", "controller": True}],
                },
            }
        )
        for n in range(2)
    )
    cluster = snapshot(pods + policy("a", "deny", DENY))
    assert ask(cluster, "a/sts/w", "a/sts/w", "80").outcome is Outcome.BLOCKED
    assert ask(cluster, "a/w-0", "a/w-0", "80").outcome is Outcome.ALLOWED


@pytest.mark.parametrize(("rule", "outcome"), [
    ("{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8, 192.168.0.0/16, 172.16.0.0/12]}}]}", Outcome.ALLOWED),
    ("{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [8.8.8.0/24]}}]}", Outcome.PARTIAL),
    ("{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}", Outcome.BLOCKED),
    ("{to: [{ipBlock: {cidr: 34.0.0.0/8}}]}", Outcome.PARTIAL),
    ("{to: [{namespaceSelector: {}}]}", Outcome.BLOCKED),
    ("{}", Outcome.ALLOWED),
])  # fmt: skip
def test_the_internet_is_every_public_address_not_one(rule: str, outcome: Outcome):
    cluster = snapshot(TWO + policy("a", "out", f"{{podSelector: {{}}, policyTypes: [Egress], egress: [{rule}]}}"))
    assert ask(cluster, "a/src", "internet", "443").outcome is outcome


def test_an_ipv4_rule_does_not_open_the_ipv6_internet_of_a_dual_stack_pod():
    dual = pod("a", "src", "10.0.0.1").replace("- ip: 10.0.0.1", "- ip: 10.0.0.1\n  - ip: fd00::1")
    rule = "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}"
    verdict = ask(snapshot(dual + policy("a", "out", rule)), "a/src", "internet", "443")
    assert verdict.outcome is Outcome.PARTIAL
    assert "FAMILY_DIFFERS" in codes(verdict)
    assert {case.facts[0]: case.outcome for case in verdict.cases} == {
        "over IPv4": Outcome.ALLOWED,
        "over IPv6": Outcome.BLOCKED,
    }


def test_a_replica_of_a_family_that_the_other_end_does_not_hold_is_named():
    ipblock = "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}"
    owner = [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "set", "uid": "u", "controller": True}]
    pods = [yaml.safe_load(pod("a", f"set-{number}", ip)) for number, ip in enumerate(("10.0.0.1", "fd00::1"))]
    for each in pods:
        each["metadata"]["ownerReferences"] = owner
    cluster = snapshot("".join(map(document, pods)) + policy("a", "out", ipblock))
    verdict = ask(cluster, "a/statefulset/set", "ip:192.0.2.1", "443")
    apart = [caveat.detail for caveat in verdict.caveats if caveat.code == "NO_COMMON_FAMILY"]
    assert apart == ["a/set-1"]
    assert codes(ask(cluster, "a/set-0", "ip:192.0.2.1", "443")) == set()


def test_the_own_node_is_let_through_a_deny_all():
    cluster = snapshot(
        TWO.replace("phase: Running", "phase: Running\n  hostIP: 192.168.7.1") + policy("b", "deny", DENY)
    )
    verdict = ask(cluster, "ip:192.168.7.1", "b/dst", "80")
    assert (verdict.outcome, codes(verdict)) == (Outcome.ALLOWED, {"OWN_NODE"})
    assert ask(cluster, "ip:192.168.7.2", "b/dst", "80").outcome is Outcome.BLOCKED


def test_a_host_network_pod_is_its_nodes_address_to_policies():
    host = document(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"namespace": "a", "name": "host", "labels": {"role": "client"}},
            "spec": {"hostNetwork": True},
            "status": {"phase": "Running", "hostIP": "192.168.7.9", "podIP": "192.168.7.9"},
        }
    )
    by_label = "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}"
    by_block = "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 192.168.7.0/24}}]}]}"
    blocked = ask(snapshot(TWO + host + policy("b", "in", by_label)), "a/host", "b/dst", "80")
    allowed = ask(snapshot(TWO + host + policy("b", "in", by_block)), "a/host", "b/dst", "80")
    assert (blocked.outcome, allowed.outcome) == (Outcome.BLOCKED, Outcome.ALLOWED)
    assert "HOST_NETWORK" in codes(blocked)
    assert "HOST_NETWORK" in codes(allowed)
    towards = ask(snapshot(TWO + host + policy("a", "deny", DENY.replace(", Egress", ""))), "b/dst", "a/host", "80")
    assert towards.outcome is Outcome.ALLOWED


def test_an_ingress_ip_block_that_admits_a_pod_by_its_address_is_said_to_be_contested():
    block = "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/24}}]}]}"
    verdict = ask(snapshot(TWO + policy("b", "in", block)), "a/src", "b/dst", "80")
    assert (verdict.outcome, codes(verdict)) == (Outcome.ALLOWED, {"INGRESS_IPBLOCK_POD_SOURCE"})


def test_named_ports_resolve_on_the_destination_and_unresolved_ones_are_named():
    named = "{podSelector: {}, ingress: [{ports: [{port: http}]}]}"
    web = pod("b", "web", ports=[{"name": "http", "containerPort": 8080}])
    cluster = snapshot(TWO + web + policy("b", "in", named))
    assert ask(cluster, "a/src", "b/web", "8080").outcome is Outcome.ALLOWED
    assert ask(cluster, "a/src", "b/web", "80").outcome is Outcome.BLOCKED
    missing = ask(cluster, "a/src", "b/dst", "8080")
    assert (missing.outcome, codes(missing)) == (Outcome.BLOCKED, {"NAMED_PORT_UNRESOLVED"})


def test_finished_pods_are_no_ends():
    done = pod("a", "done", "10.0.0.9").replace("Running", "Succeeded")
    with pytest.raises(UsageError, match="has finished"):
        ask(snapshot(TWO + done), "a/done", "b/dst", "80")


class TestUnknown:
    def test_a_policy_of_a_kind_that_is_not_evaluated_where_it_selects_an_end(self):
        foreign = document(
            {
                "apiVersion": "cilium.io/v2",
                "kind": "CiliumNetworkPolicy",
                "metadata": {"namespace": "b", "name": "l7"},
                "spec": {"endpointSelector": {"matchLabels": {"role": "server"}}},
            }
        )
        cluster = snapshot(TWO + pod("b", "other", role="x") + foreign)
        verdict = ask(cluster, "a/src", "b/dst", "80")
        assert (verdict.outcome, codes(verdict)) == (Outcome.UNKNOWN, {"POLICY_KIND_NOT_MODELLED"})
        assert ask(cluster, "a/src", "b/other", "80").outcome is Outcome.ALLOWED

    def test_a_sure_block_on_one_side_stays_a_block(self):
        foreign = document(
            {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"namespace": "b", "name": "x"}}
        )
        verdict = ask(snapshot(TWO + foreign + policy("a", "deny", DENY)), "a/src", "b/dst", "80")
        assert verdict.outcome is Outcome.BLOCKED

    def test_policies_that_may_not_be_read(self):
        gap = Gap(code=NOT_READABLE, resource="networkpolicies", namespace="b", why="403")
        verdict = ask(snapshot(TWO, gap), "a/src", "b/dst", "80")
        assert (verdict.outcome, codes(verdict)) == (Outcome.UNKNOWN, {"NOT_READABLE"})

    def test_policies_add_up_so_one_that_is_missing_cannot_take_back_what_another_allows(self):
        gap = Gap(code=INVALID_POLICY, resource="networkpolicies", namespace="b", why="broken")
        verdict = ask(
            snapshot(TWO + policy("b", "in", "{podSelector: {}, ingress: [{}]}"), gap), "a/src", "b/dst", "80"
        )
        assert verdict.outcome is Outcome.ALLOWED

    def test_a_document_that_could_hold_anything(self):
        gap = Gap(code=UNPARSED, resource="*", why="no YAML")
        assert ask(snapshot(TWO, gap), "a/src", "b/dst", "80").outcome is Outcome.UNKNOWN

    def test_namespace_labels_nobody_could_read(self):
        cluster = snapshot(TWO + policy("b", "in", """
            podSelector: {}
            ingress: [{from: [{namespaceSelector: {matchLabels: {team: ml}}}]}]"""))  # fmt: skip
        blind = cluster.contents["a"].namespace
        from msgspec.structs import replace as with_fields

        hidden = with_fields(blind, labels_known=False)
        object.__setattr__(cluster.contents["a"], "namespace", hidden)
        verdict = ask(cluster, "a/src", "b/dst", "80")
        assert (verdict.outcome, codes(verdict)) == (Outcome.UNKNOWN, {"NOT_READABLE"})

    def test_an_invalid_policy_is_named_and_concerns_only_what_it_selects(self):
        broken = "{podSelector: {matchLabels: {role: server}}, ingress: [{ports: [{port: 90, endPort: 80}]}]}"
        cluster = snapshot(TWO + pod("b", "other", role="x") + policy("b", "bad", broken))
        verdict = ask(cluster, "a/src", "b/dst", "80")
        assert verdict.outcome is Outcome.UNKNOWN
        assert "spec.ingress[0].ports[0].endPort" in verdict.caveats[0].detail
        assert ask(cluster, "a/src", "b/other", "80").outcome is Outcome.ALLOWED


class TestNames:
    @pytest.mark.parametrize(("text", "said"), [
        ("a/scr", "did you mean a/src"),
        ("aa/src", "no namespace 'aa'"),
        ("src", "NAMESPACE/POD"),
        ("ip:10.0.0.300", "no IP address"),
        ("a/deploy/nope", "no deployment a/nope"),
        ("svc:a/nope", "no Service a/nope"),
    ])  # fmt: skip
    def test_an_end_that_does_not_exist_says_what_does(self, text: str, said: str):
        with pytest.raises(UsageError) as caught:
            ask(snapshot(TWO), text, "b/dst", "80")
        assert said in str(caught.value)

    @pytest.mark.parametrize("port", ["0", "65536", "80/ICMP", "http", ""])
    def test_a_port_that_is_none_is_refused(self, port: str):
        with pytest.raises(UsageError):
            ask(snapshot(TWO), "a/src", "b/dst", port)

    def test_an_address_of_a_pod_that_has_two_is_judged_in_its_own_family(self):
        both = pod("b", "both", "10.0.0.7").replace("- ip: 10.0.0.7", "- ip: 10.0.0.7\n  - ip: fd00::7")
        six = pod("a", "six", "10.0.0.8").replace("- ip: 10.0.0.8", "- ip: 10.0.0.8\n  - ip: fd00::8")
        v4 = "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}"
        cluster = snapshot(TWO + both + six + policy("a", "out", v4))
        assert ask(cluster, "a/six", "b/both", "80").outcome is Outcome.PARTIAL
        assert ask(cluster, "a/six", "ip:10.0.0.7", "80").outcome is Outcome.ALLOWED
        assert ask(cluster, "a/six", "ip:fd00::7", "80").outcome is Outcome.BLOCKED

    def test_an_address_that_a_pod_holds_is_judged_as_that_pod(self):
        cluster = snapshot(TWO + policy("b", "in", "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}"))
        verdict = ask(cluster, "ip:10.0.0.1", "b/dst", "80")
        assert verdict.outcome is Outcome.ALLOWED
        assert "POD_BY_ADDRESS" in codes(verdict)


def test_a_namespace_carries_its_name_as_a_label_even_undeclared():
    rule = (
        "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: a}}}]}]}"
    )
    assert ask(snapshot(TWO + policy("b", "in", rule)), "a/src", "b/dst", "80").outcome is Outcome.ALLOWED
    declared = namespace("a", team="x")
    assert ask(snapshot(TWO + declared + policy("b", "in", rule)), "a/src", "b/dst", "80").outcome is Outcome.ALLOWED
