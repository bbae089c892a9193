"""What is under the cursor of the Matrix, in words; and as the connection one would ask about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from console.errors import UsageError
from console.governance.groups import By
from console.policy.ends import PortChoice, parse_port
from console.policy.matrix import spans_between
from console.policy.model import Protocol
from console.policy.ports import PortSpan
from console.policy.reach import Reachability, bits
from console.policy.universe import API_SERVER, INTERNET, METADATA, Outside
from console.policy.verdict import Outcome
from console.report.reach import ports_word
from console.report.words import OUTCOME_GLYPHS, count, outcome_word
from console.tui.model.chart import Axis, Chart, Group, workload_called
from console.tui.model.frame import Question
from console.tui.model.path import OUTCOME_TONES
from console.tui.model.search import USUAL_PORTS
from console.tui.text import Line, Piece, Tone

#: In a matrix what is closed is the ground, and what is open stands out from it.
_TONES: Final = {**OUTCOME_TONES, Outcome.BLOCKED: Tone.DIM}
#: Parts of the outside that are ends by their own name.
_NAMED: Final = (INTERNET, METADATA, API_SERVER)


class Ports(NamedTuple):
    """The ports of a cell: surely open ones, and those that may be."""

    sure: tuple[PortSpan, ...] = ()
    maybe: tuple[PortSpan, ...] = ()


def glyph(outcome: Outcome | None) -> Piece:
    """A cell."""
    return Piece(OUTCOME_GLYPHS[outcome], _TONES[outcome]) if outcome is not None else Piece("·", Tone.DIM)


def ports(chart: Chart, row: Group, column: Group) -> Ports:
    """The ports of a cell. Takes time in the classes of the row: not for the event loop."""
    sure = spans_between(chart.reach, row.classes, column.classes)
    maybe = spans_between(chart.reach, row.classes, column.classes, maybe=True)
    return Ports(sure, tuple(span for span in maybe if span not in sure))


def lines(chart: Chart, row: Group, column: Group, found: Ports | None) -> tuple[Line, ...]:
    """What a cell means; `found` is None while its ports are being worked out."""
    outcome = chart.cell(row, column)
    ends = Piece(f"{row.name} → {column.name}", Tone.STRONG)
    if row.outside and column.outside:
        return ((ends, Piece("  what goes on outside the cluster is not known here", Tone.DIM)),)
    if outcome is None:
        return ((ends, Piece("  a pod and itself: no policy comes between", Tone.DIM)),)
    says = {
        Outcome.ALLOWED: "every pod of the one reaches every pod of the other",
        Outcome.BLOCKED: "no pod of the one reaches any of the other",
        Outcome.PARTIAL: "some pods reach, some do not",
        Outcome.UNKNOWN: "cannot be known",
    }[outcome]
    if chart.final(row, chart.angle.rows) and chart.final(column, chart.angle.columns):
        reaches = {Outcome.ALLOWED: "reaches it", Outcome.BLOCKED: "does not reach it"}
        parts = "some addresses are reached, some are not"
        says = reaches.get(outcome, parts if outcome is Outcome.PARTIAL else says)
    if outcome is Outcome.UNKNOWN and chart.reach.engine.gaps:
        says = f"cannot be known: {chart.reach.engine.gaps[0].why}"
    on = f" on {chart.angle.port}" if chart.angle.port else ""
    first = (Piece(outcome_word(outcome), OUTCOME_TONES[outcome]), Piece("  "), ends, Piece(f"  {says}{on}"))
    return first, tuple(_ports(outcome, found, asked=chart.angle.port))


def _ports(outcome: Outcome, found: Ports | None, *, asked: str) -> Iterator[Piece]:
    if outcome is Outcome.BLOCKED and not asked:
        yield Piece("no port is open", Tone.DIM)
    elif found is None:
        yield Piece("◌ its ports …", Tone.DIM)
    else:
        yield Piece("open: ", Tone.DIM)
        yield Piece(ports_word(found.sure) or "no port for sure")
        if found.maybe:
            yield Piece("   cannot be known: ", Tone.DIM)
            yield Piece(ports_word(found.maybe))


def header_lines(chart: Chart, row: Group | None, column: Group | None) -> tuple[Line, ...]:
    """What a whole row, or a whole column, comes to."""
    group = row or column
    if group is None:
        return ((Piece("⏎ looks closer at everything", Tone.DIM),),)
    if row is not None:
        answers = Counter(chart.cell(row, each) for each in chart.columns)
        says = f"reaches, of {count(_inner(chart.columns), 'column')} and outside"
    else:
        answers = Counter(chart.cell(each, group) for each in chart.rows)
        says = f"is reached, of {count(_inner(chart.rows), 'row')} and outside, by"
    told = (Piece(f"  {OUTCOME_GLYPHS[each]} {answers[each]:,}", _TONES[each]) for each in Outcome if answers[each])
    return ((Piece(group.name, Tone.STRONG), Piece(f"  {says}"), *told),)


def _inner(groups: Sequence[Group]) -> int:
    return sum(not group.outside for group in groups)


def end_of(chart: Chart, group: Group, axis: Axis) -> str:
    """A group as `parse_end` reads it; ``""`` for a role, which is no end."""
    if group.outside:
        return outside_end(chart.reach, group.name)
    if axis.by is By.WORKLOAD:
        workload = workload_called(chart.snapshot, group.name)
        lone = workload is not None and workload.kind == "Pod"
        return f"{workload.namespace}/{workload.name}" if lone and workload else group.name
    return {By.POD: group.name, By.NAMESPACE: f"namespace:{group.name}"}.get(axis.by, "")


def outside_end(reach: Reachability, kind: str) -> str:
    """A part of the outside as `parse_end` reads it: by its name if it has one, else one address of it."""
    if kind in _NAMED:
        return kind
    held = reach.member(next(bits(reach.outside(kind))))
    return f"ip:{held.address}" if isinstance(held, Outside) else ""


def question(chart: Chart, row: Group, column: Group, found: Ports, choices: Sequence[PortChoice]) -> Question:
    """The connection to ask about: on the port looked at, else one that is open, else one the destination has."""
    ends = end_of(chart, row, chart.angle.rows), end_of(chart, column, chart.angle.columns)
    return Question(*ends, chart.angle.port or port_to_ask(found.sure or found.maybe, choices))


def port_to_ask(spans: Sequence[PortSpan], choices: Sequence[PortChoice] = ()) -> str:
    """One port of many: one that is open and that the destination has, or that one usually asks for; else any."""
    usual = [parse_port(each) for each in USUAL_PORTS]
    offered = [(each.port, each.protocol) for each in choices]
    for port, protocol in (*offered, *usual):
        if any(span.protocol is protocol and span.low <= port <= span.high for span in spans):
            return f"{port}/{protocol.value}"
    if spans:
        return f"{spans[0].low}/{spans[0].protocol.value}"
    port, protocol = offered[0] if offered else (443, Protocol.TCP)
    return f"{port}/{protocol.value}"


def port_named(text: str) -> str:
    """A port as an angle holds it: ``""`` for any. Raises UsageError for what is no port."""
    if text.lower() in ("", "any", "any port"):
        return ""
    number, protocol = parse_port(text)
    return f"{number}/{protocol.value}"


def level(text: str) -> By:
    """What ``:matrix`` takes: role, namespace, workload or pod, or how it begins. Raises UsageError."""
    found = [by for by in By if by.value.startswith(text.lower().removesuffix("s"))]
    if len(found) != 1:
        raise UsageError(f"there is no matrix by {text!r}", hint="role, namespace, workload or pod")
    return found[0]
