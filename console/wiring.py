"""From the flags every command shares to a source, a snapshot and the engine's modes."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from console.errors import InputError, UsageError
from console.flags import check_source, demo_at, modes

# Sources are imported where they are used: what is imported here is paid by every command.
if TYPE_CHECKING:
    from console.cluster.contexts import Target
    from console.cluster.overlay import Overlay
    from console.cluster.source import Source
    from console.demo.cluster import DemoCluster
    from console.governance.charter import Charter
    from console.objects.diagnostics import Diagnostic
    from console.objects.snapshot import Snapshot
    from console.policy.engine import Engine

#: Seconds a one-shot command waits for a cluster's first answers.
LOAD_TIMEOUT: Final = 60.0


@contextmanager
def sources(options: argparse.Namespace, *, lively: bool) -> Iterator[Callable[[str | None], Source]]:
    """What makes the source the flags choose, or that of another kubeconfig context by its name.

    The demo runs from its first source on for as long as the context manager is open:
    `lively` in the console, frozen at moment 0 for one-shot commands. Raises UsageError and
    InputError.
    """
    check_source(options)
    overlay = overlay_of(options)

    def laid(source: Source) -> Source:
        if overlay is None:
            return source
        from console.cluster.overlay import OverlaySource

        return OverlaySource(source, overlay)

    if options.manifests:

        def manifests(_: str | None) -> Source:
            from console.cluster.manifests import ManifestSource

            return laid(ManifestSource(options.manifests, stdin=sys.stdin.buffer))

        yield manifests
    elif options.recording:

        def recording(_: str | None) -> Source:
            from console.history.replay import RecordingSource

            return laid(RecordingSource(options.recording, options.at, speed=getattr(options, "speed", None) or 0.0))

        yield recording
    elif options.demo:
        at = demo_at(options)
        demo: DemoCluster | None = None

        def connect(_: str | None) -> Source:
            nonlocal demo
            from console.cluster.contexts import from_dict
            from console.cluster.live import LiveSource
            from console.demo.cluster import DemoCluster

            if demo is None:
                demo = DemoCluster(at=at if at is not None else None if lively else 0.0)
                demo.start()
            return laid(LiveSource(from_dict(demo.kubeconfig()), namespaces=options.namespace))

        try:
            yield connect
        finally:
            if demo is not None:
                demo.stop()
    else:
        yield lambda context: laid(_live(options, context or options.context))


def title(options: argparse.Namespace) -> str:
    """What to call the source before it is made. Raises InputError for a kubeconfig that cannot be used."""
    if options.manifests:
        first, *others = options.manifests
        found = f"{first} +{len(others)}" if others else str(first)
    elif options.recording:
        found = os.path.basename(str(options.recording))
    else:
        found = "demo" if options.demo else _target(options, options.context).title
    return f"{found} + overlay" if options.overlay else found


def _target(options: argparse.Namespace, context: str | None) -> Target:
    from console.cluster.contexts import load_context

    return load_context(options.kubeconfig, context=context, as_user=options.as_user, as_groups=options.as_group)


def _live(options: argparse.Namespace, context: str | None) -> Source:
    target = _target(options, context)
    from console.cluster.live import LiveSource

    return LiveSource(target, namespaces=options.namespace)


def contexts(options: argparse.Namespace) -> tuple[str, ...]:
    """The kubeconfig contexts one can switch to; none for other sources, or inside a cluster."""
    if options.demo or options.manifests or options.recording:
        return ()
    from console.cluster.contexts import load

    try:
        return load(options.kubeconfig).contexts
    except InputError:
        return ()


def snapshot(options: argparse.Namespace) -> Snapshot:
    """Everything the chosen source holds now; what was wrong with it goes to stderr. Raises ConsoleError."""
    return snapshot_and_moment(options)[0]


def snapshot_and_moment(options: argparse.Namespace) -> tuple[Snapshot, float | None]:
    """What `snapshot` says, and when that was (time.time() seconds); None for files and the demo."""
    at: float | None = None
    if options.manifests:
        from console.cluster.manifests import read

        # Read here and now: a file needs no thread, and its errors are errors of the input.
        check_source(options)
        reading = read(options.manifests, stdin=sys.stdin.buffer)
        snapshot, diagnostics = reading.snapshot, reading.diagnostics
        overlay = overlay_of(options)
        if overlay is not None:
            snapshot, more = overlay.over(snapshot)
            diagnostics = (*diagnostics, *more)
    elif options.recording:
        check_source(options)
        snapshot, diagnostics, at = _past(options)
    else:
        from console.cluster.load import load

        with sources(options, lively=False) as source:
            update = load(source(None), timeout=LOAD_TIMEOUT)
        snapshot, diagnostics = update.snapshot, update.diagnostics
        at = None if options.demo else time.time()
    for diagnostic in diagnostics:
        say(str(diagnostic))
    return snapshot, at


def _past(options: argparse.Namespace) -> tuple[Snapshot, tuple[Diagnostic, ...], float]:
    """What a recording holds at the moment the flags name, and that moment, which is said. Raises ConsoleError."""
    from console.history.replay import read
    from console.history.times import rfc3339

    update = read(options.recording, options.at)
    status = update.status
    say(f"{options.recording} as of {rfc3339(status.since)}" + (f": {status.message}" if status.message else ""))
    overlay = overlay_of(options)
    if overlay is None:
        return update.snapshot, update.diagnostics, status.since
    snapshot, more = overlay.over(update.snapshot)
    return snapshot, (*update.diagnostics, *more), status.since


def overlay_of(options: argparse.Namespace) -> Overlay | None:
    """The overlay the flags name, read; None where they name none. Raises InputError."""
    if not options.overlay:
        return None
    from console.cluster.overlay import Overlay

    # Standard input can be read once: by the manifests or by the overlay.
    return Overlay(options.overlay, None if "-" in (options.manifests or ()) else sys.stdin.buffer)


def engine(options: argparse.Namespace) -> Engine:
    """The engine on everything the chosen source holds now. Raises ConsoleError."""
    return engine_and_moment(options)[0]


def engine_and_moment(options: argparse.Namespace) -> tuple[Engine, float | None]:
    """What `engine` says, and the moment of `snapshot_and_moment`."""
    held, at = snapshot_and_moment(options)
    from console.policy.engine import Engine

    return Engine(held, modes=modes(options)), at


def engines_of_two(options: argparse.Namespace, old: str | None, new: str | None) -> tuple[Engine, Engine]:
    """The engines on two snapshots to compare: what two texts name, or the chosen source without and with its overlay.

    Raises ConsoleError.
    """
    from console.policy.engine import Engine

    if old is not None and new is not None:
        if old == new == "-":
            raise UsageError("standard input can be read once", hint="give one of the two as a file")
        first, second = (snapshot(_named(options, text)) for text in (old, new))
    else:
        first = snapshot(argparse.Namespace(**{**vars(options), "overlay": None}))
        overlay = overlay_of(options)
        assert overlay is not None
        second, diagnostics = overlay.over(first)
        for diagnostic in diagnostics:
            say(str(diagnostic))
    before = Engine(first, modes=modes(options))
    return before, Engine(second, before)


def _named(options: argparse.Namespace, text: str) -> argparse.Namespace:
    """The flags that choose the source a text names.

    It is demo, demo@SECONDS, context:NAME (or the current one), a recording, RECORDING@TIME, or a path of manifests.
    """
    for flag in ("demo", "at", "manifests", "recording", "context", "overlay"):
        if getattr(options, flag) not in (None, False):
            raise UsageError(f"--{flag} and {text} are two sources", hint="name both snapshots, or use the flags alone")
    chosen = argparse.Namespace(**vars(options))
    scheme, mark, rest = text.partition("@")
    if scheme == "demo":
        chosen.demo, chosen.at = True, rest if mark else None
    elif text.startswith("context:"):
        chosen.context = text.removeprefix("context:") or None
        return chosen
    elif (found := _recording_named(text)) is not None:
        chosen.recording, chosen.at = found
    else:
        chosen.manifests = [text]
    chosen.kubeconfig = None  # it is for the one that is a cluster
    return chosen


def _recording_named(text: str) -> tuple[str, str | None] | None:
    """The recording, and the moment of it, that a text names; None where it names none."""
    from console.history.frames import is_recording

    path, mark, at = text.rpartition("@")
    if is_recording(text):
        return text, None
    return (path, at) if mark and is_recording(path) else None


def charter_text(path: str | None) -> tuple[str, str]:
    """The text of a charter, and what to call it: a file's, standard input's (``-``), or that of the one inside.

    Raises InputError.
    """
    if path is None:
        from console.governance.charter_default import DEFAULT_FILE, default_text

        return default_text(), DEFAULT_FILE
    try:
        raw = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        return raw.decode("utf-8"), "<stdin>" if path == "-" else path
    except OSError as error:
        hint = "netpol-console charter init writes one"
        raise InputError(f"{path} cannot be read: {error.strerror}", hint=hint) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text in UTF-8", hint=f"byte {error.start} is none") from error


def charter_of(path: str | None) -> Charter:
    """A charter by its file; the one inside where none is named. Raises InputError (with file, line and column)."""
    from console.governance.charter_read import load

    text, file = charter_text(path)
    return load(text, file=file)


def say(text: str) -> None:
    """Talk to the user on stderr, cleaned."""
    from console.report.clean import clean_lines

    print(clean_lines(text), file=sys.stderr)


def print_json(value: object) -> None:
    """Print an answer as JSON."""
    from console.report.clean import json_text

    print(json_text(value), end="")
