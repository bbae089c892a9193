"""What a rule comes to: shown, excepted, or not to be known; and what an audit finds beside its rules."""

from __future__ import annotations

from datetime import date

import pytest
import yaml

from console.governance.audit import Auditor
from console.governance.audit_fix import close_of, fix_of, forbids, proposals
from console.governance.charter_read import load
from console.governance.findings import Status
from console.objects.coverage import NOT_READABLE, Gap
from console.objects.decode import decode
from console.objects.meta import SourceText
from console.objects.snapshot import build
from console.policy.close import CLOSED, Close, NoClose
from console.policy.engine import Engine
from console.policy.verdict import Outcome
from tests.clusters import document, namespace, pod, policy, snapshot
from tests.governance.auditing import TODAY, asked, audited, pairs, rule

ROLE = "governance.netpol-console.dev/role"
DOMAIN = "governance.netpol-console.dev/domain"
OUT = "{podSelector: {}, policyTypes: [Egress], egress: %s}"
IN = "{podSelector: {}, policyTypes: [Ingress], ingress: %s}"


def worker(space: str, name: str, number: int, role: str, ports: str = "", **labels: str) -> str:
    declared = [
        {"name": each.partition(":")[0], "containerPort": int(each.partition(":")[2])} for each in ports.split()
    ]
    return pod(space, name, f"10.0.0.{number}", ports=declared, **{ROLE: role, **labels})


TRAINER = worker("t", "trainer", 1, "training")
STORE = worker("f", "store", 2, "feature-store", "online:6566 metrics:8000")
BOTH = namespace("t") + namespace("f") + TRAINER + STORE


def charter(*rules: str, more: str = "") -> str:
    return "charter: test\n" + more + "rules:\n" + "".join(f"  - {each}\n" for each in rules)


NO_NET = "{name: no-net, from: role:training, never: internet}"


class TestStatus:
    def test_what_is_open_fails_and_what_is_closed_passes(self) -> None:
        found = rule(audited(BOTH, charter(NO_NET)), "no-net")
        assert (found.status, pairs(found), found.pairs) == (Status.FAIL, {("t/pod/trainer", "internet")}, 1)
        found = rule(audited(BOTH + policy("t", "shut", OUT % "[]"), charter(NO_NET)), "no-net")
        assert (found.status, found.offences, found.pairs) == (Status.PASS, (), 1)

    @pytest.mark.parametrize("resource", ["networkpolicies", "pods", "namespaces", "*"])
    def test_what_could_not_be_read_is_never_green(self, resource: str) -> None:
        gap = Gap(code=NOT_READABLE, resource=resource, namespace="t", why=f"{resource} of t: 403")
        shut = BOTH + policy("t", "shut", OUT % "[]")
        found = audited(shut, charter(NO_NET), gap)
        assert rule(found, "no-net").status is Status.UNKNOWN
        assert "403" in rule(found, "no-net").why
        assert found.coverage == (f"{resource} of t: 403",)

    def test_what_was_shown_fails_whatever_else_is_not_known(self) -> None:
        gap = Gap(code=NOT_READABLE, resource="pods", namespace="x", why="403")
        assert rule(audited(BOTH, charter(NO_NET), gap), "no-net").status is Status.FAIL

    def test_a_rule_within_namespaces_that_were_read_is_not_in_doubt(self) -> None:
        gap = Gap(code=NOT_READABLE, resource="pods", namespace="x", why="403")
        within = "{name: a, from: namespace:t, never: metadata}"
        shut = BOTH + policy("t", "shut", OUT % "[]")
        assert rule(audited(shut, charter(within), gap), "a").status is Status.PASS
        assert rule(audited(shut, charter(within.replace(":t", ":x")), gap), "a").status is Status.UNKNOWN

    def test_nothing_enforces_so_nothing_is_green(self) -> None:
        flannel = """---
apiVersion: v1
kind: Pod
metadata:
  namespace: kube-flannel
  name: kube-flannel-ds-x
  labels: {app: flannel}
  ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, name: kube-flannel-ds, uid: u, controller: true}]
spec: {hostNetwork: true, nodeName: n, containers: [{name: c, image: docker.io/flannel/flannel:v0.26}]}
status: {phase: Running, podIP: 192.168.0.1, podIPs: [{ip: 192.168.0.1}]}
"""
        shut = BOTH + policy("t", "shut", OUT % "[]")
        found = rule(audited(shut + flannel, charter(NO_NET)), "no-net")
        assert found.status is Status.UNKNOWN
        assert "flannel enforces no policy" in found.why

    def test_a_rule_about_nothing_that_runs_is_a_finding(self) -> None:
        found = audited(BOTH, charter("{name: a, from: role:notebook, never: internet}"))
        assert rule(found, "a").status is Status.PASS
        (finding,) = (each for each in found.findings if each.code == "RULE_MATCHES_NOTHING")
        assert finding.place is not None
        assert finding.place.line == 3


