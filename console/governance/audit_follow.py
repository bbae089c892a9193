"""One audit after another: since when each offence stands, and what happened that made it one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from console.governance.findings import Audit, Offence, RuleResult, Status
from console.governance.inventory import Inventory
from console.objects.meta import ObjectRef


class Happened(NamedTuple):
    """A change of an object, in words."""

    ref: ObjectRef
    text: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A rule whose status or offences changed. `opened` are new offences, `closed` those that are gone."""

    rule: RuleResult
    was: Status | None
    opened: tuple[Offence, ...]
    closed: tuple[Offence, ...]


_Key = tuple[str, str, tuple[str, ...]]


def _key(offence: Offence) -> _Key:
    return offence.source, offence.destination, offence.through


def follow(
    before: Audit | None, now: Audit, *, at: str, happened: Sequence[Happened], inventory: Inventory
) -> tuple[Audit, tuple[Turn, ...]]:
    """The audit with `since` and `because` in its offences, and what turned since the one before.

    `at` is RFC 3339. Offences that stood before keep what was known of them; of those in
    the first audit nothing is known, and nothing is said.
    """
    known = {rule.name: rule for rule in before.rules} if before is not None else {}
    rules: list[RuleResult] = []
    turns: list[Turn] = []
    owners = _Owners(inventory)
    for rule in now.rules:
        old = known.get(rule.name)
        stood = {_key(each): each for each in old.offences} if old is not None else {}
        if before is not None:
            told = tuple(_told(each, stood.get(_key(each)), at, happened, owners) for each in rule.offences)
            rule = rule if told == rule.offences else replace(rule, offences=told)
        rules.append(rule)
        here = {_key(each) for each in rule.offences}
        opened = tuple(each for each in rule.offences if _key(each) not in stood)
        closed = tuple(each for key, each in stood.items() if key not in here)
        if before is None or old is None or old.status is not rule.status or opened or closed:
            turns.append(Turn(rule, old.status if old else None, opened, closed))
    return replace(now, rules=tuple(rules)), tuple(turns)


def _told(offence: Offence, stood: Offence | None, at: str, happened: Sequence[Happened], owners: _Owners) -> Offence:
    if stood is not None:
        return replace(offence, since=stood.since, because=stood.because)
    return replace(offence, since=at, because=_because(offence, happened, owners))


def _because(offence: Offence, happened: Sequence[Happened], owners: _Owners) -> str:
    """The change that most likely did it: to an end, to a policy that decides, else the only one there was."""
    ends = {offence.source, offence.destination}
    near = [each for each in happened if owners.of(each.ref) in ends or each.ref in offence.policies]
    near = near or [each for each in happened if each.ref.kind == "Namespace" and _lives_in(ends, each.ref.name)]
    near = near or [each for each in happened if each.ref.namespace and _lives_in(ends, each.ref.namespace)]
    near = near or list(happened if len(happened) == 1 else ())
    if not near:
        return ""
    more = f", and {len(near) - 1} more" if len(near) > 1 else ""
    return f"{near[0].text}{more}"


def _lives_in(ends: set[str], namespace: str) -> bool:
    return any(end.startswith(f"{namespace}/") for end in ends)


class _Owners:
    """The workloads of pods, looked up only where something turned."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._by_pod: Mapping[ObjectRef, str] | None = None

    def of(self, ref: ObjectRef) -> str:
        """What offences call the workload of a pod; ``""`` for other objects."""
        if ref.kind != "Pod":
            return ""
        if self._by_pod is None:
            self._by_pod = {
                pod.ref: name for name, entry in self._inventory.entries.items() for pod in entry.workload.pods
            }
        return self._by_pod.get(ref, "")
