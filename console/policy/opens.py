"""What changed policies open beside the path they are meant for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any, Final

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
from console.policy.verdict import Case, Connection, End, Outcome

#: How open a path is: what may get through counts more than what does not.
_LEVELS: Final = {Outcome.BLOCKED: 0, Outcome.UNKNOWN: 1, Outcome.ALLOWED: 2}
#: Two ends by name, a port, and an address family.
_Pair = tuple[str, str, int, str]


class Path(msgspec.Struct, frozen=True):
    """A path between two ends, by what users call them."""

    source: str
    destination: str
    port: str

    def __str__(self) -> str:
        return f"{self.source} → {self.destination} {self.port}"


class Change(msgspec.Struct, frozen=True):
    """A policy to apply, and which of its rules are new."""

    raw: Mapping[str, Any]
    rules: tuple[tuple[Direction, int], ...]

    @property
    def ref(self) -> ObjectRef:
        """The policy."""
        return ref_of(self.raw)


def ref_of(raw: Mapping[str, Any]) -> ObjectRef:
    """The reference of a raw policy."""
    meta = raw["metadata"]
    return ObjectRef(str(raw["kind"]), str(meta.get("namespace", "")), str(meta["name"]))


def opened_by(before: Engine, after: Engine, asked: Connection, changes: Iterable[Change]) -> Iterator[Path]:
    """The paths that changes open beside the one asked for: between what they select and what their new rules name."""
    mine = _opened(before, after, asked)
    done: set[tuple[str, str, int]] = set()
    for change in changes:
        for question in _questions(after.snapshot, asked, change):
            ends = str(question.source), str(question.destination)
            if (*ends, question.port) not in done:
                done.add((*ends, question.port))
                if _opened(before, after, question) - mine:
                    yield Path(*ends, f"{question.port}/{asked.protocol.value}")


def _questions(snapshot: Snapshot, asked: Connection, change: Change) -> Iterator[Connection]:
    """Everything the new rules of a change may open."""
    policy = _compiled(change)
    workloads = [workload for workload in snapshot.workloads() if workload.active]
    subjects = [workload_end(each.ref, each.pods) for each in workloads if _selected(policy, each, snapshot)]
    for direction, index in change.rules:
        egress = direction is Direction.EGRESS
        rule = (policy.rules(direction) or ())[index]
        peers = [workload_end(each.ref, each.pods) for each in workloads if _admitted(rule, each, snapshot)]
        other = asked.destination if egress else asked.source
        if _outside(other):
            peers.append(other)
        for port in sorted({match.low for match in rule.ports or () if match.low is not None}):
            for subject in subjects:
                for peer in peers:
                    ends: tuple[End, End] = (subject, peer) if egress else (peer, subject)
                    yield Connection(*ends, asked.protocol, port)


def _compiled(change: Change) -> Policy:
    written = decode(change.raw)
    if isinstance(written, TieredPolicy):
        return compile_tiered(written)
    assert isinstance(written, NetworkPolicy)
    return compile_policy(written)


def _opened(before: Engine, after: Engine, question: Connection) -> set[_Pair]:
    """The pairs between which a connection becomes possible, or sure, or does so for more of a network."""
    was, now = _levels(question, before.cases(question)), _levels(question, after.cases(question))
    closed = (0, 0)
    return {
        pair
        for pair, levels in now.items()
        if any(new > old for new, old in zip(levels, was.get(pair, closed), strict=True))
    }


def _levels(question: Connection, cases: Iterable[Case]) -> dict[_Pair, tuple[int, int]]:
    """How open each pair is, at its least and at its most: they differ where an end is many addresses."""
    found: dict[_Pair, tuple[int, int]] = {}
    for case in cases:
        level = _LEVELS[case.outcome]
        sources = (str(question.source),) if _outside(question.source) else case.sources
        destinations = (str(question.destination),) if _outside(question.destination) else case.destinations
        for pair in product(sources, destinations, (case.port,), _families(case)):
            least, most = found.get(pair, (level, level))
            found[pair] = min(least, level), max(most, level)
    return found


def _outside(end: End) -> bool:
    return not end.pods and end.service is None


def _families(case: Case) -> tuple[str, ...]:
    """The families a case speaks of: both, where it does not say."""
    both = ("over IPv4", "over IPv6")
    return tuple(each for each in both if each in case.facts) or both


def _selected(policy: Policy, workload: Workload, snapshot: Snapshot) -> bool:
    subject, namespace = policy.subject, snapshot.namespace(workload.namespace)
    if subject.namespaces is None:
        inside = workload.namespace == subject.home
    else:
        inside = selects_namespace(subject.namespaces, namespace) is not False
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
                inside = selects_namespace(peer.namespaces, namespace) is not False
                if inside and (peer.pods is None or selects(peer.pods, pod.labels)):
                    return True
    return False
