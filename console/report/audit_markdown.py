"""An audit as Markdown (CommonMark with GitHub's tables). Text from a cluster stays text: nothing of it is markup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from console.governance.controls import SHOWN
from console.governance.findings import Audit, Finding, RuleResult
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
    touched,
)
from console.report.clean import clean, clean_lines
from console.report.words import count

# Whatever Markdown, HTML or GitHub's own links and formulas may read; an entity is never read as markup. An underscore
# inside a word is no markup, and a colon is the start of a link before slashes only.
_SPECIAL: Final = re.compile(r"[\\`*\[\]#|<>&~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=//)")
# What begins a list, a heading or a rule where it stands first.
_LEADING: Final = re.compile(r"^(\d+)([.)])|^([-+=.])")


def text(raw: str) -> str:
    """Any text as Markdown that shows it as it is, on one line."""
    escaped = _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", clean(raw, limit=2000))
    escaped = _LEADING.sub(lambda found: f"{found[1] or ''}&#{ord(found[2] or found[3])};", escaped)
    # GitHub looks for mentions and bare addresses in what entities have become; a comment keeps words apart.
    return escaped.replace("@", "@<!-- -->").replace("www.", "www<!-- -->.")


def render(audit: Audit, *, made: Made | None = None) -> str:
    """The whole audit as one Markdown document."""
    return "\n".join(_lines(audit, made)) + "\n"


def _lines(audit: Audit, made: Made | None) -> Iterator[str]:
    yield f"# Audit by the charter {text(audit.charter)}"
    yield ""
    yield f"**{text(summary(audit))}.** {text(scope(audit))}."
    if made is not None:
        yield ""
        yield text(made.words())
    if audit.coverage:
        yield ""
        yield "**Not everything could be read**, so that some of this may be incomplete:"
        yield ""
        yield from (f"- {text(each)}" for each in audit.coverage)
    yield from ["", "## Rules", ""]
    yield from _table(
        ("Status", "Rule", "Severity", "Offences", "What it says"),
        (
            (status_word(rule.status), rule.name, rule.severity.value, str(len(rule.offences)), rule.sentence)
            for rule in in_order(audit)
        ),
    )
    for rule in in_order(audit):
        if rule.offences or rule.unknowns or rule.excepted:
            yield from _rule(rule)
    yield from ["", "## Findings", ""]
    if not audit.findings:
        yield "None."
    else:
        yield f"{text(count(len(audit.findings), 'finding'))}: {text(severities(audit))}."
        yield ""
        rows = ((each.severity.value, each.code, object_word(each.object), each.title) for each in audit.findings)
        yield from _table(("Severity", "Code", "Object", "What is wrong"), rows)
    for finding in audit.findings:
        yield from _finding(finding)
    yield from _controls(audit)


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(text(cell) for cell in row)} |"


def _rule(rule: RuleResult) -> Iterator[str]:
    yield from ["", f"### {text(status_word(rule.status))}: {text(rule.name)}", "", text(rule.sentence)]
    if rule.why:
        yield from ["", text(rule.why)]
    yield ""
    for glyph, offences in (("✗", rule.offences), ("?", rule.unknowns)):
        for facts, alike in folded(offences):
            yield from (f"- {glyph} **{text(pair_word(offence))}**" for offence in alike)
            yield from (f"  - {text(fact)}" for fact in facts)
        if len(offences) > MOST:
            yield f"- {glyph} and {len(offences) - MOST} more"
    for offence, reason in rule.excepted[:MOST]:
        yield f"- \\~ **{text(pair_word(offence))}**"
        yield f"  - excepted: {text(reason)}"
    if len(rule.excepted) > MOST:
        yield f"- \\~ and {len(rule.excepted) - MOST} more"
    if rule.controls:
        yield from ["", f"Evidence toward {text(controls_word(rule.controls))}."]


def _finding(finding: Finding) -> Iterator[str]:
    title = f"{finding.severity.value}: {finding.code}, {object_word(finding.object)}"
    yield from ["", f"### {text(title)}", "", text(finding.title), ""]
    yield from (f"- {text(fact)}" for fact in finding.evidence)
    if finding.place is not None:
        yield f"- written at {text(f'{finding.place.file}, line {finding.place.line}')}"
    if finding.remedy:
        yield from ["", f"**Remedy.** {text(finding.remedy)}"]
    if finding.manifest:
        yield from ["", *_fenced(clean_lines(finding.manifest).rstrip("\n"))]
    if finding.controls:
        yield from ["", f"Evidence toward {text(controls_word(finding.controls))}."]


def _fenced(body: str) -> list[str]:
    """A code block whose fence is longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}yaml", *body.split("\n"), fence]


def _controls(audit: Audit) -> Iterator[str]:
    found = touched(audit)
    if not found:
        return
    yield from ["", "## Controls", "", NOTICE, ""]
    rows = (
        (str(control), SHOWN.get(control, ""), _by([rule.name for rule in rules], [each.code for each in findings]))
        for control, (rules, findings) in found.items()
    )
    yield from _table(("Control", "What can be shown of it", "Shown by"), rows)


def _by(rules: list[str], codes: list[str]) -> str:
    parts = []
    if rules:
        parts.append(f"rules {', '.join(dict.fromkeys(rules))}")
    if codes:
        parts.append(f"findings {', '.join(dict.fromkeys(codes))}")
    return "; ".join(parts)
