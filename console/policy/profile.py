"""What the pods of one class let through in one direction, for every port and peer at once.

A profile is a list of cells: ports (a set, as an int over the port atoms), and the
peers (a set of classes) let through on them. Cells of a profile share no port. The
tiers are walked as `judge` walks them for one connection; where a match or an order is
not known, one walk assumes the worst and one the best, and what differs is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final

from console.policy.asking import Modes
from console.policy.model import (
    Action,
    CidrPeer,
    Direction,
    DomainPeer,
    NodePeer,
    Policy,
    PortMatch,
    Protocol,
    Rule,
    Tier,
    UnknownPeer,
)
from console.policy.universe import Universe

#: Ports, and the peers let through on them.
Cell = tuple[int, int]
#: A policy that selects a class, and whether that is sure.
Selecting = tuple[Policy, bool]
_Walk = tuple[int, int, int, int]  # ports, undecided peers, allowed peers, passed peers
_LET: Final = None
_WORST_FIRST: Final = (Action.DENY, Action.PASS, Action.ALLOW)


class PortAtoms:
    """The ports of all protocols, cut where any rule or pod tells them apart.

    A set of ports is an int over these atoms.
    """

    def __init__(self, policies: Iterable[Policy], universe: Universe) -> None:
        cuts: dict[Protocol, set[int]] = {protocol: {1} for protocol in Protocol}
        named: set[str] = set()
        for policy in policies:
            for rule in (*(policy.ingress or ()), *(policy.egress or ())):
                for match in rule.ports or ():
                    if match.name:
                        named.add(match.name)
                    elif match.low is not None and match.high is not None:
                        for protocol in (match.protocol,) if match.protocol else Protocol:
                            cuts[protocol] |= {match.low, match.high + 1}
        for each in universe.pods:
            for port in each.pods[0].ports:
                if port.name in named and port.protocol in Protocol.__members__:
                    cuts[Protocol(port.protocol)] |= {port.port, port.port + 1}
        self._atoms: list[tuple[Protocol, int, int]] = []
        self._first: dict[Protocol, dict[int, int]] = {}
        self._whole: dict[Protocol, int] = {}
        for protocol, found in cuts.items():
            bounds = [*sorted(cut for cut in found if 1 <= cut <= 65535), 65536]
            start = len(self._atoms)
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
        for number, (each, low, high) in enumerate(self._atoms):
            if each is protocol and low <= port <= high:
                return 1 << number
        raise ValueError(port)

    def spans(self, ports: int) -> Iterator[tuple[Protocol, int, int]]:
        """The ranges of ports in a set, adjoining atoms merged."""
        held: tuple[Protocol, int, int] | None = None
        for number, (protocol, low, high) in enumerate(self._atoms):
            if not ports >> number & 1:
                continue
            if held is not None and held[0] is protocol and held[2] + 1 == low:
                held = (protocol, held[1], high)
                continue
            if held is not None:
                yield held
            held = (protocol, low, high)
        if held is not None:
            yield held


@dataclass(frozen=True, slots=True)
class _Resolved:
    """A rule as rectangles of ports and peers: those that surely match, and those that may."""

    action: Action
    sure: tuple[Cell, ...]
    maybe: tuple[Cell, ...]


class Profiler:
    """Makes profiles; each rule is resolved once."""

    def __init__(self, universe: Universe, atoms: PortAtoms, modes: Modes) -> None:
        self._universe = universe
        self._atoms = atoms
        self._modes = modes
        self._peers: dict[int, tuple[Rule, int, int]] = {}
        self._egress: dict[int, _Resolved] = {}
        self._named: dict[tuple[str, Protocol | None], Sequence[Cell]] = {}

    def profile(
        self, policies: Sequence[Selecting], direction: Direction, subject: int, *, best: bool, isolated: bool = False
    ) -> list[Cell]:
        """The cells of a class. `policies` are those that select it, each with whether that is sure.

        `isolated`: some NetworkPolicy that could not be read may isolate it, and is taken to.
        """
        cells: list[_Walk] = [(self._atoms.all, self._universe.all, 0, 0)]
        for tier in Tier:
            own = [each for each in policies if each[0].tier is tier and each[0].rules(direction) is not None]
            if tier is Tier.NETWORK_POLICY:
                if own or isolated:
                    cells = self._isolate(cells, own, direction, subject, best=best)
            else:
                own.sort(key=_priority)
                for _, group in groupby(own, key=_priority):
                    cells = self._ordered(cells, list(group), direction, subject, best=best)
                # What was passed, and what no rule matched, goes on to the next tier.
                cells = [(ports, open_ | passed, allowed, 0) for ports, open_, allowed, passed in cells]
        merged: dict[int, int] = {}
        for ports, open_, allowed, _ in cells:
            peers = open_ | allowed  # what no tier decided is allowed
            if peers:
                merged[peers] = merged.get(peers, 0) | ports
        return [(ports, peers) for peers, ports in merged.items()]

    def _isolate(
        self, cells: list[_Walk], policies: Sequence[Selecting], direction: Direction, subject: int, *, best: bool
    ) -> list[_Walk]:
        """NetworkPolicies add up, and leave nothing undecided."""
        for policy, _ in policies:
            for rule in policy.rules(direction) or ():
                found = self._resolve(rule, direction, subject)
                cells = _apply(cells, _LET, found.maybe if best else found.sure)
        return [(ports, 0, allowed, 0) for ports, _, allowed, _ in cells]

    def _ordered(
        self, cells: list[_Walk], policies: Sequence[Selecting], direction: Direction, subject: int, *, best: bool
    ) -> list[_Walk]:
        """Policies of one priority. Of several, each may come first: the worst or the best action of any wins."""
        if len(policies) == 1:
            for action, taken in self._actions(*policies[0], direction, subject, best=best):
                cells = _apply(cells, action, taken)
            return cells
        first: dict[Action, list[Cell]] = {action: [] for action in Action}
        for policy, sure in policies:
            mine: list[_Walk] = [(self._atoms.all, self._universe.all, 0, 0)]
            for action, taken in self._actions(policy, sure, direction, subject, best=best):
                for ports, peers in taken:
                    first[action] += [(c[0] & ports, c[1] & peers) for c in mine if c[0] & ports and c[1] & peers]
                mine = _apply(mine, Action.DENY, taken)
        for action in reversed(_WORST_FIRST) if best else _WORST_FIRST:
            cells = _apply(cells, action, first[action])
        return cells

    def _actions(
        self, policy: Policy, sure: bool, direction: Direction, subject: int, *, best: bool
    ) -> Iterator[tuple[Action, Sequence[Cell]]]:
        """What the rules of a policy do, in order, where every doubt is taken for the best or for the worst."""
        wanted = Action.ALLOW if best else Action.DENY
        for rule in policy.rules(direction) or ():
            found = self._resolve(rule, direction, subject)
            if sure and rule.action is not wanted:
                yield rule.action, found.sure
            if rule.action is wanted:
                yield wanted, found.maybe
            elif rule.action is Action.PASS and (not sure or found.maybe != found.sure):
                # Passing may come to anything: what it may but need not match is not known.
                yield wanted, found.maybe

    def _resolve(self, rule: Rule, direction: Direction, subject: int) -> _Resolved:
        if direction is Direction.EGRESS:
            # Egress ports resolve on the peers, so a rule is the same for every subject.
            if id(rule) not in self._egress:
                self._egress[id(rule)] = self._rectangles(rule, direction, subject)
            return self._egress[id(rule)]
        return self._rectangles(rule, direction, subject)

    def _rectangles(self, rule: Rule, direction: Direction, subject: int) -> _Resolved:
        sure, maybe = self._peers_of(rule, direction)
        ports: list[Cell] = [(self._atoms.all, self._universe.all)]
        if rule.ports is not None:
            ports = [cell for match in rule.ports for cell in self._port(match, direction, subject)]
        return _Resolved(
            rule.action,
            tuple((mask, among & sure) for mask, among in ports if among & sure),
            tuple((mask, among & maybe) for mask, among in ports if among & maybe),
        )

    def _peers_of(self, rule: Rule, direction: Direction) -> tuple[int, int]:
        known = self._peers.get(id(rule))
        if known is None:
            known = self._peers[id(rule)] = (rule, *self._matched(rule, direction))
        return known[1], known[2]

    def _matched(self, rule: Rule, direction: Direction) -> tuple[int, int]:
        universe = self._universe
        if rule.peers is None:
            return universe.all, universe.all
        sure = maybe = 0
        for peer in rule.peers:
            if isinstance(peer, CidrPeer):
                found = universe.of_network(peer)
                if direction is Direction.INGRESS and not self._modes.ingress_ipblock_matches_pods:
                    found &= ~universe.selectable
                also = found
            elif isinstance(peer, NodePeer):
                found, also = universe.of_nodes(peer)
            elif isinstance(peer, DomainPeer):
                found, also = 0, universe.all & ~((1 << len(universe.pods)) - 1)
            elif isinstance(peer, UnknownPeer):
                found = also = universe.all if peer.matches else 0
            else:
                found, also = universe.selected(peer.namespaces, peer.pods, peer.home)
            sure |= found
            maybe |= also
        return sure, maybe | sure

    def _port(self, match: PortMatch, direction: Direction, subject: int) -> Iterator[Cell]:
        every = self._universe.all
        if not match.name:
            if match.low is None or match.high is None:
                yield self._atoms.whole(match.protocol), every
            else:
                spoken = (match.protocol,) if match.protocol else tuple(Protocol)
                for protocol in spoken:
                    yield self._atoms.range(protocol, match.low, match.high), every
        elif direction is Direction.INGRESS:
            yield self._declared(match, subject), every
        else:
            yield from self._resolved(match)

    def _resolved(self, match: PortMatch) -> Sequence[Cell]:
        """What a name stands for on each class that declares it."""
        key = match.name, match.protocol
        if key not in self._named:
            found: dict[int, int] = {}
            for number in range(len(self._universe.pods)):
                ports = self._declared(match, number)
                if ports:
                    found[ports] = found.get(ports, 0) | (1 << number)
            self._named[key] = list(found.items())
        return self._named[key]

    def _declared(self, match: PortMatch, number: int) -> int:
        """The ports of a class that a name stands for; a hostNetwork pod is an address, and declares none."""
        if number >= len(self._universe.pods) or self._universe.pods[number].host:
            return 0
        ports = 0
        for port in self._universe.pods[number].pods[0].ports:
            if port.name != match.name or port.protocol not in Protocol.__members__:
                continue
            if match.protocol in (None, Protocol(port.protocol)) and (self._modes.sidecar_ports or not port.sidecar):
                ports |= self._atoms.range(Protocol(port.protocol), port.port, port.port)
        return ports


def _priority(selecting: Selecting) -> int:
    return selecting[0].priority


def _apply(cells: list[_Walk], action: Action | None, rectangles: Iterable[Cell]) -> list[_Walk]:
    """Let rectangles of ports and peers take an action; `_LET` allows without deciding, as NetworkPolicies do."""
    for ports, peers in rectangles:
        found: list[_Walk] = []
        for cell in cells:
            inside = cell[0] & ports
            if not inside:
                found.append(cell)
                continue
            open_, allowed, passed = cell[1], cell[2], cell[3]
            taken = open_ & peers
            if action in (Action.ALLOW, _LET):
                allowed |= taken
            elif action is Action.PASS:
                passed |= taken
            found.append((inside, open_ if action is _LET else open_ & ~taken, allowed, passed))
            if inside != cell[0]:
                found.append((cell[0] & ~ports, *cell[1:]))
        cells = found
    return cells
