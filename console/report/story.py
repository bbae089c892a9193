"""The story of a taken workload as Markdown, to hand to others, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from console.governance.targets import members
from console.history.recording import Recording
from console.history.story import Radius, Story
from console.history.timeline import Entry
from console.history.times import rfc3339
from console.policy.paths import Route
from console.report import words
from console.report.audit_markdown import text
from console.report.diff import path_line
from console.report.reach import blast_json, blast_lines
from console.report.timeline import clock, entry_json, headline, hole_json, rule_line


def story_markdown(story: Story, recording: Recording) -> Iterator[str]:
    """What if it had been taken: how far then, what widened that, what closed it."""
    then = story.then
    yield f"# What if {text(then.blast.source)} had been taken at {rfc3339(then.at)}"
    yield ""
    facts = recording.facts
    parts = [f"cluster {facts.cluster}" if facts.cluster else "", f"Kubernetes {facts.server}" if facts.server else ""]
    cluster = f" ({text(', '.join(filter(None, parts)))})" if any(parts) else ""
    when = f"from {rfc3339(recording.begin)} to {rfc3339(recording.end)}"
    yield f"From a recording of {text(facts.source)}{cluster}, {when}."
    for hole in story.holes:
        yield f"Not known: {rfc3339(hole.begin)} to {rfc3339(hole.end)} ({hole.why})."
    for why in then.unseen:
        yield f"Not seen: {text(why)}."
    yield ""
    yield from _table(story)
    yield ""
    yield "## What widened it"
    yield ""
    if story.widened:
        yield from _entries(story.widened)
    else:
        yield f"Nothing since {rfc3339(recording.begin)}, when the recording begins: it was as wide before."
    yield ""
    yield "## What closed it"
    yield ""
    if story.closed:
        yield from _entries(story.closed)
    elif story.widened:
        yield f"Nothing: what had opened was still open at {rfc3339(recording.end)}, when the recording ends."
    else:
        yield "Nothing had opened that could be closed."
    yield ""
    yield "## How far one got"
    yield ""
    yield "```text"
    yield from blast_lines(then.blast, members(then.snapshot))
    yield "```"


def _table(story: Story) -> Iterator[str]:
    found = [(title, each) for title, each in _moments(story) if each is not None]
    yield f"| | {' | '.join(f'{title} {clock(each.at)}' for title, each in found)} |"
    yield f"|---|{'---|' * len(found)}"
    hops = words.count(story.then.blast.hops, "hop")
    counts = [str(len([name for name in each.reached if "/" in name])) for _, each in found]
    yield f"| workloads within {hops} | {' | '.join(counts)} |"
    targets = dict.fromkeys(route.target for _, each in found for route in each.blast.routes)
    for target in targets:
        ways = [next((route for route in each.blast.routes if route.target == target), None) for _, each in found]
        yield f"| {text(target)} | {' | '.join(map(_way, ways))} |"


def _moments(story: Story) -> tuple[tuple[str, Radius | None], ...]:
    return ("before", story.before), ("then", story.then), ("after", story.after)


def _way(route: Route | None) -> str:
    if route is None:
        return "–"
    if route.hops is None:
        return "○ not reached"
    return f"{'●' if route.sure else '?'} in {words.count(route.hops, 'hop')}"


def _entries(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        yield f"- **{rfc3339(entry.at)}** {text(headline(entry))}"
        for line in (*map(path_line, entry.paths), *map(rule_line, entry.rules)):
            yield f"  - {text(line)}"


def story_json(story: Story, recording: Recording) -> dict[str, Any]:
    """The same as JSON values; a radius is as in ``reach --hops -o json``."""
    return {
        "source": recording.facts.source,
        "cluster": recording.facts.cluster,
        "from": rfc3339(recording.begin),
        "to": rfc3339(recording.end),
        **{
            title: {"at": rfc3339(each.at), **blast_json(each.blast), "unseen": list(each.unseen)} if each else None
            for title, each in _moments(story)
        },
        "widened": [entry_json(entry) for entry in story.widened],
        "closed": [entry_json(entry) for entry in story.closed],
        "unknown": [hole_json(hole) for hole in story.holes],
    }
