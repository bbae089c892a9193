"""``charter``: write one for the cluster at hand, check one, try it on its examples."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from console.errors import InputError, UsageError
from console.report.put import put
from console.wiring import charter_text, engine, print_json, say, title

if TYPE_CHECKING:
    from console.governance.charter import Charter
    from console.governance.charter_problems import CharterProblem

HELP: Final = "init: write one for this cluster; check, test: hold one to itself; schema: what may be written"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("action", choices=("init", "check", "test", "schema"))
    parser.add_argument("file", nargs="?", metavar="FILE", help="the charter (default: the one inside; - for stdin)")
    parser.add_argument("--force", action="store_true", help="with init: write over a file that is there")


def run(options: argparse.Namespace) -> int:
    """0 as written, 1 problems or examples that are not, 2 where it cannot be read, 3 written from a part only."""
    actions = {"init": _init, "check": _check, "test": _test, "schema": _schema}
    return actions[options.action](options)


def _schema(options: argparse.Namespace) -> int:
    if options.file:
        raise UsageError("charter schema takes no file", hint="it prints the JSON schema of every charter")
    from console.governance.charter_model import schema

    print_json(schema())
    return 0


def _init(options: argparse.Namespace) -> int:
    target = Path(options.file) if options.file and options.file != "-" else None
    if target is not None and target.exists() and not options.force:
        raise UsageError(f"{target} is there already", hint="name another file, or add --force")
    held = engine(options)
    from console.governance.audit import Auditor
    from console.governance.charter_default import default_charter
    from console.governance.charter_init import charter_for

    today = _today()
    auditor = Auditor(default_charter(), today=today)
    found = auditor.audit(held)
    text = charter_for(auditor.scene, auditor.inventory.entries, found, title=title(options), today=today)
    if target is None:
        print(text, end="")
        return 3 if found.coverage else 0
    try:
        put(target, text.encode("utf-8"), over=True)
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror}") from error
    say(f"written to {target}; hold the cluster to it with netpol-console audit --charter {target}")
    return 3 if found.coverage else 0


def _check(options: argparse.Namespace) -> int:
    from console.governance.charter_check import expired
    from console.governance.charter_read import read
    from console.report.charter import charter_lines, problem_lines

    text, file = charter_text(options.file)
    reading = read(text, file=file)
    problems = list(reading.problems)
    if reading.charter is not None:
        problems += expired(reading.charter, _today().toordinal())
        if _names_a_cluster(options):
            problems += _in_cluster(reading.charter, options)
    for line in problem_lines(problems):
        print(line)
    if reading.charter is None:
        return 2
    if not problems:
        print("\n".join(charter_lines(reading.charter)))
    return 1 if problems else 0


def _in_cluster(charter: Charter, options: argparse.Namespace) -> list[CharterProblem]:
    """What of a charter does not fit the cluster: rules about nothing, domains that overlap."""
    from console.governance.audit import audit
    from console.governance.charter_problems import CharterProblem as Problem

    found = audit(engine(options), charter, today=_today())
    told = ("RULE_MATCHES_NOTHING", "CHARTER_DOMAINS_OVERLAP")
    return [
        Problem(f"{each.object}: {each.title}", each.remedy, each.place.file, each.place.line, 1, error=False)
        for each in found.findings
        if each.code in told and each.place is not None
    ]


def _names_a_cluster(options: argparse.Namespace) -> bool:
    flags = ("demo", "manifests", "recording", "context", "kubeconfig")
    return any(getattr(options, flag) for flag in flags)


def _test(options: argparse.Namespace) -> int:
    from console.governance.charter_examples import try_examples
    from console.governance.charter_read import load
    from console.report.charter import tried_lines

    text, file = charter_text(options.file)
    charter = load(text, file=file)
    if not charter.examples:
        raise UsageError(f"{file} has no examples", hint="write examples: a list of open (or blocked) and breaks")
    tried = list(try_examples(charter))
    print("\n".join(tried_lines(tried)))
    return 0 if all(each.as_written for each in tried) else 1


def _today() -> date:
    return datetime.now(UTC).date()
