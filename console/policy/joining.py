"""What classes that were there let out to new ones, and in from them, without making their profiles anew.

A new class is one more peer. What a class lets through to it is asked of the few rules
that meet it, and of those that let in anybody; the rest of its profile stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from console.policy.bitsets import bits
from console.policy.hooks import Met
from console.policy.model import Action, Direction, Policy, Rule, Tier, UnknownPeer
from console.policy.parts import Parts, selected
from console.policy.profile import Cell

#: Ports that policies of a tier let through, and those of which they leave the say to the next one.
_Said = tuple[int, int]


#: The ports that a class lets through to new ones, by their numbers.
_Ports = dict[int, int]


@dataclass(slots=True)
class Joined:
    """What classes let through to new ones, by family and direction; `others` need profiles anew.

    `more` is beside what they let through to anybody, `exactly` is all.
    """

    more: dict[tuple[int, Direction], dict[int, _Ports]] = field(default_factory=dict)
    exactly: dict[tuple[int, Direction], dict[int, _Ports]] = field(default_factory=dict)
    others: int = 0

    def patched(self, family: int, direction: Direction, cells: Sequence[Sequence[Cell]]) -> dict[int, Sequence[Cell]]:
        """The cells of the classes whose own do not let through to new ones what they should."""
        found: dict[int, Sequence[Cell]] = {}
        for number, ports in self.exactly.get((family, direction), {}).items():
            if not self.others >> number & 1:
                # Only sets of all but a few have new classes among them.
                wrong = {each: on for each, on in ports.items() if _open(cells[number], each) != on}
                gone = ~sum(1 << each for each in wrong)
                if wrong:
                    left = [(on, peers & gone if peers < 0 else peers) for on, peers in cells[number]]
                    found[number] = _with(left, wrong)
        for number, ports in self.more.get((family, direction), {}).items():
            if not self.others >> number & 1:
                found[number] = _with(cells[number], ports)
        return found


def join(later: Parts, entered: Iterable[tuple[int, Sequence[Met]]], touched: int) -> Joined:
    """What classes other than the `touched` ones let through to those that `entered`, each with the rules it meets."""
    found = Joined()
    tiered = 0
    for policy in later.engine.over(()):
        tiered |= selected(later.universe, policy)[1]
    for number, met in entered:
        for family in later.universe.families:
            for direction in Direction:
                concerned = [each for each in met if each.direction is direction and family in each.families]
                if concerned:
                    _Joining(later, family, direction, number, concerned).into(found, touched, tiered)
    return found


class _Joining:
    """One new class, in one family and direction."""

    def __init__(self, later: Parts, family: int, direction: Direction, number: int, met: Sequence[Met]) -> None:
        self._later = later
        self._where = family, direction
        self._profiler = later.profilers[family]
        self._direction = direction
        self._number = number
        self._policies: dict[int, tuple[Policy, list[Rule]]] = {}
        for each in met:
            self._policies.setdefault(id(each.policy), (each.policy, []))[1].append(each.rule)
        self._met = {id(each.rule) for each in met}
        self._rules: dict[int, list[Rule]] = {}
        self._own: dict[tuple[int, int], int] = {}
        self._said: dict[object, _Said | None] = {}

    def into(self, found: Joined, touched: int, tiered: int) -> None:
        """Put what every class that is concerned lets through. `tiered` are those that other tiers govern."""
        more = found.more.setdefault(self._where, {})
        ordered = 0
        for policy, rules in self._policies.values():
            subjects = selected(self._later.universe, policy)[1] & ~touched
            ordered |= subjects & tiered
            # Alone, NetworkPolicies add up. Names of ports are those of the destination: of ingress rules they differ.
            apart = self._direction is Direction.INGRESS and any(
                match.name for rule in rules for match in rule.ports or ()
            )
            spoken: dict[int, int] = {}
            for subject in bits(subjects & ~tiered):
                if subject in self._later.doubts:
                    found.others |= 1 << subject
                    continue
                names = self._later.universe.names_of(subject) if apart else 0
                if names not in spoken:
                    spoken[names] = self._together(rules, subject)
                ports = more.setdefault(subject, {})
                ports[self._number] = ports.get(self._number, 0) | spoken[names]
        exactly = found.exactly.setdefault(self._where, {})
        for subject in bits(ordered):
            asked = None if subject in self._later.doubts else self._ports(subject)
            if asked is None:
                found.others |= 1 << subject
            else:
                exactly.setdefault(subject, {})[self._number] = asked

    def _ports(self, subject: int) -> int | None:
        """The ports a class lets through to the new one; None where an order or a match is not known."""
        names = self._later.universe.names_of(subject) if self._direction is Direction.INGRESS else 0
        admin: list[Policy] = []
        baseline: list[Policy] = []
        isolated, own = False, 0
        for policy, sure in self._later.selecting[subject]:
            if policy.rules(self._direction) is None:
                continue
            if not sure:
                return None
            if policy.tier is Tier.NETWORK_POLICY:
                isolated = True
                own |= self._allowed(policy, subject, names)
            else:
                (admin if policy.tier is Tier.ADMIN else baseline).append(policy)
        said = self._walk(admin, subject, names)
        if said is None:
            return None
        allowed, left = said
        if isolated:
            return allowed | left & own
        last = self._walk(baseline, subject, names)
        return None if last is None else allowed | left & (last[0] | last[1])

    def _allowed(self, policy: Policy, subject: int, names: int) -> int:
        """The ports that the rules of a NetworkPolicy let through."""
        key = id(policy), names
        if key not in self._own:
            self._own[key] = self._together(self._matching(policy), subject)
        return self._own[key]

    def _walk(self, policies: Sequence[Policy], subject: int, names: int) -> _Said | None:
        """What the policies of a tier say, the first that matches; None where two that match have no order."""
        key = tuple([id(policy) for policy in policies]), names
        if key not in self._said:
            self._said[key] = self._walked(policies, subject)
        return self._said[key]

    def _walked(self, policies: Sequence[Policy], subject: int) -> _Said | None:
        open_, allowed, passed = self._later.atoms.all, 0, 0
        for _, group in groupby(sorted(policies, key=_priority), key=_priority):
            speaking = [policy for policy in group if self._matching(policy)]
            if len(speaking) > 1:
                return None
            for rule in (rule for policy in speaking for rule in self._matching(policy)):
                taken = open_ & self._together([rule], subject)
                open_ &= ~taken
                if rule.action is Action.ALLOW:
                    allowed |= taken
                elif rule.action is Action.PASS:
                    passed |= taken
        return allowed, open_ | passed

    def _matching(self, policy: Policy) -> list[Rule]:
        """The rules of a policy whose peers match the new class, in order."""
        found = self._rules.get(id(policy))
        if found is None:
            rules = policy.rules(self._direction) or ()
            found = self._rules[id(policy)] = [rule for rule in rules if id(rule) in self._met or _anybody(rule)]
        return found

    def _together(self, rules: Iterable[Rule], subject: int) -> int:
        """The ports of rules, where names stand for what the destination declares."""
        declaring = subject if self._direction is Direction.INGRESS else self._number
        found = 0
        for rule in rules:
            for ports in self._profiler.spoken(rule, declaring):
                found |= ports
        return found


def _anybody(rule: Rule) -> bool:
    return rule.peers is None or any(isinstance(peer, UnknownPeer) and peer.matches for peer in rule.peers)


def _priority(policy: Policy) -> int:
    return policy.priority


def _with(cells: Sequence[Cell], ports: _Ports) -> Sequence[Cell]:
    """Cells with new classes among the peers on some ports."""
    found = list(cells)
    for number, on in ports.items():
        if on:
            place = next((place for place, cell in enumerate(found) if cell[0] == on), None)
            if place is None:
                found.append((on, 1 << number))
            else:
                found[place] = on, found[place][1] | (1 << number)
    return found


def _open(cells: Sequence[Cell], number: int) -> int:
    found = 0
    for ports, peers in cells:
        if peers < 0 and peers >> number & 1:
            found |= ports
    return found
