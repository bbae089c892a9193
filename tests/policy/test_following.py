"""All pairs followed from snapshot to snapshot against all pairs made from nothing, and what following costs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from console.objects.core import Pod
from console.objects.decode import decode
from console.objects.meta import ObjectRef
from console.objects.snapshot import KubeObject, SnapshotBuilder
from console.policy.asking import Modes
from console.policy.bitsets import bits
from console.policy.engine import Engine
from console.policy.reach import Reachability
from console.policy.verdict import Outcome
from tests.clusters import namespace, policy, snapshot
from tests.clusters import pod as a_pod
from tests.policy.strategies import KEYS, NAMESPACES, Raw, selectors, worlds
from tests.policy.strategies_tiers import tiered_worlds
from tests.policy.test_tiers import cnp

EXAMPLES = max(30, int(os.environ.get("NETPOL_VERDICTS", "6000")) // 200)
KINDS = ("internet", "metadata", "private", "apiserver", "nodes")


def told(reach: Reachability) -> dict[Any, Any]:
    """All that is said of pairs of pods, and of pods and parts of the outside, without the numbers of classes."""
    found: dict[Any, Any] = {}
    pods = [pod for pod in reach.engine.snapshot.pods() if not pod.finished]
    classes = [(pod, reach.class_of(pod)) for pod in pods]
    found["families"] = reach.families
    for pod, source in classes:
        name = f"{pod.namespace}/{pod.name}"
        found[name, "selecting"] = sorted(str(policy.ref) for policy in reach.selecting(source))
        held = reach.member(source)
        assert pod in held.pods  # type: ignore[union-attr]
        for maybe in (False, True):
            row, every = reach.row(source, maybe=maybe), reach.every(source, maybe=maybe)
            reached = reach.reached(source, maybe=maybe)
            for other, destination in classes:
                ports = reach.ports(source, destination, maybe=maybe)
                spans = tuple(reach.atoms.spans(ports))
                found[name, f"{other.namespace}/{other.name}", maybe] = (spans, bool(every >> destination & 1))
                assert bool(row >> destination & 1) == bool(ports)
                assert sum(on for on, among in reached.items() if among >> destination & 1) == ports
            for kind in KINDS:
                outside = list(bits(reach.outside(kind)))
                found[name, kind, maybe] = {
                    tuple(reach.atoms.spans(reach.ports(source, n, maybe=maybe))) for n in outside
                }
                found[kind, name, maybe] = {
                    tuple(reach.atoms.spans(reach.ports(n, source, maybe=maybe))) for n in outside
                }
            assert row & ~reach.universe.all == 0
    names = {name: classes for name, classes in reach.universe.in_namespace.items() if classes}
    found["spaces"] = {(one, other): reach.outcome(names[one], names[other]) for one in names for other in names}
    return found


def objects(world: list[Raw]) -> list[KubeObject]:
    return [obj for raw in world if (obj := decode(raw)) is not None]


def steps(
    first: list[KubeObject], second: list[KubeObject], chosen: list[tuple[int, bool]]
) -> Iterator[SnapshotBuilder]:
    """A builder after each of some changes: objects of a second world put, or dropped, and those of the first back."""
    builder = SnapshotBuilder()
    for obj in first:
        builder.put(obj)
    yield builder
    among = [*second, *first]
    for place, put in chosen:
        obj = among[place % len(among)]
        if put:
            builder.put(obj)
        else:
            builder.drop(obj.ref, type(obj))
        yield builder


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.one_of(worlds(), tiered_worlds()),
    st.one_of(worlds(), tiered_worlds()),
    st.lists(st.tuples(st.integers(0, 30), st.booleans() | st.just(True)), min_size=1, max_size=8),
)
def test_following_any_changes_is_as_good_as_making_everything_anew(
    world: list[Raw], other: list[Raw], chosen: list[tuple[int, bool]]
) -> None:
    reach: Reachability | None = None
    engine: Engine | None = None
    for builder in steps(objects(world), objects(other), chosen):
        engine = Engine(builder.build(), engine)
        if reach is None:
            reach = Reachability(engine)
        else:
            for number in range(reach.universe.size):
                reach.row(number)  # so that there are rows to keep
            reach = reach.after(engine)
        fresh = Reachability(Engine(engine.snapshot))
        assert told(reach) == told(fresh), reach.work


def _said(namespace: str, subject: Raw, peer: Raw) -> Raw:
    metadata = {"name": "said", "namespace": namespace}
    spec = {"podSelector": subject, "ingress": [{"from": [{"podSelector": peer}]}]}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


#: Labels of a pod, values that no selector names among them; the pod by its place.
relabelled = st.tuples(st.integers(0, 7), *[st.sampled_from(("x", "y", "", "v", "w", None))] * len(KEYS))
turns = st.lists(
    relabelled | st.builds(_said, st.sampled_from(NAMESPACES), selectors, selectors), min_size=2, max_size=12
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(worlds(), tiered_worlds()), turns, st.booleans())
def test_following_labels_that_selectors_do_and_do_not_mention_is_as_good_as_making_everything_anew(
    world: list[Raw], chosen: list[Any], seen: bool
) -> None:
    modes = Modes(ingress_ipblock_matches_pods=seen)
    builder = SnapshotBuilder()
    for obj in objects(world):
        builder.put(obj)
    reach = Reachability(Engine(builder.build(), modes=modes))
    for each in chosen:
        pods = list(reach.engine.snapshot.pods())
        if isinstance(each, dict):
            for obj in objects([each]):
                builder.put(obj)
        elif pods:
            labels = {key: value for key, value in zip(KEYS, each[1:], strict=True) if value is not None}
            builder.put(replace(pods[each[0] % len(pods)], labels=labels))
        reach = reach.after(Engine(builder.build(), reach.engine))
        assert told(reach) == told(Reachability(Engine(reach.engine.snapshot, modes=modes))), reach.work


def tenants(count: int) -> str:
    """Namespaces that are closed but for their own pods, each with a client and two servers."""
    found = ""
    for number in range(count):
        name = f"t{number}"
        found += namespace(name, team=f"x{number % 2}")
        for place, role in enumerate(("client", "server", "server")):
            found += a_pod(name, f"{role}-{place}", f"10.0.{number}.{place + 1}", role=role)
        found += policy(name, "own", "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}")
        found += policy(
            name,
            "team",
            "{podSelector: {matchLabels: {role: server}}, ingress: "
            f"[{{from: [{{namespaceSelector: {{matchLabels: {{team: x{number % 2}}}}}}}], ports: [{{port: 80}}]}}]}}",
        )
    return found


class Follower:
    """A cluster of tenants whose pairs are followed, every row asked for after each change."""

    def __init__(self, count: int) -> None:
        self.builder = SnapshotBuilder(snapshot(tenants(count)))
        self.reach = Reachability(Engine(self.builder.build()))
        self._ask()

    def put(self, text: str) -> tuple[int, int, str]:
        for obj in snapshot(text).objects():
            self.builder.put(obj)
        return self._follow()

    def drop(self, name: str, pod_name: str) -> tuple[int, int, str]:
        self.builder.drop(ObjectRef("Pod", name, pod_name), Pod)
        return self._follow()

    def _follow(self) -> tuple[int, int, str]:
        """The profiles that were made, the rows, and why everything was."""
        self.reach = self.reach.after(Engine(self.builder.build(), self.reach.engine))
        self._ask()
        assert told(self.reach) == told(Reachability(Engine(self.reach.engine.snapshot)))
        work = self.reach.work
        return work.profiles, work.rows, work.whole

    def _ask(self) -> None:
        for number in range(self.reach.universe.size):
            self.reach.row(number)


def test_a_change_that_no_verdict_looks_at_makes_nothing_anew() -> None:
    cluster = Follower(12)
    assert cluster.put(a_pod("t3", "client-0", "10.0.3.1", role="client", tier="x")) == (0, 0, "")
    same = policy("t3", "own", "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}], policyTypes: [Ingress]}")
    assert cluster.put(same) == (0, 0, "")


def test_a_replica_that_comes_or_goes_makes_nothing_anew() -> None:
    cluster = Follower(12)
    assert cluster.put(a_pod("t3", "server-9", "10.0.3.9", role="server")) == (0, 0, "")
    assert cluster.drop("t3", "server-9") == (0, 0, "")


def test_an_edited_policy_costs_the_classes_it_selects_and_the_rows_into_them() -> None:
    cluster = Follower(12)
    closed = policy("t3", "own", "{podSelector: {}, ingress: []}")
    work = cluster.put(closed)
    assert work == (2, 2, "")  # the client and the servers of t3; the rows of the same two
    again = cluster.put(policy("t3", "own", "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}"))
    assert again == (2, 2, "")


def test_a_pod_of_a_new_kind_costs_its_own_profile_as_long_as_there_is_room() -> None:
    cluster = Follower(12)
    lets_in = policy("t3", "odd", "{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {role: odd}}}]}]}")
    assert cluster.put(lets_in)[2] == ""
    work = cluster.put(a_pod("t3", "odd", "10.0.3.20", role="odd"))
    assert (work[2], work[0]) == ("", 1)
    assert cluster.put(a_pod("t3", "odd", "10.0.3.20", role="server"))[2] == ""


def test_a_pod_of_a_kind_that_no_policy_tells_apart_makes_nothing_anew() -> None:
    cluster = Follower(12)
    classes = cluster.reach.universe.all.bit_count()
    assert cluster.put(a_pod("t3", "odd", "10.0.3.20", role="odd")) == (0, 0, "")
    assert cluster.put(a_pod("t3", "odder", "10.0.3.21")) == (0, 0, "")  # without the label, which is as good
    assert cluster.reach.universe.all.bit_count() == classes


def test_a_pod_of_a_new_kind_costs_no_more_where_policies_of_other_tiers_govern_everybody() -> None:
    cluster = Follower(12)
    odd: Raw = {"pods": {"podSelector": {"matchLabels": {"role": "odd"}}}}

    def spoken(action: str, key: str, peer: Raw, **fields: Any) -> list[Raw]:
        return [{"action": action, key: [peer], **fields}]

    team: Raw = {"namespaces": {"matchLabels": {"team": "x1"}}}
    metrics = [{"tcp": {"destinationPort": {"number": 80}}}]
    cluster.put(cnp("shut", "Admin", 1, ingress=spoken("Deny", "from", team, protocols=metrics)))
    cluster.put(cnp("handed-on", "Admin", 2, ingress=spoken("Pass", "from", odd), egress=spoken("Accept", "to", odd)))
    cluster.put(cnp("kept-out", "Baseline", 3, ingress=spoken("Deny", "from", odd)))
    for name in ("t2", "t3"):
        work = cluster.put(a_pod(name, "odd", f"10.0.9.{name[1]}", role="odd"))
        assert (work[2], work[0]) == ("", 1)


def test_what_was_not_told_apart_is_once_a_policy_mentions_it() -> None:
    for selector in ("{matchLabels: {role: odd}}", "{matchExpressions: [{key: role, operator: DoesNotExist}]}"):
        cluster = Follower(6)
        cluster.put(a_pod("t3", "odd", "10.0.3.20", role="odd"))
        cluster.put(a_pod("t3", "odder", "10.0.3.21"))
        named = policy("t3", "named", f"{{podSelector: {selector}, ingress: []}}")
        assert cluster.put(named)[2].startswith("the label role")
        other = policy("t3", "other", "{podSelector: {matchLabels: {role: other}}, ingress: []}")
        assert cluster.put(other)[2] == ""
        assert cluster.put(a_pod("t3", "odd", "10.0.3.20", role="other"))[2] == ""


def test_when_no_place_is_left_for_a_new_class_everything_is_made_anew() -> None:
    named = [policy("t0", f"p{n}", f"{{podSelector: {{matchLabels: {{role: r{n}}}}}, ingress: []}}") for n in range(80)]
    builder = SnapshotBuilder(snapshot(tenants(2) + "".join(named)))
    reach = Reachability(Engine(builder.build()))
    whole = []
    for number in range(80):
        for obj in snapshot(a_pod("t0", f"p{number}", f"10.0.9.{number + 1}", role=f"r{number}")).objects():
            builder.put(obj)
        reach = reach.after(Engine(builder.build(), reach.engine))
        whole += [reach.work.whole] if reach.work.whole else []
    assert whole == ["new classes, for which no places are left"]
    assert told(reach) == told(Reachability(Engine(reach.engine.snapshot)))


def test_what_tells_more_apart_than_before_makes_everything_anew_and_says_why() -> None:
    cluster = Follower(4)
    assert cluster.put(policy("t1", "new", "{podSelector: {matchLabels: {zone: a}}}"))[2] == "the label zone"
    rules = "{podSelector: {}, egress: [{to: [{ipBlock: {cidr: 192.0.2.0/24}}]}], policyTypes: [Egress]}"
    assert cluster.put(policy("t1", "out", rules))[2] == "a network"
    rules = "{podSelector: {}, ingress: [{ports: [{port: 8443}]}]}"
    assert cluster.put(policy("t1", "port", rules))[2] == "a port"


def test_the_pairs_before_a_change_stay_what_they_were() -> None:
    cluster = Follower(6)
    before, was = cluster.reach, told(cluster.reach)
    cluster.put(policy("t3", "own", "{podSelector: {}, ingress: []}"))
    cluster.drop("t2", "client-0")
    assert told(before) == was


def test_over_two_families_a_pod_is_reached_over_any_and_what_differs_is_partial() -> None:
    status = "status: {phase: Running, podIP: %s, podIPs: [{ip: %s}, {ip: '%s'}]}\n"
    made = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: a}\n"
    cluster = made % "src" + status % ("10.0.0.1", "10.0.0.1", "fd00::1")
    cluster += made % "dst" + status % ("10.0.0.2", "10.0.0.2", "fd00::2")
    rules = "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}"
    reach = Reachability(Engine(snapshot(cluster + policy("a", "out", rules))))
    source, destination = (reach.universe.class_of["a", name] for name in ("src", "dst"))
    assert reach.families == (4, 6)
    assert reach.row(source) >> destination & 1
    assert not reach.every(source) >> destination & 1
    assert reach.outcome(1 << source, 1 << destination) is Outcome.PARTIAL
    assert Reachability(reach.engine, family=6).row(0) == 0
