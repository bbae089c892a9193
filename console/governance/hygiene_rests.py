"""What the findings about a policy rest on, and what of that a change is seen to touch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from console.objects.core import Pod
from console.objects.selectors import LabelSelector
from console.objects.snapshot import Contents, Snapshot
from console.policy.explain_idle import INJECTED
from console.policy.explain_study import Study
from console.policy.match import keys_of, selects
from console.policy.model import CidrPeer, Direction, NodePeer, PodPeer

_Labels = Mapping[str, str]


class Turned(NamedTuple):
    """A pod that changed, by the labels it wore and wears; None where it was, or is, not there.

    `twin`: it came or went, and is like another pod that stayed.
    """

    before: _Labels | None
    after: _Labels | None
    relabelled: bool = False
    twin: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What policies see of a change: a pod's readiness, for one, is nothing.

    `names` are the namespaces where anything is seen, `pods` those of its pods that changed.
    `services`: addresses of Services differ.
    """

    names: frozenset[str]
    pods: Mapping[str, tuple[Turned, ...]]
    services: bool


@dataclass(frozen=True, slots=True)
class _Peer:
    """A peer by selectors. `none`: it matches no pod, and what is told of that rests on those it does not match."""

    namespaces: frozenset[str]
    pods: LabelSelector | None
    none: bool

    def holds(self, seen: Seen, *, silent: bool) -> bool:
        """Whether it matches the same pods. `silent`: nothing is told of it, so that one more or less is nothing."""
        return all(
            self._same(pod) or (silent and pod.twin)
            for name in self.namespaces & seen.pods.keys()
            for pod in seen.pods[name]
        )

    def _same(self, pod: Turned) -> bool:
        if pod.relabelled and pod.before is not None and pod.after is not None:
            if self.none:
                return all(pod.before.get(key) == pod.after.get(key) for key in keys_of(self.pods))
            return self._matches(pod.before) is self._matches(pod.after)
        return not self.none and not any(
            self._matches(labels) for labels in (pod.before, pod.after) if labels is not None
        )

    def _matches(self, labels: _Labels) -> bool:
        return self.pods is None or selects(self.pods, labels)


@dataclass(frozen=True, slots=True)
class Rests:
    """What the findings about a policy rest on: all of some namespaces (None: of all), peers, addresses of Services."""

    homes: frozenset[str] | None
    peers: tuple[_Peer, ...] = ()
    services: bool = False
    #: The namespaces of the peers.
    near: frozenset[str] = frozenset()

    def holds(self, seen: Seen, *, silent: bool) -> bool:
        """Whether a change touches none of it. `silent`: there were no findings."""
        if self.homes is None:
            return not seen.names
        if not self.homes.isdisjoint(seen.names) or (self.services and seen.services):
            return False
        return self.near.isdisjoint(seen.pods) or all(peer.holds(seen, silent=silent) for peer in self.peers)


def rests_of(study: Study) -> Rests:
    """What the findings about a policy rest on."""
    if not study.policy.ref.namespace:
        return Rests(None)
    peers: list[_Peer] = []
    services = False
    for view in study.directions:
        for rule in view.rules:
            # Names are looked up on whatever a rule reaches.
            named = view.direction is Direction.EGRESS and any(port.match.name for port in rule.ports or ())
            if named and (rule.peers is None or any(peer.members is None for peer in rule.peers)):
                return Rests(None)
            for peer in rule.peers or ():
                if isinstance(peer.peer, NodePeer):
                    return Rests(None)
                if isinstance(peer.peer, CidrPeer):
                    services = services or view.direction is Direction.EGRESS
                elif isinstance(peer.peer, PodPeer) and peer.members is not None:
                    if not INJECTED.keys().isdisjoint(keys_of(peer.peer.pods)):
                        return Rests(None)  # who carries these may be any pod
                    names = frozenset(peer.members.namespaces)
                    peers.append(_Peer(names, peer.peer.pods, not peer.members.pods))
    homes = {*study.selected.namespaces, study.policy.ref.namespace}
    return Rests(frozenset(homes), tuple(peers), services, frozenset().union(*(each.namespaces for each in peers)))


def seen_of(before: Snapshot | None, after: Snapshot) -> Seen | None:
    """What policies see of a change; None where anything may be another."""
    if before is None or before.coverage != after.coverage or _whole(before) != _whole(after):
        return None
    names: set[str] = set()
    pods: dict[str, tuple[Turned, ...]] = {}
    services = False
    for name, held in after.contents.items():
        was = before.contents[name]
        if held is was:
            continue
        if _policies(held) != _policies(was):
            names.add(name)
        if changed := _pods(was, held):
            pods[name] = changed
        if _addresses(held) != _addresses(was):
            names.add(name)
            services = True
    return Seen(frozenset(names | pods.keys()), pods, services)


def _whole(snapshot: Snapshot) -> object:
    """What any policy may rest on: namespaces with their labels, nodes, cluster-scoped policies."""
    names = [(name, held.namespace.labels, held.namespace.labels_known) for name, held in snapshot.contents.items()]
    cluster_wide = [id(each) for each in (*snapshot.tiered.values(), *snapshot.foreign.values())]
    return names, snapshot.nodes, cluster_wide


def _policies(held: Contents) -> object:
    return [id(policy) for policy in (*held.policies.values(), *held.foreign.values())]


def _addresses(held: Contents) -> object:
    return {name: service.cluster_ips for name, service in held.services.items()}


def _pods(was: Contents, held: Contents) -> tuple[Turned, ...]:
    """The pods that came, went or look otherwise."""
    old = {name: pod for name, pod in was.pods.items() if not pod.finished}
    new = {name: pod for name, pod in held.pods.items() if not pod.finished}
    found: list[Turned] = []
    for name in {**old, **new}:
        one, other = old.get(name), new.get(name)
        if one is not None and other is not None:
            faces = _face(was, one), _face(held, other)
            if faces[0] != faces[1] or one.labels != other.labels:
                found.append(Turned(one.labels, other.labels, relabelled=faces[0] == faces[1]))
        elif one is not None:
            found.append(Turned(one.labels, None, twin=_twin(was, one, old, new)))
        elif other is not None:
            found.append(Turned(None, other.labels, twin=_twin(held, other, new, old)))
    return tuple(found)


def _face(held: Contents, pod: Pod) -> object:
    """A pod as policies' findings look at it, but for its labels."""
    return pod.ports, pod.images, pod.host_network, held.workload_of(pod)


def _twin(held: Contents, pod: Pod, here: Mapping[str, Pod], there: Mapping[str, Pod]) -> bool:
    """Whether another pod of the namespace, the same before and after, looks as a pod does."""
    return any(
        there.get(name) is each and each.labels == pod.labels and _face(held, each) == _face(held, pod)
        for name, each in here.items()
        if each is not pod
    )
