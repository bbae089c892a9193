"""Two snapshots side by side: who stands for whom, and ports cut alike, so that their rows can be compared.

A member stands for pods of one workload (or addresses of one part of the outside) by a
pair: their classes in the old snapshot and those in the new one. Where a pod is in both
they are one class each. Pods that were replaced (their workload is in both, their names
are not) are taken together: as many as went for as many as came. Pods that only came, or
only went, are held against what their workload's pods did before, or do now: what they
open, or close, counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from operator import or_

from console.objects.core import Pod
from console.objects.meta import ObjectRef
from console.objects.snapshot import Snapshot
from console.policy.atoms import PortAtoms
from console.policy.engine import Engine
from console.policy.matrix import OUTSIDE
from console.policy.model import CidrPeer, Network, Protocol
from console.policy.parties import families_of
from console.policy.ports import PortSpan
from console.policy.reach import Reachability, bits
from console.policy.verdict import Outcome


@dataclass(frozen=True, slots=True)
class Member:
    """Pods of a workload, or addresses of a part of the outside, that are alike in both snapshots.

    `workload` is None for the outside. `old` and `new` are sets of classes (empty for pods without
    an address of the family), `were` and
    `are` the names of the pods (or one address for all that are alike). Only paths it
    `opens`, or `closes`, count for one that came, or went.
    """

    name: str
    workload: ObjectRef | None
    old: int
    new: int
    were: tuple[str, ...]
    are: tuple[str, ...]
    opens: bool = True
    closes: bool = True

    @property
    def lone(self) -> bool:
        """Whether it is one pod at a time: a pod and itself is no pair."""
        counted = (len(self.were) if self.closes else 1, len(self.are) if self.opens else 1)
        return self.workload is not None and counted == (1, 1)


class JointPorts:
    """The ports of both snapshots, cut where either of them cuts."""

    def __init__(self, old: PortAtoms, new: PortAtoms) -> None:
        singles = [[next(atoms.spans(1 << n)) for n in range(atoms.all.bit_length())] for atoms in (old, new)]
        self._atoms: list[tuple[Protocol, int, int]] = []
        place: dict[tuple[Protocol, int], int] = {}
        for protocol in Protocol:
            bounds = [*sorted({low for each in singles for found, low, _ in each if found is protocol}), 65536]
            place.update(((protocol, bound), len(self._atoms) + number) for number, bound in enumerate(bounds))
            self._atoms += [(protocol, low, high - 1) for low, high in pairwise(bounds)]
        self._known: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._singles = [
            [(1 << place[protocol, high + 1]) - (1 << place[protocol, low]) for protocol, low, high in each]
            for each in singles
        ]

    def of(self, which: int, ports: int) -> int:
        """A set of ports of the old (0) or the new (1) snapshot over the joint cuts."""
        known = self._known[which]
        if ports not in known:
            found = 0
            for number in bits(ports):
                found |= self._singles[which][number]
            known[ports] = found
        return known[ports]

    def spans(self, ports: int) -> tuple[PortSpan, ...]:
        """A set of ports as ranges."""
        found: list[PortSpan] = []
        for number in bits(ports):
            protocol, low, high = self._atoms[number]
            if found and found[-1].protocol is protocol and found[-1].high + 1 == low:
                low = found.pop().low
            found.append(PortSpan(protocol, low, high, Outcome.ALLOWED))
        return tuple(found)


class Joint:
    """Two snapshots in one address family, with the members that are in both."""

    def __init__(self, old: Engine, new: Engine, family: int) -> None:
        networks = dict.fromkeys([*_networks(old), *_networks(new)])
        before = Reachability(old, family=family, networks=networks)
        self.sides = before, before.after(new)  # of two moments of one cluster most is the same
        self.ports = JointPorts(self.sides[0].atoms, self.sides[1].atoms)
        self.members: list[Member] = [*self._inside()]
        #: The members that are pods.
        self.pods = (1 << len(self.members)) - 1
        self.members += self._outside(networks)
        self._members: tuple[dict[int, int], dict[int, int]] = ({}, {})
        for number, member in enumerate(self.members):
            for held, classes in zip(self._members, (member.old, member.new), strict=True):
                for each in bits(classes):
                    held[each] = held.get(each, 0) | (1 << number)
        self._translated: tuple[dict[int, int], dict[int, int]] = ({}, {})

    def reached(self, which: int, classes: int, *, maybe: bool) -> dict[int, int]:
        """What any of some classes of the old (0) or new (1) snapshot reach: members by ports, both joint.

        A member may be in several of the sets.
        """
        found: dict[int, int] = {}
        for source in bits(classes):
            for ports, reached in self.sides[which].reached(source, maybe=maybe).items():
                joint = self.ports.of(which, ports)
                found[joint] = found.get(joint, 0) | self._to_members(which, reached)
        return found

    def _to_members(self, which: int, classes: int) -> int:
        known = self._translated[which]
        if classes not in known:
            found = 0
            for number in bits(classes):
                found |= self._members[which].get(number, 0)
            known[classes] = found
        return known[classes]

    def _inside(self) -> Iterator[Member]:
        old, new = (workloads(side.engine.snapshot) for side in self.sides)
        for ref in old:
            if ref in new:
                name = f"{ref.namespace}/{ref.kind.lower()}/{ref.name}"
                yield from _joined(name, ref, _of_pods(self.sides[0], old[ref]), _of_pods(self.sides[1], new[ref]))

    def _outside(self, networks: Iterable[Network]) -> Iterator[Member]:
        """The outside, its parts matched by the networks they lie in."""
        old, new = (_of_outside(side, networks) for side in self.sides)
        for kind in OUTSIDE:
            if kind in old and kind in new:
                yield from _joined(kind, None, old[kind], new[kind])


def workloads(snapshot: Snapshot) -> dict[ObjectRef, tuple[Pod, ...]]:
    """The workloads of a snapshot that have pods, with those of their pods that have not finished."""
    return {each.ref: each.active for each in snapshot.workloads() if each.active}


#: Classes, and what they are called, by what tells members apart in both snapshots.
_Parts = Mapping[object, tuple[int, tuple[str, ...]]]


def _joined(name: str, ref: ObjectRef | None, old: _Parts, new: _Parts) -> Iterator[Member]:
    both: dict[tuple[int, int], list[str]] = {}
    for key, (classes, called) in old.items():
        if key in new:
            both.setdefault((classes, new[key][0]), []).extend(called)
    for (were, are), names in both.items():
        yield Member(name, ref, were, are, tuple(names), tuple(names))
    went = {key: part for key, part in old.items() if key not in new}
    came = {key: part for key, part in new.items() if key not in old}
    if went or came:
        before, after = _together(went or old), _together(came or new)
        yield Member(name, ref, before[0], after[0], before[1], after[1], opens=bool(came), closes=bool(went))


def _together(parts: _Parts) -> tuple[int, tuple[str, ...]]:
    return reduce(or_, (classes for classes, _ in parts.values())), tuple(
        n for _, names in parts.values() for n in names
    )


def _of_pods(reach: Reachability, pods: Iterable[Pod]) -> _Parts:
    """The class of each pod; none for one that has addresses of the other family only: it has no path in this one."""
    return {
        pod.name: (1 << reach.class_of(pod) if reach.family in (families_of(pod) or {reach.family}) else 0, (pod.name,))
        for pod in pods
    }


def _of_outside(reach: Reachability, networks: Iterable[Network]) -> dict[str, _Parts]:
    first = len(reach.universe.pods)
    lies_in: dict[int, int] = {}
    for number, network in enumerate(networks):
        for each in bits(reach.universe.within(network) >> first):
            lies_in[each] = lies_in.get(each, 0) | (1 << number)
    found: dict[str, dict[object, tuple[int, tuple[str, ...]]]] = {}
    for number, part in enumerate(reach.universe.outside):
        parts = found.setdefault(part.kind, {})
        classes, called = parts.get(lies_in.get(number, 0), (0, (str(part.address),)))
        parts[lies_in.get(number, 0)] = classes | (1 << (first + number)), called
    return dict(found)


def _networks(engine: Engine) -> Iterator[Network]:
    """The networks that policies of a snapshot name."""
    for policy in engine.over(engine.snapshot.contents):
        for rule in (*(policy.ingress or ()), *(policy.egress or ())):
            for peer in rule.peers or ():
                if isinstance(peer, CidrPeer):
                    yield from (peer.network, *peer.excepts)
