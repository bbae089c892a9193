"""What is folded away touches no path: asked one connection at a time, before and after."""

from __future__ import annotations

from itertools import product

import msgspec
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from console.cluster.facts import change
from console.history.churn import Churn
from console.objects.core import ContainerPort, Pod
from console.objects.decode import decode
from console.objects.meta import OwnerRef
from console.objects.snapshot import Snapshot, build
from console.policy.ends import parse_end, pod_end
from console.policy.engine import Engine
from console.policy.model import Protocol
from console.policy.verdict import Connection, Outcome
from tests.policy.strategies import OUTSIDE, Raw, worlds

PORTS = (80, 53, 8080)
OWNER = OwnerRef("ReplicaSet", "web-1")
ADDRESSES = ("10.1.0.1", "10.1.0.2", "10.1.0.9", "10.9.0.3", "fd01::2", "fd01::9")


def open_between_workloads(snapshot: Snapshot) -> set[tuple[str, str, int]]:
    """The workloads, and outside addresses, with a port that is open between some of their pods."""
    engine = Engine(snapshot)
    pods = [pod for pod in snapshot.pods() if not pod.finished and (pod.ips or pod.host_network)]
    ends = [(str(snapshot.contents[pod.namespace].workload_of(pod)), pod_end(pod)) for pod in pods]
    ends += [(address, parse_end(f"ip:{address}", snapshot)) for address in OUTSIDE]
    return {
        (one, other, port)
        for (one, source), (other, destination), port in product(ends, ends, PORTS)
        if one != other
        and (source.pods or destination.pods)
        and engine.outcome(Connection(source, destination, Protocol.TCP, port)) is Outcome.ALLOWED
    }


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], max_examples=60)
@given(world=worlds(), data=st.data())
def test_what_is_folded_opens_and_closes_nothing(world: list[Raw], data: st.DataObject) -> None:
    objects = [obj for raw in world if (obj := decode(raw)) is not None]
    pods = [obj for obj in objects if isinstance(obj, Pod) and obj.ips and not obj.host_network]
    assume(pods)
    chosen = data.draw(st.sampled_from(pods))
    first = msgspec.structs.replace(chosen, owner=OWNER)
    others = [obj for obj in objects if obj is not chosen]
    version = {address for address in ADDRESSES if (":" in address) == (":" in first.ips[0])}
    twin = msgspec.structs.replace(
        first,
        name="twin",
        ips=(data.draw(st.sampled_from(sorted(version))),),
        labels=data.draw(st.sampled_from((first.labels, {**first.labels, "pod-template-hash": "x"}, {"app": "x"}))),
        ports=data.draw(st.sampled_from((first.ports, (ContainerPort(80, name="http"),)))),
    )
    there = data.draw(st.booleans())
    waiting, ended = msgspec.structs.replace(twin, ips=()), msgspec.structs.replace(twin, phase="Failed")
    less: tuple[Pod, ...] = data.draw(st.sampled_from(((first,), (first, waiting), (first, ended))))
    was, now = ((first, twin), less) if there else (less, (first, twin))
    before, after = build([*others, *was]), build([*others, *now])
    pair = before.pod(first.namespace, "twin"), after.pod(first.namespace, "twin")
    touches = Churn(Engine(before)).touches(change(*pair, at=0.0), before, after)
    event(f"touches: {touches}")
    if not touches:
        assert open_between_workloads(before) == open_between_workloads(after)


def test_one_like_the_others_is_folded_and_one_that_is_not_is_told() -> None:
    one = Pod("a", "one", {"app": "x"}, ips=("10.1.0.1",), owner=OWNER)
    two = msgspec.structs.replace(one, name="two", ips=("10.1.0.2",))
    other = msgspec.structs.replace(two, labels={"app": "y"})
    alone = build([one])
    churn = Churn(Engine(alone))
    assert not churn.touches(change(None, two, at=0.0), alone, build([one, two]))
    assert churn.touches(change(None, other, at=0.0), alone, build([one, other]))
    assert churn.touches(change(one, None, at=0.0), alone, build([]))
