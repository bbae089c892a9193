"""What if an end had been taken at some moment: how far one got from it, what had widened that, and what closed it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from console.errors import UnknownEnd, UsageError
from console.governance.findings import Audit
from console.governance.groups import By, groups
from console.governance.targets import members, own_workloads, usual_targets
from console.history.cursor import Cursor
from console.history.recording import Hole, Recording
from console.history.telling import told
from console.history.timeline import TOGETHER, Entry, Step, pairs_of
from console.objects.snapshot import Snapshot
from console.policy.asking import Modes
from console.policy.ends import parse_end
from console.policy.engine import Engine
from console.policy.paths import Blast, blast
from console.policy.reachable import place, unseen

#: Seconds before a change at which the state before it is looked at.
_JUST: Final = 0.001


@dataclass(frozen=True, slots=True)
class Radius:
    """How far one gets from an end at a moment (seconds since the epoch). `own` are the workloads it belongs to.

    `unseen` says which pods could not be read.
    """

    at: float
    blast: Blast
    own: tuple[str, ...]
    snapshot: Snapshot
    unseen: tuple[str, ...] = ()

    @property
    def reached(self) -> frozenset[str]:
        """The workloads and parts of the outside it gets to."""
        return frozenset(name for stage in self.blast.stages for name in stage.edge.destinations)


@dataclass(frozen=True, slots=True)
class Story:
    """An end taken at a moment.

    `widened` are the recorded changes that opened paths which were open then, from the end
    or from what it reaches; `closed` those that closed these again later. `before` is how
    far one got before the first of them, `after` after the last; None where there is none,
    or the end was not there. `holes` are times that nobody recorded.
    """

    then: Radius
    before: Radius | None
    after: Radius | None
    widened: tuple[Entry, ...]
    closed: tuple[Entry, ...]
    holes: tuple[Hole, ...]


def story(
    recording: Recording,
    end: str,
    *,
    at: float,
    hops: int,
    audit: Callable[[Engine], Audit] | None = None,
    modes: Modes | None = None,
) -> Story:
    """The story of an end, as ``simulate`` takes it, that is taken at a moment (seconds since the epoch).

    Raises UsageError where it cannot be taken, InputError where the recording cannot be read.
    """
    then = _radius(recording, end, at, hops, modes)
    steps = list(told(recording, since=recording.begin, until=recording.end, audit=audit, modes=modes))
    entries = [entry for step in steps if isinstance(step, Step) for entry in step.entries]
    within = {*then.own, *then.reached}
    opened = _open_at(at, entries, within)
    widened = tuple(entry for entry in entries if any(entry is each for each in opened.values()))
    closed = tuple(entry for entry in entries if entry.at > at and opened.keys() & set(_pairs(entry, opens=False)))
    before = after = None
    if widened:
        before = _radius_if(recording, end, widened[0].at - _JUST, hops, modes)
    if closed:
        after = _radius_if(recording, end, min(closed[-1].at + TOGETHER, recording.end), hops, modes)
    return Story(then, before, after, widened, closed, tuple(step for step in steps if isinstance(step, Hole)))


def _open_at(at: float, entries: Sequence[Entry], within: Iterable[str]) -> dict[tuple[str, str], Entry]:
    """The paths out of some workloads that were opened until a moment and not closed again, by what opened them."""
    sources = set(within)
    found: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        if entry.at > at:
            break
        for pair in _pairs(entry, opens=True):
            if pair[0] in sources:
                found[pair] = entry
        for pair in _pairs(entry, opens=False):
            found.pop(pair, None)
    return found


def _pairs(entry: Entry, *, opens: bool) -> list[tuple[str, str]]:
    return [pair for path in entry.paths if (path.opened if opens else path.closed) for pair in pairs_of(path)]


def _radius_if(recording: Recording, end: str, at: float, hops: int, modes: Modes | None) -> Radius | None:
    try:
        return _radius(recording, end, max(at, recording.begin), hops, modes)
    except UnknownEnd:
        return None


def _radius(recording: Recording, text: str, at: float, hops: int, modes: Modes | None) -> Radius:
    cursor = Cursor(recording)
    cursor.seek(at)
    engine = Engine(cursor.moment().snapshot, modes=modes)
    end = parse_end(text, engine.snapshot)
    if end.service is not None:
        raise UsageError("a Service opens no connections", hint="name the pods or the workload behind it")
    asked = place(engine, end)
    among, rows = members(engine.snapshot), groups(asked.reach, By.WORKLOAD)
    own = own_workloads(end, asked.classes, rows, among)
    found = blast(asked, str(end), rows, own=own, targets=usual_targets(own, among), hops=hops)
    return Radius(at, found, tuple(own), engine.snapshot, unseen(engine.snapshot))
