"""Which ends reach which, as rules ask it: sources against targets on their ports, pair by pair."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from console.governance.scopes import Scene, Side
from console.policy.reach import bits
from console.policy.reachable import inside


class Targets:
    """Destinations by the ports that are asked about: per set of ports their classes, and whose those are."""

    def __init__(self) -> None:
        self.classes: dict[int, int] = {}
        self._sides: dict[tuple[int, int], list[Side]] = {}
        #: Ends of which only the host names are known, with the ports asked.
        self.hosts: list[tuple[Side, int]] = []

    def add(self, side: Side, ports_of: Callable[[int], int]) -> None:
        """Ask about an end, on the ports that are meant for each of its classes."""
        for number in bits(side.classes):
            ports = ports_of(number)
            if side.hosts:
                self.hosts.append((side, ports))
                return
            if ports:
                self.classes[ports] = self.classes.get(ports, 0) | (1 << number)
                self._sides.setdefault((ports, number), []).append(side)

    def of(self, ports: int, number: int) -> list[Side]:
        """Whose a class is that is asked about on a set of ports."""
        return self._sides[ports, number]


@dataclass(slots=True)
class Pair:
    """Two ends, and the classes between which something is open, or may be: source, destination, ports asked.

    `trail` are the classes in between, where a chain leads there.
    """

    scene: Scene
    source: Side
    destination: Side
    open: list[tuple[int, int, int]] = field(default_factory=list)
    trail: tuple[int, ...] = ()


@dataclass(slots=True)
class Pairs:
    """All that a rule found: pairs that are surely open, and those that may be."""

    sure: dict[tuple[str, str], Pair] = field(default_factory=dict)
    maybe: dict[tuple[str, str], Pair] = field(default_factory=dict)


def sweep(scene: Scene, sources: Iterable[Side], targets: Targets, found: Pairs, *, chain: bool = False) -> None:
    """Add the pairs of sources and targets between which something is open, or may be."""
    for source in sources:
        for number in bits(source.classes):
            for ports, classes in targets.classes.items():
                sure, maybe = _hits(scene, number, ports, chain=chain)
                for into, hits in ((found.sure, sure & classes), (found.maybe, maybe & ~sure & classes)):
                    for other in bits(hits & ~scene.reach.alone(number)):
                        for side in targets.of(ports, other):
                            if side.name != source.name or not scene.single(source):
                                _pair(into, scene, source, side).open.append((number, other, ports))
            for side, ports in targets.hosts:
                sure, maybe = _hits(scene, number, ports, chain=chain)
                every = side.classes & scene.shared(number)
                whole = bool(every) and sure & every == every
                if maybe & side.classes:
                    first = next(bits((sure if whole else maybe) & side.classes))
                    into = found.sure if whole else found.maybe
                    _pair(into, scene, source, side).open.append((number, first, ports))


def _pair(into: dict[tuple[str, str], Pair], scene: Scene, source: Side, side: Side) -> Pair:
    key = source.name, side.name
    if key not in into:
        into[key] = Pair(scene, source, side)
    return into[key]


def _hits(scene: Scene, number: int, ports: int, *, chain: bool) -> tuple[int, int]:
    """What a class reaches on any of some ports, surely and maybe; with `chain`, through any other pods."""
    reach = scene.reach
    if not chain:
        return reach.row(number, ports), reach.row(number, ports, maybe=True)
    found = []
    for maybe in (False, True):
        hits = 0
        for each in bits(scene.beyond(number, maybe=maybe)):
            hits |= reach.row(each, ports, maybe=maybe)
        found.append(hits)
    return found[0], found[1]


def trail(scene: Scene, start: int, end: int, ports: int, *, maybe: bool) -> tuple[int, ...]:
    """The classes between two ends on a shortest chain, the last hop of which is on some ports."""
    reach, bit = scene.reach, 1 << end
    before: dict[int, int] = {}
    edge = [start]
    seen = 1 << start
    while edge:
        for number in edge:
            if reach.row(number, ports, maybe=maybe) & bit:
                found: list[int] = []
                while number != start:
                    found.append(number)
                    number = before[number]
                return tuple(reversed(found))
        after: list[int] = []
        for number in edge:
            for other in bits(reach.row(number, maybe=maybe) & inside(reach) & ~scene.dns & ~seen):
                before[other] = number
                seen |= 1 << other
                after.append(other)
        edge = after
    return ()
