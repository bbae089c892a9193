"""The console in a pseudo-terminal of its own: keys, signals and sizes in, every byte it writes out."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

#: Seconds that something may take which a person waits for; a busy machine is given the rest.
PATIENCE: Final = 30.0
_ESCAPES: Final = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>78]|[\]P_^X][^\x07\x1b]*(?:\x07|\x1b\\))")
_MODES: Final = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")
_KEYBOARD: Final = re.compile(rb"\x1b\[([><])[0-9;]*u")
#: Private modes that a program switches on for itself (xterm's ctlseqs): what has to be off when it ends.
_OWN: Final = {
    47: "the alternate screen",
    1047: "the alternate screen",
    1049: "the alternate screen",
    1000: "the mouse",
    1002: "the mouse",
    1003: "the mouse",
    1006: "the mouse",
    1015: "the mouse",
    1004: "reports of focus",
    2004: "bracketed paste",
    2026: "a frame that never ends",
    2048: "reports of sizes",
}
_CURSOR: Final = 25
_WIPE: Final = b"\x1b[2J"


def left_on(written: bytes) -> list[str]:
    """What a program that wrote these bytes has left switched on in its terminal, in words."""
    on: dict[int, bool] = {}
    for numbers, letter in _MODES.findall(written):
        on.update({int(number): letter == b"h" for number in numbers.split(b";")})
    pushed = sum(1 if sign == b">" else -1 for sign in _KEYBOARD.findall(written))
    found = [what for number, what in _OWN.items() if on.get(number)]
    return [*found, *(["the hidden cursor"] if on.get(_CURSOR) is False else []), *(["its keyboard"] * max(0, pushed))]


class Session:
    """A program that has a terminal to itself; a context manager, which kills it if it is still there."""

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str], size: tuple[int, int] = (120, 36)
    ) -> None:
        """`size` is in columns and lines."""
        self._master, self._slave = pty.openpty()
        self.written = bytearray()
        self._seen = 0
        self.resize(*size)
        self._before = termios.tcgetattr(self._slave)
        self.process = subprocess.Popen(
            command,
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env=dict(environment),
            preexec_fn=_own_terminal,
        )

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for handle in (self._master, self._slave):
            with contextlib.suppress(OSError):
                os.close(handle)

    @property
    def text(self) -> str:
        """What was written, without escape sequences."""
        return _ESCAPES.sub(b"", bytes(self.written)).decode(errors="replace")

    def press(self, keys: bytes) -> None:
        """Send keys."""
        os.write(self._master, keys)

    def resize(self, columns: int, lines: int) -> None:
        """Change the size of the window; the program is told as by a terminal."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def hang_up(self) -> None:
        """Close the terminal's window."""
        os.close(self._slave)
        os.close(self._master)

    def until(self, wanted: str) -> None:
        """Wait until a text that matches was written, from the last wait, or `forget`, on."""
        pattern, start = re.compile(wanted), self._seen
        self.wait(
            lambda: pattern.search(_ESCAPES.sub(b"", bytes(self.written[start:])).decode(errors="replace")), wanted
        )
        self.forget()

    def forget(self) -> None:
        """What was written up to now is not what the next `until` waits for."""
        while self.read(0.0):
            pass
        self._seen = len(self.written)

    def wait(self, done: Callable[[], Any], what: str) -> None:
        """Take in what is written until `done` is true."""
        deadline = time.monotonic() + PATIENCE
        while not done():
            if time.monotonic() > deadline:
                raise AssertionError(f"not seen within {PATIENCE} s: {what}\n{self.text[-3000:]}")
            self.read(0.05)

    def ended(self) -> int:
        """Wait until the program has ended; its exit status, negative for a signal's number."""
        self.wait(lambda: self.process.poll() is not None, "the end of the program")
        while self.read(0.0):
            pass
        return int(self.process.returncode)

    def read(self, timeout: float) -> bool:
        """Take in what is written now; whether there was anything."""
        with contextlib.suppress(OSError, ValueError):
            if select.select([self._master], [], [], timeout)[0]:
                data = os.read(self._master, 1 << 16)
                if b"\x1b[?2026$p" in data:  # what terminals of today answer: they mark frames
                    os.write(self._master, b"\x1b[?2026;2$y")
                self.written += data
                return bool(data)
        return False

    def assert_clean(self) -> None:
        """The terminal is as it was: nothing left on or drawn, and its line discipline restored."""
        assert left_on(bytes(self.written)) == []
        drawn = bytes(self.written).rpartition(_WIPE)[2] if b"\x1b[?1049h" in self.written else b""
        assert _ESCAPES.sub(b"", drawn).strip() == b""  # where there is no second screen to leave
        assert termios.tcgetattr(self._slave) == self._before


def _own_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for number in (signal.SIGPIPE, signal.SIGHUP, signal.SIGINT, signal.SIGTSTP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)  # as a shell starts a program, whatever started the tests


def console(*flags: str) -> list[str]:
    """The command that starts the console."""
    return [sys.executable, "-m", "console", *flags]


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a user who has set nothing; with `more`, or less where that is empty."""
    kept = {name: os.environ[name] for name in ("PATH", "VIRTUAL_ENV") if name in os.environ}
    base = {**kept, "HOME": str(home), "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    root = str(Path(__file__).parents[2])
    return {name: value for name, value in {**base, "PYTHONPATH": root, **more}.items() if value}
