"""``explain``: what a policy selects, isolates and allows."""

from __future__ import annotations

import argparse
from typing import Final

from console.wiring import engine as engine_of
from console.wiring import print_json

HELP: Final = "what a policy selects, isolates and allows, and which of its parts do nothing or too much"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("policy", metavar="POLICY", help="NAMESPACE/NAME, or anp/NAME, banp/default, cnp/NAME")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")


def run(options: argparse.Namespace) -> int:
    """Print the explanation: 0 clean, 1 with findings, 3 where it is not evaluated or could not be read whole."""
    engine = engine_of(options)
    from console.policy.explain import explain
    from console.policy.explain_model import Standing
    from console.policy.explain_names import parse_policy
    from console.report.explain import explanation_json, explanation_lines

    found = explain(engine, parse_policy(options.policy, engine.snapshot))
    if options.output == "json":
        print_json(explanation_json(found))
    else:
        print("\n".join(explanation_lines(found)))
    if found.standing is Standing.NOT_EVALUATED or found.gaps:
        return 3
    return 1 if found.findings or found.problems else 0
