"""What fuzzing found, kept; and a short look at every target from its seeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from .seeds import seeds
from .targets import TARGETS

FINDINGS = sorted(Path(__file__).with_name("findings").iterdir())


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda path: path.name)
def test_what_was_found_once_does_not_break_again(finding: Path) -> None:
    TARGETS[finding.name.partition("-")[0]](finding.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_on_its_seeds_and_when_they_are_cut_short(name: str) -> None:
    for seed in list(seeds(name))[:5]:
        TARGETS[name](seed)
        for cut in range(0, len(seed), len(seed) // 5 + 1):
            TARGETS[name](seed[:cut])
