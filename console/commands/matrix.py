"""``matrix``: who reaches whom."""

from __future__ import annotations

import argparse
from typing import Final

from console.errors import UsageError
from console.report.forms import MATRIX
from console.wiring import engine as engine_of
from console.wiring import say

#: More cells than this are not worked out: a gigabyte of them.
_MOST_CELLS: Final = 5_000_000

HELP: Final = "who reaches whom, by pod, workload, namespace or role, and outside"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--by", choices=("pod", "workload", "namespace", "role"), default="namespace")
    parser.add_argument("--within", metavar="NAMESPACE", help="the pods or workloads of one namespace only")
    parser.add_argument("--port", metavar="PORT", help="443, 443/TCP, 53/UDP (default: any port)")
    parser.add_argument("-o", "--output", choices=tuple(MATRIX), default="text", help="svg: a picture")


def run(options: argparse.Namespace) -> int:
    """Print the matrix: 0, or 3 where a cell cannot be known, or pods could not be read."""
    engine = engine_of(options)
    from console.governance.groups import By, groups
    from console.policy.ends import parse_port
    from console.policy.matrix import matrix, spans_between
    from console.policy.reach import Reachability
    from console.policy.reachable import unseen
    from console.policy.verdict import Outcome
    from console.report.matrix_file import written
    from console.report.reach import unseen_lines

    reach = Reachability(engine)
    ports = None
    if options.port is not None:
        number, protocol = parse_port(options.port)
        ports = reach.port(protocol, number)
    rows = groups(reach, By(options.by), namespace=options.within)
    if len(rows) ** 2 > _MOST_CELLS:
        raise UsageError(
            f"a matrix of {len(rows):,} × {len(rows):,} is more than anybody reads, or memory holds",
            hint="--within NAMESPACE, or --by namespace or role, make it smaller; reach END tells of one end",
        )
    found = matrix(reach, rows, ports=ports)
    sets = {**rows, **{kind: reach.outside(kind) for kind in found.outside}}
    title = f"Who reaches whom, by {options.by}"
    if options.within:
        title += f", in {options.within}"
    title += f", on {options.port}" if options.port else ", on any port"
    text = written(
        options.output, found, lambda row, column: spans_between(reach, sets[row], sets[column]), title=title
    )
    print(text, end="")
    hidden = unseen(engine.snapshot)
    for line in unseen_lines(hidden):
        say(line)
    return 3 if hidden or any(outcome is Outcome.UNKNOWN for outcome in found.cells.values()) else 0
