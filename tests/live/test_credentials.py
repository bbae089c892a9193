"""Tokens that are rotated and tokens that expire, from kubeconfigs as clouds and clusters write them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.cluster.source import State
from console.cluster.steps import Timing
from console.cluster.transport import Limits

from . import kubeconfig, objects
from .follower import following
from .rig import ControlPlane

QUICK = Timing(backoff_min=0.1, backoff_max=0.5, sign_in=0.5)
SOON = Limits(sign_in=0.2)


@pytest.fixture(scope="module")
def plane(planes: Callable[..., ControlPlane]) -> Iterator[ControlPlane]:
    plane = planes()
    objects.bind(plane.server.admin, "auditor", [objects.rule("*", "*")])
    objects.add_namespace(plane.server.admin, "held")
    objects.add_pod(plane.server.admin, "held", objects.pod("here"), "10.1.0.1")
    yield plane
    plane.stop()


def _restarted_with_another_token(plane: ControlPlane) -> str:
    """The server reads its tokens when it starts; the old one is worth nothing from now on."""
    plane.server.kill()
    token = plane.server.rotate("auditor")
    plane.server.start()
    return token


@pytest.mark.parametrize("how", ["a file", "a plugin"])
def test_a_rotated_token_is_picked_up(plane: ControlPlane, tmp_path: Path, how: str) -> None:
    held = tmp_path / "token"
    held.write_text(plane.server.users["auditor"].token)
    user = kubeconfig.token_file(held) if how == "a file" else kubeconfig.exec_plugin(held)
    context = kubeconfig.Context("real", plane.server.url, plane.server.ca, user)
    with following(kubeconfig.write(tmp_path / "config", context), timing=QUICK, limits=SOON) as console:
        console.live()
        plane.server.kill()
        console.until("the picture is stale", lambda update: update.status.state is State.STALE)
        held.write_text(plane.server.rotate("auditor"))
        plane.server.start()
        console.live()
        name = f"after-{how.replace(' ', '-')}"
        objects.add_pod(plane.server.admin, "held", objects.pod(name), "10.1.0.2")
        console.until("changes arrive again", lambda update: update.snapshot.pod("held", name))


def test_an_expired_token_is_told_and_the_picture_stays_until_a_fresh_one_is_there(
    plane: ControlPlane, tmp_path: Path
) -> None:
    config = kubeconfig.write(tmp_path / "config", kubeconfig.context("real", plane.server, "auditor"))
    with following(config, timing=QUICK, limits=SOON) as console:
        console.live()
        _restarted_with_another_token(plane)
        told = console.until(
            "the refusal is told",
            lambda update: update.status.state is State.STALE and "401" in update.status.message,
        )
        assert "sign in" in told.status.hint
        assert told.snapshot.pod("held", "here"), "what was read stays"
        kubeconfig.write(config, kubeconfig.context("real", plane.server, "auditor"))
        console.until(
            "it is live, and nothing is left to say",
            lambda update: update.status.state is State.LIVE and not update.status.message,
        )


def test_a_wrong_token_from_the_start_is_told(plane: ControlPlane, tmp_path: Path) -> None:
    context = kubeconfig.Context("real", plane.server.url, plane.server.ca, kubeconfig.token("nobody-knows-it"))
    with following(kubeconfig.write(tmp_path / "config", context), timing=QUICK) as console:
        failed = console.until("it fails", lambda update: update.status.state is State.FAILED)
        assert "401" in failed.status.message
        assert "sign in" in failed.status.hint
        assert "nobody-knows-it" not in str(failed.status)


def test_no_credentials_at_all_are_told_as_such(plane: ControlPlane, tmp_path: Path) -> None:
    """The server takes whoever says nothing for ``system:anonymous`` and answers 403, not 401."""
    context = kubeconfig.Context("real", plane.server.url, plane.server.ca)
    with following(kubeconfig.write(tmp_path / "config", context), timing=QUICK) as console:
        failed = console.until("it fails", lambda update: update.status.state is State.FAILED)
        assert "anonymous" in failed.status.message
        assert "credentials" in failed.status.hint


def test_a_plugin_that_fails_is_told_in_its_own_words(plane: ControlPlane, tmp_path: Path) -> None:
    user = kubeconfig.exec_plugin(tmp_path / "nowhere")
    context = kubeconfig.Context("real", plane.server.url, plane.server.ca, user)
    with following(kubeconfig.write(tmp_path / "config", context), timing=QUICK) as console:
        failed = console.until("it fails", lambda update: update.status.state is State.FAILED)
        assert "credential plugin" in failed.status.message
        assert "FileNotFoundError" in failed.status.message
