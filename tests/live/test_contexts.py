"""Several clusters in one kubeconfig, and those that are not there."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from console.cluster.source import State
from console.cluster.steps import Timing
from console.cluster.transport import Limits

from . import kubeconfig, objects
from .follower import following
from .rig import ControlPlane, free_ports

QUICK = Timing(backoff_min=0.1, backoff_max=0.5)


@pytest.fixture(scope="module")
def config(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Path:
    admin = cluster.server.admin
    objects.bind(admin, "operator", [objects.rule("*", "*")], role="reads-all")
    objects.add_namespace(admin, "contexts")
    (dead,) = free_ports(1)
    return kubeconfig.write(
        tmp_path_factory.mktemp("contexts") / "config",
        kubeconfig.context("one", cluster.server, "operator"),
        kubeconfig.context("other", cluster.server, "operator", namespace="contexts"),
        kubeconfig.Context("dead", f"https://127.0.0.1:{dead}", cluster.server.ca, kubeconfig.token("x")),
        # An address of TEST-NET-1, where nothing is: packets go and nothing comes.
        kubeconfig.Context("silent", "https://192.0.2.1:6443", cluster.server.ca, kubeconfig.token("x")),
        kubeconfig.Context("untrusted", cluster.server.url, None, kubeconfig.token("x")),
        kubeconfig.Context("plain", cluster.server.url.replace("https", "http"), None, kubeconfig.token("x")),
    )


def test_from_one_context_to_another_and_to_a_dead_one(config: Path) -> None:
    for name, states in (
        ("one", {State.LIVE}),
        ("dead", {State.FAILED}),
        ("silent", {State.FAILED, State.CONNECTING}),
        ("other", {State.LIVE}),
    ):
        begun = time.monotonic()
        with following(config, name, timing=QUICK) as console:
            assert time.monotonic() - begun < 1.0, "opening does not wait for the server"
            assert console.source.title == name
            console.until(f"{name} is {states}", lambda update, wanted=states: update.status.state in wanted)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dead", "connection refused"),
        ("untrusted", "certificate"),
        ("plain", "Client sent an HTTP request to an HTTPS server"),
    ],
)
def test_a_context_that_cannot_be_used_says_why(config: Path, name: str, message: str) -> None:
    with following(config, name, timing=QUICK) as console:
        failed = console.until("it fails", lambda update: update.status.state is State.FAILED)
        assert message in failed.status.message
        assert failed.status.hint


def test_a_silent_address_fails_after_the_time_for_connecting(config: Path) -> None:
    with following(config, "silent", timing=QUICK, limits=Limits(connect=0.5)) as console:
        failed = console.until("it fails", lambda update: update.status.state is State.FAILED)
        assert "192.0.2.1" in failed.status.message
