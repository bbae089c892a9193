"""Threads beside the event loop that work on the newest thing only, and end when told to."""

from __future__ import annotations

import threading


class Background:
    """A thread that is started when there is first something to do. Subclasses say what it does in `_run`.

    `_wake` guards what others hand in, and `_stopping`, on which `_run` returns.
    """

    def __init__(self, name: str) -> None:
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._stopping = False

    def _rouse(self) -> None:
        """Let the thread look at what was handed in; the caller holds `_wake`."""
        if not self._thread.is_alive() and not self._stopping:
            self._thread.start()
        self._wake.notify()

    def stop(self, timeout: float = 5.0) -> None:
        """End the thread; waits for it at most `timeout` seconds."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        raise NotImplementedError
