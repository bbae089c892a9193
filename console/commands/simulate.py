"""``simulate``: may SRC open a connection to DST, and why."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final

from console.errors import InputError, UsageError
from console.wiring import engine as engine_of
from console.wiring import print_json, say

if TYPE_CHECKING:
    from console.policy.engine import Engine

HELP: Final = "may SRC open a connection to DST, and which policies decide"
#: Exit status of a verdict. What is blocked for some replicas is blocked.
_STATUS: Final = {"allowed": 0, "blocked": 1, "partial": 1, "unknown": 3}


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("src", nargs="?", metavar="SRC")
    parser.add_argument("dst", nargs="?", metavar="DST")
    parser.add_argument(
        "--port",
        metavar="PORT",
        help="443, 443/TCP, 53/UDP, or a port name of the destination; svc:NAMESPACE/NAME:PORT does as well; "
        "without it, every port",
    )
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    parser.add_argument("--trace", action="store_true", help="every clause of every rule, not only those that decide")
    parser.add_argument("--batch", metavar="FILE", help="answer JSON lines (- for stdin), one {id, outcome} a line")


def run(options: argparse.Namespace) -> int:
    """Answer one question, every port, or a batch (see `_batch`): 0 allowed, 1 blocked or partial, 3 unknown."""
    if options.batch is None and not (options.src and options.dst):
        raise UsageError("simulate needs SRC and DST", hint="or --batch FILE; see netpol-console simulate --help")
    if options.batch is not None and (options.src or options.port):
        raise UsageError("--batch takes its questions from a file", hint="leave SRC, DST and --port out")
    engine = engine_of(options)
    if options.batch is not None:
        return _batch(engine, options.batch)
    from console.policy.ends import split_port

    any_port = options.port is None and not split_port(options.dst)[1]
    return _any_port(engine, options) if any_port else _one(engine, options)


def _one(engine: Engine, options: argparse.Namespace) -> int:
    from console.policy.ends import connection
    from console.policy.fix import fix_for, raw_policy

    verdict = engine.evaluate(connection(options.src, options.dst, options.port or "", engine.snapshot))
    fix = fix_for(engine, verdict, lambda ref: raw_policy(engine.snapshot, ref))
    if options.output == "json":
        from console.report.json import verdict_json

        print_json(verdict_json(verdict, fix))
    else:
        from console.report.terminal import show

        show(verdict, fix, trace=options.trace)
    return _STATUS[verdict.outcome.value]


def _any_port(engine: Engine, options: argparse.Namespace) -> int:
    from console.policy.ends import parse_end
    from console.policy.ports import any_port

    ends = (parse_end(options.src, engine.snapshot), parse_end(options.dst, engine.snapshot))
    verdict = any_port(engine, *ends)
    if options.output == "json":
        from console.report.json import ports_json

        print_json(ports_json(verdict))
    else:
        from console.report.terminal import show_ports

        show_ports(verdict)
    return _STATUS[verdict.outcome.value]


def _batch(engine: Engine, path: str) -> int:
    """Answer JSON lines: 0 when every question was answered, 2 when one could not be asked, 3 when one is unknown."""
    import msgspec

    from console.objects.shapes import NO_JSON
    from console.policy.rows import Rows
    from console.report.clean import json_line

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
                outcome = engine.outcome(rows.connection(row))
                answer["outcome"] = outcome.value
                unknown = unknown or outcome.value == "unknown"
            except (UsageError, *NO_JSON) as error:
                answer.update(outcome="error", error=str(error))
                say(f"{path}:{number}: {error}")
                bad = True
            print(json_line(answer))
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
