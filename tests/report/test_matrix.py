"""A matrix in every form it is written in: legible, and with names that try to be something else."""

from __future__ import annotations

import csv
import io
import re

import pytest

from console.policy.matrix import Matrix
from console.policy.model import Protocol
from console.policy.ports import PortSpan
from console.policy.verdict import Outcome
from console.report.matrix import matrix_csv, matrix_dot, matrix_json, matrix_mermaid, text_lines

ALLOWED, BLOCKED, PARTIAL, UNKNOWN = Outcome.ALLOWED, Outcome.BLOCKED, Outcome.PARTIAL, Outcome.UNKNOWN
HOSTILE = (
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    'x"]; evil [label="',
    "back\\",
    "two\nlines",
    "</text><script>alert(1)</script>",
    "n0 --> n1; click n0 call x()",
    "end",
    "\x1b]0;title\x07",
    "\u202eabc",
    "a,b;c'd",
)


def made(*names: str, outcome: Outcome = ALLOWED) -> Matrix:
    """A matrix in which every pair has the same answer, with the internet outside."""
    ends = (*names, "internet")
    cells = {(row, column): outcome for row in ends for column in ends if (row, column) != ("internet", "internet")}
    return Matrix(names, names, ("internet",), cells)


MIXED = Matrix(
    ("gateway", "a-much-longer-name"),
    ("gateway", "a-much-longer-name"),
    ("internet",),
    {
        ("gateway", "gateway"): None,
        ("gateway", "a-much-longer-name"): ALLOWED,
        ("gateway", "internet"): PARTIAL,
        ("a-much-longer-name", "gateway"): BLOCKED,
        ("a-much-longer-name", "a-much-longer-name"): UNKNOWN,
        ("a-much-longer-name", "internet"): BLOCKED,
        ("internet", "gateway"): BLOCKED,
        ("internet", "a-much-longer-name"): ALLOWED,
    },
)


def test_text_has_a_glyph_a_cell_under_the_number_of_its_column():
    head, first, second, outside, *_, legend = text_lines(MIXED)
    one, two, bar = head.index("1"), head.index("2"), head.index("│")
    assert [(line[one], line[two]) for line in (first, second, outside)] == [("·", "●"), ("○", "?"), ("○", "●")]
    assert {line.index("│") for line in (first, second, outside)} == {bar}
    middle = head.index("internet") + len("internet") // 2
    assert (first[middle - 1 : middle + 1].strip(), second[middle - 1 : middle + 1].strip()) == ("◐", "○")
    # The number of a column is that of its row.
    assert first.split()[:2] == ["1", "gateway"]
    assert second.split()[:2] == ["2", "a-much-longer-name"]
    assert all(f"{glyph} {outcome.value}" in legend for glyph, outcome in zip("●○◐?", Outcome, strict=True))


@pytest.mark.parametrize("count", [9, 10, 120])
def test_text_stays_aligned_however_many_columns_there_are(count: int):
    head, *rest = text_lines(made(*(f"n{number}" for number in range(count))))
    assert {line.index("│") for line in rest[: count + 1]} == {head.index("│")}


def test_text_obeys_no_name():
    text = "\n".join(text_lines(made(*HOSTILE)))
    assert all(character.isprintable() or character == "\n" for character in text)
    assert len(text.splitlines()) == len(HOSTILE) + 4


def test_csv_cells_are_text_to_a_spreadsheet_and_come_back_whole():
    rows = list(csv.reader(io.StringIO(matrix_csv(made(*HOSTILE)))))
    assert {len(row) for row in rows} == {len(HOSTILE) + 2}
    names = [row[0] for row in rows[1:-1]]
    assert rows[0] == ["from", *names, "internet"]
    assert not [name for name in names if name[0] in "=+-@\t\r"]
    assert names[0] == "'=cmd|' /C calc'!A0"
    assert names[-1] == "a,b;c'd"
    assert rows[-1] == ["internet", *["allowed"] * len(HOSTILE), ""]


def test_csv_names_the_answer_and_leaves_a_pod_and_itself_empty():
    rows = list(csv.reader(io.StringIO(matrix_csv(MIXED))))
    assert rows[1] == ["gateway", "", "allowed", "partial"]
    assert rows[2] == ["a-much-longer-name", "blocked", "unknown", "blocked"]


QUOTED = r'"(?:[^"\\\n]|\\.)*"'


def test_dot_has_each_name_in_one_string_and_nothing_else():
    head, *body, end = matrix_dot(made(*HOSTILE)).splitlines()
    assert (head, end) == ("digraph reach {", "}")
    node, edge = rf"  {QUOTED} \[shape=ellipse\];", rf"  {QUOTED} -> {QUOTED} \[style=solid\];"
    assert all(re.fullmatch(f"{node}|{edge}", line) for line in body[2:])
    assert sum("->" in line for line in body) >= len(HOSTILE) ** 2 + 2 * len(HOSTILE)


def test_dot_draws_what_is_open_by_how_sure_it_is():
    lines = matrix_dot(MIXED).splitlines()
    assert '  "gateway" -> "a-much-longer-name" [style=solid];' in lines
    assert '  "gateway" -> "internet" [style=dashed];' in lines
    assert '  "a-much-longer-name" -> "a-much-longer-name" [style=dotted];' in lines
    assert not [line for line in lines if '"a-much-longer-name" -> "gateway"' in line]


def test_mermaid_has_ids_of_its_own_and_labels_without_markup():
    head, *body = matrix_mermaid(made(*HOSTILE)).splitlines()
    assert head == "flowchart LR"
    label, edge = r'  n\d+\["(?:[\w /.\-:]|#\d+;)*"\]', r"  n\d+ --> n\d+"
    assert all(re.fullmatch(f"{label}|{edge}", line) for line in body)
    assert sum("[" in line for line in body) == len(HOSTILE) + 1


def test_mermaid_draws_what_is_open_by_how_sure_it_is():
    lines = matrix_mermaid(MIXED).splitlines()
    assert lines[1:4] == ['  n0["gateway"]', '  n1["a-much-longer-name"]', '  n2["internet"]']
    assert lines[4:] == ["  n0 --> n1", "  n0 -.-> n2", "  n1 -. ? .-> n1", "  n2 --> n1"]


def test_json_has_the_ports_of_what_surely_gets_through():
    asked: list[tuple[str, str]] = []

    def spans(row: str, column: str) -> tuple[PortSpan, ...]:
        asked.append((row, column))
        return (PortSpan(Protocol.TCP, 443, 443, ALLOWED),)

    cells = {(cell["from"], cell["to"]): cell for cell in matrix_json(MIXED, spans)["cells"]}
    assert cells["gateway", "internet"] == {
        "from": "gateway",
        "to": "internet",
        "outcome": "partial",
        "ports": ["443/TCP"],
    }
    assert cells["gateway", "gateway"]["outcome"] is None
    assert cells["a-much-longer-name", "a-much-longer-name"] == {
        "from": "a-much-longer-name",
        "to": "a-much-longer-name",
        "outcome": "unknown",
        "ports": [],
    }
    assert len(asked) == 3
