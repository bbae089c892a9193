"""The engine against a naive reading of the specification, and against properties any reading must have.

How many verdicts are compared, and how to compare more: `tests.policy.asking`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from itertools import cycle
from typing import Any

from hypothesis import assume, given, note
from hypothesis import strategies as st

from console.policy.ends import parse_end
from console.policy.model import Direction, Protocol, Tier
from console.policy.trace import DirectionTrace, Ground, Match, PolicyTrace, RuleTrace
from console.policy.verdict import Case, Connection, Outcome
from tests.policy.asking import End, ask, checked, compared, engine_of, halved, questioned, written
from tests.policy.oracle import oracle
from tests.policy.strategies import NAMESPACES, Raw, policies, rules, worlds
from tests.policy.strategies import Connection as Asked


def folded(answers: Iterable[str]) -> Outcome | None:
    """One outcome of many answers; None where there is none to compare with."""
    found = set(answers)
    if not found:
        return None
    return Outcome.PARTIAL if len(found) > 1 else Outcome(found.pop())


@compared
@given(questioned(worlds()))
def test_the_engine_agrees_with_a_naive_reading_of_the_specification(world: tuple[list[Raw], list[Asked]]) -> None:
    objects, questions = world
    engine = engine_of(objects)
    for question in questions:
        verdict = ask(engine, question)
        expected = folded(oracle(objects, *question).values())
        note(f"{question}: engine {verdict.outcome}, oracle {expected}")
        if expected is None:
            assert "NO_COMMON_FAMILY" in {caveat.code for caveat in verdict.caveats}
        else:
            assert verdict.outcome is expected


@halved
@given(questioned(worlds()))
def test_a_workload_is_judged_as_all_of_its_pods_are(world: tuple[list[Raw], list[Asked]]) -> None:
    objects, questions = world
    engine = engine_of(objects)
    workloads = [members for members in (replicas(objects, name) for name in NAMESPACES) if len(members) > 1]
    assume(workloads)
    for (src, dst, protocol, port), members in zip(questions, cycle(workloads), strict=False):
        sources, destinations = ([src], members) if src not in members else (members, [dst])
        if overlap(sources, destinations):
            continue
        answers = [oracle(objects, one, other, protocol, port) for one in sources for other in destinations]
        if not all(answers) or len({frozenset(answer) for answer in answers}) > 1:
            continue  # pods of different families: no text says what holds between them
        texts = [
            written(ends[0]) if len(ends) == 1 else f"{ends[0][1]}/statefulset/set" for ends in (sources, destinations)
        ]
        source, destination = (parse_end(text, engine.snapshot) for text in texts)
        verdict = engine.evaluate(Connection(source, destination, Protocol(protocol), port))
        assert verdict.outcome is folded(each for answer in answers for each in answer.values()), (
            *texts,
            protocol,
            port,
        )


def replicas(objects: list[Raw], namespace: str) -> list[End]:
    """The live pods of a namespace's StatefulSet."""
    return [
        ("pod", namespace, each["metadata"]["name"])
        for each in objects
        if each["kind"] == "Pod" and each["metadata"]["namespace"] == namespace
        if "ownerReferences" in each["metadata"] and each["status"]["phase"] != "Succeeded"
    ]


def overlap(sources: list[End], destinations: list[End]) -> bool:
    """Whether a pod may be on both sides, by name or by address: no text says what a workload is to itself."""
    pods = sources + destinations
    held = any(end[0] == "ip" and end[1].startswith(("10.1.", "fd01:")) for end in pods)
    return held or not set(sources).isdisjoint(destinations)


# A path only opens ---------------------------------------------------------------------------------------------------

OPENNESS = {Outcome.BLOCKED: 0, Outcome.PARTIAL: 1, Outcome.ALLOWED: 2}


def policies_of(objects: list[Raw]) -> list[Raw]:
    return [each for each in objects if each["kind"] == "NetworkPolicy"]


@checked
@given(questioned(worlds()), st.data())
def test_one_more_rule_never_closes_a_path(world: tuple[list[Raw], list[Asked]], data: st.DataObject) -> None:
    objects, questions = world
    wider = copy.deepcopy(objects)
    policy = data.draw(st.sampled_from(policies_of(wider)))
    spec = policy.setdefault("spec", {})
    field = data.draw(st.sampled_from(("ingress", "egress")))
    # Without policyTypes a first egress rule would isolate egress too, and so close paths.
    spec["policyTypes"] = spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    rule = data.draw(rules("from" if field == "ingress" else "to"))
    spec[field] = [*(spec.get(field) or []), rule]
    before, after = engine_of(objects), engine_of(wider)
    for question in questions:
        assert OPENNESS[ask(after, question).outcome] >= OPENNESS[ask(before, question).outcome], question


@checked
@given(questioned(worlds()), st.data())
def test_an_isolating_policy_less_never_closes_a_path(
    world: tuple[list[Raw], list[Asked]], data: st.DataObject
) -> None:
    objects, questions = world
    removed = data.draw(st.sampled_from(policies_of(objects)))
    # What it allows is taken from it first: without it, that is as closed as other policies make it.
    spec = removed.get("spec") or {}
    types = spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    isolating = removed | {"spec": {**spec, "policyTypes": types, "ingress": [], "egress": []}}
    before = engine_of([isolating if each is removed else each for each in objects])
    after = engine_of([each for each in objects if each is not removed], before)
    for question in questions:
        assert OPENNESS[ask(after, question).outcome] >= OPENNESS[ask(before, question).outcome], question


