"""Explanations as data: every clause leads to what it speaks of, and clauses carry the verdict.

A clause has the path of one condition of one policy. Here that path is walked in the raw
object and in its YAML, what the clause says it wanted is compared with what stands there,
and the clauses that failed are mended to see whether that opens the path.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from typing import Any

import pytest
import yaml
from hypothesis import given, note, settings

from console.objects.meta import ObjectRef
from console.objects.snapshot import Snapshot
from console.objects.yaml_text import Positions, to_yaml
from console.policy.engine import Engine
from console.policy.fix import with_objects
from console.policy.model import Action, Path, Tier
from console.policy.trace import (
    Clause,
    ClauseKind,
    DirectionTrace,
    Ground,
    Match,
    PolicyTrace,
    TierResult,
    TierTrace,
)
from console.policy.verdict import NearMiss, Outcome, Verdict
from tests.clusters import ask as ask_in
from tests.clusters import document, namespace, pod, policy, snapshot
from tests.policy.asking import WORLDS, ask, engine_of, questioned, unhurried
from tests.policy.strategies import Connection as Asked
from tests.policy.strategies import Raw, worlds
from tests.policy.strategies_tiers import GROUP, tiered_worlds

#: CI's wider run asks for more.
explained = settings(unhurried, max_examples=max(40, WORLDS // 10))
World = tuple[list[Raw], list[Asked]]
#: Clusters with policies of every kind, and questions about each.
questioned_worlds = questioned(worlds() | tiered_worlds())


def judged(world: World) -> Iterator[Verdict]:
    objects, questions = world
    engine = engine_of(objects)
    return (ask(engine, question) for question in questions)


def policies_of(objects: Iterable[Raw]) -> dict[ObjectRef, Raw]:
    return {
        ObjectRef(each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]): each
        for each in objects
        if each["kind"].endswith("NetworkPolicy")
    }


def explanations(verdict: Verdict) -> Iterator[tuple[ObjectRef, Clause]]:
    """Every clause a reader may meet, with the policy it belongs to."""
    for case in verdict.cases:
        for direction in case.directions():
            for tier in direction.tiers:
                for trace in (*tier.policies, *tier.unselecting):
                    yield from ((trace.ref, clause) for clause in trace.subject)
                    for rule in trace.rules:
                        yield from ((trace.ref, clause) for clause in rule.clauses())
    for miss in verdict.near_misses:
        yield from ((miss.policy, clause) for clause in miss.failed)


# Where a clause leads ------------------------------------------------------------------------------------------------


def there(raw: Any, path: Path) -> Any:
    """The value at a path; KeyError, IndexError or TypeError where there is none."""
    for step in path:
        raw = raw[step]
    return raw


def exists(raw: Raw, path: Path) -> bool:
    try:
        there(raw, path)
    except (KeyError, IndexError, TypeError):
        return False
    return True


def says(clause: Clause, raw: Raw) -> None:
    """What the clause wanted is what the object has at its path."""
    value, last = there(raw, clause.path), clause.path[-1] if clause.path else ""
    if clause.kind in (ClauseKind.ANY_PEER, ClauseKind.ANY_PORT):
        key = ("from", "to") if clause.kind is ClauseKind.ANY_PEER else ("ports", "protocols")
        if clause.note:
            assert clause.note == "the whole rule fails closed, whatever ports it names"
            assert any("later" in peer for peer in value.get("from", value.get("to")))
        else:
            assert not any(value.get(each) for each in key)
    elif clause.kind is ClauseKind.NAMESPACE:
        assert clause.wanted.removeprefix("namespace ") == raw["metadata"]["namespace"]
    elif clause.kind is ClauseKind.PORT:
        assert clause.wanted == port_wanted(clause.path, value)
    elif clause.kind in (ClauseKind.IP_BLOCK, ClauseKind.NETWORKS):
        network_said(clause, raw, value)
    elif clause.kind is ClauseKind.DOMAIN_NAMES:
        assert clause.wanted == ", ".join(value)
    elif clause.kind is ClauseKind.UNKNOWN_PEER:
        assert clause.wanted == last
    elif clause.hopeless or clause.note:
        assert clause.wanted.startswith(("pods of ", "a node"))
    elif "matchLabels" in clause.path[-2:]:
        assert clause.wanted == f"{last}={value}"
    elif "matchExpressions" in clause.path[-2:]:
        key, operator, values = value["key"], value["operator"], ", ".join(value.get("values") or [])
        assert clause.wanted == {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} not in ({values})",
            "Exists": f"{key} exists",
            "DoesNotExist": f"{key} absent",
        }[operator]  # fmt: skip
    else:
        # A selector that names nothing, or pods that name no namespaces.
        assert clause.wanted.startswith(("any ", "a node"))
        if last == "pods":
            assert not value.get("namespaceSelector")
        elif clause.wanted.startswith("any "):
            assert not any((value or {}).values())


def port_wanted(path: Path, value: Any) -> str:
    """What a port of a policy says, read off each kind's own way of writing it."""
    if path[-1] in ("namedPort", "destinationNamedPort"):
        return str(value)
    if path[-1] == "destinationPort":
        spoken = str(path[-2]).upper()
        span = value.get("range") or {"start": value.get("number"), "end": value.get("number")}
        low, high = span["start"], span["end"]
    elif path[-1] in ("tcp", "udp", "sctp"):
        return f"any {str(path[-1]).upper()} port"
    elif path[-1] == "portNumber":
        spoken, low, high = value.get("protocol") or "TCP", value["port"], value["port"]
    elif path[-1] == "portRange":
        spoken, low, high = value.get("protocol") or "TCP", value["start"], value["end"]
    else:
        spoken, low = value.get("protocol") or "TCP", value.get("port")
        high = value.get("endPort") or low
    if low is None:
        return f"any {spoken} port"
    return f"{low}/{spoken}" if low == high else f"{low}–{high}/{spoken}"


