"""All pairs followed from snapshot to snapshot against all pairs made from nothing, and what following costs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.objects.decode import decode
from console.objects.snapshot import KubeObject, SnapshotBuilder
from console.policy.bitsets import bits
from console.policy.engine import Engine
from console.policy.reach import Reachability
from tests.policy.strategies import Raw, worlds
from tests.policy.strategies_tiers import tiered_worlds

EXAMPLES = max(30, int(os.environ.get("NETPOL_VERDICTS", "6000")) // 100)
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
