"""Matrix: who reaches whom, from roles down to pods, and outside; each cell leads closer, at last to Simulate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ClassVar, Final, NamedTuple

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget

from console.errors import ConsoleError, UsageError
from console.tui import draw, keys
from console.tui.model import cell
from console.tui.model.chart import LEVELS, Angle, Axis, Chart, Group, Narrow
from console.tui.model.charted import exported, port_candidates, text_of
from console.tui.model.face import NAMES, At, Face
from console.tui.model.frame import Frame
from console.tui.model.search import typed_port
from console.tui.model.session import ports_of
from console.tui.model.waiting import nobody, waiting
from console.tui.screens.picker import Choice, Picker
from console.tui.screens.writing import WritingScreen
from console.tui.survey import Wanted
from console.tui.widgets.answer import AnswerBox
from console.tui.widgets.grid import Grid

_ANY: Final = "any port"
_FIRST: Final = At(0, 0)


class _Step(NamedTuple):
    """Where we came from: an angle, what it was narrowed to, and where the cursor was."""

    angle: Angle
    narrowed: Narrow
    at: At


class _Cell(NamedTuple):
    """The cell whose ports are known, on the chart they are of."""

    chart: Chart
    row: Group
    column: Group


class MatrixScreen(WritingScreen):
    """The grid, and what the cell under the cursor means."""

    NAME = "matrix"
    FILTER_ADVICE = "text  !text  from > to"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.MATRIX)]
    DEFAULT_CSS = """
    MatrixScreen #grid { height: 1fr; border: round $border-blurred; border-title-color: $foreground; }
    MatrixScreen #grid:focus { border: round $accent; }
    MatrixScreen #cell { height: 3; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._angle = Angle()
        self._trail: list[_Step] = []
        self._narrowed = Narrow()
        self._drawn: tuple[object, ...] = ()
        self._newest: tuple[Angle, Chart | None] = self._angle, None
        self._rows: list[Group] = []
        self._columns: list[Group] = []
        self._start: At | None = _FIRST
        self._ports: tuple[_Cell, cell.Ports] | None = None

    def body(self) -> ComposeResult:
        """The grid and the line under it."""
        yield Grid(id="grid")
        yield AnswerBox(id="cell")

    @property
    def grid(self) -> Grid:
        """The glyphs."""
        return self.query_one(Grid)

    def panes(self) -> list[Widget]:
        """The grid."""
        return [self.grid]

    def arrange_panes(self) -> None:
        """There is one pane."""

    @property
    def wanted(self) -> Wanted:
        """The angle."""
        return Wanted(self._angle)

    def take(self) -> None:
        """Turn to what was asked for by a command."""
        asked, self.session.matrix_by = self.session.matrix_by, ""
        if asked:
            try:
                by = cell.level(asked)
            except UsageError as error:
                self.console.fail(error)
            else:
                self._turn_to(Angle(Axis(by), Axis(by), self._angle.port))

    def open_matrix(self) -> None:
        """Show what was asked for by a command."""
        self.take()
        self.console.survey.want(self.wanted)
        self.draw(self.frame)

    @property
    def chart(self) -> Chart | None:
        """The newest chart of the angle wanted; None while the first is being made."""
        findings = self.console.findings
        if findings.wanted.angle == self._angle and (findings.chart is not None or findings.error is not None):
            self._newest = self._angle, findings.chart
        return self._newest[1] if self._newest[0] == self._angle else None

    # Drawing ---------------------------------------------------------------------------------------------------------

    def draw(self, frame: Frame) -> None:
        """The chart, if another one is there."""
        chart = self.chart
        findings = self.console.findings
        state = chart, self._narrowed, self._angle, findings.error, findings.trouble, frame.status.state
        if state == self._drawn:
            return
        self._drawn = state
        if chart is None:
            error = findings.error if findings.wanted.angle == self._angle else None
            empty = waiting(frame, trouble=findings.trouble, error=error, rescue_keys=self.rescue_keys())
            self.grid.show(Face(empty=empty))
            draw.title(self.grid, f"Matrix · {self._angle.words}")
            self.query_one("#cell", AnswerBox).show([()], None)
            return
        self._rows, self._columns = list(self._narrowed.of_rows(chart)), list(self._narrowed.of_columns(chart))
        rows, columns = self._rows, self._columns
        if not (_inner(rows) and _inner(columns)):
            narrowed, closer = self._narrowed.text if self._narrowed else "", bool(self._trail)
            empty = nobody(frame, narrowed=narrowed, closer=closer, rescue_keys=self.rescue_keys())
            self.grid.show(Face(empty=empty))
            draw.title(self.grid, f"Matrix · {chart.angle.words}")
            self.query_one("#cell", AnswerBox).show([()], None)
            return
        labels, across = chart.labels
        face = Face(
            [(each.name, each.outside) for each in rows],
            [(each.name, each.outside) for each in columns],
            [labels[each.name] for each in rows],
            [across[each.name] for each in columns],
            (_inner(rows), _inner(columns)),
            lambda row, column: cell.glyph(chart.cell(rows[row], columns[column])),
        )
        start, self._start = self._start, None
        self.grid.show(face, at=start)
        narrowed = f"  /{self._narrowed.text}" if self._narrowed else ""
        size = f"{_inner(rows):,} × {_inner(columns):,}"
        behind = f" · ✗ not current: {findings.trouble}" if findings.trouble else ""
        draw.title(self.grid, f"Matrix · {chart.angle.words}{narrowed}{behind}", size)
        self._draw_cell()

    def _under_cursor(self) -> tuple[Group | None, Group | None]:
        at = self.grid.at
        row = self._rows[at.row] if 0 <= at.row < len(self._rows) else None
        return row, self._columns[at.column] if 0 <= at.column < len(self._columns) else None

    def _draw_cell(self) -> None:
        chart = self.chart
        box = self.query_one("#cell", AnswerBox)
        if chart is None:
            return
        row, column = self._under_cursor()
        if row is None or column is None:
            box.show(cell.header_lines(chart, row, column), None)
            return
        here = _Cell(chart, row, column)
        known = self._ports[1] if self._ports is not None and self._ports[0] == here else None
        box.show(cell.lines(chart, row, column, known), chart.cell(row, column))
        if known is None:
            self._work_out_ports(here)

    @work(exclusive=True, group="ports", exit_on_error=False)
    async def _work_out_ports(self, here: _Cell) -> None:
        found = await asyncio.to_thread(cell.ports, *here)
        self._ports = here, found
        self._draw_cell()

    @on(Grid.Moved)
    def _moved(self) -> None:
        self._draw_cell()

    # Looking closer --------------------------------------------------------------------------------------------------

    def _turn_to(self, angle: Angle, *, start: At = _FIRST) -> None:
        """Look from another angle; esc comes back to this one."""
        if angle != self._angle:
            self._trail.append(_Step(self._angle, self._narrowed, self.grid.at if self.is_mounted else _FIRST))
            self._angle, self._narrowed, self._start = angle, Narrow(), start
            self._look()

    def _look(self) -> None:
        self.console.survey.want(self.wanted)
        if self.is_mounted:
            self.draw(self.frame)

    @on(Grid.Chosen)
    def _chosen(self) -> None:
        chart = self.chart
        if chart is None:
            return
        row, column = self._under_cursor()
        closer = chart.closer(row, column)
        if closer is not None:
            at = self.grid.at
            # The outside stays where it is: the cursor too.
            kept = column is not None and column.outside
            place = len(chart.columns) - len(self._columns) + at.column if kept else 0
            self._turn_to(closer, start=At(0 if row is not None else NAMES, place if column is not None else NAMES))
        elif row is not None and column is not None:
            self.action_simulate()
        else:
            self.console.say("Nothing is closer than this. A cell leads to Simulate.")

    def action_back(self) -> None:
        """Take off the filter, look from further away, or go back to where one came from."""
        if self._narrowed:
            self._narrowed = Narrow()
            self.draw(self.frame)
        elif self._trail:
            step = self._trail.pop()
            self._angle, self._narrowed, self._start = step.angle, step.narrowed, step.at
            self._look()
        else:
            self.go_back()

    def action_by(self) -> None:
        """The next level, for the whole cluster."""
        shown = self.chart.angle.rows.by if self.chart is not None else self._angle.rows.by
        by = LEVELS[(LEVELS.index(shown) + 1) % len(LEVELS)]
        self._turn_to(Angle(Axis(by), Axis(by), self._angle.port))

    def action_turn(self) -> None:
        """Rows become columns, and columns rows."""
        rows, columns, port = self._angle
        at = self.grid.at
        if rows == columns:
            self.grid.show(self.grid.face, at=At(at.column, at.row))
            self._draw_cell()
            return
        self._angle, self._start = Angle(columns, rows, port), At(at.column, at.row)
        self._narrowed = Narrow()
        self._look()

    def action_port(self) -> None:
        """Choose a port, or any."""
        offered = Choice(
            "Port",
            port_candidates(self.frame.snapshot, _ANY),
            placeholder="a port: 443, 53/UDP; or any",
            typed=typed_port,
            current=self._angle.port or _ANY,
        )
        self.app.push_screen(self.console.cover(Picker).offer(offered), self._picked)

    def _picked(self, text: str | None) -> None:
        if text is not None:
            self._angle = self._angle._replace(port=cell.port_named(text))
            self._look()

    @work(exclusive=True, group="simulate", exit_on_error=False)
    async def action_simulate(self) -> None:
        """Ask about one connection of the cell."""
        chart = self.chart
        row, column = self._under_cursor()
        if chart is None or row is None or column is None:
            self.console.say("Choose a cell to simulate: a row and a column.", "warning")
            return
        found = await asyncio.to_thread(cell.ports, chart, row, column)
        question = cell.question(chart, row, column, found, ())
        question = cell.question(chart, row, column, found, ports_of(question.destination, self.frame.snapshot))
        if not (question.source and question.destination) or (row.outside and column.outside):
            what = "both are outside" if row.outside and column.outside else "a role is no end"
            self.console.say(f"There is no one connection to ask about: {what}. Enter looks closer.", "warning")
            return
        self.console.set_question(question)
        self.lead_to("simulate")

    def action_around(self) -> None:
        """All that the row (or the column, on its name) reaches, and all that reaches it."""
        chart = self.chart
        row, column = self._under_cursor()
        if chart is None or (row is None and column is None):
            return
        rows, columns, _ = chart.angle
        end = (
            cell.end_of(chart, row, rows)
            if row is not None
            else cell.end_of(chart, column or chart.columns[0], columns)
        )
        if end:
            self.look_around(end)
        else:
            self.console.say("A role is no end. Enter looks closer, down to workloads and pods.", "warning")

    # Narrowing and writing -------------------------------------------------------------------------------------------

    @property
    def filtered_by(self) -> str:
        """See FilterScreen."""
        return self._narrowed.text

    def narrow(self, text: str) -> None:
        """See FilterScreen."""
        self._narrowed = Narrow.parse(text)
        self.draw(self.frame)

    @property
    def suggested_file(self) -> str:
        """See WritingScreen."""
        return f"matrix-by-{self._angle.rows.by.value}.svg"

    def writer(self, file: str, over: str) -> Callable[[], Path] | None:
        """See WritingScreen."""
        chart = self.chart
        if chart is None:
            self.console.say("There is no matrix to write yet.", "warning")
            return None
        return partial(exported, chart, self._rows, self._columns, file, over=over)

    @work(exclusive=True, group="export", exit_on_error=False)
    async def action_copy(self) -> None:
        """Copy the matrix as text."""
        chart = self.chart
        if chart is not None:
            try:
                text = await asyncio.to_thread(text_of, chart, self._rows, self._columns, "text")
            except ConsoleError as error:
                self.console.fail(error)
            else:
                self.console.copy(text, "the matrix")


def _inner(groups: list[Group]) -> int:
    return sum(not group.outside for group in groups)
