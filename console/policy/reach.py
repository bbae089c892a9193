"""Who reaches whom, for every pair of pods and the outside, over any port or one.

Nothing here is quadratic in pods: answers are rows over classes (see `universe`), made
when asked for. `sure` rows assume the worst of what is not known, `maybe` rows the best;
where they differ the answer is unknown.

A pod's own node is let through to it whatever policies say; that, and a pod reaching
itself, is left out here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from console.objects.core import Pod
from console.policy.engine import Engine
from console.policy.gaps import concerns
from console.policy.match import keys_of
from console.policy.model import Direction, DomainPeer, Network, NodePeer, Policy, Protocol, Tier
from console.policy.parties import families_of
from console.policy.ports import PortSpan
from console.policy.profile import Cell, PortAtoms, Profiler, Selecting
from console.policy.universe import Outside, PodClass, Universe
from console.policy.verdict import Outcome


@dataclass(frozen=True, slots=True)
class _Side:
    """The profiles of one assumption (the worst or the best): per class its egress cells, and ingress as tables."""

    egress: Sequence[Sequence[Cell]]
    ingress: Sequence[Sequence[Cell]]
    #: Per class, the tables that let it in: ports → the classes it is let into on them.
    tables: Sequence[Sequence[Mapping[int, int]]]
    #: The tables that let everything in.
    everywhere: Sequence[Mapping[int, int]]


@dataclass
class _Groups:
    """Classes with the same policies, named ports and doubts, which have the same profiles."""

    number: dict[object, int] = field(default_factory=dict)
    members: list[int] = field(default_factory=list)
    first: list[int] = field(default_factory=list)


class Reachability:
    """All pairs of one snapshot, in one address family (the one most pods have)."""

    def __init__(self, engine: Engine, *, family: int | None = None, networks: Iterable[Network] = ()) -> None:
        """`networks` are further ones to tell addresses apart by (see Universe)."""
        self.engine = engine
        snapshot = engine.snapshot
        policies = engine.over(snapshot.contents)
        self.family = family or _family(engine)
        gap_keys = [key for gap in engine.gaps for key in keys_of(gap.pod_selector)]
        self.universe = Universe(snapshot, policies, family=self.family, extra=gap_keys, networks=networks)
        self.atoms = PortAtoms(policies, self.universe)
        self._select(policies)
        self._worst = self._side(best=False)
        self._best = self._side(best=True) if self._in_doubt else self._worst
        self._rows: dict[tuple[int, int, bool], int] = {}

    # -- what a class is

    def class_of(self, pod: Pod) -> int:
        """The class of a pod that has not finished."""
        return self.universe.class_of[pod.namespace, pod.name]

    def selecting(self, number: int) -> tuple[Policy, ...]:
        """The policies that select a class, or may."""
        return tuple(policy for policy, _ in self._selecting[number])

    def outside(self, kind: str) -> int:
        """The set of classes of a part of the outside: internet, private or metadata."""
        first = len(self.universe.pods)
        found = 0
        for number, part in enumerate(self.universe.outside, first):
            if part.kind == kind:
                found |= 1 << number
        return found

    def member(self, number: int) -> PodClass | Outside:
        """What a class stands for."""
        pods = len(self.universe.pods)
        return self.universe.pods[number] if number < pods else self.universe.outside[number - pods]

    # -- the answers

    def port(self, protocol: Protocol, port: int) -> int:
        """One port as a set, to ask rows for."""
        return self.atoms.holding(protocol, port)

    def row(self, source: int, ports: int | None = None, *, maybe: bool = False) -> int:
        """The classes a class reaches on any of `ports` (None: any port), surely or (`maybe`) possibly."""
        asked = self.atoms.all if ports is None else ports
        key = source, asked, maybe and self._in_doubt
        if key not in self._rows:
            side = self._best if maybe else self._worst
            found = 0
            tables = side.tables[source]
            for cell_ports, peers in side.egress[source]:
                open_ = cell_ports & asked
                if open_:
                    for table in (*side.everywhere, *tables):
                        for mask, into in table.items():
                            if mask & open_:
                                found |= into & peers
            self._rows[key] = found
        return self._rows[key]

    def reached(self, source: int, ports: int | None = None, *, maybe: bool = False) -> dict[int, int]:
        """What a class reaches on any of `ports` (None: any port), by the ports: no class is in two of the sets."""
        asked = self.atoms.all if ports is None else ports
        side = self._best if maybe else self._worst
        found: dict[int, int] = {}
        for cell_ports, peers in side.egress[source]:
            open_ = cell_ports & asked
            for table in (*side.everywhere, *side.tables[source]) if open_ else ():
                for mask, into in table.items():
                    if mask & open_:
                        found[mask & open_] = found.get(mask & open_, 0) | (into & peers)
        return apart(found)

    def column(self, destination: int, ports: int | None = None, *, maybe: bool = False) -> int:
        """The classes that reach a class."""
        bit = 1 << destination
        return sum(1 << source for source in range(self.universe.size) if self.row(source, ports, maybe=maybe) & bit)

    def ports(self, source: int, destination: int, *, maybe: bool = False) -> int:
        """The ports on which a class reaches another."""
        side = self._best if maybe else self._worst
        out = _open(side.egress[source], destination)
        return out & _open(side.ingress[destination], source)

    def spans(self, source: int, destination: int) -> tuple[PortSpan, ...]:
        """The ports on which a class surely reaches another, as ranges."""
        return tuple(
            PortSpan(protocol, low, high, Outcome.ALLOWED)
            for protocol, low, high in self.atoms.spans(self.ports(source, destination))
        )

    def outcome(self, sources: int, destinations: int, ports: int | None = None) -> Outcome | None:
        """The answer between two sets of classes; None where the only pair is a pod and itself."""
        some_sure = all_sure = some_maybe = all_maybe = None
        for source in bits(sources):
            alone = self.alone(source) & destinations
            sure = self.row(source, ports)
            possible = self.row(source, ports, maybe=True)
            if destinations & ~alone == 0:
                continue
            wanted = destinations & ~alone
            some_sure = bool(some_sure) or bool(sure & wanted)
            all_sure = (all_sure is not False) and sure & wanted == wanted
            some_maybe = bool(some_maybe) or bool(possible & wanted)
            all_maybe = (all_maybe is not False) and possible & wanted == wanted
        if some_sure is None:
            return None
        if all_sure:
            return Outcome.ALLOWED
        if not some_maybe:
            return Outcome.BLOCKED
        return Outcome.PARTIAL if some_sure and not all_maybe else self._unsure(some_sure, all_maybe)

    def _unsure(self, some_sure: bool | None, all_maybe: bool | None) -> Outcome:
        same = self._worst is self._best
        return Outcome.PARTIAL if same and (some_sure or not all_maybe) else Outcome.UNKNOWN

    def alone(self, number: int) -> int:
        """The class itself where it has one member only: a pod and itself is no pair."""
        held = self.member(number)
        return (1 << number) if isinstance(held, Outside) or len(held.pods) == 1 else 0

    # -- how they are made

    def _select(self, policies: Sequence[Policy]) -> None:
        """Which policies select each class, and which classes are in doubt for want of something unread."""
        universe = self.universe
        selecting: list[list[Selecting]] = [[] for _ in range(universe.size)]
        unsure = False
        for policy in policies:
            subject = policy.subject
            sure, maybe = universe.selected(subject.namespaces, subject.pods, subject.home)
            unsure = unsure or sure != maybe
            for number in bits(maybe):
                selecting[number].append((policy, bool(sure >> number & 1)))
        self._doubts: dict[int, bool] = {}
        for number, each in enumerate(universe.pods):
            namespace = self.engine.snapshot.namespace(each.namespace)
            found = [gap for gap in self.engine.gaps if not each.host and concerns(gap, each.pods[0], namespace)]
            if found:
                # Only NetworkPolicies are missing: what another one allows stays allowed.
                self._doubts[number] = all(gap.resource == "networkpolicies" for gap in found)
        self._selecting = selecting
        doubtful = any(_doubtful(policy) for policy in policies)
        unread = any(not held.namespace.labels_known for held in self.engine.snapshot.contents.values())
        self._in_doubt = bool(self._doubts) or unsure or doubtful or unread or _ties(policies)

    def _side(self, *, best: bool) -> _Side:
        profiler = Profiler(self.universe, self.atoms, self.engine.modes)
        groups = self._grouped()
        egress: list[Sequence[Cell]] = [()] * self.universe.size
        ingress: list[Sequence[Cell]] = [()] * self.universe.size
        by_sources: dict[int, dict[int, int]] = {}
        for members, first in zip(groups.members, groups.first, strict=True):
            out = self._cells(profiler, Direction.EGRESS, first, best=best)
            into = self._cells(profiler, Direction.INGRESS, first, best=best)
            for number in bits(members):
                egress[number], ingress[number] = out, into
            for ports, sources in into:
                table = by_sources.setdefault(sources, {})
                table[ports] = table.get(ports, 0) | members
        tables: list[list[Mapping[int, int]]] = [[] for _ in range(self.universe.size)]
        for sources, table in by_sources.items():
            if sources != self.universe.all:
                for number in bits(sources):
                    tables[number].append(table)
        everywhere = [table for sources, table in by_sources.items() if sources == self.universe.all]
        return _Side(egress, ingress, tables, everywhere)

    def _cells(self, profiler: Profiler, direction: Direction, number: int, *, best: bool) -> Sequence[Cell]:
        additive = self._doubts.get(number)
        if additive is not None and best:
            return ((self.atoms.all, self.universe.all),)
        if additive is False:
            return ()
        return profiler.profile(self._selecting[number], direction, number, best=best, isolated=additive is not None)

    def _grouped(self) -> _Groups:
        groups = _Groups()
        for number in range(self.universe.size):
            held = self.member(number)
            ports = held.pods[0].ports if isinstance(held, PodClass) else ()
            named = tuple(port for port in ports if port.name)
            policies = tuple((id(policy), sure) for policy, sure in self._selecting[number])
            key = policies, named if policies else (), self._doubts.get(number)
            if key not in groups.number:
                groups.number[key] = len(groups.members)
                groups.members.append(0)
                groups.first.append(number)
            groups.members[groups.number[key]] |= 1 << number
        return groups


def bits(value: int) -> Iterator[int]:
    """The numbers of the bits that are set, lowest first."""
    while value:
        low = value & -value
        yield low.bit_length() - 1
        value ^= low


def apart(found: Mapping[int, int]) -> dict[int, int]:
    """Sets of classes by ports, so that each class is in one set only, under all of its ports."""
    result: dict[int, int] = {}
    for ports, classes in found.items():
        rest = classes
        for known in list(result):
            both = result[known] & rest
            if both:
                rest &= ~both
                result[known] &= ~both
                result[known | ports] = result.get(known | ports, 0) | both
        if rest:
            result[ports] = result.get(ports, 0) | rest
    return {ports: classes for ports, classes in result.items() if classes}


def _open(cells: Sequence[Cell], peer: int) -> int:
    found = 0
    for ports, peers in cells:
        if peers >> peer & 1:
            found |= ports
    return found


def _family(engine: Engine) -> int:
    counts = {4: 0, 6: 0}
    for pod in engine.snapshot.pods():
        for family in families_of(pod):
            counts[family] += 1
    return 6 if counts[6] > counts[4] else 4


def _doubtful(policy: Policy) -> bool:
    """Whether a policy has peers that may match and need not: hosts by name, nodes, namespaces with unread labels."""
    rules = (*(policy.ingress or ()), *(policy.egress or ()))
    return any(isinstance(peer, DomainPeer | NodePeer) for rule in rules for peer in rule.peers or ())


def _ties(policies: Sequence[Policy]) -> bool:
    """Whether policies of a tier share a priority, so that their order is undefined."""
    seen: set[tuple[Tier, int]] = set()
    for policy in policies:
        if policy.tier is not Tier.NETWORK_POLICY:
            if (policy.tier, policy.priority) in seen:
                return True
            seen.add((policy.tier, policy.priority))
    return False
