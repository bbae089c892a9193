"""The charter's rules, judged over all pairs: what is open that may not be, and what is closed that must not be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Final

from console.governance.charter import Rule, Verb
from console.governance.findings import Offence
from console.governance.rules_asked import asked
from console.governance.rules_must import must
from console.governance.rules_pairs import Pair, Pairs, sweep, trail
from console.governance.rules_proof import Prover
from console.governance.rules_words import a_port, ports_words
from console.governance.scopes import Scene
from console.policy.verdict import Outcome

_NO_HOSTS: Final = "NetworkPolicy cannot tell host names apart"


@dataclass(frozen=True, slots=True)
class Judged:
    """What a rule found. `pairs` is how many were asked about."""

    offences: tuple[Offence, ...]
    unknowns: tuple[Offence, ...]
    pairs: int


def judge(rule: Rule, scenes: Sequence[Scene], prover: Prover) -> Judged:
    """A rule, in every address family the pods have."""
    if rule.verb is Verb.MUST:
        return Judged(*must(rule, scenes, prover))
    sure: dict[tuple[str, str], list[Pair]] = {}
    maybe: dict[tuple[str, str], list[Pair]] = {}
    pairs = 0
    for scene in scenes:
        found, count = Pairs(), 0
        for each in asked(rule, scene):
            sweep(scene, each.sources.values(), each.targets, found, chain=rule.chain)
            count += each.pairs
        pairs = max(pairs, count)
        for into, held in ((sure, found.sure), (maybe, found.maybe)):
            for key, pair in held.items():
                into.setdefault(key, []).append(pair)

    def families(key: tuple[str, str]) -> int:
        return sum(1 for scene in scenes if scene.holds(key[0]) and scene.holds(key[1]))

    offences = tuple(_open(rule, sure[key], prover, families(key), sure=True) for key in sorted(sure))
    rest = sorted(maybe.keys() - sure.keys())
    unknowns = tuple(_open(rule, maybe[key], prover, families(key), sure=False) for key in rest)
    return Judged(offences, unknowns, pairs)


def _open(rule: Rule, pairs: Sequence[Pair], prover: Prover, families: int, *, sure: bool) -> Offence:
    """The pair in every family in which it is open; what is told of it is told of the first."""
    pair = pairs[0]
    scene, source, destination = pair.scene, pair.source, pair.destination
    reach = scene.reach
    between: tuple[int, ...] = ()
    a, b, meant = pair.open[0]
    last = a
    if rule.chain:
        between = trail(scene, a, b, meant, maybe=not sure)
        last = between[-1] if between else a
        open_ = reach.ports(last, b, maybe=not sure) & meant
    else:
        open_ = reduce(or_, (reach.ports(one, other, maybe=not sure) & ports for one, other, ports in pair.open))
        # What is told of the pair is told of classes that have the port.
    port = a_port(scene, destination, b, reach.ports(last, b, maybe=not sure) & meant, rule.ports)
    asked_port = reach.port(*port)
    outcome = reach.outcome(source.classes, destination.classes, asked_port) if not between else Outcome.ALLOWED
    if sure and len(pairs) < families:
        outcome = Outcome.PARTIAL  # in one address family only
    through = tuple(_member(scene, number) for number in between)
    hop = scene.side_of(between[-1]) if between else source
    proof = prover.prove(scene, hop, last, destination, b, port)
    why = proof.why
    if destination.hosts and not sure:
        why = f"{_NO_HOSTS}: some of the internet is open, and it cannot be told what of {_some(destination.hosts)}"
    elif destination.hosts:
        why = f"the whole internet is open, {_some(destination.hosts)} with it; {why}"
    return Offence(
        source=source.ask,
        destination=destination.ask,
        port=f"{port[1]}/{port[0].value}",
        ports=ports_words(scene, open_, rule.ports),
        outcome=(outcome or Outcome.ALLOWED) if sure else Outcome.UNKNOWN,
        why=f"through {', '.join(through)}: {why}" if through else why,
        policies=proof.policies,
        through=through,
    )


def _member(scene: Scene, number: int) -> str:
    return scene.side_of(number).name


def _some(hosts: Iterable[str]) -> str:
    listed = list(dict.fromkeys(hosts))
    return ", ".join(listed[:2]) + (f" and {len(listed) - 2} more" if len(listed) > 2 else "")
