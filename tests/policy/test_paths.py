"""Several hops: against a walk over single pods, and cuts by closing what they name."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

import networkx as nx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.errors import UsageError
from console.governance.groups import By, groups
from console.governance.targets import members, own_workloads, target, usual_targets
from console.objects.coverage import NOT_READABLE, Gap
from console.objects.snapshot import Snapshot
from console.policy.ends import parse_end
from console.policy.engine import Engine
from console.policy.matrix import OUTSIDE
from console.policy.paths import Blast, Route, blast
from console.policy.paths_nodes import Nodes
from console.policy.reach import Reachability
from console.policy.reachable import place
from tests.clusters import namespace, pod, policy, snapshot

Graph = dict[str, set[str]]


def asked(cluster: Snapshot, source: str, *targets: str, hops: int = 9) -> Blast:
    engine = Engine(cluster)
    end = parse_end(source, cluster)
    at, among = place(engine, end), members(cluster)
    rows = groups(at.reach, By.WORKLOAD)
    own = own_workloads(end, at.classes, rows, among)
    wanted = {each: target(each, among) for each in targets} or usual_targets(own, among)
    return blast(at, source, rows, own=own, targets=wanted, hops=hops)


def single(cluster: Snapshot) -> Graph:
    """Every pod by its workload's name, and the pods and parts of the outside it reaches."""
    reach = Reachability(Engine(cluster))
    pods = {f"{each.namespace}/pod/{each.name}": each for each in cluster.pods() if not each.finished}
    graph: Graph = {}
    for name, one in pods.items():
        row = reach.row(reach.class_of(one))
        graph[name] = {other for other, each in pods.items() if other != name and row >> reach.class_of(each) & 1}
        graph[name] |= {kind for kind in ("internet", "metadata", "private", "nodes") if row & reach.outside(kind)}
    return graph


def walk(graph: Graph, start: str, closed: Collection[tuple[str, str]] = ()) -> dict[str, int]:
    """How many hops each is away where some edges are closed."""
    hops, edge = {start: 0}, {start}
    while edge:
        edge = {other for one in edge for other in graph.get(one, ()) if (one, other) not in closed} - hops.keys()
        hops.update(dict.fromkeys(edge, max(hops.values()) + 1))
    return hops


def check(route: Route, graph: Graph, source: str, ends: set[str]) -> None:
    """A route against the walk over single pods: its length, and what closing its cut comes to."""
    ends = ends - {source}
    far = walk(graph, source)
    assert route.hops == min((far[each] for each in ends if each in far), default=None)
    for chain in route.chains:
        assert len(chain) == route.hops
        assert all(set(one.destinations) & set(other.sources) for one, other in pairwise(chain))
    closed = {(one, other) for edge in route.cut for one in edge.sources for other in edge.destinations}
    assert not ends & walk(graph, source, closed).keys()
    if route.hops is None:
        assert (route.cut, route.through) == ((), ())
        return
    flow = nx.DiGraph()
    for one, others in graph.items():
        flow.add_edges_from(((one, other) for other in others), capacity=1)
    flow.add_edges_from((end, "end") for end in ends)  # an edge without a capacity has an infinite one
    assert len(closed) == nx.minimum_cut_value(flow, source, "end")
    for name in graph.keys() - {source} - ends:
        around = {one: others - {name} for one, others in graph.items()}
        assert (name in route.through) == (not ends & walk(around, source).keys())


def way(source: str, *to: str, port: int = 80) -> str:
    """Policies that open a path from one app to others."""
    peers = "{podSelector: {matchExpressions: [{key: app, operator: In, values: [%s]}]}}"
    egress = f"egress: [{{to: [{peers % ', '.join(to)}], ports: [{{port: {port}}}]}}]"
    opened = policy(
        "a", f"{source}-out", f"{{podSelector: {{matchLabels: {{app: {source}}}}}, policyTypes: [Egress], {egress}}}"
    )
    for each in to:
        ingress = f"ingress: [{{from: [{peers % source}]}}]"
        opened += policy("a", f"{source}-to-{each}", f"{{podSelector: {{matchLabels: {{app: {each}}}}}, {ingress}}}")
    return opened


