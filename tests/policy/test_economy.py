"""What the engine leaves out to be quick must not change what it says."""

from __future__ import annotations

import pytest

from console.policy.ends import connection
from console.policy.engine import Engine
from console.policy.verdict import Outcome
from tests.clusters import ask, document, namespace, pod, policy, snapshot


def service(name: str, spec: dict[str, object]) -> str:
    meta = {"namespace": "shop", "name": name}
    return document({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec})


CLUSTER = (
    namespace("shop")
    + pod("shop", "web", "10.0.0.1", app="web")
    + pod("shop", "db", "10.0.0.2", app="db")
    + policy("shop", "db", "{podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 5432}]}]}")
    + service("nobody", {"selector": {"app": "gone"}, "ports": [{"port": 80}]})
    + service("elsewhere", {"type": "ExternalName", "externalName": "example.org", "ports": [{"port": 443}]})
)


@pytest.mark.parametrize(
    ("dst", "port", "outcome"),
    [
        ("shop/db", "5432", Outcome.ALLOWED),
        ("shop/db", "80", Outcome.BLOCKED),
        ("svc:shop/nobody", "80", Outcome.BLOCKED),
        ("svc:shop/elsewhere", "443", Outcome.UNKNOWN),
    ],
)
def test_an_outcome_that_is_not_explained_is_the_one_of_the_explained_verdict(dst: str, port: str, outcome: Outcome):
    cluster = snapshot(CLUSTER)
    question = connection("shop/web", dst, port, cluster)
    assert Engine(cluster).outcome(question) is outcome
    assert Engine(cluster).evaluate(question).outcome is outcome


def test_what_is_odd_about_a_policy_is_said_where_it_was_asked_and_nowhere_else():
    odd = policy(
        "shop", "odd", "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.1/8}}]}]}"
    )
    cluster = snapshot(CLUSTER + odd)

    def said(dst: str) -> list[str]:
        caveats = ask(cluster, "shop/web", dst, "80").caveats
        return [caveat.detail for caveat in caveats if caveat.code == "UNMASKED_CIDR"]

    (detail,) = said("shop/db")
    assert detail.startswith("NetworkPolicy shop/odd")
    assert said("ip:8.8.8.8") == []


def test_addresses_that_no_rule_tells_apart_are_judged_once_however_many_blocks_it_lists():
    blocks = ", ".join(f"{{ipBlock: {{cidr: 20.{n}.0.0/24, except: [20.{n}.0.8/29]}}}}" for n in range(200))
    two = f"[{{to: [{blocks}]}}, {{to: [{{ipBlock: {{cidr: 20.7.0.0/25}}}}]}}]"
    rules = f"{{podSelector: {{}}, policyTypes: [Egress], egress: {two}}}"
    engine = Engine(snapshot(namespace("a") + pod("a", "p", "10.0.0.1") + policy("a", "n", rules)))
    verdict = engine.evaluate(connection("a/p", "internet", "443", engine.snapshot))
    # None of the rules, the first, the second, both.
    assert verdict.outcome is Outcome.PARTIAL
    assert len(verdict.cases) <= 4
    for address, outcome in (
        ("20.7.0.1", Outcome.ALLOWED),
        ("20.7.0.9", Outcome.ALLOWED),
        ("20.8.0.9", Outcome.BLOCKED),
    ):
        single = engine.evaluate(connection("a/p", f"ip:{address}", "443", engine.snapshot))
        assert single.outcome is outcome, address
