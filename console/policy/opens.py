"""What a change of one rule opens beside the path it is meant for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from console.objects.decode import decode
from console.objects.meta import ObjectRef
from console.objects.netpol import NetworkPolicy
from console.objects.snapshot import Snapshot
from console.objects.tiered import TieredPolicy
from console.objects.workloads import Workload
from console.policy.addresses import contains
from console.policy.ends import workload_end
from console.policy.engine import Engine
from console.policy.match import selects, selects_namespace
from console.policy.model import CidrPeer, Direction, PodPeer, Policy, Rule
from console.policy.networking import compile_policy
from console.policy.parties import pod_party
from console.policy.tiered import compile_tiered
from console.policy.verdict import Connection, EndKind, Outcome


class Path(msgspec.Struct, frozen=True):
    """A path between two ends, by what users call them."""

    source: str
    destination: str
    port: str

    def __str__(self) -> str:
        return f"{self.source} → {self.destination} {self.port}"


class Change(msgspec.Struct, frozen=True):
    """A policy to apply, and which of its rules is new."""

    raw: Mapping[str, Any]
    direction: Direction
    rule: int

    @property
    def ref(self) -> ObjectRef:
        """The policy."""
        meta = self.raw["metadata"]
        return ObjectRef(str(self.raw["kind"]), str(meta.get("namespace", "")), str(meta["name"]))


def opened_by(before: Engine, after: Engine, asked: Connection, change: Change, ports: Sequence[int]) -> Iterator[Path]:
    """The paths that a change opens beside the one asked for: what it selects, from or to what its new rule names."""
    written = decode(change.raw)
    compiled = compile_tiered(written) if isinstance(written, TieredPolicy) else None
    if isinstance(written, NetworkPolicy):
        compiled = compile_policy(written)
    assert compiled is not None
    rule = (compiled.rules(change.direction) or ())[change.rule]
    snapshot = after.snapshot
    workloads = [workload for workload in snapshot.workloads() if workload.active]
    subjects = [workload_end(each.ref, each.pods) for each in workloads if _selected(compiled, each, snapshot)]
    peers = [workload_end(each.ref, each.pods) for each in workloads if _admitted(rule, each, snapshot)]
    egress = change.direction is Direction.EGRESS
    other = asked.destination if egress else asked.source
    if other.kind in (EndKind.INTERNET, EndKind.ADDRESS):
        peers.append(other)
    mine = _pairs(before, after, asked)
    for subject in subjects:
        for peer in peers:
            source, destination = (subject, peer) if egress else (peer, subject)
            for port in ports:
                question = Connection(source, destination, asked.protocol, port)
                if _pairs(before, after, question) - mine:
                    yield Path(str(source), str(destination), f"{port}/{asked.protocol.value}")


def _pairs(before: Engine, after: Engine, question: Connection) -> set[tuple[str, str]]:
    """The pairs of pods or addresses between which a connection becomes possible."""
    return _allowed(after, question) - _allowed(before, question)


def _allowed(engine: Engine, question: Connection) -> set[tuple[str, str]]:
    return {
        (source, destination)
        for case in engine.evaluate(question).cases
        if case.outcome is Outcome.ALLOWED
        for source in case.sources
        for destination in case.destinations
    }


def _selected(policy: Policy, workload: Workload, snapshot: Snapshot) -> bool:
    subject, namespace = policy.subject, snapshot.namespace(workload.namespace)
    if subject.namespaces is None:
        inside = workload.namespace == subject.home
    else:
        inside = bool(selects_namespace(subject.namespaces, namespace))
    return inside and any(subject.pods is None or selects(subject.pods, pod.labels) for pod in workload.active)


def _admitted(rule: Rule, workload: Workload, snapshot: Snapshot) -> bool:
    namespace = snapshot.namespace(workload.namespace)
    for peer in rule.peers or ():
        for pod in workload.active:
            if isinstance(peer, CidrPeer):
                address = pod_party(pod, snapshot, peer.network.version).address
                if address is not None and contains(peer.network, address):
                    return True
            elif isinstance(peer, PodPeer) and peer.namespaces is not None and not pod.host_network:
                inside = selects_namespace(peer.namespaces, namespace)
                if inside and (peer.pods is None or selects(peer.pods, pod.labels)):
                    return True
    return False
