"""What a rule asks: sources, and targets that none of them may reach on the ports that are meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from console.governance.charter import Rule, Verb
from console.governance.charter_terms import Kind, PortTerm, Term
from console.governance.ends import Side
from console.governance.rules_pairs import Targets
from console.governance.scopes import Scene
from console.policy.universe import INTERNET, METADATA, PRIVATE


@dataclass(frozen=True, slots=True)
class Asked:
    """Sources and targets. `ends` are whose the targets are; `key` tells it from what else the rule asks.

    `terms` are what grants the sources something.
    """

    key: object
    sources: dict[str, Side]
    targets: Targets
    ends: dict[str, Side]
    terms: tuple[Term, ...] = ()

    @property
    def pairs(self) -> int:
        """How many pairs are asked about."""
        return len(self.sources) * len(self.ends) - len(self.sources.keys() & self.ends.keys())


@dataclass(frozen=True, slots=True)
class Last:
    """What a rule asked of the last scene, and the workloads that a change has touched since."""

    asked: Mapping[object, Asked]
    names: frozenset[str]


#: Ends, with the ports that are meant of each.
_Meant = tuple[dict[str, Side], Callable[[Side], Callable[[int], int]]]


def asked(rule: Rule, scene: Scene, last: Last | None = None) -> Iterator[Asked]:
    """What a ``never`` or an ``only`` asks in a scene; of `last` what was not touched is kept."""
    if rule.verb is Verb.ONLY:
        yield from _only_from(rule, scene, last) if rule.outward else _only_to(rule, scene, last)
    elif rule.outward:
        meant = [
            (scene.ends(terms), partial(_meant, scene, ports))
            for ports, terms in by_ports(rule.others, rule.ports).items()
        ]
        ends = {name: side for each, _ in meant for name, side in each.items()}
        yield Asked(None, scene.ends(rule.subject), _targets(meant, None, last), ends)
    else:
        for ports, terms in by_ports(rule.others, rule.ports).items():
            ends = scene.ends(rule.subject)
            targets = _targets([(ends, partial(_meant, scene, ports))], ports, last)
            yield Asked(ports, scene.ends(terms), targets, ends)


def _targets(meant: Sequence[_Meant], key: object, last: Last | None) -> Targets:
    """The targets that ends come to on their ports; those of `last` but for what was touched."""
    before = last.asked.get(key) if last is not None else None
    if last is None or before is None:
        targets = Targets()
        for ends, ports_of in meant:
            for side in ends.values():
                targets.add(side, ports_of(side))
        return targets
    targets = before.targets.without(last.names)
    for ends, ports_of in meant:
        for name in last.names & ends.keys():
            targets.add(ends[name], ports_of(ends[name]))
    return targets


def by_ports(terms: Iterable[Term], ports: tuple[PortTerm, ...]) -> dict[tuple[PortTerm, ...], list[Term]]:
    """Terms by their ports, which are the rule's where they have none of their own."""
    found: dict[tuple[PortTerm, ...], list[Term]] = {}
    for term in terms:
        found.setdefault(term.ports or ports, []).append(term)
    return found


def _meant(scene: Scene, ports: tuple[PortTerm, ...], side: Side) -> Callable[[int], int]:
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


def _only_from(rule: Rule, scene: Scene, last: Last | None) -> Iterator[Asked]:
    subject = scene.ends(rule.subject)
    anything = scene.ends(rule.among) if rule.among else scene.everything(beyond=(INTERNET, METADATA, PRIVATE))
    places: list[_Grant] = []
    hosts: tuple[str, ...] = ()
    for term in rule.others:
        for side in scene.outside(term):
            hosts += side.hosts
            if not side.hosts:
                places.append((term.ports, side.classes))
    inside = [(term, scene.workloads([term])) for term in rule.others]
    ends = {name: side for name, side in anything.items() if name not in subject}
    if hosts and INTERNET in ends:
        # Where hosts of the internet are granted by name, only all of it is surely more than that.
        ends[INTERNET] = replace(ends[INTERNET], hosts=hosts)

    def rest(side: Side) -> Callable[[int], int]:
        granted = [(term.ports, ~0) for term, members in inside if side.name in members] if side.entry else places
        return _rest(scene, side, rule.ports, granted)

    yield Asked(None, subject, _targets([(ends, rest)], None, last), ends)


def _only_to(rule: Rule, scene: Scene, last: Last | None) -> Iterator[Asked]:
    subject = scene.ends(rule.subject)
    if rule.among:
        anything = scene.ends(rule.among)
    elif any(term.inside for term in rule.subject):
        anything = scene.everything()
    else:
        anything = dict(scene.workloads([Term(Kind.ANY)]))
    granted = [(term, scene.ends([term])) for term in rule.others]
    by_grant: dict[tuple[Term, ...], dict[str, Side]] = {}
    names: Iterable[str] = anything
    if last is not None:
        by_grant = {
            before.terms: {name: side for name, side in before.sources.items() if name not in last.names}
            for before in last.asked.values()
        }
        names = last.names & anything.keys()
    for name in names:
        if name not in subject:
            terms = tuple(term for term, ends in granted if name in ends)
            by_grant.setdefault(terms, {})[name] = anything[name]
    for terms, sources in by_grant.items():
        grants: list[_Grant] = [(term.ports, ~0) for term in terms]
        rest = partial(_granting, scene, rule.ports, grants)
        yield Asked(terms, sources, _targets([(subject, rest)], terms, last), subject, terms)


def _granting(scene: Scene, ports: tuple[PortTerm, ...], grants: list[_Grant], side: Side) -> Callable[[int], int]:
    return _rest(scene, side, ports, grants)
