"""Who reaches whom, for every pair of pods and the outside, over any port or one.

Nothing here is quadratic in pods: answers are rows over classes (see `universe`), made
when asked for. `sure` rows assume the worst of what is not known, `maybe` rows the best;
where they differ the answer is unknown.

Pods of a cluster with two address families are judged over each that both ends hold, as
single connections are: one reaches the other if it does over any, and where the families
differ the outcome is PARTIAL. Ends that share no family are no pair.

A pod's own node is let through to it whatever policies say; that, and a pod reaching
itself, is left out here.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass

from console.objects.core import Pod
from console.policy.bitsets import apart as apart
from console.policy.bitsets import bits as bits
from console.policy.changes import changes
from console.policy.engine import Engine
from console.policy.following import follow
from console.policy.hooks import Hooks
from console.policy.model import Network, Policy, Protocol
from console.policy.parts import Parts, make
from console.policy.ports import PortSpan
from console.policy.sides import Side
from console.policy.succession import TooWide
from console.policy.universe import Outside, PodClass
from console.policy.verdict import Outcome


@dataclass(frozen=True, slots=True)
class Work:
    """What was made anew: the profiles of how many classes, and the rows of how many that may differ.

    `whole` says why everything was; empty where a change was followed, and then `touched` are the
    classes whose profiles were made anew.
    """

    profiles: int
    rows: int
    whole: str = ""
    touched: int = 0


class Reachability:
    """All pairs of one snapshot, in every address family that pods hold, or in one.

    In one `family` every pod is judged as if it had an address of it, also one that has none.
    """

    def __init__(self, engine: Engine, *, family: int | None = None, networks: Iterable[Network] = ()) -> None:
        """`networks` are further ones to tell addresses apart by (see Universe)."""
        self._networks = tuple(networks)
        self._asked_family = family
        self._anew(engine, "the first")

    def after(self, engine: Engine) -> Reachability:
        """All pairs of a later snapshot. Only what the change touches is made anew; `work` says what that was."""
        found = copy(self)
        try:
            followed = follow(self._parts, self._hooks, engine, changes(self.engine, engine))
        except TooWide as wide:
            found._anew(engine, str(wide))
            return found
        found._take(
            followed.parts, Work(followed.profiled.bit_count(), followed.rows.bit_count(), touched=followed.profiled)
        )
        found._hooks = followed.hooks
        found.remade = followed.rows & found.universe.all
        for (asked, maybe, every), rows in self._rows.items():
            # Rows of single ports may differ where those of any port do not; classes that share
            # no family, with which a new one may be, are in the rows over every family.
            if asked != self.atoms.all or (every and followed.columns):
                continue
            kept = found._rows[asked, maybe, every] = dict(rows)
            for number in bits(followed.rows):
                kept.pop(number, None)
            for number, column in followed.columns:
                for source in bits(column[maybe]):
                    if source in kept:
                        kept[source] |= 1 << number
        return found

    def _anew(self, engine: Engine, why: str) -> None:
        parts = make(engine, family=self._asked_family, networks=self._networks)
        everybody = parts.universe.all.bit_count()
        self._take(parts, Work(everybody, everybody, why))

    def _take(self, parts: Parts, work: Work) -> None:
        self.work = work
        #: The classes whose rows are not those of before, new destinations aside.
        self.remade = parts.universe.all
        self._hooks: Hooks | None = None
        self._parts = parts
        self.engine = parts.engine
        self.universe = parts.universe
        self.atoms = parts.atoms
        self.families = parts.universe.families
        #: The one family that was asked for, or else the first.
        self.family = self.families[0]
        #: Rows by ports and assumption, whether over any family or over every one, then by source.
        self._rows: dict[tuple[int, bool, bool], dict[int, int]] = {}

    # -- what a class is

    def class_of(self, pod: Pod) -> int:
        """The class of a pod that has not finished."""
        return self.universe.placed[pod.namespace][pod.name]

    def selecting(self, number: int) -> tuple[Policy, ...]:
        """The policies that select a class, or may."""
        return tuple(policy for policy, _ in self._parts.selecting[number])

    def outside(self, kind: str) -> int:
        """The set of classes of a part of the outside: internet, private or metadata."""
        first = len(self.universe.pods)
        found = 0
        for number, part in enumerate(self.universe.outside, first):
            if part.kind == kind:
                found |= 1 << number
        return found

    def member(self, number: int) -> PodClass | Outside:
        """What a class stands for."""
        pods = len(self.universe.pods)
        return self.universe.pods[number] if number < pods else self.universe.outside[number - pods]

    # -- the answers

    def port(self, protocol: Protocol, port: int) -> int:
        """One port as a set, to ask rows for."""
        return self.atoms.holding(protocol, port)

    def row(self, source: int, ports: int | None = None, *, maybe: bool = False) -> int:
        """The classes a class reaches on any of `ports` (None: any port), surely or (`maybe`) possibly."""
        return self._row(source, ports, maybe=maybe, every=False)

    def every(self, source: int, ports: int | None = None, *, maybe: bool = False) -> int:
        """The classes it reaches over every address family that both ends hold, and those it shares none with."""
        return self._row(source, ports, maybe=maybe, every=True)

    def _row(self, source: int, ports: int | None, *, maybe: bool, every: bool) -> int:
        asked = self.atoms.all if ports is None else ports
        every = every and len(self.families) > 1
        key = asked, maybe and self._parts.in_doubt, every
        rows = self._rows.get(key)
        if rows is None:
            rows = self._rows[key] = {}
        found = rows.get(source)
        if found is None:
            found = rows[source] = self._made(source, *key)
        return found & self.universe.all

    def _made(self, source: int, asked: int, maybe: bool, every: bool) -> int:
        holding = self.universe.holding
        if every:
            found = self.universe.all
            for family, side in self._sides(maybe):
                if holding[family] >> source & 1:
                    found &= side.row(source, asked) | ~holding[family]
            return found
        found = 0
        for family, side in self._sides(maybe):
            if holding[family] >> source & 1:
                found |= side.row(source, asked) & holding[family]
        return found

    def _sides(self, maybe: bool) -> list[tuple[int, Side]]:
        best = maybe and self._parts.in_doubt
        return [(family, self._parts.sides[family, best]) for family in self.families]

    def reached(self, source: int, ports: int | None = None, *, maybe: bool = False) -> dict[int, int]:
        """What a class reaches on any of `ports` (None: any port), by the ports: no class is in two of the sets."""
        asked = self.atoms.all if ports is None else ports
        found: dict[int, int] = {}
        for family, side in self._sides(maybe):
            holding = self.universe.holding[family]
            for on, classes in side.reached(source, asked).items() if holding >> source & 1 else ():
                found[on] = found.get(on, 0) | (classes & holding)
        return apart(found)

    def column(self, destination: int, ports: int | None = None, *, maybe: bool = False) -> int:
        """The classes that reach a class."""
        asked = self.atoms.all if ports is None else ports
        found = 0
        for family, side in self._sides(maybe):
            holding = self.universe.holding[family]
            if holding >> destination & 1:
                found |= side.column(destination, asked, holding)
        return found

    def ports(self, source: int, destination: int, *, maybe: bool = False) -> int:
        """The ports on which a class reaches another."""
        found = 0
        for family, side in self._sides(maybe):
            holding = self.universe.holding[family]
            if holding >> source & holding >> destination & 1:
                found |= side.ports(source, destination)
        return found

    def spans(self, source: int, destination: int) -> tuple[PortSpan, ...]:
        """The ports on which a class surely reaches another, as ranges."""
        return tuple(
            PortSpan(protocol, low, high, Outcome.ALLOWED)
            for protocol, low, high in self.atoms.spans(self.ports(source, destination))
        )

    def outcome(self, sources: int, destinations: int, ports: int | None = None) -> Outcome | None:
        """The answer between two sets of classes; None where the only pair is a pod and itself."""
        some_sure = all_sure = some_maybe = all_maybe = None
        strangers = False
        for source in bits(sources):
            others = destinations & ~self.alone(source)
            wanted = others & self._sharing(source)
            strangers = strangers or others != wanted
            if not wanted:
                continue
            sure = self.row(source, ports)
            possible = self.row(source, ports, maybe=True)
            some_sure = bool(some_sure) or bool(sure & wanted)
            all_sure = (all_sure is not False) and self.every(source, ports) & wanted == wanted
            some_maybe = bool(some_maybe) or bool(possible & wanted)
            all_maybe = (all_maybe is not False) and self.every(source, ports, maybe=True) & wanted == wanted
        if some_sure is None:
            return Outcome.BLOCKED if strangers else None
        if all_sure:
            return Outcome.ALLOWED
        if not some_maybe:
            return Outcome.BLOCKED
        return Outcome.PARTIAL if some_sure and not all_maybe else self._unsure(some_sure, all_maybe)

    def _unsure(self, some_sure: bool | None, all_maybe: bool | None) -> Outcome:
        return Outcome.PARTIAL if not self._parts.in_doubt and (some_sure or not all_maybe) else Outcome.UNKNOWN

    def _sharing(self, source: int) -> int:
        """The classes that share an address family with a class."""
        found = 0
        for holding in self.universe.holding.values():
            if holding >> source & 1:
                found |= holding
        return found

    def alone(self, number: int) -> int:
        """The class itself where it has one member only: a pod and itself is no pair."""
        held = self.member(number)
        return (1 << number) if isinstance(held, Outside) or len(held.pods) == 1 else 0
