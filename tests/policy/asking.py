"""How the property tests put questions to the engine, and how many.

``NETPOL_VERDICTS`` is the number of verdicts that each comparison with an oracle makes
(default 6,000); the wider run of CI sets 100,000.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from console.objects.decode import decode
from console.objects.snapshot import build
from console.policy.ends import parse_end
from console.policy.engine import Engine
from console.policy.model import Protocol
from console.policy.verdict import Connection, Verdict
from tests.policy.strategies import Connection as Asked
from tests.policy.strategies import Raw, connections

PER_WORLD = 20
WORLDS = max(1, int(os.environ.get("NETPOL_VERDICTS", "6000")) // PER_WORLD)

End = tuple[str, ...]

unhurried = settings(deadline=None, suppress_health_check=list(HealthCheck))
compared = settings(unhurried, max_examples=WORLDS)
halved = settings(unhurried, max_examples=WORLDS // 2 + 1)
checked = settings(unhurried, max_examples=max(50, WORLDS // 10))


def engine_of(objects: Iterable[Raw], previous: Engine | None = None) -> Engine:
    return Engine(build(each for raw in objects if (each := decode(raw)) is not None), previous)


def ask(engine: Engine, question: Asked) -> Verdict:
    src, dst, protocol, port = question
    source, destination = (parse_end(written(end), engine.snapshot) for end in (src, dst))
    return engine.evaluate(Connection(source, destination, Protocol(protocol), port))


def written(end: End) -> str:
    return f"ip:{end[1]}" if end[0] == "ip" else "/".join(end[1:])


@st.composite
def questioned(draw: st.DrawFn, worlds: st.SearchStrategy[list[Raw]]) -> tuple[list[Raw], list[Asked]]:
    """A cluster with policies, and questions about it."""
    objects = draw(worlds)
    return objects, connections(objects, draw(st.integers(0, 2**32)), PER_WORLD)
