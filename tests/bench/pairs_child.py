"""Measures all pairs of one cluster in a process of its own, so that its peak of memory is its own.

``python -m tests.bench.pairs_child measure FOLDER`` prints figures as JSON,
``… list FOLDER`` every open pair of workloads with its ports, as the peers do.
"""

from __future__ import annotations

import gc
import json
import random
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from console.objects.decode import decode
from console.objects.snapshot import KubeObject, Snapshot, SnapshotBuilder
from console.policy.bitsets import bits
from console.policy.ends import connection
from console.policy.engine import Engine
from console.policy.model import Protocol
from console.policy.reach import Reachability
from console.policy.verdict import Outcome

T = TypeVar("T")
#: How many single connections are held against the rows, explained, and how many changes of a kind are followed.
_SAMPLED = 20_000
_EXPLAINED = 500
_FOLLOWED = 30


def read(folder: Path) -> list[KubeObject]:
    found: list[KubeObject] = []
    for name in ("namespaces", "pods", "policies"):
        for raw in msgspec.json.decode((folder / f"{name}.json").read_bytes())["items"]:
            obj = decode(raw)
            if obj is not None:
                found.append(obj)
    return found


def timed(do: Callable[[], T]) -> tuple[float, T]:
    """Milliseconds of CPU, and what was made."""
    began = time.process_time()
    found = do()
    return (time.process_time() - began) * 1000, found


def measure(folder: Path) -> dict[str, Any]:
    gc.disable()  # a collection in the middle would be a figure of the collector's
    objects = read(folder)
    builder = SnapshotBuilder()
    snapshot_ms, snapshot = timed(lambda: [builder.put(each) for each in objects] and builder.build())
    assert isinstance(snapshot, Snapshot)
    engine_ms, engine = timed(lambda: Engine(snapshot))
    reach_ms, reach = timed(lambda: Reachability(engine))
    rows_ms, rows = timed(lambda: {reach.row(number) for number in range(reach.universe.size)})
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    gc.freeze()
    figures: dict[str, Any] = {
        "pods": sum(1 for _ in snapshot.pods()),
        "policies": sum(1 for _ in snapshot.policies()) + len(snapshot.tiered),
        "classes": reach.universe.all.bit_count(),
        "rows": len(rows),
        "snapshot": snapshot_ms,
        "engine": engine_ms,
        "reach": reach_ms,
        "all pairs": rows_ms,
        "peak": peak,
    }
    figures["explained"] = _explained(snapshot, engine)
    figures["sampled"], figures["differing"] = _agreement(snapshot, engine, reach)
    figures["followed"] = _followed(builder, snapshot, engine, reach)
    return figures


def _explained(snapshot: Snapshot, engine: Engine) -> float:
    """The median milliseconds of a verdict from pod to pod with its whole explanation."""
    chance = random.Random(1)
    pods = list(snapshot.pods())
    times = []
    for _ in range(_EXPLAINED):
        src, dst = (f"{each.namespace}/{each.name}" for each in chance.sample(pods, 2))
        asked = connection(src, dst, str(chance.choice((443, 6566, 8080, 9090))), snapshot)
        times.append(timed(lambda asked=asked: engine.evaluate(asked))[0])  # type: ignore[misc]
    return statistics.median(times)


def _agreement(snapshot: Snapshot, engine: Engine, reach: Reachability) -> tuple[int, int]:
    """How many connections were asked one by one, and of how many the rows say otherwise."""
    chance = random.Random(2)
    pods = [pod for pod in snapshot.pods() if not pod.host_network]
    ports = {pod.namespace + pod.name: [port.port for port in pod.ports if port.protocol == "TCP"] for pod in pods}
    differing = 0
    for _ in range(_SAMPLED):
        one, other = chance.sample(pods, 2)
        number = chance.choice((443, 53, *ports[other.namespace + other.name]))
        src, dst = (f"{each.namespace}/{each.name}" for each in (one, other))
        outcome = engine.outcome(connection(src, dst, str(number), snapshot))
        asked, source, bit = reach.port(Protocol.TCP, number), reach.class_of(one), 1 << reach.class_of(other)
        sure = bool(reach.row(source, asked) & bit)
        maybe = bool(reach.row(source, asked, maybe=True) & bit)
        told = Outcome.ALLOWED if sure else Outcome.UNKNOWN if maybe else Outcome.BLOCKED
        differing += told is not outcome
    return _SAMPLED, differing


