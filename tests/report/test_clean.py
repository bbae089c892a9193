"""Text from a cluster that tries to be more than text."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from console.report.clean import LIMIT, clean, clean_json, clean_lines


@given(st.text())
def test_nothing_that_a_terminal_obeys_or_hides_is_left(text: str) -> None:
    assert clean(text).isprintable()
    assert all(line.isprintable() for line in clean_lines(text).split("\n"))


@given(st.text(st.characters(codec="utf-8")))
def test_escaped_json_means_what_it_meant(text: str) -> None:
    # As msgspec writes it: DEL, C1 controls and everything beyond ASCII stand there as they are.
    written = json.dumps({text: [text]}, ensure_ascii=False, indent=2)
    escaped = clean_json(written)
    assert json.loads(escaped) == {text: [text]}
    assert escaped.replace("\n", "").isprintable()


def test_a_long_text_is_bounded_and_says_by_how_much() -> None:
    assert clean("x" * (LIMIT + 7)) == "x" * LIMIT + "…(+7)"
