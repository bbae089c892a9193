"""From lines of pieces to what Textual draws. Every text passes `clean` here, whoever made it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from console.tui.text import Line, Piece, Tone, cleaned, crop, width
from console.tui.theme import STYLES

W = TypeVar("W", bound=Widget)


def strip(line: Iterable[Piece], cells: int, base: Style, tones: Mapping[Tone, Style]) -> Strip:
    """One screen line of exactly `cells` cells on the base style, cut with an ellipsis where too long."""
    pieces = crop(cleaned(line), cells)
    segments = [Segment(piece.text, base + tones[piece.tone]) for piece in pieces if piece.text]
    return Strip(segments, width(pieces)).adjust_cell_length(cells, base)


def content(line: Iterable[Piece]) -> Content:
    """A line for a widget that takes Content; nothing in it is read as markup."""
    return Content.assemble(*((piece.text, STYLES[piece.tone]) for piece in cleaned(line)))


def contents(lines: Iterable[Line]) -> Content:
    """Several lines, one under the other."""
    return Content("\n").join([content(line) for line in lines])


def update(widget: Static, line: Line) -> None:
    """Show a line, where it is a new one: what says the same needs no new layout."""
    made = content(line)
    if not isinstance(widget.content, Content) or not widget.content.is_same(made):
        widget.update(made)


def title(widget: Widget, text: str, foot: str = "") -> None:
    """Give a widget's border a title and a foot, cleaned; the widget is only drawn anew where one is new."""
    for name, wanted in (("border_title", text), ("border_subtitle", foot)):
        made = content((Piece(wanted),)) if wanted else None
        if getattr(widget, name) != (made.markup if made else None):
            setattr(widget, name, made)


def titled(widget: W, text: str) -> W:
    """A new widget with a title in its border."""
    title(widget, text)
    return widget
