"""The parts of a question: where from, where to, on which port. What is said of each, and how it is chosen."""

from __future__ import annotations

from console.errors import UsageError
from console.objects.snapshot import Snapshot
from console.policy.ends import parse_end
from console.report.words import end_word
from console.tui.model import search
from console.tui.model.frame import Frame, Question
from console.tui.model.session import ports_of
from console.tui.screens.picker import Choice


def note(part: str, question: Question, snapshot: Snapshot) -> str:
    """A few words about what was chosen for a part (``source``, ``destination``, ``port``); none where nothing was."""
    if part == "port":
        choices = ports_of(question.destination, snapshot)
        return next((each.name for each in choices if f"{each.port}/{each.protocol.value}" == question.port), "")
    text = question.source if part == "source" else question.destination
    try:
        return end_word(parse_end(text, snapshot)).partition("(")[2].rstrip(")") if text else ""
    except UsageError:
        return "not there"


def choice(part: str, question: Question, frame: Frame, home: str) -> Choice:
    """What there is for a part of a question, that of namespace `home` first."""
    if part == "port":
        return Choice(
            f"Port of {question.destination or 'the destination'}",
            search.ports(ports_of(question.destination, frame.snapshot)),
            placeholder="a port it has, or any: 443, 53/UDP",
            typed=search.typed_port,
            current=question.port,
        )
    return Choice(
        "From" if part == "source" else "To",
        frame.known.ends(frame.snapshot.contents, home),
        placeholder="letters of a workload, pod or Service; internet; an address",
        typed=search.typed_end,
        current=question.source if part == "source" else question.destination,
    )
