"""One-shot reading, for commands that answer once."""

from __future__ import annotations

import pytest

from console.cluster.contexts import from_dict
from console.cluster.live import LiveSource
from console.cluster.load import load
from console.cluster.source import State
from console.demo.server import ApiServer
from console.errors import ClusterError

from .conftest import IMPATIENT, QUICK, names


def source(server: ApiServer) -> LiveSource:
    return LiveSource(from_dict(server.kubeconfig()), timing=QUICK, limits=IMPATIENT)


def test_a_cluster_is_read_whole_or_not_at_all(server: ApiServer) -> None:
    update = load(source(server), timeout=10)
    assert update.status.state is State.LIVE
    assert len(names(update)) == 5
    assert update.snapshot.coverage.complete


def test_a_cluster_that_is_down_is_an_error_with_what_to_do(server: ApiServer) -> None:
    server.stop()
    with pytest.raises(ClusterError) as caught:
        load(source(server), timeout=10)
    assert caught.value.message.startswith("demo: no route to http://127.0.0.1")
    assert caught.value.hint
    assert caught.value.exit_status == 3


def test_what_did_not_come_in_time_is_named(server: ApiServer) -> None:
    server.faults.stall(verb="list", resource="pods", times=None)
    with pytest.raises(ClusterError) as caught:
        load(source(server), timeout=0.5)
    assert "still missing: pods" in caught.value.message
    assert "services" not in caught.value.message
