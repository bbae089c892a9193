"""The charter's rules, judged over all pairs: what is open that may not be, and what is closed that must not be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from console.governance.audit_turned import Change
from console.governance.charter import Rule, Verb
from console.governance.findings import Offence
from console.governance.rules_asked import Asked, Last, asked
from console.governance.rules_must import KeptMust, must
from console.governance.rules_pairs import Pair, Pairs, sweep, sweep_into, trail
from console.governance.rules_proof import Prover
from console.governance.rules_words import a_port, ports_words
from console.governance.scopes import Scene
from console.policy.verdict import Outcome

_NO_HOSTS: Final = "NetworkPolicy cannot tell host names apart"


@dataclass(frozen=True, slots=True)
class Judged:
    """What a rule found. `pairs` is how many were asked about, `kept` what its next judgement goes on from."""

    offences: tuple[Offence, ...]
    unknowns: tuple[Offence, ...]
    pairs: int
    kept: object = None

    def says(self, other: Judged) -> bool:
        """Whether it found the very same."""
        same = self.offences is other.offences and self.unknowns is other.unknowns
        return same and self.pairs == other.pairs


#: What is open, or may be, by the names of its ends.
_Told = dict[tuple[str, str], Offence]


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a ``never`` or an ``only`` asked, and what it found: what is open, and what may be."""

    asked: Mapping[object, Asked]
    sure: _Told
    maybe: _Told


def judge(rule: Rule, scene: Scene, prover: Prover, last: Judged | None = None, change: Change | None = None) -> Judged:
    """A rule, over all pairs. What was judged `last` of pairs that a change did not touch is told again."""
    if last is not None and change is not None and not _concerned(rule, change):
        return last
    if rule.verb is Verb.MUST:
        must_before = last.kept if last is not None and isinstance(last.kept, KeptMust) else None
        return Judged(*must(rule, scene, prover, must_before, change))
    before = last.kept if last is not None and not rule.chain else None
    found = Pairs()
    if not isinstance(before, _Kept) or change is None:
        everything = {each.key: each for each in asked(rule, scene)}
        for each in everything.values():
            sweep(scene, each.sources.values(), each.targets, found, chain=rule.chain)
        sure, maybe = _Told(), _Told()
    else:
        names = change.names
        everything = {each.key: each for each in asked(rule, scene, Last(before.asked, names))}
        for each in everything.values():
            _sweep_changed(scene, each, names, found)
        sure, maybe = (_untouched(told, names) for told in (before.sure, before.maybe))
    for key, pair in found.sure.items():
        sure[key] = _open(rule, scene, pair, prover, sure=True)
    for key, pair in found.maybe.items():
        if key not in found.sure:
            maybe[key] = _open(rule, scene, pair, prover, sure=False)
    pairs = sum(each.pairs for each in everything.values())
    kept = _Kept(everything, sure, maybe)
    if last is not None and isinstance(before, _Kept) and (sure, maybe) == (before.sure, before.maybe):
        return Judged(last.offences, last.unknowns, pairs, kept)
    return Judged(_in_order(sure), _in_order(maybe), pairs, kept)


def _untouched(told: _Told, names: frozenset[str]) -> _Told:
    return {key: offence for key, offence in told.items() if key[0] not in names and key[1] not in names}


def _concerned(rule: Rule, change: Change) -> bool:
    """Whether a change may have a part in anything that a rule asks."""
    if rule.chain:
        return not change.nothing or bool(change.rows)
    if rule.verb is Verb.ONLY and not rule.among:
        return bool(change.names)
    return change.concerns((*rule.subject, *rule.others, *rule.among))


def _sweep_changed(scene: Scene, each: Asked, names: frozenset[str], found: Pairs) -> None:
    """Add the pairs one end of which is among some workloads."""
    sweep(scene, [each.sources[name] for name in names & each.sources.keys()], each.targets, found)
    ends = [each.ends[name] for name in names & each.ends.keys()]
    if ends:
        beyond = [side for side in each.sources.values() if side.entry is None]
        sweep(scene, beyond, each.targets.only(ends), found)
        others = each.sources.keys() - names if names & each.sources.keys() else each.sources
        sweep_into(scene, {name: each.sources[name] for name in others}, each.targets, ends, found)


def _in_order(told: _Told) -> tuple[Offence, ...]:
    return tuple(map(told.__getitem__, sorted(told)))


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
