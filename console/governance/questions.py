"""The single questions an audit's answers rest on, as `simulate` takes them: for evidence, with every trace."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from console.governance.charter import Charter, Rule, Verb
from console.governance.findings import Audit, Offence
from console.governance.rules_asked import asked
from console.governance.rules_words import a_port
from console.governance.scopes import Scene
from console.policy.reach import bits


class Question(NamedTuple):
    """May `source` open a connection to `port` of `destination`? In the words of `simulate`."""

    source: str
    destination: str
    port: str


class Asking(NamedTuple):
    """The questions of a rule. `left` is how many pairs there are beyond these."""

    rule: str
    questions: tuple[Question, ...]
    left: int


def questions(audit: Audit, charter: Charter, scene: Scene, *, most: int) -> Iterator[Asking]:
    """Per rule: what it found, and of a ``never`` or ``only`` the pairs it found closed; at most `most` of each.

    A closed pair is asked on one of the ports that are meant: the one that the
    destination declares, where it declares any.
    """
    rules = {rule.name: rule for rule in charter.rules}
    for result in audit.rules:
        told = [*result.offences, *result.unknowns, *(each for each, _ in result.excepted)]
        found = dict.fromkeys(map(_of, told))
        rule = rules.get(result.name)
        if rule is None or rule.verb is Verb.MUST:
            yield Asking(result.name, (*islice(found, most),), max(len(found) - most, 0))
            continue
        # Pairs are many (a million in a large cluster) and each asks for a port: no more are made than are taken.
        fresh = (each for each in _asked(rule, scene) if each not in found)
        closed = dict.fromkeys(islice(fresh, most))
        left = max(result.pairs - min(len(found), most) - len(closed), 0)
        yield Asking(result.name, (*islice(found, most), *closed), left)


def _of(offence: Offence) -> Question:
    return Question(offence.through[-1] if offence.through else offence.source, offence.destination, offence.port)


def _asked(rule: Rule, scene: Scene) -> Iterator[Question]:
    for each in asked(rule, scene):
        meant: dict[str, tuple[int, int]] = {}
        for ports, classes in each.targets.classes.items():
            for number in bits(classes):
                for side in each.targets.of(ports, number):
                    meant.setdefault(side.name, (number, ports))
        for side, ports in each.targets.hosts:
            if side.classes:
                meant.setdefault(side.name, (next(bits(side.classes)), ports))
        for source in each.sources.values():
            for name, (number, ports) in meant.items():
                if name != source.name and ports:
                    protocol, port = a_port(scene, each.ends[name], number, ports, rule.ports)
                    yield Question(source.ask, each.ends[name].ask, f"{port}/{protocol.value}")
