"""What differs between two snapshots, as text and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from console.objects.meta import ObjectRef
from console.policy.causes import Cause, What
from console.policy.difference_model import Alone, Change, Difference, Kind, Part
from console.policy.matrix import OUTSIDE
from console.policy.ports import PortSpan
from console.policy.verdict import Verdict
from console.report import verdict_words, words
from console.report.clean import clean
from console.report.json import ref_json
from console.report.reach import ports_word, unseen_lines

_GLYPHS: Final = {Kind.OPENED: "+", Kind.CHANGED: "±", Kind.CLOSED: "−", Kind.UNKNOWN: "?"}
#: How many ends, and objects that happened alike, a line of text names.
_MOST_ENDS: Final = 3
_MOST_OBJECTS: Final = 2


def diff_lines(difference: Difference, old: str, new: str) -> Iterator[str]:
    """Each change with the objects responsible and the verdict before and now, then who is in one snapshot only."""
    yield f"{clean(old)} → {clean(new)}  {_summary(difference)}"
    for change in difference.changes:
        yield ""
        yield from _change(change)
    for title, found in (("only in the new one", difference.added), ("only in the old one", difference.removed)):
        if found:
            yield ""
            yield f"{title} (not among the paths above)"
        for alone in found:
            yield f"  {alone_line(alone)}"
    if difference.turnover:
        yield ""
        yield "pods that came or went"
    for each in difference.turnover:
        yield f"  {clean(each.name)}{_named('+', each.came)}{_named('−', each.went)}"
    yield from unseen_lines(difference.unseen)


def _summary(difference: Difference) -> str:
    found = []
    for kind in Kind:
        pairs = {
            (one.name, other.name)
            for change in difference.of(kind)
            for one in change.sources
            for other in change.destinations
        }
        if pairs:
            found.append(f"{_GLYPHS[kind]}{len(pairs)} {kind.value if kind is not Kind.UNKNOWN else 'cannot be known'}")
    return ", ".join(found) or "no path differs"


def _change(change: Change) -> Iterator[str]:
    yield path_line(change)
    of_one = "" if change.alike else "one of many: "
    for cause in _folded(change.causes):
        yield f"    {of_one}{cause_line(cause)}"
    for word, verdict in (("was", change.was), ("now", change.now)):
        yield f"    {word} {words.outcome_word(verdict.outcome)}  {verdict_words.headline(verdict)}"


def path_line(change: Change) -> str:
    """What became of the paths between some ends: ``+ opened   training/etl → internet  443/TCP``."""
    return f"{_GLYPHS[change.kind]} {change.kind.value:<7}  {ends_words(change)}  {ports_words(change)}"


def ends_words(change: Change) -> str:
    """``training/etl → internet``."""
    return f"{_parts(change.sources)} → {_parts(change.destinations)}"


def ports_words(change: Change) -> str:
    """On which ports, and over which family where it is one of two."""
    return _ports(change) + (f" over IPv{change.family}" if change.family else "")


def _ports(change: Change) -> str:
    if change.kind is Kind.UNKNOWN:
        return ports_word(change.unknown)
    if change.kind is not Kind.CHANGED:
        return ports_word(change.opened or change.closed)
    moved = [f"{sign}{ports_word(spans)}" for sign, spans in (("+", change.opened), ("−", change.closed)) if spans]
    return f"{'  '.join(moved)}  (now {ports_word(change.after) or 'none'})"


def _parts(parts: Sequence[Part]) -> str:
    return words.some([_part(part) for part in parts], _MOST_ENDS)


def _part(part: Part) -> str:
    if part.count == part.of:
        return part.name
    return f"{part.name} ({part.count} of {words.count(part.of, 'range' if part.name in OUTSIDE else 'pod')})"


def _folded(causes: Sequence[Cause]) -> Iterator[Cause]:
    """Causes with the objects of one kind together to which the same happened."""
    found: dict[tuple[What, str, str], list[ObjectRef]] = {}
    for cause in causes:
        found.setdefault((cause.what, cause.fact, cause.refs[0].kind if cause.refs else ""), []).extend(cause.refs)
    for (what, fact, _), refs in found.items():
        yield Cause(what, tuple(refs), fact)


def cause_line(cause: Cause) -> str:
    """An object responsible: ``Pod training/x and 3 more: label egress: (none) → model-hub``."""
    if cause.what is What.UNREAD:
        return f"cannot be known: {clean(cause.fact)}"
    kind = cause.refs[0].kind
    names = words.some([words.place(ref) for ref in cause.refs], _MOST_OBJECTS)
    if cause.what is What.CHANGED:
        return f"{clean(kind)} {names}: {clean(cause.fact)}"
    return f"{clean(kind)} {names} {cause.what.value}"


def alone_line(alone: Alone) -> str:
    """Who is on one side only, and what of outside it reaches: ``train/job/x (2 pods)  reaches internet 443/TCP``."""
    reached = [f"{part.name} {ports_word(part.spans)}" if part.spans else f"{part.name} ?" for part in alone.outside]
    more = f"  reaches {'; '.join(reached)}" if reached else ""
    return f"{clean(alone.name)} ({words.count(alone.pods, 'pod')}){more}"


def _named(sign: str, names: Sequence[str]) -> str:
    return f"  {sign}{len(names)} ({words.some(names, 2)})" if names else ""


def diff_json(difference: Difference, old: str, new: str) -> dict[str, Any]:
    """The same as JSON values. A change stands for the paths from each of ``from`` to each of ``to``."""
    return {
        "old": old,
        "new": new,
        "changes": [change_json(change) for change in difference.changes],
        "added": [_alone_json(each) for each in difference.added],
        "removed": [_alone_json(each) for each in difference.removed],
        "pods": [
            {"workload": each.name, "added": list(each.came), "removed": list(each.went)}
            for each in difference.turnover
        ],
        "unseen": list(difference.unseen),
    }


def change_json(change: Change) -> dict[str, Any]:
    """One change as JSON values."""
    return {
        "kind": change.kind.value,
        "from": [_part_json(part) for part in change.sources],
        "to": [_part_json(part) for part in change.destinations],
        "before": _spans(change.before),
        "after": _spans(change.after),
        "opened": _spans(change.opened),
        "closed": _spans(change.closed),
        "unknown": _spans(change.unknown),
        "family": change.family,
        "alike": change.alike,
        "causes": [
            {
                "what": cause.what.value,
                "objects": [ref_json(ref) for ref in cause.refs],
                "fact": cause.fact,
            }
            for cause in change.causes
        ],
        "was": _verdict(change.was),
        "now": _verdict(change.now),
    }


def _part_json(part: Part) -> dict[str, Any]:
    return {"name": part.name, "count": part.count, "of": part.of}


def _verdict(verdict: Verdict) -> dict[str, str]:
    asked = verdict.connection
    return {
        "source": str(asked.source),
        "destination": str(asked.destination),
        "port": f"{asked.port}/{asked.protocol.value}",
        "outcome": verdict.outcome.value,
        "reason": verdict_words.headline(verdict),
    }


def _alone_json(alone: Alone) -> dict[str, Any]:
    return {
        "workload": alone.name,
        "pods": alone.pods,
        "outside": [{"part": part.name, "ports": _spans(part.spans)} for part in alone.outside],
    }


def _spans(spans: Sequence[PortSpan]) -> list[str]:
    return [str(span) for span in spans]
