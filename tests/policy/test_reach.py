"""All pairs at once against the evaluator of single connections: one meaning of a rule."""

from __future__ import annotations

import os
from functools import partial

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.objects.coverage import NOT_READABLE, Coverage, Gap
from console.objects.decode import decode
from console.objects.snapshot import build
from console.policy.ends import pod_end
from console.policy.engine import Engine
from console.policy.model import Protocol
from console.policy.reach import Reachability, bits
from console.policy.trace import Ground
from console.policy.universe import Outside
from console.policy.verdict import Connection, End, EndKind, Outcome
from tests.clusters import namespace, pod, policy, snapshot
from tests.policy.strategies import Raw, worlds
from tests.policy.strategies_tiers import tiered_worlds
from tests.policy.test_tiers import cnp, rule

EXAMPLES = max(30, int(os.environ.get("NETPOL_VERDICTS", "6000")) // 200)
PORTS = [(Protocol.TCP, 80), (Protocol.TCP, 443), (Protocol.UDP, 53), (Protocol.TCP, 8080), (Protocol.SCTP, 80)]


def ends_of(reach: Reachability) -> list[tuple[int, End]]:
    """Each class with the end that stands for it."""
    found = []
    for number in bits(reach.universe.all):
        held = reach.member(number)
        if isinstance(held, Outside):
            found.append((number, End(EndKind.ADDRESS, addresses=(held.address,))))
        else:
            found.append((number, pod_end(held.pods[0])))
    return found


def compare(engine: Engine) -> None:
    reach = Reachability(engine)
    ends = ends_of(reach)
    for source, a in ends:
        reached = reach.reached(source), reach.reached(source, maybe=True)
        for destination, b in ends:
            if source == destination or not (a.pods or b.pods):
                continue
            for protocol, port in PORTS:
                verdict = engine.evaluate(Connection(a, b, protocol, port))
                grounds = {trace.ground for case in verdict.cases for trace in case.directions()}
                if grounds & {Ground.OWN_NODE, Ground.SELF}:
                    continue
                # One case a family, where they differ (or the reasons do); ends that share none are no pair.
                codes = {caveat.code for case in verdict.cases for caveat in case.caveats}
                assert len({case.outcome for case in verdict.cases}) == 1 or "FAMILY_DIFFERS" in codes
                outcomes = [] if "NO_COMMON_FAMILY" in codes else [case.outcome for case in verdict.cases]
                asked = reach.port(protocol, port)
                for on, classes, likely in (
                    (reach.row, reached[0], {Outcome.ALLOWED}),
                    (partial(reach.row, maybe=True), reached[1], {Outcome.ALLOWED, Outcome.UNKNOWN}),
                ):
                    expected = any(each in likely for each in outcomes)
                    told = str(a), str(b), port, protocol, outcomes
                    assert bool(on(source, asked) >> destination & 1) == expected, told
                    found = [ports & asked for ports, among in classes.items() if among >> destination & 1]
                    assert len(found) <= 1
                    assert any(found) == expected, told
                    maybe = Outcome.UNKNOWN in likely
                    assert bool(reach.ports(source, destination, maybe=maybe) & asked) == expected, told
                    every = reach.every(source, asked, maybe=maybe)
                    assert bool(every >> destination & 1) == all(each in likely for each in outcomes), told
                    assert bool(reach.column(destination, asked, maybe=maybe) >> source & 1) == expected, told


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds(), st.sampled_from([None, "a", "b"]))
def test_every_pair_is_judged_as_the_single_connection_is(world: list[Raw], unread: str | None):
    gaps = (Gap(code=NOT_READABLE, resource="networkpolicies", namespace=unread, why="403"),) if unread else ()
    objects = [obj for raw in world if (obj := decode(raw)) is not None]
    compare(Engine(build(objects, Coverage(gaps))))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(tiered_worlds())
def test_every_pair_is_judged_as_the_single_connection_is_by_all_tiers(world: list[Raw]):
    compare(Engine(build(obj for raw in world if (obj := decode(raw)) is not None)))


TWO = (
    namespace("a", team="x")
    + namespace("b", team="y")
    + pod("a", "src", "10.0.0.1", role="client")
    + pod("a", "other", "10.0.0.3", role="other")
    + pod("b", "dst", "10.0.0.2", ports=[{"name": "http", "containerPort": 8080}])
)


