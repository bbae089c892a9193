"""What policies see of a change: pods that came, went or look otherwise, namespaces relabelled, and all else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from console.objects.core import Pod
from console.objects.selectors import LabelSelector
from console.objects.snapshot import Contents, Snapshot, implied_namespace
from console.policy.match import selects

Labels = Mapping[str, str]


class Turned(NamedTuple):
    """A pod that changed, by the labels it wore and wears; None where it was, or is, not there.

    `relabelled`: nothing that peers look at but its labels is another; `same`: nothing at all but
    these. `twin`: it came or went, and is like another pod that stayed.
    """

    name: str
    before: Labels | None
    after: Labels | None
    relabelled: bool = False
    same: bool = False
    twin: bool = False

    def wears(self, keys: Iterable[str]) -> bool:
        """Whether it was there before and after, with the same of some labels."""
        before, after = self.before, self.after
        return before is not None and after is not None and all(before.get(key) == after.get(key) for key in keys)


@dataclass(frozen=True, slots=True)
class Seen:
    """What policies see of a change: a pod's readiness, for one, is nothing.

    `names` are the namespaces where anything is seen, `others` those where it is more than pods,
    `pods` their pods that changed, `spaces` the labels, before and after, of namespaces that came,
    went or were relabelled. `services`: addresses of Services differ; `nodes`: nodes do; `wide`:
    policies without a namespace.
    """

    names: frozenset[str]
    others: frozenset[str]
    pods: Mapping[str, tuple[Turned, ...]]
    spaces: Mapping[str, tuple[Labels | None, Labels | None]]
    services: bool = False
    nodes: bool = False
    wide: bool = False

    def turned(self, selectors: Mapping[bytes, LabelSelector]) -> frozenset[bytes]:
        """Those of some namespaceSelectors that match other namespaces than before."""
        if not self.spaces:
            return frozenset()
        return frozenset(
            key
            for key, selector in selectors.items()
            if any(matches(selector, before) is not matches(selector, after) for before, after in self.spaces.values())
        )


def matches(selector: LabelSelector | None, labels: Labels | None) -> bool:
    """Whether a selector (None: any) matches what wears some labels, if it is there."""
    return labels is not None and (selector is None or selects(selector, labels))


def seen_of(before: Snapshot | None, after: Snapshot) -> Seen | None:
    """What policies see of a change; None where anything may be another."""
    if before is None or before.coverage != after.coverage:
        return None
    names: set[str] = set()
    pods: dict[str, tuple[Turned, ...]] = {}
    spaces: dict[str, tuple[Labels | None, Labels | None]] = {}
    services = False
    for name, was, held in _differing(before, after):
        if _worn(was) != _worn(held):
            if not all(each is None or each.namespace.labels_known for each in (was, held)):
                return None
            spaces[name] = (was.namespace.labels if was else None, held.namespace.labels if held else None)
            names.add(name)
        one, other = was or _empty(name), held or _empty(name)
        if _policies(one) != _policies(other):
            names.add(name)
        if changed := _pods(one, other):
            pods[name] = changed
        if _addresses(one) != _addresses(other):
            names.add(name)
            services = True
    return Seen(
        frozenset(names | pods.keys()),
        frozenset(names),
        pods,
        spaces,
        services,
        nodes=before.nodes != after.nodes,
        wide=_cluster_wide(before) != _cluster_wide(after),
    )


def _differing(before: Snapshot, after: Snapshot) -> Iterator[tuple[str, Contents | None, Contents | None]]:
    """The namespaces that are not the same, as they were and as they are."""
    old, new = before.contents, after.contents
    for name, held in new.items():
        was = old.get(name)
        if was is not held:
            yield name, was, held
    for name in old.keys() - new.keys():
        yield name, old[name], None


def _empty(name: str) -> Contents:
    return Contents(implied_namespace(name))


def _worn(held: Contents | None) -> object:
    return held and (held.namespace.labels, held.namespace.labels_known)


def _cluster_wide(snapshot: Snapshot) -> object:
    return [id(each) for each in (*snapshot.tiered.values(), *snapshot.foreign.values())]


def _policies(held: Contents) -> object:
    return [id(policy) for policy in (*held.policies.values(), *held.foreign.values())]


def _addresses(held: Contents) -> object:
    return {name: service.cluster_ips for name, service in held.services.items()}


def _pods(was: Contents, held: Contents) -> tuple[Turned, ...]:
    """The pods that came, went or look otherwise."""
    old = {name: pod for name, pod in was.pods.items() if not pod.finished}
    new = {name: pod for name, pod in held.pods.items() if not pod.finished}
    owned = was.owners == held.owners
    found: list[Turned] = []
    for name in {**old, **new}:
        one, other = old.get(name), new.get(name)
        if one is not None and other is not None:
            same = (one is other and owned) or _face(was, one) == _face(held, other)
            if not same or one.labels != other.labels:
                relabelled = (one.ports, one.host_network) == (other.ports, other.host_network)
                found.append(Turned(name, one.labels, other.labels, relabelled=relabelled, same=same))
        elif one is not None:
            found.append(Turned(name, one.labels, None, twin=_twin(was, one, old, new)))
        elif other is not None:
            found.append(Turned(name, None, other.labels, twin=_twin(held, other, new, old)))
    return tuple(found)


def _face(held: Contents, pod: Pod) -> object:
    """A pod as the findings about policies that select it look at it, but for its labels."""
    return pod.ports, pod.images, pod.host_network, held.workload_of(pod)


def _twin(held: Contents, pod: Pod, here: Mapping[str, Pod], there: Mapping[str, Pod]) -> bool:
    """Whether another pod of the namespace, the same before and after, looks as a pod does."""
    return any(
        there.get(name) is each and each.labels == pod.labels and _face(held, each) == _face(held, pod)
        for name, each in here.items()
        if each is not pod
    )
