"""What a rule asks: sources, and targets that none of them may reach on the ports that are meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from console.governance.charter import Rule, Verb
from console.governance.charter_terms import Kind, PortTerm, Term
from console.governance.rules_pairs import Targets
from console.governance.scopes import Scene, Side
from console.policy.universe import INTERNET, METADATA, PRIVATE


@dataclass(frozen=True, slots=True)
class Asked:
    """Sources and targets. `ends` are whose the targets are."""

    sources: dict[str, Side]
    targets: Targets
    ends: dict[str, Side]

    @property
    def pairs(self) -> int:
        """How many pairs are asked about."""
        return len(self.sources) * len(self.ends) - len(self.sources.keys() & self.ends.keys())


def asked(rule: Rule, scene: Scene) -> Iterator[Asked]:
    """What a ``never`` or an ``only`` asks in a scene."""
    if rule.verb is Verb.ONLY:
        yield from _only_from(rule, scene) if rule.outward else _only_to(rule, scene)
    elif rule.outward:
        targets, ends = Targets(), {}
        for ports, terms in by_ports(rule.others, rule.ports).items():
            for side in scene.ends(terms).values():
                targets.add(side, _meant(scene, side, ports))
                ends[side.name] = side
        yield Asked(scene.ends(rule.subject), targets, ends)
    else:
        for ports, terms in by_ports(rule.others, rule.ports).items():
            targets, ends = Targets(), scene.ends(rule.subject)
            for side in ends.values():
                targets.add(side, _meant(scene, side, ports))
            yield Asked(scene.ends(terms), targets, ends)


def by_ports(terms: Iterable[Term], ports: tuple[PortTerm, ...]) -> dict[tuple[PortTerm, ...], list[Term]]:
    """Terms by their ports, which are the rule's where they have none of their own."""
    found: dict[tuple[PortTerm, ...], list[Term]] = {}
    for term in terms:
        found.setdefault(term.ports or ports, []).append(term)
    return found


def _meant(scene: Scene, side: Side, ports: tuple[PortTerm, ...]) -> Callable[[int], int]:
    return lambda number: scene.on(side, number, ports)


#: Ports that are granted (none: all), of which classes.
_Grant = tuple[tuple[PortTerm, ...], int]


def _rest(scene: Scene, side: Side, ports: tuple[PortTerm, ...], grants: list[_Grant]) -> Callable[[int], int]:
    """The ports of an end that are meant and not granted. That DNS servers are asked is never an offence."""

    def rest(number: int) -> int:
        left = scene.on(side, number, ports)
        for granted, classes in grants:
            if classes >> number & 1:
                left &= ~scene.on(side, number, granted)
        return left & ~scene.dns_ports if scene.dns >> number & 1 else left

    return rest


def _only_from(rule: Rule, scene: Scene) -> Iterator[Asked]:
    subject = scene.ends(rule.subject)
    anything = scene.ends(rule.among) if rule.among else scene.everything(beyond=(INTERNET, METADATA, PRIVATE))
    places: list[_Grant] = []
    hosts: tuple[str, ...] = ()
    for term in rule.others:
        for side in scene.outside(term):
            hosts += side.hosts
            if not side.hosts:
                places.append((term.ports, side.classes))
    inside: dict[str, list[_Grant]] = {}
    for term in rule.others:
        for name in scene.workloads([term]):
            inside.setdefault(name, []).append((term.ports, ~0))
    targets = Targets()
    ends = {name: side for name, side in anything.items() if name not in subject}
    for name, side in ends.items():
        # Where hosts of the internet are granted by name, only all of it is surely more than that.
        known = replace(side, hosts=hosts) if hosts and name == INTERNET else side
        targets.add(known, _rest(scene, side, rule.ports, inside.get(name, []) if side.entry else places))
    yield Asked(subject, targets, ends)


def _only_to(rule: Rule, scene: Scene) -> Iterator[Asked]:
    subject = scene.ends(rule.subject)
    if rule.among:
        anything = scene.ends(rule.among)
    elif any(term.inside for term in rule.subject):
        anything = scene.everything()
    else:
        anything = scene.workloads([Term(Kind.ANY)])
    granted = [(term, scene.ends([term])) for term in rule.others]
    by_grant: dict[tuple[Term, ...], dict[str, Side]] = {}
    for name, side in anything.items():
        if name not in subject:
            key = tuple(term for term, ends in granted if name in ends)
            by_grant.setdefault(key, {})[name] = side
    for terms, sources in by_grant.items():
        targets = Targets()
        for side in subject.values():
            targets.add(side, _rest(scene, side, rule.ports, [(term.ports, ~0) for term in terms]))
        yield Asked(sources, targets, subject)
