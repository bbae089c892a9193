"""A chart as something to keep: as the command line writes a matrix, to a file; and the ports one may ask it for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from console.errors import InputError, UsageError
from console.objects.snapshot import Snapshot
from console.policy.matrix import Matrix, spans_between
from console.policy.ports import PortSpan
from console.report.forms import MATRIX, form_of
from console.report.matrix_file import written
from console.tui.model.chart import Chart, Group
from console.tui.model.search import MOST, USUAL_PORTS, Candidate
from console.tui.saving import Occupied, save

#: More cells than this are not written: nobody would read them, and there may be a hundred million.
_MOST_CELLS: Final = 1_000_000


def matrix_of(chart: Chart, rows: Sequence[Group], columns: Sequence[Group]) -> Matrix:
    """The cells of some rows and columns. Raises UsageError where they are too many to be written."""
    if len(rows) * len(columns) > _MOST_CELLS:
        raise UsageError(
            f"a matrix of {len(rows):,} × {len(columns):,} is too large to write",
            hint="look closer (⏎), or narrow it (/), first",
        )
    inner, across = ([each for each in groups if not each.outside] for groups in (rows, columns))
    outside = [each for each in rows if each.outside]
    cells = {
        (row.name, column.name): chart.cell(row, column)
        for row in rows
        for column in columns
        if not (row.outside and column.outside)
    }
    return Matrix(
        tuple(each.name for each in inner),
        tuple(each.name for each in across),
        tuple(each.name for each in outside),
        cells,
    )


def text_of(chart: Chart, rows: Sequence[Group], columns: Sequence[Group], form: str) -> str:
    """Rows and columns in a form that the command line has, too. Raises UsageError and InputError."""
    classes = {each.name: each.classes for each in (*rows, *columns)}

    def spans(row: str, column: str) -> tuple[PortSpan, ...]:
        return spans_between(chart.reach, classes[row], classes[column])

    return written(form, matrix_of(chart, rows, columns), spans, title=f"Who reaches whom: {chart.angle.words}")


def exported(chart: Chart, rows: Sequence[Group], columns: Sequence[Group], file: str, *, over: str = "") -> Path:
    """Write a chart to a file, in the form its name ends with; `over` what is there already. Not for the event loop.

    Raises UsageError for a form there is not, and InputError where nothing can be written.
    """
    text = text_of(chart, rows, columns, form_of(file, MATRIX))
    try:
        return save(text, file, over=bool(over))
    except Occupied as error:
        raise InputError(error.message, hint=f":export {file} over writes over it") from None


def port_candidates(snapshot: Snapshot, any_port: str) -> list[Candidate]:
    """Any port, the ports that most pods declare, and the usual ones."""
    declared = Counter(
        (f"{port.port}/{port.protocol}", port.name) for pod in snapshot.pods() if not pod.finished for port in pod.ports
    )
    found = [Candidate(any_port, "whatever the port")]
    found += [
        Candidate(port, f"{name or 'unnamed'} · declared by {pods:,} pod{'s' if pods != 1 else ''}")
        for (port, name), pods in declared.most_common(MOST)
    ]
    return found + [Candidate(port, "usual") for port in USUAL_PORTS if not any(each.text == port for each in found)]