def network_said(clause: Clause, raw: Raw, value: str) -> None:
    first, _, excepted = clause.wanted.partition(" except ")
    network = ip_network(value, strict=False)
    if "except" in clause.path:
        assert clause.note == f"excepted by {network}"
        assert str(network) in excepted.split(", ")
        block = there(raw, clause.path[:-2])
        assert first == str(ip_network(block["cidr"], strict=False))
    else:
        assert first == str(network)


@explained
@given(questioned_worlds)
def test_every_clause_leads_to_the_part_of_its_policy_that_it_speaks_of(world: World) -> None:
    written = policies_of(world[0])
    for verdict in judged(world):
        for ref, clause in explanations(verdict):
            note(f"{ref} {clause}")
            if not exists(written[ref], clause.path):
                # The one part of a policy that may be left out and is spoken of where it would stand.
                assert clause.path == ("spec", "podSelector")
                assert (clause.wanted, clause.matched) == ("any pod", True)
            else:
                says(clause, written[ref])


@explained
@given(questioned_worlds)
def test_the_lines_of_a_clause_hold_what_it_speaks_of_and_nothing_else(world: World) -> None:
    written = policies_of(world[0])
    texts = {ref: to_yaml(raw) for ref, raw in written.items()}
    places = {ref: Positions(text) for ref, text in texts.items()}
    seen = {(ref, clause.path) for verdict in judged(world) for ref, clause in explanations(verdict)}
    for ref, path in seen:
        if path and exists(written[ref], path):
            assert held(texts[ref], places[ref], path) == there(written[ref], path)


def held(text: str, places: Positions, path: Path) -> Any:
    """What the lines of a path parse to, the key or the dash before it taken off."""
    lines = places.lines(path)
    assert lines is not None
    value = yaml.safe_load("\n".join(text.splitlines()[lines[0] - 1 : lines[1]]))
    last = path[-1]
    if isinstance(last, int):
        assert isinstance(value, list)
        assert len(value) == 1
        return value[0]
    while isinstance(value, list):  # the dashes of lists that begin on its line
        assert len(value) == 1
        value = value[0]
    # A label or port on its own line may begin on those of what holds it: {"to": [{"podSelector": {…}}]}.
    while last not in value:
        assert len(value) == 1
        value = next(iter(value.values()))
        while isinstance(value, list):
            assert len(value) == 1
            value = value[0]
    assert len(value) == 1
    return value[last]


# The trace is the verdict --------------------------------------------------------------------------------------------


