"""``audit``: hold the cluster to its charter, once or at every change."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Final

from console import __version__
from console.errors import UsageError
from console.report.forms import AUDIT
from console.wiring import charter_of, engine_and_moment, title

if TYPE_CHECKING:
    from console.governance.charter import Charter
    from console.governance.findings import Audit, Severity
    from console.policy.engine import Engine

HELP: Final = "hold the cluster to its charter: which rules hold, which do not, which cannot be known, with proof"
_SEVERITIES: Final = ("critical", "high", "medium", "low", "info")
#: Offences for which a fix is worked out: everything is judged anew for each.
_MOST: Final = 25
_CONDITIONS: Final = ("fail", "unknown", *(f"finding:{each}" for each in _SEVERITIES))


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--charter", metavar="FILE", help="the charter (default: the one inside; - for stdin)")
    parser.add_argument("-o", "--output", choices=tuple(AUDIT), default="text")
    parser.add_argument(
        "--fail-on",
        action="append",
        metavar="WHAT",
        help="what makes the exit status not 0: fail, unknown, finding:SEVERITY or worse; may be given again"
        " (default: fail, unknown, finding:low)",
    )
    parser.add_argument(
        "--fix", metavar="RULE", help="what mends each pair that offends a rule, as YAML to apply or lay over (or json)"
    )
    parser.add_argument("--watch", action="store_true", help="go on: one line of JSON for each change of the audit")
    parser.add_argument(
        "--metrics", metavar="[HOST:]PORT", help="with --watch: /healthz and Prometheus /metrics (default: on loopback)"
    )


def run(options: argparse.Namespace) -> int:
    """0 clean, 1 rules that fail or findings, 3 what cannot be known or was not read."""
    conditions = _conditions(options.fail_on)
    if options.metrics and not options.watch:
        raise UsageError("--metrics is for --watch", hint="add --watch")
    if options.fix and (options.watch or options.output not in ("text", "json")):
        raise UsageError("--fix is told once, as text or json", hint="leave --watch out, and write -o text or -o json")
    charter = charter_of(options.charter)
    if options.watch:
        from console.commands.audit_watch import watch

        return watch(options, charter)
    held, at = engine_and_moment(options)
    from console.governance.audit import audit
    from console.history.times import day, utc

    now = time.time()
    # What was in force then is asked of a recording, not what has run out since.
    found = audit(held, charter, today=day(now if at is None else at))
    if options.fix:
        return _mend(held, found, charter, options.fix, options.output)
    from console.report.audit_file import written
    from console.report.audit_words import Made

    made = Made(__version__, utc(now), title(options))
    print(written(options.output, found, made=made, engine=held, fail_on=_least(conditions)), end="")
    return _status(found, conditions)


def _mend(held: Engine, found: Audit, charter: Charter, name: str, output: str) -> int:
    """Tell what mends a rule: 1 where something offends it, 3 where that cannot be known, else 0."""
    from console.governance.audit_fix import forbids, proposals
    from console.report import audit_fix

    rule = next((each for each in found.rules if each.name == name), None)
    if rule is None:
        known = ", ".join(each.name for each in found.rules)
        raise UsageError(f"the charter has no rule {name!r}", hint=f"it has: {known}")
    mended = list(proposals(held, rule.offences[:_MOST], closing=forbids(charter, name)))
    render = audit_fix.json if output == "json" else audit_fix.text
    print(render(rule, mended, max(len(rule.offences) - _MOST, 0)).rstrip("\n"))
    return 1 if rule.offences else 3 if rule.unknowns else 0


def _least(conditions: frozenset[str]) -> Severity | None:
    """The least severe finding that is a failure; None where no finding is."""
    from console.governance.findings import Severity

    return next((each for each in reversed(Severity) if f"finding:{each.value}" in conditions), None)


def _status(found: Audit, conditions: frozenset[str]) -> int:
    """The exit status: 1 for what was shown, 3 for what cannot be known, 0 where neither is asked for or there."""
    from console.governance.findings import Severity, Status

    order, least = list(Severity), _least(conditions)
    failing = () if least is None else order[: order.index(least) + 1]
    if ("fail" in conditions and found.count(Status.FAIL)) or any(each.severity in failing for each in found.findings):
        return 1
    return 3 if "unknown" in conditions and (found.count(Status.UNKNOWN) or found.coverage) else 0


def _conditions(written: list[str] | None) -> frozenset[str]:
    said = [part.strip() for text in written or ["fail,unknown,finding:low"] for part in text.split(",")]
    for each in said:
        if each not in _CONDITIONS:
            raise UsageError(f"--fail-on {each!r} is no condition", hint=f"write {', '.join(_CONDITIONS)}")
    return frozenset(said)
