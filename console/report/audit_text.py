"""An audit for a terminal: plain text, no line of its own wording over 80 columns, nothing a terminal would obey."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from console.governance.findings import Audit, Finding, Offence, RuleResult, Status
from console.report.audit_words import (
    MOST,
    NOTICE,
    Made,
    controls_word,
    folded,
    in_order,
    object_word,
    pair_word,
    scope,
    severities,
    status_word,
    summary,
)
from console.report.clean import clean, clean_lines
from console.report.words import count

_WIDTH: Final = 80


def render(audit: Audit, *, made: Made | None = None) -> str:
    """The whole audit: rules with their offences, findings with evidence and remedy, what could not be read."""
    return "\n".join(_lines(audit, made)) + "\n"


def _lines(audit: Audit, made: Made | None) -> Iterator[str]:
    yield from _wrapped(f"{clean(audit.charter)}: {summary(audit)}")
    yield from _wrapped(f"{scope(audit)}; {count(len(audit.findings), 'finding')}{_of(audit)}")
    if made is not None:
        yield from _wrapped(made.words())
    if audit.coverage:
        yield ""
        yield from _wrapped("Not everything could be read, so that some of this may be incomplete:")
        for each in audit.coverage:
            yield from _wrapped(clean(each), "  ? ")
    for rule in in_order(audit):
        yield ""
        yield from _rule(rule)
    for finding in audit.findings:
        yield ""
        yield from _finding(finding)
    if any(rule.controls for rule in audit.rules) or any(each.controls for each in audit.findings):
        yield ""
        yield from _wrapped(NOTICE)


def _of(audit: Audit) -> str:
    words = severities(audit)
    return f" ({words})" if words else ""


def _rule(rule: RuleResult) -> Iterator[str]:
    yield from _wrapped(
        f"{status_word(rule.status):<10} {clean(rule.name)}  [{rule.severity.value}]", hang="           "
    )
    yield from _wrapped(clean(rule.sentence), "    ")
    if rule.why:
        yield from _wrapped(clean(rule.why), "    ")
    for glyph, offences in (("✗", rule.offences), ("?", rule.unknowns)):
        yield from _offences(offences, glyph)
        if len(offences) > MOST:
            yield f"    {glyph} and {len(offences) - MOST} more"
    for offence, reason in rule.excepted[:MOST]:
        yield from _wrapped(pair_word(offence), "    ~ ")
        yield from _wrapped(f"excepted: {clean(reason)}", "      ")
    if len(rule.excepted) > MOST:
        yield f"    ~ and {len(rule.excepted) - MOST} more"
    if rule.controls and rule.status is not Status.PASS:
        yield from _wrapped(f"evidence toward {controls_word(rule.controls)}", "    ")


def _offences(offences: Sequence[Offence], glyph: str) -> Iterator[str]:
    """The pairs, with what is the same for several of them told once, after the last of these."""
    for facts, alike in folded(offences):
        for offence in alike:
            yield from _wrapped(pair_word(offence), f"    {glyph} ")
        for fact in facts:
            yield from _wrapped(fact, "        ")


def _finding(finding: Finding) -> Iterator[str]:
    yield from _wrapped(
        f"{finding.severity.name:<8} {clean(finding.code)}  {object_word(finding.object)}", hang="         "
    )
    yield from _wrapped(clean(finding.title), "    ")
    for fact in finding.evidence:
        yield from _wrapped(clean(fact), "    · ")
    if finding.place is not None:
        yield from _wrapped(f"written at {clean(finding.place.file)}:{finding.place.line}", "    · ")
    if finding.remedy:
        yield from _wrapped(clean(finding.remedy), "    → ")
    if finding.manifest:
        yield ""
        for line in clean_lines(finding.manifest).rstrip("\n").split("\n"):
            yield f"      {line}"
        yield ""
    if finding.controls:
        yield from _wrapped(f"evidence toward {controls_word(finding.controls)}", "    ")


def _wrapped(text: str, first: str = "", hang: str = "") -> list[str]:
    """The text in lines; only a word longer than a line goes beyond it, so that names can be copied whole."""
    rest = hang or " " * len(first)
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]
