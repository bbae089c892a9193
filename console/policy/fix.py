"""The smallest change that opens a blocked connection, and every other path it would open.

Where NetworkPolicies block an end, one more policy opens it: they only ever add up. It may
select no pod that is not isolated yet, or it would close what was open; where labels cannot
keep them apart, the policies that isolate get a rule more. Where a rule of another tier
denies, one that allows goes in front of it: in a policy of its own that comes first, else
in the same policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from console.objects.core import METADATA_NAME, Pod
from console.objects.decode import decode
from console.objects.meta import ObjectRef
from console.objects.netpol import NetworkPolicy
from console.objects.snapshot import KubeObject, Snapshot, SnapshotBuilder
from console.objects.tiered import TieredPolicy
from console.objects.yaml_text import load_documents, render
from console.policy import fix_rules
from console.policy.engine import Engine
from console.policy.fix_steps import Insert, New, RawOf, Step, applied
from console.policy.match import selects
from console.policy.model import Action, Direction, Tier
from console.policy.opens import Change, Path, opened_by, ref_of
from console.policy.parties import families_of
from console.policy.trace import DirectionTrace, Ground, Party
from console.policy.verdict import Case, Connection, End, Outcome, Verdict

#: Metadata the API server owns: not for a manifest one applies.
_SERVED: Final = frozenset(["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink"])


class Fix(msgspec.Struct, frozen=True):
    """Raw objects to apply, in order, and the other paths that would open (the one asked for is not among them)."""

    objects: tuple[Mapping[str, Any], ...]
    opens: tuple[Path, ...]


class _Blocked(msgspec.Struct, frozen=True):
    """What blocks on one port in one direction: the policy that denies, or (None) isolation; and whom from whom."""

    connection: Connection
    direction: Direction
    port: int
    denier: ObjectRef | None
    traces: list[DirectionTrace]
    families: set[int]
    #: By name, since one pod may be in several cases.
    subjects: dict[str, Pod]
    others: dict[str, Pod]

    @property
    def egress(self) -> bool:
        """Whether it is the source that is governed."""
        return self.direction is Direction.EGRESS

    @property
    def other_end(self) -> End:
        """The end that a rule has to name."""
        return self.connection.destination if self.egress else self.connection.source


def fix_for(engine: Engine, verdict: Verdict, raw_of: RawOf) -> Fix | None:
    """The fix for a verdict that is BLOCKED or PARTIAL; None where nothing is to fix or no policy can fix it.

    It is checked before it is offered: with it applied, the connection is ALLOWED.
    """
    if verdict.outcome not in (Outcome.BLOCKED, Outcome.PARTIAL) or verdict.apart:
        return None
    steps: tuple[Step, ...] = ()
    for blocked in _all_that_blocks(engine.snapshot, verdict):
        taken = {ref_of(step.raw) for step in steps if isinstance(step, New)}
        ways = (_ways_past if blocked.denier else _ways_out)(engine, blocked, taken)
        working = (way for way in ways if _opens(engine, blocked, applied((*steps, *way), raw_of)))
        chosen = next(working, None)
        if chosen is None:
            return None
        steps += chosen
    changes = applied(steps, raw_of)
    if not changes:
        return None
    changed = _changed(engine, changes)
    if changed.outcome(verdict.connection) is not Outcome.ALLOWED:
        return None
    opened = opened_by(engine, changed, verdict.connection, changes)
    return Fix(tuple(change.raw for change in changes), tuple(dict.fromkeys(opened)))


def raw_policy(snapshot: Snapshot, ref: ObjectRef) -> Mapping[str, Any] | None:
    """The raw object behind a policy's own text, as one would apply it; None where the snapshot has no such policy."""
    written = snapshot.policy(ref)
    if written is None or written.text is None:
        return None
    raw: dict[str, Any] = next(load_documents(render(written.text))).value
    meta = {key: value for key, value in raw["metadata"].items() if key not in _SERVED}
    return {key: meta if key == "metadata" else value for key, value in raw.items() if key != "status"}


def with_objects(snapshot: Snapshot, raws: Iterable[Mapping[str, Any]]) -> Snapshot:
    """The snapshot with raw objects added or replaced. Raises Malformed."""
    builder = SnapshotBuilder(snapshot)
    for raw in raws:
        obj: KubeObject | None = decode(raw)
        if obj is not None:
            builder.put(obj)
    return builder.build()


# What blocks ---------------------------------------------------------------------------------------------------------


