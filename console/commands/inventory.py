"""``inventory``: what runs, as roles and governance domains."""

from __future__ import annotations

import argparse
from typing import Final

from console.wiring import charter_of, print_json, snapshot

HELP: Final = "every workload with its role and governance domain, and what says so"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--charter", metavar="FILE", help="a charter that says who is what (default: the one inside)")
    parser.add_argument("-o", "--output", choices=("text", "json", "csv"), default="text")


def run(options: argparse.Namespace) -> int:
    """Print the inventory: 0, or 3 where not all pods could be read."""
    charter = charter_of(options.charter)
    held = snapshot(options)
    from console.governance.inventory import Inventory
    from console.policy.reachable import unseen
    from console.report import inventory as report

    entries = Inventory(held, charter).entries.values()
    hidden = unseen(held)
    if options.output == "json":
        print_json(report.inventory_json(entries, hidden))
    elif options.output == "csv":
        print(report.inventory_csv(entries), end="")
    else:
        print("\n".join(report.inventory_lines(entries, hidden)))
    return 3 if hidden else 0
