"""Services: from the port a user asks for to the pods, what breaks before any policy, and names that need DNS."""

from __future__ import annotations

from typing import Any

import pytest

from console.errors import UnknownEnd, UsageError
from console.objects.coverage import NOT_READABLE, Gap
from console.policy.ends import parse_end
from console.policy.engine import Engine
from console.policy.ports import any_port
from console.policy.verdict import Outcome, ServiceState, Verdict
from console.report.verdict_words import headline, service_line
from tests.clusters import ask, document, pod, policy, snapshot

TWO = pod("a", "src", "10.0.0.1", role="client") + pod("b", "dst", "10.0.0.2", role="server")


def codes(verdict: Verdict) -> set[str]:
    return {caveat.code for caveat in verdict.caveats}


class TestServices:
    WEB = pod("b", "web", "10.0.0.5", ports=[{"name": "http", "containerPort": 8080}], app="web")

    @staticmethod
    def service(**spec: object) -> str:
        return document(
            {"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "b", "name": "web"}, "spec": spec}
        )

    def test_the_services_port_is_translated_to_the_pods(self):
        service = self.service(selector={"app": "web"}, ports=[{"port": 80, "targetPort": "http"}])
        rule = "{podSelector: {}, ingress: [{ports: [{port: 8080}]}]}"
        verdict = ask(snapshot(TWO + self.WEB + service + policy("b", "in", rule)), "a/src", "svc:b/web", "80")
        assert verdict.outcome is Outcome.ALLOWED
        assert verdict.cases[0].port == 8080
        assert "ENDPOINTS_BY_SELECTOR" in codes(verdict)

    def test_without_a_ready_endpoint_the_service_breaks_before_any_policy(self):
        service = self.service(selector={"app": "nothing"}, ports=[{"port": 80}])
        verdict = ask(snapshot(TWO + service), "a/src", "svc:b/web", "80")
        assert (verdict.outcome, verdict.cases) == (Outcome.BLOCKED, ())
        assert verdict.service is not None
        assert verdict.service.state is ServiceState.NO_ENDPOINTS

    def test_endpoint_slices_decide_which_pods_are_ready(self):
        slices = document(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {"namespace": "b", "name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
                "addressType": "IPv4",
                "endpoints": [
                    {
                        "addresses": ["10.0.0.5"],
                        "conditions": {"ready": False},
                        "targetRef": {"kind": "Pod", "name": "web"},
                    }
                ],
                "ports": [{"port": 8080, "protocol": "TCP", "name": ""}],
            }
        )
        service = self.service(selector={"app": "web"}, ports=[{"port": 80, "targetPort": 8080}])
        verdict = ask(snapshot(TWO + self.WEB + service + slices), "a/src", "svc:b/web", "80")
        assert verdict.service is not None
        assert (verdict.service.ready, verdict.service.total) == (0, 1)
        assert verdict.outcome is Outcome.BLOCKED

    def test_a_port_the_service_does_not_have_is_an_error_that_names_those_it_has(self):
        service = self.service(selector={"app": "web"}, ports=[{"port": 80, "name": "http"}])
        with pytest.raises(UnknownEnd, match="80/TCP http"):
            ask(snapshot(TWO + self.WEB + service), "a/src", "svc:b/web", "81")

    def test_a_pods_own_port_in_place_of_the_services_is_told_from_one_that_nothing_has(self):
        service = self.service(selector={"app": "web"}, ports=[{"port": 80, "targetPort": "http"}])
        with pytest.raises(UnknownEnd, match="8080 is the pods' own port, ask for 80"):
            ask(snapshot(TWO + self.WEB + service), "a/src", "svc:b/web", "8080")

    def test_the_port_may_be_written_with_the_service(self):
        service = self.service(selector={"app": "web"}, ports=[{"port": 80, "targetPort": "http", "name": "h"}])
        cluster = snapshot(TWO + self.WEB + service)
        for destination, port in (("svc:b/web:80", ""), ("svc:b/web:h", ""), ("svc:b/web:80/TCP", "h")):
            assert ask(cluster, "a/src", destination, port).connection.port == 80
        with pytest.raises(UsageError, match="give one of them"):
            ask(cluster, "a/src", "svc:b/web:80", "443")
        assert ask(cluster, "a/src", "b/web:http", "").connection.port == 8080

    def test_a_headless_service_leads_to_the_pods_on_the_port_that_is_asked_for(self):
        service = self.service(selector={"app": "web"}, clusterIP="None", ports=[{"port": 80, "targetPort": 8080}])
        rule = "{podSelector: {}, ingress: [{ports: [{port: 8080}]}]}"
        cluster = snapshot(TWO + self.WEB + service + policy("b", "in", rule))
        verdict = ask(cluster, "a/src", "svc:b/web", "80")
        assert (verdict.outcome, verdict.cases[0].port) == (Outcome.BLOCKED, 80)
        assert "HEADLESS" in codes(verdict)
        assert ask(cluster, "a/src", "svc:b/web", "8080").outcome is Outcome.ALLOWED
        engine = Engine(cluster)
        spans = any_port(engine, parse_end("a/src", cluster), parse_end("svc:b/web", cluster)).of(Outcome.ALLOWED)
        assert [str(span) for span in spans] == ["8080/TCP"]

    @pytest.mark.parametrize(("status", "ready"), [
        ({"phase": "Running"}, True),
        ({}, True),
        ({"phase": "Pending"}, False),
        ({"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}, False),
        ({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}, True),
    ])  # fmt: skip
    def test_without_slices_a_pod_that_says_it_is_not_ready_is_no_endpoint(self, status: dict[str, Any], ready: bool):
        raw = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"namespace": "b", "name": "web", "labels": {"app": "web"}},
        }
        web = document({**raw, "spec": {"containers": []}, "status": status})
        service = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
        for spec, expected in ((service, ready), ({**service, "publishNotReadyAddresses": True}, True)):
            verdict = ask(snapshot(TWO + web + self.service(**spec)), "a/src", "svc:b/web", "80")
            assert verdict.outcome is (Outcome.ALLOWED if expected else Outcome.BLOCKED)

    def test_a_rule_that_names_the_services_port_in_place_of_the_pods_is_told_so(self):
        service = self.service(selector={"app": "web"}, ports=[{"port": 80, "targetPort": 8080}])
        rule = "{podSelector: {}, ingress: [{ports: [{port: 80}]}]}"
        verdict = ask(snapshot(TWO + self.WEB + service + policy("b", "in", rule)), "a/src", "svc:b/web", "80")
        (clause,) = verdict.near_misses[0].failed
        assert clause.note == "80 is the Service's port; policies see the pod's own, 8080"
        direct = ask(snapshot(TWO + self.WEB + service + policy("b", "in", rule)), "a/src", "b/web", "8080")
        assert direct.near_misses[0].failed[0].note == ""

    def test_endpoints_that_lack_the_named_port_are_not_said_to_be_unready(self):
        other = pod("b", "old", "10.0.0.6", app="web")
        service = self.service(selector={"app": "web"}, ports=[{"port": 80, "targetPort": "http"}])
        verdict = ask(snapshot(TWO + self.WEB + other + service), "a/src", "svc:b/web", "80")
        step = verdict.service
        assert step is not None
        assert (step.ready, step.total, step.unresolved, step.ports) == (1, 2, 1, (8080,))
        assert "1 of 2 endpoints ready (1 without that port)" in service_line(step)

    @pytest.mark.parametrize(("resource", "spec"), [
        ("endpointslices", {"ports": [{"port": 80}]}),
        ("pods", {"ports": [{"port": 80}], "selector": {"app": "nothing"}}),
    ])  # fmt: skip
    def test_endpoints_that_may_be_among_what_could_not_be_read_are_not_said_to_be_none(
        self, resource: str, spec: dict[str, Any]
    ):
        gap = Gap(code=NOT_READABLE, resource=resource, why="it may not be listed", namespace="b")
        verdict = ask(snapshot(TWO + self.service(**spec), gap), "a/src", "svc:b/web", "80")
        assert verdict.outcome is Outcome.UNKNOWN
        assert "it may not be listed" in headline(verdict)
        elsewhere = Gap(code=NOT_READABLE, resource=resource, why="x", namespace="a")
        assert (
            ask(snapshot(TWO + self.service(**spec), elsewhere), "a/src", "svc:b/web", "80").outcome is Outcome.BLOCKED
        )

    def test_a_service_without_pods_opens_no_connection(self):
        service = self.service(selector={"app": "nothing"}, ports=[{"port": 80}])
        with pytest.raises(UsageError, match="no pod stands behind svc:b/web"):
            ask(snapshot(TWO + service), "svc:b/web", "b/dst", "80")

    def test_what_is_behind_an_external_name_is_not_known_on_any_port(self):
        cluster = snapshot(TWO + self.service(type="ExternalName", externalName="db.example.com"))
        assert ask(cluster, "a/src", "svc:b/web", "5432").outcome is Outcome.UNKNOWN
        ends = parse_end("a/src", cluster), parse_end("svc:b/web", cluster)
        assert any_port(Engine(cluster), *ends).outcome is Outcome.UNKNOWN

    @pytest.mark.parametrize(("kind", "code"), [
        ("LoadBalancer", "SOURCE_NAT_UNDEFINED"),
        ("NodePort", "SOURCE_NAT_UNDEFINED"),
        ("ClusterIP", "CLUSTER_IP_ONLY"),
    ])  # fmt: skip
    def test_coming_from_outside_through_a_service_is_an_assumption(self, kind: str, code: str):
        service = self.service(type=kind, selector={"app": "web"}, ports=[{"port": 80, "targetPort": 8080}])
        rule = "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}"
        cluster = snapshot(TWO + self.WEB + service + policy("b", "in", rule))
        assert code in codes(ask(cluster, "internet", "svc:b/web", "80"))
        assert code not in codes(ask(cluster, "a/src", "svc:b/web", "80"))


def test_dns_that_is_closed_is_said_where_a_name_would_be_used():
    dns = document(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"namespace": "kube-system", "name": "coredns", "labels": {"k8s-app": "kube-dns"}},
            "status": {"phase": "Running", "podIP": "10.0.0.53"},
        }
    )
    https = "{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: 443}]}]}"
    cluster = snapshot(TWO + dns + policy("a", "out", https))
    assert "DNS_BLOCKED" in codes(ask(cluster, "a/src", "internet", "443"))
    assert "DNS_BLOCKED" not in codes(ask(cluster, "a/src", "b/dst", "443"))


