"""Hygiene: what is wrong with the policies of a cluster whatever its charter says.

Pure: no clock, no I/O. Everything claimed is sure by what could be read; what could not be
read makes no finding, it lowers the coverage that an audit shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_

from console.governance.audit_turned import Change
from console.governance.findings import Finding
from console.governance.hygiene_books import Books
from console.governance.hygiene_cluster import of_cluster
from console.governance.hygiene_pods import of_dns, of_namespace
from console.governance.hygiene_scene import Scene, dns_among
from console.governance.hygiene_seen import seen_of
from console.governance.hygiene_workloads import of_workloads
from console.governance.ledger import Ledger, Part
from console.objects.snapshot import Contents, Snapshot
from console.policy.engine import Engine
from console.policy.reach import Reachability


def hygiene(engine: Engine, reach: Reachability) -> tuple[Finding, ...]:
    """The findings about a snapshot, the weightiest first; the same ones, in the same order, each time."""
    return Ledger().turn(Hygiene().follow(engine, reach))


@dataclass(frozen=True, slots=True)
class _Space:
    """What was found about a namespace: by `named` whom its policies select, and by who reaches whom.

    `several`: some workload of it has pods in several classes, which any path may tell apart.
    """

    contents: Contents
    named: tuple[Finding, ...]
    open: tuple[Finding, ...]
    classes: int
    several: bool


class Hygiene:
    """The findings about one snapshot after another; a policy is studied anew only where what it rests on changed.

    Not thread-safe: one thread follows.
    """

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._books = Books()
        self._spaces: dict[str, _Space] = {}
        self._dns = 0

    def follow(
        self, engine: Engine, reach: Reachability, change: Change | None = None
    ) -> dict[Part, tuple[Finding, ...]]:
        """The findings about the engine's snapshot, by what they are about. `reach` must be of the same engine.

        `change` is what differs from the snapshot before; None where that is not known. What a
        change does not touch has the very findings that it had.
        """
        universe, dns = reach.universe, 0
        among = universe.inside
        if change is not None:
            spaces_of = universe.in_namespace
            among = reduce(or_, (spaces_of.get(name, 0) for name in change.spaces), 0)
            dns = self._dns & universe.inside & ~among
        scene = Scene(engine, reach, dns | dns_among(reach, among))
        seen = seen_of(self._snapshot, engine.snapshot)
        found: dict[Part, tuple[Finding, ...]] = {("cluster", ""): tuple(of_cluster(scene))}
        found.update((("policies", name), each) for name, each in self._books.follow(engine, seen).items())
        spaces: dict[str, _Space] = {}
        steady = change is not None and self._dns == scene.dns and not scene.dns & change.classes
        for name, held in engine.snapshot.contents.items():
            space = self._spaces.get(name)
            if space is None or not (steady and change is not None and _same(space, held, change)):
                named = seen is not None and not seen.wide and name not in seen.names
                space = _space(scene, held, space if named else None)
            spaces[name] = space
            found["named", name] = space.named
            found["open", name] = space.open
        self._snapshot, self._spaces, self._dns = engine.snapshot, spaces, scene.dns
        return found


def _same(space: _Space, held: Contents, change: Change) -> bool:
    """Whether a namespace, and who reaches whom in it, is as it was."""
    return (
        space.contents is held
        and not space.classes & (change.classes | change.rows)
        and (not space.several or change.nothing)
    )


def _space(scene: Scene, held: Contents, before: _Space | None) -> _Space:
    """What is found about a namespace; `before` is kept of what rests on its policies and labels alone."""
    every = scene.classes(held)
    named = before.named if before is not None else tuple(of_namespace(scene, held, every))
    classes = 0
    for _, by_class in every:
        for number in by_class:
            classes |= 1 << number
    open_ = (*of_dns(scene, held, every), *of_workloads(scene, held, every))
    return _Space(held, named, open_, classes, any(len(by_class) > 1 for _, by_class in every))