@explained
@given(questioned_worlds)
def test_the_clauses_of_every_tier_imply_the_verdict(world: World) -> None:
    for verdict in judged(world):
        answers = set()
        for case in verdict.cases:
            each = [implied(direction) for direction in case.directions()]
            assert each == [direction.allowed for direction in case.directions()]
            outcome = Outcome.BLOCKED if False in each else Outcome.UNKNOWN if None in each else Outcome.ALLOWED
            assert case.outcome is outcome
            answers.add(outcome)
        if {Outcome.ALLOWED, Outcome.BLOCKED} <= answers:
            assert verdict.outcome is Outcome.PARTIAL
        else:
            assert verdict.outcome is (answers.pop() if len(answers) == 1 else Outcome.UNKNOWN)


def implied(direction: DirectionTrace) -> Match:
    """What the clauses of a direction come to, by the order of the tiers alone."""
    if direction.ground in (Ground.OUTSIDE, Ground.SELF, Ground.HOST_NETWORK):
        assert not direction.tiers
        return True
    admin, own, baseline = direction.tiers
    assert [tier.tier for tier in direction.tiers] == [Tier.ADMIN, Tier.NETWORK_POLICY, Tier.BASELINE]
    reached = True
    for tier in (admin, own, baseline):
        if not reached:
            assert (tier.result, tier.policies) == (TierResult.NOT_REACHED, ())
            continue
        if tier is own and direction.ground is Ground.OWN_NODE and tier.result is TierResult.ALLOWED:
            assert not tier.policies  # let through whatever their rules say
            reached = False
            continue
        for trace in tier.policies:
            consistent(trace)
        if tier is not own and tier.result is TierResult.UNKNOWN and tied(tier):
            assert direction.allowed is None
            assert not any(policy.decided for policy in tier.policies)
            return None
        expected = added_up(tier) if tier is own else in_order(tier)
        assert tier.result is expected
        if expected is TierResult.UNKNOWN:
            return direction.allowed  # what an unsure match comes to is for the tests of tiers to say
        reached = expected in (TierResult.SILENT, TierResult.PASSED)
        if not reached:
            return agreeing(direction, expected is TierResult.ALLOWED)
    return agreeing(direction, True)


def tied(tier: TierTrace) -> bool:
    """Whether policies of one priority would do different things, so that their order is undefined and matters."""
    first: dict[int, set[Action]] = {}
    for trace in tier.policies:
        actions = [rule.action for rule in trace.rules if rule.matched]
        first.setdefault(trace.priority, set()).update(actions[:1])
    return any(len(actions) > 1 for actions in first.values())


def agreeing(direction: DirectionTrace, answer: bool) -> Match:
    """The answer of the tier that decided, or of none; open where another order of equal ones decides."""
    if direction.allowed is None:
        priorities = [policy.priority for policy in direction.policies() if policy.tier is not Tier.NETWORK_POLICY]
        unsure = any(rule.matched is None for policy in direction.policies() for rule in policy.rules)
        assert len(set(priorities)) < len(priorities) or unsure
        return None
    return answer


def added_up(tier: TierTrace) -> TierResult:
    """NetworkPolicies: any rule of any of them, and each names its first."""
    for trace in tier.policies:
        matching = [rule for rule in trace.rules if rule.matched]
        assert trace.deciding == (matching[0].index if matching else None)
        assert trace.decided is (Action.ALLOW if matching else None)
    matches = {rule.matched for policy in tier.policies for rule in policy.rules}
    if not tier.policies:
        return TierResult.SILENT
    return TierResult.ALLOWED if True in matches else TierResult.UNKNOWN if None in matches else TierResult.DENIED


def in_order(tier: TierTrace) -> TierResult:
    """The other tiers: the first rule by priority; only its policy has a say, and names it."""
    order = [(policy.priority, policy.ref) for policy in tier.policies]
    assert order == sorted(order)
    first = next(
        ((policy, rule) for policy in tier.policies for rule in policy.rules if rule.matched is not False), None
    )
    deciders = [policy for policy in tier.policies if policy.decided is not None]
    if first is None or first[1].matched is None:
        assert not deciders
        return TierResult.SILENT if first is None else TierResult.UNKNOWN
    policy, rule = first
    assert deciders == [policy]
    assert (policy.deciding, policy.decided) == (rule.index, rule.action)
    return {
        Action.ALLOW: TierResult.ALLOWED,
        Action.DENY: TierResult.DENIED,
        Action.PASS: TierResult.PASSED,
    }[rule.action]


