"""``timeline``: what changed in a recording, who changed it, and which paths that opened or closed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Final

from console.commands.recordings import add_charter, audit_of, opened
from console.errors import UsageError
from console.flags import modes
from console.wiring import print_json, say

if TYPE_CHECKING:
    from console.history.timeline import Entry

HELP: Final = "what changed in a recording, who changed it, and which paths that opened or closed"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--from", dest="since", metavar="TIME", help="from this moment on (as --at; default: its beginning)"
    )
    parser.add_argument("--to", dest="until", metavar="TIME", help="until this moment (default: its end)")
    parser.add_argument("--workload", default="", metavar="NS/KIND/NAME", help="only what concerns this workload")
    parser.add_argument(
        "--in", dest="inside", default="", metavar="NAMESPACE", help="only what concerns this namespace"
    )
    parser.add_argument("--rule", default="", metavar="NAME", help="only what broke or healed this rule of the charter")
    parser.add_argument("--paths", action="store_true", help="only what opened or closed a path, or turned a rule")
    add_charter(parser)
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")


def run(options: argparse.Namespace) -> int:
    """Print the timeline: 0, or 3 where some of the time is not known."""
    if options.at is not None:
        raise UsageError("--at names one moment", hint="use --from and --to")
    from console.history.recording import Hole
    from console.history.telling import told
    from console.history.times import moment, rfc3339
    from console.report import timeline as report

    with opened(options, "timeline") as recording:
        begin, end = recording.begin, recording.end
        since, until = (
            moment(options.since, begin, end) if options.since else begin,
            moment(options.until, begin, end) if options.until else end,
        )
        say(f"{options.recording} from {rfc3339(since)} to {rfc3339(until)}")
        entries: list[Any] = []
        holes, folded = [], 0
        steps = told(recording, since=since, until=until, audit=audit_of(options, until), modes=modes(options))
        for step in steps:
            if isinstance(step, Hole):
                holes.append(step)
                if options.output == "text":
                    print(report.hole_line(step))
                continue
            folded += step.folded
            for entry in step.entries:
                if _wanted(entry, options):
                    if options.output == "text":
                        print("\n".join(report.entry_lines(entry)), flush=True)
                    else:
                        entries.append(report.entry_json(entry))
        incomplete = bool(recording.damage or holes)
    if options.output == "json":
        print_json({"entries": entries, "folded": folded, "unknown": [report.hole_json(hole) for hole in holes]})
    elif folded:
        say(report.folded_line(folded))
    return 3 if incomplete else 0


def _wanted(entry: Entry, options: argparse.Namespace) -> bool:
    if options.paths and not (entry.paths or entry.rules or entry.came or entry.went):
        return False
    return entry.about(workload=options.workload, namespace=options.inside, rule=options.rule)
