"""The smallest change that opens a blocked connection, and every other path it would open.

Where NetworkPolicies block an end, one more policy opens it: they only ever add up.
Where a rule of another tier denies, a rule that allows goes in front of it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from console.objects.core import METADATA_NAME, Pod
from console.objects.decode import decode
from console.objects.meta import ObjectRef
from console.objects.snapshot import KubeObject, Snapshot, SnapshotBuilder
from console.objects.yaml_text import load_documents, render
from console.policy.addresses import NOT_INTERNET
from console.policy.engine import Engine
from console.policy.model import Action, Direction
from console.policy.opens import Change, Path, opened_by
from console.policy.trace import DirectionTrace, Ground, PolicyTrace
from console.policy.verdict import Connection, End, EndKind, Outcome, Verdict

#: Labels controllers change with each rollout or set for each replica: a policy that names them does not last.
VOLATILE: Final = frozenset(
    [
        "pod-template-hash",
        "rollouts-pod-template-hash",
        "controller-revision-hash",
        "pod-template-generation",
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/job-completion-index",
        "batch.kubernetes.io/controller-uid",
        "controller-uid",
        "training.kubeflow.org/replica-index",
    ]
)


#: Metadata the API server owns: not for a manifest one applies.
_SERVED: Final = frozenset(["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink"])


#: Ends of label keys that name a workload.
_IDENTITY: Final = frozenset(["app", "name", "instance", "component", "job-name", "cluster", "inferenceservice"])


class Fix(msgspec.Struct, frozen=True):
    """Raw objects to apply, in order, and the other paths that would open (the one asked for is not among them)."""

    objects: tuple[Mapping[str, Any], ...]
    opens: tuple[Path, ...]


#: Reads the raw object behind a policy's own text.
RawOf = Callable[[ObjectRef], Mapping[str, Any] | None]


def fix_for(engine: Engine, verdict: Verdict, raw_of: RawOf) -> Fix | None:
    """The fix for a verdict that is BLOCKED or PARTIAL; None where nothing is to fix or no policy can fix it.

    It is checked before it is offered: with it applied, the connection is ALLOWED.
    """
    if verdict.outcome not in (Outcome.BLOCKED, Outcome.PARTIAL) or not verdict.cases:
        return None
    changes: dict[ObjectRef, Change] = {}
    for case in verdict.cases:
        for trace in case.directions():
            if trace.allowed is False:
                change = _for_direction(engine, verdict.connection, trace, case.port, raw_of)
                if change is None:
                    return None
                changes[change.ref] = change
    raws = tuple(change.raw for change in changes.values())
    changed = Engine(with_objects(engine.snapshot, raws), engine)
    if changed.evaluate(verdict.connection).outcome is not Outcome.ALLOWED:
        return None
    ports = sorted({case.port for case in verdict.cases})
    opened: dict[Path, None] = {}
    for change in changes.values():
        opened.update(dict.fromkeys(opened_by(engine, changed, verdict.connection, change, ports)))
    return Fix(raws, tuple(opened))


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


def _for_direction(
    engine: Engine, connection: Connection, trace: DirectionTrace, port: int, raw_of: RawOf
) -> Change | None:
    for policy in _deniers(trace):
        return _in_front(engine, connection, trace, policy, port, raw_of(policy.ref))
    if trace.ground is not Ground.POLICY:
        return None
    return _new_policy(engine.snapshot, connection, trace, port)


def _deniers(trace: DirectionTrace) -> Iterator[PolicyTrace]:
    for policy in trace.deciders:
        if policy.decided is Action.DENY:
            yield policy


def _new_policy(snapshot: Snapshot, connection: Connection, trace: DirectionTrace, port: int) -> Change | None:
    egress = trace.direction is Direction.EGRESS
    subject, peer = trace.question.subject.pod, trace.question.peer
    assert subject is not None
    ends = (connection.source, connection.destination) if egress else (connection.destination, connection.source)
    subjects = _pods_of(ends[0], subject)
    peers = _peers(snapshot, ends[1], _pods_of(ends[1], peer.pod or peer.host_pod))
    if not peers:
        return None
    rule = {"to" if egress else "from": peers, "ports": [{"protocol": connection.protocol.value, "port": port}]}
    kind = "Egress" if egress else "Ingress"
    workload = snapshot.contents[subject.namespace].workload_of(subject).name
    raw = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": _name(workload, kind, _label_of(ends[1]), port), "namespace": subject.namespace},
        "spec": {"podSelector": _selector(snapshot, subjects), "policyTypes": [kind], kind.lower(): [rule]},
    }
    return Change(raw, trace.direction, 0)


def _in_front(
    engine: Engine,
    connection: Connection,
    trace: DirectionTrace,
    policy: PolicyTrace,
    port: int,
    raw: Mapping[str, Any] | None,
) -> Change | None:
    """The denying policy with a rule that allows this before the one that denies it."""
    if raw is None or policy.deciding is None:
        return None
    egress = trace.direction is Direction.EGRESS
    end = connection.destination if egress else connection.source
    peer = trace.question.peer
    cluster = policy.ref.kind == "ClusterNetworkPolicy"
    protocol = connection.protocol.value
    ports: dict[str, Any] = (
        {"protocols": [{protocol.lower(): {"destinationPort": {"number": port}}}]}
        if cluster
        else {"ports": [{"portNumber": {"protocol": protocol, "port": port}}]}
    )
    peers = list(_tiered_peers(engine.snapshot, end, _pods_of(end, peer.pod or peer.host_pod)))
    if not peers:
        return None
    changed = copy.deepcopy(dict(raw))
    rules = changed["spec"]["egress" if egress else "ingress"]
    allow = {"action": "Accept" if cluster else "Allow", "to" if egress else "from": peers, **ports}
    rules.insert(policy.deciding, allow)
    return Change(changed, trace.direction, policy.deciding)


def _pods_of(end: End, judged: Pod | None) -> tuple[Pod, ...]:
    """The pods a fix has to cover: those of the end, or (behind a Service) those like the one that was judged."""
    return end.pods or ((judged,) if judged is not None else ())


def _selector(snapshot: Snapshot, pods: Sequence[Pod]) -> dict[str, Any]:
    """The fewest lasting labels that select the pods and, of their namespace, as little else as possible."""
    common = set.intersection(*(set(pod.labels.items()) for pod in pods))
    labels = dict(sorted((key, value) for key, value in common if key not in VOLATILE))
    others = [pod for pod in snapshot.contents[pods[0].namespace].pods.values() if not pod.finished]

    def reach(wanted: Mapping[str, str]) -> int:
        return sum(wanted.items() <= pod.labels.items() for pod in others)

    narrowest = reach(labels)
    # What names a workload is dropped last: it says best what the policy is for.
    for key in sorted(labels, key=lambda each: (each.rpartition("/")[2] in _IDENTITY, each)):
        fewer = {other: value for other, value in labels.items() if other != key}
        if fewer and reach(fewer) == narrowest:
            labels = fewer
    return {"matchLabels": labels} if labels else {}


def _peers(snapshot: Snapshot, end: End, pods: Sequence[Pod]) -> list[dict[str, Any]]:
    blocks = [{"ipBlock": block} for block in _blocks(end, pods)]
    inside = [pod for pod in pods if not pod.host_network]
    if inside:
        namespace = {"matchLabels": {METADATA_NAME: inside[0].namespace}}
        return [{"namespaceSelector": namespace, "podSelector": _selector(snapshot, inside)}, *blocks]
    return blocks


def _tiered_peers(snapshot: Snapshot, end: End, pods: Sequence[Pod]) -> Iterator[dict[str, Any]]:
    inside = [pod for pod in pods if not pod.host_network]
    if inside:
        namespace = {"matchLabels": {METADATA_NAME: inside[0].namespace}}
        yield {"pods": {"namespaceSelector": namespace, "podSelector": _selector(snapshot, inside)}}
    blocks = [block for block in _blocks(end, pods) if "except" not in block]
    if blocks:
        yield {"networks": [block["cidr"] for block in blocks]}


def _blocks(end: End, pods: Sequence[Pod]) -> Iterator[dict[str, Any]]:
    if end.kind is EndKind.INTERNET:
        yield {"cidr": "0.0.0.0/0", "except": [str(network) for network in NOT_INTERNET[4]]}
    elif end.network is not None:
        yield {"cidr": str(end.network)}
    yield from ({"cidr": f"{address}/{address.max_prefixlen}"} for address in end.addresses)
    for pod in pods:
        if pod.host_network:
            yield from ({"cidr": f"{ip}/{128 if ':' in ip else 32}"} for ip in pod.host_ips)


def _label_of(end: End) -> str:
    return end.ref.name if end.ref is not None else end.kind.value


def _name(workload: str, kind: str, other: str, port: int) -> str:
    preposition = "to" if kind == "Egress" else "from"
    return f"{workload[:90]}-{preposition}-{other[:90]}-{port}".lower().replace(".", "-")
