"""What the pods of one class let through in one direction, for every port and peer at once.

A profile is a list of cells: ports (a set, as an int over the port atoms), and the
peers (a set of classes) let through on them. Any peer at all is -1, so that a class
which comes later is one of them. The tiers are walked as `judge` walks them for one
connection; where a match or an order is not known, one walk assumes the worst and one
the best, and what differs is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from console.objects.core import ContainerPort
from console.policy.asking import Modes
from console.policy.atoms import PortAtoms
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
_ANY: Final = -1
_WORST_FIRST: Final = (Action.DENY, Action.PASS, Action.ALLOW)


@dataclass(frozen=True, slots=True)
class _Resolved:
    """A rule as rectangles of ports and peers: those that surely match, and those that may."""

    action: Action
    sure: tuple[Cell, ...]
    maybe: tuple[Cell, ...]


class Profiler:
    """Makes profiles in one address family; each rule is resolved once."""

    def __init__(self, universe: Universe, atoms: PortAtoms, modes: Modes, family: int) -> None:
        self._universe = universe
        self._atoms = atoms
        self._modes = modes
        self._family = family
        #: Rules by identity, each by what names of ports stand for where that matters.
        self._rules: dict[int, tuple[Rule, dict[object, _Resolved]]] = {}
        self._names: dict[tuple[str, Protocol | None], Sequence[Cell]] = {}
        self._walks: dict[object, tuple[object, list[_Walk]]] = {}

    def succeeding(self, universe: Universe, affected: Iterable[Policy]) -> Profiler:
        """The same over a later universe, in which the rules of the affected policies match otherwise."""
        later = Profiler(universe, self._atoms, self._modes, self._family)
        later._rules = dict(self._rules)
        later.forget(affected)
        return later

    def forget(self, policies: Iterable[Policy]) -> None:
        """Let go of what is known of some policies."""
        for policy in policies:
            if policy.tier is not Tier.NETWORK_POLICY:
                self._walks.clear()
            for rule in (*(policy.ingress or ()), *(policy.egress or ())):
                self._rules.pop(id(rule), None)

    def profile(
        self, policies: Sequence[Selecting], direction: Direction, subject: int, *, best: bool, isolated: bool = False
    ) -> Sequence[Cell]:
        """The cells of a class. `policies` are those that select it, each with whether that is sure.

        `isolated`: some NetworkPolicy that could not be read may isolate it, and is taken to.
        """
        admin: list[Selecting] = []
        own: list[Selecting] = []
        baseline: list[Selecting] = []
        for each in policies:
            policy = each[0]
            if (policy.ingress if direction is Direction.INGRESS else policy.egress) is not None:
                tier = policy.tier
                (own if tier is Tier.NETWORK_POLICY else admin if tier is Tier.ADMIN else baseline).append(each)
        if own or isolated:
            allowed = self._allowed(own, direction, subject, best=best)
            if not admin:
                return list(allowed.items())
            found: list[Cell] = []
            for ports, open_, taken, _ in self._walk(admin, (), direction, subject, best=best):
                if taken:
                    found.append((ports, taken))
                found += [(ports & on, open_ & peers) for on, peers in allowed.items() if ports & on and open_ & peers]
            return _merged(found)
        # What no tier decided is allowed.
        cells = self._walk(admin, baseline, direction, subject, best=best)
        return _merged((ports, open_ | taken) for ports, open_, taken, _ in cells)

    def spoken(self, rule: Rule, declaring: int) -> Iterator[int]:
        """The ports of a rule, entry by entry; names stand for what the pods of a class declare."""
        if rule.ports is None:
            yield self._atoms.all
        for match in rule.ports or ():
            # As an ingress rule's, whose names are those of its subject.
            for ports, _ in self._port(match, Direction.INGRESS, declaring):
                if ports:
                    yield ports

    def _allowed(
        self, policies: Sequence[Selecting], direction: Direction, subject: int, *, best: bool
    ) -> dict[int, int]:
        """What NetworkPolicies let through: they add up, and leave nothing undecided."""
        merged: dict[int, int] = {}
        for policy, _ in policies:
            for rule in (policy.ingress if direction is Direction.INGRESS else policy.egress) or ():
                found = self._resolve(rule, direction, subject)
                for ports, peers in found.maybe if best else found.sure:
                    merged[ports] = merged.get(ports, 0) | peers
        return merged

    def _walk(
        self,
        admin: Sequence[Selecting],
        baseline: Sequence[Selecting],
        direction: Direction,
        subject: int,
        *,
        best: bool,
    ) -> list[_Walk]:
        """The tiers whose rules have an order; classes that the same policies select have the same."""
        policies = (*admin, *baseline)
        who = tuple((id(policy), sure) for policy, sure in policies)
        key = direction, best, len(admin), who, self._universe.names_of(subject)
        if key not in self._walks:
            cells: list[_Walk] = [(self._atoms.all, _ANY, 0, 0)]
            for tier in (admin, baseline):
                for _, group in groupby(sorted(tier, key=_priority), key=_priority):
                    cells = self._ordered(cells, list(group), direction, subject, best=best)
                # What was passed, and what no rule matched, goes on to the next tier.
                cells = [(ports, open_ | passed, allowed, 0) for ports, open_, allowed, passed in cells]
            self._walks[key] = policies, cells
        return self._walks[key][1]

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
            mine: list[_Walk] = [(self._atoms.all, _ANY, 0, 0)]
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
        named: object = None
        if direction is Direction.INGRESS and rule.ports is not None:
            # Egress ports resolve on the peers, so there a rule is the same for every subject.
            named = self._universe.names_of(subject) if any(match.name for match in rule.ports) else None
        known = self._rules.get(id(rule))
        if known is None:
            known = self._rules[id(rule)] = (rule, {})
        found = known[1].get(named)
        if found is None:
            found = known[1][named] = self._rectangles(rule, direction, subject)
        return found

    def _rectangles(self, rule: Rule, direction: Direction, subject: int) -> _Resolved:
        sure, maybe = self._matched(rule, direction)
        if rule.ports is None:
            ports: list[Cell] = [(self._atoms.all, _ANY)]
        else:
            ports = [cell for match in rule.ports for cell in self._port(match, direction, subject)]
        surely = _rectangles(ports, sure)
        return _Resolved(rule.action, surely, surely if sure == maybe else _rectangles(ports, maybe))

    def _matched(self, rule: Rule, direction: Direction) -> tuple[int, int]:
        universe = self._universe
        if rule.peers is None:
            return _ANY, _ANY
        sure = maybe = 0
        for peer in rule.peers:
            if isinstance(peer, CidrPeer):
                found = universe.of_network(peer) if peer.network.version == self._family else 0
                if direction is Direction.INGRESS and not self._modes.ingress_ipblock_matches_pods:
                    found &= ~universe.selectable
                also = found
            elif isinstance(peer, NodePeer):
                found, also = universe.of_nodes(peer, self._family)
            elif isinstance(peer, DomainPeer):
                found, also = 0, universe.all & ~universe.inside
            elif isinstance(peer, UnknownPeer):
                found = also = _ANY if peer.matches else 0
            else:
                found, also = universe.selected(peer.namespaces, peer.pods, peer.home)
            sure |= found
            maybe |= also
        return sure, maybe | sure

    def _port(self, match: PortMatch, direction: Direction, subject: int) -> Iterator[Cell]:
        if not match.name:
            if match.low is None or match.high is None:
                yield self._atoms.whole(match.protocol), _ANY
            else:
                spoken = (match.protocol,) if match.protocol else tuple(Protocol)
                for protocol in spoken:
                    yield self._atoms.range(protocol, match.low, match.high), _ANY
        elif direction is Direction.INGRESS:
            ports = 0
            for port in self._universe.ports_named(subject, match.name):
                ports |= self._meant(match, port)
            yield ports, _ANY
        else:
            yield from self._resolved(match)

    def _resolved(self, match: PortMatch) -> Sequence[Cell]:
        """What a name stands for on each class that declares it."""
        key = match.name, match.protocol
        if key not in self._names:
            found: dict[int, int] = {}
            for port, classes in self._universe.declared(match.name).items():
                ports = self._meant(match, port)
                if ports:
                    found[ports] = found.get(ports, 0) | classes
            self._names[key] = list(found.items())
        return self._names[key]

    def _meant(self, match: PortMatch, port: ContainerPort) -> int:
        """The port a declared one is, where a name stands for it."""
        if port.name != match.name or port.protocol not in Protocol.__members__:
            return 0
        protocol = Protocol(port.protocol)
        counted = self._modes.sidecar_ports or not port.sidecar
        return (
            self._atoms.range(protocol, port.port, port.port) if match.protocol in (None, protocol) and counted else 0
        )


def _priority(selecting: Selecting) -> int:
    return selecting[0].priority


def _rectangles(ports: Iterable[Cell], peers: int) -> tuple[Cell, ...]:
    return tuple([(mask, among & peers) for mask, among in ports if mask and among & peers])


def _merged(cells: Iterable[Cell]) -> Sequence[Cell]:
    """Cells with the same peers as one."""
    merged: dict[int, int] = {}
    for ports, peers in cells:
        if peers:
            merged[peers] = merged.get(peers, 0) | ports
    return [(ports, peers) for peers, ports in merged.items()]


def _apply(cells: list[_Walk], action: Action, rectangles: Iterable[Cell]) -> list[_Walk]:
    """Let rectangles of ports and peers take an action."""
    for ports, peers in rectangles:
        found: list[_Walk] = []
        for cell in cells:
            inside = cell[0] & ports
            if not inside:
                found.append(cell)
                continue
            open_, allowed, passed = cell[1], cell[2], cell[3]
            taken = open_ & peers
            if action is Action.ALLOW:
                allowed |= taken
            elif action is Action.PASS:
                passed |= taken
            found.append((inside, open_ & ~taken, allowed, passed))
            if inside != cell[0]:
                found.append((cell[0] & ~ports, *cell[1:]))
        cells = found
    return cells
