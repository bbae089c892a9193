"""What opened and closed between two snapshots, against single connections asked in both."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.objects.coverage import NOT_READABLE, Coverage, Gap
from console.objects.decode import decode
from console.objects.snapshot import Snapshot, build
from console.policy.causes import What
from console.policy.difference import difference
from console.policy.difference_model import Change, Difference, Kind
from console.policy.ends import pod_end
from console.policy.engine import Engine
from console.policy.model import Protocol
from console.policy.trace import Ground
from console.policy.verdict import Connection, End, EndKind, Outcome
from tests.clusters import namespace, pod, policy, snapshot
from tests.policy.strategies import Raw, worlds
from tests.policy.test_reach import PORTS

ALLOWED, BLOCKED, UNKNOWN = Outcome.ALLOWED, Outcome.BLOCKED, Outcome.UNKNOWN


def between(old: Snapshot, new: Snapshot) -> Difference:
    return difference(Engine(old), Engine(new))


def told(found: Difference, kind: Kind) -> dict[tuple[str, str], Change]:
    return {
        (one.name, other.name): change
        for change in found.of(kind)
        for one in change.sources
        for other in change.destinations
    }


def shown(found: Difference) -> list[tuple[str, list[str], list[str]]]:
    return [
        (
            change.kind.value,
            [f"{part.name} {part.count}/{part.of}" for part in change.sources],
            [f"{part.name} {part.count}/{part.of}" for part in change.destinations],
        )
        for change in found.changes
    ]


def ports_of(found: Difference, attribute: str, pair: tuple[str, str]) -> set[tuple[Protocol, int]]:
    """The ports asked about that a pair of workloads is told to have opened, closed, or left unknown."""
    spans = [
        span
        for change in found.changes
        for one in change.sources
        for other in change.destinations
        if (one.name, other.name) == pair
        for span in getattr(change, attribute)
    ]
    return {(each, port) for each, port in PORTS if any(s.protocol is each and s.low <= port <= s.high for s in spans)}


def bare(world: list[Raw]) -> list[Raw]:
    """A world of one address family in which every pod is a workload of its own."""
    return [
        {
            **raw,
            "metadata": {key: value for key, value in raw["metadata"].items() if key != "ownerReferences"},
            "status": {key: _v4(value) for key, value in raw.get("status", {}).items()},
        }
        for raw in world
    ]


def _v4(value: Any) -> Any:
    """A field of a status without the addresses of IPv6."""
    if isinstance(value, list):
        return [each for each in value if ":" not in each.get("ip", each.get("address", ""))]
    return "" if isinstance(value, str) and ":" in value else value


def answer(engine: Engine, one: End, other: End, port: tuple[Protocol, int]) -> Outcome | None:
    verdict = engine.evaluate(Connection(one, other, *port))
    grounds = {trace.ground for case in verdict.cases for trace in case.directions()}
    return None if grounds & {Ground.OWN_NODE, Ground.SELF} or len(verdict.cases) != 1 else verdict.outcome


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds(), worlds(), st.sampled_from([None, None, "a", "b"]), st.sampled_from([None, "a"]))
def test_each_pair_of_pods_is_told_as_the_single_connections_are(
    before: list[Raw], after: list[Raw], unread_before: str | None, unread_after: str | None
):
    engines = []
    for world, unread in ((before, unread_before), (after, unread_after)):
        gaps = (Gap(code=NOT_READABLE, resource="networkpolicies", namespace=unread, why="403"),) if unread else ()
        objects = [obj for raw in bare(world) if (obj := decode(raw)) is not None]
        engines.append(Engine(build(objects, Coverage(gaps))))
    found = difference(*engines)
    pods = [
        {f"{each.namespace}/pod/{each.name}": pod_end(each) for each in engine.snapshot.pods() if not each.finished}
        for engine in engines
    ]
    assert {each.name for each in found.removed} == pods[0].keys() - pods[1].keys()
    assert {each.name for each in found.added} == pods[1].keys() - pods[0].keys()
    both = sorted(pods[0].keys() & pods[1].keys())
    for pair in ((one, other) for one in both for other in both if one != other):
        asked = {
            port: tuple(
                answer(engine, held[pair[0]], held[pair[1]], port) for engine, held in zip(engines, pods, strict=True)
            )
            for port in PORTS
        }
        if any(None in outcomes for outcomes in asked.values()):
            continue
        for attribute, wanted in (("opened", (BLOCKED, ALLOWED)), ("closed", (ALLOWED, BLOCKED))):
            assert ports_of(found, attribute, pair) == {port for port in PORTS if asked[port] == wanted}, pair
        # What cannot be known in one of them may differ; in both, it need not be told where nothing differs.
        unknown = ports_of(found, "unknown", pair)
        assert {port for port in PORTS if (asked[port][0] is UNKNOWN) != (asked[port][1] is UNKNOWN)} <= unknown
        assert unknown <= {port for port in PORTS if UNKNOWN in asked[port]}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds(), worlds())
def test_the_outside_is_told_as_its_addresses_are(before: list[Raw], after: list[Raw]):
    engines = [Engine(build(o for raw in bare(world) if (o := decode(raw)) is not None)) for world in (before, after)]
    found = difference(*engines)
    old, new = (
        {f"{each.namespace}/pod/{each.name}": pod_end(each) for each in engine.snapshot.pods() if not each.finished}
        for engine in engines
    )
    internet = End(EndKind.INTERNET)
    for name in old.keys() & new.keys():
        for pair, ends in (
            ((name, "internet"), ((old[name], internet), (new[name], internet))),
            (("internet", name), ((internet, old[name]), (internet, new[name]))),
        ):
            for port in PORTS:
                was, now = (e.outcome(Connection(*end, *port)) for e, end in zip(engines, ends, strict=True))
                changed = port in ports_of(found, "opened", pair), port in ports_of(found, "closed", pair)
                # All of the internet was blocked and all is open now, or the other way round, or neither differs.
                assert (was, now) != (BLOCKED, ALLOWED) or changed == (True, False)
                assert (was, now) != (ALLOWED, BLOCKED) or changed == (False, True)
                assert was is not now or was is Outcome.PARTIAL or changed == (False, False)
                assert not changed[0] or now in (ALLOWED, Outcome.PARTIAL)
                assert not changed[1] or was in (ALLOWED, Outcome.PARTIAL)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_a_snapshot_does_not_differ_from_itself(world: list[Raw]):
    cluster = build(obj for raw in world if (obj := decode(raw)) is not None)
    found = between(cluster, cluster)
    assert (found.changes, found.added, found.removed, found.turnover) == ((), (), (), ())


TWO = namespace("a", team="x") + namespace("b", team="y") + pod("b", "dst", "10.0.0.9", app="dst")
DENY = policy("b", "deny", "{podSelector: {}}")
CLIENTS = policy("b", "in", """
    podSelector: {}
    ingress: [{from: [{namespaceSelector: {}, podSelector: {matchLabels: {role: client}}}], ports: [{port: 443}]}]
