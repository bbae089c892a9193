"""The lists of Browse: namespaces, workloads, pods and policies as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, Final, NamedTuple

from console.cluster.source import State
from console.objects.core import Pod
from console.objects.meta import ObjectRef
from console.objects.netpol import NetworkPolicy
from console.objects.snapshot import Contents
from console.objects.workloads import Workload
from console.policy.model import Direction
from console.policy.posture import Side, Stance
from console.report.words import place, stance_word
from console.tui.model.policies import Policy, does, selects
from console.tui.model.search import Filter
from console.tui.model.sight import Facts, Sight
from console.tui.model.table import SAMPLE, Column, Table
from console.tui.text import Line, Piece, Tone

#: The tone of each stance; its glyph and word say the same.
_STANCE_TONES: Final[Mapping[Stance, Tone]] = {
    Stance.OPEN: Tone.WARN,
    Stance.RULES: Tone.PLAIN,
    Stance.CLOSED: Tone.GOOD,
    Stance.MIXED: Tone.WARN,
    Stance.UNKNOWN: Tone.WARN,
}
_ROLE_WIDTH: Final = 14
_STANCE_WIDTH: Final = 9


class Kind(Enum):
    """What the middle pane of Browse lists."""

    WORKLOADS = "Workloads"
    PODS = "Pods"
    POLICIES = "Policies"


class View(NamedTuple):
    """What is looked at: a namespace (``""``: all of them), a kind of object, and one workload where drilled in."""

    namespace: str = ""
    kind: Kind = Kind.WORKLOADS
    workload: ObjectRef | None = None

    @property
    def title(self) -> str:
        """What the pane is called."""
        place = self.namespace or "all namespaces"
        if self.workload:
            place = f"{self.workload.namespace}/{self.workload.name}"
        return f"{self.kind.value} · {place}"


class NamespaceRow(NamedTuple):
    """A namespace; the name ``""`` stands for all of them."""

    name: str
    pods: int


def namespaces(sight: Sight) -> Table[NamespaceRow]:
    """All namespaces with their pods counted, and all of them together. Made once for a state of the cluster."""
    table = sight.kept("namespaces", lambda: _namespaces(sight))
    table.empty = nothing(sight, "namespace", Filter())
    return table


def _namespaces(sight: Sight) -> Table[NamespaceRow]:
    contents = sight.frame.snapshot.contents
    rows = [NamespaceRow(name, len(held.pods)) for name, held in contents.items()]
    if rows:
        rows.insert(0, NamespaceRow("", sum(row.pods for row in rows)))
    columns: list[Column[NamespaceRow]] = [
        Column(
            "",
            lambda row: Piece(row.name or "all", Tone.PLAIN if row.name else Tone.STRONG),
            lambda row: row.name,
            ends=True,
        ),
        Column("", lambda row: Piece(f"{row.pods:,}", Tone.DIM), lambda row: f"{row.pods:,}", right=True),
    ]
    return Table(rows, columns, lambda row: row.name, least=4)


def listing(sight: Sight, view: View, narrowed: Filter) -> Table[Any]:
    """The table of a view, narrowed. That of all rows is made once for a state of the cluster."""
    makers: dict[Kind, tuple[Callable[[Sight, View], Table[Any]], str]] = {
        Kind.WORKLOADS: (_workloads, "workload"),
        Kind.PODS: (_pods, "pod"),
        Kind.POLICIES: (_policies, "policy"),
    }
    make, what = makers[view.kind]
    whole = sight.kept(view, lambda: make(sight, view))
    table = whole.narrowed(narrowed)
    table.empty = nothing(sight, what, narrowed)
    return table


def _workloads(sight: Sight, view: View) -> Table[Workload]:
    everywhere, facts = not view.namespace, sight.facts
    parts = [
        sight.kept_of(each, Kind.WORKLOADS, lambda of: _workloads_of(sight, of)) for each in _contents(sight, view)
    ]
    measured = sum(len(part.rows) for part in parts) <= SAMPLE
    columns: list[Column[Workload]] = [
        Column("NAME", lambda row: Piece(_name(row, everywhere)), lambda row: _name(row, everywhere), ends=True),
        Column("KIND", lambda row: Piece(row.kind, Tone.DIM), lambda row: row.kind, drop=2),
        Column(
            "ROLE",
            lambda row: Piece(_role(facts, row), Tone.ACCENT),
            (lambda row: _role(facts, row)) if measured else None,
            width=_ROLE_WIDTH,
            drop=1,
        ),
        Column("PODS", lambda row: Piece(_ready(row), _ready_tone(row)), _ready),
        *_stances(sight.facts),
    ]
    return Table.joined(parts, columns, least=14)


def _workloads_of(sight: Sight, held: Contents) -> Table[Workload]:
    """Those of a namespace, without columns: kept while nothing changes there, it may not hold on to a moment."""
    known = sight.frame.known.within(held)
    return Table(
        sorted(held.workloads, key=lambda row: not row.active),  # what has ended comes behind what runs
        key=lambda row: row.ref,
        text=lambda row: f"{row.namespace}/{row.name} {row.kind} {known.role(row).role.value}",
        labels=lambda row: (pod.labels for pod in row.pods),
    )


def _pods(sight: Sight, view: View) -> Table[Pod]:
    everywhere = not view.namespace and view.workload is None
    columns: list[Column[Pod]] = [
        Column("NAME", lambda row: Piece(_name(row, everywhere)), lambda row: _name(row, everywhere), ends=True),
        Column("STATUS", lambda row: Piece(pod_status(row), _status_tone(row)), pod_status, drop=1),
        Column("IP", lambda row: Piece(_ip(row), Tone.DIM), _ip, drop=2),
        Column("NODE", lambda row: Piece(row.node, Tone.DIM), lambda row: row.node, drop=3),
        *_stances(sight.facts),
    ]
    parts = [
        sight.kept_of(each, view.workload, lambda of: _pods_of(of, view.workload)) for each in _contents(sight, view)
    ]
    return Table.joined(parts, columns, most=24)


def _pods_of(held: Contents, workload: ObjectRef | None) -> Table[Pod]:
    return Table(
        list(_members(held, workload)),
        key=lambda row: row.ref,
        text=lambda row: f"{row.namespace}/{row.name} {row.phase}",
        labels=lambda row: (row.labels,),
    )


def _policies(sight: Sight, view: View) -> Table[Policy]:
    everywhere, facts = not view.namespace, sight.facts
    snapshot = sight.frame.snapshot
    # Cluster-scoped policies concern every namespace, whichever is looked at.
    rows: list[Policy] = [*snapshot.tiered.values(), *snapshot.foreign.values()]
    for held in _contents(sight, view):
        rows.extend(held.policies.values())
        rows.extend(held.foreign.values())
    columns: list[Column[Policy]] = [
        Column("NAME", lambda row: Piece(_name(row, everywhere)), lambda row: _name(row, everywhere), ends=True),
        Column("KIND", lambda row: Piece(row.ref.kind, Tone.DIM), lambda row: row.ref.kind, drop=2),
        Column("INGRESS", lambda row: does(facts, row, Direction.INGRESS), width=9),
        Column("EGRESS", lambda row: does(facts, row, Direction.EGRESS), width=9),
        Column("SELECTS", lambda row: Piece(selects(row), Tone.DIM), selects, drop=1),
    ]
    return Table(
        rows,
        columns,
        lambda row: row.ref,
        text=lambda row: f"{place(row.ref)} {row.ref.kind}",
        labels=lambda row: (row.labels,) if isinstance(row, NetworkPolicy) else (),
    )


def _contents(sight: Sight, view: View) -> Iterator[Contents]:
    contents = sight.frame.snapshot.contents
    if not view.namespace:
        yield from contents.values()
    elif view.namespace in contents:
        yield contents[view.namespace]


def _members(held: Contents, workload: ObjectRef | None) -> Iterable[Pod]:
    if workload is None:
        return sorted(held.pods.values(), key=lambda pod: (pod.finished, pod.name))
    return (pod for each in held.workloads if each.ref == workload for pod in each.pods)


def _stances(facts: Facts) -> Iterator[Column[Any]]:
    yield Column("IN", lambda row: _stance_of(facts, row, Direction.INGRESS), width=_STANCE_WIDTH)
    yield Column("OUT", lambda row: _stance_of(facts, row, Direction.EGRESS), width=_STANCE_WIDTH)


def _stance_of(facts: Facts, row: Workload | Pod, direction: Direction) -> Piece:
    ended = row.finished if isinstance(row, Pod) else not row.active
    return Piece("–", Tone.DIM) if ended else stance(facts.posture(row).side(direction))


def stance(side: Side) -> Piece:
    """How a side stands, as it is written in lists."""
    return Piece(stance_word(side.stance), _STANCE_TONES[side.stance])


def _name(row: Workload | Pod | Policy, everywhere: bool) -> str:
    return place(row.ref) if everywhere else row.name


def _role(facts: Facts, row: Workload) -> str:
    role = facts.role(row).role.value
    return "–" if role == "other" else role


def _ready(row: Workload) -> str:
    active = row.active
    return f"{sum(pod.ready for pod in active)}/{len(active)}" if active else "ended"


def _ready_tone(row: Workload) -> Tone:
    return Tone.PLAIN if all(pod.ready or pod.template for pod in row.active) else Tone.WARN


def _ip(pod: Pod) -> str:
    return pod.ips[0] if pod.ips else "–"


def pod_status(pod: Pod) -> str:
    """The phase of a pod, or what is more telling than it."""
    if pod.template:
        return "Template"
    if pod.deleting:
        return "Terminating"
    return pod.reason or pod.phase or "Pending"


def _status_tone(pod: Pod) -> Tone:
    if pod.finished:
        return Tone.DIM
    return Tone.PLAIN if pod.ready or pod.template else Tone.WARN


def filtered_out(what: str, narrowed: Filter) -> tuple[Line, ...]:
    """What to say where a filter leaves nothing."""
    return (
        (Piece(f"No {what} passes the filter {narrowed.text}"),),
        (
            Piece("esc", Tone.KEY),
            Piece(" takes it off · ", Tone.DIM),
            Piece("/", Tone.KEY),
            Piece(" changes it", Tone.DIM),
        ),
    )


def nothing(sight: Sight, what: str, narrowed: Filter) -> tuple[Line, ...]:
    """What to say where a list is empty, and what to do about it."""
    plural = {"policy": "policies"}.get(what, f"{what}s")
    if narrowed:
        return filtered_out(what, narrowed)
    status = sight.frame.status
    if status.state in (State.CONNECTING, State.LOADING):
        return ((Piece(f"◌ loading {plural} …", Tone.DIM),),)
    if status.state is State.FAILED:
        return ()
    resource = {"policy": "networkpolicies", "workload": "pods"}.get(what, plural)
    unread = [gap for gap in sight.frame.snapshot.coverage.gaps if gap.resource == resource]
    if unread:
        return (
            (Piece(f"The {plural} could not be read: {unread[0].why}", Tone.WARN),),
            (Piece("!", Tone.KEY), Piece(" says what is missing", Tone.DIM)),
        )
    if what == "policy":
        return (
            (Piece("No policy here: every pod is open both ways."),),
            (Piece("esc", Tone.KEY), Piece(" goes back to the workloads", Tone.DIM)),
        )
    return (
        (Piece(f"No {what} here."),),
        (
            Piece("tab", Tone.KEY),
            Piece(" and ", Tone.DIM),
            Piece("↑↓", Tone.KEY),
            Piece(" choose another namespace", Tone.DIM),
        ),
    )