def consistent(policy: PolicyTrace) -> None:
    """Each level is what the one below it says; rules and peers are counted as they are written."""
    assert policy.selects is all_of(clause.matched for clause in policy.subject)
    for number, rule in enumerate(policy.rules):
        assert rule.index == rule.path[-1] == number
        assert rule.peer is any_of(peer.matched for peer in rule.peers)
        assert rule.port is any_of(clause.matched for clause in rule.ports)
        assert rule.matched is all_of((rule.peer, rule.port))
        for peer in rule.peers:
            assert peer.matched is all_of(clause.matched for clause in peer.clauses)
            assert peer.index == (None if peer.path == rule.path else peer.path[len(rule.path) + 1])


def all_of(matches: Iterable[Match]) -> Match:
    found = set(matches)
    return False if False in found else None if None in found else True


def any_of(matches: Iterable[Match]) -> Match:
    found = set(matches)
    return True if True in found else None if None in found else False


# Cases a reader meets ------------------------------------------------------------------------------------------------

TWO = (
    namespace("a", team="ml")
    + namespace("b", team="ops")
    + pod("a", "src", "10.0.0.1", role="client", **{"app.kubernetes.io/name": "etl"})
    + pod("b", "dst", "10.0.0.2", role="server")
)


def clauses_of(text: str) -> list[Clause]:
    """The clauses of a policy about the one connection of these cases."""
    verdict = ask_in(snapshot(TWO + text), "a/src", "b/dst", "80")
    return [clause for _, clause in explanations(verdict)]


PEERS: Path = ("spec", "ingress", 0, "from")


@pytest.mark.parametrize(("peer", "wanted", "path", "matched", "found"), [
    ("{namespaceSelector: {}, podSelector: {matchLabels: {app.kubernetes.io/name: web}}}", "app.kubernetes.io/name=web",
     ("podSelector", "matchLabels", "app.kubernetes.io/name"), False, "app.kubernetes.io/name=etl"),
    ("{namespaceSelector: {matchExpressions: [{key: team, operator: In, values: [ops, sre]}]}}", "team in (ops, sre)",
     ("namespaceSelector", "matchExpressions", 0), False, "team=ml"),
    ("{namespaceSelector: {matchExpressions: [{key: tier, operator: Exists}]}}", "tier exists",
     ("namespaceSelector", "matchExpressions", 0), False, "tier absent"),
    ("{namespaceSelector: {matchExpressions: [{key: tier, operator: NotIn, values: [x]}]}}", "tier not in (x)",
     ("namespaceSelector", "matchExpressions", 0), True, "tier absent"),
    ("{podSelector: {matchLabels: {role: client}}}", "namespace b", ("podSelector",), False, "a"),
    ("{ipBlock: {cidr: 10.0.0.0/8, except: [10.9.0.0/16, 10.0.0.0/24]}}", "10.0.0.0/8 except 10.9.0.0/16, 10.0.0.0/24",
     ("ipBlock", "except", 1), False, "10.0.0.1"),
    ("{ipBlock: {cidr: 10.0.0.9/24}}", "10.0.0.0/24", ("ipBlock", "cidr"), True, "10.0.0.1"),
])  # fmt: skip
def test_a_clause_names_its_place_and_both_values(
    peer: str, wanted: str, path: Path, matched: bool, found: str
) -> None:
    clauses = clauses_of(policy("b", "in", f"{{podSelector: {{}}, ingress: [{{from: [{peer}]}}]}}"))
    clause = next(each for each in clauses if each.wanted == wanted)
    assert (clause.path, clause.matched, clause.found) == ((*PEERS, 0, *path), matched, found)


def test_a_peer_counts_as_it_is_written_however_many_networks_come_before_it():
    peers = [{"networks": ["192.0.2.0/24", "198.51.100.0/24"]}, {"namespaces": {"matchLabels": {"team": "ops"}}}]
    verdict = ask_in(snapshot(TWO + cluster_policy({"namespaces": {}}, peers)), "a/src", "b/dst", "80")
    (trace,) = verdict.cases[0].egress.deciders
    assert [(peer.index, peer.matched) for peer in trace.rules[0].peers] == [(0, False), (0, False), (1, True)]


