from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from console.cluster.contexts import from_dict
from console.cluster.live import LiveSource
from console.cluster.load import load
from console.cluster.source import Update
from console.cluster.steps import Timing
from console.demo.cluster import DemoCluster

#: Noon UTC of a Wednesday: the demo's ages and stamps are relative to it.
NOON = 1_750_248_000.0
#: Seconds until the first retry, so that tests of outages do not wait for people's patience.
BRISK = Timing(backoff_min=0.05, backoff_max=0.2, sign_in=0.2)


@pytest.fixture
def demo() -> Iterator[DemoCluster]:
    with DemoCluster(at=0, now=NOON) as cluster:
        yield cluster


class Still:
    """A Source that says once what a live one said, and nothing more: for tests in which nothing happens."""

    title = "demo"

    def __init__(self, update: Update) -> None:
        self._update = update

    def open(self, on_update: Callable[[Update], None]) -> None:
        on_update(self._update)

    def close(self) -> None:
        pass


@pytest.fixture(scope="session")
def loaded() -> Update:
    """The demo at moment 0, read over HTTP."""
    with DemoCluster(at=0, now=NOON) as cluster:
        return load(live_source(cluster), timeout=30)


@pytest.fixture
def still(loaded: Update) -> Still:
    return Still(loaded)


@pytest.fixture
def source(demo: DemoCluster) -> Iterator[LiveSource]:
    live = live_source(demo)
    yield live
    live.close()


def live_source(demo: DemoCluster) -> LiveSource:
    return LiveSource(from_dict(demo.kubeconfig()), timing=BRISK)
