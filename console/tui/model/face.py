"""What a grid of glyphs shows, and how it is laid out in a width: a few lines of names above, names at the left."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from console.tui.text import Line, Piece, cells_of

#: The row, or column, of the names: what is chosen there is a whole column, or row.
NAMES: Final = -1
#: Columns are this wide at least and at most, the space before each included, and so wide where not all fit.
_NARROW: Final = 5
_WIDE: Final = 16
_USUAL: Final = 8
#: Names of rows have so much room at least.
_LABEL: Final = 17
#: Names of columns take so many lines at most.
_HEAD: Final = 3
_PARTS: Final = re.compile(r"[^-/._ ]*[-/._ ]?")


class At(NamedTuple):
    """A place: a row and a column by their numbers, or NAMES."""

    row: int
    column: int


@dataclass(frozen=True)
class Face:
    """What a grid shows: the keys and labels of its rows and columns, and the glyph of any cell.

    `inner` counts the rows and columns that are set apart from those behind them.
    `empty` is what to say where there is nothing.
    """

    rows: Sequence[Hashable] = ()
    columns: Sequence[Hashable] = ()
    row_labels: Sequence[str] = ()
    column_labels: Sequence[str] = ()
    inner: tuple[int, int] = (0, 0)
    glyph: Callable[[int, int], Piece] = lambda *_: Piece("")
    empty: Sequence[Line] = ()


class Layout(NamedTuple):
    """Where things go in a width: the names of rows, the columns that scroll, those that stay at the right."""

    label: int
    column: int
    shown: int
    fixed: range
    head: int


def lay(face: Face, cells: int) -> Layout:
    """The layout in so many cells: all columns if they fit, else those set apart stay and the others scroll."""
    inner = face.inner[1]
    longest = max(map(cells_of, face.row_labels), default=0)
    label = min(max(longest + 3, _LABEL), max(cells * 2 // 5, _LABEL))
    room = max(cells - label, _NARROW)
    count = len(face.columns)
    widest = max(map(cells_of, face.column_labels), default=0) + 1
    width = next((w for w in range(_WIDE, _NARROW - 1, -1) if w <= max(widest, _USUAL) and w * count <= room), 0)
    fixed = range(0)
    if not width:
        width = _USUAL if cells >= 100 else _USUAL - 2
        outer = range(inner, count)
        if (room - width * len(outer)) // width >= min(inner, 4):
            fixed = outer
    shown = min(room // width - len(fixed), count - len(fixed))
    head = max((len(head_lines(name, width - 1)) for name in face.column_labels[:200]), default=0)
    return Layout(label, width, max(shown, 1), fixed, head)


def head_lines(name: str, cells: int) -> list[str]:
    """A name in a few lines of so many cells: all of it, the beginnings of its parts, or its beginning and its end."""
    lines: list[str] = []
    for part in filter(None, _PARTS.findall(name)):
        if lines and cells_of(lines[-1] + part) <= cells:
            lines[-1] += part
            continue
        while cells_of(part) > cells:
            lines.append(part[:cells])
            part = part[cells:]
        if part:
            lines.append(part)
    if len(lines) <= _HEAD:
        return lines
    parts = [part.rstrip("-/._ ")[:cells] for part in _PARTS.findall(name) if part]
    if len(parts) <= _HEAD:
        return parts
    return [*lines[: _HEAD - 1], f"…{name[1 - cells :]}"]
