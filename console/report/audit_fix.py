"""What mends the offences of a rule: as YAML ready to apply, all else in it comments, or as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from console.governance.audit_fix import Proposal
from console.governance.findings import RuleResult
from console.objects.meta import ObjectRef
from console.objects.yaml_render import to_yaml
from console.policy.close import CLOSED, Close, NoClose
from console.policy.close_told import folded
from console.policy.fix import Fix
from console.policy.opens import Path, ref_of
from console.report.clean import clean, clean_lines, json_text
from console.report.json import manifest
from console.report.verdict_words import fix_line
from console.report.words import count, some

#: Paths that are told of one proposal, folded; JSON has them all.
_MOST: Final = 12
_WIDTH: Final = 100


def text(rule: RuleResult, found: Sequence[Proposal], left: int) -> str:
    """A file for ``kubectl apply -f`` or ``--overlay``. `left` are the offences beyond those that were looked at."""
    lines = [f"{clean(rule.name)}: {clean(rule.sentence)}", ""]
    if not found:
        lines += ["nothing offends this rule, so that nothing is to mend"]
    for each in found:
        lines += [_title(each), *(f"  {line}" for line in told(each)), ""]
    if left:
        lines.append(f"and {count(left, 'pair')} more: apply these, and ask again")
    head = "".join(f"# {line}".rstrip() + "\n" for line in _wrapped(lines))
    return head + "".join(f"---\n{clean_lines(to_yaml(raw))}" for raw in _objects(found).values())


def json(rule: RuleResult, found: Sequence[Proposal], left: int) -> str:
    """The proposals as JSON: per pair its ``manifest`` and what it does, and one ``manifest`` of all."""
    value = {
        "rule": rule.name,
        "sentence": rule.sentence,
        "proposals": [_value(each) for each in found],
        "left": left,
        "manifest": manifest(_objects(found).values()),
    }
    return json_text(value)


def told(proposal: Proposal) -> Iterator[str]:
    """What a proposal does, what else it closes or opens, or why there is none."""
    found = proposal.found
    if isinstance(found, Close):
        yield from close_lines(found)
    elif isinstance(found, Fix):
        yield from (f"apply {clean(str(ref_of(raw)))}" for raw in found.objects)
        yield fix_line(found)
    elif isinstance(found, NoClose) and found.why == CLOSED:
        yield "what is proposed above closes it, too"
    elif isinstance(found, NoClose):
        yield f"no policy closes it: {clean(found.why)}"
    else:
        yield "no policy is needed, or none can open it"


def close_lines(found: Close) -> Iterator[str]:
    """A Close in lines, but for its YAML."""
    yield from map(clean, found.does)
    if not found.closes:
        yield "opens nothing, closes nothing else"
    else:
        yield f"opens nothing, also closes {count(len(found.closes), 'path')}:"
        yield from _paths(found.closes)
    if found.may_close:
        yield f"may also close {count(len(found.may_close), 'path')}, which cannot be known to be open:"
        yield from _paths(found.may_close)
    if found.unlabel is not None:
        yield f"or change the pods' label {clean(found.unlabel.label)}, by which a policy that opens it selects them:"
        yield f"  {clean(found.unlabel.command)}"
        yield "  and take it off the template they are made of, if it is there"


def _paths(paths: Sequence[Path]) -> Iterator[str]:
    rows = list(folded(paths))
    for sources, destinations, ports in rows[:_MOST]:
        yield f"  {some(sources)} → {some(destinations)} {clean(ports)}"
    if len(rows) > _MOST:
        yield f"  and {len(rows) - _MOST} more lines like these"


def _title(each: Proposal) -> str:
    through = f" through {some(each.offence.through)}" if each.offence.through else ""
    return f"{clean(each.offence.source)} → {clean(each.offence.destination)}{through}"


def _objects(found: Sequence[Proposal]) -> dict[ObjectRef, Mapping[str, Any]]:
    """The objects of all proposals: the later one of a policy holds what the earlier one changed."""
    held = (each.found for each in found if isinstance(each.found, Close | Fix))
    return {ref_of(raw): raw for each in held for raw in each.objects}


def _value(each: Proposal) -> dict[str, Any]:
    found = each.found
    made = found.objects if isinstance(found, Close | Fix) else ()
    closes = found.closes if isinstance(found, Close) else ()
    label = found.unlabel if isinstance(found, Close) else None
    return {
        "from": each.offence.source,
        "to": each.offence.destination,
        "through": list(each.offence.through),
        "manifest": manifest(made) if made else None,
        "does": list(found.does) if isinstance(found, Close) else [],
        "closes": [str(path) for path in closes],
        "may_close": [str(path) for path in found.may_close] if isinstance(found, Close) else [],
        "opens": [str(path) for path in found.opens] if isinstance(found, Fix) else [],
        "instead": {"label": label.label, "command": label.command} if label else None,
        "why_none": None if made else next(told(each)),
    }


def _wrapped(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        indent = " " * (len(line) - len(line.lstrip()) + 2)
        if "kubectl " in line:  # a command is copied whole
            yield line
            continue
        yield from textwrap.wrap(
            line, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        ) or [""]
