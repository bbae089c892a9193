"""Rules that say ``must``: an intended path that is blocked is an offence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console.governance.charter import Rule
from console.governance.charter_terms import PortTerm
from console.governance.findings import Offence
from console.governance.rules_asked import by_ports
from console.governance.rules_proof import Prover
from console.governance.scopes import Scene, Side
from console.policy.model import Protocol
from console.policy.reach import bits
from console.policy.verdict import Outcome

_WORST = (Outcome.BLOCKED, Outcome.PARTIAL, Outcome.UNKNOWN)


def must(rule: Rule, scenes: Sequence[Scene], prover: Prover) -> tuple[tuple[Offence, ...], tuple[Offence, ...], int]:
    """The pairs that are blocked (for some of their pods, too), those that may be, and how many were asked about.

    A destination is asked on the ports it declares among those the rule names, and not at
    all where it declares none of them; where the rule names none, any port will do.
    """
    found: dict[tuple[str, str], Offence] = {}
    pairs = 0
    for scene in scenes:
        count = 0
        for source, destination, ports in _asked(rule, scene):
            count += 1
            offence = _blocked(scene, source, destination, ports, prover)
            key = source.name, destination.name
            if offence is not None and (key not in found or _worse(offence, found[key])):
                found[key] = offence
        pairs = max(pairs, count)
    offences = tuple(found[key] for key in sorted(found) if found[key].outcome is not Outcome.UNKNOWN)
    unknowns = tuple(found[key] for key in sorted(found) if found[key].outcome is Outcome.UNKNOWN)
    return offences, unknowns, pairs


def _worse(one: Offence, other: Offence) -> bool:
    return _WORST.index(one.outcome) < _WORST.index(other.outcome)


#: The ports that have to be open, each by itself; none: any will do.
_Ports = list[tuple[Protocol, int]]


def _asked(rule: Rule, scene: Scene) -> Iterator[tuple[Side, Side, _Ports]]:
    subject = scene.ends(rule.subject)
    for ports, terms in by_ports(rule.others, rule.ports).items():
        others = scene.ends(terms)
        sources, destinations = (subject, others) if rule.outward else (others, subject)
        for destination in destinations.values():
            wanted = _wanted(scene, destination, ports)
            if wanted is None:
                continue
            for source in sources.values():
                if source.name != destination.name:
                    yield source, destination, wanted


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


def _blocked(scene: Scene, source: Side, destination: Side, ports: _Ports, prover: Prover) -> Offence | None:
    reach = scene.reach
    worst: Outcome | None = None
    at: tuple[Protocol, int] | None = None
    for port in ports or (None,):
        outcome = _outcome(scene, source, destination, reach.port(*port) if port else None)
        if outcome in _WORST and (worst is None or _WORST.index(outcome) < _WORST.index(worst)):
            worst, at = outcome, port
    if worst is None:
        return None
    asked = at or next(iter(scene.declares(destination, next(bits(destination.classes)))), (Protocol.TCP, 443))
    a, b = _where(scene, source, destination, reach.port(*asked), worst)
    proof = prover.prove(scene, source, a, destination, b, asked)
    where = "where the API server is cannot be told, and nothing outside gets in: " if source.vague else ""
    return Offence(
        source=source.ask,
        destination=destination.ask,
        port=f"{asked[1]}/{asked[0].value}",
        ports=", ".join(f"{number}/{protocol.value}" for protocol, number in ports) or "any port",
        outcome=worst,
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
