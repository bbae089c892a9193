"""A program in a pseudo-terminal: what it draws and when, and what it takes of the machine (from /proc)."""

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
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple

from .process import cpu, peak, scheduled

COLUMNS: Final = 120
LINES: Final = 36
#: Seconds in which a program that has drawn its frame draws nothing more, and the share of them it may be busy.
QUIET: Final = 0.04
_IDLE: Final = 0.1
#: Seconds within which a key must show something.
DEAF: Final = 1.5
_ESCAPES: Final = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>78]|\][^\x07\x1b]*(?:\x07|\x1b\\))")
#: What terminals of today answer: frames are marked (mode 2026), so that none is shown half drawn.
_ASKS_FOR_MARKS: Final = b"\x1b[?2026$p"
_HAS_MARKS: Final = b"\x1b[?2026;2$y"
_FRAME: Final = b"\x1b[?2026h"
_FRAME_END: Final = b"\x1b[?2026l"


class Usage(NamedTuple):
    """What a process took so far: seconds since its start, CPU seconds of all its threads, peak MiB resident.

    `alone` is the wall time less the main thread's waits for a core.
    """

    wall: float
    cpu: float
    peak: float
    alone: float


class Latency(NamedTuple):
    """Milliseconds from writing a key to the first byte drawn, to the end of its frame, and to the last byte.

    `frame` and `last` are less the time in which the program's event loop was ready to
    run while others had the cores: what they would have been on a machine of its own.
    `last` is that before it was quiet: what was worked out elsewhere is drawn by then.
    `loop` is the CPU time of that loop alone, all that followed from the key included.
    """

    first: float
    frame: float
    last: float
    loop: float


class _Drew(NamedTuple):
    """When something was drawn, and how many seconds the main thread had waited for a core by then."""

    at: float
    waited: float


class Terminal:
    """Runs a program in a pseudo-terminal; a context manager, which kills the program if it is still there."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        cwd: Path,
        size: tuple[int, int] = (COLUMNS, LINES),
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *reversed(size), 0, 0))
        os.set_blocking(self._master, False)
        self._drawn = bytearray()
        self._began = time.perf_counter()
        self._process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=cwd, start_new_session=True
        )
        os.close(slave)

    @property
    def pid(self) -> int:
        """The program's process."""
        return self._process.pid

    @property
    def frames(self) -> int:
        """How many frames were drawn since the last key was pressed."""
        return self._drawn.count(_FRAME)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        os.close(self._master)

    def until(self, wanted: str, *, timeout: float = 60.0) -> Usage:
        """Wait until a text that matches `wanted` was drawn since the last wait; what it took until then."""
        pattern = re.compile(wanted)
        deadline = time.perf_counter() + timeout
        while not pattern.search(self._text()):
            left = deadline - time.perf_counter()
            if left <= 0 or self._read(left) is None:
                raise RuntimeError(f"{wanted!r} was not drawn; what was:\n{self._text()[-2000:]}")
        usage = self.usage()
        self._drawn.clear()
        return usage

    def usage(self) -> Usage:
        """What the program took until now."""
        wall = time.perf_counter() - self._began
        return Usage(wall, cpu(self.pid), peak(self.pid), wall - self._waited())

    def press(self, key: bytes) -> Latency:
        """Press a key once nothing is being drawn, and wait until its frame is drawn."""
        self.settle()
        self._drawn.clear()
        loop, waited, began = self._loop(), self._waited(), time.perf_counter()
        os.write(self._master, key)
        first = self._read(DEAF)
        if first is None:
            raise RuntimeError(f"{key!r} showed nothing within {DEAF} s")
        frame = _Drew(first, self._waited())
        while _FRAME_END not in self._drawn and (more := self._read(QUIET)) is not None:
            frame = _Drew(more, self._waited())
        last = self.settle() or frame
        alone = (each.at - began - (each.waited - waited) for each in (frame, last))
        return Latency(*(each * 1000 for each in (first - began, *alone, self._loop() - loop)))

    def check(self, wanted: str) -> None:
        """Raise unless the key that was pressed last drew a text that matches `wanted`."""
        if not re.search(wanted, self._text()):
            raise RuntimeError(f"the last key did not draw {wanted!r}, but:\n{self._text()[-2000:]}")

    def settle(self) -> _Drew | None:
        """Wait until the program draws nothing and does nothing; when it last drew, if it did."""
        last = None
        while True:
            before = self._ran()
            later = self._read(QUIET)
            if later is not None:
                last = _Drew(later, self._waited())
            elif sum(self._ran()) - sum(before) < _IDLE * QUIET:
                return last

    def _ran(self) -> tuple[float, float]:
        """Seconds that the program's threads ran, and that they were ready to while others ran."""
        ran = waited = 0.0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            with contextlib.suppress(OSError):  # a thread that has just ended
                took, queued = scheduled(task)
                ran, waited = ran + took, waited + queued
        return ran, waited

    def _loop(self) -> float:
        """Seconds that the main thread ran."""
        return scheduled(Path(f"/proc/{self.pid}"))[0]

    def _waited(self) -> float:
        """Seconds that the main thread was ready to run while others ran."""
        return scheduled(Path(f"/proc/{self.pid}"))[1]

    def leave(self, timeout: float = 10.0) -> None:
        """Press the key that ends the console from anywhere, and wait until it has ended."""
        os.write(self._master, b"\x11")  # ctrl+q
        deadline = time.perf_counter() + timeout
        while self._process.poll() is None:
            if time.perf_counter() > deadline:
                raise RuntimeError(f"the console did not end within {timeout} s")
            self._read(0.05)
        if self._process.returncode:
            raise RuntimeError(f"the console ended with {self._process.returncode}:\n{self._text()[-2000:]}")

    def _text(self) -> str:
        return _ESCAPES.sub(b"", bytes(self._drawn)).decode(errors="replace")

    def _read(self, timeout: float) -> float | None:
        """Take in what was written; when that was, or None after `timeout` seconds without any, or at the end."""
        ready, _, _ = select.select([self._master], [], [], timeout)
        if not ready:
            return None
        at = time.perf_counter()
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:  # EIO: the program is gone, and its side of the terminal with it
            return None
        if _ASKS_FOR_MARKS in data:
            os.write(self._master, _HAS_MARKS)
        self._drawn += data
        return at


def console(*flags: str) -> list[str]:
    """The command that starts the console."""
    return [sys.executable, "-m", "console", *flags]


def environment(home: Path) -> dict[str, str]:
    """The environment of a user of a terminal of today who has set nothing."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV")}
    return {**kept, "HOME": str(home), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
