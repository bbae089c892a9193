"""A cell of a matrix against what its pairs come to, one by one."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.objects.coverage import NOT_READABLE, Coverage, Gap
from console.objects.decode import decode
from console.objects.snapshot import build
from console.policy.engine import Engine
from console.policy.matrix import Strand, matrix, parts, spans_between
from console.policy.model import Protocol
from console.policy.reach import Reachability, bits
from console.policy.verdict import Outcome
from tests.clusters import namespace, pod, policy, snapshot
from tests.policy.strategies import Raw, worlds


def one_by_one(reach: Reachability, sources: int, destinations: int, ports: int | None) -> Outcome | None:
    """The answer of every pair, then what they come to together."""
    pairs = [
        (one, other) for one in bits(sources) for other in bits(destinations) if one != other or not reach.alone(one)
    ]

    def held(row: Callable[..., int], one: int, other: int, *, maybe: bool) -> bool:
        return bool(row(one, ports, maybe=maybe) >> other & 1)

    answers = [
        (
            held(reach.row, one, other, maybe=False),
            held(reach.row, one, other, maybe=True),
            held(reach.every, one, other, maybe=False),
            held(reach.every, one, other, maybe=True),
        )
        for one, other in pairs
        if _share_a_family(reach, one, other)
    ]
    if not pairs:
        return None
    if answers and all(sure for _, _, sure, _ in answers):
        return Outcome.ALLOWED
    if not any(maybe for _, maybe, _, _ in answers):
        return Outcome.BLOCKED
    differ = any(sure for sure, _, _, _ in answers) and not all(maybe for _, _, _, maybe in answers)
    return Outcome.PARTIAL if differ else Outcome.UNKNOWN


def _share_a_family(reach: Reachability, one: int, other: int) -> bool:
    return any(classes >> one & classes >> other & 1 for classes in reach.universe.holding.values())


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds(), st.sampled_from([None, "a"]), st.booleans(), st.data())
def test_a_cell_is_what_its_pairs_come_to(
    world: list[Raw], unread: str | None, one_port: bool, data: st.DataObject
) -> None:
    gaps = (Gap(code=NOT_READABLE, resource="networkpolicies", namespace=unread, why="403"),) if unread else ()
    objects = [obj for raw in world if (obj := decode(raw)) is not None]
    reach = Reachability(Engine(build(objects, Coverage(gaps))))
    ports = reach.port(Protocol.TCP, 80) if one_port else None
    sets = st.integers(0, reach.universe.all).map(reach.universe.all.__and__)
    for _ in range(4):
        sources, destinations = data.draw(sets), data.draw(sets)
        expected = one_by_one(reach, sources, destinations, ports)
        assert Strand(reach, sources, ports).outcome(destinations) is expected


def test_rows_and_columns_may_be_of_two_kinds_and_the_outside_is_on_both_sides() -> None:
    closed = policy("b", "in", "{podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: 80}]}]}")
    objects = namespace("a") + namespace("b") + pod("a", "x", "10.0.0.1") + pod("b", "y", "10.0.0.2")
    reach = Reachability(Engine(snapshot(objects + closed)))
    x, y = (1 << reach.universe.class_of[key] for key in (("a", "x"), ("b", "y")))
    found = matrix(reach, {"x": x}, {"y": y, "both": x | y})
    assert (found.rows, found.columns) == (("x",), ("y", "both"))
    assert [found.cell("x", column) for column in found.columns] == [Outcome.BLOCKED, Outcome.BLOCKED]
    assert found.cell("x", "internet") is Outcome.ALLOWED
    assert found.cell("internet", "y") is Outcome.BLOCKED
    assert ("internet", "internet") not in found.cells
    assert set(found.outside) == set(parts(reach))


def test_the_ports_of_a_cell_are_those_of_its_pairs_and_not_of_a_pod_and_itself() -> None:
    only = policy("a", "in", "{podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: 80}]}]}")
    objects = namespace("a") + pod("a", "x", "10.0.0.1", role="x") + pod("a", "y", "10.0.0.2", role="y")
    by_role = policy("a", "none", "{podSelector: {matchLabels: {role: x}}, policyTypes: [Egress]}")
    reach = Reachability(Engine(snapshot(objects + only + by_role)))
    x, y = (1 << reach.universe.class_of["a", name] for name in ("x", "y"))
    assert [str(span) for span in spans_between(reach, x | y, x | y)] == ["80/TCP"]
    assert spans_between(reach, x, y) == ()
