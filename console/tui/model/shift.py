"""What a change of the cluster did to its paths: how many opened and closed, and the objects responsible."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from console.cluster import facts
from console.objects.core import Node, Pod
from console.objects.meta import ObjectRef
from console.objects.netpol import NetworkPolicy
from console.objects.snapshot import Contents, KubeObject, Snapshot
from console.objects.tiered import TieredPolicy
from console.policy.causes import Cause, What
from console.policy.difference import difference
from console.policy.difference_model import Difference, Kind
from console.policy.engine import Engine
from console.report.diff import cause_line, diff_lines
from console.report.words import count, place
from console.tui.text import Line, Piece, Tone

T = TypeVar("T")
#: How paths that opened, closed, moved to other ports, or cannot be known are counted.
_SIGNS: Final[Mapping[Kind, tuple[str, Tone]]] = {
    Kind.OPENED: ("+", Tone.WARN),
    Kind.CLOSED: ("−", Tone.GOOD),
    Kind.CHANGED: ("~", Tone.WARN),
    Kind.UNKNOWN: ("?", Tone.WARN),
}
#: What was done to an object comes before what became of policies by that.
_FIRST: Final = (What.CHANGED, What.ADDED, What.REMOVED, What.APPLIES, What.LAPSES, What.UNREAD)
#: Seconds for which a shift is told in passing.
_TOLD: Final = 20.0


@dataclass(frozen=True)
class Shift:
    """The paths between two states of a cluster that differ, seen `at` (time.time() seconds).

    `counts` are pairs of workloads, or of a workload and a part of the outside; one whose
    pods differ in what became of them counts once for each.
    """

    at: float
    counts: Mapping[Kind, int]
    causes: tuple[Cause, ...]
    by: str
    difference: Difference

    def told(self, now: float) -> bool:
        """Whether it is still told in passing, `now` (time.time() seconds)."""
        return abs(now - self.at) < _TOLD  # a clock may be set back

    @property
    def lines(self) -> Iterator[Line]:
        """All of it."""
        yield (*self.signs, Piece(time.strftime("  %H:%M:%S", time.localtime(self.at)), Tone.DIM))
        for number, cause in enumerate(self.causes):
            yield (Piece(f"  {cause_line(cause)}"), Piece(self._writer if not number else "", Tone.STRONG))
        yield ()
        yield from ((Piece(line),) for line in diff_lines(self.difference, "before", "now"))

    @property
    def signs(self) -> Line:
        """``+3 −1 paths``; workloads that came or went where no path of any other did."""
        told = [
            Piece(f"{sign}{self.counts[kind]} ", tone) for kind, (sign, tone) in _SIGNS.items() if kind in self.counts
        ]
        if told:
            return (*told, Piece("path" if list(self.counts.values()) == [1] else "paths"))
        found = self.difference
        came, went = len(found.added), len(found.removed)
        both = " ".join(f"{sign}{number}" for sign, number in (("+", came), ("−", went)) if number)
        return (Piece(f"{both} {'workload' if came + went == 1 else 'workloads'}"),)

    @property
    def ways(self) -> tuple[Line, ...]:
        """The shift in one line, as ways to write it, the widest first."""
        clock = Piece(time.strftime("  %H:%M:%S", time.localtime(self.at)), Tone.DIM)
        if not self.causes:
            return ((*self.signs, clock), self.signs)
        first = self.causes[0]
        more = f" and {count(len(self.causes) - 1, 'more cause')}" if len(self.causes) > 1 else ""
        full = Piece(f" by {cause_line(first)}{self._writer}{more}")
        if not first.refs:
            return ((*self.signs, clock, full), (*self.signs, full), self.signs)
        ref, others = first.refs[0], f" and {len(first.refs) - 1} more" if len(first.refs) > 1 else ""
        shorter = (f" by {ref}{others}{self._writer}", f" by {ref}{others}", f" by {place(ref)}{others}")
        narrow = ((*self.signs, Piece(text)) for text in shorter)
        return ((*self.signs, clock, full), (*self.signs, full), *narrow, self.signs)

    @property
    def _writer(self) -> str:
        return f" ({self.by})" if self.by else ""


def shift(old: Engine, new: Engine, now: float) -> Shift | None:
    """What differs between two states; None where no path does. Not for the event loop."""
    found = difference(old, new)
    if not (found.changes or found.added or found.removed):
        return None
    counts = {
        kind: sum(len(change.sources) * len(change.destinations) for change in found.of(kind))
        for kind in Kind
        if found.of(kind)
    }
    causes: dict[tuple[What, str, str], Cause] = {}
    for change in found.changes:
        for cause in change.causes:
            key = cause.what, cause.fact, cause.refs[0].kind if cause.refs else ""
            known = causes.get(key)
            refs = dict.fromkeys((*(known.refs if known else ()), *cause.refs))
            causes[key] = Cause(cause.what, tuple(refs), cause.fact)
    told = tuple(sorted(causes.values(), key=lambda cause: _FIRST.index(cause.what)))
    return Shift(now, counts, told, _by(told, old.snapshot, new.snapshot), found)


def _by(causes: tuple[Cause, ...], old: Snapshot, new: Snapshot) -> str:
    """The field manager that made the first object responsible what it is, where that is known."""
    if not causes or causes[0].what not in (What.CHANGED, What.ADDED):
        return ""  # who wrote an object before it went need not be who took it away
    for ref in causes[0].refs:
        before, after = (_found(snapshot, ref) for snapshot in (old, new))
        made = facts.change(before, after, 0.0) if after is not None else None
        if made is not None and made.manager is not None:
            return made.manager.name
    return ""


def _found(snapshot: Snapshot, ref: ObjectRef) -> KubeObject | None:
    if ref.kind == "Pod":
        return snapshot.pod(ref.namespace, ref.name)
    return snapshot.namespace(ref.name) if ref.kind == "Namespace" else snapshot.policy(ref)


def stirred(old: Snapshot, new: Snapshot) -> bool:
    """Whether anything differs that may decide a path, or who the ends of paths are.

    Most of what changes in a cluster does not: readiness, versions, who wrote what.
    """
    if old is new:
        return False
    if old.coverage != new.coverage or old.foreign.keys() != new.foreign.keys():
        return True
    if _differ(old.tiered, new.tiered, _of_tiered) or _differ(old.nodes, new.nodes, _of_node):
        return True
    return _differ(old.contents, new.contents, lambda held: held, _stirred)


def _stirred(old: Contents, new: Contents) -> bool:
    was, now = old.namespace, new.namespace
    if (was.labels, was.labels_known) != (now.labels, now.labels_known) or old.owners.keys() != new.owners.keys():
        return True
    if old.foreign.keys() != new.foreign.keys() or _differ(old.policies, new.policies, _of_policy):
        return True
    if new.namespace.name == "default" and old.endpoint_slices != new.endpoint_slices:
        return True  # among them where the API server is
    return _differ(old.pods, new.pods, _of_pod)


def _differ(
    old: Mapping[Any, T],
    new: Mapping[Any, T],
    facts: Callable[[T], object],
    differ: Callable[[T, T], bool] | None = None,
) -> bool:
    if old is new:
        return False
    if old.keys() != new.keys():
        return True
    moved: Iterator[tuple[T, T]] = ((old[key], each) for key, each in new.items() if old[key] is not each)
    return any(differ(was, now) if differ else facts(was) != facts(now) for was, now in moved)


def _of_pod(pod: Pod) -> object:
    where = (pod.node, pod.host_ips) if pod.host_network else ()
    return pod.labels, pod.ips, pod.ports, pod.finished, pod.host_network, where, pod.owner


def _of_policy(policy: NetworkPolicy) -> object:
    return policy.pod_selector, policy.ingress, policy.egress, policy.policy_types


def _of_tiered(policy: TieredPolicy) -> object:
    return policy.priority, policy.subject, policy.ingress, policy.egress, policy.tier


def _of_node(node: Node) -> object:
    return node.labels, node.addresses
