"""Bare addresses, where not all pods could be read: each may be the address of one that was not."""

from __future__ import annotations

import pytest

from console.objects.coverage import NOT_READABLE, Gap
from console.objects.snapshot import Snapshot
from console.policy.trace import Ground
from console.policy.verdict import Outcome
from tests.clusters import ask, pod, policy, snapshot

PODS = pod("a", "src", "10.0.0.1", role="client") + pod("a", "dst", "10.0.0.2", role="server")
ELSEWHERE = Gap(code=NOT_READABLE, resource="pods", why="403", besides=("a",))


def partly(text: str) -> Snapshot:
    return snapshot(PODS + text, ELSEWHERE)


@pytest.mark.parametrize(("address", "source"), [("10.9.9.9", "src"), ("100.64.0.1", "src"), ("2001:db8::1", "six")])
def test_whether_a_connection_reaches_it_is_not_known(address: str, source: str):
    verdict = ask(partly(pod("a", "six", "2001:db8::9")), f"a/{source}", f"ip:{address}", "80")
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.cases[0].ingress.ground is Ground.GAP
    assert [caveat.detail for caveat in verdict.caveats if caveat.code == "NOT_READABLE"]


def test_public_and_link_local_addresses_are_outside():
    assert ask(partly(""), "a/src", "ip:169.254.169.254", "80").outcome is Outcome.ALLOWED
    assert ask(partly(""), "a/src", "ip:8.8.8.8", "80").outcome is Outcome.ALLOWED
    assert ask(partly(""), "a/src", "internet", "80").outcome is Outcome.ALLOWED


def test_what_the_readable_end_refuses_is_blocked_whatever_the_address_is():
    closed = policy("a", "closed", "{podSelector: {}, policyTypes: [Egress]}")
    assert ask(partly(closed), "a/src", "ip:10.9.9.9", "80").outcome is Outcome.BLOCKED


def test_a_selector_may_match_a_pod_that_could_not_be_read_unless_its_namespace_could():
    own = policy("a", "own", "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}")
    every = policy("a", "every", "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}")
    assert ask(partly(own), "ip:10.9.9.9", "a/dst", "80").outcome is Outcome.BLOCKED
    assert ask(partly(every), "ip:10.9.9.9", "a/dst", "80").outcome is Outcome.UNKNOWN
    assert ask(snapshot(PODS + every), "ip:10.9.9.9", "a/dst", "80").outcome is Outcome.BLOCKED
