"""What differs between two snapshots: paths that opened, closed or moved to other ports, and who is in one only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from console.policy.causes import Cause
from console.policy.ports import PortSpan
from console.policy.reachable import Reached
from console.policy.verdict import Verdict


class Kind(Enum):
    """What became of a path. CHANGED: it is open on other ports than before."""

    OPENED = "opened"
    CHANGED = "changed"
    CLOSED = "closed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Part:
    """A workload with so many `of` its pods, or a part of the outside with so many of the addresses told apart."""

    name: str
    count: int
    of: int


@dataclass(frozen=True, slots=True)
class Change:
    """What became of the paths from each of `sources` to each of `destinations` (but from a pod to itself).

    Ports: `before` and `after` on which they are surely open, `opened` and `closed`
    those that surely differ, `unknown` those that may. `was` and `now` are the verdicts
    on one of the paths. The causes are the same for all of them, unless (not `alike`)
    there are too many to tell apart: then they are those of one. `family` is 4 or 6 where only that one differs.
    """

    kind: Kind
    sources: tuple[Part, ...]
    destinations: tuple[Part, ...]
    before: tuple[PortSpan, ...]
    after: tuple[PortSpan, ...]
    opened: tuple[PortSpan, ...]
    closed: tuple[PortSpan, ...]
    unknown: tuple[PortSpan, ...]
    causes: tuple[Cause, ...]
    alike: bool
    was: Verdict
    now: Verdict
    family: int | None = None


@dataclass(frozen=True, slots=True)
class Alone:
    """A workload that is in one snapshot only, with the parts of the outside it reaches there."""

    name: str
    pods: int
    outside: tuple[Reached, ...]


@dataclass(frozen=True, slots=True)
class Turnover:
    """Pods of a workload that is in both snapshots which are in one only."""

    name: str
    came: tuple[str, ...]
    went: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that differs. `unseen` says which pods could not be read, so that no path of theirs is here."""

    changes: tuple[Change, ...]
    added: tuple[Alone, ...]
    removed: tuple[Alone, ...]
    turnover: tuple[Turnover, ...]
    unseen: tuple[str, ...]

    def of(self, kind: Kind) -> tuple[Change, ...]:
        """The changes of a kind."""
        return tuple(change for change in self.changes if change.kind is kind)
