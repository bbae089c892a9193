"""``diff``: which paths opened, closed or moved to other ports between two snapshots, and what made them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from console.errors import UsageError
from console.wiring import engines_of_two, print_json

if TYPE_CHECKING:
    from console.policy.difference_model import Difference

HELP: Final = "which paths opened or closed between OLD and NEW, and the objects responsible"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    named = (
        "a path of manifests, -, a RECORDING or RECORDING@TIME, demo, demo@SECONDS or context:NAME (./demo for a path)"
    )
    parser.add_argument("old", nargs="?", metavar="OLD", help=named)
    parser.add_argument("new", nargs="?", metavar="NEW", help="likewise; without OLD and NEW: what --overlay changes")
    parser.add_argument(
        "--fail-on",
        choices=("opened", "closed", "any"),
        help="exit 1 where ports opened, or closed; any: where anything differs, workloads in one only among it",
    )
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")


def run(options: argparse.Namespace) -> int:
    """Print the difference: 1 where --fail-on says so, else 3 where something cannot be known, else 0."""
    if (options.old is None) != (options.new is None):
        raise UsageError("diff needs OLD and NEW", hint="or --overlay FILE alone; see netpol-console diff --help")
    if options.old is None and not options.overlay:
        raise UsageError("diff needs OLD and NEW, or --overlay FILE", hint="see netpol-console diff --help")
    old, new = engines_of_two(options, options.old, options.new)
    from console.policy.difference import difference
    from console.policy.difference_model import Kind
    from console.report import diff as report

    found = difference(old, new)
    titles = (options.old, options.new) if options.old else ("before", f"with {', '.join(options.overlay)}")
    if options.output == "json":
        print_json(report.diff_json(found, *titles))
    else:
        print("\n".join(report.diff_lines(found, *titles)))
    if _failing(found, options.fail_on):
        return 1
    return 3 if found.of(Kind.UNKNOWN) or found.unseen else 0


def _failing(found: Difference, fail_on: str | None) -> bool:
    opened = any(change.opened for change in found.changes)
    closed = any(change.closed for change in found.changes)
    if fail_on == "any":
        return opened or closed or bool(found.added or found.removed)
    return {"opened": opened, "closed": closed}.get(fail_on or "", False)
