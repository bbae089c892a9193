"""Threads that read: each has a Call of its own, so that it can be ended at once."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod

from console.cluster.client import Call
from console.cluster.failures import Aborted


class Worker(ABC):
    """A thread whose requests end when it is stopped. `call` is for its requests."""

    def __init__(self, name: str) -> None:
        self.call = Call()
        self.stopped = threading.Event()
        self._woken = threading.Event()
        # A daemon: one that connects to nowhere cannot be woken, and must not hold up the end of the program.
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)

    @abstractmethod
    def run(self) -> None:
        """Do the work, until `stopped`. May raise Aborted once it is."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, promptly: whatever request is under way is given up. Does not wait for that."""
        self.stopped.set()
        self._woken.set()
        self.call.abort()

    def hurry(self) -> None:
        """End the pause under way, or the next one: what it waits for has happened."""
        self._woken.set()

    def pause(self, seconds: float) -> None:
        """Do nothing for so long, but for a hurry or a stop."""
        if self._woken.wait(seconds) and not self.stopped.is_set():
            self._woken.clear()

    def join(self, timeout: float) -> None:
        """Wait for the thread to end, for at most `timeout` seconds."""
        if self._thread.is_alive():
            self._thread.join(max(0.0, timeout))

    def _main(self) -> None:
        try:
            self.run()
        except Aborted:
            return
