"""From here, to here: what an end reaches, what reaches it, and how far an intruder would get in several hops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Final

from console.governance.groups import By, groups
from console.governance.targets import Member, members, own_workloads, usual_targets
from console.policy.ends import parse_end
from console.policy.paths_nodes import Edge
from console.policy.reach import Reachability
from console.policy.reachable import Place, Reached, everywhere, place, reached_from, reaching
from console.policy.verdict import End, Outcome
from console.report.reach import ports_word
from console.report.words import OUTCOME_GLYPHS, count, some
from console.tui.model.cell import outside_end, port_to_ask
from console.tui.model.frame import Question
from console.tui.model.nodes import Node
from console.tui.model.path import OUTCOME_TONES
from console.tui.text import Line, Piece, Tone

if TYPE_CHECKING:
    from console.policy.paths import Blast, Route

#: So many hops an intruder is followed.
HOPS: Final = 4
#: More workloads than this stand folded under their namespaces.
_OPEN: Final = 30
#: So many edges of a cut are listed, and so many names of an edge.
_CUTS: Final = 12
_MOST: Final = 400
_NAMES: Final = 2


@dataclass(frozen=True, eq=False)
class Around:
    """What an end (as it is written) reaches and what reaches it, on the state of the cluster of `reach`.

    `blast` is None while it is being worked out, and for what opens no connections.
    """

    subject: str
    reach: Reachability
    end: End
    place: Place
    among: Mapping[str, Member]
    onward: tuple[Reached, ...]
    inward: tuple[Reached, ...]
    parts: tuple[str, ...]
    blast: Blast | None = None


def around(reach: Reachability, subject: str) -> Around:
    """All but the blast. Raises UsageError for an end that is none. Not for the event loop."""
    end = parse_end(subject, reach.engine.snapshot)
    here = place(reach.engine, end, known=reach)
    by_workload = groups(here.reach, By.WORKLOAD)
    return Around(
        subject,
        reach,
        end,
        here,
        members(reach.engine.snapshot),
        reached_from(here, by_workload),
        reaching(here, by_workload),
        tuple(everywhere(here.reach, {}, outside=here.inside)),
    )


def blast_of(found: Around) -> Blast | None:
    """The blast radius; None for a Service, which opens no connections. Brings networkx; not for the event loop."""
    from console.policy.paths import blast

    if found.end.service is not None:
        return None
    rows = groups(found.place.reach, By.WORKLOAD)
    own = own_workloads(found.end, found.place.classes, rows, found.among)
    targets = usual_targets(own, found.among)
    return blast(found.place, found.subject, rows, own=own, targets=targets, hops=HOPS)


def question_of(key: object) -> Question | None:
    """The connection that a node of one of the trees stands for, if it stands for one."""
    if isinstance(key, tuple) and len(key) >= 4 and key[0] == "edge":
        return Question(str(key[1]), str(key[2]), str(key[3]))
    return None


def title(found: Around, *, onward: bool) -> str:
    """``From here · 12 workloads``."""
    listed = [each for each in (found.onward if onward else found.inward) if each.name in found.among]
    return f"{'From' if onward else 'To'} here · {count(len(listed), 'workload')}"


def tree(found: Around, *, onward: bool) -> Sequence[Node]:
    """What is reached (or what reaches it), by namespace and role, then the outside; each leaf is a connection."""
    reached = found.onward if onward else found.inward
    inside = [each for each in reached if each.name in found.among]
    inside.sort(key=lambda each: (*_place(found.among[each.name]), each.name))
    width = max((len(_short(found.among[each.name])) for each in inside), default=0)
    nodes = [
        Node(
            ("namespace", name),
            (Piece(name, Tone.STRONG), Piece(f"  {_counted(listed)}", Tone.DIM)),
            branches=partial(_leaves, found, tuple(listed), width, onward=onward),
            start_open=len(inside) <= _OPEN,
        )
        for name, listed in ((n, list(g)) for n, g in groupby(inside, lambda each: _place(found.among[each.name])[0]))
    ]
    if not nodes:
        says = "reaches no workload" if onward else "no workload reaches it"
        nodes.append(Node(("none",), (Piece(says, Tone.DIM),)))
    return [*nodes, *_outside(found, reached, onward=onward)]


def _outside(found: Around, reached: Sequence[Reached], *, onward: bool) -> Iterator[Node]:
    if not found.parts:
        return
    by_name = {each.name: each for each in reached}
    width = max(map(len, found.parts))

    def leaves() -> Sequence[Node]:
        listed = []
        for part in found.parts:
            each = by_name.get(part) or Reached(part, Outcome.BLOCKED, ())
            listed.append(_node(found, each, Piece(f"{part:<{width}}"), outside_end(found.place.reach, part), onward))
        return listed

    yield Node(("outside",), (Piece("outside", Tone.ACCENT),), branches=leaves, start_open=True)


def _leaves(found: Around, listed: Sequence[Reached], width: int, *, onward: bool) -> Sequence[Node]:
    return [_leaf(found, each, width, onward=onward) for each in listed]


def _leaf(found: Around, each: Reached, width: int, *, onward: bool) -> Node:
    member = found.among[each.name]
    role = Piece(f"  {member.sort.role.value}", Tone.DIM)
    return _node(found, each, Piece(f"{_short(member):<{width}}"), each.name, onward, role)


def _node(found: Around, each: Reached, name: Piece, other: str, onward: bool, *more: Piece) -> Node:
    port = port_to_ask(each.spans or each.possible)
    ends = (found.subject, other) if onward else (other, found.subject)
    glyph = Piece(f"{OUTCOME_GLYPHS[each.outcome]} ", _tone(each.outcome))
    spans = Piece(f"  {ports_word(each.spans)}" if each.spans else "")
    doubt = Piece(f"  ? {ports_word(each.possible)}" if each.possible else "", Tone.WARN)
    return Node(("edge", *ends, port), (glyph, name, spans, doubt, *more))


def hops_title(blast: Blast) -> str:
    """``Within 4 hops · internet 1 · domain:train-data 2``."""
    found = [f"{route.target} {route.hops}" for route in blast.routes if route.hops is not None]
    return " · ".join([f"Blast radius, {count(blast.hops, 'hop')}", *(found or ["no target reached"])])


def hops_tree(blast: Blast, among: Mapping[str, Member]) -> Sequence[Node]:
    """The ways to each target and where to cut them, then what each hop adds; each edge is a connection."""
    routes = [
        Node(
            ("route", route.target),
            _route_line(route),
            branches=partial(_route, route) if route.hops is not None else None,
            start_open=True,
        )
        for route in blast.routes
    ]
    hops = []
    for hop in range(1, blast.hops + 1):
        edges = [stage.edge for stage in blast.stages if stage.hops == hop]
        names = dict.fromkeys(name for edge in edges for name in edge.destinations if name in among)
        if edges:
            more = " more" if hop > 1 else ""
            said = f"hop {hop}  {count(len(names), 'workload')}{more}"
            listed = partial(_edges, edges, f"hop {hop}")
            hops.append(Node(("hop", hop), (Piece(said, Tone.STRONG),), branches=listed))
    return [*routes, *hops]


def _route_line(route: Route) -> Line:
    if route.hops is None:
        return (Piece("○ ", Tone.DIM), Piece(route.target), Piece("  not reached, in any number of hops", Tone.DIM))
    glyph = Piece("● ", Tone.GOOD) if route.sure else Piece("? ", Tone.WARN)
    return (glyph, Piece(route.target, Tone.STRONG), Piece(f"  in {count(route.hops, 'hop')}"))


def _route(route: Route) -> Sequence[Node]:
    return list(_ways(route))


def _ways(route: Route) -> Iterator[Node]:
    before: Sequence[Edge] = ()
    for number, chain in enumerate(route.chains):
        shared = 0
        while shared < min(len(before), len(chain)) and before[shared] == chain[shared]:
            shared += 1
        for depth, edge in enumerate(chain[shared:], shared):
            yield _edge(edge, f"{route.target} chain {number}", depth, indent="   " * depth + "└─ ")
        before = chain
    if not route.chains:
        yield Node(("far", route.target), (Piece(f"further than the {HOPS} hops looked at", Tone.DIM),))
    if route.through:
        said = f"every chain passes {some(route.through)}"
        yield Node(("through", route.target), (Piece(said, Tone.WARN),))
    total = len({(one, other) for edge in route.cut for one in edge.sources for other in edge.destinations})
    paths = "this path" if total == 1 else f"these {total} paths"
    listed = partial(_edges, route.cut, f"{route.target} cut", _CUTS)
    said = f"close {paths} and it no longer reaches {route.target}"
    yield Node(("cut", route.target), (Piece(said, Tone.KEY),), branches=listed, start_open=total <= 3)


def _edges(edges: Sequence[Edge], of: str, most: int = _MOST) -> Sequence[Node]:
    nodes = [_edge(edge, of, place) for place, edge in enumerate(edges[:most])]
    if len(edges) > most:
        nodes.append(Node(("more", of), (Piece(f"and {len(edges) - most:,} more", Tone.DIM),)))
    return nodes


def _edge(edge: Edge, of: str, place: int, *, indent: str = "") -> Node:
    doubt = (Piece("? ", Tone.WARN),) if not edge.sure else ()
    line = (
        Piece(indent, Tone.DIM),
        *doubt,
        Piece(f"{some(edge.sources, _NAMES)} → {some(edge.destinations, _NAMES)}  "),
        Piece(ports_word(edge.spans), Tone.ACCENT),
    )
    return Node(("edge", edge.sources[0], edge.destinations[0], port_to_ask(edge.spans), of, place), line)


def _counted(listed: Sequence[Reached]) -> str:
    return count(len(listed), "workload")


def _place(member: Member) -> tuple[str, str]:
    return member.workload.namespace, member.sort.role.value


def _short(member: Member) -> str:
    return f"{member.workload.kind.lower()}/{member.workload.name}"


def _tone(outcome: Outcome) -> Tone:
    return Tone.DIM if outcome is Outcome.BLOCKED else OUTCOME_TONES[outcome]
