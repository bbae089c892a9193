"""Which of very many rules cover another: found by what they name, not by asking each of them.

A set of rules is an int with a bit for each. A selector is filed under what it asks of one label: whatever
lies within it asks that too.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Final

from console.objects.meta import ObjectRef
from console.policy.explain_cover import NetworkShape, SelectorShape, Shape, selector_shape, shape, within
from console.policy.model import Direction, Policy, PortMatch, Protocol, Rule

#: Ranges of ports that are passed over together.
_BLOCK: Final = 64


class Shapes:
    """Some shapes, each with a set: which of them cover another."""

    def __init__(self, shapes: Iterable[tuple[Shape, int]]) -> None:
        # Policies repeat their selectors: those that are equal are one.
        selectors: dict[Hashable, tuple[SelectorShape, int]] = {}
        networks: dict[NetworkShape, int] = {}
        for each, members in shapes:
            if isinstance(each, SelectorShape):
                same = each.same
                selectors[same] = each, members | (selectors[same][1] if same in selectors else 0)
            elif each is not None:
                networks[each] = networks.get(each, 0) | members
        self._selectors = _filed(selectors.values())
        self._networks: dict[tuple[int, int, int], list[tuple[NetworkShape, int]]] = {}
        for network, members in networks.items():
            key = network.version, network.first, network.last
            self._networks.setdefault(key, []).append((network, members))
        self._sizes = sorted({(version, last - first) for version, first, last in self._networks})

    def covering(self, narrow: Shape) -> int:
        """The sets of all shapes that `narrow` surely lies within."""
        found = 0
        for wide, members in self._perhaps(narrow):
            if members & ~found and within(narrow, wide):
                found |= members
        return found

    def _perhaps(self, narrow: Shape) -> Iterator[tuple[Shape, int]]:
        if isinstance(narrow, NetworkShape):
            for version, size in self._sizes:
                if version == narrow.version and size >= narrow.last - narrow.first:
                    first = narrow.first & ~size  # networks begin at multiples of what they hold
                    yield from self._networks.get((version, first, first + size), ())
        elif narrow is not None:
            yield from self._selectors.get(None, ())
            for need, values in _asked(narrow):
                yield from self._selectors.get(need, ())
                for value in values[:1]:  # a wider one names them all
                    yield from self._selectors.get((need, value), ())


def _asked(selector: SelectorShape) -> Iterator[tuple[Hashable, Sequence[str]]]:
    """Each label that a selector asks for, and which values it may have where these are named."""
    for about, labels in selector.labels:
        for key, values in labels.items():
            yield (about, key), () if values.absent or values.others else tuple(values.named)


def _filed(shapes: Iterable[tuple[SelectorShape, int]]) -> dict[Hashable, list[tuple[SelectorShape, int]]]:
    """Selectors under what each asks of one label and the fewest others do; under None those that ask nothing."""
    asking: list[tuple[SelectorShape, int, list[list[Hashable]]]] = []
    for each, members in shapes:
        asking.append((each, members, [[(need, value) for value in values] or [need] for need, values in _asked(each)]))
    asked = Counter(need for _, _, several in asking for needs in several for need in needs)
    found: dict[Hashable, list[tuple[SelectorShape, int]]] = {}
    nothing: list[Hashable] = [None]
    for each, members, several in asking:
        for need in min(several, key=lambda needs: sum(asked[need] for need in needs), default=nothing):
            found.setdefault(need, []).append((each, members))
    return found


class _Ports:
    """Some ports, each with a set: which of them hold others."""

    def __init__(self, ports: Iterable[tuple[PortMatch, int]]) -> None:
        self._known: dict[tuple[Protocol | None, str], int] = {}
        ranges: dict[tuple[Protocol | None, int, int], int] = {}
        for match, members in ports:
            if match.name or match.low is None or match.high is None:
                whole = match.protocol, match.name  # without a name: all of the protocol
                self._known[whole] = self._known.get(whole, 0) | members
            else:
                span = match.protocol, match.low, match.high
                ranges[span] = ranges.get(span, 0) | members
        self._ranges: dict[Protocol | None, list[tuple[int, int, int]]] = {}
        for (protocol, low, high), members in sorted(ranges.items(), key=lambda entry: entry[0][1:]):
            self._ranges.setdefault(protocol, []).append((low, high, members))
        #: The last port that any range of a block reaches.
        self._lasts = {
            protocol: [max(high for _, high, _ in held[at : at + _BLOCK]) for at in range(0, len(held), _BLOCK)]
            for protocol, held in self._ranges.items()
        }

    def covering(self, narrow: PortMatch) -> int:
        """The sets of all ports that surely hold those of `narrow`; a name may mean any port of its protocol."""
        found = 0
        for protocol in {None, narrow.protocol}:
            found |= self._known.get((protocol, ""), 0)
            if narrow.name:
                found |= self._known.get((protocol, narrow.name), 0)
            elif narrow.low is not None and narrow.high is not None:
                found |= self._holding(protocol, narrow.low, narrow.high)
        return found

    def _holding(self, protocol: Protocol | None, low: int, high: int) -> int:
        held = self._ranges.get(protocol, [])
        found, stop = 0, bisect_right(held, low, key=lambda each: each[0])
        for number, last in enumerate(self._lasts.get(protocol, ())):
            if number * _BLOCK >= stop:
                break
            if last >= high:
                for _, end, members in held[number * _BLOCK : min(stop, (number + 1) * _BLOCK)]:
                    if end >= high:
                        found |= members
        return found


class Rules:
    """The rules of some policies for one direction, a bit each, to be found by what they cover."""

    def __init__(self, policies: Sequence[Policy], direction: Direction) -> None:
        """`policies` by priority and name."""
        self.policies = policies
        self._held = [(each, rule) for each in policies for rule in each.rules(direction) or ()]
        self._priorities = [policy.priority for policy, _ in self._held]
        self._of: dict[ObjectRef, int] = {}
        self._first: dict[ObjectRef, int] = {}
        for number, (policy, _) in enumerate(self._held):
            self._first.setdefault(policy.ref, number)
            self._of[policy.ref] = self._of.get(policy.ref, 0) | 1 << number
        own = {policy.ref: policy for policy, _ in self._held}
        self._subjects = Shapes((selector_shape(each.subject), self._of[ref]) for ref, each in own.items())
        rules = [(rule, 1 << number) for number, (_, rule) in enumerate(self._held)]
        self.any_peer = sum(bit for rule, bit in rules if rule.peers is None)
        self.any_port = sum(bit for rule, bit in rules if rule.ports is None)
        self._peers = Shapes((shape(peer), bit) for rule, bit in rules for peer in rule.peers or ())
        self._ports = _Ports((match, bit) for rule, bit in rules for match in rule.ports or ())

    def __getitem__(self, number: int) -> tuple[Policy, Rule]:
        """A rule, with its policy."""
        return self._held[number]

    def of(self, ref: ObjectRef) -> int:
        """The rules of a policy."""
        return self._of.get(ref, 0)

    def one(self, ref: ObjectRef, index: int) -> int:
        """One rule of a policy."""
        return 1 << (self._first[ref] + index)

    def before(self, priority: int) -> int:
        """The rules of policies that come before a priority."""
        return (1 << bisect_left(self._priorities, priority)) - 1

    def selecting(self, policy: Policy) -> int:
        """The rules of policies that surely select all the pods that one does, now and ever."""
        return self._subjects.covering(selector_shape(policy.subject))

    def naming(self, peer: Shape) -> int:
        """The rules that surely name all that a peer does."""
        return self.any_peer | self._peers.covering(peer)

    def holding(self, match: PortMatch) -> int:
        """The rules that surely have all ports that one means."""
        return self.any_port | self._ports.covering(match)
