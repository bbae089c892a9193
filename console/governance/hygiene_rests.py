"""What the findings about a policy rest on, and what of that a change is seen to touch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from console.objects.core import Pod
from console.objects.selectors import LabelSelector
from console.objects.snapshot import Contents, Snapshot, implied_namespace
from console.policy.explain_idle import INJECTED
from console.policy.explain_model import Members
from console.policy.explain_study import Study
from console.policy.explain_wide import alternatives
from console.policy.match import keys_of, selects
from console.policy.model import CidrPeer, Direction, NodePeer, PodPeer

_Labels = Mapping[str, str]


class Turned(NamedTuple):
    """A pod that changed, by the labels it wore and wears; None where it was, or is, not there.

    `relabelled`: nothing that peers look at but its labels is another. `twin`: it came or went,
    and is like another pod that stayed.
    """

    name: str
    before: _Labels | None
    after: _Labels | None
    relabelled: bool = False
    twin: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What policies see of a change: a pod's readiness, for one, is nothing.

    `names` are the namespaces where anything is seen, `pods` those of its pods that changed, `spaces`
    the labels, before and after, of namespaces that came, went or were relabelled. `services`:
    addresses of Services differ; `nodes`: nodes do; `wide`: policies without a namespace.
    """

    names: frozenset[str]
    pods: Mapping[str, tuple[Turned, ...]]
    spaces: Mapping[str, tuple[_Labels | None, _Labels | None]]
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
            if any(
                _matches(selector, before) is not _matches(selector, after) for before, after in self.spaces.values()
            )
        )


def _matches(selector: LabelSelector | None, labels: _Labels | None) -> bool:
    """Whether a selector (None: any) matches what wears some labels, if it is there."""
    return labels is not None and (selector is None or selects(selector, labels))


@dataclass(frozen=True, slots=True)
class _Peer:
    """A peer by selectors: what is told of it rests on pods of some namespaces.

    `asked` is its namespaceSelector, where it matters which namespaces that matches. `none`: it
    matches no pod, and what is told of that rests on those it does not match. `witness`: that it
    matches this pod is all that matters.
    """

    namespaces: frozenset[str]
    asked: bytes
    pods: LabelSelector | None
    none: bool
    witness: str = ""

    def holds(self, seen: Seen, turned: frozenset[bytes], *, silent: bool) -> bool:
        """Whether a change leaves that as it was. `silent`: nothing is told of it, so that one more or less is nothing.

        `turned` are the namespaceSelectors that match other namespaces than before.
        """
        if self.asked in turned or (self.witness and not self.namespaces.isdisjoint(seen.spaces)):
            return False
        for name, pods in seen.pods.items():  # few, and asked of many peers
            if name in self.namespaces:
                for pod in pods:
                    if pod.name != self.witness if self.witness else silent and pod.twin:
                        continue
                    if not self._same(pod):
                        return False
        return True

    def _same(self, pod: Turned) -> bool:
        if pod.relabelled and pod.before is not None and pod.after is not None:
            if self.none:
                return all(pod.before.get(key) == pod.after.get(key) for key in keys_of(self.pods))
            return _matches(self.pods, pod.before) is _matches(self.pods, pod.after)
        return not self.none and not _matches(self.pods, pod.before) and not _matches(self.pods, pod.after)


