"""Hygiene: what is wrong with the policies of a cluster whatever its charter says.

Pure: no clock, no I/O. Everything claimed is sure by what could be read; what could not be
read makes no finding, it lowers the coverage that an audit shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

from console.governance.audit_turned import Change
from console.governance.findings import Finding
from console.governance.hygiene_books import Books
from console.governance.hygiene_cluster import of_cluster
from console.governance.hygiene_pods import of_dns, of_namespace
from console.governance.hygiene_scene import Classes, Scene, dns_among
from console.governance.hygiene_seen import seen_of
from console.governance.hygiene_workloads import of_workloads
from console.governance.ledger import Ledger, Part
from console.objects.snapshot import Contents, Snapshot
from console.objects.workloads import Workload
from console.policy.engine import Engine
from console.policy.reach import Reachability


def hygiene(engine: Engine, reach: Reachability) -> tuple[Finding, ...]:
    """The findings about a snapshot, the weightiest first; the same ones, in the same order, each time."""
    return Ledger().turn(Hygiene().follow(engine, reach))


@dataclass(frozen=True, slots=True)
class _Space:
    """What was found about a namespace: by whom its policies select, by who reaches whom, and of names.

    `every` are its workloads by class, `classes` all of these, `several` those of each workload that
    has pods in several, which paths may tell apart.
    """

    contents: Contents
    every: Sequence[tuple[Workload, Classes]]
    classes: int
    several: tuple[int, ...]
    named: tuple[Finding, ...]
    open: tuple[Finding, ...]
    dns: tuple[Finding, ...]


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
            before = self._spaces.get(name)
            named = seen is not None and not seen.wide and name not in seen.names
            # Which labels tell replicas apart rests on policies without a namespace, too.
            same = steady and not (before is not None and before.several and (seen is None or seen.wide))
            space = spaces[name] = _space(scene, held, before, change if same else None, named=named)
            for kind, several in (("named", space.named), ("open", space.open), ("dns", space.dns)):
                if several:
                    found[kind, name] = several
        self._snapshot, self._spaces, self._dns = engine.snapshot, spaces, scene.dns
        return found


def _space(scene: Scene, held: Contents, before: _Space | None, change: Change | None, *, named: bool) -> _Space:
    """What is found about a namespace. What a change does not touch is kept; None: any path may be another.

    `named`: what rests on its policies and labels alone is as it was.
    """
    if before is not None and change is not None and _stands(before, held, change):
        if not before.classes & change.rows:
            return before
        return replace(before, dns=tuple(of_dns(scene, held, before.every)))
    every = scene.classes(held)
    own = [reduce(or_, (1 << number for number in by_class), 0) for _, by_class in every]
    return _Space(
        held,
        every,
        reduce(or_, own, 0),
        tuple(classes for classes in own if classes & (classes - 1)),
        before.named if before is not None and named else tuple(of_namespace(scene, held, every)),
        tuple(of_workloads(scene, held, every)),
        tuple(of_dns(scene, held, every)),
    )


def _stands(space: _Space, held: Contents, change: Change) -> bool:
    """Whether a namespace is as it was, and so is who reaches it."""
    if space.contents is not held or space.classes & change.classes:
        return False
    return change.nothing or not any(map(change.paths.apart, space.several))