def test_a_policy_over_the_other_address_family_is_not_told_to_let_a_path_through() -> None:
    agent = yaml.safe_load(pod("n", "agent", "10.0.0.9"))
    agent["spec"]["hostNetwork"] = True
    agent["status"]["podIPs"].append({"ip": "fd00::9"})
    out = "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: %s}}]}]}"
    cluster = (
        worker("t", "trainer", 1, "training")
        + document(agent)
        + policy("t", "four", out % "0.0.0.0/0")
        + policy("t", "six", out % '"::/0"')
    )
    found = rule(audited(cluster, charter("{name: a, from: role:training, never: namespace:n}")), "a")
    (offence,) = found.offences
    assert [ref.name for ref in offence.policies] == ["four"]


class TestExceptions:
    TEXT = charter(NO_NET) + "exceptions:\n  - {rule: no-net, owner: ml, reason: test, until: 2026-12-31%s}\n"

    def test_an_offence_is_excepted_until_the_last_day(self) -> None:
        for today, status in ((date(2026, 12, 31), Status.EXCEPTED), (date(2027, 1, 1), Status.FAIL)):
            found = audited(BOTH, self.TEXT % "", today=today)
            assert rule(found, "no-net").status is status
            assert ("EXCEPTION_EXPIRED" in {each.code for each in found.findings}) == (status is Status.FAIL)

    def test_its_words_say_who_until_when_and_why(self) -> None:
        ((offence, words),) = rule(audited(BOTH, self.TEXT % ""), "no-net").excepted
        assert (offence.source, words) == ("t/pod/trainer", "until 2026-12-31, owner ml: test")

    def test_it_covers_only_whom_it_names(self) -> None:
        for narrowed, status in ((", from: namespace:t", Status.EXCEPTED), (", from: namespace:f", Status.FAIL)):
            assert rule(audited(BOTH, self.TEXT % narrowed), "no-net").status is status


class TestOnly:
    def test_what_is_granted_on_a_port_is_not_on_others(self) -> None:
        text = charter("{name: a, to: role:feature-store, only: role:training on online}")
        found = rule(audited(BOTH, text), "a")
        assert ("t/pod/trainer", "f/pod/store") in pairs(found)
        (offence,) = (each for each in found.offences if each.source == "t/pod/trainer")
        assert "6566" not in offence.ports.replace("1–6565", "").replace("6567–65535", "")
        narrow = policy("f", "in", IN % "[{from: [{namespaceSelector: {}}], ports: [{port: online}]}]")
        assert rule(audited(BOTH + narrow, text), "a").status is Status.PASS

    def test_its_own_kind_and_dns_are_no_offence(self) -> None:
        dns = pod("kube-system", "dns", "10.0.0.9", ports=[], **{"k8s-app": "kube-dns"})
        two = BOTH + worker("t", "other", 3, "training") + dns
        to_dns = "[{ports: [{port: 53, protocol: UDP}]}, {to: [{podSelector: {}}]}]"
        text = charter("{name: a, from: role:training, only: role:feature-store, among: any}")
        found = pairs(rule(audited(two + policy("t", "out", OUT % to_dns), text), "a"))
        assert not {each for each in found if each[1] in ("kube-system/pod/dns", "t/pod/other", "t/pod/trainer")}