def _all_that_blocks(snapshot: Snapshot, verdict: Verdict) -> list[_Blocked]:
    """What blocks, egress first; the pods of all cases that the same thing blocks are taken together."""
    found: dict[object, _Blocked] = {}
    for case in verdict.cases:
        for trace, names, other_names in (
            (case.egress, case.sources, case.destinations),
            (case.ingress, case.destinations, case.sources),
        ):
            if trace.allowed is False and trace.ground is Ground.POLICY:
                key = trace.direction is Direction.INGRESS, case.port, _denier(trace)
                new = _Blocked(verdict.connection, trace.direction, case.port, _denier(trace), [], set(), {}, {})
                blocked = found.setdefault(key, new)
                blocked.traces.append(trace)
                _add(blocked.subjects, snapshot, trace.question.subject, names)
                _add(blocked.others, snapshot, trace.question.peer, other_names)
                blocked.families.update(_families(case, trace, blocked.subjects.values()))
    return [found[key] for key in sorted(found, key=str)]


def _denier(trace: DirectionTrace) -> ObjectRef | None:
    return next((policy.ref for policy in trace.deciders if policy.decided is Action.DENY), None)


def _families(case: Case, trace: DirectionTrace, subjects: Iterable[Pod]) -> set[int]:
    """The address families a case speaks of: all that its pods have, where it names none."""
    named = {family for family in (4, 6) if f"over IPv{family}" in case.facts}
    address = trace.question.peer.address
    return named or {each for pod in subjects for each in families_of(pod)} or ({address.version} if address else set())


def _add(pods: dict[str, Pod], snapshot: Snapshot, party: Party, names: Iterable[str]) -> None:
    """Add the pods that a case names, if it names pods: its party tells."""
    if party.pod is None and party.host_pod is None:
        return
    for name in names:
        pod = snapshot.pod(*name.split("/", 1))
        assert pod is not None
        pods[name] = pod


# Ways to open it -----------------------------------------------------------------------------------------------------


def _ways_out(engine: Engine, blocked: _Blocked, taken: set[ObjectRef]) -> Iterator[tuple[Step, ...]]:
    """Of isolation: one policy more, one for each workload, or a rule more in those that isolate."""
    snapshot = engine.snapshot
    subjects, others = list(blocked.subjects.values()), list(blocked.others.values())
    peers = fix_rules.peers(snapshot, blocked.other_end, others, blocked.families)
    if not peers:
        return
    port = {"protocol": blocked.connection.protocol.value, "port": blocked.port}
    rule = {"to" if blocked.egress else "from": peers, "ports": [port]}
    for groups in ([subjects], fix_rules.by_workload(snapshot, subjects)):
        raws: list[dict[str, Any]] = []
        for pods in groups:
            raws.append(_network_policy(snapshot, blocked, pods, rule, taken | set(map(ref_of, raws))))
        chosen = (fix_rules.selected(snapshot, *_selection(raw)) for raw in raws)
        if all(_isolated(engine, pod, blocked.direction) for pods in chosen for pod in pods):
            yield tuple(map(New, raws))
    yield tuple(Insert(ref, blocked.direction, rule) for ref in _isolating(snapshot, blocked.traces))


def _selection(raw: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return raw["metadata"]["namespace"], raw["spec"]["podSelector"]


def _ways_past(engine: Engine, blocked: _Blocked, taken: set[ObjectRef]) -> Iterator[tuple[Step, ...]]:
    """A denial: by a policy that comes before the one that denies, or by a rule that does."""
    assert blocked.denier is not None
    snapshot, ref = engine.snapshot, blocked.denier
    denying = snapshot.policy(ref)
    assert isinstance(denying, TieredPolicy)
    others = list(blocked.others.values())
    peers = fix_rules.tiered_peers(snapshot, blocked.other_end, others, blocked.families, egress=blocked.egress)
    if not peers:
        return
    used = {each.priority for each in snapshot.tiered.values() if each.tier == denying.tier}
    free = max((number for number in range(denying.priority) if number not in used), default=None)
    if free is not None and ref.kind != "BaselineAdminNetworkPolicy":
        rule = _allowing(blocked, ref.kind, peers)
        yield tuple(_cluster_policies(snapshot, blocked, denying, free, rule, taken))
    yield tuple(
        Insert(each, blocked.direction, _allowing(blocked, each.kind, peers), first)
        for each, first in _first_rules(blocked.traces, denying.priority).items()
    )


def _allowing(blocked: _Blocked, kind: str, peers: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "action": "Accept" if kind == "ClusterNetworkPolicy" else "Allow",
        "to" if blocked.egress else "from": peers,
        **fix_rules.tiered_ports(kind, blocked.connection.protocol, blocked.port),
    }


def _first_rules(traces: Iterable[DirectionTrace], priority: int) -> dict[ObjectRef, int]:
    """The first rule that matches of each policy at a priority, since which of them comes first is undefined."""
    found: dict[ObjectRef, int] = {}
    for trace in traces:
        (tier,) = {policy.tier for policy in trace.deciders if policy.decided is Action.DENY}
        for policy in trace.policies():
            first = next((rule.index for rule in policy.rules if rule.matched), None)
            if first is not None and (policy.tier, policy.priority) == (tier, priority):
                found[policy.ref] = min(first, found.get(policy.ref, first))
    return found


def _network_policy(
    snapshot: Snapshot, blocked: _Blocked, pods: Sequence[Pod], rule: dict[str, Any], taken: set[ObjectRef]
) -> dict[str, Any]:
    namespace, kind = pods[0].namespace, "Egress" if blocked.egress else "Ingress"
    names = {*snapshot.contents[namespace].policies, *(ref.name for ref in taken if ref.namespace == namespace)}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": _name(snapshot, blocked, pods, names), "namespace": namespace},
        "spec": {
            "podSelector": fix_rules.selector(snapshot, pods),
            "policyTypes": [kind],
            kind.lower(): [rule],
        },
    }


