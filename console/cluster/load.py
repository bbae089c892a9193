"""A source read once, for commands that answer one question and end."""

from __future__ import annotations

import threading

from console.cluster.source import Source, State, Update
from console.errors import ClusterError
from console.objects.coverage import LOADING


def load(source: Source, *, timeout: float) -> Update:
    """Open a source, wait until everything that may be read was read, and close it.

    Raises ClusterError where the cluster cannot be read, and after `timeout` seconds,
    naming what is missing.
    """
    changed = threading.Condition()
    latest: list[Update] = []

    def take(update: Update) -> None:
        with changed:
            latest[:] = [update]
            changed.notify()

    def done() -> bool:
        return bool(latest) and latest[0].status.state not in (State.CONNECTING, State.LOADING)

    source.open(take)
    try:
        with changed:
            changed.wait_for(done, timeout)
            update = latest[0] if latest else None
    finally:
        source.close()
    if update is None or update.status.state in (State.CONNECTING, State.LOADING):
        raise _late(source, update, timeout)
    if update.status.state is State.FAILED:
        raise ClusterError(f"{source.title}: {update.status.message}", hint=update.status.hint)
    return update


def _late(source: Source, update: Update | None, timeout: float) -> ClusterError:
    gaps = update.snapshot.coverage.gaps if update else ()
    loading = [gap.resource for gap in gaps if gap.code == LOADING]
    missing = sorted({"the list of its APIs" if resource == "*" else resource for resource in loading})
    message = f"{source.title} was not read within {timeout:g} s"
    if missing:
        message += f"; still missing: {', '.join(missing)}"
    hint = "is the API server overloaded? try again"
    if update and update.status.message:
        hint = update.status.message + (f"; {update.status.hint}" if update.status.hint else "")
    return ClusterError(message, hint=hint)
