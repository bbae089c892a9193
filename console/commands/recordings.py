"""What the commands that look at a whole recording share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from console.errors import UsageError
from console.flags import check_source
from console.wiring import charter_of, say

if TYPE_CHECKING:
    from console.governance.findings import Audit
    from console.history.recording import Recording
    from console.policy.engine import Engine


def add_charter(parser: argparse.ArgumentParser) -> None:
    """Add what names the charter that `audit_of` reads."""
    parser.add_argument(
        "--charter", metavar="FILE", help="the charter to hold each moment to (default: the built-in one)"
    )


@contextmanager
def opened(options: argparse.Namespace, command: str) -> Iterator[Recording]:
    """The recording the flags name for a command; what of it cannot be read is told.

    Raises UsageError where they name none, or something else too, and InputError where it
    is none.
    """
    if not options.recording:
        raise UsageError(f"{command} needs --recording FILE", hint="netpol-console record -o FILE makes one")
    check_source(options)
    if options.overlay:
        raise UsageError(
            f"{command} tells what happened: nothing can be laid over that",
            hint="netpol-console diff --recording FILE --overlay FILE compares one moment with and without it",
        )
    from console.history.recording import Recording

    with Recording(options.recording) as recording:
        for warning in recording.warnings():
            say(warning)
        yield recording


def audit_of(options: argparse.Namespace, until: float) -> Callable[[Engine], Audit]:
    """What holds each moment to the charter, its exceptions held against the day at `until`. Raises InputError."""
    from console.governance.audit import Auditor
    from console.history.times import day

    return Auditor(charter_of(options.charter), today=day(until)).audit
