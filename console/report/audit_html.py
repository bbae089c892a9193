"""An audit as one HTML page that stands alone: no script, no request, light and dark, on a phone and on paper."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from console.governance.controls import SHOWN
from console.governance.findings import Audit, Control, Finding, RuleResult, Severity, Status
from console.policy.matrix import Matrix
from console.policy.verdict import Outcome
from console.report.audit_html_style import STYLE
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
from console.report.words import OUTCOME_GLYPHS, count

#: Nothing is fetched and nothing runs, whatever a name in the cluster says.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def text(raw: str) -> str:
    """Any text as HTML that shows it as it is."""
    return html.escape(clean(raw, limit=2000), quote=True)


def render(audit: Audit, *, matrix: Matrix | None = None, made: Made | None = None) -> str:
    """The whole audit as a page; `matrix` is who reaches whom, by role, if it is to be shown."""
    return "\n".join(_page(audit, matrix, made)) + "\n"


def _page(audit: Audit, matrix: Matrix | None, made: Made | None) -> Iterator[str]:
    yield "<!DOCTYPE html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{html.escape(_POLICY)}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield f"<title>Audit: {text(audit.charter)}</title>"
    yield f"<style>{STYLE}</style></head><body>"
    yield from _head(audit, made)
    yield "<main>"
    yield from _rules(audit)
    if matrix is not None:
        yield from _matrix(matrix)
    yield from _findings(audit)
    yield from _controls(audit)
    yield f"</main><footer><p>{text(NOTICE)}</p></footer></body></html>"


def _head(audit: Audit, made: Made | None) -> Iterator[str]:
    yield f"<header><h1>Audit: {text(audit.charter)}</h1>"
    yield f"<p><strong>{text(summary(audit))}</strong></p>"
    findings = count(len(audit.findings), "finding")
    more = f" ({severities(audit)})" if audit.findings else ""
    yield f"<p>{text(f'{scope(audit)}; {findings}{more}')}</p>"
    if made is not None:
        yield f'<p class="quiet">{text(made.words())}</p>'
    sections = [("rules", "Rules"), ("findings", "Findings"), ("controls", "Controls")]
    links = [f'<a href="#{name}">{title}</a>' for name, title in sections]
    yield f"<nav>{' '.join(links)}</nav>"
    if audit.coverage:
        yield '<section class="note"><h2>Not everything could be read</h2>'
        yield "<p>Some of this may be incomplete:</p><ul>"
        yield from (f"<li>{text(each)}</li>" for each in audit.coverage)
        yield "</ul></section>"
    yield "</header>"


def _badge(kind: str, words: str) -> str:
    return f'<span class="badge {kind}">{text(words)}</span>'


def _rules(audit: Audit) -> Iterator[str]:
    yield '<section id="rules"><h2>Rules</h2>'
    yield '<div class="wide" role="region" aria-label="Rules" tabindex="0"><table><thead><tr>'
    yield '<th scope="col">Status</th><th scope="col">Rule</th><th scope="col">What it says</th></tr></thead><tbody>'
    for number, rule in enumerate(in_order(audit)):
        yield f"<tr><td>{_badge(rule.status.value, status_word(rule.status))}</td>"
        yield f'<th scope="row"><a href="#rule-{number}">{text(rule.name)}</a></th><td>{text(rule.sentence)}</td></tr>'
    yield "</tbody></table></div>"
    for number, rule in enumerate(in_order(audit)):
        opened = " open" if rule.status in (Status.FAIL, Status.UNKNOWN) else ""
        badge = _badge(rule.status.value, status_word(rule.status))
        yield f'<details id="rule-{number}"{opened}><summary>{badge} <b>{text(rule.name)}</b>'
        yield f'<span class="quiet">{text(rule.severity.value)}</span></summary>'
        yield from _rule(rule)
        yield "</details>"
    yield "</section>"


def _rule(rule: RuleResult) -> Iterator[str]:
    yield f'<p class="sentence">{text(rule.sentence)}</p>'
    if rule.why:
        yield f"<p>{text(rule.why)}</p>"
    for glyph, offences in (("✗", rule.offences), ("?", rule.unknowns)):
        if offences:
            yield '<ul class="pairs">'
            for facts, alike in folded(offences):
                yield _item(glyph, [pair_word(offence) for offence in alike], facts)
            if len(offences) > MOST:
                yield f"<li>{glyph} and {len(offences) - MOST} more</li>"
            yield "</ul>"
    if rule.excepted:
        yield '<ul class="pairs">'
        for offence, reason in rule.excepted[:MOST]:
            yield _item("~", [pair_word(offence)], [f"excepted: {reason}"])
        if len(rule.excepted) > MOST:
            yield f"<li>~ and {len(rule.excepted) - MOST} more</li>"
        yield "</ul>"
    yield from _toward(rule.controls)


def _item(glyph: str, pairs: Sequence[str], facts: Iterable[str]) -> str:
    """Pairs, and what is true of each of them."""
    lines = [f"{glyph} <b>{text(pair)}</b>" for pair in pairs]
    return f"<li>{'<br>'.join([*lines, *(f'<small>{text(fact)}</small>' for fact in facts)])}</li>"


def _toward(controls: tuple[Control, ...]) -> Iterator[str]:
    if controls:
        yield f'<p class="quiet">Evidence toward {text(controls_word(controls))}.</p>'


_CELL: Final = {
    Outcome.ALLOWED: "allowed",
    Outcome.BLOCKED: "blocked",
    Outcome.PARTIAL: "partial",
    Outcome.UNKNOWN: "unknown",
}


def _matrix(matrix: Matrix) -> Iterator[str]:
    columns = (*matrix.columns, *matrix.outside)
    yield '<section id="matrix"><h2>Who reaches whom</h2>'
    yield "<p>Rows open connections, columns are reached, on any port.</p>"
    yield '<div class="wide" role="region" aria-label="Who reaches whom" tabindex="0"><table class="matrix"><thead><tr>'
    yield '<th scope="col">from \\ to</th>'
    yield from (f'<th scope="col"><span>{text(column)}</span></th>' for column in columns)
    yield "</tr></thead><tbody>"
    for row in (*matrix.rows, *matrix.outside):
        yield f'<tr><th scope="row">{text(row)}</th>'
        yield from (_cell(matrix.cells.get((row, column))) for column in columns)
        yield "</tr>"
    yield "</tbody></table></div><p>"
    yield " ".join(f"{glyph} {outcome.value}" for outcome, glyph in OUTCOME_GLYPHS.items()) + " · no pair</p></section>"


def _cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return '<td title="no pair">·</td>'
    word = _CELL[outcome]
    return f'<td class="{word}" title="{word}">{OUTCOME_GLYPHS[outcome]}<span class="spoken"> {word}</span></td>'


def _findings(audit: Audit) -> Iterator[str]:
    yield '<section id="findings"><h2>Findings</h2>'
    if not audit.findings:
        yield "<p>None.</p>"
    for severity in Severity:
        found = [each for each in audit.findings if each.severity is severity]
        if found:
            yield f"<h3>{_badge(severity.value, severity.name)} {text(count(len(found), 'finding'))}</h3>"
            for each in found:
                yield from _finding(each)
    yield "</section>"


def _finding(finding: Finding) -> Iterator[str]:
    yield f"<details><summary><b>{text(finding.title)}</b>"
    yield f'<span class="quiet">{text(finding.code)} · {text(object_word(finding.object))}</span></summary><ul>'
    yield from (f"<li>{text(fact)}</li>" for fact in finding.evidence)
    if finding.place is not None:
        yield f"<li>written at {text(f'{finding.place.file}, line {finding.place.line}')}</li>"
    yield "</ul>"
    if finding.remedy:
        yield f"<p><b>Remedy.</b> {text(finding.remedy)}</p>"
    if finding.manifest:
        yield f"<pre>{html.escape(clean_lines(finding.manifest).rstrip())}</pre>"
    yield from _toward(finding.controls)
    yield "</details>"


def _controls(audit: Audit) -> Iterator[str]:
    found = touched(audit)
    if not found:
        return
    yield '<section id="controls"><h2>Controls</h2>'
    yield f"<p>{text(NOTICE)}</p>"
    yield '<div class="wide" role="region" aria-label="Controls" tabindex="0"><table><thead><tr>'
    yield '<th scope="col">Control</th><th scope="col">What can be shown of it</th><th scope="col">Rules</th>'
    yield '<th scope="col">Findings</th></tr></thead><tbody>'
    for control, (rules, findings) in found.items():
        yield f'<tr><th scope="row">{text(str(control))}</th><td>{text(SHOWN.get(control, ""))}</td>'
        statuses = [f"{status_word(status)} {number}" for status, number in _counts(rules)]
        yield f"<td>{text(', '.join(statuses))}</td><td>{len(findings) or ''}</td></tr>"
    yield "</tbody></table></div></section>"


def _counts(rules: list[RuleResult]) -> list[tuple[Status, int]]:
    numbers = [(status, sum(1 for rule in rules if rule.status is status)) for status in Status]
    return [(status, number) for status, number in numbers if number]
