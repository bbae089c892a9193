"""Audits that go on for days: exceptions end with their last day, whether or not anything happens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from console.governance.audit import Auditor
from console.governance.charter import Charter
from console.governance.findings import Audit
from console.governance.inventory import Inventory
from console.policy.engine import Engine


class DailyAuditor:
    """Audits one snapshot after another by one charter, each on the day that `today` gives: nothing here reads a clock.

    What did not change is not worked out again, but on the first audit of a day.
    """

    def __init__(self, charter: Charter, *, today: Callable[[], date]) -> None:
        self._charter = charter
        self._today = today
        self._day = today()
        self._auditor = Auditor(charter, today=self._day)

    @property
    def inventory(self) -> Inventory:
        """The workloads of the last audit. Raises ValueError before the first one."""
        return self._auditor.inventory

    @property
    def outdated(self) -> bool:
        """Whether another day has come since the last audit, on which exceptions may have ended."""
        return self._today() != self._day

    def audit(self, engine: Engine) -> Audit:
        """Judge the engine's snapshot."""
        if self.outdated:
            self._day = self._today()
            self._auditor = Auditor(self._charter, today=self._day)
        return self._auditor.audit(engine)
