"""``story``: what if an end had been taken at some moment of a recording, as Markdown."""

from __future__ import annotations

import argparse
from typing import Final

from console.commands.recordings import add_charter, audit_of, opened
from console.errors import UsageError
from console.flags import modes
from console.wiring import print_json

HELP: Final = "what if SRC had been taken then: how far one got, what had widened that, what closed it"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("src", metavar="SRC", help="the pod or workload that is taken")
    parser.add_argument("--hops", type=int, default=3, metavar="N", help="how many hops one goes on (default: 3)")
    add_charter(parser)
    parser.add_argument("-o", "--output", choices=("markdown", "json"), default="markdown")


def run(options: argparse.Namespace) -> int:
    """Print the story at --at (default: the end): 0, or 3 where some of it cannot be known."""
    if options.hops < 1:
        raise UsageError(f"--hops {options.hops} leads nowhere", hint="ask for 1 or more")
    from console.history.story import story
    from console.history.times import moment
    from console.report.story import story_json, story_markdown

    with opened(options, "story") as recording:
        at = moment(options.at or "end", recording.begin, recording.end)
        recording.known(at)
        audit = audit_of(options, at)
        found = story(recording, options.src, at=at, hops=options.hops, audit=audit, modes=modes(options))
        if options.output == "json":
            print_json(story_json(found, recording))
        else:
            print("\n".join(story_markdown(found, recording)))
        sure = all(stage.edge.sure for stage in found.then.blast.stages)
        return 3 if found.holes or recording.damage or found.then.unseen or not sure else 0
