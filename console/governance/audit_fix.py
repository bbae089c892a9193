"""The fix of an offence, worked out where it is asked for: with what else it would open."""

from __future__ import annotations

from console.governance.findings import Offence
from console.policy.ends import connection
from console.policy.engine import Engine
from console.policy.fix import Fix, fix_for, raw_policy


def fix_of(engine: Engine, offence: Offence) -> Fix | None:
    """The smallest change by which an intended path is open; None for a path that is open, or that no policy can open.

    `engine` is that of the audited snapshot. Raises UsageError and UnknownEnd where it is another.
    """
    snapshot = engine.snapshot
    verdict = engine.evaluate(connection(offence.source, offence.destination, offence.port, snapshot))
    return fix_for(engine, verdict, lambda ref: raw_policy(snapshot, ref))
