"""Every command; the one place that wires a source, the engine and a front end together.

Exit status: 0 allowed, 1 blocked (wholly or for some replicas), 2 usage or bad input,
3 unknown or incomplete. stdout is the answer, stderr the talk. No traceback reaches a user.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final, NoReturn

from console import __version__
from console.errors import ConsoleError, InputError, UsageError

# What is imported here is paid by every command, `--help` and the first paint included:
# sources, the engine and the screens are imported where they are used.
if TYPE_CHECKING:
    from console.cluster.source import Source
    from console.objects.snapshot import Snapshot
    from console.policy.asking import Modes
    from console.policy.engine import Engine

#: Seconds a one-shot command waits for a cluster's first answers.
LOAD_TIMEOUT: Final = 60.0
_COMMANDS: Final = ("simulate",)
_EPILOG: Final = """\
ends:    NAMESPACE/POD, NAMESPACE/KIND/NAME (deploy, sts, ds, job, pytorchjob, …),
         svc:NAMESPACE/NAME, ip:ADDRESS, internet
exit:    0 allowed, 1 blocked, 2 usage or bad input, 3 unknown or incomplete
"""


class _Parser(argparse.ArgumentParser):
    """argparse that fails the way every other error of the console does."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"see {self.prog} --help")


def _source_flags() -> argparse.ArgumentParser:
    flags = _Parser(add_help=False)
    group = flags.add_argument_group("where the objects come from (default: the current kubeconfig context)")
    group.add_argument("--demo", action="store_true", help="the embedded AI platform; nothing leaves this machine")
    group.add_argument("--at", type=float, metavar="SECONDS", help="with --demo: freeze its timetable at this moment")
    group.add_argument("--manifests", nargs="+", metavar="PATH", help="YAML or JSON files, folders, or - for stdin")
    group.add_argument("--context", metavar="NAME", help="a kubeconfig context")
    group.add_argument("--kubeconfig", metavar="FILE", help="a kubeconfig (default: $KUBECONFIG or ~/.kube/config)")
    group.add_argument("-n", "--namespace", action="append", metavar="NAME", help="read these namespaces only")
    group.add_argument("--as", dest="as_user", metavar="USER", help="impersonate this user")
    group.add_argument("--as-group", action="append", default=[], metavar="GROUP", help="impersonate this group")
    modes = flags.add_argument_group("where the specification leaves a choice")
    modes.add_argument(
        "--ingress-ipblock",
        choices=("pods", "outside"),
        default="pods",
        help="whether an ingress ipBlock sees pods' own addresses (default) or outside addresses only",
    )
    return flags


def _console_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="netpol-console",
        description="See, question and prove the network boundaries of AI platforms on Kubernetes. Only ever reads.",
        epilog="commands:\n  simulate   may SRC open a connection to DST, and why\n\n"
        "With no command the console opens. See netpol-console COMMAND --help.\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[_source_flags()],
    )
    parser.add_argument("--version", action="version", version=f"netpol-console {__version__}")
    return parser


def _simulate_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="netpol-console simulate",
        description="May SRC open a connection to DST, and which policies decide?",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[_source_flags()],
    )
    parser.add_argument("src", nargs="?", metavar="SRC")
    parser.add_argument("dst", nargs="?", metavar="DST")
    parser.add_argument("--port", metavar="PORT", help="443, 443/TCP, 53/UDP, or a port name of the destination")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    parser.add_argument("--trace", action="store_true", help="every clause of every rule, not only those that decide")
    parser.add_argument("--batch", metavar="FILE", help="answer JSON lines (- for stdin), one {id, outcome} a line")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a glyph must not end a run under LANG=C
    try:
        if arguments and arguments[0] in _COMMANDS:
            return _simulate(_simulate_parser().parse_args(arguments[1:]))
        if arguments and not arguments[0].startswith("-"):
            raise _unknown_command(arguments[0])
        return _open_console(_console_parser().parse_args(arguments))
    except ConsoleError as error:
        _say(f"netpol-console: {error}")
        return error.exit_status
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    except BrokenPipeError:
        # The reader went away (head, less): leave quietly, and keep the interpreter from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        # A defect of ours, told as one; whoever mends it asks for the traceback.
        if os.environ.get("NETPOL_CONSOLE_DEBUG"):
            raise
        _say(f"netpol-console failed: {type(error).__name__}: {error}")
        _say("  this is a defect of the console; NETPOL_CONSOLE_DEBUG=1 shows where")
        return 70


def _unknown_command(name: str) -> UsageError:
    from difflib import get_close_matches

    close = get_close_matches(name, _COMMANDS, n=1)
    hint = f"did you mean {close[0]}?" if close else f"commands: {', '.join(_COMMANDS)}; with none the console opens"
    return UsageError(f"there is no command {name!r}", hint=hint)


def _say(text: str) -> None:
    from console.report.clean import clean_lines

    print(clean_lines(text), file=sys.stderr)


def _open_console(options: argparse.Namespace) -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the console needs a terminal", hint="in a pipe use netpol-console simulate SRC DST --port N")
    _check_source(options)
    from console.settings import load_settings

    settings = load_settings()
    if options.manifests:
        from console.cluster.manifests import ManifestSource
        from console.tui.app import run

        def again() -> Source:
            return ManifestSource(options.manifests)

        return run(again(), settings=settings, modes=_modes(options), reopen=again)
    if options.demo:
        from console.tui.app import run

        with _demo(options, lively=True) as target:
            return run(target(), settings=settings, modes=_modes(options), reopen=target)
    from console.cluster.contexts import load

    contexts = load(options.kubeconfig).contexts
    source = _live(options, options.context)
    from console.tui.app import run

    return run(
        source,
        settings=settings,
        modes=_modes(options),
        contexts=contexts,
        open_context=lambda name: _live(options, name),
        reopen=lambda: _live(options, options.context),
    )


