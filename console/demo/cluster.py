"""The demo cluster: its platform, its API server, and the timetable that lets it live."""

from __future__ import annotations

import threading
import time
from typing import Any

from console.demo.faults import Faults
from console.demo.platform import platform
from console.demo.playback import Playback
from console.demo.server import ApiServer
from console.demo.store import Store
from console.demo.timetable import CYCLE


class DemoCluster:
    """An AI platform on a Kubernetes API, inside the process.

    With `at` it stands still at that second of its timetable (past the first cycle: of
    that cycle); without, it lives, which `lives` tells. `now` (seconds since the epoch,
    default: the clock's) is when it stands: ages and timestamps are relative to it.
    `pace` is how many seconds of the timetable pass in one. `store`, `server` and
    `faults` are for tests.
    """

    def __init__(self, at: float | None = None, *, now: float | None = None, pace: float = 1.0) -> None:
        self.lives = at is None
        self._pace = pace
        # A whole cycle ends at moment 0: playing it would change nothing.
        position = (at or 0.0) % CYCLE
        self._began = (time.time() if now is None else now) - position
        self._writing_at = 0.0
        self.store = Store(platform(self._began), clock=lambda: self._began + self._writing_at)
        self.faults = Faults()
        self.server = ApiServer(self.store, faults=self.faults)
        self._playback = Playback(self.store, self._set_time)
        self._playback.advance(position)
        self._set_time(position)
        self.store.compact()
        self._stopped = threading.Event()
        self._player: threading.Thread | None = None

    def kubeconfig(self) -> dict[str, Any]:
        """A kubeconfig with the one context ``demo``; valid once started."""
        return self.server.kubeconfig()

    def start(self) -> None:
        """Serve, and, unless frozen, begin the timetable. Raises OSError if no port can be had."""
        self.server.start()
        if self.lives:
            self._player = threading.Thread(target=self._play, name="demo-timetable", daemon=True)
            self._player.start()

    def stop(self) -> None:
        """Stop the timetable and the server; safe to call twice, and before `start`."""
        self._stopped.set()
        if self._player is not None:
            self._player.join()
        self.server.stop()

    def advance(self, seconds: float) -> None:
        """Move a frozen cluster on to a later second: all that happens until then happens now.

        Raises RuntimeError where the cluster lives by itself.
        """
        if self.lives:
            raise RuntimeError("this demo lives by itself; freeze it with at= to move it by hand")
        self._playback.advance(seconds)
        self._set_time(seconds)

    def __enter__(self) -> DemoCluster:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _set_time(self, seconds: float) -> None:
        self._writing_at = seconds

    def _play(self) -> None:
        started = time.monotonic()
        while not self._stopped.wait(self._playback.next_at / self._pace - (time.monotonic() - started)):
            self._playback.advance(self._playback.next_at)
