"""Fixes: what is proposed opens what was asked, closes nothing, and opens just what it says it opens.

What a fix opens is found here the slow way: by asking about every pair of pods, one
connection at a time, before and after it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, note, settings

from console.cli import main
from console.objects.snapshot import Snapshot
from console.policy.ends import connection, pod_end
from console.policy.engine import Engine
from console.policy.fix import Fix, fix_for, with_objects
from console.policy.fix_rules import VOLATILE, without
from console.policy.model import Protocol
from console.policy.parties import families_of
from console.policy.verdict import Connection, End, Outcome, Verdict
from console.tui.model.fixview import why_none
from tests.clusters import document, namespace, pod, policy, snapshot
from tests.policy.asking import WORLDS, ask, engine_of, questioned, unhurried
from tests.policy.strategies import Connection as Asked
from tests.policy.strategies import Raw, worlds
from tests.policy.strategies_tiers import GROUP, tiered_worlds

proposed = settings(unhurried, max_examples=max(30, WORLDS // 10))
World = tuple[list[Raw], list[Asked]]
#: How open a connection is in one address family.
LEVELS = {Outcome.BLOCKED: 0, Outcome.UNKNOWN: 1, Outcome.ALLOWED: 2}
BOTH = ("over IPv4", "over IPv6")


def raws_of(objects: Iterable[Raw]) -> dict[Any, Raw]:
    return {
        (each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]): each
        for each in objects
        if each["kind"].endswith("NetworkPolicy")
    }


# The slow way --------------------------------------------------------------------------------------------------------


def openness(engine: Engine, question: Connection) -> dict[str, int]:
    """How open one connection is, by address family, at its least and its most (an end may be many addresses)."""
    found: dict[str, int] = {}
    for case in engine.cases(question):
        level = LEVELS[case.outcome]
        for family in [each for each in BOTH if each in case.facts] or BOTH:
            found[f"{family}, least"] = min(level, found.get(f"{family}, least", level))
            found[f"{family}, most"] = max(level, found.get(f"{family}, most", level))
    return found


def changes(before: Engine, after: Engine, ends: list[End], how: Iterable[tuple[Protocol, int]]) -> Iterator[Any]:
    """The connections that a fix opens (1) or closes (-1), among single ends."""
    asked = list(how)
    for source in ends:
        for destination in ends:
            if source is destination or not (source.pods or destination.pods):
                continue
            for protocol, port in asked:
                question = Connection(source, destination, protocol, port)
                was, now = openness(before, question), openness(after, question)
                for sign in (1, -1):
                    if any(sign * (now[family] - was[family]) > 0 for family in was.keys() & now.keys()):
                        yield sign, source, destination, protocol, port


def called(end: End, cluster: Snapshot) -> str:
    """What `opens` calls a single end: its workload, if it is a pod."""
    if not end.pods:
        return str(end)
    workload = cluster.contents[end.pods[0].namespace].workload_of(end.pods[0])
    return f"{workload.namespace}/{workload.kind.lower()}/{workload.name}"


def name(end: End) -> str:
    return f"{end.pods[0].namespace}/{end.pods[0].name}" if end.pods else str(end)


def check(engine: Engine, verdict: Verdict, fix: Fix) -> None:
    """All that must hold of a fix."""
    after = Engine(with_objects(engine.snapshot, fix.objects), engine)
    assert after.evaluate(verdict.connection).outcome is Outcome.ALLOWED
    for each in (*after.snapshot.policies(), *after.snapshot.tiered.values()):
        assert after.compiled(each) is not None, "the API server would refuse it"
    source, destination = verdict.connection.source, verdict.connection.destination
    outside = {str(each): each for each in (source, destination) if not each.pods and each.service is None}
    ends = [*(pod_end(each) for each in engine.snapshot.pods() if not each.finished), *outside.values()]
    asked = {
        (one, other, case.port)
        for case in verdict.cases
        for one in ((str(source),) if str(source) in outside else case.sources)
        for other in ((str(destination),) if str(destination) in outside else case.destinations)
    }
    ports, spoken = {case.port for case in verdict.cases}, verdict.connection.protocol
    unasked = next(each for each in Protocol if each is not spoken)
    how = {*((spoken, port) for port in {*ports, 79}), *((unasked, port) for port in ports)}
    opened = set()
    for sign, one, other, protocol, port in changes(engine, after, ends, how):
        path = f"{called(one, after.snapshot)} → {called(other, after.snapshot)} {port}/{protocol.value}"
        assert sign > 0, f"closes {path}"
        if (name(one), name(other), port) not in asked or protocol is not spoken:
            opened.add(path)
    said = {str(path) for path in fix.opens}
    assert opened <= said, f"does not say {opened - said}"
    for extra in said - opened:
        assert any(mixed(end, engine.snapshot) for end in extra.split(" ")), f"does not open {extra}"


def mixed(called: str, cluster: Snapshot) -> bool:
    """Whether the pods of a workload hold different families: it is judged in all of them, its pods in their own."""
    for workload in cluster.workloads():
        if f"{workload.namespace}/{workload.kind.lower()}/{workload.name}" == called:
            return len({families_of(pod) for pod in workload.active}) > 1
    return False


@proposed
@given(questioned(worlds() | tiered_worlds()))
def test_a_fix_opens_what_was_asked_closes_nothing_and_says_all_else_it_opens(world: World) -> None:
    objects, questions = world
    engine, raws = engine_of(objects), raws_of(objects)
    checked = 0
    for question in questions:
        verdict = ask(engine, question)
        fix = fix_for(engine, verdict, raws.get)
        note(f"{question}: {verdict.outcome}, {fix}")
        if fix is not None:
            assert verdict.outcome in (Outcome.BLOCKED, Outcome.PARTIAL)
            if checked < 3:  # asking about every pair takes its time
                check(engine, verdict, fix)
            checked += 1
        elif verdict.outcome is Outcome.BLOCKED:
            assert beyond_repair(verdict)


def beyond_repair(verdict: Verdict) -> bool:
    """Whether no policy can open it: an end without a name to policies is let in, or the answer would be unknown."""
    if ("NO_COMMON_FAMILY", "") in {(caveat.code, caveat.detail) for caveat in verdict.caveats}:
        return True  # the network carries nothing between the two
    for case in verdict.cases:
        if None in (case.egress.allowed, case.ingress.allowed):
            return True
        peer, deciders = case.ingress.question.peer, case.ingress.deciders
        if case.ingress.allowed is False and peer.pod is None and deciders:
            return True  # no cluster-scoped policy can name it at ingress
        for trace in case.directions():
            # A pod on its node's network, and not known on which.
            if trace.allowed is False and trace.question.peer.pod is None and trace.question.peer.address is None:
                return True
    return False


def test_nothing_is_proposed_between_ends_that_share_no_address_family() -> None:
    closed = policy("b", "closed", "{podSelector: {}}")
    for address, proposed in (("10.0.0.2", True), ("fd00::2", False)):
        fix, _, verdict = fixed(SRC + pod("b", "dst", address) + closed)
        assert verdict.outcome is Outcome.BLOCKED
        assert (fix is not None) == proposed
        assert (why_none(verdict) == "No policy can open it: the two ends share no address family.") != proposed


# Where one more policy would do harm ---------------------------------------------------------------------------------

SRC = namespace("a") + pod("a", "src", "10.0.0.1", app="etl")


def fixed(text: str, src: str = "a/src", dst: str = "b/dst", port: str = "80") -> tuple[Fix | None, Engine, Verdict]:
    """What is proposed for a connection that is blocked, checked the slow way where it is between pods."""
    cluster = snapshot(text)
    raws = raws_of(each for each in yaml.safe_load_all(text) if each)
    engine = Engine(cluster)
    verdict = engine.evaluate(connection(src, dst, port, cluster))
    assert verdict.outcome in (Outcome.BLOCKED, Outcome.PARTIAL)
    fix = fix_for(engine, verdict, raws.get)
    if fix is not None:
        check(engine, verdict, fix)
    return fix, engine, verdict


def only(fix: Fix | None) -> Raw:
    assert fix is not None
    (raw,) = fix.objects
    return dict(raw)


def replica(workload: str, name: str, ip: str, **labels: str) -> str:
    """A pod of a StatefulSet in namespace b."""
    raw = yaml.safe_load(pod("b", name, ip, ports=[{"name": "http", "containerPort": 8080}], **labels))
    raw["metadata"]["ownerReferences"] = [
        {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": workload, "controller": True}
    ]
    return document(raw)


CANARY = replica("web", "web-0", "10.0.1.1", app="web", track="stable") + replica(
    "web", "web-1", "10.0.1.2", app="web", track="canary"
)


def test_replicas_that_are_open_are_not_isolated_by_the_fix_for_those_that_are_not():
    closed = policy("b", "canary", "{podSelector: {matchLabels: {track: canary}}}")
    fix, _, verdict = fixed(SRC + CANARY + closed, dst="b/sts/web")
    assert verdict.outcome is Outcome.PARTIAL
    assert only(fix)["spec"]["podSelector"] == {"matchLabels": {"track": "canary"}}


def test_where_labels_cannot_keep_open_pods_apart_the_isolating_policy_gets_a_rule_more():
    bare = pod("b", "dst", "10.0.1.1", role="db") + pod("b", "open", "10.0.1.2", role="db", legacy="yes")
    legacy = "{matchExpressions: [{key: legacy, operator: DoesNotExist}]}"
    apart = f"{{podSelector: {legacy}, ingress: [{{ports: [{{port: 1}}]}}]}}"
    fix, _, _ = fixed(SRC + bare + policy("b", "strict", apart))
    raw = only(fix)
    assert raw["metadata"]["name"] == "strict"
    assert [rule["ports"][0]["port"] for rule in raw["spec"]["ingress"]] == [1, 80]


def test_a_pod_without_labels_is_opened_without_isolating_its_namespace():
    bare = pod("b", "dst", "10.0.1.1") + pod("b", "other", "10.0.1.2", role="db")
    closed = policy("b", "strict", "{podSelector: {matchExpressions: [{key: role, operator: DoesNotExist}]}}")
    fix, _, _ = fixed(SRC + bare + closed)
    assert only(fix)["metadata"]["name"] == "strict"


def test_a_name_that_is_taken_is_not_taken_again():
    dst = pod("b", "dst", "10.0.1.1", app="db")
    closed = "{podSelector: {}, ingress: [{ports: [{port: 443}]}]}"
    fix, _, _ = fixed(SRC + dst + policy("b", "dst-from-src-80", closed))
    assert only(fix)["metadata"]["name"] == "dst-from-src-80-2"


def test_labels_that_a_rollout_changes_are_named_by_no_fix():
    worn = dict.fromkeys(sorted(VOLATILE), "x")
    dst = pod("b", "dst", "10.0.1.1", app="db", **worn) + pod("b", "other", "10.0.1.2", app="web")
    fix, _, _ = fixed(SRC + dst + policy("b", "deny", "{podSelector: {}}"))
    assert only(fix)["spec"]["podSelector"] == {"matchLabels": {"app": "db"}}


def test_both_directions_are_opened_and_each_in_its_own_namespace():
    closed = "{podSelector: {}, policyTypes: [Ingress, Egress]}"
    dst = pod("b", "dst", "10.0.1.1", app="db")
    fix, _, _ = fixed(SRC + dst + policy("a", "deny", closed) + policy("b", "deny", closed))
    assert fix is not None
    assert [(raw["metadata"]["namespace"], raw["spec"]["policyTypes"]) for raw in fix.objects] == [
        ("a", ["Egress"]),
        ("b", ["Ingress"]),
    ]


# Services ------------------------------------------------------------------------------------------------------------

SERVICE = document(
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": "b", "name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]},
    }
)


def test_a_service_is_opened_on_the_ports_its_name_means_on_each_endpoint():
    moved = CANARY.replace("containerPort: 8080", "containerPort: 9090", 1)
    fix, _, verdict = fixed(SRC + moved + SERVICE + policy("b", "deny", "{podSelector: {}}"), dst="svc:b/web")
    assert {case.port for case in verdict.cases} == {8080, 9090}
    assert fix is not None
    ports = [(raw["spec"]["podSelector"], raw["spec"]["ingress"][0]["ports"]) for raw in fix.objects]
    assert ports == [
        ({"matchLabels": {"track": "canary"}}, [{"protocol": "TCP", "port": 8080}]),
        ({"matchLabels": {"track": "stable"}}, [{"protocol": "TCP", "port": 9090}]),
    ]


def test_endpoints_of_several_workloads_are_all_opened_and_nothing_beside_them():
    more = replica("api", "api-0", "10.0.1.3", app="web", tier="api") + pod("b", "db", "10.0.1.9", app="db")
    closed = policy("b", "deny", "{podSelector: {}}") + policy("a", "deny", "{podSelector: {}, policyTypes: [Egress]}")
    fix, _, _ = fixed(SRC + CANARY + more + SERVICE + closed, dst="svc:b/web")
    assert fix is not None
    assert fix.opens == ()


def test_a_service_that_breaks_before_any_policy_is_mended_by_none():
    nobody = SERVICE.replace("app: web", "app: gone")
    fix, _, _ = fixed(SRC + nobody + policy("b", "deny", "{podSelector: {}}"), dst="svc:b/web")
    assert fix is None


# Ends that are no pods -----------------------------------------------------------------------------------------------

NO_EGRESS = policy("a", "deny", "{podSelector: {}, policyTypes: [Egress]}")


def blocks(raw: Raw) -> list[str]:
    return [peer["ipBlock"]["cidr"] for rule in raw["spec"]["egress"] for peer in rule["to"]]


def test_the_internet_is_opened_in_the_families_that_the_source_has():
    dual = SRC.replace("- ip: 10.0.0.1", "- ip: 10.0.0.1\n  - ip: fd00::1")
    assert blocks(only(fixed(SRC + NO_EGRESS, dst="internet")[0])) == ["0.0.0.0/0"]
    assert blocks(only(fixed(dual + NO_EGRESS, dst="internet")[0])) == ["0.0.0.0/0", "2000::/3"]


@pytest.mark.parametrize(("dst", "cidr"), [
    ("cidr:172.20.0.0/16", "172.20.0.0/16"),
    ("ip:172.20.0.1", "172.20.0.1/32"),
    ("metadata", "169.254.169.254/32"),
    ("node:n1", "192.168.0.1/32"),
])  # fmt: skip
def test_what_is_no_pod_is_opened_by_its_addresses(dst: str, cidr: str):
    node = document(
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": "n1"},
            "status": {"addresses": [{"type": "InternalIP", "address": "192.168.0.1"}]},
        }
    )
    other = pod("a", "other", "10.0.0.2", app="etl")
    fix, _, _ = fixed(SRC + other + node + NO_EGRESS, dst=dst)
    assert blocks(only(fix)) == [cidr]
    assert fix is not None
    # The labels of the source are those of another pod too.
    called = dst.replace("metadata", "ip:169.254.169.254")
    assert [(path.source, path.destination) for path in fix.opens] == [("a/pod/other", called)]


def test_a_pod_on_its_nodes_network_is_opened_by_that_address_with_all_that_share_it():
    def host(name: str, address: str = "") -> str:
        raw = yaml.safe_load(pod("b", name, address, app=name))
        raw["spec"]["hostNetwork"] = True
        raw["status"]["hostIP"] = address
        return document(raw)

    known = host("dst", "192.168.0.1") + host("proxy", "192.168.0.1")
    fix, _, _ = fixed(SRC + known + NO_EGRESS)
    assert blocks(only(fix)) == ["192.168.0.1/32"]
    assert fix is not None
    assert [path.destination for path in fix.opens] == ["b/pod/proxy"]
    assert fixed(SRC + host("dst") + NO_EGRESS)[0] is None, "no policy can name it"


# The other tiers -----------------------------------------------------------------------------------------------------

PAIR = SRC + pod("a", "peer", "10.0.0.2", app="web") + namespace("b") + pod("b", "dst", "10.0.1.1", app="db")


def cluster_wide(name: str, priority: int, kind: str = "ClusterNetworkPolicy", **rules: Any) -> str:
    spec = {"priority": priority, "subject": {"namespaces": {}}, **rules}
    if kind == "ClusterNetworkPolicy":
        spec["tier"] = "Admin"
    if kind == "BaselineAdminNetworkPolicy":
        del spec["priority"]
    version = "v1alpha2" if kind == "ClusterNetworkPolicy" else "v1alpha1"
    return document({"apiVersion": f"{GROUP}/{version}", "kind": kind, "metadata": {"name": name}, "spec": spec})


DENY = [{"action": "Deny", "to": [{"namespaces": {}}]}]
DENY_FROM = [{"action": "Deny", "from": [{"namespaces": {}}]}]


def test_a_denial_is_passed_by_a_policy_of_its_own_that_comes_first_and_opens_nothing_else():
    fix, _, _ = fixed(PAIR + cluster_wide("deny", 5, egress=DENY) + cluster_wide("taken", 4))
    raw = only(fix)
    assert (raw["kind"], raw["spec"]["priority"], raw["spec"]["tier"]) == ("ClusterNetworkPolicy", 3, "Admin")
    assert raw["spec"]["subject"]["pods"]["podSelector"] == {"matchLabels": {"app": "etl"}}
    assert fix is not None
    assert fix.opens == ()


@pytest.mark.parametrize("text", [
    cluster_wide("deny", 0, egress=DENY),
    cluster_wide("deny", 0, kind="AdminNetworkPolicy", egress=DENY),
    cluster_wide("default", 0, kind="BaselineAdminNetworkPolicy", egress=DENY),
])  # fmt: skip
def test_where_nothing_can_come_first_the_rule_goes_before_the_one_that_denies(text: str):
    fix, _, _ = fixed(PAIR + text)
    raw = only(fix)
    assert [rule["action"] for rule in raw["spec"]["egress"]] in (["Accept", "Deny"], ["Allow", "Deny"])
    assert fix is not None
    assert [str(path) for path in fix.opens] == ["a/pod/peer → b/pod/dst 80/TCP"]


def test_one_policy_that_denies_both_directions_is_mended_in_both():
    fix, _, _ = fixed(PAIR + cluster_wide("deny", 0, egress=DENY, ingress=DENY_FROM))
    raw = only(fix)
    for field in ("egress", "ingress"):
        assert [rule["action"] for rule in raw["spec"][field]] == ["Accept", "Deny"]


def test_policies_of_equal_priority_that_both_deny_are_both_mended():
    fix, _, _ = fixed(PAIR + cluster_wide("one", 0, egress=DENY) + cluster_wide("two", 0, egress=DENY))
    assert fix is not None
    assert [raw["metadata"]["name"] for raw in fix.objects] == ["one", "two"]


def test_the_internet_is_opened_past_a_denial_without_the_private_networks():
    everything = [{"action": "Deny", "to": [{"networks": ["0.0.0.0/0"]}]}]
    fix, engine, _ = fixed(PAIR + cluster_wide("deny", 9, egress=everything), dst="internet", port="443")
    raw = only(fix)
    peers = raw["spec"]["egress"][0]["to"]
    assert all(len(peer["networks"]) <= 25 for peer in peers)
    after = Engine(with_objects(engine.snapshot, [raw]))
    private = dict.fromkeys(("172.16.0.1", "100.64.0.1", "10.0.1.1", "224.0.0.1"), Outcome.BLOCKED)
    for address, outcome in {"8.8.8.8": Outcome.ALLOWED, "1.0.0.0": Outcome.ALLOWED, **private}.items():
        assert after.evaluate(connection("a/src", f"ip:{address}", "443", engine.snapshot)).outcome is outcome, address


def test_a_network_less_others_holds_every_other_address_and_none_of_theirs():
    left = without(ip_network("10.0.0.0/29"), [ip_network("10.0.0.1/32"), ip_network("10.0.0.4/30")])
    held = {str(address) for network in left for address in network}
    assert held == {"10.0.0.0", "10.0.0.2", "10.0.0.3"}


# From the command line -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "src", "dst"), [
    (SRC + CANARY + SERVICE + policy("b", "deny", "{podSelector: {}}") + NO_EGRESS, "a/src", "svc:b/web"),
    (SRC + CANARY + policy("b", "canary", "{podSelector: {matchLabels: {track: canary}}}"), "a/src", "b/sts/web"),
    (SRC + NO_EGRESS, "a/src", "internet"),
    (PAIR + cluster_wide("deny", 0, egress=DENY, ingress=DENY_FROM), "a/src", "b/dst"),
    (PAIR + cluster_wide("default", 0, kind="BaselineAdminNetworkPolicy", egress=DENY), "a/src", "b/dst"),
])  # fmt: skip
def test_the_manifest_that_is_printed_opens_the_path_as_an_overlay(
    text: str, src: str, dst: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "cluster.yaml").write_text(text)
    question = ["simulate", src, dst, "--port", "80", "--manifests", str(tmp_path / "cluster.yaml")]
    assert main([*question, "-o", "json"]) == 1
    (tmp_path / "fix.yaml").write_text(json.loads(capsys.readouterr().out)["fix"]["manifest"])
    assert main([*question, "--overlay", str(tmp_path / "fix.yaml")]) == 0