@checked
@given(questioned(worlds()))
def test_without_any_policy_everything_is_open(world: tuple[list[Raw], list[Asked]]) -> None:
    objects, questions = world
    engine = engine_of(each for each in objects if each["kind"] != "NetworkPolicy")
    assert {ask(engine, question).outcome for question in questions} <= {Outcome.ALLOWED}


# The order of anything never matters ---------------------------------------------------------------------------------


@checked
@given(questioned(worlds()), st.randoms(use_true_random=False))
def test_the_order_of_objects_rules_peers_and_ports_never_matters(
    world: tuple[list[Raw], list[Asked]], random: Any
) -> None:
    objects, questions = world
    shuffled = copy.deepcopy(objects)
    random.shuffle(shuffled)
    for number, policy in enumerate(policies_of(shuffled)):
        policy["metadata"]["name"] = f"renamed-{number}"
        for field in ("ingress", "egress"):
            for rule in (policy.get("spec") or {}).get(field) or []:
                for entries in rule.values():
                    random.shuffle(entries or [])
            random.shuffle((policy.get("spec") or {}).get(field) or [])
    one, other = engine_of(objects), engine_of(shuffled)
    for question in questions:
        assert ask(one, question).outcome is ask(other, question).outcome, question


@checked
@given(questioned(worlds()), policies("np0"))
def test_an_engine_made_from_an_earlier_one_answers_like_a_fresh_one(
    world: tuple[list[Raw], list[Asked]], edited: Raw
) -> None:
    objects, questions = world
    changed = [edited if each["metadata"]["name"] == "np0" else each for each in objects]
    fresh, reusing = engine_of(changed), engine_of(changed, engine_of(objects))
    for question in questions:
        assert ask(reusing, question) == ask(fresh, question), question


# The explanation carries the verdict ---------------------------------------------------------------------------------


@checked
@given(questioned(worlds()))
def test_the_clauses_of_a_trace_imply_its_verdict(world: tuple[list[Raw], list[Asked]]) -> None:
    objects, questions = world
    engine = engine_of(objects)
    for question in questions:
        verdict = ask(engine, question)
        assert verdict.outcome is folded(implied_by(case).value for case in verdict.cases)
        for case in verdict.cases:
            assert case.outcome is implied_by(case)
            for direction in case.directions():
                assert direction.allowed is implied(direction)
                for policy in direction.policies():
                    consistent(policy)
                    points_into(policy, objects)


def implied_by(case: Case) -> Outcome:
    return Outcome.ALLOWED if all(implied(direction) for direction in case.directions()) else Outcome.BLOCKED


def implied(direction: DirectionTrace) -> bool:
    """What the clauses say, by the rules of isolation alone."""
    if direction.ground not in (Ground.POLICY, Ground.DEFAULT):
        assert direction.ground is not Ground.GAP
        return True
    isolating = [policy for policy in asked(direction) if policy.selects and policy.governs]
    assert (direction.ground is Ground.POLICY) == bool(isolating)
    return not isolating or any(holds(rule) for policy in isolating for rule in policy.rules)


def asked(direction: DirectionTrace) -> list[PolicyTrace]:
    return [policy for tier in direction.tiers if tier.tier is Tier.NETWORK_POLICY for policy in tier.policies]


def holds(rule: RuleTrace) -> bool:
    return any(all_match(peer.clauses) for peer in rule.peers) and any(clause.matched for clause in rule.ports)


def all_match(clauses: Iterable[Any]) -> Match:
    return all(clause.matched for clause in clauses)


def consistent(policy: PolicyTrace) -> None:
    """Each level of a trace is what the level below it says."""
    assert policy.selects is all_match(policy.subject)
    for rule in policy.rules:
        assert rule.peer is any(peer.matched for peer in rule.peers)
        assert rule.port is any(clause.matched for clause in rule.ports)
        assert rule.matched is (rule.peer and rule.port)
        for peer in rule.peers:
            assert peer.matched is all_match(peer.clauses)
    deciding = [rule.index for rule in policy.rules if rule.matched]
    assert policy.deciding in (deciding or [None])


def points_into(policy: PolicyTrace, objects: list[Raw]) -> None:
    """Every clause that names a place in the policy names one that is there, or one whose parent is."""
    raw = next(
        each
        for each in policies_of(objects)
        if (each["metadata"]["namespace"], each["metadata"]["name"]) == (policy.ref.namespace, policy.ref.name)
    )
    clauses = [*policy.subject, *(clause for rule in policy.rules for clause in rule.clauses())]
    for clause in clauses:
        place: Any = raw
        for step in clause.path[:-1]:
            place = place[step] if isinstance(step, int) else place.get(step) or {}
            assert place is not None, clause
        if clause.path and isinstance(clause.path[-1], int):
            assert clause.path[-1] < len(place), clause


def test_directions_are_judged_in_order() -> None:
    objects: list[Raw] = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "a"}, "spec": {"containers": []}}
        for name in ("one", "two")
    ]
    verdict = ask(engine_of(objects), (("pod", "a", "one"), ("pod", "a", "two"), "TCP", 80))
    assert [direction.direction for direction in verdict.cases[0].directions()] == [Direction.EGRESS, Direction.INGRESS]