def _check_source(options: argparse.Namespace) -> None:
    chosen = [flag for flag in ("demo", "manifests", "context", "kubeconfig") if getattr(options, flag)]
    if len(chosen) > 1 and chosen != ["context", "kubeconfig"]:
        raise UsageError(f"--{chosen[0]} and --{chosen[1]} are two sources", hint="choose one")
    if options.at is not None and not options.demo:
        raise UsageError("--at freezes the demo's timetable", hint="use it with --demo")


def _modes(options: argparse.Namespace) -> Modes:
    from console.policy.asking import Modes

    return Modes(ingress_ipblock_matches_pods=options.ingress_ipblock == "pods")


@contextmanager
def _demo(options: argparse.Namespace, *, lively: bool) -> Iterator[Callable[[], Source]]:
    """The demo cluster, running: `lively` in the console, frozen at moment 0 for one-shot commands."""
    from console.cluster.contexts import from_dict
    from console.cluster.live import LiveSource
    from console.demo.cluster import DemoCluster

    demo = DemoCluster(at=options.at if options.at is not None else None if lively else 0.0)
    demo.start()
    try:
        yield lambda: LiveSource(from_dict(demo.kubeconfig()), namespaces=options.namespace)
    finally:
        demo.stop()


def _live(options: argparse.Namespace, context: str | None) -> Source:
    """The live cluster of a context. Raises InputError where the kubeconfig cannot be used."""
    from console.cluster.contexts import load_context
    from console.cluster.live import LiveSource

    target = load_context(options.kubeconfig, context=context, as_user=options.as_user, as_groups=options.as_group)
    return LiveSource(target, namespaces=options.namespace)


def _simulate(options: argparse.Namespace) -> int:
    if options.batch is None and not (options.src and options.dst and options.port):
        raise UsageError(
            "simulate needs SRC, DST and --port", hint="or --batch FILE; see netpol-console simulate --help"
        )
    if options.batch is not None and (options.src or options.port):
        raise UsageError("--batch takes its questions from a file", hint="leave SRC, DST and --port out")
    _check_source(options)
    snapshot = _snapshot(options)
    from console.policy.ends import connection
    from console.policy.engine import Engine
    from console.policy.fix import fix_for, raw_policy

    engine = Engine(snapshot, modes=_modes(options))
    if options.batch is not None:
        return _batch(engine, options.batch)
    verdict = engine.evaluate(connection(options.src, options.dst, options.port, snapshot))
    fix = fix_for(engine, verdict, lambda ref: raw_policy(snapshot, ref))
    if options.output == "json":
        import msgspec

        from console.report.json import verdict_json

        print(msgspec.json.format(msgspec.json.encode(verdict_json(verdict, fix)), indent=2).decode())
    else:
        from console.report.terminal import show

        show(verdict, fix, trace=options.trace)
    return _STATUS[verdict.outcome.value]


#: Exit status of a verdict. What is blocked for some replicas is blocked.
_STATUS: Final = {"allowed": 0, "blocked": 1, "partial": 1, "unknown": 3}


def _snapshot(options: argparse.Namespace) -> Snapshot:
    """Everything the chosen source holds now; what was wrong with it goes to stderr. Raises ConsoleError."""
    if options.manifests:
        from console.cluster.manifests import read

        reading = read(options.manifests, stdin=sys.stdin.buffer)
        snapshot, diagnostics = reading.snapshot, reading.diagnostics
    else:
        from console.cluster.load import load

        if options.demo:
            with _demo(options, lively=False) as target:
                update = load(target(), timeout=LOAD_TIMEOUT)
        else:
            update = load(_live(options, options.context), timeout=LOAD_TIMEOUT)
        snapshot, diagnostics = update.snapshot, update.diagnostics
    for diagnostic in diagnostics:
        _say(str(diagnostic))
    return snapshot


def _batch(engine: Engine, path: str) -> int:
    """Answer JSON lines: 0 when every question was answered, 2 when one could not be asked, 3 when one is unknown."""
    import msgspec

    from console.policy.rows import Rows

    rows, bad, unknown = Rows(engine.snapshot), False, False
    with _opened(path) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            answer: dict[str, object] = {"id": None}
            try:
                row = msgspec.json.decode(line)
                if not isinstance(row, dict):
                    raise UsageError(
                        "the line is no JSON object", hint='write {"id", "src", "dst", "protocol", "port"}'
                    )
                answer["id"] = row.get("id")
                outcome = engine.evaluate(rows.connection(row)).outcome
                answer["outcome"] = outcome.value
                unknown = unknown or outcome.value == "unknown"
            except (UsageError, msgspec.DecodeError) as error:
                answer.update(outcome="error", error=str(error))
                _say(f"{path}:{number}: {error}")
                bad = True
            print(msgspec.json.encode(answer).decode())
    return 2 if bad else 3 if unknown else 0


@contextmanager
def _opened(path: str) -> Iterator[IO[bytes]]:
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", hint="name a file of JSON lines, or -") from None