@dataclass(frozen=True, slots=True)
class Rests:
    """What the findings about a policy rest on: all of some namespaces (None: of all), peers, addresses of Services."""

    homes: frozenset[str] | None
    peers: tuple[_Peer, ...] = ()
    services: bool = False
    #: The namespaces of the peers, and the namespaceSelectors that chose them.
    near: frozenset[str] = frozenset()
    selectors: Mapping[bytes, LabelSelector] = field(default_factory=dict)

    def near_to(self, seen: Seen, turned: frozenset[bytes]) -> bool:
        """Whether a change is anywhere near: only then need it be asked whether it holds."""
        if self.homes is None:
            return bool(seen.names) or seen.nodes or seen.wide
        return (
            not self.homes.isdisjoint(seen.names)
            or (self.services and seen.services)
            or not self.near.isdisjoint(seen.pods)
            or not self.near.isdisjoint(seen.spaces)
            or not turned.isdisjoint(self.selectors)
        )

    def holds(self, seen: Seen, turned: frozenset[bytes], *, silent: bool) -> bool:
        """Whether a change touches none of it. `silent`: there were no findings.

        `turned` are the namespaceSelectors that match other namespaces than before.
        """
        if not self.near_to(seen, turned):
            return True
        if self.homes is None or not self.homes.isdisjoint(seen.names) or (self.services and seen.services):
            return False
        return all(peer.holds(seen, turned, silent=silent) for peer in self.peers)

    @classmethod
    def together(cls, several: Iterable[Rests]) -> Rests:
        """What several rest on, to ask whether a change is near to any."""
        every = list(several)
        homes = [each.homes for each in every if each.homes is not None]
        return cls(
            frozenset().union(*homes) if len(homes) == len(every) else None,
            services=any(each.services for each in every),
            near=frozenset().union(*(each.near for each in every)),
            selectors={key: selector for each in every for key, selector in each.selectors.items()},
        )


def rests_of(study: Study) -> Rests:
    """What the findings about a policy rest on."""
    if not study.policy.ref.namespace:
        return Rests(None)
    peers: list[_Peer] = []
    selectors: dict[bytes, LabelSelector] = {}
    services = False
    for view in study.directions:
        for rule in view.rules:
            # Names are looked up on whatever a rule reaches.
            named = view.direction is Direction.EGRESS and any(port.match.name for port in rule.ports or ())
            if named and (rule.peers is None or any(peer.members is None for peer in rule.peers)):
                return Rests(None)
            counted = named or any(alternatives(rule.peers or ()))
            for peer in rule.peers or ():
                if isinstance(peer.peer, NodePeer):
                    return Rests(None)
                if isinstance(peer.peer, CidrPeer):
                    services = services or view.direction is Direction.EGRESS
                elif isinstance(peer.peer, PodPeer) and peer.members is not None:
                    if not INJECTED.keys().isdisjoint(keys_of(peer.peer.pods)):
                        return Rests(None)  # who carries these may be any pod
                    found = _peer(peer.peer, peer.members, counted=counted)
                    peers.append(found)
                    if found.asked and peer.peer.namespaces is not None:
                        selectors[found.asked] = peer.peer.namespaces
    homes = frozenset([*study.selected.namespaces, study.policy.ref.namespace])
    near = frozenset().union(*(each.namespaces for each in peers))
    return Rests(homes, tuple(peers), services, near, selectors)


def _peer(peer: PodPeer, members: Members, *, counted: bool) -> _Peer:
    """What is told of a peer rests on; `counted`: how many pods it matches, and their ports, matter."""
    asked = msgspec.json.encode(peer.namespaces) if peer.namespaces is not None else b""
    if counted or not members.pods:
        return _Peer(frozenset(members.namespaces), asked, peer.pods, not members.pods)
    if peer.namespaces is not None and not peer.namespaces.is_empty:
        asked = b""  # of a selector of every namespace it is told how many there are
    witness = members.pods[0]
    return _Peer(frozenset([witness.namespace]), asked, peer.pods, none=False, witness=witness.name)


def seen_of(before: Snapshot | None, after: Snapshot) -> Seen | None:
    """What policies see of a change; None where anything may be another."""
    if before is None or before.coverage != after.coverage:
        return None
    names: set[str] = set()
    pods: dict[str, tuple[Turned, ...]] = {}
    spaces: dict[str, tuple[_Labels | None, _Labels | None]] = {}
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
            if not (one is other and owned) and (one.labels != other.labels or _face(was, one) != _face(held, other)):
                alike = (one.ports, one.host_network) == (other.ports, other.host_network)
                found.append(Turned(name, one.labels, other.labels, relabelled=alike))
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
