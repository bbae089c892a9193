"""Cluster text made safe for a terminal: nothing it says is obeyed."""

from __future__ import annotations

import re
from typing import Final

#: The longest run of text from a cluster that is shown in one piece, in characters.
LIMIT: Final = 500
_BEYOND_ASCII: Final = re.compile(r"[^\x20-\x7e\n]+")


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


def csv_cell(value: object) -> str:
    """A value as the text of a cell of CSV, cleaned; what a spreadsheet would run as a formula is made text."""
    text = clean(str(value))
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def json_text(value: object) -> str:
    """A value as indented JSON, escaped as `clean_json` does, ending with a line's end."""
    import msgspec

    return clean_json(msgspec.json.format(msgspec.json.encode(value), indent=2).decode()) + "\n"


def json_line(value: object) -> str:
    """A value as JSON of one line, escaped as `clean_json` does, without the line's end."""
    import msgspec

    return clean_json(msgspec.json.encode(value).decode())


def clean_json(text: str) -> str:
    """JSON text in which what a terminal obeys or does not show is escaped; to whoever parses it nothing changes.

    RFC 8259 has encoders escape what is below U+0020 only: DEL, C1 controls and bidi characters pass.
    """
    return _BEYOND_ASCII.sub(lambda found: "".join(map(_json_escaped, found[0])), text)


def _json_escaped(character: str) -> str:
    if character.isprintable():
        return character
    return "".join(f"\\u{unit.hex()}" for unit in _units(character))


def _units(character: str) -> tuple[bytes, ...]:
    """The UTF-16 code units of a character, which is how JSON escapes it."""
    encoded = character.encode("utf-16-be", "surrogatepass")
    return tuple(encoded[at : at + 2] for at in range(0, len(encoded), 2))
