"""The charter's rules, judged over all pairs: what is open that may not be, and what is closed that must not be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Before:
    """What a rule found in the last snapshot, and the workloads that a change has touched since."""

    judged: Judged
    touched: frozenset[str]

    def kept(self) -> dict[tuple[str, str], Offence]:
        """The offences between ends that were not touched, which stand as they were if they stand at all."""
        return {
            (each.source, each.destination): each
            for each in self.judged.offences
            if each.source not in self.touched and each.destination not in self.touched
        }


def judge(rule: Rule, scene: Scene, prover: Prover, before: Before | None = None) -> Judged:
    """A rule, over all pairs. What was told `before` of pairs that nothing touched is told again."""
    if rule.verb is Verb.MUST:
        return Judged(*must(rule, scene, prover))
    found, pairs = Pairs(), 0
    for each in asked(rule, scene):
        sweep(scene, each.sources.values(), each.targets, found, chain=rule.chain)
        pairs += each.pairs
    kept = before.kept() if before is not None and not rule.chain else {}
    offences = tuple(
        kept.get(_named(found.sure[key])) or _open(rule, scene, found.sure[key], prover, sure=True)
        for key in sorted(found.sure)
    )
    rest = sorted(found.maybe.keys() - found.sure.keys())
    unknowns = tuple(_open(rule, scene, found.maybe[key], prover, sure=False) for key in rest)
    return Judged(offences, unknowns, pairs)


def _named(pair: Pair) -> tuple[str, str]:
    """A pair as its offence names it."""
    return pair.source.ask, pair.destination.ask


def _open(rule: Rule, scene: Scene, pair: Pair, prover: Prover, *, sure: bool) -> Offence:
    source, destination, reach = pair.source, pair.destination, scene.reach
    between: tuple[int, ...] = ()
    a, b, meant = pair.open[0]
    last = a
    if rule.chain:
        between = trail(scene, a, b, meant, maybe=not sure)
        last = between[-1] if between else a
    here = reach.ports(last, b, maybe=not sure) & meant
    open_ = here
    for one, other, ports in () if rule.chain else pair.open[1:]:
        open_ |= reach.ports(one, other, maybe=not sure) & ports
    # What is told of the pair is told of classes that have the port.
    port = a_port(scene, destination, b, here, rule.ports)
    outcome = Outcome.ALLOWED if between else scene.outcome(source, destination, scene.port(*port))
    through = tuple(_member(scene, number) for number in between)
    proof = prover.prove(scene, scene.side_of(last) if between else source, last, destination, b, port, lets=sure)
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
        outcome=outcome if sure else Outcome.UNKNOWN,
        why=f"through {', '.join(through)}: {why}" if through else why,
        policies=proof.policies,
        through=through,
    )


def _member(scene: Scene, number: int) -> str:
    return scene.side_of(number).name


def _some(hosts: Iterable[str]) -> str:
    listed = list(dict.fromkeys(hosts))
    return ", ".join(listed[:2]) + (f" and {len(listed) - 2} more" if len(listed) > 2 else "")
