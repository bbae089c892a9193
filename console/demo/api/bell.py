"""Waiting on a connection and on what happens in the demo at once, without polling."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType


class Bell:
    """Calls everybody who listens. Thread-safe; listeners must return at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` at each ring from now on."""
        with self._lock:
            self._listeners.append(listener)

    def leave(self, listener: Callable[[], None]) -> None:
        """Stop calling `listener`."""
        with self._lock:
            self._listeners.remove(listener)

    def ring(self) -> None:
        """Tell everybody."""
        with self._lock:
            for listener in self._listeners:
                listener()


class Vigil:
    """Waits until a bell rings, time is up, or the peer of a connection hangs up."""

    def __init__(self, connection: socket.socket, *bells: Bell) -> None:
        self._connection = connection
        self._bells = bells
        self._selector = selectors.DefaultSelector()
        self._woken, self._waker = socket.socketpair()

    def __enter__(self) -> Vigil:
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._selector.register(self._connection, selectors.EVENT_READ)
        for bell in self._bells:
            bell.listen(self._wake)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for bell in self._bells:
            bell.leave(self._wake)
        self._selector.close()
        self._woken.close()
        self._waker.close()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # full of unheard rings: the waiter will wake anyway
            self._waker.send(b"\0")

    def wait(self, deadline: float | None = None) -> bool:
        """Wait for a ring or until `deadline` (time.monotonic() seconds); False once the peer has hung up."""
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        for key, _ in self._selector.select(timeout):
            if key.fileobj is self._woken:
                self._woken.recv(4096)
            elif self._hung_up():
                return False
            else:  # the next request, sent early: it has to wait its turn
                self._selector.unregister(self._connection)
        return True

    def _hung_up(self) -> bool:
        try:
            return not self._connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True