def out(*sources: str) -> str:
    """A policy that lets apps out to the internet."""
    return policy("a", "out", f"""
        podSelector: {{matchExpressions: [{{key: app, operator: In, values: [{', '.join(sources)}]}}]}}
        policyTypes: [Egress]
        egress:
        - to: [{{ipBlock: {{cidr: 0.0.0.0/0, except: [10.0.0.0/8, 169.254.0.0/16]}}}}]
          ports: [{{port: 443}}]
    """)  # fmt: skip


def apps(*names: str) -> str:
    """Pods, an app each, that nothing is open to or from."""
    return (
        namespace("a")
        + "".join(pod("a", name, f"10.0.0.{number}", app=name) for number, name in enumerate(names, 1))
        + policy("a", "deny", "{podSelector: {}, policyTypes: [Egress, Ingress]}")
    )


APPS = ("p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7")
_app = st.sampled_from(APPS)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sets(st.tuples(_app, _app), min_size=14, max_size=30), st.sets(_app, max_size=3), st.sets(_app, min_size=1))
def test_hops_chains_and_cuts_are_those_of_single_pods(open_: set[tuple[str, str]], exits: set[str], ends: set[str]):
    ways = {one: sorted(other for each, other in open_ if each == one) for one in APPS}
    text = (
        apps(*APPS) + "".join(way(one, *to) for one, to in ways.items() if to) + (out(*sorted(exits)) if exits else "")
    )
    cluster = snapshot(text)
    at, among = place(Engine(cluster), parse_end("a/p0", cluster)), members(cluster)
    named = frozenset(f"a/pod/{end}" for end in ends)
    found = blast(
        at,
        "a/pod/p0",
        groups(at.reach, By.WORKLOAD),
        own=["a/pod/p0"],
        targets={"internet": frozenset(), "ends": named},
        hops=9,
    )
    graph = single(cluster)
    assert len(among) == len(graph)
    told = {name: stage.hops for stage in found.stages for name in stage.edge.destinations}
    assert {**told, "a/pod/p0": 0} == walk(graph, "a/pod/p0")
    internet, inside = found.routes
    check(internet, graph, "a/pod/p0", {"internet"})
    check(inside, graph, "a/pod/p0", set(named))


CHAIN = apps("src", "left", "right", "mid", "end")
DIAMOND = CHAIN + way("src", "left", "right") + way("left", "mid") + way("right", "mid") + way("mid", "end", port=90)


def test_a_chain_names_each_hop_with_its_ports_and_where_to_cut_it():
    cluster = snapshot(DIAMOND + out("end"))
    (route, metadata) = asked(cluster, "a/src", "internet", "metadata").routes
    assert (route.hops, route.sure) == (4, True)
    (chain,) = route.chains
    assert [(edge.destinations, [str(span) for span in edge.spans]) for edge in chain] == [
        # Left and right are alike: one stage.
        (("a/pod/left", "a/pod/right"), ["80/TCP"]),
        (("a/pod/mid",), ["80/TCP"]),
        (("a/pod/end",), ["90/TCP"]),
        (("internet",), ["443/TCP"]),
    ]
    (edge,) = route.cut
    assert (edge.sources, edge.destinations) == (("a/pod/end",), ("internet",))
    assert route.through == ("a/pod/mid", "a/pod/end")
    assert metadata.hops is None


def test_workloads_that_are_alike_are_cut_together():
    cluster = snapshot(DIAMOND)
    among = members(cluster)
    at = place(Engine(cluster), parse_end("a/src", cluster))
    found = blast(
        at,
        "src",
        groups(at.reach, By.WORKLOAD),
        own=["a/pod/src"],
        targets={"mid": frozenset(["a/pod/mid"]), "sides": frozenset(["a/pod/left", "a/pod/right"])},
        hops=1,
    )
    assert len(among) == 5
    mid, sides = found.routes
    assert [(edge.sources, edge.destinations) for edge in mid.cut] == [(("a/pod/left", "a/pod/right"), ("a/pod/mid",))]
    assert mid.through == ()
    # One hop was asked for, and it takes two: told, without a chain.
    assert (mid.hops, mid.chains) == (2, ())
    assert [(edge.sources, edge.destinations) for edge in sides.cut] == [(("src",), ("a/pod/left", "a/pod/right"))]
    assert [stage.hops for stage in found.stages] == [1]


