"""The words that everything is told in: glyphs, outcomes, counts, ends, objects, changes.

Everything here is plain text of one line, cleaned of what a terminal would obey.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from console.cluster.source import Change
from console.objects.meta import ObjectRef
from console.policy.posture import Stance
from console.policy.trace import Match
from console.policy.verdict import End, Outcome
from console.report.clean import clean

#: Glyphs that need no colour to be told apart.
OUTCOME_GLYPHS: Final[Mapping[Outcome, str]] = {
    Outcome.ALLOWED: "●",
    Outcome.BLOCKED: "○",
    Outcome.PARTIAL: "◐",
    Outcome.UNKNOWN: "?",
}
STANCE_GLYPHS: Final[Mapping[Stance, str]] = {
    Stance.OPEN: "□",
    Stance.RULES: "■",
    Stance.CLOSED: "▣",
    Stance.MIXED: "◧",
    Stance.UNKNOWN: "?",
}
_MATCH_GLYPHS: Final[Mapping[Match, str]] = {True: "✓", False: "✗", None: "?"}


def change_words(change: Change) -> str:
    """A change in a few words: ``Pod training/x label role: a → b (kubectl)``."""
    what = f" {change.detail}" if change.detail else f" {change.verb.value}"
    by = f" ({change.manager.name})" if change.manager and change.manager.name else ""
    return clean(f"{change.ref}{what}{by}")


def outcome_word(outcome: Outcome) -> str:
    """``● ALLOWED``."""
    return f"{OUTCOME_GLYPHS[outcome]} {outcome.name}"


def stance_word(stance: Stance) -> str:
    """``■ rules``."""
    return f"{STANCE_GLYPHS[stance]} {stance.value}"


def match_glyph(match: Match) -> str:
    """``✓``, ``✗``, or ``?`` where it cannot be known."""
    return _MATCH_GLYPHS[match]


def answer_glyph(allowed: Match) -> str:
    """The outcome glyph of a direction's answer."""
    return OUTCOME_GLYPHS[{True: Outcome.ALLOWED, False: Outcome.BLOCKED, None: Outcome.UNKNOWN}[allowed]]


def count(number: int, noun: str) -> str:
    """``1 pod``, ``3 pods``, ``2 policies``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("y") else f"{number} {noun}s"


def end_word(end: End) -> str:
    """An end as users write it, with its size: ``training/pytorchjob/llm-finetune (4 pods)``."""
    text = clean(str(end))
    return f"{text} ({count(len(end.pods), 'pod')})" if len(end.pods) > 1 else text


def place(ref: ObjectRef) -> str:
    """An object without its kind: ``namespace/name``."""
    return clean(f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name)


def some(names: Sequence[str], most: int = 3) -> str:
    """A few names and how many more: ``a, b, c and 9 more``."""
    shown = ", ".join(clean(name) for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
