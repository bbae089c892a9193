"""Why a path is open or blocked, in a line, and the policies that decide.

Where NetworkPolicies alone decide and all of them could be read, this is told from the
sets of classes that their rules match; everything else is asked of the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from console.governance.ends import Side
from console.governance.scopes import Scene
from console.objects.core import ContainerPort
from console.objects.meta import ObjectRef
from console.policy.engine import Engine
from console.policy.model import CidrPeer, Direction, PodPeer, Policy, PortMatch, Protocol, Tier
from console.policy.reach import Reachability
from console.policy.trace import DirectionTrace, Ground
from console.policy.universe import PodClass
from console.policy.verdict import Case, Connection, Outcome

#: A port of the destination.
Port = tuple[Protocol, int]


class Proof(NamedTuple):
    """What a path rests on."""

    why: str
    policies: tuple[ObjectRef, ...]


@dataclass(frozen=True, slots=True)
class _Said:
    """One direction: whether it is open, on what ground, and the policies that say so (or that isolate)."""

    direction: Direction
    open: bool | None
    ground: Ground
    policies: tuple[ObjectRef, ...]
    isolated: bool = False
    doubt: str = ""

    def words(self) -> str:
        """In a few words; ``""`` where there is nothing to say."""
        side = self.direction.value
        names = ", ".join(map(str, self.policies)) or "nothing that is known"
        if self.open is None:
            return f"{side} cannot be known: {self.doubt}"
        if self.open is False:
            if not self.isolated:
                return f"{side} is denied by {names}"
            return f"{side} is isolated by {names}, and no rule lets it {'out' if side == 'egress' else 'in'}"
        if self.ground is Ground.DEFAULT:
            return f"no policy governs its {side}"
        if self.ground is Ground.POLICY:
            return f"{side} is opened by {names}"
        if self.ground is Ground.HOST_NETWORK:
            return f"it is on its node's network, where no policy governs its {side}"
        return ""


class Prover:
    """Proves paths of one snapshot; what policies cannot tell apart is worked out once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[tuple[object, ...], Proof] = {}
        #: Whether everything is known, so that sets of classes tell all.
        self._plain = (
            not engine.gaps
            and engine.modes.ingress_ipblock_matches_pods
            and all(held.namespace.labels_known for held in engine.snapshot.contents.values())
        )
        self._isolating: dict[tuple[int, Direction], list[Policy]] = {}
        self._networked: dict[int, bool] = {}
        self._rules: dict[tuple[int, Direction, int], list[tuple[int, tuple[PortMatch, ...] | None]]] = {}

    def prove(
        self, scene: Scene, source: Side, a: int, destination: Side, b: int, port: Port, *, lets: bool = False
    ) -> Proof:
        """What the path from a class of `source` to a class of `destination` rests on, on a port of the latter.

        `lets`: where address families differ, what lets it through is told, else what may or does not.
        """
        reach = scene.reach
        key = a, b, port, lets
        if key not in self._known:
            holding = reach.universe.holding
            over = [family for family in reach.families if holding[family] >> a & holding[family] >> b & 1]
            if over and self._plain and a != b and self._by_networks(reach, a) and self._by_networks(reach, b):
                ports = scene.container_ports(destination, b)
                either = [self._both(reach, family, a, b, port, ports) for family in over]
                said = next((each for each in either if lets and all(one.open for one in each)), either[0])
            else:
                connection = Connection(scene.end(source, a), scene.end(destination, b), *port)
                cases = self._engine.cases(connection)
                meant = Outcome.ALLOWED if lets else Outcome.UNKNOWN
                said = tuple(_asked(next((case for case in cases if case.outcome is meant), cases[0])))
            self._known[key] = _proof(said)
        return self._known[key]

    def _both(
        self, reach: Reachability, family: int, a: int, b: int, port: Port, ports: Iterable[ContainerPort]
    ) -> tuple[_Said, ...]:
        return (
            self._direction(reach, family, Direction.EGRESS, a, b, port, ports),
            self._direction(reach, family, Direction.INGRESS, b, a, port, ports),
        )

    def _by_networks(self, reach: Reachability, number: int) -> bool:
        """Whether NetworkPolicies alone govern a class."""
        if number not in self._networked:
            policies = reach.selecting(number)
            self._networked[number] = all(policy.tier is Tier.NETWORK_POLICY for policy in policies)
        return self._networked[number]

    def _direction(
        self,
        reach: Reachability,
        family: int,
        direction: Direction,
        subject: int,
        peer: int,
        port: Port,
        ports: Iterable[ContainerPort],
    ) -> _Said:
        held = reach.member(subject)
        if not isinstance(held, PodClass):
            return _Said(direction, True, Ground.OUTSIDE, ())
        if held.host:
            return _Said(direction, True, Ground.HOST_NETWORK, ())
        isolating = self._isolating.get((subject, direction))
        if isolating is None:
            isolating = [policy for policy in reach.selecting(subject) if policy.rules(direction) is not None]
            self._isolating[subject, direction] = isolating
        if not isolating:
            return _Said(direction, True, Ground.DEFAULT, ())
        letting = tuple(each.ref for each in isolating if self._lets(reach, family, each, direction, peer, port, ports))
        if letting:
            return _Said(direction, True, Ground.POLICY, letting)
        return _Said(direction, False, Ground.POLICY, tuple(each.ref for each in isolating), isolated=True)

    def _lets(
        self,
        reach: Reachability,
        family: int,
        policy: Policy,
        direction: Direction,
        peer: int,
        port: Port,
        ports: Iterable[ContainerPort],
    ) -> bool:
        key = id(policy), direction, family
        if key not in self._rules:
            rules = policy.rules(direction) or ()
            self._rules[key] = [(_peers(reach, family, rule.peers), rule.ports) for rule in rules]
        return any(
            peers >> peer & 1 and (matches is None or any(_on(match, port, ports) for match in matches))
            for peers, matches in self._rules[key]
        )


def _peers(reach: Reachability, family: int, peers: Iterable[object] | None) -> int:
    universe = reach.universe
    if peers is None:
        return universe.all
    found = 0
    for peer in peers:
        if isinstance(peer, PodPeer):
            found |= universe.selected(peer.namespaces, peer.pods, peer.home)[0]
        elif isinstance(peer, CidrPeer) and peer.network.version == family:
            found |= universe.of_network(peer)
    return found


def _on(match: PortMatch, port: Port, declared: Iterable[ContainerPort]) -> bool:
    if match.protocol not in (None, port[0]):
        return False
    if match.name:
        return any((each.name, each.port, each.protocol) == (match.name, port[1], port[0].value) for each in declared)
    return match.low is None or match.high is None or match.low <= port[1] <= match.high


def _proof(said: Iterable[_Said]) -> Proof:
    told = list(said)
    if any(each.open is not True for each in told):
        told = [each for each in told if each.open is not True]  # what lets through does not matter then
    policies = dict.fromkeys(ref for each in told for ref in each.policies)
    return Proof("; ".join(words for each in told if (words := each.words())), tuple(policies))


def _asked(case: Case) -> Iterator[_Said]:
    """A case as the engine tells it."""
    for trace in case.directions():
        deciding = tuple(policy.ref for policy in trace.deciders)
        isolated = trace.allowed is False and not deciding
        yield _Said(
            trace.direction,
            trace.allowed,
            trace.ground,
            trace.isolated_by if isolated else deciding,
            isolated=isolated,
            doubt=_doubt(trace) if trace.allowed is None else "",
        )


def _doubt(trace: DirectionTrace) -> str:
    return trace.gaps[0].why if trace.gaps else "a rule that may match, and need not, decides"
