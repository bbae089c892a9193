"""The Matrix as a value: which groups are its rows and columns, and how one looks closer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from console.errors import UsageError
from console.governance.groups import By, groups
from console.objects.snapshot import Snapshot
from console.objects.workloads import Workload
from console.policy.ends import parse_port
from console.policy.matrix import Strand, parts
from console.policy.reach import Reachability
from console.policy.verdict import Outcome
from console.tui.model.search import Filter
from console.tui.model.sight import Sight

#: What is seen from afar first; each zoom goes one on.
LEVELS: Final = (By.ROLE, By.NAMESPACE, By.WORKLOAD, By.POD)


class Scope(NamedTuple):
    """A part of the cluster, by what was zoomed into; ``""`` where nothing was."""

    role: str = ""
    namespace: str = ""
    workload: str = ""


class Axis(NamedTuple):
    """What the rows, or the columns, stand for, and of which part of the cluster."""

    by: By = By.ROLE
    scope: Scope = Scope()

    def closer(self, name: str) -> Axis | None:
        """The axis of what one of its groups is made of; None where that is pods."""
        if self.by is By.POD:
            return None
        scope = self.scope._replace(**{self.by.value: name})
        if self.by is By.WORKLOAD:
            scope = scope._replace(namespace=name.partition("/")[0])
        return Axis(LEVELS[LEVELS.index(self.by) + 1], scope)

    @property
    def words(self) -> str:
        """``namespaces of training``."""
        of = " › ".join(filter(None, (self.scope.role, self.scope.namespace, self.scope.workload.rpartition("/")[2])))
        return f"{self.by.value}s of {of}" if of else f"{self.by.value}s"


class Angle(NamedTuple):
    """What of the cluster is looked at: rows, columns, and one port (``443/TCP``) or any (``""``)."""

    rows: Axis = Axis()
    columns: Axis = Axis()
    port: str = ""

    @property
    def words(self) -> str:
        """``roles · any port``."""
        same = self.rows == self.columns
        axes = self.rows.words if same else f"from {self.rows.words} to {self.columns.words}"
        return f"{axes} · {self.port or 'any port'}"


class Group(NamedTuple):
    """A row or a column: pods by what they are called together, or a part of the outside, as a set of classes."""

    name: str
    classes: int
    outside: bool = False


class Chart:
    """All rows and columns of an angle on one state of the cluster, every row ready to be read at any column.

    Making it takes time in the classes its groups hold; reading a cell takes four
    operations, so that cells need never be kept. Immutable once made.
    """

    def __init__(self, reach: Reachability, sight: Sight, angle: Angle) -> None:
        """Raises UsageError for a port that is none."""
        self.reach = reach
        rows, row_groups = _settled(reach, sight, angle.rows)
        same = angle.rows == angle.columns
        columns, column_groups = (rows, row_groups) if same else _settled(reach, sight, angle.columns)
        #: The angle as it is shown: levels at which there is one group only are passed over.
        self.angle = Angle(rows, columns, angle.port)
        outside = [Group(kind, classes, True) for kind, classes in parts(reach).items()]
        self.rows: Sequence[Group] = [*(Group(*each) for each in row_groups.items()), *outside]
        self.columns: Sequence[Group] = [*(Group(*each) for each in column_groups.items()), *outside]
        self.ports: int | None = None
        if angle.port:
            number, protocol = parse_port(angle.port)
            self.ports = reach.port(protocol, number)
        self._strands: dict[int, Strand] = {}
        for row in self.rows:
            if row.classes not in self._strands:
                self._strands[row.classes] = Strand(reach, row.classes, self.ports)
        self.labels = _labels(self.rows, rows), _labels(self.columns, columns)

    @property
    def snapshot(self) -> Snapshot:
        """The state of the cluster."""
        return self.reach.engine.snapshot

    def cell(self, row: Group, column: Group) -> Outcome | None:
        """The answer from a row to a column; None where there is no pair of pods, or both are outside."""
        if row.outside and column.outside:
            return None
        return self._strands[row.classes].outcome(column.classes)

    def final(self, group: Group, axis: Axis) -> bool:
        """Whether a group is one end already: a pod, a workload of one pod, a part of the outside."""
        if group.outside or axis.by is By.POD:
            return True
        workload = workload_called(self.snapshot, group.name) if axis.by is By.WORKLOAD else None
        return workload is not None and len(workload.active) == 1

    def closer(self, row: Group | None, column: Group | None) -> Angle | None:
        """The angle of what a row, a column or both are made of; None where there is nothing closer to see."""
        rows, columns, _ = self.angle
        if row is not None and not self.final(row, rows):
            rows = rows.closer(row.name) or rows
        if column is not None and not self.final(column, columns):
            columns = columns.closer(column.name) or columns
        found = self.angle._replace(rows=rows, columns=columns)
        return found if found != self.angle else None


class Narrow(NamedTuple):
    """What rows and columns are narrowed to: ``text`` both, ``from > to`` each by its own (either may be empty)."""

    text: str = ""
    rows: Filter = Filter()
    columns: Filter = Filter()

    @classmethod
    def parse(cls, text: str) -> Narrow:
        """The narrowing a text means. Raises UsageError as Filter does, and for labels, which groups have none of."""
        before, arrow, after = text.partition(">")
        found = cls(text.strip(), Filter.parse(before), Filter.parse(after if arrow else before))
        if found.rows.labels or found.columns.labels:
            raise UsageError("groups have no labels", hint="text  !text  from > to")
        return found

    def __bool__(self) -> bool:
        return bool(self.rows or self.columns)

    def of_rows(self, chart: Chart) -> Sequence[Group]:
        """The rows that pass; the outside always does."""
        return _passing(chart.rows, self.rows)

    def of_columns(self, chart: Chart) -> Sequence[Group]:
        """The columns that pass; the outside always does."""
        return _passing(chart.columns, self.columns)


def _passing(among: Sequence[Group], by: Filter) -> Sequence[Group]:
    if not by:
        return among
    inner = [group for group in among if not group.outside]
    places = by.places([group.name.lower() for group in inner], lambda _: ())
    return [*(inner[place] for place in places), *(group for group in among if group.outside)]


def workload_called(snapshot: Snapshot, name: str) -> Workload | None:
    """The workload that a matrix by workload calls so."""
    namespace, _, rest = name.partition("/")
    kind, _, own = rest.partition("/")
    held = snapshot.contents.get(namespace)
    found = (each for each in held.workloads if each.name == own and each.kind.lower() == kind) if held else iter(())
    return next(found, None)


def _settled(reach: Reachability, sight: Sight, axis: Axis) -> tuple[Axis, dict[str, int]]:
    """The groups of an axis; where there is one only, those it is made of, as far as workloads."""
    while True:
        found = _groups(reach, sight, axis)
        on = axis.closer(next(iter(found))) if len(found) == 1 and axis.by in (By.ROLE, By.NAMESPACE) else None
        if on is None:
            return axis, found
        axis = on


def _groups(reach: Reachability, sight: Sight, axis: Axis) -> dict[str, int]:
    scope = axis.scope

    def among(workload: Workload) -> bool:
        if scope.workload:
            return f"{workload.namespace}/{workload.kind.lower()}/{workload.name}" == scope.workload
        return not scope.role or sight.facts.role(workload).role.value == scope.role

    return groups(
        reach,
        axis.by,
        namespace=scope.namespace or None,
        among=among,
        role=lambda workload: sight.facts.role(workload).role.value,
    )


def _labels(among: Sequence[Group], axis: Axis) -> dict[str, str]:
    """How groups are written where there is little room: without what all of them share, and without kinds."""
    if axis.by not in (By.WORKLOAD, By.POD):
        return {group.name: group.name for group in among}
    short: dict[str, str] = {}
    for group in among:
        namespace, _, rest = group.name.partition("/")
        own = rest.rpartition("/")[2]
        short[group.name] = group.name if group.outside else own if axis.scope.namespace else f"{namespace}/{own}"
    counted = Counter(short.values())
    return {name: label if counted[label] == 1 else name for name, label in short.items()}
