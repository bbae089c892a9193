"""The ports of all protocols, cut where any rule or pod tells them apart."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import pairwise

from console.objects.core import ContainerPort
from console.policy.bitsets import bits
from console.policy.model import Protocol
from console.policy.universe import Universe


class PortAtoms:
    """The ports of all protocols, cut where any rule or pod tells them apart.

    A set of ports is an int over these atoms.
    """

    def __init__(self, universe: Universe) -> None:
        cuts: dict[Protocol, set[int]] = {protocol: {1, *universe.vocabulary.ports[protocol]} for protocol in Protocol}
        for name in universe.vocabulary.names:
            for port in universe.declared(name):
                if port.protocol in Protocol.__members__:
                    cuts[Protocol(port.protocol)] |= {port.port, port.port + 1}
        self._atoms: list[tuple[Protocol, int, int]] = []
        self._first: dict[Protocol, dict[int, int]] = {}
        self._bounds: dict[Protocol, list[int]] = {}
        self._whole: dict[Protocol, int] = {}
        for protocol, found in cuts.items():
            bounds = [*sorted(cut for cut in found if 1 <= cut <= 65535), 65536]
            start = len(self._atoms)
            self._bounds[protocol] = bounds
            self._first[protocol] = {bound: start + number for number, bound in enumerate(bounds)}
            self._atoms += [(protocol, low, high - 1) for low, high in pairwise(bounds)]
            self._whole[protocol] = (1 << len(self._atoms)) - (1 << start)
        self.all = (1 << len(self._atoms)) - 1

    def range(self, protocol: Protocol, low: int, high: int) -> int:
        """Ports `low` to `high` of a protocol, which must be cuts."""
        first = self._first[protocol]
        return (1 << first[high + 1]) - (1 << first[low])

    def whole(self, protocol: Protocol | None) -> int:
        """Every port of a protocol, or of all."""
        return self.all if protocol is None else self._whole[protocol]

    def holding(self, protocol: Protocol, port: int) -> int:
        """The atom that holds a port."""
        if not 1 <= port <= 65535:
            raise ValueError(port)
        bounds = self._bounds[protocol]
        return 1 << (self._first[protocol][bounds[bisect_right(bounds, port) - 1]])

    def cut_at(self, cuts: Mapping[Protocol, frozenset[int]]) -> bool:
        """Whether all of some ranges' bounds are bounds of atoms."""
        return all(
            cut in self._first[protocol] for protocol, found in cuts.items() for cut in found if 1 <= cut <= 65535
        )

    def cut(self, port: ContainerPort) -> bool:
        """Whether a declared port is an atom of its own, as it must be where rules may name it."""
        if port.protocol not in Protocol.__members__:
            return True
        first = self._first[Protocol(port.protocol)]
        return port.port in first and port.port + 1 in first

    def spans(self, ports: int) -> Iterator[tuple[Protocol, int, int]]:
        """The ranges of ports in a set, adjoining atoms merged."""
        held: tuple[Protocol, int, int] | None = None
        for number in bits(ports & self.all):
            protocol, low, high = self._atoms[number]
            if held is not None and held[0] is protocol and held[2] + 1 == low:
                held = (protocol, held[1], high)
                continue
            if held is not None:
                yield held
            held = (protocol, low, high)
        if held is not None:
            yield held
