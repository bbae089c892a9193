"""Rules that say ``must``: an intended path that is blocked is an offence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from console.governance.audit_turned import Change
from console.governance.charter import Rule
from console.governance.charter_terms import Term
from console.governance.ends import Side
from console.governance.findings import Offence
from console.governance.rules_paths import Broken, Choices, Path, Ports, nearest, ports_wanted
from console.governance.rules_proof import Prover
from console.governance.scopes import Scene
from console.policy.model import Protocol
from console.policy.reach import bits
from console.policy.verdict import Outcome


@dataclass(frozen=True, slots=True)
class _Choice:
    """What one end found among alternatives: the offence, or whom it reaches; neither where nothing was asked."""

    offence: tuple[tuple[str, str], Offence] | None = None
    open: str = ""

    @property
    def asked(self) -> bool:
        """Whether there was anything to ask."""
        return bool(self.offence or self.open)


@dataclass(slots=True)
class _Term:
    """What one term of a rule came to.

    `wanted` are the ports of its destinations (None: it is not asked), `broken` the offences by
    pair, `choices` what each end found where one of several will do.
    """

    wanted: dict[str, Ports | None]
    asked: dict[str, Side]
    broken: dict[tuple[str, str], Offence] = field(default_factory=dict)
    choices: dict[str, _Choice] = field(default_factory=dict)
    count: int = 0


@dataclass(frozen=True, slots=True)
class KeptMust:
    """What a ``must`` found, term by term."""

    terms: tuple[_Term, ...]


def must(
    rule: Rule, scene: Scene, prover: Prover, last: KeptMust | None = None, change: Change | None = None
) -> tuple[tuple[Offence, ...], tuple[Offence, ...], int, KeptMust]:
    """The pairs that are blocked (for some of their pods, too), those that may be, and how many were asked about.

    A destination is asked on the ports it declares among those the rule names, and not at
    all where it declares none of them; where the rule names none, any port will do. Of
    those that are alternatives to each other (``one of``) the best is told. What was found
    `last` of ends that a change did not touch is told again.
    """
    judging = _Judging(rule, scene, prover, change.names if last is not None and change is not None else None)
    before = last.terms if last is not None else ()
    terms = tuple(
        judging.term(term, before[place] if place < len(before) else None) for place, term in enumerate(rule.others)
    )
    found: dict[tuple[str, str], Offence] = {}
    for each in terms:
        found.update(each.broken)
        found.update(choice.offence for choice in each.choices.values() if choice.offence is not None)
    told = [found[key] for key in sorted(found)]
    return (
        tuple(each for each in told if each.outcome is not Outcome.UNKNOWN),
        tuple(each for each in told if each.outcome is Outcome.UNKNOWN),
        sum(each.count for each in terms),
        KeptMust(terms),
    )


@dataclass(frozen=True, slots=True)
class _Judging:
    """One judgement of a rule. `names` are the workloads that a change has touched; None: any may be."""

    rule: Rule
    scene: Scene
    prover: Prover
    names: frozenset[str] | None

    def term(self, term: Term, before: _Term | None) -> _Term:
        """What a term comes to."""
        rule, scene, names = self.rule, self.scene, self.names
        subject, others = scene.ends(rule.subject), scene.ends([term])
        sides = others if rule.outward else subject
        kept = before.wanted if before is not None and names is not None else {}
        wanted = {
            name: kept[name]
            if names is not None and name in kept and name not in names
            else ports_wanted(scene, side, term.ports or rule.ports)
            for name, side in sides.items()
        }
        asked = {name: side for name, side in others.items() if not rule.outward or wanted[name] is not None}
        found = _Term(wanted, asked)
        if term.one:
            self._choices(found, before, subject)
        else:
            self._pairs(found, before, subject)
        return found

    def _pairs(self, found: _Term, before: _Term | None, subject: Mapping[str, Side]) -> None:
        """Every pair: of those that were judged before, the ones with an end that was touched."""
        names, wanted, others = self.names, found.wanted, found.asked
        ends = {name: side for name, side in subject.items() if self.rule.outward or wanted[name] is not None}
        found.count = len(ends) * len(others) - len(ends.keys() & others.keys())
        pairs: Iterable[tuple[Side, Side]]
        if before is None or names is None:
            pairs = ((one, other) for one in ends.values() for other in others.values())
        else:
            found.broken = {
                key: each for key, each in before.broken.items() if key[0] not in names and key[1] not in names
            }
            mine, theirs = names & ends.keys(), names & others.keys()
            pairs = [(ends[name], other) for name in mine for other in others.values()]
            pairs += [(one, others[name]) for name in theirs for one in ends.values() if one.name not in mine]
        for one, other in pairs:
            for path in _paths(self.rule, one, [other], wanted):
                broken = nearest(self.scene, Choices([path]))[1]
                if broken is not None:
                    found.broken[path.source.name, path.destination.name] = self._told(broken)

    def _choices(self, found: _Term, before: _Term | None, subject: Mapping[str, Side]) -> None:
        """The best of the alternatives that each end has."""
        names = self.names
        todo = dict(subject)
        if before is not None and names is not None:
            moved = not names.isdisjoint(before.asked) or not names.isdisjoint(found.asked)
            nearer = self._nearer(found, names) if moved and before.asked.keys() == found.asked.keys() else ~0
            for name, choice in before.choices.items():
                if name not in subject or name in names:
                    continue
                if (
                    choice.open not in names
                    if choice.open
                    else not moved or self._blocked(choice, subject[name], nearer)
                ):
                    found.choices[name] = choice
                    del todo[name]
        if todo and found.asked:
            several = _alternatives(
                self.rule, self.scene, list(todo.values()), list(found.asked.values()), found.wanted
            )
            for one, choices in zip(todo, several, strict=True):
                found.choices[one] = self._choice(one, choices, before.choices.get(one) if before is not None else None)
        else:
            found.choices.update(dict.fromkeys(todo, _Choice()))
        found.count = sum(choice.asked for choice in found.choices.values())

    def _nearer(self, found: _Term, names: frozenset[str]) -> int:
        """The classes of ends for which an alternative that was touched may be open."""
        scene, nearer = self.scene, 0
        for name in names & found.asked.keys():
            ports = 0
            for port in (found.wanted[name] if self.rule.outward else None) or ():
                ports |= scene.port(*port)
            for number in bits(found.asked[name].classes):
                if self.rule.outward:
                    nearer |= scene.column(number, ports or scene.reach.atoms.all, maybe=True)
                else:
                    nearer |= scene.reach.row(number, maybe=True)
        return nearer

    def _blocked(self, choice: _Choice, one: Side, nearer: int) -> bool:
        """Whether all alternatives are as closed as they were, and the same one is told."""
        if choice.offence is None or self.names is None or one.classes & nearer:
            return False
        return choice.offence[1].outcome is Outcome.BLOCKED and self.names.isdisjoint(choice.offence[0])

    def _choice(self, one: str, choices: Choices, before: _Choice | None) -> _Choice:
        path, broken = nearest(self.scene, choices)
        if broken is not None:
            known = before.offence if before is not None else None
            return _Choice(known if self._stands(known, broken) else (_ends(broken), self._told(broken)))
        if path is None:
            return _Choice()
        return _Choice(open=path.destination.name if path.source.name == one else path.source.name)

    def _stands(self, known: tuple[tuple[str, str], Offence] | None, broken: Broken) -> bool:
        """Whether what was told before is what would be told now: of the same ends, neither of which was touched."""
        _, outcome, at = broken
        if known is None or self.names is None or known[0] != _ends(broken) or not self.names.isdisjoint(known[0]):
            return False
        return known[1].outcome is outcome and (at is None or known[1].port == f"{at[1]}/{at[0].value}")

    def _told(self, broken: Broken) -> Offence:
        path, outcome, at = broken
        return _offence(self.scene, path, outcome, at, self.prover)


def _ends(broken: Broken) -> tuple[str, str]:
    return broken[0].source.name, broken[0].destination.name


def _paths(rule: Rule, one: Side, others: Iterable[Side], wanted: Mapping[str, Ports | None]) -> Iterator[Path]:
    for other in others:
        source, destination = (one, other) if rule.outward else (other, one)
        ports = wanted[destination.name]
        if ports is not None and source.name != destination.name:
            yield Path(source, destination, ports)


def _alternatives(
    rule: Rule, scene: Scene, subject: Sequence[Side], others: Sequence[Side], wanted: Mapping[str, Ports | None]
) -> Iterator[Choices]:
    """For each end the others of which one must be open; those of its own namespace are the likeliest."""
    near: dict[str, list[Side]] = {}
    classes = ports = 0
    for other in others:
        near.setdefault(_space(other), []).append(other)
        classes |= other.classes
        for port in wanted.get(other.name) or ():
            ports |= scene.port(*port)
    for one in subject:
        paths = _paths(rule, one, (*near.get(_space(one), ()), *others), wanted)
        yield Choices(paths, one, classes, ports) if rule.outward else Choices(paths)


def _space(side: Side) -> str:
    return side.name.partition("/")[0]


def _offence(scene: Scene, path: Path, outcome: Outcome, at: tuple[Protocol, int] | None, prover: Prover) -> Offence:
    source, destination, ports = path
    asked = at or next(iter(scene.declares(destination, next(bits(destination.classes)))), (Protocol.TCP, 443))
    a, b = _where(scene, source, destination, scene.port(*asked), outcome)
    proof = prover.prove(scene, source, a, destination, b, asked)
    where = "where the API server is cannot be told, and nothing outside gets in: " if source.vague else ""
    return Offence(
        source=source.ask,
        destination=destination.ask,
        port=f"{asked[1]}/{asked[0].value}",
        ports=", ".join(f"{number}/{protocol.value}" for protocol, number in ports) or "any port",
        outcome=outcome,
        why=where + proof.why,
        policies=proof.policies,
    )


def _where(scene: Scene, source: Side, destination: Side, ports: int, outcome: Outcome) -> tuple[int, int]:
    """Classes between which the path is not open."""
    reach = scene.reach
    maybe = outcome is not Outcome.UNKNOWN
    for a in bits(source.classes):
        closed = destination.classes & ~reach.row(a, ports, maybe=maybe) & ~reach.alone(a)
        if closed:
            return a, next(bits(closed))
    return next(bits(source.classes)), next(bits(destination.classes))
