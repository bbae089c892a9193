"""What a change has touched between two audits: the workloads, and the classes of them that have other paths."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from console.governance.charter_terms import Term
from console.governance.ends import means
from console.governance.inventory import Entry, Inventory
from console.governance.scopes import Scene
from console.policy.reach import Reachability, bits


class Paths:
    """The paths that a change touched, before and after it: those from and to some classes, and from `rows`."""

    def __init__(self, reaches: tuple[Reachability, Reachability], classes: int, rows: int) -> None:
        self._reaches = reaches
        self._classes = classes
        self._rows = rows

    def apart(self, classes: int) -> bool:
        """Whether any of them tells some classes apart, or told: no other change makes replicas alike or different."""
        if classes & (self._classes | self._rows) or any(0 != cut & classes != classes for cut in self._cuts):
            return True
        return any(
            len({reach.ports(each, other) for each in bits(classes)}) > 1
            for reach in self._reaches
            for other in bits(self._classes & reach.universe.all)
        )

    @cached_property
    def _cuts(self) -> tuple[int, ...]:
        """The sets of classes that are reached alike."""
        found = {
            reached
            for reach in self._reaches
            for source in bits((self._rows | self._classes) & reach.universe.all)
            for reached in reach.reached(source).values()
        }
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Change:
    """What is not as it was. All that has no part in it is.

    `spaces` are the namespaces with any object that differs; `names` the workloads that came,
    went, are something else or have other paths; `entries` what these were and are; `classes` those
    that they are in, or were, and those with other policies; `rows` the classes that reach others than
    before; `paths` those of all of these.
    """

    spaces: frozenset[str]
    names: frozenset[str]
    entries: tuple[Entry, ...]
    classes: int
    rows: int
    paths: Paths

    @property
    def nothing(self) -> bool:
        """Whether no workload was touched."""
        return not self.names and not self.classes

    def concerns(self, terms: Iterable[Term]) -> bool:
        """Whether any of the terms means, or meant, a workload that was touched."""
        return any(means(term, entry) for term in terms for entry in self.entries)


def changed_spaces(before: Inventory, now: Inventory) -> frozenset[str]:
    """The namespaces of which anything differs."""
    old, new = before.spaces, now.spaces
    names = {
        name for name, space in new.items() if (was := old.get(name)) is None or was.contents is not space.contents
    }
    return frozenset(names | (old.keys() - new.keys()))


def turned(before: Scene, now: Scene) -> Change | None:
    """What a change has touched; None where all pairs were made anew, so that it is not known."""
    work, old, new = now.reach.work, before.reach, now.reach
    if work.whole:
        return None
    left, entered = old.universe.all & ~new.universe.all, new.universe.all & ~old.universe.all
    spaces = changed_spaces(before.inventory, now.inventory)
    names = {name for space in spaces for name in _changed_in(space, before, now)}
    classes = work.touched | left | entered
    # Whoever shares a class with these may be the only one in it now, or no longer.
    for scene in (before, now):
        classes |= _classes(names, scene)
    for scene in (before, now):
        names.update(name for number in bits(classes) for name in scene.members.get(number, ()))
    for scene in (before, now):
        classes |= _classes(names, scene)
    rows = new.remade | _reaching(new, entered) | _reaching(old, left)
    entries = tuple(
        entry
        for inventory in (before.inventory, now.inventory)
        for name in names
        if (entry := inventory.entries.get(name)) is not None
    )
    return Change(spaces, frozenset(names), entries, classes, rows, Paths((old, new), classes, rows))


def _changed_in(space: str, before: Scene, now: Scene) -> set[str]:
    """The workloads of a namespace that are not what they were."""
    old, new = before.inventory.of(space), now.inventory.of(space)
    found = set(old.keys() - new.keys())
    for name, entry in new.items():
        was = old.get(name)
        if was is entry and before.sides[name].classes == now.sides[name].classes:
            continue
        if was is None or before.standing(name) != now.standing(name):
            found.add(name)
    return found


def _classes(names: set[str], scene: Scene) -> int:
    found = 0
    for name in names:
        side = scene.sides.get(name)
        found |= side.classes if side is not None else 0
    return found


def _reaching(reach: Reachability, classes: int) -> int:
    """The classes that reach any of some, or may."""
    found = 0
    for number in bits(classes):
        found |= reach.column(number, maybe=True)
    return found
