"""What is proven to match no more than something else, whatever pods there are: selectors, networks, ports, rules.

Nothing here looks at a pod. Where a comparison cannot be decided from what is written
(a selector and a network, a named port and a number, hosts by name), it is not
claimed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from console.objects.core import METADATA_NAME
from console.objects.meta import ObjectRef
from console.objects.selectors import LabelSelector
from console.policy.addresses import contains
from console.policy.model import CidrPeer, Network, NodePeer, Peer, PodPeer, PortMatch, Rule, Subject


@dataclass(frozen=True, slots=True)
class _Values:
    """What a selector lets a label be: `named` values or, where `others`, all but those; and perhaps `absent`."""

    absent: bool
    others: bool
    named: frozenset[str]

    @property
    def none(self) -> bool:
        return not self.absent and not self.others and not self.named

    def both(self, other: _Values) -> _Values:
        absent = self.absent and other.absent
        if self.others and other.others:
            return _Values(absent, True, self.named | other.named)
        if self.others:
            return _Values(absent, False, other.named - self.named)
        return _Values(absent, False, self.named - other.named if other.others else self.named & other.named)

    def within(self, other: _Values) -> bool:
        if self.absent and not other.absent:
            return False
        if self.others:
            return other.others and other.named <= self.named
        return self.named.isdisjoint(other.named) if other.others else self.named <= other.named


_NOTHING_NAMED: frozenset[str] = frozenset()
#: A selector as what it lets each label be; a label that is not here may be anything.
_Labels = Mapping[str, _Values]


def _operator(operator: str, values: Sequence[str]) -> _Values:
    if operator in ("In", "NotIn"):
        return _Values(operator == "NotIn", operator == "NotIn", frozenset(values))
    return _Values(operator == "DoesNotExist", operator == "Exists", _NOTHING_NAMED)


def _labels(selector: LabelSelector | None) -> _Labels:
    found: dict[str, _Values] = {}
    if selector is not None:
        asked = [(key, _operator("In", [value])) for key, value in (selector.match_labels or {}).items()]
        asked += [(each.key, _operator(each.operator, each.values or ())) for each in selector.match_expressions or ()]
        for key, values in asked:
            found[key] = found[key].both(values) if key in found else values
    return found


def _namespace_labels(selector: LabelSelector | None, home: str) -> _Labels:
    """None means the namespace `home`: by its name, which every namespace carries as a label."""
    if selector is None:
        return {METADATA_NAME: _operator("In", [home])}
    labels = dict(_labels(selector))
    if METADATA_NAME in labels:
        labels[METADATA_NAME] = labels[METADATA_NAME].both(_operator("Exists", ()))
    return labels


def _implied(narrow: _Labels, wide: _Labels) -> bool:
    """Whether all that `narrow` selects is selected by `wide`; not claimed of a selector that contradicts itself."""
    if any(values.none for values in narrow.values()):
        return False
    return all(key in narrow and narrow[key].within(values) for key, values in wide.items())


def contradicts_itself(selector: LabelSelector | None) -> bool:
    """Whether no set of labels can satisfy a selector."""
    return any(values.none for values in _labels(selector).values())


def subject_within(narrow: Subject, wide: Subject) -> bool:
    """Whether every pod the one subject selects, now or ever, is selected by the other."""
    one, other = _pod_shape(narrow), _pod_shape(wide)
    return _shape_within(one, other)


def network_within(narrow: Network, wide: Network) -> bool:
    """Whether every address of the one network is in the other."""
    return contains(wide, narrow.network_address) and narrow.prefixlen >= wide.prefixlen


@dataclass(frozen=True, slots=True)
class _PodShape:
    namespaces: _Labels
    pods: _Labels


@dataclass(frozen=True, slots=True)
class _NodeShape:
    nodes: _Labels


#: A peer made ready for comparing; None where it can be compared with nothing.
_Shape = _PodShape | _NodeShape | CidrPeer | None


def _pod_shape(peer: PodPeer | Subject) -> _PodShape:
    return _PodShape(_namespace_labels(peer.namespaces, peer.home), _labels(peer.pods))


def _shape(peer: Peer) -> _Shape:
    if isinstance(peer, PodPeer):
        return _pod_shape(peer)
    if isinstance(peer, NodePeer):
        return _NodeShape(_labels(peer.nodes))
    return peer if isinstance(peer, CidrPeer) else None


def _shape_within(narrow: _Shape, wide: _Shape) -> bool:
    if isinstance(narrow, _PodShape) and isinstance(wide, _PodShape):
        return _implied(narrow.namespaces, wide.namespaces) and _implied(narrow.pods, wide.pods)
    if isinstance(narrow, _NodeShape) and isinstance(wide, _NodeShape):
        return _implied(narrow.nodes, wide.nodes)
    if isinstance(narrow, CidrPeer) and isinstance(wide, CidrPeer):
        return network_within(narrow.network, wide.network) and all(
            _apart(hole, narrow.network) or any(network_within(hole, each) for each in narrow.excepts)
            for hole in wide.excepts
        )
    return False


def _apart(one: Network, other: Network) -> bool:
    return not contains(one, other.network_address) and not contains(other, one.network_address)


def _port_within(narrow: PortMatch, wide: PortMatch) -> bool:
    if wide.protocol is not None and wide.protocol is not narrow.protocol:
        return False
    if wide.name:
        return narrow.name == wide.name
    if wide.low is None or wide.high is None:
        return True  # all ports of the protocol: a name can only mean one of them
    if narrow.low is None or narrow.high is None:
        return False
    return wide.low <= narrow.low and narrow.high <= wide.high


def may_cover(wide: tuple[PortMatch, ...] | None, narrow: tuple[PortMatch, ...] | None) -> bool:
    """Whether some ports may match all or a part of what others do; None is any."""
    if wide is None:
        return True
    return narrow is not None and any(_port_within(one, other) for one in narrow for other in wide)


@dataclass(frozen=True, slots=True)
class Region:
    """What a rule matches, ready for comparing: any of its peers on any of its ports. None: any."""

    peers: tuple[_Shape, ...] | None
    ports: tuple[PortMatch, ...] | None

    def parts(self) -> Iterator[Region]:
        """One peer on one port each."""
        for peer in [None] if self.peers is None else [(each,) for each in self.peers]:
            for port in [None] if self.ports is None else [(each,) for each in self.ports]:
                yield Region(peer, port)

    def covers(self, part: Region) -> bool:
        """Whether it surely matches all that one of another's parts matches."""
        if self.ports is not None and not (
            part.ports is not None and any(_port_within(part.ports[0], wide) for wide in self.ports)
        ):
            return False
        if self.peers is None:
            return True
        return part.peers is not None and any(_shape_within(part.peers[0], wide) for wide in self.peers)


def region(peers: Sequence[Peer] | None, ports: tuple[PortMatch, ...] | None) -> Region:
    """The region of some peers on some ports."""
    return Region(None if peers is None else tuple(_shape(peer) for peer in peers), ports)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule that may cover another: of which policy, what it matches, and whether that selects the same pods `ever`.

    `ever` is false where that holds of the pods there are now only.
    """

    ref: ObjectRef
    rule: Rule
    region: Region
    ever: bool = True


def covering(narrow: Region, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The candidates that together match all that a region does, the fewest found; empty where that is not proven."""
    parts = list(narrow.parts())
    for one in candidates:
        if all(one.region.covers(part) for part in parts):
            return (one,)
    used: dict[int, Candidate] = {}
    for part in parts:
        found = next((number for number, one in enumerate(candidates) if one.region.covers(part)), None)
        if found is None:
            return ()
        used[found] = candidates[found]
    return tuple(used[number] for number in sorted(used))