class TestMust:
    TEXT = charter("{name: a, from: role:training, must: role:feature-store, ports: [6566]}")

    def test_a_blocked_path_fails_and_names_what_blocks(self) -> None:
        cluster = BOTH + policy("f", "shut", IN % "[]")
        (offence,) = rule(audited(cluster, self.TEXT), "a").offences
        assert (offence.outcome, offence.port) == (Outcome.BLOCKED, "6566/TCP")
        assert [ref.name for ref in offence.policies] == ["shut"]
        assert asked(snapshot(cluster), offence) is Outcome.BLOCKED
        assert rule(audited(BOTH, self.TEXT), "a").status is Status.PASS

    def test_its_fix_opens_it_and_says_what_else(self) -> None:
        cluster = snapshot(BOTH + policy("f", "shut", IN % "[]"))
        (offence,) = rule(audited(cluster, self.TEXT), "a").offences
        fix = fix_of(Engine(cluster), offence)
        assert fix is not None
        assert fix.opens == ()
        fixed = build([*cluster.objects(), *(each for raw in fix.objects if (each := decode(raw)))])
        assert rule(audited(fixed, self.TEXT), "a").status is Status.PASS

    def test_ends_that_declare_other_ports_are_not_asked(self) -> None:
        other = worker("f", "offline", 4, "feature-store", "offline:8815")
        assert rule(audited(BOTH + other + policy("f", "shut", IN % "[]"), self.TEXT), "a").pairs == 1

    def test_one_of_several_will_do(self) -> None:
        second = namespace("g") + worker("g", "store", 5, "feature-store", "online:6566")
        cluster = BOTH + second + policy("f", "shut", IN % "[]")
        one = self.TEXT.replace("role:feature-store", "one of role:feature-store")
        assert rule(audited(cluster, self.TEXT), "a").status is Status.FAIL
        assert rule(audited(cluster, one), "a").status is Status.PASS
        found = rule(audited(cluster + policy("g", "shut", IN % "[]"), one), "a")
        assert (found.status, len(found.offences), found.pairs) == (Status.FAIL, 1, 1)


def _with_texts(text: str) -> Engine:
    """The engine on a cluster in YAML that keeps the text of each policy, as sources do."""
    raws = [raw for raw in yaml.safe_load_all(text) if raw]
    found = (decode(raw, text=SourceText(yaml=yaml.safe_dump(raw))) for raw in raws)
    return Engine(build([each for each in found if each is not None]))


class TestMending:
    """What mends an offence: what is forbidden is closed, what is asked for is opened."""

    def test_rules_that_forbid_are_told_from_those_that_ask(self) -> None:
        rules = [
            NO_NET,
            "{name: only, to: role:feature-store, only: role:training}",
            "{name: asks, from: role:training, must: role:feature-store}",
        ]
        baseline = "baseline: {deny-ingress: {}, deny-egress: {}, dns: {}, metadata: {}}\n"
        held = load(charter(*rules, more=baseline), file="c")
        names = [*(each.name for each in held.rules), *(each.name for each in held.baseline)]
        named = {each for each in names if forbids(held, each)}
        assert named == {"no-net", "only", "deny-ingress", "deny-egress", "metadata"}

    def test_all_offences_of_a_rule_are_mended_together(self) -> None:
        second = worker("t", "second", 3, "training")
        wide = OUT % "[{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]"
        text = BOTH + second + policy("t", "wide", wide)
        offences = rule(audited(text, charter(NO_NET)), "no-net").offences
        assert [each.source for each in offences] == ["t/pod/second", "t/pod/trainer"]
        first, other = proposals(_with_texts(text), offences, closing=True)
        assert isinstance(first.found, Close)
        assert [str(path) for path in first.found.closes] == ["t/pod/trainer → internet every port"]
        assert other.found == NoClose(CLOSED)

    def test_of_a_chain_the_last_hop_is_closed(self) -> None:
        chain = "{name: a, from: role:training, never: internet, through: any chain}"
        shut = policy("t", "shut", OUT % "[{to: [{namespaceSelector: {}}]}]")
        (offence,) = rule(audited(BOTH + shut, charter(chain)), "a").offences
        assert offence.through == ("f/pod/store",)
        found = close_of(_with_texts(BOTH + shut), offence)
        assert isinstance(found, Close)
        assert [raw["metadata"]["namespace"] for raw in found.objects] == ["f"]


class TestOutside:
    HUBS = "outside:\n  hubs: {hosts: [huggingface.co]}\n  ours: {cidrs: [203.0.113.0/24]}\n"
    HOSTS = charter("{name: a, from: role:training, never: outside:hubs, ports: [443]}", more=HUBS)

    @pytest.mark.parametrize(
        ("egress", "status", "words"),
        [
            ("[]", Status.PASS, "1 pair"),
            ("[{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 443}]}]", Status.FAIL, "1 pair of 1"),
            ("[{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}]", Status.UNKNOWN, "cannot tell host names apart"),
            ("[{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 80}]}]", Status.PASS, "1 pair"),
        ],
    )  # fmt: skip
    def test_host_names_are_the_internet_closed_open_or_unknown(self, egress: str, status: Status, words: str) -> None:
        found = rule(audited(BOTH + policy("t", "out", OUT % egress), self.HOSTS), "a")
        assert found.status is status
        assert words in found.why

    def test_networks_are_told_apart(self) -> None:
        text = charter("{name: a, from: role:training, only: outside:ours}", more=self.HUBS)
        open_ = "[{to: [{ipBlock: {cidr: %s}}]}]"
        for cidr, status in (("203.0.113.0/25", Status.PASS), ("203.0.112.0/23", Status.FAIL)):
            found = rule(audited(BOTH + policy("t", "out", OUT % (open_ % cidr)), text), "a")
            assert found.status is status, found

    def test_only_some_hosts_is_unknown_unless_all_of_the_internet_is_open(self) -> None:
        text = charter("{name: a, from: role:training, only: outside:hubs}", more=self.HUBS)
        open_ = "[{to: [{ipBlock: {cidr: %s}}]}]"
        for cidr, status in (("203.0.113.0/24", Status.UNKNOWN), ("0.0.0.0/0", Status.FAIL)):
            assert rule(audited(BOTH + policy("t", "out", OUT % (open_ % cidr)), text), "a").status is status


