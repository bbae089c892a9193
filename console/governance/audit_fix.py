"""The fixes of a rule's offences, worked out where they are asked for: with what else they would open, or close."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from console.governance.charter import BaselineRule, Charter, Ground, Rule, Verb
from console.governance.findings import Offence
from console.objects.meta import ObjectRef
from console.policy.close import Close, NoClose, close_for
from console.policy.ends import connection, parse_end
from console.policy.engine import Engine
from console.policy.fix import Fix, fix_for, raw_policy, with_objects
from console.policy.opens import ref_of
from console.policy.verdict import Outcome

#: The baseline's rules that want something closed.
_CLOSING: Final = (Ground.DENY_INGRESS, Ground.DENY_EGRESS, Ground.METADATA)
#: Raw objects that lie over a snapshot.
Laid = Mapping[ObjectRef, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What mends an offence: a Close for what is forbidden, a Fix for what is asked for; or (NoClose, None) nothing."""

    offence: Offence
    found: Fix | Close | NoClose | None


def forbids(charter: Charter, name: str) -> bool:
    """Whether a rule of the charter wants closed what offends it; others want it open."""
    rules: tuple[Rule | BaselineRule, ...] = (*charter.rules, *charter.baseline)
    rule = next((each for each in rules if each.name == name), None)
    if isinstance(rule, Rule):
        return rule.verb is not Verb.MUST
    return rule is not None and rule.ground in _CLOSING


def proposals(engine: Engine, offences: tuple[Offence, ...], *, closing: bool) -> Iterator[Proposal]:
    """What mends each offence, with what mends those before it applied: all of it can be applied together."""
    laid: dict[ObjectRef, Mapping[str, Any]] = {}
    for offence in offences:
        over = Engine(with_objects(engine.snapshot, laid.values()), engine) if laid else engine
        found = close_of(over, offence, laid) if closing else fix_of(over, offence, laid)
        if isinstance(found, Close | Fix):
            laid.update((ref_of(raw), raw) for raw in found.objects)
        yield Proposal(offence, found)


def fix_of(engine: Engine, offence: Offence, laid: Laid | None = None) -> Fix | None:
    """The smallest change by which an intended path is open; None for a path that is open, or that no policy can open.

    `engine` is that of the audited snapshot, with `laid` over it. Raises UsageError and UnknownEnd where it is another.
    """
    snapshot, over = engine.snapshot, laid or {}
    verdict = engine.evaluate(connection(offence.source, offence.destination, offence.port, snapshot))
    return fix_for(engine, verdict, lambda ref: over.get(ref) or raw_policy(snapshot, ref))


def close_of(engine: Engine, offence: Offence, laid: Laid | None = None) -> Close | NoClose:
    """The smallest change by which a forbidden path is closed on every port, or why there is none.

    Of a chain its last hop is closed: others may lead there. `engine` is that of the audited
    snapshot, with `laid` over it. Raises UsageError and UnknownEnd where it is another.
    """
    snapshot, over = engine.snapshot, laid or {}
    if offence.outcome is Outcome.UNKNOWN:
        return NoClose(f"it cannot be known whether it is open: {offence.why}")
    source = offence.through[-1] if offence.through else offence.source
    ends = parse_end(source, snapshot), parse_end(offence.destination, snapshot)
    return close_for(engine, *ends, lambda ref: over.get(ref) or raw_policy(snapshot, ref))