""")  # fmt: skip


def test_a_label_that_opens_a_path_is_named_with_the_policy_that_applies():
    old = snapshot(TWO + DENY + CLIENTS + pod("a", "src", "10.0.0.1", role="other", version="1"))
    new = snapshot(TWO + DENY + CLIENTS + pod("a", "src", "10.0.0.1", role="client", version="2"))
    (change,) = between(old, new).changes
    assert (change.kind, [str(span) for span in change.opened]) == (Kind.OPENED, ["443/TCP"])
    assert [(cause.what, [str(ref) for ref in cause.refs], cause.fact) for cause in change.causes] == [
        (What.APPLIES, ["NetworkPolicy b/in"], ""),
        # No policy looks at the version.
        (What.CHANGED, ["Pod a/src"], "label role: other → client"),
    ]
    assert (change.was.outcome, change.now.outcome) == (BLOCKED, ALLOWED)
    (back,) = between(new, old).changes
    assert (back.kind, [cause.what for cause in back.causes]) == (Kind.CLOSED, [What.LAPSES, What.CHANGED])


def test_a_policy_that_came_went_or_changed_is_named():
    src = TWO + pod("a", "src", "10.0.0.1", role="client")
    wider = CLIENTS.replace("443", "444")
    causes = {
        name: [
            (cause.what, str(cause.refs[0]), cause.fact) for change in between(*pair).changes for cause in change.causes
        ]
        for name, pair in {
            "closed": (snapshot(src), snapshot(src + DENY)),
            "opened": (snapshot(src + DENY), snapshot(src)),
            "moved": (snapshot(src + CLIENTS), snapshot(src + wider)),
        }.items()
    }
    assert set(causes["closed"]) == {(What.ADDED, "NetworkPolicy b/deny", "")}
    assert set(causes["opened"]) == {(What.REMOVED, "NetworkPolicy b/deny", "")}
    assert set(causes["moved"]) == {(What.CHANGED, "NetworkPolicy b/in", "spec.ingress changed")}
    (change,) = between(snapshot(src + CLIENTS), snapshot(src + wider)).changes
    assert change.kind is Kind.CHANGED
    assert [[str(span) for span in spans] for spans in (change.opened, change.closed, change.after)] == [
        ["444/TCP"],
        ["443/TCP"],
        ["444/TCP"],
    ]


def test_a_label_of_a_namespace_is_named():
    rules = "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: z}}}]}]}"
    objects = TWO + pod("a", "src", "10.0.0.1") + policy("b", "in", rules)
    (change,) = between(snapshot(objects), snapshot(objects.replace("team: x", "team: z"))).changes
    assert [(str(cause.refs[0]), cause.fact) for cause in change.causes if cause.what is What.CHANGED] == [
        ("Namespace a", "label team: x → z")
    ]


def owned(name: str, ip: str, **labels: str) -> str:
    owner = "{apiVersion: apps/v1, kind: StatefulSet, name: set, uid: u, controller: true}"
    return pod("a", name, ip, **labels).replace("metadata:", f"metadata:\n  ownerReferences: [{owner}]", 1)


def test_pods_that_were_replaced_are_held_against_those_they_replace():
    objects = TWO + DENY + CLIENTS
    old = snapshot(objects + owned("set-x", "10.0.0.1", role="other"))
    same = snapshot(objects + owned("set-y", "10.0.0.2", role="other"))
    other = snapshot(objects + owned("set-z", "10.0.0.3", role="client"))
    found = between(old, same)
    assert found.changes == ()
    assert [(each.name, each.came, each.went) for each in found.turnover] == [
        ("a/statefulset/set", ("set-y",), ("set-x",))
    ]
    (change,) = between(old, other).changes
    assert (change.kind, change.causes[1].fact) == (Kind.OPENED, "other pods: label role: other → client")


def test_a_replica_more_opens_what_its_siblings_did_not_and_closes_nothing():
    objects = TWO + DENY + CLIENTS
    one = snapshot(objects + owned("set-0", "10.0.0.1", role="client"))
    alike = snapshot(objects + owned("set-0", "10.0.0.1", role="client") + owned("set-1", "10.0.0.2", role="client"))
    closed = snapshot(objects + owned("set-0", "10.0.0.1", role="client") + owned("set-1", "10.0.0.2", role="other"))
    assert between(one, alike).changes == ()
    assert between(one, closed).changes == ()
    assert between(alike, one).changes == ()
    none = snapshot(objects + owned("set-0", "10.0.0.1", role="other"))
    opened = snapshot(objects + owned("set-0", "10.0.0.1", role="other") + owned("set-1", "10.0.0.2", role="client"))
    (change,) = between(none, opened).changes
    assert shown(between(none, opened)) == [("opened", ["a/statefulset/set 1/2"], ["b/pod/dst 1/1"])]
    assert (What.ADDED, "Pod a/set-1") in [(cause.what, str(cause.refs[0])) for cause in change.causes]
    assert shown(between(opened, none)) == [("closed", ["a/statefulset/set 1/2"], ["b/pod/dst 1/1"])]


def test_workloads_of_one_snapshot_only_are_apart_with_where_they_get_out():
    new = snapshot(TWO + pod("a", "thief", "10.0.0.1"))
    found = between(snapshot(TWO), new)
    assert found.changes == ()
    (alone,) = found.added
    assert (alone.name, alone.pods) == ("a/pod/thief", 1)
    assert ("internet", ALLOWED) in [(part.name, part.outcome) for part in alone.outside]


def test_what_is_uncertain_in_both_is_told_only_where_something_differs_or_was_read_twice():
    objects = TWO + pod("a", "src", "10.0.0.1", role="client")
    unread = Gap(code=NOT_READABLE, resource="networkpolicies", namespace="b", why="403")
    again = Gap(code=NOT_READABLE, resource="networkpolicies", namespace="b", why="403")
    base = snapshot(objects, unread)
    assert (
        between(base, snapshot(objects + policy("a", "z", "{podSelector: {matchLabels: {app: none}}}"), unread)).changes
        == ()
    )
    twice = between(base, snapshot(objects, again))
    assert {change.kind for change in twice.changes} == {Kind.UNKNOWN}
    assert ("a/pod/src", "b/pod/dst") in told(twice, Kind.UNKNOWN)
    changed = between(base, snapshot(objects + DENY, unread))
    assert ("a/pod/src", "b/pod/dst") in told(changed, Kind.UNKNOWN)
    assert any(cause.what is What.UNREAD for cause in told(changed, Kind.UNKNOWN)["a/pod/src", "b/pod/dst"].causes)


def test_pods_that_could_not_be_read_are_told():
    unread = Gap(code=NOT_READABLE, resource="pods", namespace="b", why="pods of b may not be read (403)")
    assert between(snapshot(TWO, unread), snapshot(TWO)).unseen == ("pods of b may not be read (403)",)


def dual(name: str, number: int, cidrs: str) -> str:
    """A pod with an address of each family, and a policy that lets it out to some networks."""
    addresses = f"podIPs:\n  - ip: 10.0.0.{number}\n  - ip: fd00::{number}"
    rules = ", ".join(f"{{to: [{{ipBlock: {{cidr: '{cidr}'}}}}]}}" for cidr in cidrs.split())
    return pod("a", name, f"10.0.0.{number}").replace(f"podIPs:\n  - ip: 10.0.0.{number}", addresses) + policy(
        "a", "out", f"{{podSelector: {{}}, policyTypes: [Egress], egress: [{rules}]}}"
    )


def test_both_families_are_compared_and_the_one_that_differs_is_named():
    found = between(snapshot(dual("one", 1, "0.0.0.0/0")), snapshot(dual("one", 1, "0.0.0.0/0 ::/0")))
    assert told(found, Kind.OPENED)["a/pod/one", "internet"].family == 6
    one, other = dual("one", 1, "10.0.0.2/32 fd00::2/128"), dual("two", 2, "")
    found = between(snapshot(one + other), snapshot(other + one))
    assert told(found, Kind.OPENED)["a/pod/one", "a/pod/two"].family is None


def test_a_pod_that_moves_to_the_other_family_loses_the_paths_of_the_first():
    def at(ip: str, cidr: str) -> Snapshot:
        rules = f"{{podSelector: {{}}, policyTypes: [Egress], egress: [{{to: [{{ipBlock: {{cidr: '{cidr}'}}}}]}}]}}"
        return snapshot(namespace("a") + pod("a", "one", ip) + policy("a", "out", rules))

    found = between(at("10.0.0.1", "0.0.0.0/0"), at("fd00::1", "0.0.0.0/0"))
    assert told(found, Kind.CLOSED)["a/pod/one", "internet"].family == 4
    assert told(found, Kind.OPENED).get(("a/pod/one", "internet")) is None
    found = between(at("10.0.0.1", "::/0"), at("fd00::1", "::/0"))
    assert told(found, Kind.OPENED)["a/pod/one", "internet"].family == 6
    assert told(found, Kind.CLOSED).get(("a/pod/one", "internet")) is None
