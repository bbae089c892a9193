"""Audits of small clusters and of the demo at a moment, for the tests of the charter."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from console.demo.cluster import DemoCluster
from console.governance.audit import audit
from console.governance.charter import Charter
from console.governance.charter_default import default_charter
from console.governance.charter_read import load
from console.governance.findings import Audit, Offence, RuleResult
from console.objects.coverage import Gap
from console.objects.snapshot import Snapshot
from console.policy.ends import connection
from console.policy.engine import Engine
from console.policy.verdict import Outcome
from tests.clusters import snapshot
from tests.demo.snapshots import snapshot_of

TODAY = date(2026, 11, 23)
NOON = 1_750_248_000.0


@lru_cache(maxsize=4)
def demo(at: float) -> Snapshot:
    """The demo at a moment, as its API server would serve it."""
    return snapshot_of(DemoCluster(at=at, now=NOON).store)


def audited(cluster: Snapshot | str, charter: str | Charter | None = None, *gaps: Gap, today: date = TODAY) -> Audit:
    """An audit by a charter's text; by the one that ships inside where none is given."""
    held = snapshot(cluster, *gaps) if isinstance(cluster, str) else cluster
    rules = load(charter) if isinstance(charter, str) else charter or default_charter()
    return audit(Engine(held), rules, today=today)


def rule(found: Audit, name: str) -> RuleResult:
    """The result of a rule."""
    return next(each for each in found.rules if each.name == name)


def pairs(result: RuleResult) -> set[tuple[str, str]]:
    """The ends of a rule's offences."""
    return {(each.source, each.destination) for each in result.offences}


def asked(cluster: Snapshot, offence: Offence) -> Outcome:
    """What the engine says of an offence's question."""
    question = connection(offence.source, offence.destination, offence.port, cluster)
    return Engine(cluster).evaluate(question).outcome
