"""What an end reaches, what reaches it, and its blast radius, as text and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from console.governance.targets import Member
from console.policy.model import Protocol
from console.policy.paths_nodes import Edge
from console.policy.ports import PortSpan
from console.policy.reachable import Reached
from console.policy.verdict import Outcome
from console.report import words
from console.report.clean import clean

if TYPE_CHECKING:
    from console.policy.paths import Blast, Route  # imported when asked for only: it brings networkx

#: How many ranges of ports, workloads and cut paths a line of text names.
_MOST_SPANS: Final = 6
_MOST_NAMES: Final = 4
_MOST_CUTS: Final = 8


def ports_word(spans: Sequence[PortSpan]) -> str:
    """``443/TCP, 53/UDP``; ``every port`` where all of each protocol are meant."""
    if {span.protocol for span in spans if (span.low, span.high) == (1, 65535)} == set(Protocol):
        return "every port"
    return words.some([str(span) for span in spans], _MOST_SPANS)


def unseen_lines(unseen: Sequence[str]) -> Iterator[str]:
    """Which pods could not be read, so that nobody takes what is shown for all there is."""
    if unseen:
        yield ""
        yield "not seen: pods that could not be read"
    yield from (f"  {clean(why)}" for why in unseen)


def reach_lines(
    end: str, found: Sequence[Reached], among: Mapping[str, Member], parts: Sequence[str], *, to: bool
) -> Iterator[str]:
    """Everything reached (`to`: everything that reaches), by namespace and role, with the ports.

    `parts` are the parts of the outside that there are.
    """
    inside = [each for each in found if each.name in among]
    names = {among[each.name].workload.namespace for each in inside}
    number = f"{len(inside)} of {words.count(len(among), 'workload')} in {words.count(len(names), 'namespace')}"
    yield f"{clean(end)} is reached by {number}" if to else f"{clean(end)} reaches {number}"
    outside = {each.name: each for each in found if each.name not in among}
    rows = sorted(inside, key=lambda each: (_place(among[each.name]), each.name))
    width = max((len(_short(among[each.name])) for each in rows), default=0)
    before: tuple[str, str] = ("", "")
    for each in rows:
        member = among[each.name]
        namespace, role = _place(member)
        if namespace != before[0]:
            yield ""
            yield f"  {clean(namespace)}"
        shown = role if (namespace, role) != before else ""
        before = namespace, role
        yield f"    {shown:<15} {_glyph(each)} {_short(member):<{width}}  {_ports(each)}"
    if parts:
        yield ""
        yield "  outside"
    for kind in parts:
        part = outside.get(kind)
        yield f"    {'':<15} {_glyph(part)} {kind:<{width}}  {_ports(part) if part else ''}".rstrip()
    yield ""
    yield "● all of it  ◐ some of its pods or addresses  ? cannot be known  ○ none"


def _place(member: Member) -> tuple[str, str]:
    return member.workload.namespace, member.sort.role.value


def _short(member: Member) -> str:
    return clean(f"{member.workload.kind.lower()}/{member.workload.name}")


def _glyph(reached: Reached | None) -> str:
    return words.OUTCOME_GLYPHS[reached.outcome if reached else Outcome.BLOCKED]


def _ports(reached: Reached) -> str:
    parts = [ports_word(reached.spans)] if reached.spans else []
    return "  ".join([*parts, *([f"? {ports_word(reached.possible)}"] if reached.possible else [])])


def reach_json(end: str, found: Sequence[Reached], among: Mapping[str, Member], *, to: bool) -> dict[str, Any]:
    """The same as JSON values. ``possible`` are ports that may be open, which cannot be known."""
    return {
        "destination" if to else "source": end,
        "workloads": [{**_member(each.name, among), **_answer(each)} for each in found if each.name in among],
        "outside": [{"part": each.name, **_answer(each)} for each in found if each.name not in among],
    }


def _member(name: str, among: Mapping[str, Member]) -> dict[str, Any]:
    workload, sort = among[name].workload, among[name].sort
    return {
        "workload": name,
        "namespace": workload.namespace,
        "kind": workload.kind,
        "name": workload.name,
        "pods": len(workload.active),
        "role": sort.role.value,
        "domain": sort.domain,
    }


def _answer(reached: Reached) -> dict[str, Any]:
    return {
        "outcome": reached.outcome.value,
        "ports": [str(span) for span in reached.spans],
        "possible": [str(span) for span in reached.possible],
    }


def blast_lines(blast: Blast, among: Mapping[str, Member]) -> Iterator[str]:
    """The blast radius: how much each hop adds, then a tree of the shortest chains to each target, and the cuts."""
    yield f"{clean(blast.source)} within {words.count(blast.hops, 'hop')}"
    for hop in range(1, blast.hops + 1):
        stages = [stage for stage in blast.stages if stage.hops == hop]
        names = list(dict.fromkeys(name for stage in stages for name in stage.edge.destinations if name in among))
        outside = [name for stage in stages for name in stage.edge.destinations if name not in among]
        doubt = "" if all(stage.edge.sure for stage in stages) else "  (? some cannot be known)"
        more = f": {words.some(names, _MOST_NAMES)}" if names else ""
        out = f"; outside: {', '.join(outside)}" if outside else ""
        yield f"  hop {hop}  {words.count(len(names), 'workload')}{' more' if hop > 1 else ''}{more}{out}{doubt}"
    told: dict[tuple[Edge, ...], str] = {}
    for route in blast.routes:
        yield ""
        yield from _route(route, blast, told)


def _route(route: Route, blast: Blast, told: dict[tuple[Edge, ...], str]) -> Iterator[str]:
    target = clean(route.target)
    if route.hops is None:
        yield f"○ {target}  not reached, in any number of hops"
        return
    glyph = "●" if route.sure else "?"
    far = "" if route.chains else f", more than the {blast.hops} asked for"
    yield f"{glyph} {target}  in {words.count(route.hops, 'hop')}{far}"
    yield from _tree(route.chains)
    if route.through:
        yield f"    every chain passes {', '.join(map(clean, route.through))}"
    total = _paths(route.cut)
    if told.setdefault(route.cut, target) != target:
        yield f"    closing what cuts it off from {told[route.cut]} cuts it off from {target} too"
        return
    yield f"    close {'this path' if total == 1 else f'these {total} paths'} and it no longer reaches {target}:"
    for edge in route.cut[:_MOST_CUTS]:
        yield f"      {_names(edge.sources)} → {_names(edge.destinations)}  {_edge_ports(edge)}"
    if len(route.cut) > _MOST_CUTS:
        yield f"      and {len(route.cut) - _MOST_CUTS} more like these"


def _tree(chains: Sequence[Sequence[Edge]]) -> Iterator[str]:
    """Chains as a tree: what they have in common stands once."""
    before: Sequence[Edge] = ()
    for number, chain in enumerate(chains):
        if number == 0:
            yield f"    {_names(chain[0].sources)}"
        shared = 0
        while shared < min(len(before), len(chain)) and before[shared] == chain[shared]:
            shared += 1
        for depth, edge in enumerate(chain[shared:], shared):
            yield f"    {'   ' * depth}└─ {_edge_ports(edge)} → {_names(edge.destinations)}"
        before = chain


def _paths(cut: Sequence[Edge]) -> int:
    """How many pairs of workloads the edges stand for."""
    return len({(one, other) for edge in cut for one in edge.sources for other in edge.destinations})


def _names(names: Sequence[str]) -> str:
    return words.some(names, 1 if len(names) > 2 else 2)


def _edge_ports(edge: Edge) -> str:
    return f"{'' if edge.sure else '? '}{ports_word(edge.spans)}"


def blast_json(blast: Blast) -> dict[str, Any]:
    """The same as JSON values. An edge stands for the paths from each of its sources to each of its destinations."""
    return {
        "source": blast.source,
        "hops": blast.hops,
        "reached": [{"hops": stage.hops, **_edge(stage.edge)} for stage in blast.stages],
        "targets": [
            {
                "target": route.target,
                "reached": route.hops is not None,
                "sure": route.sure,
                "hops": route.hops,
                "chains": [[_edge(edge) for edge in chain] for chain in route.chains],
                "cut": [_edge(edge) for edge in route.cut],
                "cut_paths": _paths(route.cut),
                "through": list(route.through),
            }
            for route in blast.routes
        ],
    }


def _edge(edge: Edge) -> dict[str, Any]:
    return {
        "from": list(edge.sources),
        "to": list(edge.destinations),
        "ports": [str(span) for span in edge.spans],
        "sure": edge.sure,
    }
