"""The verdict's own lines: the answer, why, what changed it, why not, and what it assumes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from console.policy.verdict import Verdict
from console.report import verdict_words, words
from console.tui.model.frame import Answer, Flip, Question
from console.tui.model.path import OUTCOME_TONES
from console.tui.model.table import Table
from console.tui.text import Line, Piece, Tone


def headline(answer: Answer | None, question: Question) -> Line:
    """The answer in one line, or what is still to be said before there can be one."""
    if answer is None or (answer.verdict is None and answer.error is None):
        return _wanted(question)
    if answer.error is not None:
        return (
            Piece("✗ ", Tone.BAD),
            Piece(answer.error.message, Tone.STRONG),
            Piece(f"  {answer.error.hint}", Tone.DIM),
        )
    verdict = answer.verdict
    assert verdict is not None
    return (outcome(verdict), Piece("  "), Piece(verdict_words.headline(verdict)))


def outcome(verdict: Verdict) -> Piece:
    """``● ALLOWED``."""
    return Piece(words.outcome_word(verdict.outcome), OUTCOME_TONES[verdict.outcome])


def _wanted(question: Question) -> Line:
    if question.complete:
        return (Piece("◌ judging …", Tone.DIM),)
    missing = [
        (key, name)
        for key, name, value in (
            ("s", "a source", question.source),
            ("d", "a destination", question.destination),
            ("p", "a port", question.port),
        )
        if not value
    ]
    line: list[Piece] = [Piece("Choose ")]
    for place, (key, name) in enumerate(missing):
        if place:
            line.append(Piece(" and " if place == len(missing) - 1 else ", "))
        line += [Piece(name), Piece(" ("), Piece(key, Tone.ACCENT), Piece(")")]
    return (*line, Piece(" to ask whether they may talk, and why", Tone.DIM))


def flip_line(flip: Flip | None) -> Line:
    """When the verdict last changed, and by what."""
    if flip is None:
        return ()
    at = time.strftime("%H:%M:%S", time.localtime(flip.at))
    was = Piece(f"  was {words.outcome_word(flip.before)}", Tone.DIM)
    if not flip.changes:
        return (Piece(f"changed {at}", Tone.WARN), was)
    more = f" and {len(flip.changes) - 1} more" if len(flip.changes) > 1 else ""
    return (Piece(f"changed {at} by {words.change_words(flip.changes[0])}{more}", Tone.WARN), was)


def why_not(verdict: Verdict) -> Iterator[Line]:
    """The near misses of a verdict that is not allowed, then the caveats it rests on."""
    for number, miss in enumerate(verdict.near_misses, 1):
        place, _, facts = verdict_words.near_miss_line(miss).partition(": ")
        yield (Piece(f"{number} ", Tone.KEY), Piece(f"{miss.direction.value}  ", Tone.DIM), Piece(place, Tone.STRONG))
        yield (Piece(f"  {facts}"),)
    for caveat in verdict.caveats:
        detail = f" [{caveat.detail}]" if caveat.detail else ""
        yield (
            Piece("! ", Tone.WARN),
            Piece(f"{caveat.code}  ", Tone.KEY),
            Piece(f"{caveat.sentence}{detail}", Tone.DIM),
        )


def why_title(verdict: Verdict) -> str:
    """What the pane of near misses and caveats is called."""
    parts = []
    if verdict.near_misses:
        parts.append("Why not")
    if verdict.caveats:
        parts.append(f"Caveats {len(verdict.caveats)}")
    return " · ".join(parts)


def pin_line(question: Question, answer: Answer | None) -> Line:
    """A pinned connection: its verdict, and what last changed it."""
    if answer is None:
        return (Piece("◌ …       ", Tone.DIM), Piece(str(question)))
    if answer.verdict is None:
        message = answer.error.message if answer.error else ""
        return (Piece("✗ cannot be asked  ", Tone.BAD), Piece(str(question)), Piece(f"  {message}", Tone.DIM))
    word = words.outcome_word(answer.verdict.outcome)
    changed = flip_line(answer.flip)
    return (
        Piece(f"{word:<10}", OUTCOME_TONES[answer.verdict.outcome]),
        Piece(f" {question}"),
        *((Piece("  "), *changed) if changed else ()),
    )


class PinTable(Table[Question]):
    """The pinned connections as rows, each with its verdict and what last changed it."""

    def __init__(self, pins: Sequence[Question], answers: Mapping[Question, Answer]) -> None:
        super().__init__(list(pins))
        self._answers = answers

    def line(self, index: int, cells: int) -> Line:  # noqa: ARG002
        """One pin."""
        question = self.rows[index]
        return pin_line(question, self._answers.get(question))