def test_what_cannot_be_known_is_reached_unsurely_and_is_cut_all_the_same():
    unread = Gap(code=NOT_READABLE, resource="networkpolicies", namespace="b", why="403")
    cluster = snapshot(
        namespace("a") + namespace("b") + pod("a", "src", "10.0.0.1") + pod("b", "hop", "10.0.0.2"), unread
    )
    found = asked(cluster, "a/src", "namespace:b", "internet")
    towards, internet = found.routes
    assert (towards.hops, towards.sure) == (1, False)
    assert [edge.sure for edge in towards.cut] == [False]
    assert (internet.hops, internet.sure) == (1, True)
    # The way through the pod in doubt has to be closed too; the cut that lies nearest the target is taken.
    assert [(edge.sources, edge.sure) for edge in internet.cut] == [(("a/src",), True), (("b/pod/hop",), False)]


OWNED = "metadata:\n  ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: hop, uid: u, controller: true}]"
REPLICAS = (
    namespace("a")
    + pod("a", "src", "10.0.0.1", app="src")
    + pod("a", "end", "10.0.0.9", app="end")
    + pod("a", "hop-0", "10.0.0.2", app="hop", canary="no").replace("metadata:", OWNED)
    + pod("a", "hop-1", "10.0.0.3", app="hop", canary="yes").replace("metadata:", OWNED)
    + policy("a", "src", """
        podSelector: {matchLabels: {app: src}}
        policyTypes: [Egress]
        egress: [{to: [{podSelector: {matchLabels: {canary: 'no'}}}]}]
    """)
    + policy("a", "end", """
        podSelector: {matchLabels: {app: end}}
        ingress: [{from: [{podSelector: {matchLabels: {canary: 'yes'}}}]}]
    """)
)  # fmt: skip


def test_replicas_that_differ_are_stages_of_their_own():
    cluster = snapshot(REPLICAS)
    (route,) = asked(cluster, "a/src", "namespace:a").routes
    assert route.hops == 1
    at = place(Engine(cluster), parse_end("a/src", cluster))
    found = blast(
        at, "src", groups(at.reach, By.WORKLOAD), own=["a/pod/src"], targets={"end": frozenset(["a/pod/end"])}, hops=9
    )
    # Not in two: the replica that is reached is not the one that goes on.
    assert [edge.destinations for edge in found.routes[0].chains[0]] == [
        ("a/statefulset/hop",),
        ("a/statefulset/hop",),
        ("a/pod/end",),
    ]


def test_a_target_that_names_nothing_says_what_there_is():
    among = members(snapshot(CHAIN))
    with pytest.raises(UsageError, match="names no target") as error:
        target("everything", among)
    assert "namespace:NAME" in error.value.hint
    with pytest.raises(UsageError, match="no workload belongs to role:trainin") as error:
        target("role:trainin", among)
    assert "other" in error.value.hint


def test_services_that_differ_in_their_ports_only_are_one_node_told_apart_again_by_their_ports():
    names = [f"s{number}" for number in range(20)]
    cluster = snapshot(
        namespace("a")
        + pod("a", "src", "10.0.1.1", app="src")
        + "".join(pod("a", name, f"10.0.0.{number}", app=name) for number, name in enumerate(names, 1))
        + "".join(
            policy(
                "a",
                name,
                f"{{podSelector: {{matchLabels: {{app: {name}}}}}, ingress: [{{ports: [{{port: {port}}}]}}]}}",
            )
            for port, name in enumerate(names, 8000)
        )
    )
    at = place(Engine(cluster), parse_end("a/src", cluster))
    rows = groups(at.reach, By.WORKLOAD)
    assert len(Nodes(at, "src", rows, ["a/pod/src"], {}).nodes) == 2 + len(OUTSIDE)
    found = blast(at, "src", rows, own=["a/pod/src"], targets={"last": frozenset(["a/pod/s19"])}, hops=2)
    first = {stage.edge.destinations: [str(span) for span in stage.edge.spans] for stage in found.stages}
    assert [first[f"a/pod/{name}",] for name in names] == [[f"{port}/TCP"] for port in range(8000, 8020)]
    (last,) = found.routes
    assert [(edge.destinations, [str(span) for span in edge.spans]) for edge in last.chains[0]] == [
        (("a/pod/s19",), ["8019/TCP"])
    ]
    (edge,) = last.cut
    assert (len(edge.sources), edge.destinations) == (20, ("a/pod/s19",))
