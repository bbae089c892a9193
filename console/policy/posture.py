"""How pods stand in each direction, whatever the peer: open, isolated with rules, or closed."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import msgspec

from console.objects.meta import ObjectRef
from console.policy.model import Direction


class Stance(Enum):
    """OPEN: no policy isolates. RULES: isolated, rules let something through. CLOSED: isolated, no rule at all.

    MIXED: replicas differ. UNKNOWN: a policy that could not be read or is not evaluated may decide.
    """

    OPEN = "open"
    RULES = "rules"
    CLOSED = "closed"
    MIXED = "mixed"
    UNKNOWN = "unknown"


class Side(msgspec.Struct, frozen=True):
    """One direction: the stance, and the policies that isolate any of the pods there."""

    stance: Stance
    policies: tuple[ObjectRef, ...] = ()


class Posture(msgspec.Struct, frozen=True):
    """Both directions."""

    ingress: Side
    egress: Side

    def side(self, direction: Direction) -> Side:
        """The side of a direction."""
        return self.ingress if direction is Direction.INGRESS else self.egress


def combine(sides: Iterable[Side]) -> Side:
    """The common side of several pods; no pods at all is OPEN."""
    stances: set[Stance] = set()
    refs: dict[ObjectRef, None] = {}
    for side in sides:
        stances.add(side.stance)
        refs.update(dict.fromkeys(side.policies))
    if not stances:
        return Side(Stance.OPEN)
    if Stance.UNKNOWN in stances:
        return Side(Stance.UNKNOWN, tuple(refs))
    return Side(stances.pop() if len(stances) == 1 else Stance.MIXED, tuple(refs))
