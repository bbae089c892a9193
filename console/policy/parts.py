"""What all pairs of one snapshot are answered from, and how it is made from nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from console.objects.core import Pod
from console.policy.atoms import PortAtoms
from console.policy.bitsets import bits
from console.policy.engine import Engine
from console.policy.gaps import concerns
from console.policy.match import keys_of
from console.policy.model import Direction, DomainPeer, Network, NodePeer, Policy, Tier
from console.policy.profile import Cell, Profiler, Selecting
from console.policy.sides import Side
from console.policy.universe import Universe
from console.policy.vocabulary import Vocabulary

#: A family, and whether the best is assumed of what is not known.
Which = tuple[int, bool]


@dataclass(slots=True)
class Parts:
    """The classes, which policies select each (surely or not), and the sides of every family.

    `doubts` are classes that something unread may decide about; it is true where only
    NetworkPolicies are missing: what another one allows stays allowed. `in_doubt`: whether
    the best and the worst that is not known may differ at all.
    """

    engine: Engine
    universe: Universe
    atoms: PortAtoms
    profilers: dict[int, Profiler]
    selecting: list[tuple[Selecting, ...]]
    doubts: dict[int, bool]
    in_doubt: bool
    sides: dict[Which, Side] = field(default_factory=dict)

    def which(self) -> list[Which]:
        """The sides that are made, the worst first, on which the best are built; the same where nothing is in doubt."""
        return [(family, best) for family in self.universe.families for best in ((False, True)[: 1 + self.in_doubt])]

    def grouped(self, numbers: Iterable[int]) -> list[list[int]]:
        """Classes with the same policies, names of ports and doubts, which have the same profiles."""
        found: dict[object, list[int]] = {}
        for number in numbers:
            policies = self.selecting[number]
            named = self.universe.names_of(number) if policies else 0
            key = tuple([(id(policy), sure) for policy, sure in policies]), named, self.doubts.get(number)
            found.setdefault(key, []).append(number)
        return list(found.values())

    def cells(self, which: Which, direction: Direction, number: int) -> Sequence[Cell]:
        """The profile of a class in a direction."""
        family, best = which
        additive = self.doubts.get(number)
        if additive is not None and best:
            return ((self.atoms.all, -1),)
        if additive is False:
            return ()
        policies = self.selecting[number]
        if best and additive is None and self._certain(policies):
            worst = self.sides[family, False]
            return (worst.egress if direction is Direction.EGRESS else worst.ingress)[number]
        return self.profilers[family].profile(policies, direction, number, best=best, isolated=additive is not None)

    def _certain(self, policies: Sequence[Selecting]) -> bool:
        """Whether nothing is open about some policies: the best of what they do is the worst."""
        if self.universe.unread:
            return False
        tiers: set[tuple[Tier, int]] = set()
        for policy, sure in policies:
            if not sure:
                return False
            if policy.tier is not Tier.NETWORK_POLICY:
                order = policy.tier, policy.priority
                if order in tiers or open_ended(policy):
                    return False
                tiers.add(order)
        return True

    def doubt(self, pod: Pod) -> bool | None:
        """Whether something that was not read may decide about a pod, as in `doubts`; None where nothing does."""
        if pod.host_network or not self.engine.gaps:
            return None
        namespace = self.engine.snapshot.namespace(pod.namespace)
        found = [gap for gap in self.engine.gaps if concerns(gap, pod, namespace)]
        return all(gap.resource == "networkpolicies" for gap in found) if found else None


def make(engine: Engine, *, family: int | None, networks: Sequence[Network]) -> Parts:
    """Everything anew."""
    policies = engine.over(engine.snapshot.contents)
    gap_keys = [key for gap in engine.gaps for key in keys_of(gap.pod_selector)]
    vocabulary = Vocabulary.of(policies, keys=gap_keys, networks=networks)
    universe = Universe(engine.snapshot, vocabulary, family=family)
    atoms = PortAtoms(universe)
    profilers = {each: Profiler(universe, atoms, engine.modes, each) for each in universe.families}
    selecting: list[list[Selecting]] = [[] for _ in range(universe.size)]
    unsure = False
    for policy in policies:
        sure, maybe = selected(universe, policy)
        unsure = unsure or sure != maybe
        each, perhaps = (policy, True), (policy, False)
        for number in bits(maybe):
            selecting[number].append(each if sure == maybe or sure >> number & 1 else perhaps)
    parts = Parts(engine, universe, atoms, profilers, [tuple(held) for held in selecting], {}, False)
    if engine.gaps:
        doubts = ((number, parts.doubt(held.pods[0])) for number, held in enumerate(universe.pods) if held.pods)
        parts.doubts = {number: additive for number, additive in doubts if additive is not None}
    unread = any(not held.namespace.labels_known for held in engine.snapshot.contents.values())
    parts.in_doubt = bool(parts.doubts) or unsure or unread or undecided(engine)
    groups = parts.grouped(bits(universe.all))
    for which in parts.which():
        side = Side([()] * universe.size, [()] * universe.size)
        for numbers in groups:
            out, into = (parts.cells(which, direction, numbers[0]) for direction in Direction)
            for number in numbers:
                side.egress[number], side.ingress[number] = out, into
        side.fill(universe.all)
        parts.sides[which] = side
    return parts


def selected(universe: Universe, policy: Policy) -> tuple[int, int]:
    """The classes a policy surely selects, and those it may."""
    subject = policy.subject
    sure, maybe = universe.selected(subject.namespaces, subject.pods, subject.home)
    return sure & universe.all, maybe & universe.all


def undecided(engine: Engine) -> bool:
    """Whether some policy leaves open what it matches, or which of two comes first.

    Hosts by name and nodes may match and need not; policies of a tier that share a priority
    have no order. NetworkPolicies do neither.
    """
    seen: set[tuple[Tier, int]] = set()
    for policy in engine.over(()):
        if open_ended(policy) or (policy.tier, policy.priority) in seen:
            return True
        seen.add((policy.tier, policy.priority))
    return False


def open_ended(policy: Policy) -> bool:
    """Whether a policy has peers that may match and need not. NetworkPolicies have none."""
    rules = (*(policy.ingress or ()), *(policy.egress or ()))
    return any(isinstance(peer, DomainPeer | NodePeer) for rule in rules for peer in rule.peers or ())
