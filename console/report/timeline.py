"""The timeline as text and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from console.governance.findings import Status
from console.history.recording import Hole
from console.history.timeline import Entry
from console.history.times import rfc3339
from console.history.turned import RuleChange
from console.report import words
from console.report.clean import clean
from console.report.diff import alone_line, change_json, path_line
from console.report.json import ref_json

#: How many objects, and paths, a line or an entry of text names.
_MOST_OBJECTS: Final = 2
_MOST_PATHS: Final = 6
_INDENT: Final = " " * 10


def clock(at: float) -> str:
    """A moment as the time of day here."""
    return f"{datetime.fromtimestamp(at).astimezone():%H:%M:%S}"


def headline(entry: Entry) -> str:
    """What happened, in a line: the objects, what changed about them, and who did it."""
    by = f"  ({clean(entry.by)})" if entry.by else ""
    if not entry.refs:
        return clean(entry.facts)
    kind = clean(entry.refs[0].kind)
    names = words.some([words.place(ref) for ref in entry.refs], _MOST_OBJECTS)
    facts = f": {clean(entry.facts)}" if entry.facts else f" {entry.verb.value}"
    return f"{kind} {names}{facts}{by}"


def entry_lines(entry: Entry) -> Iterator[str]:
    """An entry: what happened and when, then each path and rule it changed."""
    yield f"{clock(entry.at)}  {headline(entry)}"
    for path in entry.paths[:_MOST_PATHS]:
        yield f"{_INDENT}{path_line(path)}"
    if len(entry.paths) > _MOST_PATHS:
        yield f"{_INDENT}and {len(entry.paths) - _MOST_PATHS} more changes of paths"
    for sign, word, found in (("+", "began", entry.came), ("−", "ended", entry.went)):
        for alone in found:
            yield f"{_INDENT}{sign} {word:<7}  {alone_line(alone)}"
    for rule in entry.rules:
        yield f"{_INDENT}{rule_line(rule)}"


def rule_line(rule: RuleChange) -> str:
    """A rule whose status changed: ``! charter  training-has-no-internet: PASS → FAIL``."""
    sign = "!" if rule.broke else "✓" if rule.now is Status.PASS else "?"
    was, now = (each.value.upper() if each is not None else "(none)" for each in (rule.was, rule.now))
    return f"{sign} charter  {clean(rule.rule)}: {was} → {now}"


def hole_line(hole: Hole) -> str:
    """A time nothing is known of."""
    return f"{clock(hole.begin)}  ? {hole}"


def folded_line(folded: int) -> str:
    """How much is not told."""
    return f"{words.count(folded, 'other change')} touched no path (pods among others like them, endpoints, owners)"


def entry_json(entry: Entry) -> dict[str, Any]:
    """An entry as JSON values; ``paths`` are as in ``diff -o json``."""
    return {
        "at": rfc3339(entry.at),
        "verb": entry.verb.value,
        "objects": [ref_json(ref) for ref in entry.refs],
        "facts": entry.facts,
        "manager": entry.by,
        "workload": f"{entry.workload.namespace}/{entry.workload.kind.lower()}/{entry.workload.name}"
        if entry.workload
        else None,
        "paths": [change_json(path) for path in entry.paths],
        "came": [alone.name for alone in entry.came],
        "went": [alone.name for alone in entry.went],
        "rules": [
            {
                "name": rule.rule,
                "was": rule.was.value if rule.was else None,
                "now": rule.now.value if rule.now else None,
            }
            for rule in entry.rules
        ],
    }


def hole_json(hole: Hole) -> dict[str, str]:
    """A time nothing is known of, as JSON values."""
    return {"from": rfc3339(hole.begin), "to": rfc3339(hole.end), "why": hole.why}
