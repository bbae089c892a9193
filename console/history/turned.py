"""What a change did to the charter: the rules whose status it turned."""

from __future__ import annotations

from dataclasses import dataclass

from console.governance.findings import Audit, RuleResult, Status


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule of the charter whose status changed. `sentence` is the rule read aloud.

    `pairs` are the sources and destinations that offend it now and did not before, or the other way round.
    """

    rule: str
    sentence: str
    was: Status | None
    now: Status | None
    pairs: frozenset[tuple[str, str]] = frozenset()

    @property
    def broke(self) -> bool:
        """Whether the rule holds no more."""
        return self.now is Status.FAIL


def turned(before: Audit, after: Audit) -> tuple[RuleChange, ...]:
    """The rules whose status is not the same in two audits, those of the later one first."""
    were, are = ({rule.name: rule for rule in audit.rules} for audit in (before, after))
    pairs = ((were.get(name), are.get(name)) for name in dict.fromkeys((*are, *were)))
    return tuple(_change(was, now) for was, now in pairs if _status(was) is not _status(now))


def _status(rule: RuleResult | None) -> Status | None:
    return rule.status if rule is not None else None


def _change(was: RuleResult | None, now: RuleResult | None) -> RuleChange:
    """The change of a rule, of which at least one state is there."""
    held = now or was
    assert held is not None
    old, new = (
        {(each.source, each.destination) for each in (*rule.offences, *rule.unknowns)} if rule is not None else set()
        for rule in (was, now)
    )
    return RuleChange(held.name, held.sentence, _status(was), _status(now), frozenset(old ^ new))
