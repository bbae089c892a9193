"""The Timeline as rows and lines: what happened, by whom, what it opened and closed, what it did to the charter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from console.governance.findings import Status
from console.history.recording import Hole
from console.history.timeline import Entry
from console.policy.difference_model import Change, Kind, Part
from console.policy.ports import PortSpan
from console.report import timeline as words
from console.report.diff import ends_words, ports_words
from console.report.words import count, place, some
from console.tui.annals import Item
from console.tui.model.frame import Question
from console.tui.model.table import Column, Table
from console.tui.text import Line, Piece, Tone

_SIGNS = (
    (Kind.OPENED, "+", Tone.BAD),
    (Kind.CLOSED, "−", Tone.GOOD),
    (Kind.CHANGED, "~", Tone.WARN),
    (Kind.UNKNOWN, "?", Tone.WARN),
)
_TONES = {kind: tone for kind, _, tone in _SIGNS}


class Edge(NamedTuple):
    """A path of an entry, and what Simulate asks to show it; None where its ends are no single ones."""

    number: int
    change: Change
    question: Question | None


def rows(items: Sequence[Item], *, effects: bool, empty: Sequence[Line]) -> Table[Item]:
    """What happened, the newest first; with `effects` only what changed a path or a rule."""
    listed = [item for item in items if not effects or _does(item)]
    columns: list[Column[Item]] = [
        Column("TIME      WHAT", lambda item: Piece(_line(item), _line_tone(item)), _line, ends=True),
        Column("PATHS", lambda item: Piece(_paths(item), _tone(item)), _paths, right=True),
        Column(
            "CHARTER", lambda item: Piece(_rules(item), Tone.BAD if "✗" in _rules(item) else Tone.GOOD), _rules, drop=1
        ),
        Column("BY", lambda item: Piece(_by(item), Tone.DIM), _by, drop=2),
    ]
    return Table(listed, columns, lambda item: item.number, text=_text, empty=empty, least=30, most=120)


def _does(item: Item) -> bool:
    told = item.told
    return isinstance(told, Hole) or bool(told.paths or told.rules or told.came or told.went)


def _line(item: Item) -> str:
    return f"{words.clock(item.at)}  {_what(item)}"


def _line_tone(item: Item) -> Tone:
    return Tone.WARN if isinstance(item.told, Hole) else Tone.PLAIN


def _what(item: Item) -> str:
    told = item.told
    if isinstance(told, Hole):
        return f"? {told}"
    if not told.refs:
        return told.facts
    kind, names = told.refs[0].kind, some([place(ref) for ref in told.refs], 1)
    return f"{kind} {names}: {told.facts}" if told.facts else f"{kind} {names} {told.verb.value}"


def _by(item: Item) -> str:
    return item.told.by if isinstance(item.told, Entry) else ""


def counted(changes: Sequence[Change]) -> dict[Kind, int]:
    """How many pairs of workloads opened, closed, changed."""
    found: dict[Kind, int] = {}
    for change in changes:
        found[change.kind] = found.get(change.kind, 0) + len(change.sources) * len(change.destinations)
    return found


def _paths(item: Item) -> str:
    if isinstance(item.told, Hole):
        return ""
    found = counted(item.told.paths)
    return " ".join(f"{sign}{found[kind]}" for kind, sign, _ in _SIGNS if kind in found)


def _tone(item: Item) -> Tone:
    if isinstance(item.told, Hole):
        return Tone.DIM
    found = counted(item.told.paths)
    return next((tone for kind, _, tone in _SIGNS if kind in found), Tone.DIM)


def _rules(item: Item) -> str:
    if isinstance(item.told, Hole):
        return ""
    glyphs = {Status.FAIL: "✗", Status.PASS: "✓", Status.UNKNOWN: "?", Status.EXCEPTED: "~", None: "–"}
    signs = [glyphs[rule.now] for rule in item.told.rules]
    return " ".join(f"{signs.count(sign)} {sign}" for sign in dict.fromkeys(signs))


def _text(item: Item) -> str:
    told = item.told
    if isinstance(told, Hole):
        return str(told)
    ends = [part.name for path in told.paths for part in (*path.sources, *path.destinations)]
    ends += [alone.name for alone in (*told.came, *told.went)]
    names = [f"{ref.kind} {ref.namespace}/{ref.name}" for ref in told.refs]
    rules = [rule.rule for rule in told.rules]
    return " ".join((*names, told.facts, told.by, *ends, *rules))


def about(item: Item) -> Iterator[Line]:
    """All that is told of an entry but its paths."""
    told = item.told
    if isinstance(told, Hole):
        yield (Piece(words.hole_line(told), Tone.WARN),)
        return
    yield (Piece(words.headline(told), Tone.STRONG),)
    moment = datetime.fromtimestamp(told.at).astimezone()
    by = f" by {told.by}" if told.by else "; by whom is not known"
    yield (Piece(f"{moment:%Y-%m-%d %H:%M:%S}{by}", Tone.DIM),)
    for rule in told.rules:
        yield (Piece(words.rule_line(rule), Tone.BAD if rule.broke else Tone.GOOD),)
    for sign, word, found in (("+", "began", told.came), ("−", "ended", told.went)):
        for alone in found:
            yield (Piece(f"{sign} {word}  {alone.name} ({count(alone.pods, 'pod')})"),)
    if not told.paths:
        yield (Piece("It opened and closed no path.", Tone.DIM),)


def plain(item: Item) -> Iterator[str]:
    """All that is told of an entry, as the command line writes it."""
    yield from (words.hole_line(item.told),) if isinstance(item.told, Hole) else words.entry_lines(item.told)


def edges(item: Item | None) -> Table[Edge]:
    """The paths an entry changed, a row each."""
    listed: list[Edge] = []
    if item is not None and isinstance(item.told, Entry):
        listed = [Edge(number, change, _question(change)) for number, change in enumerate(item.told.paths)]
    signs = {kind: sign for kind, sign, _ in _SIGNS}

    def ends(edge: Edge) -> str:
        return f"{signs[edge.change.kind]} {ends_words(edge.change)}"

    def ports(edge: Edge) -> str:
        return ports_words(edge.change)

    columns: list[Column[Edge]] = [
        Column("PATH", lambda edge: Piece(ends(edge), _TONES[edge.change.kind]), ends, ends=True),
        Column("PORTS", lambda edge: Piece(ports(edge), Tone.DIM), ports, drop=1),
    ]
    return Table(listed, columns, lambda edge: edge.number, most=300)


def _question(change: Change) -> Question | None:
    spans = change.opened or change.closed or change.after or change.before or change.unknown
    source, destination = _end(change.sources), _end(change.destinations)
    return Question(source, destination, _port(spans)) if source and destination and spans else None


def _end(parts: Sequence[Part]) -> str:
    name = parts[0].name if parts else ""
    return {"private": "", "nodes": ""}.get(name, name)


def _port(spans: Sequence[PortSpan]) -> str:
    usual = (443, 80)
    for span in spans:
        for port in usual:
            if span.low <= port <= span.high:
                return f"{port}/{span.protocol.value}"
    return f"{spans[0].low}/{spans[0].protocol.value}"
