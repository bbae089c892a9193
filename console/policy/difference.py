"""What opened and closed between two snapshots, for all pairs at once, and the objects responsible.

Rows of the old snapshot are held against those of the new one, member by member (see
`joint`) and never pod by pod. What is open or closed for sure on one side and may be
otherwise on the other is unknown; so is what is uncertain on both, unless nothing that
concerns its ends differs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import chain, islice, product
from typing import Final, NamedTuple

from console.objects.core import Pod
from console.objects.meta import ObjectRef
from console.objects.snapshot import Snapshot
from console.policy.addresses import parse_address
from console.policy.causes import Cause, Causes
from console.policy.difference_model import Alone, Change, Difference, Kind, Part, Turnover
from console.policy.ends import pod_end
from console.policy.engine import Engine
from console.policy.joint import Joint, Member, workloads
from console.policy.parties import families_of
from console.policy.reach import Reachability, apart, bits
from console.policy.reachable import Place, reached_from, unseen
from console.policy.universe import Outside
from console.policy.verdict import Connection, End, EndKind, Verdict

#: Where more kinds of ends differ than this, those of one change are not told apart by what differs about them.
_MOST_KINDS: Final = 12


def difference(old: Engine, new: Engine) -> Difference:
    """What differs between two snapshots, in each address family that pods have."""
    families = _families(old.snapshot) | _families(new.snapshot) or {4}
    causes = Causes(old, new)
    joints = [Joint(old, new, family) for family in sorted(families)]
    changes: dict[object, Change] = {}
    for joint in joints:
        for change in _Comparison(joint, causes).changes():
            ends = (tuple(part.name for part in parts) for parts in (change.sources, change.destinations))
            key = change.kind, *ends, change.opened, change.closed, change.unknown
            alone = joint.sides[0].family if len(joints) > 1 else None
            changes[key] = replace(change, family=None if key in changes else alone)
    before, after = workloads(old.snapshot), workloads(new.snapshot)
    return Difference(
        tuple(sorted(changes.values(), key=_order)),
        tuple(_alone(joints[0].sides[1], {ref: pods for ref, pods in after.items() if ref not in before})),
        tuple(_alone(joints[0].sides[0], {ref: pods for ref, pods in before.items() if ref not in after})),
        tuple(_turnover(before, after)),
        unseen(old.snapshot, new.snapshot),
    )


class _Record(NamedTuple):
    """What became of a path, as sets of joint ports."""

    opened: int
    closed: int
    unknown: int
    before: int
    after: int

    @property
    def kind(self) -> Kind:
        if self.unknown:
            return Kind.UNKNOWN
        if self.opened and not self.closed and not self.before:
            return Kind.OPENED
        return Kind.CLOSED if self.closed and not self.opened and not self.after else Kind.CHANGED


#: Ports surely and possibly open in the old snapshot, and in the new one.
_Open = tuple[int, int, int, int]


class _Comparison:
    """The difference in one address family."""

    def __init__(self, joint: Joint, causes: Causes) -> None:
        self._joint = joint
        self._causes = causes
        self._all = (1 << len(joint.members)) - 1
        opening = sum(1 << n for n, member in enumerate(joint.members) if member.opens)
        closing = sum(1 << n for n, member in enumerate(joint.members) if member.closes)
        #: The members whose paths count when they open and when they close; those of one only.
        self._turns = (True, True, opening & closing), (True, False, opening & ~closing), (False, True, ~opening)
        self._concerns: dict[int, frozenset[object]] = {}
        self._totals: dict[str, list[int]] = {}
        for member in joint.members:
            total = self._totals.setdefault(member.name, [0, 0])
            total[0] += len(member.were) if member.closes else 0
            total[1] += len(member.are) if member.opens else 0

    def changes(self) -> Iterator[Change]:
        """The changes, in no order."""
        found: dict[tuple[_Record, int], int] = {}
        rows: dict[tuple[int, int], list[tuple[_Open, int]]] = {}
        for number, member in enumerate(self._joint.members):
            row = member.old, member.new
            if row not in rows:
                rows[row] = list(self._differing(*row))
            for open_, destinations in rows[row]:
                for record, some in self._records(number, open_, destinations):
                    found[record, some] = found.get((record, some), 0) | (1 << number)
        for (record, destinations), sources in found.items():
            senders, receivers = self._kinds(sources), self._kinds(destinations)
            for one, other in product(senders or [sources], receivers or [destinations]):
                if one != other or one.bit_count() > 1 or not self._joint.members[next(bits(one))].lone:
                    yield self._change(record, one, other, alike=bool(senders and receivers))

    def _differing(self, old: int, new: int) -> Iterator[tuple[_Open, int]]:
        """The destinations of a row by what is open, where that is not the same for sure in both snapshots."""
        parts: list[tuple[tuple[int, ...], int]] = [((), self._all)]
        for which, classes in enumerate((old, new)):
            for maybe in (False, True):
                reached = apart(self._joint.reached(which, classes, maybe=maybe))
                split: list[tuple[tuple[int, ...], int]] = []
                for open_, rest in parts:
                    for ports, members in reached.items():
                        if rest & members:
                            split.append(((*open_, ports), rest & members))
                            rest &= ~members
                    if rest:
                        split.append(((*open_, 0), rest))
                parts = split
        for (sure, maybe_, now, perhaps), members in parts:
            if not sure == maybe_ == now == perhaps:
                yield (sure, maybe_, now, perhaps), members

    def _records(self, number: int, open_: _Open, destinations: int) -> Iterator[tuple[_Record, int]]:
        member = self._joint.members[number]
        if member.workload is None:
            destinations &= self._joint.pods  # what goes on between two parts of the outside is not known here
        sure, maybe, now, perhaps = open_
        for opens, closes, counted in self._turns:
            some = destinations & counted
            opens, closes = opens and member.opens, closes and member.closes
            if not some or not (opens or closes):
                continue
            opened = now & ~maybe if opens else 0
            closed = sure & ~perhaps if closes else 0
            unknown = (perhaps & ~sure & ~opened if opens else 0) | (maybe & ~now & ~closed if closes else 0)
            if opened or closed:
                yield _Record(opened, closed, 0, sure, now), some
            if (sure, maybe) == (now, perhaps) and not self._touched >> number & 1:
                some &= self._touched
            if unknown and some:
                yield _Record(0, 0, unknown, 0, 0), some

    @cached_property
    def _touched(self) -> int:
        """The members about which something differs, so that the same doubt need not have the same answer."""
        if self._causes.blind:
            return self._all
        return sum(1 << number for number in range(len(self._joint.members)) if self._concern(number))

    def _concern(self, number: int) -> frozenset[object]:
        if number not in self._concerns:
            member = self._joint.members[number]
            old, new = (
                [policy for each in bits(classes) for policy in side.selecting(each)]
                for side, classes in zip(self._joint.sides, (member.old, member.new), strict=True)
            )
            self._concerns[number] = self._causes.concern(member, (old, new))
        return self._concerns[number]

    def _kinds(self, members: int) -> list[int]:
        """Members told apart by what differs about them; none where that would be too many kinds."""
        found: dict[frozenset[object], int] = {}
        for number in bits(members):
            concern = self._concern(number)
            found[concern] = found.get(concern, 0) | (1 << number)
        return list(found.values()) if len(found) <= _MOST_KINDS else []

    def _change(self, record: _Record, sources: int, destinations: int, *, alike: bool) -> Change:
        source, destination = self._example(sources, destinations)
        told: dict[Cause, None] = {}
        verdicts: list[tuple[Verdict, Verdict]] = []
        for ports in filter(None, (record.opened, record.closed, record.unknown)):
            was, now = (self._verdict(which, source, destination, ports) for which in (0, 1))
            verdicts.append((was, now))
            told.update(dict.fromkeys(self._causes.of(was, now, (source, destination))))
        spans = self._joint.ports.spans
        return Change(
            record.kind,
            self._parts(sources),
            self._parts(destinations),
            spans(record.before),
            spans(record.after),
            spans(record.opened),
            spans(record.closed),
            spans(record.unknown),
            tuple(told),
            alike,
            *verdicts[0],
        )

    def _example(self, sources: int, destinations: int) -> tuple[Member, Member]:
        """One path of many, not from a pod to itself."""
        pairs = product(*([self._joint.members[n] for n in islice(bits(each), 2)] for each in (sources, destinations)))
        return next((one, other) for one, other in pairs if one is not other or not one.lone)

    def _verdict(self, which: int, source: Member, destination: Member, ports: int) -> Verdict:
        """The verdict in the old (0) or the new (1) snapshot on a path whose ports differ."""
        side = self._joint.sides[which]
        first, second = ((member.new if which else member.old) for member in (source, destination))
        pairs = [(a, b) for a in bits(first) for b in bits(second) if a != b or not side.alone(a)]
        open_ = (pair for pair in pairs if self._joint.ports.of(which, side.ports(*pair, maybe=True)) & ports)
        one, other = next(open_, pairs[0] if pairs else (None, None))
        asked = self._joint.ports.spans(ports)[0]
        sender = _end(side, source, one, source.are if which else source.were)
        receiver = _end(side, destination, other, destination.are if which else destination.were, but=sender)
        return side.engine.evaluate(Connection(sender, receiver, asked.protocol, asked.low))

    def _parts(self, members: int) -> tuple[Part, ...]:
        counts: dict[str, list[int]] = {}
        for number in bits(members):
            member = self._joint.members[number]
            which = 1 if member.opens else 0
            count = counts.setdefault(member.name, [0, self._totals[member.name][which]])
            count[0] += len(member.are if member.opens else member.were)
        return tuple(Part(name, *count) for name, count in sorted(counts.items()))


def _end(
    side: Reachability, member: Member, number: int | None, names: Collection[str], *, but: End | None = None
) -> End:
    """A class of a member as an end (None: any): one of its own pods, and not one of the other end's if it can be."""
    held = side.member(number) if number is not None else None
    if isinstance(held, Outside):
        return End(EndKind.ADDRESS, addresses=(held.address,))
    if member.workload is None:
        return End(EndKind.ADDRESS, addresses=tuple(filter(None, map(parse_address, islice(names, 1)))))
    found = (side.engine.snapshot.pod(member.workload.namespace, name) for name in names)
    pods = held.pods if held is not None else ()
    alike = {id(pod) for pod in pods}
    own = (pod for pod in found if pod is not None and (held is None or id(pod) in alike))
    there = list(islice(chain(own, pods), 3))  # two of them at least differ, where two do
    return pod_end(next((pod for pod in there if but is None or pod not in but.pods), there[0]))


