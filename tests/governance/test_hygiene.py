"""Hygiene: each fault is found where it is, with its evidence, and nothing is found where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from console.cluster.manifests import read
from console.demo.platform import platform
from console.demo.store import Store
from console.governance.controls import SHOWN
from console.governance.findings import Finding, Severity
from console.governance.hygiene import Hygiene, hygiene
from console.governance.hygiene_codes import ABOUT
from console.governance.ledger import Ledger
from console.objects.coverage import NOT_READABLE, Gap
from console.objects.decode import decode
from console.objects.meta import SourceText
from console.objects.snapshot import Snapshot, SnapshotBuilder, build
from console.policy.ends import connection
from console.policy.engine import Engine
from console.policy.reach import Reachability
from console.policy.verdict import Outcome
from tests.bench.clusters import generate
from tests.clusters import document, namespace, pod, policy, snapshot
from tests.demo.snapshots import snapshot_of

DNS = namespace("kube-system") + pod("kube-system", "dns-0", "10.0.9.9", ports=None, **{"k8s-app": "kube-dns"})
SHUT = "{podSelector: {}, policyTypes: [Ingress, Egress]}"
RESOLVES = (
    "{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}],"
    " to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]}]}"
)
#: Two pods in a namespace that is closed both ways and can look names up: nothing of it is amiss.
TIDY = (
    DNS
    + namespace("a")
    + pod("a", "one", "10.0.0.1", ports=[{"name": "http", "containerPort": 8080}], app="one")
    + pod("a", "two", "10.0.0.2", ports=[{"name": "http", "containerPort": 8080}], app="two")
    + policy("a", "default-deny", SHUT)
    + policy("a", "allow-dns", RESOLVES)
)


def findings(cluster: Snapshot) -> tuple[Finding, ...]:
    engine = Engine(cluster)
    return hygiene(engine, Reachability(engine))


def of_a(text: str, *gaps: Gap) -> dict[str, Finding]:
    """The findings about namespace a and what is in it, by code; each code once."""
    found = [each for each in findings(snapshot(text, *gaps)) if "a" in (each.object.namespace, each.object.name)]
    assert len({each.code for each in found}) == len(found)
    return {each.code: each for each in found}


def egress(rule: str, subject: str = "{matchLabels: {app: one}}") -> str:
    return TIDY + policy("a", "p", f"{{podSelector: {subject}, policyTypes: [Egress], egress: [{rule}]}}")


def ingress(rule: str, subject: str = "{matchLabels: {app: one}}") -> str:
    return TIDY + policy("a", "p", f"{{podSelector: {subject}, policyTypes: [Ingress], ingress: [{rule}]}}")


def said(finding: Finding) -> str:
    return "\n".join(finding.evidence)


def test_nothing_is_found_where_nothing_is_amiss() -> None:
    fine = ingress("{from: [{podSelector: {matchLabels: {app: two}}}], ports: [{port: http}]}")
    assert of_a(fine) == {}


FAULTS: list[tuple[str, str, str, str]] = [
    ("SELECTS_NO_POD", egress("{to: [{podSelector: {}}], ports: [{port: 1}]}", "{matchLabels: {app: gone}}"),
     "no pod of a has app=gone", "medium"),
    ("LABEL_ONLY_INJECTED", ingress("{ports: [{port: 1}]}", "{matchLabels: {security.istio.io/tlsMode: istio}}"),
     "a label Istio's injector sets", "high"),
    ("DIRECTION_NOT_DECLARED",
     TIDY + policy("a", "p", "{podSelector: {}, policyTypes: [Ingress], egress: [{ports: [{port: 1}]}]}"),
     "policyTypes names Ingress only", "high"),
    ("RULE_COVERED",
     ingress("{from: [{podSelector: {}}], ports: [{port: 8080}]},"
             " {from: [{podSelector: {matchLabels: {app: two}}}], ports: [{port: 8080}]}"),
     "rule 1 matches all of it already", "low"),
    ("PEER_MATCHES_NOTHING", ingress("{from: [{podSelector: {matchLabels: {app: x}}}], ports: [{port: 8080}]}"),
     "no pod of a has app=x", "low"),
    ("EXCEPT_USELESS",
     egress("{to: [{ipBlock: {cidr: 203.0.113.0/24, except: [203.0.113.8/29]}}, {ipBlock: {cidr: 203.0.113.8/29}}],"
            " ports: [{port: 443}]}"),
     "203.0.113.8/29 takes nothing away", "medium"),
    ("PORT_NOWHERE", ingress("{from: [{podSelector: {}}], ports: [{port: grpc}]}"),
     "no selected pod declares grpc", "medium"),
    ("ANY_PEER", ingress("{ports: [{port: http}]}"), "names no peer", "low"),
    ("ANY_PEER", ingress("{}"), "names no port either", "high"),
    ("ANY_PEER", egress("{ports: [{port: 443}]}"), "(cloud metadata)", "high"),
    ("OPEN_INTERNET", egress("{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 443}]}"), "is among them", "high"),
    ("OPEN_INTERNET", egress("{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.0.0/16]}}], ports: [{port: 443}]}"),
     "is excepted", "medium"),
    ("OPEN_INTERNET",
     egress("{to: [{ipBlock: {cidr: 0.0.0.0/1}}, {ipBlock: {cidr: 128.0.0.0/1}}], ports: [{port: 443}]}"),
     "its networks together are 0.0.0.0/0", "high"),
    ("ALL_NAMESPACES", ingress("{from: [{namespaceSelector: {}}], ports: [{port: http}]}"), "2 namespaces now", "low"),
    ("ALL_PORTS", ingress("{from: [{podSelector: {}}]}"), "names no port", "low"),
    ("ALL_PORTS", ingress("{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]}"),
     "names no port", "medium"),
    ("CLUSTER_IP_IN_IPBLOCK",
     egress("{to: [{ipBlock: {cidr: 10.96.0.10/32}}], ports: [{port: 53, protocol: UDP}]}")
     + document({"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "kube-system", "name": "kube-dns"},
                 "spec": {"clusterIP": "10.96.0.10", "clusterIPs": ["10.96.0.10"], "ports": [{"port": 53}]}}),
     "kube-system/kube-dns (10.96.0.10)", "medium"),
    ("HOST_BY_ADDRESS", egress("{to: [{ipBlock: {cidr: 8.8.8.8/32}}], ports: [{port: 443}]}"), "8.8.8.8/32", "low"),
    ("POLICY_REDUNDANT", TIDY + policy("a", "shut-again", SHUT), "a/default-deny isolates the same pods", "low"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "text", "fact", "severity"), FAULTS, ids=[f"{f[0]}-{f[3]}" for f in FAULTS])
def test_a_fault_of_a_policy_is_found_alone_with_its_evidence(code: str, text: str, fact: str, severity: str) -> None:
    found = of_a(text)
    assert set(found) == {code}
    assert fact in said(found[code])
    assert found[code].severity.value == severity
    assert found[code].object.kind == "NetworkPolicy"
    assert found[code].remedy


def test_what_an_idle_policy_would_open_is_evidence_and_no_finding_of_its_own() -> None:
    found = of_a(egress("{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}", "{matchLabels: {app: gone}}"))
    assert set(found) == {"SELECTS_NO_POD"}
    assert "with the first pod it selects" in said(found["SELECTS_NO_POD"])


def test_of_two_policies_alike_only_one_may_go() -> None:
    found = [each for each in findings(snapshot(TIDY + policy("a", "shut-again", SHUT))) if each.object.namespace]
    assert [(each.code, each.object.name) for each in found] == [("POLICY_REDUNDANT", "shut-again")]


def test_unselected_pods_are_told_by_direction_and_a_namespace_without_any_policy_once() -> None:
    bare = DNS + namespace("a") + pod("a", "one", "10.0.0.1", app="one") + pod("a", "two", "10.0.0.2", app="two")
    assert set(of_a(bare)) == {"NO_POLICY"}
    inward = bare + policy("a", "in", "{podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: 1}]}]}")
    assert set(of_a(inward)) == {"INGRESS_ONLY"}
    some = bare + policy("a", "one", "{podSelector: {matchLabels: {app: one}}, policyTypes: [Ingress, Egress]}")
    found = of_a(some)
    assert set(found) == {"UNSELECTED_INGRESS", "UNSELECTED_EGRESS"}
    assert "1 pod of 1 workload: a/two" in said(found["UNSELECTED_EGRESS"])


def test_what_an_admin_policy_denies_is_not_unselected() -> None:
    every: dict[str, Any] = {"namespaces": {}}
    deny = [{"action": "Deny", "from": [every]}]
    spec = {"tier": "Baseline", "priority": 1, "subject": every, "ingress": deny}
    api = "policy.networking.k8s.io/v1alpha2"
    baseline = document({"apiVersion": api, "kind": "ClusterNetworkPolicy", "metadata": {"name": "b"}, "spec": spec})
    assert set(of_a(DNS + namespace("a") + pod("a", "one", "10.0.0.1") + baseline)) == {"INGRESS_ONLY"}


def test_a_pod_whose_policies_could_not_be_read_is_no_finding() -> None:
    unread = Gap(code=NOT_READABLE, resource="networkpolicies", why="forbidden", namespace="a")
    assert of_a(DNS + namespace("a") + pod("a", "one", "10.0.0.1"), unread) == {}


@pytest.mark.parametrize(
    ("rule", "severity"),
    [
        ("{to: [{ipBlock: {cidr: 198.51.100.0/24}}], ports: [{port: 443}]}", "high"),
        ("{to: [{podSelector: {}}], ports: [{port: 8080}]}", "medium"),
    ],
)
def test_egress_without_dns_is_found_and_the_manifest_mends_it(rule: str, severity: str) -> None:
    one = pod("a", "one", "10.0.0.1", app="one") + pod("a", "two", "10.0.0.2", app="two")
    inward = "{from: [{podSelector: {}}]}"
    spec = f"{{podSelector: {{}}, policyTypes: [Ingress, Egress], ingress: [{inward}], egress: [{rule}]}}"
    text = DNS + namespace("a") + one + policy("a", "allow-dns", spec)
    found = of_a(text)["DNS_FORGOTTEN"]
    assert found.severity.value == severity
    assert "2 pods of 2 workloads" in said(found)
    # The name is taken, and the policy that has it must stay.
    assert yaml.safe_load(found.manifest)["metadata"] == {"namespace": "a", "name": "allow-dns-2"}
    assert "DNS_FORGOTTEN" not in of_a(text + "---\n" + found.manifest)


def test_dns_is_not_missed_where_nothing_may_be_reached_nor_where_a_rule_lets_it_out() -> None:
    one = namespace("a") + pod("a", "one", "10.0.0.1", app="one")
    assert "DNS_FORGOTTEN" not in of_a(DNS + one + policy("a", "p", SHUT))
    outside = "{to: [{ipBlock: {cidr: 198.51.100.0/24}}], ports: [{port: 443}]}"
    blind = policy("a", "p", f"{{podSelector: {{}}, policyTypes: [Egress], egress: [{outside}]}}")
    assert "DNS_FORGOTTEN" in of_a(one + blind)
    # No DNS pods are in these files, and the rule for them is.
    assert "DNS_FORGOTTEN" not in of_a(one + blind + policy("a", "dns", RESOLVES))


def test_the_manifest_for_dns_isolates_nobody_new() -> None:
    free = pod("a", "free", "10.0.0.2", app="free")
    rule = "{to: [{ipBlock: {cidr: 198.51.100.0/24}}], ports: [{port: 443}]}"
    spec = f"{{podSelector: {{matchLabels: {{app: one}}}}, policyTypes: [Egress], egress: [{rule}]}}"
    text = DNS + namespace("a") + pod("a", "one", "10.0.0.1", app="one") + free + policy("a", "p", spec)
    assert of_a(text)["DNS_FORGOTTEN"].manifest == ""


def owned(name: str, **labels: str) -> str:
    """A pod of the Deployment a/app."""
    raw = yaml.safe_load(pod("a", name, labels.pop("ip"), ports=None, **labels))
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app", "uid": "1", "controller": True}
    raw["metadata"]["ownerReferences"] = [owner]
    return document(raw)


def test_replicas_that_policies_tell_apart_are_found_with_the_label_that_does() -> None:
    rule = "{from: [{podSelector: {matchLabels: {app: two}}}], ports: [{port: 8080}]}"
    allow = policy("a", "p", f"{{podSelector: {{matchLabels: {{tier: x}}}}, ingress: [{rule}]}}")
    out = "{to: [{podSelector: {}}], ports: [{port: 8080}]}"
    allow += policy(
        "a", "out", f"{{podSelector: {{matchLabels: {{app: two}}}}, policyTypes: [Egress], egress: [{out}]}}"
    )
    same = (
        TIDY + owned("app-1", ip="10.0.1.1", tier="x", v="1") + owned("app-2", ip="10.0.1.2", tier="x", v="2") + allow
    )
    assert of_a(same) == {}
    canary = TIDY + owned("app-1", ip="10.0.1.1", tier="x") + owned("app-2", ip="10.0.1.2", tier="y") + allow
    found = of_a(canary)["REPLICAS_DIFFER"]
    assert of_a(canary).keys() == {"REPLICAS_DIFFER"}
    assert str(found.object) == "Deployment a/app"
    assert "app-1: tier=x; selected by a/p too" in found.evidence
    assert "app-2: tier=y; selected by no policy of its own" in found.evidence


def test_a_closed_webhook_is_found_and_the_manifest_opens_it() -> None:
    ports = [{"name": "webhook-server", "containerPort": 9443}]
    text = TIDY + pod("a", "hook", "10.0.0.3", ports=ports, app="hook")
    labels = {"kubernetes.io/service-name": "kubernetes"}
    text += document({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"namespace": "default", "name": "kubernetes", "labels": labels},
        "endpoints": [{"addresses": ["192.168.7.7"]}], "ports": [{"port": 6443}],
    })  # fmt: skip
    found = of_a(text)["WEBHOOK_CLOSED"]
    assert "9443/TCP (port webhook-server) is closed to the API server at 192.168.7.7" in said(found)
    mended = snapshot(text + "---\n" + found.manifest)
    assert "WEBHOOK_CLOSED" not in {each.code for each in findings(mended)}
    verdict = Engine(mended).evaluate(connection("ip:192.168.7.7", "a/hook", "9443", mended))
    assert verdict.outcome is Outcome.ALLOWED


def test_a_default_deny_from_a_chart_that_isolates_other_releases_is_found_and_ones_own_is_not() -> None:
    text = DNS + namespace("a") + pod("a", "db", "10.0.0.1", ports=None, **{"app.kubernetes.io/instance": "db"})
    raw = yaml.safe_load(policy("a", "db", "{podSelector: {}, policyTypes: [Ingress]}"))
    raw["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "Helm"}
    alone = text + document(raw)
    assert "CHART_ISOLATES_NAMESPACE" not in of_a(alone)
    shared = alone + pod("a", "web", "10.0.0.2", ports=None, **{"app.kubernetes.io/instance": "web"})
    assert "nothing but it isolates a/db, a/web" in said(of_a(shared)["CHART_ISOLATES_NAMESPACE"])


def test_a_host_network_pod_that_a_selector_seems_to_hold() -> None:
    raw = yaml.safe_load(pod("a", "agent", "192.168.0.1", app="one"))
    raw["spec"]["hostNetwork"] = True
    found = of_a(TIDY + document(raw))["HOST_NETWORK"]
    assert found.severity is Severity.MEDIUM
    assert "a/allow-dns, a/default-deny" in said(found)


def anp(name: str, action: str) -> str:
    rule = {"action": action, "from": [{"namespaces": {}}]}
    spec = {"priority": 7, "subject": {"namespaces": {"matchLabels": {"t": "x"}}}, "ingress": [rule]}
    api = "policy.networking.k8s.io/v1alpha1"
    return document({"apiVersion": api, "kind": "AdminNetworkPolicy", "metadata": {"name": name}, "spec": spec})


def test_priorities_that_tie_matter_most_where_their_order_decides() -> None:
    def tied(*actions: str) -> dict[str, Finding]:
        text = "".join(anp(f"p{number}", action) for number, action in enumerate(actions))
        where = namespace("a", t="x") + pod("a", "one", "10.0.0.1")
        return {each.code: each for each in findings(snapshot(where + text))}

    assert tied("Allow", "Deny")["SAME_PRIORITY"].severity is Severity.HIGH
    assert tied("Deny", "Deny")["SAME_PRIORITY"].severity is Severity.LOW
    assert "SAME_PRIORITY" not in tied("Allow")


def test_hosts_by_name_are_told() -> None:
    rule = {"action": "Allow", "to": [{"domainNames": ["huggingface.co"]}]}
    spec = {"priority": 7, "subject": {"namespaces": {}}, "egress": [rule]}
    api = "policy.networking.k8s.io/v1alpha1"
    raw = {"apiVersion": api, "kind": "AdminNetworkPolicy", "metadata": {"name": "hub"}, "spec": spec}
    found = {each.code: each for each in findings(snapshot(TIDY + document(raw)))}
    assert "huggingface.co" in said(found["DOMAIN_NAMES"])


@pytest.mark.parametrize(
    ("image", "code"), [("flannel/flannel:v0.27", "PLUGIN_DOES_NOT_ENFORCE"), ("quay.io/calico/node:v3", "")]
)
def test_whether_anything_enforces(image: str, code: str) -> None:
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "net", "uid": "1", "controller": True}
    agent = {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": "kube-system", "name": "net-1", "ownerReferences": [owner]},
        "spec": {"hostNetwork": True, "containers": [{"name": "c", "image": image}]},
    }  # fmt: skip
    found = {each.code: each for each in findings(snapshot(TIDY + document(agent)))}
    assert ("PLUGIN_DOES_NOT_ENFORCE" in found) == bool(code)
    if code:
        assert found[code].severity is Severity.CRITICAL


def test_a_finding_about_a_file_says_where_it_stands() -> None:
    text = policy("a", "p", "{podSelector: {matchLabels: {app: one}}, ingress: [{ports: [{port: 1}]}]}")
    raw = yaml.safe_load(text)
    shown = yaml.safe_dump(raw)
    base = [decode(each) for each in yaml.safe_load_all(TIDY) if each]
    written = decode(raw, text=SourceText(yaml=shown, file="k8s/p.yaml", line=11))
    found = {each.code: each for each in findings(build(obj for obj in [*base, written] if obj is not None))}
    at = found["ANY_PEER"].place
    assert at is not None
    assert (at.file, shown.splitlines()[at.line - 11].strip()) == ("k8s/p.yaml", "- ports:")


def test_that_nothing_matches_is_a_hint_where_pods_are_those_of_files(tmp_path: Path) -> None:
    template = {"metadata": {"labels": {"app": "one"}}, "spec": {"containers": [{"image": "x"}]}}
    raw = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "a", "name": "one"}}
    deployment = document({**raw, "spec": {"selector": {"matchLabels": {"app": "one"}}, "template": template}})
    injected = "{podSelector: {matchLabels: {security.istio.io/tlsMode: istio}}, policyTypes: [Ingress]}"
    spec = (
        "{podSelector: {}, policyTypes: [Ingress, Egress], ingress: [{ports: [{port: 8080}], from: ["
        "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: elsewhere}}},"
        " {podSelector: {matchLabels: {app: gone}}}]}]}"
    )
    file = tmp_path / "a.yaml"
    file.write_text(namespace("a") + deployment + policy("a", "mesh", injected) + policy("a", "p", spec))
    found = {each.code: each for each in findings(read([str(file)]).snapshot)}
    assert found.keys() == {"LABEL_ONLY_INJECTED", "PEER_MATCHES_NOTHING"}
    assert found["LABEL_ONLY_INJECTED"].severity is Severity.LOW
    assert "these are files" in said(found["LABEL_ONLY_INJECTED"])
    # What another namespace holds is not known from these files; what this one does is.
    assert "app=gone" in said(found["PEER_MATCHES_NOTHING"])
    assert "elsewhere" not in said(found["PEER_MATCHES_NOTHING"])


def demo() -> Snapshot:
    return snapshot_of(Store(list(platform(1_800_000_000.0))))


def test_the_incidents_planted_in_the_demo_are_found_where_they_are() -> None:
    found = {(each.code, str(each.object)) for each in findings(demo())}
    assert {
        ("INGRESS_ONLY", "Namespace kubeflow"),
        ("WEBHOOK_CLOSED", "Deployment pipelines/ml-pipeline"),
        ("ALL_PORTS", "NetworkPolicy pipelines/ml-pipeline"),
        ("LABEL_ONLY_INJECTED", "NetworkPolicy vector-db/weaviate-from-mesh"),
        ("UNSELECTED_INGRESS", "Namespace vector-db"),
        ("OPEN_INTERNET", "NetworkPolicy notebooks/hub"),
        ("OPEN_INTERNET", "NetworkPolicy notebooks/singleuser"),
        ("CHART_ISOLATES_NAMESPACE", "NetworkPolicy registry/postgresql"),
        ("DNS_FORGOTTEN", "Namespace vector-db"),
        ("REPLICAS_DIFFER", "Deployment serving/embedder"),
        ("SELECTS_NO_POD", "NetworkPolicy training/model-hub-egress"),
    } <= found
    # Namespaces that are closed both ways and can look names up have none of these.
    tidy = {f"Namespace {name}" for name in ("training", "serving", "feature-store", "gateway")}
    assert not {each for each in found if each[1] in tidy}


def test_every_code_is_told_of_and_every_control_is_one_of_the_table() -> None:
    for each in findings(demo()):
        assert each.code in ABOUT
        assert each.evidence
        assert each.controls
        assert set(each.controls) <= set(SHOWN)


def test_many_pods_give_few_findings() -> None:
    large = build(obj for obj in map(decode, generate(12, workloads=10, replicas=10).objects) if obj is not None)
    bare = build(obj for obj in map(decode, generate(12, workloads=10, replicas=10, policies=0).objects) if obj)
    assert sum(1 for _ in large.pods()) == 1200
    assert len(findings(large)) <= 2 * 12
    assert len(findings(bare)) == 12


def test_following_changes_finds_what_a_first_look_finds_and_studies_only_what_changed() -> None:
    start = build(obj for obj in map(decode, generate(6, workloads=5, replicas=2).objects) if obj is not None)
    builder = SnapshotBuilder(start)
    follower, ledger = Hygiene(), Ledger()

    def follow(cluster: Snapshot) -> set[int]:
        """The findings about policies that were made anew, by identity."""
        engine = Engine(cluster)
        reach = Reachability(engine)
        found = ledger.turn(follower.follow(engine, reach))
        assert found == hygiene(engine, reach)
        return {id(each) for each in found if each.object.kind == "NetworkPolicy"}

    first = follow(start)
    assert first
    # What no policy sees changes nothing.
    one = next(iter(start.contents["tenant-002"].pods.values()))
    builder.put(replace(one, ready=not one.ready, resource_version="9"))
    assert follow(builder.build()) == first
    # A label that policies ask for, and a policy that goes.
    builder.put(replace(one, labels={**one.labels, "tier": "none", "role": "odd"}))
    assert follow(builder.build()) & first
    gone = start.contents["tenant-003"].policies["rule-08"]
    builder.drop(gone.ref, type(gone))
    follow(builder.build())
    space = start.contents["tenant-001"].namespace
    builder.put(replace(space, labels={**space.labels, "team": "team-0"}))
    follow(builder.build())


def test_what_followed_changes_says_is_found_as_in_a_first_look() -> None:
    # Pods that go leave classes that nobody is in, DNS's own among them.
    start = demo()
    builder, follower, ledger = SnapshotBuilder(start), Hygiene(), Ledger()
    engine = Engine(start)
    reach = Reachability(engine)
    ledger.turn(follower.follow(engine, reach))
    dns = [each for each in start.pods() if each.labels.get("k8s-app") == "kube-dns"]
    canary = next(each for each in start.pods() if each.labels.get("track") == "canary")
    steps: list[Any] = [
        (builder.drop, canary.ref, type(canary)),
        (builder.put, replace(canary, labels={**canary.labels, "track": "none"})),
        *((builder.drop, each.ref, type(each)) for each in dns),
        *((builder.put, each) for each in dns),
    ]
    for act, *given in steps:
        act(*given)
        engine = Engine(builder.build(), engine)
        reach = reach.after(engine)
        assert ledger.turn(follower.follow(engine, reach)) == findings(engine.snapshot)
