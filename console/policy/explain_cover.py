"""What is proven to match no more than something else, whatever pods there are: selectors and networks.

Nothing here looks at a pod. Where a comparison cannot be decided from what is written
(a selector and a network, hosts by name), it is not
claimed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from console.objects.core import METADATA_NAME
from console.objects.selectors import LabelSelector
from console.policy.model import CidrPeer, Network, NodePeer, Peer, PodPeer, Subject


@dataclass(frozen=True, slots=True)
class Values:
    """What a selector lets a label be: `named` values or, where `others`, all but those; and perhaps `absent`."""

    absent: bool
    others: bool
    named: frozenset[str]

    @property
    def none(self) -> bool:
        """Whether nothing satisfies it."""
        return not self.absent and not self.others and not self.named

    def both(self, other: Values) -> Values:
        """What satisfies the two."""
        absent = self.absent and other.absent
        if self.others and other.others:
            return Values(absent, True, self.named | other.named)
        if self.others:
            return Values(absent, False, other.named - self.named)
        return Values(absent, False, self.named - other.named if other.others else self.named & other.named)

    def within(self, other: Values) -> bool:
        """Whether whatever satisfies it satisfies the other."""
        if self.absent and not other.absent:
            return False
        if self.others:
            return other.others and other.named <= self.named
        return self.named.isdisjoint(other.named) if other.others else self.named <= other.named


_NOTHING_NAMED: frozenset[str] = frozenset()
#: A selector as what it lets each label be; a label that is not here may be anything.
Labels = Mapping[str, Values]


def _operator(operator: str, values: Sequence[str]) -> Values:
    if operator in ("In", "NotIn"):
        return Values(operator == "NotIn", operator == "NotIn", frozenset(values))
    return Values(operator == "DoesNotExist", operator == "Exists", _NOTHING_NAMED)


def _labels(selector: LabelSelector | None) -> Labels:
    found: dict[str, Values] = {}
    if selector is not None:
        asked = [(key, _operator("In", [value])) for key, value in (selector.match_labels or {}).items()]
        asked += [(each.key, _operator(each.operator, each.values or ())) for each in selector.match_expressions or ()]
        for key, values in asked:
            found[key] = found[key].both(values) if key in found else values
    return found


def _namespace_labels(selector: LabelSelector | None, home: str) -> Labels:
    """None means the namespace `home`: by its name, which every namespace carries as a label."""
    if selector is None:
        return {METADATA_NAME: _operator("In", [home])}
    labels = dict(_labels(selector))
    if METADATA_NAME in labels:
        labels[METADATA_NAME] = labels[METADATA_NAME].both(_operator("Exists", ()))
    return labels


def _implied(narrow: Labels, wide: Labels) -> bool:
    """Whether all that `narrow` selects is selected by `wide`; not claimed of a selector that contradicts itself."""
    if any(values.none for values in narrow.values()):
        return False
    return all(key in narrow and narrow[key].within(values) for key, values in wide.items())


def contradicts_itself(selector: LabelSelector | None) -> bool:
    """Whether no set of labels can satisfy a selector."""
    return any(values.none for values in _labels(selector).values())


def subject_within(narrow: Subject, wide: Subject) -> bool:
    """Whether every pod the one subject selects, now or ever, is selected by the other."""
    return within(selector_shape(narrow), selector_shape(wide))


@dataclass(frozen=True, slots=True)
class SelectorShape:
    """Selectors made ready for comparing: what they let the labels be, of each thing whose labels they ask for."""

    labels: tuple[tuple[str, Labels], ...]

    @property
    def same(self) -> Hashable:
        """Equal for shapes that are."""
        return tuple((about, frozenset(labels.items())) for about, labels in self.labels)


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """A network less some of it, made ready for comparing: what is left out as (first, last) that never overlap."""

    version: int
    first: int
    last: int
    holes: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, network: Network, excepts: Iterable[Network] = ()) -> NetworkShape:
        """The shape of a network with its exceptions."""
        spans = sorted(_span(each) for each in excepts if each.version == network.version)
        holes: list[tuple[int, int]] = []
        for first, last in sorted(spans, key=lambda span: (span[0], -span[1])):
            if not holes or first > holes[-1][1]:  # of two networks one lies in the other, or they are apart
                holes.append((first, last))
        return cls(network.version, *_span(network), tuple(holes))

    def within(self, other: NetworkShape) -> bool:
        """Whether every address of it is one of the other's."""
        if self.version != other.version or not other.first <= self.first <= self.last <= other.last:
            return False
        start = bisect_left(other.holes, self.first, key=lambda hole: hole[1])
        stop = bisect_right(other.holes, self.last, key=lambda hole: hole[0])
        return all(self._leaves_out(*other.holes[number]) for number in range(start, stop))

    def _leaves_out(self, first: int, last: int) -> bool:
        place = bisect_left(self.holes, first, key=lambda hole: hole[1])
        return place < len(self.holes) and self.holes[place][0] <= first <= last <= self.holes[place][1]


#: A peer made ready for comparing; None where it can be compared with nothing.
Shape = SelectorShape | NetworkShape | None


def shape(peer: Peer) -> Shape:
    """A peer made ready for comparing."""
    if isinstance(peer, PodPeer):
        return selector_shape(peer)
    if isinstance(peer, NodePeer):
        return SelectorShape((("nodes", _labels(peer.nodes)),))
    return NetworkShape.of(peer.network, peer.excepts) if isinstance(peer, CidrPeer) else None


def selector_shape(peer: PodPeer | Subject) -> SelectorShape:
    """The shape of what selects pods."""
    return SelectorShape((("namespaces", _namespace_labels(peer.namespaces, peer.home)), ("pods", _labels(peer.pods))))


def within(narrow: Shape, wide: Shape) -> bool:
    """Whether all that the one matches is surely matched by the other."""
    if isinstance(narrow, SelectorShape) and isinstance(wide, SelectorShape):
        return [about for about, _ in narrow.labels] == [about for about, _ in wide.labels] and all(
            _implied(one, other) for (_, one), (_, other) in zip(narrow.labels, wide.labels, strict=True)
        )
    return isinstance(narrow, NetworkShape) and isinstance(wide, NetworkShape) and narrow.within(wide)


def _span(network: Network) -> tuple[int, int]:
    return int(network.network_address), int(network.broadcast_address)
