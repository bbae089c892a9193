"""``audit --watch``: the charter held at every change, one line of JSON each, for a pod or a pipe."""

from __future__ import annotations

import argparse
import queue
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from console.commands.record import told_to_stop
from console.errors import ClusterError
from console.flags import modes
from console.wiring import say, sources

if TYPE_CHECKING:
    from console.cluster.source import Change, Update
    from console.commands.audit_metrics import Metrics
    from console.governance.audit_follow import Happened, Turn
    from console.governance.charter import Charter
    from console.governance.findings import Audit, Finding, Offence

#: Seconds between looks at whether the day is another one, which ends exceptions.
_LOOK: Final = 60.0


def watch(options: argparse.Namespace, charter: Charter) -> int:
    """Audit until told to stop. 0, or 2 and 3 where the source cannot be had at all."""
    updates: queue.SimpleQueue[Update | None] = queue.SimpleQueue()
    with ExitStack() as stack:
        make = stack.enter_context(sources(options, lively=True))
        stop = stack.enter_context(told_to_stop(lambda: updates.put(None)))
        source = make(None)
        metrics: Metrics | None = None
        if options.metrics:
            from console.commands.audit_metrics import serve

            metrics = stack.enter_context(serve(options.metrics, title=source.title))
            say(f"serving /healthz and /metrics on http://{metrics.address}")
        stack.callback(source.close)
        source.open(updates.put)
        watching = _Watching(charter, options, metrics)
        while not stop.is_set():
            try:
                update = updates.get(timeout=_LOOK)
            except queue.Empty:
                watching.again()
                continue
            if update is None:
                break
            watching.take(_newest(update, updates))
            if watching.ended:
                break
    return watching.exit_status


def _newest(update: Update, updates: queue.SimpleQueue[Update | None]) -> list[Update]:
    """All updates that wait: they are audited together, the newest snapshot with all that happened."""
    found = [update]
    while not updates.empty():
        more = updates.get()
        if more is None:
            updates.put(None)
            break
        found.append(more)
    return found


class _Watching:
    """The last audit, and what was said of the source."""

    def __init__(self, charter: Charter, options: argparse.Namespace, metrics: Metrics | None) -> None:
        from console.governance.audit_daily import DailyAuditor

        self._modes = modes(options)
        self._metrics = metrics
        self._past: float | None = None  # when what is looked at was recorded
        self._auditor = DailyAuditor(charter, today=self._today)
        self._last: Audit | None = None
        self._engine: Any = None
        self._said = ""
        self.ended = False
        self.exit_status = 0

    def _today(self) -> date:
        from console.history.times import day

        return day(time.time() if self._past is None else self._past)

    def take(self, updates: list[Update]) -> None:
        """Audit the newest of some updates, and print what turned."""
        from console.cluster.source import State

        update = updates[-1]
        state = update.status.state
        self._past = update.status.since if state is State.PAST else None
        told = f"{state.value}: {update.status.message}" if update.status.message else state.value
        if told != self._said:
            self._said = told
            say(told)
        if self._metrics is not None:
            self._metrics.source(state is State.LIVE or state is State.STATIC)
        if state is State.FAILED and self._last is None:
            raise ClusterError(update.status.message, hint=update.status.hint)
        if state in (State.CONNECTING, State.LOADING, State.FAILED):
            return
        changes = [change for each in updates for change in each.changes]
        if self._last is None or changes or update.snapshot is not self._engine.snapshot:
            self._audit(update, changes)
        if state in (State.STATIC, State.PAST):
            self.ended = True  # nothing will change

    def again(self) -> None:
        """Audit the same snapshot once more where the day has changed: exceptions end with their last day."""
        if self._auditor.outdated and self._engine is not None:
            self._judge([])

    def _audit(self, update: Update, changes: list[Change]) -> None:
        from console.policy.engine import Engine

        self._engine = Engine(update.snapshot, self._engine, modes=self._modes)
        self._judge(changes)

    def _judge(self, changes: list[Change]) -> None:
        from console.governance.audit_follow import Happened, follow
        from console.history.times import utc
        from console.report.clean import json_line
        from console.report.words import change_words

        began = time.perf_counter()
        at = utc(time.time())
        happened = [Happened(change.ref, change_words(change)) for change in changes]
        before = self._last
        found = self._auditor.audit(self._engine)
        found, turns = follow(before, found, at=at, happened=happened, inventory=self._auditor.inventory)
        self._last = found
        if self._metrics is not None:
            self._metrics.audited(found, time.perf_counter() - began)
        gone, come = _findings(before, found)
        if before is None or turns or gone or come or before.coverage != found.coverage:
            print(json_line(_line(found, at, turns, come, gone, happened)), flush=True)


def _findings(before: Audit | None, now: Audit) -> tuple[list[Finding], list[Finding]]:
    """The findings that are gone, and those that are new."""
    was = {(each.code, each.object): each for each in (before.findings if before else ())}
    here = {(each.code, each.object): each for each in now.findings}
    return (
        [each for key, each in was.items() if key not in here],
        [each for key, each in here.items() if key not in was],
    )


def _line(
    found: Audit,
    at: str,
    turns: tuple[Turn, ...],
    come: list[Finding],
    gone: list[Finding],
    happened: list[Happened],
) -> dict[str, Any]:
    from console.governance.findings import Status

    return {
        "at": at,
        "charter": found.charter,
        "rules": [{"name": rule.name, "status": rule.status.value} for rule in found.rules],
        "counts": {status.value: found.count(status) for status in Status},
        "turned": list(_turned(turns)),
        "findings": [
            {"code": each.code, "severity": each.severity.value, "object": str(each.object)} for each in found.findings
        ],
        "found": [{"code": each.code, "object": str(each.object)} for each in come],
        "mended": [{"code": each.code, "object": str(each.object)} for each in gone],
        "changes": [each.text for each in happened],
        "coverage": list(found.coverage),
    }


def _turned(turns: tuple[Turn, ...]) -> Iterator[dict[str, Any]]:
    for turn in turns:
        yield {
            "name": turn.rule.name,
            "status": turn.rule.status.value,
            "was": turn.was.value if turn.was else None,
            "why": turn.rule.why,
            "opened": [_offence(each) for each in turn.opened],
            "closed": [_offence(each) for each in turn.closed],
        }


def _offence(offence: Offence) -> dict[str, Any]:
    return {
        "source": offence.source,
        "destination": offence.destination,
        "port": offence.port,
        "ports": offence.ports,
        "outcome": offence.outcome.value,
        "why": offence.why,
        "policies": [str(ref) for ref in offence.policies],
        "because": offence.because,
    }
