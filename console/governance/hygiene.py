"""Hygiene: what is wrong with the policies of a cluster whatever its charter says.

Pure: no clock, no I/O. Everything claimed is sure by what could be read; what could not be
read makes no finding, it lowers the coverage that an audit shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from console.governance.findings import Finding, Severity
from console.governance.hygiene_cluster import of_cluster
from console.governance.hygiene_peers import ServiceAddresses
from console.governance.hygiene_pods import of_dns, of_namespace
from console.governance.hygiene_policies import of_policy
from console.governance.hygiene_scene import Scene
from console.governance.hygiene_workloads import of_workloads
from console.objects.core import Pod
from console.objects.netpol import NetworkPolicy
from console.objects.snapshot import Contents, Snapshot
from console.objects.tiered import TieredPolicy
from console.policy.engine import Engine
from console.policy.explain import label_keys
from console.policy.explain_pods import Population
from console.policy.explain_study import Study
from console.policy.model import CidrPeer, Direction, NodePeer, Policy
from console.policy.reach import Reachability

_ORDER: Final = {severity: number for number, severity in enumerate(Severity)}
#: The namespaces a policy's findings rest on; None: on all of them.
_Rests = frozenset[str] | None


def hygiene(engine: Engine, reach: Reachability) -> tuple[Finding, ...]:
    """The findings about a snapshot, the weightiest first; the same ones, in the same order, each time."""
    return Hygiene().follow(engine, reach)


@dataclass(frozen=True, slots=True)
class _Known:
    """What was found about a policy, and what that rests on."""

    written: NetworkPolicy | TieredPolicy
    keys: frozenset[str]
    rests: _Rests
    findings: tuple[Finding, ...]


class Hygiene:
    """The findings about one snapshot after another; a policy is studied anew only where what it rests on changed.

    Not thread-safe: one thread follows.
    """

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._known: dict[int, _Known] = {}
        self._spaces: dict[str, list[Finding]] = {}

    def follow(self, engine: Engine, reach: Reachability) -> tuple[Finding, ...]:
        """The findings about the engine's snapshot, the weightiest first. `reach` must be of the same engine."""
        scene = Scene(engine, reach)
        changed = _changed(self._snapshot, engine.snapshot)
        found = [*of_cluster(scene), *self._of_policies(engine, changed)]
        spaces: dict[str, list[Finding]] = {}
        for name, held in engine.snapshot.contents.items():
            every = scene.classes(held)
            known = self._spaces.get(name)
            if known is None or changed is None or name in changed:
                known = list(of_namespace(scene, held, every))
            spaces[name] = known
            found += known
            found += of_dns(scene, held, every)
            found += of_workloads(scene, held, every)
        self._snapshot, self._spaces = engine.snapshot, spaces
        found.sort(key=lambda each: (_ORDER[each.severity], each.code, each.object))
        return tuple(found)

    def _of_policies(self, engine: Engine, changed: frozenset[str] | None) -> Iterator[Finding]:
        snapshot = engine.snapshot
        known: dict[int, _Known] = {}
        todo: list[tuple[NetworkPolicy | TieredPolicy, Policy, frozenset[str]]] = []
        everything: list[NetworkPolicy | TieredPolicy] = [*snapshot.tiered.values(), *snapshot.policies()]
        for written in everything:
            policy = engine.compiled(written)
            if policy is None:
                continue
            before = self._known.get(id(written))
            if before is not None and _holds(before.rests, changed):
                known[id(written)] = before
            else:
                todo.append((written, policy, before.keys if before else frozenset(label_keys(policy))))
        if todo:
            # Pods that no policy to study tells apart are looked at together.
            population = Population(snapshot, {key for _, _, keys in todo for key in keys}, addresses=False)
            services = ServiceAddresses.of(snapshot)
            files = not snapshot.nodes and all(pod.template for pod in snapshot.pods())
            for written, policy, keys in todo:
                study = Study.of(engine, policy, population)
                findings = tuple(of_policy(study, written, services, files=files))
                known[id(written)] = _Known(written, keys, _rests(study), findings)
        self._known = known
        for each in known.values():
            yield from each.findings


def _holds(rests: _Rests, changed: frozenset[str] | None) -> bool:
    if changed is None:
        return False
    return not changed if rests is None else rests.isdisjoint(changed)


def _rests(study: Study) -> _Rests:
    """The namespaces whose pods, policies or Services could change what was found."""
    found = set(study.selected.namespaces) | {study.policy.ref.namespace}
    if not study.policy.ref.namespace:
        return None
    for view in study.directions:
        for rule in view.rules:
            # Names are looked up on whatever a rule reaches.
            named = view.direction is Direction.EGRESS and any(port.match.name for port in rule.ports or ())
            if named and (rule.peers is None or any(peer.members is None for peer in rule.peers)):
                return None
            for peer in rule.peers or ():
                # Nodes, and the addresses of Services, are anywhere.
                if isinstance(peer.peer, NodePeer) or (
                    isinstance(peer.peer, CidrPeer)
                    and view.direction is Direction.EGRESS
                    and peer.peer.network.prefixlen
                ):
                    return None
                found.update(peer.members.namespaces if peer.members else ())
    return frozenset(found)


def _changed(before: Snapshot | None, after: Snapshot) -> frozenset[str] | None:
    """The namespaces in which something that policies see changed; None where anything may have.

    A pod's readiness, for one, is nothing that policies see.
    """
    if before is None or before.coverage != after.coverage or _whole(before) != _whole(after):
        return None
    return frozenset(
        name
        for name, held in after.contents.items()
        if held is not before.contents[name] and _face(held) != _face(before.contents[name])
    )


def _whole(snapshot: Snapshot) -> object:
    """What any policy may rest on: namespaces with their labels, nodes, cluster-scoped policies."""
    names = [(name, held.namespace.labels, held.namespace.labels_known) for name, held in snapshot.contents.items()]
    cluster_wide = [id(each) for each in (*snapshot.tiered.values(), *snapshot.foreign.values())]
    return names, snapshot.nodes, cluster_wide


def _face(held: Contents) -> object:
    pods: Mapping[str, Pod] = held.pods
    return (
        {
            name: (pod.labels, pod.ports, pod.images, pod.host_network, held.workload_of(pod))
            for name, pod in pods.items()
            if not pod.finished
        },
        [id(policy) for policy in (*held.policies.values(), *held.foreign.values())],
        {name: service.cluster_ips for name, service in held.services.items()},
    )
