"""Cluster text made safe for a terminal: nothing it says is obeyed."""

from __future__ import annotations

from typing import Final

#: The longest run of text from a cluster that is shown in one piece, in characters.
LIMIT: Final = 500


def clean(text: str, limit: int = LIMIT) -> str:
    """The text with control, bidi and other invisible characters as visible escapes, its length bounded.

    A line break counts as a control character: what is shown as one line stays one line.
    """
    if len(text) > limit:
        text = f"{text[:limit]}…(+{len(text) - limit})"
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)


def clean_lines(text: str) -> str:
    """Text of many lines with each line cleaned and of any length; tabs become two spaces."""
    return "\n".join(clean(line.replace("\t", "  "), limit=len(line) + 2) for line in text.split("\n"))
