"""``reach``: all that an end reaches, or that reaches it; with ``--hops``, its blast radius."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from console.errors import UsageError
from console.wiring import engine as engine_of
from console.wiring import print_json

if TYPE_CHECKING:
    from console.policy.engine import Engine

HELP: Final = "all that SRC reaches, or that reaches DST, in one hop or in several"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("src", nargs="?", metavar="SRC")
    parser.add_argument("--to", metavar="DST", help="what reaches DST, instead of what SRC reaches")
    parser.add_argument("--port", metavar="PORT", help="443, 443/TCP, 53/UDP (default: any port)")
    parser.add_argument("--hops", type=int, metavar="N", help="the blast radius of SRC: as far as N hops lead")
    parser.add_argument(
        "--target",
        action="append",
        metavar="TARGET",
        help="with --hops: internet, metadata, private, apiserver, nodes, namespace:NAME, role:NAME or domain:NAME; "
        "may be given again (default: internet, metadata, and the domains of data and models)",
    )
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")


def run(options: argparse.Namespace) -> int:
    """Print what is reached: 0, or 3 where some of it cannot be known."""
    if bool(options.src) == bool(options.to):
        raise UsageError("reach needs SRC, or --to DST", hint="see netpol-console reach --help")
    if options.target and options.hops is None:
        raise UsageError("--target is for several hops", hint="add --hops N")
    if options.hops is not None:
        if options.to or options.port:
            raise UsageError("--hops starts from SRC, over any port", hint="leave --to and --port out")
        if options.hops < 1:
            raise UsageError(f"--hops {options.hops} leads nowhere", hint="ask for 1 or more")
        return _blast(engine_of(options), options)
    return _reach(engine_of(options), options)


def _reach(engine: Engine, options: argparse.Namespace) -> int:
    from console.governance.groups import By, groups
    from console.governance.targets import members
    from console.policy.ends import parse_end, parse_port
    from console.policy.reachable import everywhere, place, reached_from, reaching, unseen
    from console.policy.verdict import Outcome
    from console.report import reach as report
    from console.report.words import end_word

    end = parse_end(options.src or options.to, engine.snapshot)
    port = parse_port(options.port, end if options.to else None) if options.port else None
    asked = place(engine, end, port)
    found = (reaching if options.to else reached_from)(asked, groups(asked.reach, By.WORKLOAD))
    among, to = members(engine.snapshot), bool(options.to)
    hidden = unseen(engine.snapshot)
    parts = list(everywhere(asked.reach, {}, outside=asked.inside))
    if options.output == "json":
        print_json({**report.reach_json(str(end), found, among, to=to), "unseen": hidden})
    else:
        lines = report.reach_lines(end_word(end), found, among, parts, to=to)
        print("\n".join([*lines, *report.unseen_lines(hidden)]))
    return 3 if hidden or any(each.outcome is Outcome.UNKNOWN or each.possible for each in found) else 0


def _blast(engine: Engine, options: argparse.Namespace) -> int:
    from console.governance.groups import By, groups
    from console.governance.targets import members, own_workloads, target, usual_targets
    from console.policy.ends import parse_end
    from console.policy.paths import blast
    from console.policy.reachable import place, unseen
    from console.report import reach as report

    end = parse_end(options.src, engine.snapshot)
    if end.service is not None:
        raise UsageError("a Service opens no connections", hint="name the pods or the workload behind it")
    asked = place(engine, end)
    among = members(engine.snapshot)
    rows = groups(asked.reach, By.WORKLOAD)
    own = own_workloads(end, asked.classes, rows, among)
    hidden = unseen(engine.snapshot)
    targets = {each: target(each, among) for each in options.target or ()} or usual_targets(own, among)
    found = blast(asked, str(end), rows, own=own, targets=targets, hops=options.hops)
    if options.output == "json":
        print_json({**report.blast_json(found), "unseen": hidden})
    else:
        print("\n".join([*report.blast_lines(found, among), *report.unseen_lines(hidden)]))
    known = all(stage.edge.sure for stage in found.stages) and all(route.sure for route in found.routes)
    return 0 if known and not hidden else 3
