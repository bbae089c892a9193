"""What the findings about a policy rest on, and whether a change touches any of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from console.governance.hygiene_seen import Seen, Turned, matches
from console.objects.selectors import LabelSelector
from console.policy.explain_idle import INJECTED
from console.policy.explain_model import Members, PeerView
from console.policy.explain_study import Study
from console.policy.explain_wide import alternatives
from console.policy.match import keys_of
from console.policy.model import CidrPeer, Direction, NodePeer, PodPeer


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
        if pod.relabelled:
            if self.none:
                return pod.wears(keys_of(self.pods))
            return matches(self.pods, pod.before) is matches(self.pods, pod.after)
        return not self.none and not matches(self.pods, pod.before) and not matches(self.pods, pod.after)


@dataclass(frozen=True, slots=True)
class _Subject:
    """Whom a policy selects. `none`: nobody. `keys` are the labels by which others over its namespace select.

    `worn`: what is told rests on any label of whom it selects.
    """

    pods: LabelSelector | None
    none: bool
    keys: frozenset[str]
    worn: bool

    def holds(self, pod: Turned, *, silent: bool) -> bool:
        """Whether a pod of the policy's namespace that changed changes nothing that is told. `silent`: nothing is."""
        if silent and pod.twin:
            return True
        if self.none:
            return pod.same and pod.wears(keys_of(self.pods))
        if not matches(self.pods, pod.before) and not matches(self.pods, pod.after):
            return True
        return pod.same and not self.worn and pod.wears(self.keys)


@dataclass(frozen=True, slots=True)
class Rests:
    """What the findings about a policy rest on: its namespace and whom it selects there, peers, addresses of Services.

    `homes` None: everything.
    """

    homes: frozenset[str] | None
    subject: _Subject | None = None
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
        if self.homes is None or not self.homes.isdisjoint(seen.others) or (self.services and seen.services):
            return False
        subject = self.subject
        for name in self.homes & seen.names:
            if subject is None or not all(subject.holds(pod, silent=silent) for pod in seen.pods[name]):
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


def rests_of(study: Study, keys: frozenset[str], *, worn: bool) -> Rests:
    """What the findings about a policy rest on.

    `keys` are the labels by which policies select pods of its namespace. `worn`: what is told
    rests on any label of whom it selects.
    """
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
            neighbours = list(alternatives(rule.peers or ()))
            counted = named or bool(neighbours)
            # Of two alternatives it is told whom they would match as one.
            peers += [each for pair in neighbours for each in _together(*pair)]
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
    pods = study.policy.subject.pods
    told = _Subject(pods, not study.selected.pods, keys, worn)
    # Who carries what an injector sets may be any pod.
    subject = told if INJECTED.keys().isdisjoint(keys_of(pods)) else None
    near = frozenset().union(*(each.namespaces for each in peers))
    return Rests(frozenset([study.policy.ref.namespace]), subject, tuple(peers), services, near, selectors)


def _together(one: PeerView, other: PeerView) -> Iterator[_Peer]:
    """The pods of each that the selector of the other would match, too."""
    for view, beside in ((one, other), (other, one)):
        if view.members is not None and isinstance(beside.peer, PodPeer):
            yield _Peer(frozenset(view.members.namespaces), b"", beside.peer.pods, none=False)


def _peer(peer: PodPeer, members: Members, *, counted: bool) -> _Peer:
    """What is told of a peer rests on; `counted`: how many pods it matches, and their ports, matter."""
    asked = msgspec.json.encode(peer.namespaces) if peer.namespaces is not None else b""
    if counted or not members.pods:
        return _Peer(frozenset(members.namespaces), asked, peer.pods, not members.pods)
    if peer.namespaces is not None and not peer.namespaces.is_empty:
        asked = b""  # of a selector of every namespace it is told how many there are
    witness = members.pods[0]
    return _Peer(frozenset([witness.namespace]), asked, peer.pods, none=False, witness=witness.name)
