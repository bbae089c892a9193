"""Hygiene: what is wrong with the policies of a cluster whatever its charter says.

Pure: no clock, no I/O. Everything claimed is sure by what could be read; what could not be
read makes no finding, it lowers the coverage that an audit shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Final

from console.governance.audit_turned import Change
from console.governance.findings import Finding, Severity
from console.governance.hygiene_cluster import of_cluster
from console.governance.hygiene_peers import ServiceAddresses
from console.governance.hygiene_pods import of_dns, of_namespace
from console.governance.hygiene_policies import of_policy
from console.governance.hygiene_rests import Rests, Seen, rests_of, seen_of
from console.governance.hygiene_scene import Scene, dns_among
from console.governance.hygiene_workloads import of_workloads
from console.objects.netpol import NetworkPolicy
from console.objects.snapshot import Contents, Snapshot
from console.objects.tiered import TieredPolicy
from console.policy.engine import Engine
from console.policy.explain import label_keys
from console.policy.explain_pods import Population
from console.policy.explain_study import Study
from console.policy.model import Policy
from console.policy.reach import Reachability

_ORDER: Final = {severity: number for number, severity in enumerate(Severity)}


def hygiene(engine: Engine, reach: Reachability) -> tuple[Finding, ...]:
    """The findings about a snapshot, the weightiest first; the same ones, in the same order, each time."""
    return Hygiene().follow(engine, reach)


@dataclass(frozen=True, slots=True)
class _Known:
    """What was found about a policy, and what that rests on."""

    written: NetworkPolicy | TieredPolicy
    keys: frozenset[str]
    rests: Rests
    findings: tuple[Finding, ...]


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
        self._known: dict[int, _Known] = {}
        self._spaces: dict[str, _Space] = {}
        self._dns = 0
        self._population: Population | None = None

    def follow(self, engine: Engine, reach: Reachability, change: Change | None = None) -> tuple[Finding, ...]:
        """The findings about the engine's snapshot, the weightiest first. `reach` must be of the same engine.

        `change` is what differs from the snapshot before; None where that is not known.
        """
        universe, dns = reach.universe, 0
        among = universe.inside
        if change is not None:
            spaces_of = universe.in_namespace
            among = reduce(or_, (spaces_of.get(name, 0) for name in change.spaces), 0)
            dns = self._dns & universe.inside & ~among
        scene = Scene(engine, reach, dns | dns_among(reach, among))
        seen = seen_of(self._snapshot, engine.snapshot)
        found = [*of_cluster(scene), *self._of_policies(engine, seen)]
        spaces: dict[str, _Space] = {}
        steady = change is not None and self._dns == scene.dns and not scene.dns & change.classes
        for name, held in engine.snapshot.contents.items():
            space = self._spaces.get(name)
            if space is None or not (steady and change is not None and _same(space, held, change)):
                space = _space(scene, held, space if seen is not None and name not in seen.names else None)
            spaces[name] = space
            found += space.named
            found += space.open
        self._snapshot, self._spaces, self._dns = engine.snapshot, spaces, scene.dns
        found.sort(key=lambda each: (_ORDER[each.severity], each.code, each.object))
        return tuple(found)

    def _of_policies(self, engine: Engine, seen: Seen | None) -> Iterator[Finding]:
        snapshot = engine.snapshot
        known: dict[int, _Known] = {}
        todo: list[tuple[NetworkPolicy | TieredPolicy, Policy, frozenset[str]]] = []
        everything: list[NetworkPolicy | TieredPolicy] = [*snapshot.tiered.values(), *snapshot.policies()]
        for written in everything:
            before = self._known.get(id(written))
            if before is not None and seen is not None and before.rests.holds(seen, silent=not before.findings):
                known[id(written)] = before
                continue
            policy = engine.compiled(written)
            if policy is not None:
                todo.append((written, policy, before.keys if before else frozenset(label_keys(policy))))
        if todo:
            # Pods that no policy to study tells apart are looked at together.
            asked = {key for _, _, keys in todo for key in keys}.union(*(each.keys for each in known.values()))
            population = self._population = Population(snapshot, asked, addresses=False, before=self._population)
            services = ServiceAddresses.of(snapshot)
            files = not snapshot.nodes and all(pod.template for pod in snapshot.pods())
            for written, policy, keys in todo:
                study = Study.of(engine, policy, population)
                findings = tuple(of_policy(study, written, services, files=files))
                known[id(written)] = _Known(written, keys, rests_of(study), findings)
        self._known = known
        for each in known.values():
            yield from each.findings


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