def test_pods_that_name_no_namespaces_are_explained_by_what_is_there():
    clauses = clauses_of(cluster_policy({"pods": {}}, [{"pods": {"podSelector": {"matchLabels": {"role": "x"}}}}]))
    to: Path = ("spec", "egress", 0, "to", 0, "pods")
    assert [(clause.path, clause.wanted) for clause in clauses] == [
        (("spec", "subject", "pods"), "any namespace"),
        (to, "any namespace"),
        ((*to, "podSelector", "matchLabels", "role"), "role=x"),
        (("spec", "egress", 0), "any port"),
    ]


def cluster_policy(subject: Raw, peers: list[Raw]) -> str:
    rule = {"action": "Deny", "to": peers}
    spec = {"tier": "Admin", "priority": 1, "subject": subject, "egress": [rule]}
    api = f"{GROUP}/v1alpha2"
    return document({"apiVersion": api, "kind": "ClusterNetworkPolicy", "metadata": {"name": "x"}, "spec": spec})


def test_relabelling_the_pod_as_a_near_miss_says_opens_the_path():
    rule = "{from: [{namespaceSelector: {}, podSelector: {matchLabels: {role: trainer}}}]}"
    closed = policy("b", "in", f"{{podSelector: {{}}, ingress: [{rule}]}}")
    (miss,) = ask_in(snapshot(TWO + closed), "a/src", "b/dst", "80").near_misses
    (failed,) = miss.failed
    relabelled = TWO.replace(failed.found.replace("=", ": "), failed.wanted.replace("=", ": "))
    assert ask_in(snapshot(relabelled + closed), "a/src", "b/dst", "80").outcome is Outcome.ALLOWED


def test_asking_for_the_port_that_a_near_miss_wants_opens_the_path():
    closed = policy("b", "in", "{podSelector: {}, ingress: [{ports: [{port: 8443}]}]}")
    (miss,) = ask_in(snapshot(TWO + closed), "a/src", "b/dst", "80").near_misses
    assert [(clause.wanted, clause.found) for clause in miss.failed] == [("8443/TCP", "80/TCP")]
    assert ask_in(snapshot(TWO + closed), "a/src", "b/dst", miss.failed[0].wanted).outcome is Outcome.ALLOWED


def test_an_exception_that_stands_inside_another_one_is_mended_with_it():
    block = "{cidr: 10.0.0.0/8, except: [10.0.0.0/16, 10.0.0.0/24, 10.9.0.0/16]}"
    closed = policy("b", "in", f"{{podSelector: {{}}, ingress: [{{from: [{{ipBlock: {block}}}]}}]}}")
    (miss,) = ask_in(snapshot(TWO + closed), "a/src", "b/dst", "80").near_misses
    assert [clause.note for clause in miss.failed] == ["excepted by 10.0.0.0/16"]


def daemon(owner: str, name: str, ip: str, node: str, *, host: bool = False, **labels: str) -> str:
    raw = yaml.safe_load(pod("a", name, ip, **labels))
    raw["metadata"]["ownerReferences"] = [{"kind": "DaemonSet", "name": owner, "controller": True}]
    raw["spec"] |= {"nodeName": node, "hostNetwork": host}
    raw["status"]["hostIP"] = f"192.168.0.{node[1:]}"
    return document(raw)


def test_what_only_a_pods_own_node_may_do_is_set_apart_as_that():
    agents = daemon("host", "h1", "192.168.0.1", "n1", host=True) + daemon("host", "h2", "192.168.0.2", "n2", host=True)
    pods = daemon("web", "w1", "10.0.0.1", "n1") + daemon("web", "w2", "10.0.0.2", "n2")
    cluster = snapshot(agents + pods + policy("a", "deny", "{podSelector: {}}"))
    verdict = ask_in(cluster, "a/ds/host", "a/ds/web", "80")
    assert [(case.outcome, case.facts) for case in verdict.cases] == [
        (Outcome.BLOCKED, ("another node than the pod's own",)),
        (Outcome.ALLOWED, ("the pod's own node",)),
    ]


