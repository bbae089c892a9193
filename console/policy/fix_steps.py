"""The steps of a fix (a policy to add, a rule to put into one) and the policies they come to."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from console.objects.meta import ObjectRef
from console.policy.model import Direction
from console.policy.opens import Change

#: Reads the raw object behind a policy's own text.
RawOf = Callable[[ObjectRef], Mapping[str, Any] | None]


class New(msgspec.Struct, frozen=True):
    """A policy to add; all of its rules are new."""

    raw: dict[str, Any]


class Insert(msgspec.Struct, frozen=True):
    """A rule to put into a policy, before its rule of a number (None: after all)."""

    ref: ObjectRef
    direction: Direction
    rule: dict[str, Any]
    before: int | None = None


Step = New | Insert


def applied(steps: Iterable[Step], raw_of: RawOf) -> list[Change]:
    """The policies as they are after the steps; none at all where the text of one of them is not known."""
    changes = []
    inserts: dict[ObjectRef, list[Insert]] = {}
    for step in steps:
        if isinstance(step, New):
            directions = (each for each in Direction if each.value in step.raw["spec"])
            changes.append(Change(step.raw, tuple((each, 0) for each in directions)))
        else:
            inserts.setdefault(step.ref, []).append(step)
    for ref, held in inserts.items():
        raw = raw_of(ref)
        if raw is None:
            return []
        changes.append(_inserted(raw, held))
    return changes


def _inserted(raw: Mapping[str, Any], inserts: Sequence[Insert]) -> Change:
    changed, new = copy.deepcopy(dict(raw)), []
    for direction in Direction:
        own = [each for each in inserts if each.direction is direction]
        if not own:
            continue
        rules: list[Any] = []
        old = changed["spec"].get(direction.value) or []
        for number, rule in [*enumerate(old), (None, None)]:
            for each in own:
                if each.before == number:
                    new.append((direction, len(rules)))
                    rules.append(each.rule)
            if number is not None:
                rules.append(rule)
        changed["spec"][direction.value] = rules
    return Change(changed, tuple(new))
