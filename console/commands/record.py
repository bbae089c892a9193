"""``record``: keep every change of a cluster in one file, until told to stop."""

from __future__ import annotations

import argparse
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from console.errors import ClusterError, UsageError
from console.wiring import say, sources

if TYPE_CHECKING:
    from console.cluster.source import Source, Status, Update
    from console.history.writer import Bounds

HELP: Final = "keep every change of a cluster in one file, to be looked at with --recording FILE"
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kKmMgG]?)(?:i?[bB])?")
#: Seconds between two looks at whether the recording still goes on.
_TICK: Final = 0.5
_UNITS: Final = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="where to; what is there is added to")
    parser.add_argument(
        "--for", dest="duration", metavar="DURATION", help="end after 90s, 5m, 8h, 7d (default: Ctrl-C)"
    )
    add_bounds(parser)


def add_bounds(parser: argparse._ActionsContainer) -> None:
    """Add what says how much is kept."""
    parser.add_argument("--max-size", metavar="SIZE", help="drop the oldest so that the file stays below 200M, 1G, …")
    parser.add_argument("--max-age", metavar="AGE", help="drop what is older than 12h, 7d, …")
    parser.add_argument(
        "--annotations", action="store_true", help="keep policies' annotations too; they may hold anything"
    )


def run(options: argparse.Namespace) -> int:
    """Record until told to stop: 0, 3 where something or all of it is missing, 2 where the file cannot be used."""
    if options.overlay:
        raise UsageError("--overlay lays over what is not there", hint="record what is, and look at it with --overlay")
    for flag in ("manifests", "recording"):
        if getattr(options, flag):
            raise UsageError(
                f"--{flag} does not change: there is nothing to record", hint="record a cluster, or --demo"
            )
    from console.history.recorder import SYNC, Recorder
    from console.history.times import rfc3339, seconds
    from console.history.writer import Writer

    duration = seconds(options.duration) if options.duration else None
    with sources(options, lively=True) as make, told_to_stop() as stop:
        source = make(None)
        writer = Writer(options.output, bounds(options))
        for damage in writer.damage:
            say(f"{options.output}: {damage}")
        recorder = Recorder(writer, source.title, annotations=options.annotations, say=say)
        listener = _Listener()
        recorder.start()
        say(f"recording {source.title} to {options.output}; Ctrl-C ends it")
        say(f"what changes is written and synced within {SYNC:g} s")

        def take(update: Update) -> None:
            recorder.take(update)
            listener.hear(update.status)

        source.open(take)
        try:
            deadline = None if duration is None else time.monotonic() + duration
            while not stop.wait(_TICK if deadline is None else min(_TICK, max(0.0, deadline - time.monotonic()))):
                if recorder.ended.is_set() or (deadline is not None and time.monotonic() >= deadline):
                    break
        finally:
            source.close()
            recorder.stop()
    if not recorder.begun and recorder.trouble:
        return 2  # told already
    if not recorder.begun:
        status = listener.status
        why = status.message if status and status.message else "it was not read whole before the recording ended"
        raise ClusterError(f"{source.title}: nothing was recorded: {why}", hint=status.hint if status else "")
    size = f"{writer.size / 1024:,.0f} KiB" if writer.size < 10 << 20 else f"{writer.size / (1 << 20):,.1f} MiB"
    say(
        f"ended {rfc3339(time.time())}: {recorder.objects:,} objects, {recorder.written:,} changes; the file has {size}"
    )
    return 3 if recorder.incomplete else 0


def session(options: argparse.Namespace, make: Callable[[str | None], Source]) -> Callable[[str | None], Source]:
    """What makes the console's sources, the first of them recorded where the flags say so. Raises ConsoleError."""
    if options.speed is not None and (not options.recording or options.speed <= 0):
        raise UsageError(
            "--speed says how fast to play a recording", hint="use it with --recording FILE, as --speed 10"
        )
    if not options.record:
        return make
    _check(options)
    from console.history.tap import Session

    recorded = Session(options.record, bounds(options), annotations=options.annotations)
    return lambda context: make(context) if context is not None else recorded.over(make(None))


def _check(options: argparse.Namespace) -> None:
    for flag in ("manifests", "recording"):
        if getattr(options, flag):
            raise UsageError(
                f"--{flag} does not change: there is nothing to record", hint="record a cluster, or --demo"
            )


def bounds(options: argparse.Namespace) -> Bounds:
    """The bounds the flags set. Raises UsageError."""
    from console.history.times import seconds
    from console.history.writer import Bounds

    size = None
    if options.max_size:
        found = _SIZE.fullmatch(options.max_size)
        if found is None:
            raise UsageError(f"{options.max_size!r} is no size", hint="write 500K, 200M or 1G")
        size = int(float(found[1]) * _UNITS[found[2].lower()])
    return Bounds(size, seconds(options.max_age) if options.max_age else None)


class _Listener:
    """Tells of the source on stderr, when that changes."""

    def __init__(self) -> None:
        self.status: Status | None = None

    def hear(self, status: Status) -> None:
        before, self.status = self.status, status
        if before is None or (before.state, before.message) != (status.state, status.message):
            message = f": {status.message}" if status.message else ""
            say(f"{status.state.value}{message}")


@contextmanager
def told_to_stop(then: Callable[[], object] | None = None) -> Iterator[threading.Event]:
    """An event that is set by Ctrl-C and by SIGTERM, which then are no error; `then` is called, too.

    Whoever is told a second time leaves at once.
    """
    stop = threading.Event()

    def told(*_: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        if then is not None:
            then()

    signals = (signal.SIGINT, signal.SIGTERM)
    before = {each: signal.signal(each, told) for each in signals}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
