"""The help screen, made from the bindings themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from console.tui.model.commands import FORMS
from console.tui.text import Line, Piece, Tone

_FILTERS = (
    ("text", "rows that hold all the words, or nearly"),
    ("!text", "rows that do not"),
    ("-l key=value", "rows with a label; also key!=value, key, !key; a comma means and"),
)
_GLYPHS = (
    ("● ALLOWED  ○ BLOCKED  ◐ PARTIAL  ? UNKNOWN", "verdicts; PARTIAL: replicas, ports or families differ"),
    ("□ open", "no policy selects the pods in this direction"),
    ("■ rules", "isolated, and rules let something through"),
    ("▣ closed", "isolated, and no rule lets anything through"),
    ("◧ mixed", "replicas differ"),
    ("✓ matches  ✗ does not  ? cannot be known", "rules, peers, ports and clauses"),
    ("▶", "a line of YAML that decided"),
)


class Entry(NamedTuple):
    """A binding as help lists it: its keys as written, what it does, the id to remap it by, the key to press for it."""

    keys: str
    does: str
    id: str
    press: str = ""


def lines(sections: Sequence[tuple[str, Sequence[Entry]]]) -> Iterator[Line]:
    """Help: the keys by section, the commands, the filters, the glyphs."""
    for title, entries in sections:
        if entries:
            yield (Piece(title, Tone.KEY),)
            for entry in entries:
                yield (
                    Piece(f"  {entry.keys:<14}", Tone.ACCENT),
                    Piece(f" {entry.does:<58}"),
                    Piece(f" {entry.id}", Tone.DIM),
                )
            yield ()
    yield (Piece("Commands", Tone.KEY),)
    for form in FORMS:
        yield (Piece(f"  {f':{form.name} {form.takes}'.rstrip():<24}", Tone.ACCENT), Piece(f" {form.does}"))
    yield ()
    yield (Piece("Filters", Tone.KEY), Piece("  after /", Tone.DIM))
    for form_text, does in _FILTERS:
        yield (Piece(f"  {form_text:<24}", Tone.ACCENT), Piece(f" {does}"))
    yield ()
    yield (Piece("Signs", Tone.KEY),)
    for glyph, does in _GLYPHS:
        yield (Piece(f"  {glyph:<44}", Tone.STRONG), Piece(f" {does}", Tone.DIM))
    yield ()
    remap = 'The word that ends a line is the id of its key. To remap: [keys] "id" = "key" in the settings file.'
    yield (Piece(remap, Tone.DIM),)
