"""Paths of which one must be open: how each stands, and which is the nearest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from console.governance.charter_terms import PortTerm
from console.governance.ends import Side
from console.governance.scopes import Scene
from console.policy.model import Protocol
from console.policy.reach import bits
from console.policy.verdict import Outcome

_WORST = (Outcome.BLOCKED, Outcome.PARTIAL, Outcome.UNKNOWN)

#: The ports that have to be open, each by itself; none: any will do.
Ports = list[tuple[Protocol, int]]


class Path(NamedTuple):
    """Two ends, and the ports that have to be open from the one to the other."""

    source: Side
    destination: Side
    ports: Ports


class Choices(NamedTuple):
    """Paths of which one must be open, the likeliest first.

    All of them lead from one end to some of `classes` on some of `ports`, where those are set.
    """

    paths: Iterable[Path]
    source: Side | None = None
    classes: int = 0
    ports: int = 0


#: A path that is not open, how it stands, and the port on which it is worst (None: any).
Broken = tuple[Path, Outcome, tuple[Protocol, int] | None]


def nearest(scene: Scene, choices: Choices) -> tuple[Path | None, Broken | None]:
    """The path of several that is open, or else how the nearest stands that is not; neither where none was asked."""
    best: Broken | None = None
    shut = _shut(scene, choices)
    for path in choices.paths:
        if shut:
            return None, (path, Outcome.BLOCKED, path.ports[0])
        outcome, at = _judged(scene, path)
        if outcome is None:
            return path, None
        if best is None or _worse(best[1], outcome):
            best = path, outcome, at
    return None, best


def _shut(scene: Scene, choices: Choices) -> bool:
    """Whether nothing at all is open on several paths from one end: asked of all of them at once."""
    if choices.source is None or not choices.ports:
        return False
    reach, ports, classes = scene.reach, choices.ports, choices.classes
    return not any(reach.row(a, ports, maybe=True) & classes for a in bits(choices.source.classes))


def ports_wanted(scene: Scene, side: Side, ports: Sequence[PortTerm]) -> Ports | None:
    """The ports to ask a destination for; None where it declares ports, and none of those that are meant."""
    if not ports:
        return []
    found: dict[tuple[Protocol, int], None] = {}
    declared = [port for number in bits(side.classes) for port in scene.named(side, number)]
    for port in ports:
        for protocol, number, name in declared:
            meant = port.name == name if port.name else port.low <= number <= port.high
            if meant and port.protocol in (None, protocol):
                found[protocol, number] = None
    if not found and not declared:
        found.update({(port.protocol or Protocol.TCP, port.low): None for port in ports if not port.name})
    return list(found) or None


def _judged(scene: Scene, path: Path) -> tuple[Outcome | None, tuple[Protocol, int] | None]:
    """The worst that is said of a path on any of its ports, and that port; None where all are open."""
    worst: Outcome | None = None
    at: tuple[Protocol, int] | None = None
    for port in path.ports or (None,):
        outcome = _outcome(scene, path.source, path.destination, scene.port(*port) if port else None)
        if outcome in _WORST and (worst is None or _worse(outcome, worst)):
            worst, at = outcome, port
    return worst, at


def _worse(one: Outcome, other: Outcome) -> bool:
    return _WORST.index(one) < _WORST.index(other)


def _outcome(scene: Scene, source: Side, destination: Side, ports: int | None) -> Outcome | None:
    found = scene.reach.outcome(source.classes, destination.classes, ports)
    vague = source.vague or destination.vague
    return Outcome.UNKNOWN if vague and found is Outcome.PARTIAL else found