def _order(change: Change) -> tuple[int, tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    sources, destinations = (tuple(part.name for part in each) for each in (change.sources, change.destinations))
    return list(Kind).index(change.kind), sources, destinations, tuple(map(str, change.opened))


def _families(snapshot: Snapshot) -> set[int]:
    return {family for pod in snapshot.pods() if not pod.finished for family in families_of(pod)}


def _alone(side: Reachability, found: Mapping[ObjectRef, tuple[Pod, ...]]) -> Iterator[Alone]:
    for ref, pods in found.items():
        classes = 0
        for pod in pods:
            classes |= 1 << side.class_of(pod)
        name = f"{ref.namespace}/{ref.kind.lower()}/{ref.name}"
        yield Alone(name, len(pods), reached_from(Place(side, classes), {}))


def _turnover(
    before: Mapping[ObjectRef, tuple[Pod, ...]], after: Mapping[ObjectRef, tuple[Pod, ...]]
) -> Iterator[Turnover]:
    for ref, pods in after.items():
        were, are = ([pod.name for pod in each] for each in (before.get(ref, ()), pods))
        if were and set(were) != set(are):
            name = f"{ref.namespace}/{ref.kind.lower()}/{ref.name}"
            came, went = (tuple(n for n in one if n not in other) for one, other in ((are, were), (were, are)))
            yield Turnover(name, came, went)
