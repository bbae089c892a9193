"""Text answers on standard output: coloured for a terminal that has colours, plain for everything else."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from console.policy.fix import Fix
from console.policy.ports import PortsVerdict
from console.policy.verdict import Outcome, Verdict
from console.report.text import ports_lines, verdict_lines
from console.report.words import outcome_word

_STYLES: Final[Mapping[Outcome, str]] = {
    Outcome.ALLOWED: "bold green",
    Outcome.BLOCKED: "bold red",
    Outcome.PARTIAL: "bold yellow",
    Outcome.UNKNOWN: "bold magenta",
}


def show(verdict: Verdict, fix: Fix | None = None, *, trace: bool = False) -> None:
    """Print a verdict and its fix, with `trace` to the last clause.

    Colour repeats what the words say; NO_COLOR and TERM=dumb are honoured.
    """
    _print(list(verdict_lines(verdict, fix, trace=trace)), verdict.outcome)


def show_ports(verdict: PortsVerdict) -> None:
    """Print the answer for any port."""
    _print(list(ports_lines(verdict)), verdict.outcome)


def _print(lines: Sequence[str], outcome: Outcome) -> None:
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        print("\n".join(lines))
        return
    # rich costs more to import than a verdict takes; a pipe need not pay for it.
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    answer = outcome_word(outcome)
    for line in lines:
        text = Text(line)
        if line.startswith(answer):
            text.stylize(_STYLES[outcome], 0, len(answer))
        console.print(text, soft_wrap=True)
