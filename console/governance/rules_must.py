"""Rules that say ``must``: an intended path that is blocked is an offence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from console.governance.charter import Rule
from console.governance.charter_terms import PortTerm
from console.governance.findings import Offence
from console.governance.rules_proof import Prover
from console.governance.scopes import Scene, Side
from console.policy.model import Protocol
from console.policy.reach import bits
from console.policy.verdict import Outcome

_WORST = (Outcome.BLOCKED, Outcome.PARTIAL, Outcome.UNKNOWN)


def must(rule: Rule, scene: Scene, prover: Prover) -> tuple[tuple[Offence, ...], tuple[Offence, ...], int]:
    """The pairs that are blocked (for some of their pods, too), those that may be, and how many were asked about.

    A destination is asked on the ports it declares among those the rule names, and not at
    all where it declares none of them; where the rule names none, any port will do. Of
    those that are alternatives to each other (``one of``) the best is told.
    """
    found: dict[tuple[str, str], Offence] = {}
    count = 0
    for choices in _asked(rule, scene):
        asked, best = _best(scene, choices)
        count += asked
        if best is not None:
            path, outcome, at = best
            found[path.source.name, path.destination.name] = _offence(scene, path, outcome, at, prover)
    told = [found[key] for key in sorted(found)]
    return (
        tuple(each for each in told if each.outcome is not Outcome.UNKNOWN),
        tuple(each for each in told if each.outcome is Outcome.UNKNOWN),
        count,
    )


def _worse(one: Outcome, other: Outcome) -> bool:
    return _WORST.index(one) < _WORST.index(other)


#: The ports that have to be open, each by itself; none: any will do.
_Ports = list[tuple[Protocol, int]]


class _Path(NamedTuple):
    source: Side
    destination: Side
    ports: _Ports


class _Choices(NamedTuple):
    """Paths of which one must be open, the likeliest first.

    All of them lead from one end to some of `classes` on some of `ports`, where those are set.
    """

    paths: Iterable[_Path]
    source: Side | None = None
    classes: int = 0
    ports: int = 0


def _asked(rule: Rule, scene: Scene) -> Iterator[_Choices]:
    subject = scene.ends(rule.subject)
    for term in rule.others:
        others = scene.ends([term])
        wanted = {
            side.name: _wanted(scene, side, term.ports or rule.ports)
            for side in (others if rule.outward else subject).values()
        }
        asked = [side for side in others.values() if not rule.outward or wanted[side.name] is not None]
        if not term.one:
            yield from (_Choices([path]) for one in subject.values() for path in _paths(rule, one, asked, wanted))
        elif asked:
            yield from _alternatives(rule, scene, list(subject.values()), asked, wanted)


def _paths(rule: Rule, one: Side, others: Iterable[Side], wanted: Mapping[str, _Ports | None]) -> Iterator[_Path]:
    for other in others:
        source, destination = (one, other) if rule.outward else (other, one)
        ports = wanted[destination.name]
        if ports is not None and source.name != destination.name:
            yield _Path(source, destination, ports)


def _alternatives(
    rule: Rule, scene: Scene, subject: Sequence[Side], others: Sequence[Side], wanted: Mapping[str, _Ports | None]
) -> Iterator[_Choices]:
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
        yield _Choices(paths, one, classes, ports) if rule.outward else _Choices(paths)


def _space(side: Side) -> str:
    return side.name.partition("/")[0]


#: A path that is not open, how it stands, and the port on which it is worst (None: any).
_Broken = tuple[_Path, Outcome, tuple[Protocol, int] | None]


def _best(scene: Scene, choices: _Choices) -> tuple[bool, _Broken | None]:
    """Whether anything was asked, and the nearest of several paths that are not open; None where one of them is."""
    best: _Broken | None = None
    shut = _shut(scene, choices)
    for path in choices.paths:
        if shut:
            return True, (path, Outcome.BLOCKED, path.ports[0])
        outcome, at = _judged(scene, path)
        if outcome is None:
            return True, None
        if best is None or _worse(best[1], outcome):
            best = path, outcome, at
    return best is not None, best


def _shut(scene: Scene, choices: _Choices) -> bool:
    """Whether nothing at all is open on several paths from one end: asked of all of them at once."""
    if choices.source is None or not choices.ports:
        return False
    reach, ports, classes = scene.reach, choices.ports, choices.classes
    return not any(reach.row(a, ports, maybe=True) & classes for a in bits(choices.source.classes))


def _wanted(scene: Scene, side: Side, ports: Sequence[PortTerm]) -> _Ports | None:
    """The ports to ask a destination for; None where it declares ports, and none of those that are meant."""
    if not ports:
        return []
    found: dict[tuple[Protocol, int], None] = {}
    declared = [port for number in bits(side.classes) for port in scene.named(side, number)]
    for port in ports:
        for protocol, number, name in declared:
            meant = port.name == name if port.name else port.low <= number <= port.high
            if meant and port.protocol in (None, protocol):
                found[protocol, number] = None
    if not found and not declared:
        found.update({(port.protocol or Protocol.TCP, port.low): None for port in ports if not port.name})
    return list(found) or None


def _judged(scene: Scene, path: _Path) -> tuple[Outcome | None, tuple[Protocol, int] | None]:
    """The worst that is said of a path on any of its ports, and that port; None where all are open."""
    worst: Outcome | None = None
    at: tuple[Protocol, int] | None = None
    for port in path.ports or (None,):
        outcome = _outcome(scene, path.source, path.destination, scene.port(*port) if port else None)
        if outcome in _WORST and (worst is None or _worse(outcome, worst)):
            worst, at = outcome, port
    return worst, at


def _offence(scene: Scene, path: _Path, outcome: Outcome, at: tuple[Protocol, int] | None, prover: Prover) -> Offence:
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


def _outcome(scene: Scene, source: Side, destination: Side, ports: int | None) -> Outcome | None:
    found = scene.reach.outcome(source.classes, destination.classes, ports)
    vague = source.vague or destination.vague
    return Outcome.UNKNOWN if vague and found is Outcome.PARTIAL else found


def _where(scene: Scene, source: Side, destination: Side, ports: int, outcome: Outcome) -> tuple[int, int]:
    """Classes between which the path is not open."""
    reach = scene.reach
    maybe = outcome is not Outcome.UNKNOWN
    for a in bits(source.classes):
        closed = destination.classes & ~reach.row(a, ports, maybe=maybe) & ~reach.alone(a)
        if closed:
            return a, next(bits(closed))
    return next(bits(source.classes)), next(bits(destination.classes))
