"""The page that compares what three tools say quotes this one truly."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from console.cli import main

PAGE = (Path(__file__).parent / "comparison.md").read_text()
CLUSTER, *CASES = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
QUESTION = re.compile(r"^`(?P<src>\S+)` → `(?P<dst>\S+)`, port (?P<port>\d+)$", re.MULTILINE)


def blocks(text: str) -> dict[str, str]:
    return {match[1]: match[2] for match in BLOCK.finditer(text)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.splitlines()[0])
def test_every_line_that_is_quoted_is_said_and_in_that_order(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "cluster.yaml").write_text(f"{blocks(CLUSTER)['yaml']}---\n{blocks(case)['yaml']}")
    asked = QUESTION.search(case)
    assert asked is not None
    main(["simulate", asked["src"], asked["dst"], "--port", asked["port"], "--manifests", str(tmp_path)])
    said = iter(capsys.readouterr().out.splitlines())
    for line in blocks(case)["console"].splitlines():
        assert line.strip() == "…" or line in said, f"does not say {line!r}"


def test_the_page_has_all_its_cases():
    assert len(CASES) == 8