HTTPS_ONLY = "{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: 443}]}]}"


def open_to(peer: str, *, port: str = ", ports: [{port: 53, protocol: UDP}]") -> str:
    rules = f"[{{ports: [{{port: 443}}]}}, {{to: [{peer}]{port}}}]"
    return f"{{podSelector: {{}}, policyTypes: [Egress], egress: {rules}}}"


@pytest.mark.parametrize(("spec", "closed"), [
    (HTTPS_ONLY, True),
    (open_to("{namespaceSelector: {}}"), False),
    (open_to("{namespaceSelector: {matchLabels: {name: kube-system}}}"), False),  # it has labels that nobody read
    (open_to("{ipBlock: {cidr: 10.96.0.10/32}}"), False),
    (open_to("{ipBlock: {cidr: 10.0.0.0/8}}", port=""), False),
    (open_to("{podSelector: {matchLabels: {role: db}}}", port=""), True),
    (open_to("{namespaceSelector: {}}", port=", ports: [{port: 53}]"), True),  # TCP only: resolvers ask over UDP
])  # fmt: skip
def test_dns_is_told_from_the_policies_where_no_dns_pod_was_read(spec: str, closed: bool):
    verdict = ask(snapshot(TWO + policy("a", "out", spec)), "a/src", "internet", "443")
    assert ("DNS_BLOCKED" in codes(verdict)) == closed


@pytest.mark.parametrize(("peer", "closed"), [
    ("{namespaceSelector: {}}", False),
    ("{ipBlock: {cidr: 10.0.0.53/32}}", False),
    ("{ipBlock: {cidr: 10.96.0.10/32}}", False),  # the Service's own address: translated before or after
    ("{ipBlock: {cidr: 169.254.20.10/32}}", False),  # a cache on the node
    ("{ipBlock: {cidr: 10.9.9.9/32}}", True),
])  # fmt: skip
def test_dns_on_another_port_behind_its_service_is_the_one_that_has_to_be_open(peer: str, closed: bool):
    meta = {"namespace": "openshift-dns", "name": "dns-default"}
    ports = [{"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 5353}]
    spec = {"selector": {"dns": "default"}, "clusterIP": "10.96.0.10", "ports": ports}
    service = document({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec})
    server = pod("openshift-dns", "dns-1", "10.0.0.53", dns="default")
    out = open_to(peer, port=", ports: [{port: 5353, protocol: UDP}, {port: 53, protocol: UDP}]")
    verdict = ask(snapshot(TWO + service + server + policy("a", "out", out)), "a/src", "internet", "443")
    assert ("DNS_BLOCKED" in codes(verdict)) == closed
