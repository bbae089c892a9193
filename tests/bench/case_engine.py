"""The engine by itself, in this process: making it, asking it, following an edit."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Iterator

import msgspec

from console.objects.decode import decode
from console.objects.netpol import NetworkPolicy
from console.objects.snapshot import Snapshot, SnapshotBuilder, build
from console.policy.ends import connection
from console.policy.engine import Engine

from .figures import Figure
from .setting import Setting

#: How many connections are asked, and how many edits are followed.
_ASKED = 2_000
_EDITS = 30


def engine(setting: Setting) -> Iterator[Figure]:
    """Everything the console asks of the engine, on the large cluster."""
    snapshot = build(obj for raw in setting.cluster.objects if (obj := decode(raw)) is not None)
    gc.collect()
    gc.freeze()
    gc.disable()  # a collection in the middle would be a figure of the collector's
    try:
        yield from _engine(snapshot, setting)
    finally:
        gc.enable()
        gc.unfreeze()


def _engine(snapshot: Snapshot, setting: Setting) -> Iterator[Figure]:
    how = f"in process, CPU; {setting.cluster}"
    made = [_took(lambda: Engine(snapshot)) for _ in range(setting.runs)]
    yield Figure("engine", "build from nothing", "ms", tuple(took * 1e3 for took in made), how)

    engine = Engine(snapshot)
    chance = random.Random(2)
    ends = [f"{pod.namespace}/{pod.name}" for pod in snapshot.pods()]
    asked = [
        connection(src, dst, str(chance.choice((443, 6566, 8000))), snapshot)
        for src, dst in (chance.sample(ends, 2) for _ in range(_ASKED))
    ]
    engine.evaluate(asked[0])
    times = tuple(_took(lambda each=each: engine.evaluate(each)) * 1e6 for each in asked)  # type: ignore[misc]
    yield Figure("engine", "evaluate, pod to pod", "µs", times, "in process, CPU; the whole trace with near misses")

    times = tuple(_took(lambda each=each: engine.outcome(each)) * 1e6 for each in asked)  # type: ignore[misc]
    yield Figure("engine", "outcome, pod to pod", "µs", times, "in process, CPU; as batches ask")

    edits = tuple(_took(edit) * 1e3 for edit in _edits(snapshot, engine))
    yield Figure("engine", "follow one policy edit", "ms", edits, "in process, CPU; put, snapshot, Engine(…, previous)")

    workloads = list(snapshot.workloads())
    postures = [_took(lambda: [engine.posture(each.active) for each in workloads]) for _ in range(setting.runs)]
    how = f"in process, CPU; {len(workloads):,} workloads"
    yield Figure("engine", "postures of all workloads", "ms", tuple(took * 1e3 for took in postures), how)


def _edits(snapshot: Snapshot, engine: Engine) -> Iterator[Callable[[], object]]:
    builder = SnapshotBuilder(snapshot)
    policies = list(snapshot.policies())
    for number in range(_EDITS):
        policy = policies[number * len(policies) // _EDITS]

        def edit(policy: NetworkPolicy = policy) -> None:
            builder.put(msgspec.structs.replace(policy, labels={"edited": "yes"}))
            Engine(builder.build(), engine)

        yield edit


def _took(do: Callable[[], object]) -> float:
    began = time.process_time()
    do()
    return time.process_time() - began
