"""A matrix in any of the forms it is written in, by the name of the form or of a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Final

import msgspec

from console.errors import UsageError
from console.policy.matrix import Matrix
from console.report.clean import clean_json
from console.report.matrix import Spans, matrix_csv, matrix_dot, matrix_json, matrix_mermaid, text_lines

FORMS: Final = ("text", "json", "csv", "dot", "mermaid", "svg")
_BY_SUFFIX: Final[Mapping[str, str]] = {
    ".txt": "text",
    ".json": "json",
    ".csv": "csv",
    ".dot": "dot",
    ".gv": "dot",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".svg": "svg",
}


def form_of(file: str) -> str:
    """The form that the end of a file's name stands for. Raises UsageError where it stands for none."""
    form = _BY_SUFFIX.get(PurePath(file).suffix.lower())
    if form is None:
        raise UsageError(f"how {file} is to be written is not known", hint=f"end its name with {' '.join(_BY_SUFFIX)}")
    return form


def written(form: str, matrix: Matrix, spans: Spans, *, title: str) -> str:
    """The matrix in one of FORMS, ending with a line's end. Raises as `matrix_svg` does."""
    if form == "json":
        return (
            clean_json(msgspec.json.format(msgspec.json.encode(matrix_json(matrix, spans)), indent=2).decode()) + "\n"
        )
    if form == "svg":
        from console.report.matrix_svg import matrix_svg

        return matrix_svg(matrix, spans, title=title) + "\n"
    if form == "text":
        return "\n".join(text_lines(matrix)) + "\n"
    return {"csv": matrix_csv, "dot": matrix_dot, "mermaid": matrix_mermaid}[form](matrix)
