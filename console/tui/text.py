"""Text as the screens pass it around: pieces with a tone, never markup, and cleaned of what a terminal obeys."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len, chop_cells, set_cell_size

from console.report.clean import clean


class Tone(Enum):
    """What a piece of text is; the theme gives each a colour. Meaning is always in the text as well."""

    PLAIN = "plain"
    STRONG = "strong"
    DIM = "dim"
    ACCENT = "accent"
    KEY = "key"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"


class Piece(NamedTuple):
    """Some text in one tone."""

    text: str
    tone: Tone = Tone.PLAIN


Line = tuple[Piece, ...]


@lru_cache(maxsize=4096)
def _cleaned(text: str) -> str:
    return clean(text)


def cleaned(line: Iterable[Piece]) -> Line:
    """The line with every piece cleaned."""
    return tuple(Piece(_cleaned(piece.text), piece.tone) for piece in line)


def plain(line: Iterable[Piece]) -> str:
    """The text of a line without its tones."""
    return "".join(piece.text for piece in line)


def cells_of(text: str) -> int:
    """How many cells a text takes."""
    return len(text) if text.isascii() else cell_len(text)


def width(line: Iterable[Piece]) -> int:
    """How many cells a line takes."""
    return sum(cells_of(piece.text) for piece in line)


def fit(text: str, cells: int, *, right: bool = False) -> str:
    """The text in exactly `cells` cells: cut with an ellipsis, or padded (on the left where `right`)."""
    text = clean(text)
    length = cells_of(text)
    if length > cells:
        return set_cell_size(text, cells - 1) + "…" if cells > 0 else ""
    return " " * (cells - length) + text if right else text + " " * (cells - length)


def fit_ends(text: str, cells: int) -> str:
    """The text in exactly `cells` cells, cut in the middle: what begins alike is often told apart by its end."""
    text = clean(text)
    if cells_of(text) <= cells or cells < 8:
        return fit(text, cells)
    tail = (cells - 1) // 2
    end = text
    while cells_of(end) > tail:
        end = end[1:]
    return set_cell_size(text, cells - 1 - cells_of(end)) + "…" + end


def crop(line: Iterable[Piece], cells: int) -> Line:
    """The line in at most `cells` cells, cut with an ellipsis."""
    line = tuple(line)
    if width(line) <= cells:
        return line
    kept: list[Piece] = []
    left = cells
    for piece in line:
        length = cells_of(piece.text)
        if length >= left:
            kept.append(Piece(set_cell_size(piece.text, max(left - 1, 0)) + ("…" if left > 0 else ""), piece.tone))
            break
        kept.append(piece)
        left -= length
    return tuple(kept)


def wrap(line: Iterable[Piece], cells: int, *, indent: int = 0) -> list[Line]:
    """The line broken at spaces into lines of at most `cells` cells; all but the first begin with `indent` spaces.

    A word that is longer than a line is broken anywhere.
    """
    indent = min(indent, max(cells - 8, 0))
    lines: list[Line] = []
    current: list[Piece] = []
    used = start = 0
    begun = False  # whether anything but spaces stands on the current line

    def close() -> None:
        nonlocal current, used, start, begun
        lines.append(_trimmed(current))
        current = [Piece(" " * indent)] if indent else []
        used = start = indent
        begun = False

    for piece in line:
        for word in _words(piece.text):
            needed = cells_of(word.rstrip())
            if used + needed > cells and begun:
                close()
                word = word.lstrip()
            while cells_of(word.rstrip()) > cells - used:
                part = chop_cells(word, max(cells - used, 2))[0]
                current.append(Piece(part, piece.tone))
                word = word[len(part) :]
                close()
            if word:
                current.append(Piece(word, piece.tone))
                used += cells_of(word)
                begun = begun or not word.isspace()
    if current or not lines:
        lines.append(_trimmed(current))
    return lines


def _trimmed(line: list[Piece]) -> Line:
    """The line without the spaces at its end, which may have no room."""
    if line and line[-1].text.endswith(" "):
        return (*line[:-1], Piece(line[-1].text.rstrip(" "), line[-1].tone))
    return tuple(line)


def fold(line: Line, cells: int) -> list[Line]:
    """The line cleaned and broken to fit, going on under its own indentation."""
    text = plain(line)
    return wrap(cleaned(line), cells, indent=len(text) - len(text.lstrip(" ")) + 2)


def _words(text: str) -> list[str]:
    """The text cut after each run of spaces."""
    words: list[str] = []
    start = 0
    for position in range(1, len(text)):
        if text[position - 1] == " " and text[position] != " ":
            words.append(text[start:position])
            start = position
    if text[start:]:
        words.append(text[start:])
    return words
