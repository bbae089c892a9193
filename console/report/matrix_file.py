"""A matrix in any of the forms it is written in (report.forms)."""

from __future__ import annotations

from console.policy.matrix import Matrix
from console.report.clean import json_text
from console.report.matrix import Spans, matrix_csv, matrix_dot, matrix_json, matrix_mermaid, text_lines


def written(form: str, matrix: Matrix, spans: Spans, *, title: str) -> str:
    """The matrix in one of the forms, ending with a line's end. Raises as `matrix_svg` does."""
    if form == "json":
        return json_text(matrix_json(matrix, spans))
    if form == "svg":
        from console.report.matrix_svg import matrix_svg

        return matrix_svg(matrix, spans, title=title) + "\n"
    if form == "text":
        return "\n".join(text_lines(matrix)) + "\n"
    return {"csv": matrix_csv, "dot": matrix_dot, "mermaid": matrix_mermaid}[form](matrix)
