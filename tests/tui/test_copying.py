from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from console.errors import InputError
from console.tui.copying import copy, proviso, through_screen

from .conftest import Still
from .driver import Driver, console
from .test_simulate import FEAST, TRAINER, ask


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "netpol-console"


def listen(user: Driver, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written to the terminal raw."""
    written: list[str] = []
    assert user.app._driver is not None
    monkeypatch.setattr(user.app._driver, "write", written.append)
    return written


async def test_the_verdict_is_copied_by_osc_52(still: Still, monkeypatch: pytest.MonkeyPatch) -> None:
    async with console(still) as user:
        await ask(user, TRAINER, FEAST, "6566")
        written = listen(user, monkeypatch)
        await user.press("c")
        await user.until(lambda: "Copied the verdict" in user.notices)
        [sequence] = [text for text in written if text.startswith("\x1b]52;")]
        copied = base64.b64decode(sequence.removeprefix("\x1b]52;c;").removesuffix("\a")).decode()
        assert "● ALLOWED" in copied
        assert "training/to-feature-store" in copied


async def test_the_yaml_is_copied_where_it_has_the_focus(still: Still, monkeypatch: pytest.MonkeyPatch) -> None:
    async with console(still) as user:
        await ask(user, TRAINER, FEAST, "6566")
        listen(user, monkeypatch)
        await user.tab_to("yaml")
        await user.press("c")
        await user.until(lambda: "Copied the YAML" in user.notices)
        assert user.app.clipboard.startswith("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n")
        assert "name: to-feature-store" in user.app.clipboard


async def test_what_is_too_long_for_a_terminal_goes_to_a_file(
    still: Still, monkeypatch: pytest.MonkeyPatch, state: Path
) -> None:
    async with console(still, copy_limit=100) as user:
        await ask(user, TRAINER, FEAST, "6566")
        written = listen(user, monkeypatch)
        await user.press("c")
        await user.until(lambda: str(state / "copied.txt") in user.notices)
        assert "● ALLOWED" in (state / "copied.txt").read_text()
        assert not [text for text in written if "]52;" in text]


def test_the_guard_counts_bytes_and_the_file_is_the_user_s_alone(state: Path) -> None:
    taken: list[str] = []
    assert copy("x" * 100, clipboard=taken.append, folder=state, limit=100) is None
    assert taken == ["x" * 100]
    path = copy("ü" * 51, clipboard=taken.append, folder=state, limit=100)
    assert path is not None
    assert path.read_text() == "ü" * 51
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(taken) == 1


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="too many for the clipboard"):
        copy("x" * 10, clipboard=lambda text: None, folder=tmp_path / "file", limit=5)


def test_gnu_screen_is_given_a_long_copy_in_pieces_that_it_takes() -> None:
    text = "spec: {}\n" * 400
    wrapped = through_screen(text, {"STY": "8198.np", "TERM": "screen"})
    pieces = wrapped.split("\x1b\\")
    assert pieces.pop() == ""
    assert all(piece.startswith("\x1bP") and len(piece) <= 256 for piece in pieces)
    sequence = "".join(piece.removeprefix("\x1bP") for piece in pieces)
    assert sequence.startswith("\x1b]52;c;")
    assert base64.b64decode(sequence.removeprefix("\x1b]52;c;").removesuffix("\a")).decode() == text


def test_a_multiplexer_is_minded_where_it_is_the_nearest() -> None:
    assert through_screen("x", {"TERM": "xterm-256color"}) == ""
    assert through_screen("x", {"STY": "8198.np", "TERM": "tmux-256color", "TMUX": "/tmp/tmux"}) == ""
    assert proviso({"TERM": "xterm-256color"}) == ""
    assert "set-clipboard on" in proviso({"TERM": "tmux-256color", "TMUX": "/tmp/tmux"})