def test_the_tiers_are_walked_alike():
    allow, deny, passing = (rule(action) for action in ("Accept", "Deny", "Pass"))
    client = {"pods": {"podSelector": {"matchLabels": {"role": "client"}}}}
    closed = policy("a", "deny", "{podSelector: {}, policyTypes: [Egress]}")
    for objects in (
        cnp("x", "Admin", 1, egress=allow) + closed,
        cnp("x", "Admin", 1, egress=passing) + cnp("y", "Admin", 2, egress=deny) + closed,
        cnp("x", "Admin", 1, egress=deny, subject=client) + cnp("y", "Baseline", 1, egress=deny),
        cnp("x", "Admin", 1, egress=allow) + cnp("y", "Admin", 1, egress=deny),
        cnp("x", "Admin", 1, egress=rule("Accept", {"domainNames": ["hf.co"]})) + cnp("y", "Admin", 2, egress=deny),
        cnp("x", "Admin", 1, egress=rule("Deny", {"networks": ["10.0.0.2/32"]})),
        cnp("x", "Admin", 1, egress=rule("Deny", protocols=[{"destinationNamedPort": "http"}])),
        cnp("x", "Admin", 1, egress=rule("Deny", {"services": {}})),
    ):
        compare(Engine(snapshot(TWO + objects)))


def test_a_host_network_pod_is_where_its_own_status_or_its_node_says():
    rules = "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.9.0.0/16}}]}]}"
    host = "spec: {hostNetwork: true, nodeName: n1, containers: [{name: c, image: i}]}"
    made = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: b}\n" + host + "\nstatus: %s\n"
    node = "---\napiVersion: v1\nkind: Node\nmetadata: {name: n1}\n"
    node += "status: {addresses: [{type: InternalIP, address: 10.9.0.3}]}\n"
    for status in ("{podIP: 10.9.0.1, podIPs: [{ip: 10.9.0.1}]}", "{hostIP: 10.9.0.2}", "{phase: Pending}"):
        objects = TWO + node + policy("a", "out", rules) + made % ("host", status)
        reach = Reachability(Engine(snapshot(objects)))
        source, host_class = (reach.universe.class_of[key] for key in (("a", "src"), ("b", "host")))
        assert reach.row(source) >> host_class & 1, status
        compare(Engine(snapshot(objects)))


def test_a_row_a_column_and_the_ports_of_a_pair_agree():
    rules = """
        podSelector: {}
        ingress:
        - from: [{namespaceSelector: {matchLabels: {team: x}}}]
          ports: [{port: http}, {port: 90, endPort: 99}]
    """
    reach = Reachability(Engine(snapshot(TWO + policy("b", "in", rules))))
    source, destination = (reach.universe.class_of[key] for key in (("a", "src"), ("b", "dst")))
    assert reach.row(source) >> destination & 1
    assert reach.column(destination) >> source & 1
    assert [str(span) for span in reach.spans(source, destination)] == ["90–99/TCP", "8080/TCP"]
    (internet,) = bits(reach.outside("internet"))
    assert reach.ports(internet, destination) == 0
    assert [str(span) for span in reach.spans(destination, internet)] == [
        "all ports/TCP",
        "all ports/UDP",
        "all ports/SCTP",
    ]


def test_pods_that_no_policy_tells_apart_are_one_class():
    many = "".join(pod("a", f"p{n}", f"10.1.0.{n}", role="client", index=str(n)) for n in range(1, 50))
    rules = "{podSelector: {matchLabels: {role: client}}}"
    reach = Reachability(Engine(snapshot(TWO + many + policy("a", "in", rules))))
    assert reach.universe.inside.bit_count() == 3
    assert (
        len({reach.class_of(each) for each in reach.engine.snapshot.pods() if each.labels.get("role") == "client"}) == 1
    )


def test_a_pair_of_sets_is_partial_where_members_differ_and_nothing_where_there_is_no_pair():
    rules = (
        "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}, podSelector: {matchLabels: {role: client}}}]}]}"
    )
    reach = Reachability(Engine(snapshot(TWO + policy("b", "in", rules))))
    a, b = (reach.universe.in_namespace[name] for name in ("a", "b"))
    assert reach.outcome(a, b) is Outcome.PARTIAL
    assert reach.outcome(b, a) is Outcome.ALLOWED
    assert reach.outcome(b, b) is None
