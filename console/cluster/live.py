"""A live cluster as a Source: follows it until closed, whatever happens to the API server meanwhile."""

from __future__ import annotations

import contextlib
import gc
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Final

from console.cluster.client import Call
from console.cluster.contexts import Target
from console.cluster.failures import Aborted, Failure
from console.cluster.fleet import Fleet
from console.cluster.ledger import Ledger
from console.cluster.source import Update
from console.cluster.steps import Timing
from console.cluster.transport import Limits, Transport
from console.errors import InputError

#: Seconds between two updates; between two while the first lists come in.
PACE: Final = 0.25
_FIRST_PACE: Final = 0.05
#: Seconds that the owning thread and its workers get to end; what is left then cannot do harm.
_GOODBYE: Final = 0.4
_TICK: Final = 1.0
#: How long garbage collection stays off without objects coming in.
_GC_PATIENCE: Final = 2.0

_Message = Callable[[], None]


class LiveSource:
    """The cluster of a kubeconfig's context. A Source."""

    def __init__(
        self,
        target: Target,
        *,
        namespaces: Sequence[str] | None = None,
        timing: Timing | None = None,
        limits: Limits | None = None,
    ) -> None:
        """`namespaces` are read one by one, before any others, where the whole cluster may not be read."""
        self._target = target
        self._namespaces = tuple(namespaces or ())
        self._timing = timing or Timing()
        self._limits = limits or Limits()
        self._closed = threading.Event()
        self._messages: SimpleQueue[_Message] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._call = Call()

    @property
    def title(self) -> str:
        """The context's name."""
        return self._target.title

    def open(self, on_update: Callable[[Update], None]) -> None:
        """Start following; returns at once. See Source."""
        if self._closed.is_set() or self._thread is not None:
            return
        owner = _Owner(self._target, self._namespaces, self._timing, self._limits, on_update, self._call, self._closed)
        self._messages = owner.messages
        self._thread = threading.Thread(target=owner.run, name="live-source", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; takes less than a second whatever the server does, and no update follows."""
        self._closed.set()
        self._call.abort()
        self._messages.put(lambda: None)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2 * _GOODBYE)


class _Owner:
    """The one thread that holds the ledger, decides what is followed, and hands updates on."""

    def __init__(
        self,
        target: Target,
        namespaces: tuple[str, ...],
        timing: Timing,
        limits: Limits,
        on_update: Callable[[Update], None],
        call: Call,
        closed: threading.Event,
    ) -> None:
        self.messages: SimpleQueue[_Message] = SimpleQueue()
        self._target = target
        self._namespaces = namespaces
        self._on_update = on_update
        self._call = call
        self._closed = closed
        self._timing = timing
        self._ledger = Ledger()
        self._transport = Transport(
            target.context, act_as=target.act_as, act_as_groups=target.act_as_groups, limits=limits
        )
        self._shown = 0.0  # when the last update was handed on
        self._told: object = None
        self._milestones = 0

    def run(self) -> None:
        """Follow until closed."""
        fleet: Fleet | None = None
        collector = _Collector()
        try:
            self._publish()
            namespace = self._sign_in()
            wanted = [*self._namespaces, namespace]
            fleet = Fleet(self._transport, self._ledger, self.messages.put, namespaces=wanted, timing=self._timing)
            fleet.begin()
            while not self._closed.is_set():
                self._receive()
                fleet.consider()
                collector.mind(self._ledger.filled, whole=self._ledger.whole)
                self._publish_if_due()
        except Aborted:
            pass
        except Exception as error:
            # A mistake of ours, or of whoever takes the updates, must not pass for a quiet cluster.
            message = f"the console failed while following the cluster ({type(error).__name__})"
            self._ledger.fatal = Failure(0, message, "please report this; start the console again")
            self._publish()
            raise
        finally:
            collector.end()
            if fleet is not None:
                fleet.stop(_GOODBYE)
            self._transport.close()

    def _sign_in(self) -> str:
        """Read kubeconfig and credentials until that succeeds; the context's namespace."""
        while True:
            try:
                self._transport.connect(self._call)
                self._ledger.fatal = None
                return self._target.context().namespace
            except InputError as error:
                self._ledger.fatal = Failure(0, error.message, error.hint)
                self._publish()
            self._closed.wait(self._timing.sign_in)
            self._call.check()

    def _receive(self) -> None:
        """Take in all messages there are; wait for the first no longer than until the next update is due."""
        wait = _TICK
        if self._untold():
            wait = max(0.0, self._shown + self._pace() - time.monotonic())
        with contextlib.suppress(Empty):
            self.messages.get(timeout=wait)()
            end = time.monotonic() + _FIRST_PACE
            while time.monotonic() < end:
                self.messages.get_nowait()()

    def _untold(self) -> bool:
        return self._ledger.mark != self._told

    def _pace(self) -> float:
        # What completes a first list is shown at once, so that a screen fills as the lists come in.
        return PACE if self._ledger.milestones == self._milestones else _FIRST_PACE

    def _publish_if_due(self) -> None:
        if self._untold() and time.monotonic() >= self._shown + self._pace():
            self._publish()

    def _publish(self) -> None:
        self._told, self._milestones = self._ledger.mark, self._ledger.milestones
        update = self._ledger.update(time.time())
        self._shown = time.monotonic()
        if not self._closed.is_set():
            self._on_update(update)


class _Collector:
    """Keeps Python's garbage collection off while the first objects stream in, and then away from them.

    Otherwise a third of a first load is spent looking for garbage among objects that
    stay; see gc.freeze.
    """

    def __init__(self) -> None:
        self._off = False
        self._done = False
        self._seen = 0
        self._last = 0.0

    def mind(self, seen: int, *, whole: bool) -> None:
        """`seen` counts the objects read so far; `whole` says that the first load is over."""
        if self._done:
            return
        now = time.monotonic()
        if seen != self._seen:
            self._seen, self._last = seen, now
            if not self._off and gc.isenabled():
                gc.disable()
                self._off = True
        if whole:
            gc.freeze()
            self._done = True
        if whole or now > self._last + _GC_PATIENCE:
            self.end()

    def end(self) -> None:
        """Turn collection on again, if it was turned off here."""
        if self._off:
            gc.enable()
            self._off = False