def _followed(builder: SnapshotBuilder, snapshot: Snapshot, engine: Engine, reach: Reachability) -> dict[str, Any]:
    """By kind of change: median and longest milliseconds until all pairs are current again, and full passes."""
    chance = random.Random(3)
    pods, policies = list(snapshot.pods()), list(snapshot.policies())
    namespaces = [held.namespace for held in snapshot.contents.values()]

    def edited() -> KubeObject:
        other = chance.choice(policies)
        return replace(chance.choice(policies), ingress=other.ingress, egress=other.egress)

    def relabelled() -> KubeObject:
        pod = chance.choice(pods)
        return replace(pod, labels={**pod.labels, "version": chance.choice(("v1", "v2", "canary"))})

    def added() -> KubeObject:
        pod = chance.choice(pods)
        address = f"10.200.{chance.randrange(256)}.{chance.randrange(1, 255)}"
        return replace(pod, name=f"{pod.name}-{chance.randrange(10**9)}", ips=(address,))

    def moved() -> KubeObject:
        namespace = chance.choice(namespaces)
        return replace(namespace, labels={**namespace.labels, "env": chance.choice(("prod", "stage", "dev"))})

    found: dict[str, Any] = {}
    for name, change in (
        ("policy edited", edited),
        ("pod added", added),
        ("pod label", relabelled),
        ("namespace label", moved),
    ):
        times, whole = [], []
        for _ in range(_FOLLOWED):
            builder.put(change())

            def follow(engine: Engine = engine, reach: Reachability = reach) -> tuple[Engine, Reachability, int]:
                now = Engine(builder.build(), engine)
                after = reach.after(now)
                return now, after, sum(after.row(number) & 1 for number in bits(after.remade))

            took, (engine, reach, _) = timed(follow)
            if reach.work.whole:
                whole.append(took)
                for number in range(reach.universe.size):
                    reach.row(number)
            else:
                times.append(took)
        found[name] = {
            "median": statistics.median(times) if times else None,
            "max": max(times, default=None),
            "whole": len(whole),
            "whole max": max(whole, default=None),
        }
    return found


def listed(folder: Path) -> None:
    """Every open pair of different workloads, with its ports, as netpol-analyzer's ``list`` writes it."""
    gc.disable()
    builder = SnapshotBuilder()
    for each in read(folder):
        builder.put(each)
    engine = Engine(builder.build())
    reach = Reachability(engine)
    members: dict[int, set[str]] = {}
    for pod in engine.snapshot.pods():
        name = (
            f"{pod.namespace}/{pod.owner.name}[{pod.owner.kind}]" if pod.owner else f"{pod.namespace}/{pod.name}[Pod]"
        )
        members.setdefault(reach.class_of(pod), set()).add(name)
    words: dict[int, str] = {}
    out = []
    for source, names in members.items():
        for ports, classes in reach.reached(source).items():
            if ports not in words:
                words[ports] = _words(reach, ports)
            reached = [name for number in bits(classes & reach.universe.inside) for name in members[number]]
            out += [f"{one} => {other} : {words[ports]}\n" for one in names for other in reached if one != other]
    sys.stdout.write("".join(out))


def _words(reach: Reachability, ports: int) -> str:
    if ports == reach.atoms.all:
        return "All Connections"
    spans = reach.atoms.spans(ports)
    return ",".join(f"{protocol.value} {low}" + (f"-{high}" if high > low else "") for protocol, low, high in spans)


if __name__ == "__main__":
    if sys.argv[1] == "list":
        listed(Path(sys.argv[2]))
    else:
        print(json.dumps(measure(Path(sys.argv[2]))))
