"""Which paths a change closes, besides the one that it is meant to close."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from console.objects.snapshot import Snapshot
from console.policy.addresses import parse_address
from console.policy.difference import difference
from console.policy.difference_model import Part
from console.policy.ends import METADATA_ADDRESS
from console.policy.engine import Engine
from console.policy.model import Protocol
from console.policy.opens import Path
from console.policy.ports import PortSpan
from console.policy.universe import METADATA
from console.policy.verdict import End, EndKind

#: Ranges of ports that a path tells of.
_MOST: Final = 6


class Told:
    """What a change does to all paths; `opens` and `doubtful` tell whether it may be offered at all."""

    def __init__(self, before: Engine, after: Engine, source: End, destination: End) -> None:
        found = difference(before, after)
        whole = self._whole(before.snapshot, source), self._whole(before.snapshot, destination)
        closed, perhaps = dict[Path, None](), dict[Path, None]()
        self.opens = False
        for change in found.changes:
            self.opens = self.opens or bool(change.opened)
            over = f" over IPv{change.family}" if change.family is not None else ""
            for ports, into in ((change.closed, closed), (change.unknown, perhaps)):
                if not ports:
                    continue
                for one in change.sources:
                    for other in change.destinations:
                        asked = one.name in whole[0] and other.name in whole[1]
                        # Changes are told of sets; a pod and itself is no path.
                        itself = one.name == other.name and one.of == 1 and "/" in one.name
                        if not asked and not itself:
                            into[Path(_part(one), _part(other), _ports(ports) + over)] = None
        self.closes = tuple(closed)
        self.may_close = tuple(perhaps)

    @staticmethod
    def _whole(snapshot: Snapshot, end: End) -> frozenset[str]:
        """What all of which an end is: of these no other path is told."""
        if end.kind is EndKind.INTERNET:
            return frozenset([EndKind.INTERNET.value])
        if is_metadata(end):
            return frozenset([METADATA])
        names = {(pod.namespace, pod.name) for pod in end.pods}
        return frozenset(
            f"{each.namespace}/{each.kind.lower()}/{each.name}"
            for space in {pod.namespace for pod in end.pods}
            for each in snapshot.contents[space].workloads
            if each.active and all((pod.namespace, pod.name) in names for pod in each.active)
        )


def is_metadata(end: End) -> bool:
    """Whether an end is the address at which clouds serve instance metadata."""
    return end.kind is EndKind.ADDRESS and parse_address(METADATA_ADDRESS) in end.addresses


def _part(part: Part) -> str:
    if part.count == part.of:
        return part.name
    return f"{part.name} ({part.count} of {part.of})" if "/" in part.name else f"part of {part.name}"


def _ports(spans: Sequence[PortSpan]) -> str:
    if {span.protocol for span in spans if (span.low, span.high) == (1, 65535)} == set(Protocol):
        return "every port"
    told = [str(span) for span in spans]
    return ", ".join(told[:_MOST]) + (f" and {len(told) - _MOST} more" if len(told) > _MOST else "")


def folded(paths: Iterable[Path]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], str]]:
    """Paths as (sources, destinations, ports): those of one source to the same ports, and sources alike, together."""
    rows: dict[tuple[str, str], list[str]] = {}
    for path in paths:
        rows.setdefault((path.source, path.port), []).append(path.destination)
    alike: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for (source, ports), destinations in rows.items():
        alike.setdefault((tuple(destinations), ports), []).append(source)
    for (found, ports), sources in alike.items():
        yield tuple(sources), found, ports