def _cluster_policies(
    snapshot: Snapshot,
    blocked: _Blocked,
    before: TieredPolicy,
    priority: int,
    rule: dict[str, Any],
    taken: set[ObjectRef],
) -> Iterator[New]:
    names = {name for _, name in snapshot.tiered} | {ref.name for ref in taken}
    tier = {"tier": before.tier} if before.kind == "ClusterNetworkPolicy" else {}
    subjects = list(blocked.subjects.values())
    for chosen in fix_rules.selectors(snapshot, subjects):
        namespace = subjects[0].namespace
        pods = {"namespaceSelector": {"matchLabels": {METADATA_NAME: namespace}}, "podSelector": chosen}
        labels = chosen.get("matchLabels", {}).items()
        members = [pod for pod in subjects if labels <= pod.labels.items()]
        name = _name(snapshot, blocked, members, names)
        names.add(name)
        spec = {
            **tier,
            "priority": priority,
            "subject": {"pods": pods},
            "egress" if blocked.egress else "ingress": [rule],
        }
        yield New({"apiVersion": before.api_version, "kind": before.kind, "metadata": {"name": name}, "spec": spec})


def _name(snapshot: Snapshot, blocked: _Blocked, pods: Sequence[Pod], taken: Iterable[str]) -> str:
    workload = snapshot.contents[pods[0].namespace].workload_of(pods[0]).name
    return fix_rules.name(workload, "to" if blocked.egress else "from", blocked.other_end, blocked.port, taken)


def _isolated(engine: Engine, pod: Pod, direction: Direction) -> bool:
    """Whether one policy more that governs a direction takes nothing from a pod: it is isolated there already."""
    return pod.host_network or any(
        policy.tier is Tier.NETWORK_POLICY and policy.rules(direction) is not None for policy in engine.selecting(pod)
    )


def _isolating(snapshot: Snapshot, traces: Iterable[DirectionTrace]) -> Iterator[ObjectRef]:
    """For each of the traces one policy that isolates its end: as few as serve, and those that select least."""
    chosen: set[ObjectRef] = set()

    def reach(ref: ObjectRef) -> int:
        written = snapshot.policy(ref)
        assert isinstance(written, NetworkPolicy)
        return sum(selects(written.pod_selector, pod.labels) for pod in snapshot.contents[ref.namespace].pods.values())

    for trace in traces:
        if chosen.isdisjoint(trace.isolated_by):
            ref = min(trace.isolated_by, key=lambda each: (reach(each), each))
            chosen.add(ref)
            yield ref


# Trying them ---------------------------------------------------------------------------------------------------------


def _opens(engine: Engine, blocked: _Blocked, changes: Sequence[Change]) -> bool:
    """Whether changes open all that the same thing blocks, and leave nothing of it in doubt."""
    if not changes:
        return False
    traces = (
        case.egress if blocked.egress else case.ingress
        for case in _changed(engine, changes).cases(blocked.connection)
        if case.port == blocked.port
    )
    return all(trace.allowed or (trace.allowed is False and _denier(trace) != blocked.denier) for trace in traces)


def _changed(engine: Engine, changes: Iterable[Change]) -> Engine:
    return Engine(with_objects(engine.snapshot, (change.raw for change in changes)), engine)
