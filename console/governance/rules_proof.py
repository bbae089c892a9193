"""Why a path is open or blocked, in a line, and the policies that decide: asked of the engine, never guessed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from console.governance.scopes import Scene, Side
from console.objects.meta import ObjectRef
from console.policy.engine import Engine
from console.policy.model import Direction, Protocol
from console.policy.trace import DirectionTrace, Ground
from console.policy.verdict import Case, Connection, Outcome


class Proof(NamedTuple):
    """What a path rests on."""

    why: str
    policies: tuple[ObjectRef, ...]


class Prover:
    """Asks the engine about single pods; what policies cannot tell apart is asked about once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[tuple[object, ...], Proof] = {}

    def prove(self, scene: Scene, source: Side, a: int, destination: Side, b: int, port: tuple[Protocol, int]) -> Proof:
        """What the path from a class of `source` to a class of `destination` rests on, on a port of the latter."""
        key = scene.reach.family, a, b, port
        if key not in self._known:
            connection = Connection(scene.end(source, a), scene.end(destination, b), *port)
            self._known[key] = _proof(self._engine.cases(connection))
        return self._known[key]


def _proof(cases: tuple[Case, ...]) -> Proof:
    case = cases[0]
    told = [_direction(trace, case.outcome) for trace in case.directions()]
    policies = dict.fromkeys(ref for _, refs in told for ref in refs)
    return Proof("; ".join(text for text, _ in told if text), tuple(policies))


def _direction(trace: DirectionTrace, outcome: Outcome) -> tuple[str, tuple[ObjectRef, ...]]:
    egress = trace.direction is Direction.EGRESS
    side = trace.direction.value
    if trace.allowed is None:
        return f"{side} cannot be known: {_doubt(trace)}", ()
    if trace.allowed is False:
        denying = tuple(_deciding(trace)) or trace.isolated_by
        names = _names(denying)
        if trace.isolated_by and not tuple(_deciding(trace)):
            return f"{side} is isolated by {names}, and no rule lets it {'out' if egress else 'in'}", denying
        return f"{side} is denied by {names}", denying
    if outcome is not Outcome.ALLOWED:
        return "", ()  # what blocks is told by the other direction
    if trace.ground is Ground.DEFAULT:
        return f"no policy governs its {side}", ()
    if trace.ground is Ground.POLICY:
        letting = tuple(_deciding(trace))
        return f"{side} is opened by {_names(letting)}", letting
    if trace.ground is Ground.HOST_NETWORK:
        return f"it is on its node's network, where no policy governs its {side}", ()
    return "", ()


def _deciding(trace: DirectionTrace) -> Iterator[ObjectRef]:
    return (policy.ref for policy in trace.policies() if policy.decided is not None)


def _doubt(trace: DirectionTrace) -> str:
    return trace.gaps[0].why if trace.gaps else "a rule that may match, and need not, decides"


def _names(refs: tuple[ObjectRef, ...]) -> str:
    return ", ".join(map(str, refs)) or "nothing that is known"
