"""Which ends reach which, as rules ask it: sources against targets on their ports, pair by pair."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from console.governance.ends import Side
from console.governance.scopes import Scene
from console.policy.reach import bits
from console.policy.reachable import inside


class Targets:
    """Destinations by the ports that are asked about: per set of ports their classes, and whose those are."""

    def __init__(self) -> None:
        self.classes: dict[int, int] = {}
        self._sides: dict[tuple[int, int], tuple[Side, ...]] = {}
        #: Per end, the sets of ports and the classes it is asked about.
        self._places: dict[str, tuple[tuple[int, int], ...]] = {}
        #: Ends of which only the host names are known, with the ports asked.
        self.hosts: list[tuple[Side, int]] = []

    def add(self, side: Side, ports_of: Callable[[int], int]) -> None:
        """Ask about an end, on the ports that are meant for each of its classes."""
        places = []
        for number in bits(side.classes):
            ports = ports_of(number)
            if side.hosts:
                self.hosts.append((side, ports))
                return
            if ports:
                self.classes[ports] = self.classes.get(ports, 0) | (1 << number)
                self._sides[ports, number] = (*self._sides.get((ports, number), ()), side)
                places.append((ports, number))
        self._places[side.name] = (*self._places.get(side.name, ()), *places)

    def without(self, names: Iterable[str]) -> Targets:
        """A copy that asks nothing about some workloads."""
        found = Targets()
        found.classes, found._sides = dict(self.classes), dict(self._sides)
        found._places, found.hosts = dict(self._places), list(self.hosts)
        for name in names:
            for ports, number in found._places.pop(name, ()):
                sides = tuple(each for each in found._sides.get((ports, number), ()) if each.name != name)
                if sides:
                    found._sides[ports, number] = sides
                elif found._sides.pop((ports, number), None) is not None:
                    found.classes[ports] &= ~(1 << number)
                    if not found.classes[ports]:
                        del found.classes[ports]
        return found

    def only(self, sides: Iterable[Side]) -> Targets:
        """A copy that asks about some workloads alone."""
        found = Targets()
        for side in sides:
            for ports, number in self.places(side.name):
                found.classes[ports] = found.classes.get(ports, 0) | (1 << number)
                found._sides[ports, number] = (*found._sides.get((ports, number), ()), side)
        return found

    def of(self, ports: int, number: int) -> tuple[Side, ...]:
        """Whose a class is that is asked about on a set of ports."""
        return self._sides[ports, number]

    def places(self, name: str) -> Iterable[tuple[int, int]]:
        """The sets of ports that an end is asked about, each with a class of it."""
        return self._places.get(name, ())


@dataclass(slots=True)
class Pair:
    """Two ends, and the classes between which something is open, or may be: source, destination, ports asked."""

    source: Side
    destination: Side
    open: list[tuple[int, int, int]] = field(default_factory=list)


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
                                _pair(into, source, side).open.append((number, other, ports))
            for side, ports in targets.hosts:
                sure, maybe = _hits(scene, number, ports, chain=chain)
                every = side.classes & scene.shared(number)
                whole = bool(every) and sure & every == every
                if maybe & side.classes:
                    first = next(bits((sure if whole else maybe) & side.classes))
                    into = found.sure if whole else found.maybe
                    _pair(into, source, side).open.append((number, first, ports))


def sweep_into(scene: Scene, sources: Mapping[str, Side], targets: Targets, ends: Iterable[Side], found: Pairs) -> None:
    """The same for few of the targets: asked of each which workloads reach it."""
    for side in ends:
        for ports, other in targets.places(side.name):
            sure = scene.column(other, ports)
            maybe = scene.column(other, ports, maybe=True)
            for into, hits in ((found.sure, sure), (found.maybe, maybe & ~sure)):
                for number in bits(hits & ~scene.reach.alone(other)):
                    for name in scene.members.get(number, ()):
                        if name in sources and (side.name != name or not scene.single(side)):
                            _pair(into, sources[name], side).open.append((number, other, ports))


def _pair(into: dict[tuple[str, str], Pair], source: Side, side: Side) -> Pair:
    key = source.name, side.name
    if key not in into:
        into[key] = Pair(source, side)
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
