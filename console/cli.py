"""Every command: its parser, its exit status, and what becomes of an error.

Exit status: 0 allowed or clean, 1 blocked (wholly or for some replicas) or findings,
2 usage or bad input, 3 unknown or incomplete. stdout is the answer, stderr the talk.
No traceback reaches a user.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final

from console import __version__
from console.commands import record
from console.errors import ConsoleError, UsageError
from console.flags import Parser, modes, source_flags
from console.wiring import charter_of, charter_text, contexts, say, sources, title

#: Each is a module of console.commands, imported when it is asked for.
_COMMANDS: Final = (
    "simulate",
    "explain",
    "matrix",
    "reach",
    "diff",
    "record",
    "timeline",
    "story",
    "audit",
    "inventory",
    "charter",
    "evidence",
)
_EPILOG: Final = """\
ends:    NAMESPACE/POD, NAMESPACE/KIND/NAME (deploy, sts, ds, job, pytorchjob, …),
         svc:NAMESPACE/NAME, namespace:NAME, node:NAME, ip:ADDRESS, cidr:NETWORK,
         internet, apiserver, metadata (169.254.169.254)
exit:    0 allowed or clean, 1 blocked or findings, 2 usage or bad input, 3 unknown or incomplete
"""


def _console_parser() -> argparse.ArgumentParser:
    listed = "".join(f"  {name:<10} {importlib.import_module(f'console.commands.{name}').HELP}\n" for name in _COMMANDS)
    parser = Parser(
        prog="netpol-console",
        description="See, question and prove the network boundaries of AI platforms on Kubernetes. Only ever reads.",
        epilog=f"commands:\n{listed}\nWith no command the console opens. See netpol-console COMMAND --help.\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[source_flags()],
    )
    session = parser.add_argument_group("recording")
    session.add_argument("--record", metavar="FILE", help="record this session, to be looked at with --recording FILE")
    record.add_bounds(session)
    session.add_argument(
        "--speed", type=float, metavar="TIMES", help="with --recording: play it, at so many times its speed"
    )
    parser.add_argument("--charter", metavar="FILE", help="what the cluster is held to (default: the one inside)")
    parser.add_argument("--version", action="version", version=f"netpol-console {__version__}")
    return parser


def _run(name: str, arguments: Sequence[str]) -> int:
    command = importlib.import_module(f"console.commands.{name}")
    parser = Parser(
        prog=f"netpol-console {name}",
        description=command.HELP,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[source_flags()],
    )
    command.add(parser)
    status: int = command.run(parser.parse_args(arguments))
    return status


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by whoever started it
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  (for as long as we run)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a glyph must not end a run under LANG=C
    try:
        if arguments and arguments[0] in _COMMANDS:
            status = _run(arguments[0], arguments[1:])
            sys.stdout.flush()  # here, where it can be told that nobody takes it
            return status
        if arguments and not arguments[0].startswith("-"):
            raise _unknown_command(arguments[0])
        return _open_console(_console_parser().parse_args(arguments))
    except ConsoleError as error:
        say(f"netpol-console: {error}")
        return error.exit_status
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    except BrokenPipeError:
        # The reader went away (head, less): leave quietly, and keep the interpreter from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
            return _defect(error)
        say(f"netpol-console: the answer cannot be written: {error.strerror}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except Exception as error:
        return _defect(error)


def _defect(error: Exception) -> int:
    """A defect of ours, told as one; whoever mends it asks for the traceback."""
    if os.environ.get("NETPOL_CONSOLE_DEBUG"):
        raise error
    say(f"netpol-console failed: {type(error).__name__}: {error}")
    say("  this is a defect of the console; NETPOL_CONSOLE_DEBUG=1 shows where")
    return 70


def _unknown_command(name: str) -> UsageError:
    from difflib import get_close_matches

    close = get_close_matches(name, _COMMANDS, n=1)
    hint = f"did you mean {close[0]}?" if close else f"commands: {', '.join(_COMMANDS)}; with none the console opens"
    return UsageError(f"there is no command {name!r}", hint=hint)


def _open_console(options: argparse.Namespace) -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the console needs a terminal", hint="in a pipe use netpol-console simulate SRC DST --port N")
    if os.environ.get("TERM") == "dumb":
        raise UsageError(
            "the console needs a terminal that can place its cursor, and this one says TERM=dumb",
            hint="netpol-console simulate SRC DST --port N prints plain text anywhere",
        )
    from console.settings import load_settings

    settings = load_settings()
    if options.charter is not None:
        charter_of(options.charter)  # what is wrong with it is told before the screen is taken
    with sources(options, lively=True) as make:
        source = record.session(options, make)
        called = title(options)  # a kubeconfig that cannot be used is told before the screen is taken
        from console.tui.app import run

        return run(
            lambda: source(None),
            title=called,
            settings=settings,
            modes=modes(options),
            charter=lambda: charter_text(options.charter),
            contexts=contexts(options),
            open_context=source,
            reopen=lambda: source(None),
        )
