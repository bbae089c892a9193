"""Writing the policies of a fix: the fewest labels that select pods, peers, ports and names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import collapse_addresses, ip_network
from typing import Any, Final

from console.objects.core import METADATA_NAME, Pod
from console.objects.snapshot import Snapshot
from console.policy.addresses import NOT_INTERNET
from console.policy.model import Network, Protocol
from console.policy.parties import pod_party
from console.policy.verdict import End, EndKind

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
#: Ends of label keys that name a workload.
_IDENTITY: Final = frozenset(["app", "name", "instance", "component", "job-name", "cluster", "inferenceservice"])
#: Networks that one peer of a cluster-scoped policy may hold (maxItems of its CRD).
_MOST_NETWORKS: Final = 25

Raw = dict[str, Any]


def selector(snapshot: Snapshot, pods: Sequence[Pod]) -> Raw:
    """The fewest lasting labels that select the pods and, of their namespace, as little else as possible."""
    common = set.intersection(*(set(pod.labels.items()) for pod in pods))
    labels = dict(sorted((key, value) for key, value in common if key not in VOLATILE))
    needed = _Needed(labels, selected(snapshot, pods[0].namespace, {}))
    # What names a workload is dropped last: it says best what the policy is for.
    for key in sorted(labels, key=lambda each: (each.rpartition("/")[2] in _IDENTITY, each)):
        if len(labels) > 1 and not needed(key):
            needed.drop(key)
            del labels[key]
    return {"matchLabels": labels} if labels else {}


class _Needed:
    """Which of some labels keep a pod out that all of the others let in.

    A pod of very many labels is not asked again for each of them: pods that wear the same
    of these labels count once, by how many they wear.
    """

    def __init__(self, labels: Mapping[str, str], pods: Iterable[Pod]) -> None:
        self._left = len(labels)
        worn = list({frozenset(labels.items() & pod.labels.items()) for pod in pods})
        self._wears = [len(each) for each in worn]
        self._wearing: dict[str, list[int]] = {}
        for number, each in enumerate(worn):
            for key, _ in each:
                self._wearing.setdefault(key, []).append(number)
        #: By how many labels are worn: how many groups of pods wear so many.
        self._groups = Counter(self._wears)

    def __call__(self, key: str) -> bool:
        """Whether a pod lacks this label and no other."""
        nearly = self._left - 1
        return self._groups[nearly] > sum(self._wears[each] == nearly for each in self._wearing.get(key, ()))

    def drop(self, key: str) -> None:
        """Ask for a label no more."""
        self._left -= 1
        for each in self._wearing.get(key, ()):
            self._groups[self._wears[each]] -= 1
            self._wears[each] -= 1
            self._groups[self._wears[each]] += 1


def selectors(snapshot: Snapshot, pods: Sequence[Pod]) -> list[Raw]:
    """One selector for pods of a namespace, or one for each workload where that selects less besides."""
    one = [selector(snapshot, pods)]
    each = [selector(snapshot, members) for members in by_workload(snapshot, pods)]
    return each if len(_union(snapshot, pods, each)) < len(_union(snapshot, pods, one)) else one


def selected(snapshot: Snapshot, namespace: str, wanted: Raw) -> list[Pod]:
    """The pods of a namespace that a selector of this module selects; finished ones are none."""
    labels = wanted.get("matchLabels", {}).items()
    held = snapshot.contents[namespace].pods.values()
    return [pod for pod in held if not pod.finished and labels <= pod.labels.items()]


def _union(snapshot: Snapshot, pods: Sequence[Pod], wanted: Iterable[Raw]) -> set[str]:
    return {pod.name for each in wanted for pod in selected(snapshot, pods[0].namespace, each)}


def by_workload(snapshot: Snapshot, pods: Iterable[Pod]) -> list[list[Pod]]:
    """Pods by the workload they belong to."""
    found: dict[object, list[Pod]] = {}
    for pod in pods:
        found.setdefault(snapshot.contents[pod.namespace].workload_of(pod), []).append(pod)
    return list(found.values())


def peers(snapshot: Snapshot, end: End, pods: Sequence[Pod], families: Iterable[int]) -> list[Raw]:
    """What a NetworkPolicy's ``from`` or ``to`` has to name for an end; empty where nothing names it."""
    found: list[Raw] = []
    for namespace, inside in _by_namespace(pods):
        named = {"namespaceSelector": {"matchLabels": {METADATA_NAME: namespace}}}
        found += [{**named, "podSelector": each} for each in selectors(snapshot, inside)]
    for network, excepts in _networks(snapshot, end, pods, families):
        found.append({"ipBlock": {"cidr": str(network), **({"except": excepts} if excepts else {})}})
    return found


