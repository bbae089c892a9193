"""A matrix as text, JSON, CSV, DOT and Mermaid. Names from a cluster are escaped for each."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from console.policy.matrix import Matrix
from console.policy.ports import PortSpan
from console.policy.verdict import Outcome
from console.report.clean import clean, csv_cell
from console.report.words import OUTCOME_GLYPHS

#: Reads the ports of a cell.
Spans = Callable[[str, str], tuple[PortSpan, ...]]
_EDGE: Final = {Outcome.ALLOWED: "solid", Outcome.PARTIAL: "dashed", Outcome.UNKNOWN: "dotted"}
_ARROW: Final = {Outcome.ALLOWED: "-->", Outcome.PARTIAL: "-.->", Outcome.UNKNOWN: "-. ? .->"}


def text_lines(matrix: Matrix) -> Iterator[str]:
    """The matrix with a glyph a cell; columns are numbered, and named in the rows of the same number, or below."""
    width = max((len(clean(row)) for row in (*matrix.rows, *matrix.outside)), default=0)
    numbers = [str(number) for number in range(1, len(matrix.columns) + 1)]
    cell = max((len(number) for number in numbers), default=1)
    head = " ".join(number.rjust(cell) for number in numbers)
    outer = "  ".join(matrix.outside)
    yield f"{'from ↓ to →':<{width + 5}}  {head} │ {outer}"
    for number, row in enumerate(matrix.rows, 1):
        inner = " ".join(_glyph(matrix.cell(row, column)).rjust(cell) for column in matrix.columns)
        outside = "  ".join(_glyph(matrix.cell(row, kind)).center(len(kind)) for kind in matrix.outside)
        yield f"{number:>4} {clean(row):<{width}}  {inner} │ {outside.rstrip()}"
    for kind in matrix.outside:
        inner = " ".join(_glyph(matrix.cell(kind, column)).rjust(cell) for column in matrix.columns)
        yield f"     {kind:<{width}}  {inner} │"
    yield ""
    if matrix.columns != matrix.rows:
        yield from (f"{number:>4} {clean(column)}" for number, column in enumerate(matrix.columns, 1))
        yield ""
    yield "  ".join(f"{glyph} {outcome.value}" for outcome, glyph in OUTCOME_GLYPHS.items()) + "  · no pair"


def _glyph(outcome: Outcome | None) -> str:
    return OUTCOME_GLYPHS[outcome] if outcome is not None else "·"


def matrix_json(matrix: Matrix, spans: Spans) -> dict[str, Any]:
    """The matrix as JSON values: every cell, and the ports of those where something surely gets through."""
    return {
        "rows": list(matrix.rows),
        "columns": list(matrix.columns),
        "outside": list(matrix.outside),
        "cells": [
            {
                "from": row,
                "to": column,
                "outcome": outcome.value if outcome is not None else None,
                "ports": [str(span) for span in spans(row, column)]
                if outcome in (Outcome.ALLOWED, Outcome.PARTIAL)
                else [],
            }
            for (row, column), outcome in matrix.cells.items()
        ],
    }


def matrix_csv(matrix: Matrix) -> str:
    """The matrix as CSV, with a row a source. A cell that a spreadsheet would run is made text."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    columns = [*matrix.columns, *matrix.outside]
    writer.writerow(["from", *map(csv_cell, columns)])
    for row in (*matrix.rows, *matrix.outside):
        outcomes = [matrix.cells.get((row, column)) for column in columns]
        writer.writerow([csv_cell(row), *(outcome.value if outcome is not None else "" for outcome in outcomes)])
    return file.getvalue()


def matrix_dot(matrix: Matrix) -> str:
    """The open paths as a Graphviz graph."""
    lines = ["digraph reach {", "  rankdir=LR;", '  node [shape=box, fontname="sans-serif"];']
    lines += [f"  {_quoted(kind)} [shape=ellipse];" for kind in matrix.outside]
    for row, column, outcome in matrix.open_cells():
        lines.append(f"  {_quoted(row)} -> {_quoted(column)} [style={_EDGE[outcome]}];")
    return "\n".join([*lines, "}", ""])


def _quoted(text: str) -> str:
    escaped = clean(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def matrix_mermaid(matrix: Matrix) -> str:
    """The open paths as a Mermaid flowchart."""
    ids: Mapping[str, str] = {
        name: f"n{number}"
        for number, name in enumerate(dict.fromkeys((*matrix.rows, *matrix.columns, *matrix.outside)))
    }
    lines = ["flowchart LR"]
    lines += [f'  {identity}["{_entities(name)}"]' for name, identity in ids.items()]
    for row, column, outcome in matrix.open_cells():
        lines.append(f"  {ids[row]} {_ARROW[outcome]} {ids[column]}")
    return "\n".join([*lines, ""])


def _entities(text: str) -> str:
    """Text for a Mermaid label: everything that could be markup as a numbered entity."""
    return "".join(each if each.isalnum() or each in " /.-_:" else f"#{ord(each)};" for each in clean(text))