def test_the_facts_of_a_case_are_true_of_every_replica_in_it():
    tracks = ("stable", "canary", "beta")
    replicas = "".join(
        daemon("web", track, f"10.0.0.{n}", "n1", track=track, app="web") for n, track in enumerate(tracks, 1)
    )
    allowed = "{namespaceSelector: {}, podSelector: {matchExpressions: [{key: track, operator: In, values: [stable]}]}}"
    rule = f"{{podSelector: {{}}, ingress: [{{from: [{allowed}]}}]}}"
    verdict = ask_in(snapshot(replicas + TWO + policy("b", "in", rule)), "a/ds/web", "b/dst", "80")
    assert [(case.sources, case.facts) for case in verdict.cases] == [
        (("a/beta", "a/canary"), ("source track=beta or track=canary",)),
        (("a/stable",), ("source track=stable",)),
    ]


# Near misses ---------------------------------------------------------------------------------------------------------


@explained
@given(questioned_worlds)
def test_mending_the_failed_clauses_of_a_near_miss_opens_the_direction_and_fewer_do_not(world: World) -> None:
    written, cluster = policies_of(world[0]), engine_of(world[0]).snapshot
    for verdict in judged(world):
        for miss in verdict.near_misses:
            note(f"{verdict.connection} {miss}")
            if any(clause.caveat == "NO_ADDRESS" for clause in miss.failed):
                continue  # the pod has to get an address: no change of the policy gives it one
            closed = next(case for case in verdict.cases if case.outcome is Outcome.BLOCKED)
            direction = next(each for each in closed.directions() if each.direction is miss.direction)
            assert direction.allowed is False
            assert opened(cluster, written[miss.policy], miss.failed, direction, miss), "all of them mended"
            for number in range(len(miss.failed)):
                fewer = [*miss.failed[:number], *miss.failed[number + 1 :]]
                assert not opened(cluster, written[miss.policy], fewer, direction, miss), f"{fewer} would do"


def opened(cluster: Snapshot, raw: Raw, clauses: Iterable[Clause], direction: DirectionTrace, miss: NearMiss) -> bool:
    """Whether the rule of a near miss lets the connection through, with clauses changed to want what was found."""
    changed = json.loads(json.dumps(raw))  # selectors that were drawn alike are one object, which a deepcopy would keep
    # From the back, so that what is taken out of a list moves none that is still to be changed.
    for clause in sorted(clauses, key=lambda each: str(each.path), reverse=True):
        mend(changed, clause, direction)
    trace = Engine(with_objects(cluster, [changed])).direction(direction.question)
    if trace.ground is Ground.OWN_NODE and trace.tiers[Tier.NETWORK_POLICY].result is TierResult.ALLOWED:
        return bool(trace.allowed)  # a policy that isolates keeps the tiers below from the own node
    (policy,) = (each for tier in trace.tiers for each in tier.policies + tier.unselecting if each.ref == miss.policy)
    rule = next((each for each in policy.rules if each.index == miss.rule), None) if miss.rule is not None else None
    let_through = bool(policy.selects) if rule is None else bool(policy.selects and rule.matched)
    assert not let_through or trace.allowed
    return let_through


def mend(raw: Raw, clause: Clause, direction: DirectionTrace) -> None:
    """Change what a clause wants to what it found."""
    holder, last = there(raw, clause.path[:-1]), clause.path[-1]
    if clause.kind is ClauseKind.PORT:
        protocol = direction.question.protocol.value
        holder[last] = {"protocol": protocol, "port": direction.question.port}
    elif clause.kind is ClauseKind.NAMESPACE:
        holder["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": clause.found}}
    elif "except" in clause.path:
        # Wider exceptions may stand behind the one that is named: all that hold the address go.
        address = ip_network(clause.found)
        holder[:] = [each for each in holder if not overlaps(ip_network(each, strict=False), address)]
    elif clause.kind is ClauseKind.IP_BLOCK:
        there(raw, clause.path[:-1]).update(cidr=str(ip_network(clause.found)))
        holder.pop("except", None)
    elif clause.path[-2] == "matchLabels":
        key, _, value = clause.found.partition("=")
        if clause.found.endswith(" absent"):
            del holder[last]
        else:
            holder[key] = value
    else:
        del holder[last]


def overlaps(network: Any, address: Any) -> bool:
    return network.version == address.version and address.subnet_of(network)
