"""A demo API server over real HTTP, sources that follow it, and somebody who waits for their updates."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from console.cluster.contexts import Target, from_dict
from console.cluster.live import LiveSource
from console.cluster.source import Change, State, Update
from console.cluster.steps import Timing
from console.cluster.transport import Limits
from console.demo.server import ApiServer
from console.demo.store import Store

from .raw import namespace, pod, policy, service

#: The pace of the tests: as the console's, a good deal faster.
QUICK = Timing(
    limit=2,
    backoff_min=0.02,
    backoff_max=0.1,
    steady=0.05,
    watch=30,
    idle=0.5,
    refused=0.2,
    poll=0.1,
    sign_in=0.2,
    discover=0.1,
    retry_after_max=0.2,
)
IMPATIENT = Limits(connect=2.0, answer=1.0, whole=10.0, sign_in=0.1)


class Reader:
    """Takes a source's updates and waits for the one that is awaited."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.updates: list[Update] = []

    def __call__(self, update: Update) -> None:
        with self._changed:
            self.updates.append(update)
            self._changed.notify_all()

    @property
    def latest(self) -> Update:
        with self._changed:
            return self.updates[-1]

    @property
    def changes(self) -> list[Change]:
        with self._changed:
            return [change for update in self.updates for change in update.changes]

    def until(self, wanted: Callable[[Update], object], timeout: float = 10.0) -> Update:
        """Wait until the latest update is as wanted."""
        with self._changed:
            if self._changed.wait_for(lambda: self.updates and wanted(self.updates[-1]), timeout):
                return self.updates[-1]
            last = self.updates[-1] if self.updates else None
        pytest.fail(f"not seen within {timeout} s; the last update: {last and (last.status, last.snapshot.coverage)}")

    def until_state(self, state: State) -> Update:
        return self.until(lambda update: update.status.state is state)

    def until_changes(self, count: int) -> list[Change]:
        self.until(lambda _: sum(len(update.changes) for update in self.updates) >= count)
        return self.changes


Follow = Callable[..., Reader]


@pytest.fixture
def store() -> Store:
    return Store(
        [
            namespace("a", team="x"),
            namespace("b", team="y"),
            *(pod("a", f"p{number}", app="web") for number in range(3)),
            *(pod("b", f"q{number}", app="db") for number in range(2)),
            policy("a", "deny"),
            service("a", "web"),
        ]
    )


@pytest.fixture
def server(store: Store) -> Iterator[ApiServer]:
    with ApiServer(store, bookmark_seconds=0.05) as server:
        yield server


@pytest.fixture
def follow(server: ApiServer) -> Iterator[Follow]:
    """Opens sources of the server, or of another target, that are closed in the end."""
    with ExitStack() as stack:

        def start(target: Target | None = None, *, limits: Limits = IMPATIENT, **how: Any) -> Reader:
            how.setdefault("timing", QUICK)
            source = LiveSource(target or from_dict(server.kubeconfig()), limits=limits, **how)
            reader = Reader()
            stack.callback(source.close)
            source.open(reader)
            return reader

        yield start


def names(update: Update) -> set[str]:
    return {pod.name for pod in update.snapshot.pods()}
