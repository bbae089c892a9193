"""A matrix as a picture: SVG that opens in any browser and goes into a report, legible in black and white.

Drawn with drawsvg, an optional extra (``netpol-console[picture]``): plain Python without
dependencies, 0.2 MB, where matplotlib brings 100 MB and half a second, to draw circles.
It escapes text, and attribute values it does not: names only ever become text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from console.errors import NotInstalled, UsageError
from console.policy.matrix import Matrix
from console.policy.ports import PortSpan
from console.policy.verdict import Outcome
from console.report.clean import clean
from console.report.reach import ports_word

Spans = Callable[[str, str], tuple[PortSpan, ...]]

#: More cells than this are no picture: nobody could read it, and browsers would labour.
_MOST: Final = 40_000
_LONGEST: Final = 60
#: As wide as the legend, in pixels.
_LEGEND: Final = 650
#: Pixels: a cell, the letters, the margin, and what lies between inside and outside.
_CELL: Final = 24
_FONT: Final = 12
_MARGIN: Final = 20
_GAP: Final = 12
#: The width of a letter, as a share of its height; the font is the reader's own.
_LETTER: Final = 0.58
_INK: Final = "#1f2630"
_GREY: Final = "#8a93a0"
_LINE: Final = "#d5dae1"
_FAMILY: Final = "system-ui, 'DejaVu Sans', Arial, sans-serif"
_COLOURS: Final[Mapping[Outcome, str]] = {
    Outcome.ALLOWED: "#2f6f24",
    Outcome.PARTIAL: "#8a5a00",
    Outcome.UNKNOWN: "#5b3f8f",
    Outcome.BLOCKED: _GREY,
}
_SAYS: Final[Mapping[Outcome, str]] = {
    Outcome.ALLOWED: "allowed: every pair",
    Outcome.PARTIAL: "partial: some pairs",
    Outcome.UNKNOWN: "cannot be known",
    Outcome.BLOCKED: "blocked: no pair",
}


def matrix_svg(matrix: Matrix, spans: Spans, *, title: str) -> str:
    """The matrix as SVG; each cell says its ports when it is pointed at.

    Raises UsageError where it is too large for a picture, and NotInstalled where drawsvg is not there.
    """
    rows, columns = ((*names, *matrix.outside) for names in (matrix.rows, matrix.columns))
    if len(rows) * len(columns) > _MOST:
        raise UsageError(
            f"{len(rows):,} × {len(columns):,} cells are too many for a picture",
            hint="take a part of it, or a coarser one (--by namespace, --by role); csv and json take any size",
        )
    return _Picture(matrix, spans, title).svg()


class _Picture:
    def __init__(self, matrix: Matrix, spans: Spans, title: str) -> None:
        try:
            import drawsvg
        except ImportError:
            instead = "take -o dot, mermaid, csv or json, which need nothing"
            raise NotInstalled("pictures", "drawsvg", extra="picture", instead=instead) from None
        self._svg: Any = drawsvg
        self._matrix = matrix
        self._spans = spans
        self._title = clean(title)
        self._left = _MARGIN + _widest((*matrix.rows, *matrix.outside)) + 10
        self._top = _MARGIN + 34 + _widest((*matrix.columns, *matrix.outside)) + 10
        self._rows = _places(matrix.rows, matrix.outside, self._top)
        self._columns = _places(matrix.columns, matrix.outside, self._left)

    def svg(self) -> str:
        """All of it."""
        right = self._left + _extent(self._matrix.columns, self._matrix.outside)
        bottom = self._top + _extent(self._matrix.rows, self._matrix.outside)
        width = max(right, _MARGIN + round(len(self._title) * 16 * _LETTER), _LEGEND) + _MARGIN
        # An id of its own, so that the same matrix is the same picture.
        drawing = self._svg.Drawing(width, bottom + 64, role="img", font_family=_FAMILY, id_prefix="m")
        drawing.append_title(self._title)
        drawing.append(self._svg.Rectangle(0, 0, width, bottom + 64, fill="#ffffff"))
        drawing.append(self._text(self._title, 16, _MARGIN, _MARGIN + 14, font_weight="bold"))
        self._names(drawing, right, bottom)
        for (name, outer), y in self._rows.items():
            for (other, outer_too), x in self._columns.items():
                if not (outer and outer_too):
                    self._cell(drawing, name, other, x + _CELL / 2, y + _CELL / 2)
        self._legend(drawing, bottom + 40)
        return str(drawing.as_svg())

    def _names(self, drawing: Any, right: float, bottom: float) -> None:
        for (name, outer), y in self._rows.items():
            drawing.append(self._svg.Line(self._left, y + _CELL, right, y + _CELL, stroke=_LINE))
            end, style = self._left - 8, "italic" if outer else "normal"
            drawing.append(self._text(_short(name), _FONT, end, y + _CELL / 2 + 4, text_anchor="end", font_style=style))
        for (name, outer), x in self._columns.items():
            drawing.append(self._svg.Line(x + _CELL, self._top, x + _CELL, bottom, stroke=_LINE))
            place, style = (x + _CELL / 2 + 4, self._top - 8), "italic" if outer else "normal"
            turned = f"rotate(-90 {place[0]} {place[1]})"
            drawing.append(self._text(_short(name), _FONT, *place, transform=turned, font_style=style))
        drawing.append(self._text("from ↓ to →", _FONT, self._left - 8, self._top - 8, text_anchor="end", fill=_GREY))

    def _cell(self, drawing: Any, row: str, column: str, x: float, y: float) -> None:
        outcome = self._matrix.cells.get((row, column))
        group = self._svg.Group()
        said = f"{clean(row)} → {clean(column)}: {_SAYS[outcome] if outcome else 'no pair'}"
        if outcome in (Outcome.ALLOWED, Outcome.PARTIAL):
            said += f", on {ports_word(self._spans(row, column))}"
        group.append_title(said)
        for part in self._glyph(outcome, x, y):
            group.append(part)
        drawing.append(group)

    def _glyph(self, outcome: Outcome | None, x: float, y: float) -> list[Any]:
        """A full disc, half a disc, a question mark, a ring, or a point: each by its form, whatever the colour."""
        if outcome is None:
            return [self._svg.Circle(x, y, 1.2, fill=_GREY)]
        colour, radius = _COLOURS[outcome], _CELL * 0.29
        if outcome is Outcome.UNKNOWN:
            mark = self._text("?", 16, x, y + 5.5, text_anchor="middle", font_weight="bold", fill=colour)
            return [self._svg.Rectangle(x - 8, y - 9, 16, 18, fill="#ffffff", fill_opacity=0), mark]
        if outcome is Outcome.ALLOWED:
            return [self._svg.Circle(x, y, radius, fill=colour)]
        ring = self._svg.Circle(x, y, radius, fill="#ffffff", stroke=colour, stroke_width=1.4)
        if outcome is Outcome.BLOCKED:
            return [ring]
        half = self._svg.Path(fill=colour).M(x, y - radius).A(radius, radius, 0, 0, 0, x, y + radius).Z()
        return [ring, half]

    def _legend(self, drawing: Any, y: float) -> None:
        x: float = _MARGIN
        for outcome, says in _SAYS.items():
            for part in self._glyph(outcome, x + 7, y):
                drawing.append(part)
            drawing.append(self._text(says, 11, x + 20, y + 4))
            x += 32 + len(says) * 11 * _LETTER
        drawing.append(self._text("· no pair", 11, x, y + 4, fill=_GREY))

    def _text(self, text: str, size: float, x: float, y: float, **style: Any) -> Any:
        return self._svg.Text(text, size, x, y, **{"fill": _INK, **style})


def _short(name: str) -> str:
    """A name as it stands beside the matrix; all of it is in what its cells say."""
    name = clean(name)
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _widest(names: tuple[str, ...]) -> int:
    return round(max((len(_short(name)) for name in names), default=0) * _FONT * _LETTER)


def _places(inner: tuple[str, ...], outside: tuple[str, ...], start: float) -> dict[tuple[str, bool], float]:
    """Where each row, or column, begins."""
    places = {(name, False): start + number * _CELL for number, name in enumerate(inner)}
    after = start + len(inner) * _CELL + _GAP
    return places | {(name, True): after + number * _CELL for number, name in enumerate(outside)}


def _extent(inner: tuple[str, ...], outside: tuple[str, ...]) -> float:
    return (len(inner) + len(outside)) * _CELL + (_GAP if outside else 0)
