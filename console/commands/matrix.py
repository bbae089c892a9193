"""``matrix``: who reaches whom."""

from __future__ import annotations

import argparse
from typing import Final

from console.wiring import engine as engine_of
from console.wiring import print_json

HELP: Final = "who reaches whom, by pod, workload, namespace or role, and outside"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--by", choices=("pod", "workload", "namespace", "role"), default="namespace")
    parser.add_argument("--within", metavar="NAMESPACE", help="the pods or workloads of one namespace only")
    parser.add_argument("--port", metavar="PORT", help="443, 443/TCP, 53/UDP (default: any port)")
    parser.add_argument("-o", "--output", choices=("text", "json", "csv", "dot", "mermaid"), default="text")


def run(options: argparse.Namespace) -> int:
    """Print the matrix: 0, or 3 where a cell cannot be known."""
    engine = engine_of(options)
    from console.governance.groups import By, groups
    from console.policy.ends import parse_port
    from console.policy.matrix import matrix, spans_between
    from console.policy.reach import Reachability
    from console.policy.verdict import Outcome
    from console.report import matrix as report

    reach = Reachability(engine)
    ports = None
    if options.port is not None:
        number, protocol = parse_port(options.port)
        ports = reach.port(protocol, number)
    rows = groups(reach, By(options.by), namespace=options.within)
    found = matrix(reach, rows, ports=ports)
    sets = {**rows, **{kind: reach.outside(kind) for kind in found.outside}}
    if options.output == "json":
        print_json(report.matrix_json(found, lambda row, column: spans_between(reach, sets[row], sets[column])))
    elif options.output == "text":
        print("\n".join(report.text_lines(found)))
    else:
        written = {"csv": report.matrix_csv, "dot": report.matrix_dot, "mermaid": report.matrix_mermaid}
        print(written[options.output](found), end="")
    return 3 if any(outcome is Outcome.UNKNOWN for outcome in found.cells.values()) else 0
