"""The picture: well-formed whatever the names are, told by forms and not by colours, and its absence explained."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from console.cli import main
from console.errors import InputError, UsageError
from console.policy.matrix import Matrix
from console.policy.model import Protocol
from console.policy.ports import PortSpan
from console.policy.verdict import Outcome
from console.report.matrix_svg import matrix_svg
from tests.clusters import pod

from .test_matrix import HOSTILE, MIXED, made

SVG = "{http://www.w3.org/2000/svg}"


def spans(row: str, column: str) -> tuple[PortSpan, ...]:
    return (PortSpan(Protocol.TCP, 443, 443, Outcome.ALLOWED),)


def drawn(matrix: Matrix, title: str = "t") -> ElementTree.Element:
    return ElementTree.fromstring(matrix_svg(matrix, spans, title=title).encode())


def test_every_cell_says_in_words_what_it_is_and_on_which_ports() -> None:
    said = [each.text for each in drawn(MIXED).iter(f"{SVG}title")]
    assert "gateway → a-much-longer-name: allowed: every pair, on 443/TCP" in said
    assert "gateway → internet: partial: some pairs, on 443/TCP" in said
    assert "a-much-longer-name → internet: blocked: no pair" in said
    assert "a-much-longer-name → a-much-longer-name: cannot be known" in said
    assert "gateway → gateway: no pair" in said


def test_outcomes_differ_in_form_when_all_colours_are_taken_away() -> None:
    forms = set()
    for outcome in Outcome:
        matrix = Matrix(("a",), ("b",), (), {("a", "b"): outcome})
        cell = drawn(matrix).find(f"{SVG}g")
        assert cell is not None
        shapes = [
            (each.tag, bool(each.get("stroke")), each.text if each.tag == f"{SVG}text" else "")
            for each in cell
            if each.tag != f"{SVG}title"
        ]
        forms.add(tuple(shapes))
    assert len(forms) == len(Outcome)


def test_names_are_text_and_nothing_else() -> None:
    picture = matrix_svg(made(*HOSTILE), spans, title=HOSTILE[9])
    root = ElementTree.fromstring(picture.encode())
    tags = {each.tag.removeprefix(SVG) for each in root.iter()}
    assert tags <= {"svg", "defs", "title", "rect", "text", "tspan", "line", "g", "circle", "path"}
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e]", picture)
    for each in root.iter():
        for value in each.attrib.values():
            assert "evil" not in value
            assert "script" not in value


def test_the_same_matrix_is_the_same_picture() -> None:
    assert matrix_svg(MIXED, spans, title="t") == matrix_svg(MIXED, spans, title="t")


def test_too_large_a_picture_is_refused_with_what_to_do() -> None:
    names = tuple(f"n{number}" for number in range(300))
    with pytest.raises(UsageError, match="too many for a picture") as told:
        matrix_svg(Matrix(names, names, (), {}), spans, title="t")
    assert "--by namespace" in told.value.hint


def test_the_command_line_draws_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifests = tmp_path / "all.yaml"
    manifests.write_text(pod("a", "<b>", "10.0.0.1") + pod("a", "web", "10.0.0.2"))
    assert main(["matrix", "--by", "pod", "--manifests", str(manifests), "-o", "svg"]) in (0, 2, 3)
    out = capsys.readouterr().out
    root = ElementTree.fromstring(out.encode())
    assert any(each.text == "Who reaches whom, by pod, on any port" for each in root.iter(f"{SVG}text"))


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "drawsvg", None)
    with pytest.raises(InputError, match="drawsvg") as told:
        matrix_svg(MIXED, spans, title="t")
    assert "netpol-console[picture]" in told.value.hint