def tiered_peers(
    snapshot: Snapshot, end: End, pods: Sequence[Pod], families: Iterable[int], *, egress: bool
) -> list[Raw]:
    """What a rule of a cluster-scoped policy has to name for an end; empty where nothing names it."""
    found: list[Raw] = []
    for namespace, inside in _by_namespace(pods):
        named = {"namespaceSelector": {"matchLabels": {METADATA_NAME: namespace}}}
        found += [{"pods": {**named, "podSelector": each}} for each in selectors(snapshot, inside)]
    outside: list[str] = []
    for network, excepts in _networks(snapshot, end, pods, families):
        outside += map(str, without(network, map(ip_network, excepts)))
    if outside and not egress:
        return []  # its ingress peers are pods
    for first in range(0, len(outside), _MOST_NETWORKS):
        found.append({"networks": outside[first : first + _MOST_NETWORKS]})
    return found


def without(network: Network, excepts: Iterable[Network]) -> list[Network]:
    """A network less parts of it, in the fewest networks: for policies that know no exceptions."""
    left: list[Any] = [network]
    for out in excepts:
        kept: list[Any] = []
        for each in left:
            kept += each.address_exclude(out) if out.subnet_of(each) else [each]
        left = kept
    return list(collapse_addresses(left))


def _by_namespace(pods: Iterable[Pod]) -> Iterator[tuple[str, list[Pod]]]:
    found: dict[str, list[Pod]] = {}
    for pod in pods:
        if not pod.host_network:
            found.setdefault(pod.namespace, []).append(pod)
    yield from found.items()


def _networks(
    snapshot: Snapshot, end: End, pods: Iterable[Pod], families: Iterable[int]
) -> Iterator[tuple[Network, list[str]]]:
    """The networks an end stands for, with what is no part of it: a pod on its node's network is its address."""
    if end.kind is EndKind.INTERNET:
        for family in sorted(families):
            whole = ip_network("0.0.0.0/0" if family == 4 else "2000::/3")
            closed = NOT_INTERNET[family]
            yield whole, [str(each) for each in closed] if family == 4 else []
    elif end.network is not None:
        yield end.network, []
    found = dict.fromkeys(end.addresses)
    for pod in pods:
        if pod.host_network:
            parties = (pod_party(pod, snapshot, family) for family in (4, 6))
            found.update({party.address: None for party in parties if party.address is not None})
    for address in found:
        yield ip_network(address), []


def tiered_ports(kind: str, protocol: Protocol, port: int) -> Raw:
    """One port in the words of a kind of cluster-scoped policy."""
    if kind == "ClusterNetworkPolicy":
        return {"protocols": [{protocol.value.lower(): {"destinationPort": {"number": port}}}]}
    return {"ports": [{"portNumber": {"protocol": protocol.value, "port": port}}]}


def name(workload: str, preposition: str, other: End, port: int, taken: Iterable[str]) -> str:
    """A name for a new policy that says what it is for, and that no other has."""
    what = other.ref.name if other.ref is not None else other.kind.value
    wanted = f"{workload[:90]}-{preposition}-{what[:90]}-{port}".lower().replace(".", "-")
    used = set(taken)
    return next(each for each in (wanted, *(f"{wanted}-{n}" for n in range(2, len(used) + 3))) if each not in used)
