"""All pairs of the next snapshot from those of the last: only what a change touches is made anew.

Classes keep their numbers. One that nobody is in any more is left empty; new ones take
places that were left for them. What a change would split, number or cut anew (a label
key, a network or a port that no policy used before; another node) is followed by making
everything anew, and so is a change that touches many classes, which costs no less.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from console.policy.bitsets import bits
from console.policy.changes import Changes
from console.policy.engine import Engine
from console.policy.hooks import Hooks, Met
from console.policy.joining import Joined, join
from console.policy.model import Direction, Policy
from console.policy.parts import Parts, Which, selected, undecided
from console.policy.profile import Cell, Selecting
from console.policy.succession import Succession, TooWide
from console.policy.vocabulary import Vocabulary

#: Where the profiles of more classes than this part of all would have to be made, all are.
_WIDE: Final = 0.2
#: … but for so few as these.
_FEW: Final = 64


@dataclass(slots=True)
class Followed:
    """The parts of the next snapshot. `profiled` are the classes whose profiles were made anew.

    `rows` are the sources of which some destination that was there before may differ, `columns` the
    new classes with who reaches them, surely and (True) possibly. `hooks` are for the next change.
    """

    parts: Parts
    hooks: Hooks | None
    profiled: int
    rows: int
    columns: tuple[tuple[int, dict[bool, int]], ...]


def follow(parts: Parts, hooks: Hooks | None, engine: Engine, changes: Changes) -> Followed:
    """The parts for the next engine. Raises TooWide."""
    if changes.wide:
        raise TooWide(changes.wide)
    if (changes.gone or changes.come) and undecided(engine) and not parts.in_doubt:
        raise TooWide("policies that leave open what they match")
    _check_words(parts, changes.come)
    if not changes.pods and not changes.relabelled and not changes.gone and not changes.come:
        return Followed(replace(parts, engine=engine), hooks, 0, 0, ())
    succession = Succession(parts, engine, changes)
    universe = succession.universe
    touched = _set(succession.entered)
    for policy in changes.gone:
        touched |= selected(parts.universe, policy)[1]
    for policy in changes.come:
        touched |= selected(universe, policy)[1]
    if succession.entered:
        hooks = hooks or Hooks(engine.over(engine.snapshot.contents))
    if hooks is not None and (changes.gone or changes.come):
        hooks = hooks.succeeding(changes.gone, changes.come)
    met: dict[int, list[Met]] = {}
    if hooks is not None:
        met = {number: hooks.matching(universe, number, engine.modes) for number in succession.entered}
    later = _parts(parts, engine, succession, changes, [each.policy for found in met.values() for each in found])
    joined = join(later, met.items(), touched | ~universe.all)
    touched = (touched | joined.others) & universe.all
    if touched.bit_count() > max(_FEW, int(_WIDE * universe.size)):
        raise TooWide("most classes are concerned")
    rows, columns = _sides(parts, later, succession, touched, joined)
    return Followed(later, hooks, touched, rows, columns)


def _check_words(parts: Parts, come: Sequence[Policy]) -> None:
    """Raise TooWide where policies use a label key, a network, or a port that nothing was told apart by."""
    if not come:
        return
    known, new = parts.universe.vocabulary, Vocabulary.of(come)
    if not new.keys <= known.keys:
        raise TooWide(f"the label {min(new.keys - known.keys)}")
    if not new.networks.keys() <= known.networks.keys():
        raise TooWide("a network")
    if not new.names <= known.names or not parts.atoms.cut_at(new.ports):
        raise TooWide("a port")
    if new.nodes and not known.nodes:
        raise TooWide("labels of nodes")
    mentions = parts.universe.mentions
    entry = mentions and mentions.sharpened(come)
    if entry:
        raise TooWide(f"the label {entry[0]}={entry[1]}")


def _parts(parts: Parts, engine: Engine, succession: Succession, changes: Changes, affected: Sequence[Policy]) -> Parts:
    """The parts of the next snapshot, but for their sides."""
    universe = succession.universe
    if not universe.steady:
        raise TooWide("an address family")
    selecting = _selecting(parts, engine, succession, changes)
    profilers = parts.profilers
    if succession.entered:
        profilers = {family: each.succeeding(universe, affected) for family, each in profilers.items()}
    for each in profilers.values():
        each.forget(changes.gone)
    later = Parts(engine, universe, parts.atoms, profilers, selecting, parts.doubts, parts.in_doubt)
    if engine.gaps and (succession.entered or succession.left):
        later.doubts = {number: doubt for number, doubt in parts.doubts.items() if number not in succession.left}
        for number in succession.entered:
            doubt = later.doubt(universe.pods[number].pods[0])
            if doubt is not None:
                later.doubts[number] = doubt
        if later.doubts and not later.in_doubt:
            raise TooWide("what is not known")
    return later


def _selecting(parts: Parts, engine: Engine, succession: Succession, changes: Changes) -> list[tuple[Selecting, ...]]:
    found = list(parts.selecting)
    universe = succession.universe
    gone = {id(policy) for policy in changes.gone}
    stood: dict[int, dict[object, int]] = {}
    for policy in changes.gone:
        for number in bits(selected(parts.universe, policy)[1]):
            stood.setdefault(number, {})
            for place, each in enumerate(found[number]):
                stood[number][each[0].ref] = place
            found[number] = tuple(each for each in found[number] if id(each[0]) not in gone)
    for policy in changes.come:
        sure, maybe = selected(universe, policy)
        for number in bits(maybe):
            place = stood.get(number, {}).get(policy.ref, len(found[number]))
            entry = policy, bool(sure >> number & 1)
            found[number] = (*found[number][:place], entry, *found[number][place:])
    for number in succession.left:
        found[number] = ()
    if succession.entered:
        for number in succession.entered:
            found[number] = ()
        entered = _set(succession.entered)
        homes = dict.fromkeys(universe.pods[number].namespace for number in succession.entered)
        for policy in engine.over(homes):
            sure, maybe = selected(universe, policy)
            for number in bits(maybe & entered):
                found[number] = (*found[number], (policy, bool(sure >> number & 1)))
    return found


def _sides(
    parts: Parts, later: Parts, succession: Succession, touched: int, joined: Joined
) -> tuple[int, tuple[tuple[int, dict[bool, int]], ...]]:
    """Make the sides. The sources whose rows may differ otherwise than by new classes; who reaches each new class."""
    groups = later.grouped(bits(touched))
    entered = _set(succession.entered)
    rows = _set(succession.left) | entered
    columns: dict[int, dict[bool, int]] = {number: {} for number in succession.entered}
    for which in later.which():
        family, best = which
        before = parts.sides[which]
        made: dict[Direction, dict[int, Sequence[Cell]]] = {direction: {} for direction in Direction}
        for direction, was in ((Direction.EGRESS, before.egress), (Direction.INGRESS, before.ingress)):
            made[direction] = {number: () for number in succession.left if was[number]}
            for numbers in groups:
                cells = later.cells(which, direction, numbers[0])
                made[direction].update((number, cells) for number in numbers if list(cells) != list(was[number]))
        anew = {direction: list(cells) for direction, cells in made.items()}
        for direction, was in ((Direction.EGRESS, before.egress), (Direction.INGRESS, before.ingress)):
            made[direction].update(joined.patched(family, direction, was))
        side = before.succeeding(
            made[Direction.EGRESS], made[Direction.INGRESS], later.universe.all, succession.entered
        )
        later.sides[which] = side
        rows |= _set(anew[Direction.EGRESS])
        rows |= _reaching(parts, later, which, [each for each in anew[Direction.INGRESS] if not entered >> each & 1])
        holding = later.universe.holding[family]
        for number, column in columns.items():
            found = side.column(number, later.atoms.all, holding) if holding >> number & 1 else 0
            column[best] = column.get(best, 0) | found
    return rows, tuple(columns.items())


def _reaching(parts: Parts, later: Parts, which: Which, destinations: Iterable[int]) -> int:
    """The sources that may reach any of some classes, before or now, by other cells than before."""
    old, new = parts.sides[which], later.sides[which]
    found = 0
    for number in destinations:
        were, are = _by_ports(old.ingress[number]), _by_ports(new.ingress[number])
        for ports in were.keys() | are.keys():
            other = (were.get(ports, 0) ^ are.get(ports, 0)) & later.universe.all & ~found
            for side in (old, new) if other else ():
                found |= side.let_in(number, [(ports, other & ~found)], later.universe.all)
    return found


def _by_ports(cells: Iterable[Cell]) -> dict[int, int]:
    found: dict[int, int] = {}
    for ports, peers in cells:
        found[ports] = found.get(ports, 0) | peers
    return found


def _set(numbers: Iterable[int]) -> int:
    found = 0
    for number in numbers:
        found |= 1 << number
    return found
