"""Whatever ends or stops the console, and whatever the terminal is, it is left as it was found."""

from __future__ import annotations

import base64
import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clusters import namespace, pod

from .rig import Session, console, environment, left_on

READY = "quiet-pod"


@pytest.fixture
def manifests(tmp_path: Path) -> str:
    file = tmp_path / "cluster.yaml"
    file.write_text(namespace("quiet") + pod("quiet", READY, "10.0.0.1"))
    return str(file)


def opened(manifests: str, home: Path, **more: str) -> Session:
    return Session(console("--manifests", manifests), environment=environment(home, **more))


def state(session: Session) -> str:
    """The process' state as /proc tells it: R, S, T (stopped), …."""
    return Path(f"/proc/{session.process.pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_ends_it_and_leaves_the_terminal_clean(number: int, manifests: str, tmp_path: Path) -> None:
    with opened(manifests, tmp_path) as session:
        session.until(READY)
        assert "the alternate screen" in left_on(bytes(session.written))
        session.process.send_signal(number)
        assert session.ended() == 128 + number
        session.assert_clean()


def test_an_interrupt_while_it_opens_leaves_the_terminal_clean(manifests: str, tmp_path: Path) -> None:
    with opened(manifests, tmp_path) as session:
        session.wait(lambda: session.written, "the first byte")
        session.process.send_signal(signal.SIGINT)
        assert session.ended() == 128 + signal.SIGINT
        session.assert_clean()
        assert "Error" not in session.text
        assert "Traceback" not in session.text


def test_it_stops_and_goes_on_and_takes_any_size(manifests: str, tmp_path: Path) -> None:
    with opened(manifests, tmp_path) as session:
        session.until(READY)
        session.press(b"\x1a")  # ctrl+z
        session.wait(lambda: state(session) == "T", "the process stopped")
        session.forget()
        session.assert_clean()
        session.process.send_signal(signal.SIGCONT)
        session.until(READY)
        assert "the alternate screen" in left_on(bytes(session.written))
        # Nobody hears of a SIGSTOP; what is found after it must not be taken for the terminal's own state.
        session.process.send_signal(signal.SIGSTOP)
        session.wait(lambda: state(session) == "T", "the process stopped")
        session.forget()
        session.process.send_signal(signal.SIGCONT)
        session.until(READY)
        for number in range(100):
            session.resize(1 + number * 7 % 200, 1 + number * 3 % 60)
        session.forget()
        session.resize(120, 36)
        session.until(READY)
        session.press(b"q")
        assert session.ended() == 0
        session.assert_clean()


def test_a_closed_window_ends_it(manifests: str, tmp_path: Path) -> None:
    with opened(manifests, tmp_path) as session:
        session.until(READY)
        session.hang_up()
        assert session.process.wait(20) != 0


def test_a_terminal_that_cannot_place_its_cursor_is_told_what_else_there_is(manifests: str, tmp_path: Path) -> None:
    with opened(manifests, tmp_path, TERM="dumb") as session:
        assert session.ended() == 2
        assert b"\x1b" not in session.written
        assert "TERM=dumb" in session.text


def test_a_reader_that_goes_away_ends_a_command_without_a_word(manifests: str, tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    command = console("matrix", "--by", "pod", "--manifests", manifests)
    done = subprocess.run(
        command, stdout=write, stderr=subprocess.PIPE, env=environment(tmp_path, LANG="C"), text=True, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_full_disk_is_told_as_one(manifests: str, tmp_path: Path) -> None:
    command = console("matrix", "--by", "pod", "--manifests", manifests)
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, env=environment(tmp_path), text=True, check=False
        )
    assert (done.returncode, done.stderr) == (
        2,
        "netpol-console: the answer cannot be written: No space left on device\n",
    )


def test_streams_that_were_closed_are_no_defect(manifests: str, tmp_path: Path) -> None:
    command = [*console("matrix"), "--manifests"]
    for redirect, path, status in (("<&-", "-", 2), (">&-", manifests, 0), ("2>&-", manifests, 0)):
        line = f'exec "$@" {path} {redirect}'
        done = subprocess.run(
            ["sh", "-c", line, "sh", *command], env=environment(tmp_path), capture_output=True, text=True, check=False
        )
        assert (redirect, done.returncode) == (redirect, status)
        assert "defect" not in done.stderr


needs_screen = pytest.mark.skipif(shutil.which("screen") is None, reason="GNU screen is not installed")


@pytest.fixture
def in_screen(manifests: str, tmp_path: Path) -> Iterator[Session]:
    """The console in a window of GNU screen, opened."""
    sockets = tmp_path / "sockets"
    sockets.mkdir(mode=0o700)
    # A shell around it stays, so that the window does; `-c` keeps the machine's own settings out.
    line = f"echo before; {shlex.join(console('--manifests', manifests))}; echo status $?; exec cat"
    command = ["screen", "-c", "/dev/null", "-U", "-S", "console", "sh", "-c", line]
    surroundings = environment(tmp_path, SCREENDIR=str(sockets), PYTHONDONTWRITEBYTECODE="1")
    with Session(command, environment=surroundings, size=(80, 24)) as session:
        session.until(READY)
        yield session
        subprocess.run(["screen", "-S", "console", "-X", "quit"], env=surroundings, check=False, capture_output=True)
        session.ended()


@needs_screen
def test_gnu_screen_has_nothing_of_it_on_its_window_afterwards(in_screen: Session, tmp_path: Path) -> None:
    in_screen.resize(40, 12)
    in_screen.forget()
    in_screen.resize(100, 30)
    in_screen.until(READY)
    in_screen.press(b"q")
    in_screen.until("status 0")
    window = tmp_path / "window"
    surroundings = environment(tmp_path, SCREENDIR=str(tmp_path / "sockets"))
    subprocess.run(["screen", "-S", "console", "-X", "hardcopy", str(window)], env=surroundings, check=True)
    in_screen.wait(lambda: window.exists() and window.stat().st_size, "the window's text")
    assert window.read_text(errors="replace").split() == ["status", "0"]


@needs_screen
def test_gnu_screen_passes_a_copy_on_to_the_terminal(in_screen: Session) -> None:
    in_screen.press(b"c")
    in_screen.until("Copied the name")
    found = re.search(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", bytes(in_screen.written))
    assert found
    assert READY in base64.b64decode(found[1], validate=True).decode()
