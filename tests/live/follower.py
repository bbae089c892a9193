"""The console's live source at work, and everything it handed on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from console.cluster.contexts import load_context
from console.cluster.live import LiveSource
from console.cluster.source import Change, State, Update
from console.cluster.steps import Timing
from console.cluster.transport import Limits
from console.objects.snapshot import Snapshot
from console.policy.ends import connection
from console.policy.engine import Engine
from console.policy.verdict import Outcome


class Follower:
    """Collects what a source hands on; tests wait on it, never for time to pass."""

    def __init__(self, source: LiveSource) -> None:
        self.source = source
        self.states: list[State] = []
        self.changes: list[Change] = []
        self._latest: Update | None = None
        self._count = 0
        self._grown = threading.Condition()
        self.began = time.monotonic()

    def take(self, update: Update) -> None:
        """For the source to call."""
        with self._grown:
            self._latest = update
            self._count += 1
            self.changes += update.changes
            if not self.states or self.states[-1] is not update.status.state:
                self.states.append(update.status.state)
            self._grown.notify_all()

    @property
    def latest(self) -> Update:
        assert self._latest is not None, "no update yet"
        return self._latest

    @property
    def snapshot(self) -> Snapshot:
        return self.latest.snapshot

    def until(self, what: str, probe: Callable[[Update], object], *, seconds: float = 20.0) -> Update:
        """The first update, the latest one or one to come, of which the probe holds."""

        def holds() -> bool:
            return self._latest is not None and bool(probe(self._latest))

        with self._grown:
            if not self._grown.wait_for(holds, seconds):
                status = self._latest.status if self._latest else None
                raise AssertionError(f"not within {seconds:g} s: {what}; the source says {status}")
            return self.latest

    def live(self, *, seconds: float = 20.0) -> Update:
        """The first update from now on that is live."""
        return self.until("the source is live", lambda update: update.status.state is State.LIVE, seconds=seconds)

    def never_fell_back(self) -> bool:
        """Whether it went from connecting to live, by way of loading or not, and has been live ever since.

        The first update of all comes before anything is asked; lists that are quick are there before the next one.
        """
        return self.states in ([State.CONNECTING, State.LOADING, State.LIVE], [State.CONNECTING, State.LIVE])

    def outcome(self, source: str, destination: str, port: str) -> Outcome:
        """The verdict now."""
        return verdict(self.snapshot, source, destination, port)


def verdict(snapshot: Snapshot, source: str, destination: str, port: str) -> Outcome:
    return Engine(snapshot).evaluate(connection(source, destination, port, snapshot)).outcome


@contextmanager
def following(
    kubeconfig: Path,
    context: str | None = None,
    *,
    namespaces: Sequence[str] = (),
    as_user: str | None = None,
    as_groups: Sequence[str] = (),
    timing: Timing | None = None,
    limits: Limits | None = None,
) -> Iterator[Follower]:
    """The console's source on a context of a kubeconfig, open; closed in the end, and then it is silent."""
    target = load_context(str(kubeconfig), context=context, as_user=as_user, as_groups=as_groups, environ={})
    source = LiveSource(target, namespaces=namespaces, timing=timing, limits=limits)
    follower = Follower(source)
    source.open(follower.take)
    try:
        yield follower
    finally:
        begun = time.monotonic()
        source.close()
        took, count = time.monotonic() - begun, follower._count
        assert took < 1.5, f"closing took {took:.1f} s"
        assert follower._count == count
