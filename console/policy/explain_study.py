"""What the findings about a policy are made from: its parts with what they match, and the policies around it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import and_, or_

from console.objects.core import Pod
from console.objects.meta import ObjectRef
from console.policy.engine import Engine
from console.policy.explain_cover import Shape
from console.policy.explain_index import Rules
from console.policy.explain_model import DirectionView, Members, PeerView, PortView, RuleView
from console.policy.explain_pods import Declared, Population
from console.policy.match import selects
from console.policy.model import CidrPeer, Direction, NodePeer, Peer, PodPeer, Policy, PortMatch, Rule, Tier


@dataclass(frozen=True, slots=True)
class Around:
    """The other policies over the pods that a policy, `ref`, selects.

    `classes` are pods that the same policies select, with these, the one itself among
    them. Nothing is worked out of them before it is asked for: of many policies over the same pods each
    is studied, and each has all of the others around it.
    """

    ref: ObjectRef
    classes: tuple[tuple[tuple[Pod, ...], tuple[Policy, ...]], ...]

    @classmethod
    def of(cls, engine: Engine, policy: Policy, pods: Iterable[Pod], population: Population) -> Around:
        """The policies around one. Pods that no subject can tell apart were asked about once."""
        alike: dict[int, tuple[tuple[Policy, ...], list[Pod]]] = {}
        for pod in pods:
            selecting = population.selecting(pod, engine)
            alike.setdefault(id(selecting), (selecting, []))[1].append(pod)
        return cls(policy.ref, tuple((tuple(members), selecting) for selecting, members in alike.values()))

    def governing(self, direction: Direction) -> list[Policy]:
        """Those that govern a direction, in the order in which they are asked."""
        found = {
            each.ref: each
            for _, selecting in self.classes
            for each in selecting
            if each.ref != self.ref and each.rules(direction) is not None
        }
        return sorted(found.values(), key=lambda each: (each.tier, each.priority, each.ref))

    def over_all(self) -> set[ObjectRef]:
        """Those that select every one of the pods."""
        refs = [{each.ref for each in selecting} for _, selecting in self.classes]
        return set.intersection(*refs) - {self.ref} if refs else set()

    def ungoverned(self, direction: Direction) -> list[Pod]:
        """The pods that no other NetworkPolicy isolates in a direction."""

        def isolates(other: Policy) -> bool:
            return other.tier is Tier.NETWORK_POLICY and other.rules(direction) is not None and other.ref != self.ref

        return [pod for members, selecting in self.classes if not any(map(isolates, selecting)) for pod in members]


@dataclass(frozen=True, slots=True)
class Study:
    """One policy under study."""

    engine: Engine
    policy: Policy
    selected: Members
    population: Population
    around: Around
    directions: tuple[DirectionView, ...]

    @classmethod
    def of(cls, engine: Engine, policy: Policy, population: Population) -> Study:
        """Study a policy; `population` must be told apart by the labels it asks for, and may be shared."""
        subject = policy.subject
        selected = population.members(subject.namespaces, subject.home, subject.pods)
        around = Around.of(engine, policy, selected.pods, population)
        views = (
            _direction_view(engine, policy, direction, selected, population)
            for direction in (Direction.INGRESS, Direction.EGRESS)
        )
        return cls(engine, policy, selected, population, around, tuple(view for view in views if view is not None))

    def destinations(self, direction: Direction, view: RuleView) -> Members:
        """The pods on which the ports of a rule are met, and whether all of them are known."""
        return self.selected if direction is Direction.INGRESS else _reached(self.population, view.peers)

    def company(self, view: DirectionView) -> DirectionView:
        """A direction with the other policies over any of the same pods there."""
        order = (self.policy.tier, self.policy.priority)
        others = [(each.ref, (each.tier, each.priority)) for each in self.around.governing(view.direction)]
        ahead = tuple(ref for ref, place in others if place < order)
        return replace(view, ahead=ahead, beside=tuple(ref for ref, place in others if place == order))

    def rivals(self, direction: Direction, rule: Rule, gone: Collection[int] = ()) -> Rivals:
        """The rules that could make another do nothing: those that are asked no later and select the same pods.

        The rules of the same policy that are `gone` already are none.
        """
        policy = self.policy
        additive = policy.tier is Tier.NETWORK_POLICY
        rules = self.population.rules(self.engine, policy, direction)
        own = rules.of(policy.ref)
        this = rules.one(policy.ref, rule.index)
        beside = own & ~this if additive else own & (this - 1)
        for index in gone:
            beside &= ~rules.one(policy.ref, index)
        others = ~own if additive else rules.before(policy.priority) & ~own
        return Rivals(self, rules, rule.ports, beside, others)


@dataclass(frozen=True, slots=True)
class Cover:
    """A rule that covers another, or a part of it; `ever` is false where that holds of the pods there are now only."""

    ref: ObjectRef
    rule: Rule
    ever: bool


class Rivals:
    """The rules that may cover a rule on some ports: sets of `rules`, of the same policy and of others."""

    def __init__(self, study: Study, rules: Rules, ports: Sequence[PortMatch] | None, beside: int, others: int) -> None:
        self._study = study
        self._rules = rules
        self._beside = beside
        self._others = others
        self._ever = rules.selecting(study.policy)
        held = [rules.any_port] if ports is None else [rules.holding(each) for each in ports]
        self._ports = dict.fromkeys(held)

    def covering(self, peers: Sequence[Shape] | None) -> tuple[Cover, ...]:
        """The rules that together match all that some peers on the ports do, the fewest found.

        None where that is not proven. Rules of the same policy are named rather than others.
        """
        named = [self._rules.any_peer] if peers is None else [self._rules.naming(each) for each in peers]
        parts = [[each & ports for each in dict.fromkeys(named)] for ports in self._ports]
        alone = reduce(and_, (each for several in parts for each in several), -1)
        first = self._first(alone)
        if first is not None:
            return (self._cover(first),)
        used: set[int] = set()
        for each in (each for several in parts for each in several):
            found = self._first(each)
            if found is None:
                return ()
            used.add(found)
        return tuple(self._cover(each) for each in sorted(used, key=lambda each: (not self._beside >> each & 1, each)))

    def _first(self, rules: int) -> int | None:
        """The first of some rules that can be asked at all."""
        found = rules & self._beside
        if not found:
            others = rules & self._others
            found = others & self._ever if not others & ~self._ever else others & (self._ever | self._now)
        return (found & -found).bit_length() - 1 if found else None

    @cached_property
    def _now(self) -> int:
        """The rules of policies that select all of the pods that are selected now."""
        others = self._study.around.over_all() if self._study.selected.certain else set()
        return reduce(or_, map(self._rules.of, others), 0)

    def _cover(self, number: int) -> Cover:
        policy, rule = self._rules[number]
        return Cover(policy.ref, rule, ever=bool((self._beside | self._ever) >> number & 1))


def _direction_view(
    engine: Engine, policy: Policy, direction: Direction, selected: Members, population: Population
) -> DirectionView | None:
    """A direction of a policy, without the others there; None where it does not govern it."""
    rules = policy.rules(direction)
    if rules is None:
        return None
    return DirectionView(direction, tuple(_rule(engine, rule, direction, selected, population) for rule in rules))


def _rule(engine: Engine, rule: Rule, direction: Direction, selected: Members, population: Population) -> RuleView:
    peers = None if rule.peers is None else tuple(_peer(engine, each, direction, population) for each in rule.peers)
    if rule.ports is None:
        return RuleView(rule, peers, None)
    if not any(match.name for match in rule.ports):
        return RuleView(rule, peers, tuple(PortView(match) for match in rule.ports))
    ends = selected if direction is Direction.INGRESS else _reached(population, peers)
    declared, sidecars = population.declared(ends), engine.modes.sidecar_ports
    return RuleView(rule, peers, tuple(_port(match, declared, sidecars=sidecars) for match in rule.ports))


def _peer(engine: Engine, peer: Peer, direction: Direction, population: Population) -> PeerView:
    if isinstance(peer, PodPeer):
        return PeerView(peer, population.members(peer.namespaces, peer.home, peer.pods))
    if isinstance(peer, CidrPeer):
        seen = direction is Direction.EGRESS or engine.modes.ingress_ipblock_matches_pods
        return PeerView(peer, population.within(peer) if seen else None)
    if isinstance(peer, NodePeer):
        nodes = [node.name for node in engine.snapshot.nodes.values() if selects(peer.nodes, node.labels)]
        return PeerView(peer, None, tuple(nodes))
    return PeerView(peer, None)


def _reached(population: Population, peers: Sequence[PeerView] | None) -> Members:
    """The pods that any of the peers matches."""
    if peers is None:
        return population.everyone
    if len(peers) == 1 and peers[0].members is not None:
        return peers[0].members
    members = [each.members for each in peers if each.members is not None]
    pods = {id(pod): pod for each in members for pod in each.pods}
    certain = all(each.certain for each in members)
    return Members(tuple(pods.values()), population.workloads(pods.values()), certain=certain)


def _port(match: PortMatch, declared: Iterable[tuple[Declared, int]], *, sidecars: bool) -> PortView:
    if not match.name:
        return PortView(match)
    numbers: Counter[tuple[int, str]] = Counter()
    undeclared = 0
    for ports, pods in declared:
        meant = {
            (each.port, each.protocol)
            for each in ports
            if each.name == match.name
            and (match.protocol is None or each.protocol == match.protocol.value)
            and (sidecars or not each.sidecar)
        }
        numbers.update(dict.fromkeys(meant, pods))
        undeclared += 0 if meant else pods
    told = tuple((f"{number}/{protocol}", pods) for (number, protocol), pods in sorted(numbers.items()))
    return PortView(match, told, undeclared)