class TestChains:
    TEXT = charter("{name: a, from: role:training, never: internet, through: any chain}")
    TO_STORE = policy("t", "out", OUT % "[{to: [{namespaceSelector: {}}]}]")

    def test_the_way_round_is_found_with_who_is_on_it(self) -> None:
        direct = rule(audited(BOTH + self.TO_STORE, charter(NO_NET)), "no-net")
        assert direct.status is Status.PASS
        (offence,) = rule(audited(BOTH + self.TO_STORE, self.TEXT), "a").offences
        assert (offence.source, offence.destination, offence.through) == ("t/pod/trainer", "internet", ("f/pod/store",))
        assert "through f/pod/store" in offence.why

    def test_no_chain_no_offence(self) -> None:
        closed = BOTH + self.TO_STORE + policy("f", "out", OUT % "[]")
        assert rule(audited(closed, self.TEXT), "a").status is Status.PASS


class TestBothFamilies:
    def test_open_in_one_family_is_open(self) -> None:
        dual = TRAINER.replace("podIPs:\n  - ip: 10.0.0.1", "podIPs:\n  - ip: 10.0.0.1\n  - ip: fd00::1")
        assert "fd00::1" in dual
        out = "[{to: [{ipBlock: {cidr: '::/0'}}]}]"
        found = rule(audited(namespace("t") + dual + policy("t", "out", OUT % out), charter(NO_NET)), "no-net")
        assert pairs(found) == {("t/pod/trainer", "internet")}
        assert found.offences[0].outcome is Outcome.PARTIAL


class TestInventory:
    def test_the_charter_overrides_labels_and_labels_override_signs(self) -> None:
        cluster = namespace("n", stage="prod") + worker("n", "a", 1, "serving", app="qdrant")
        cluster += pod("n", "b", "10.0.0.2", ports=[], app="qdrant", **{"example.com/role": "logging"})
        cluster += pod("n", "c", "10.0.0.3", app="qdrant")
        text = charter(
            NO_NET,
            more="labels: {role: [example.com/role]}\n"
            "roles:\n  bespoke: [{podSelector: {matchLabels: {app: other}}}]\n"
            "  notebook: [{names: [n/pod/c]}]\n"
            "domains:\n  gold: [{namespaceSelector: {matchLabels: {stage: prod}}, roles: [serving]}]\n",
        )
        auditor = Auditor(load(text), today=TODAY)
        auditor.audit(Engine(snapshot(cluster)))
        entries = auditor.inventory.entries
        assert [(entries[f"n/pod/{name}"].role, entries[f"n/pod/{name}"].domain) for name in "abc"] == [
            ("serving", "gold"),
            ("logging", "retrieval-data"),
            ("notebook", "retrieval-data"),
        ]
        assert all(entry.labelled for entry in entries.values())

    def test_two_domains_that_claim_a_workload_are_a_finding(self) -> None:
        text = charter(NO_NET, more="domains:\n  a: [{namespaces: [t]}]\n  b: [{roles: [training]}]\n")
        (finding,) = (each for each in audited(BOTH, text).findings if each.code == "CHARTER_DOMAINS_OVERLAP")
        assert finding.object.name == "trainer"
        assert finding.place is not None
        assert finding.place.line == 4

    def test_what_did_not_change_is_kept(self) -> None:
        auditor = Auditor(load(charter(NO_NET)), today=TODAY)
        auditor.audit(Engine(snapshot(BOTH)))
        before = auditor.inventory.entries["f/pod/store"]
        auditor.audit(Engine(snapshot(BOTH.replace("6566", "6567", 0) + worker("t", "more", 7, "training"))))
        assert auditor.inventory.entries["f/pod/store"] is before
        assert "t/pod/more" in auditor.inventory.entries
