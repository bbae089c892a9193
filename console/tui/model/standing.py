"""How the cluster stands to its charter at one moment, and what last changed that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from console.governance.audit_follow import Turn
from console.governance.findings import Audit, RuleResult, Status
from console.governance.inventory import Entry
from console.policy.engine import Engine


@dataclass(frozen=True, slots=True)
class Turned:
    """A rule that turned: when, in time.time() seconds."""

    turn: Turn
    at: float

    @property
    def broke(self) -> bool:
        """Whether it fails now and did not before."""
        return self.turn.rule.status is Status.FAIL and self.turn.was not in (None, Status.FAIL)

    @property
    def mended(self) -> bool:
        """Whether it fails no more."""
        return self.turn.was is Status.FAIL and self.turn.rule.status is not Status.FAIL

    @property
    def because(self) -> str:
        """The change that did it, in words; ``""`` where nothing the source reported explains it."""
        return next((each.because for each in self.turn.opened if each.because), "")


@dataclass(frozen=True, eq=False)
class Standing:
    """One audit and the engine it was made of; None before the first.

    `charter_file` and `charter_text` are those of the charter it was held to.
    `news` turned with this audit; `turned` has the last turn of each rule since the
    source was opened, the first audit's left out. `trouble` says what failed in here.
    """

    audit: Audit | None = None
    engine: Engine | None = None
    entries: Sequence[Entry] = ()
    news: tuple[Turned, ...] = ()
    turned: Mapping[str, Turned] = field(default_factory=dict)
    trouble: str = ""
    charter_file: str = ""
    charter_text: str = ""

    def rule(self, name: str) -> RuleResult | None:
        """A rule by name."""
        return next((each for each in self.audit.rules if each.name == name), None) if self.audit else None
