"""Whom the terms of a charter mean in a snapshot: workloads and parts of the outside, as sets of classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from console.governance.charter import Charter
from console.governance.charter_terms import Kind, PortTerm, Term
from console.governance.ends import Side, means, overlapping
from console.governance.inventory import Entry, Inventory
from console.objects.core import ContainerPort, Pod
from console.policy.model import Protocol
from console.policy.reach import Reachability, bits
from console.policy.reachable import inside
from console.policy.universe import API_SERVER, INTERNET, NODES, PRIVATE, Outside
from console.policy.verdict import End, EndKind, Outcome

_DNS: Final = (PortTerm(Protocol.UDP, 53, 53), PortTerm(Protocol.TCP, 53, 53))


class Scene:
    """A snapshot with its workloads as sets of classes."""

    def __init__(
        self, reach: Reachability, charter: Charter, inventory: Inventory, before: Scene | None = None
    ) -> None:
        """`before` is the scene of `reach`'s predecessor and of the same charter: what did not change is kept."""
        self.reach = reach
        self.charter = charter
        self.inventory = inventory
        self.sides: dict[str, Side] = {}
        #: Per class, the workloads that have pods in it.
        self.members: dict[int, list[str]] = {}
        #: The pods of a workload, by class.
        self._pods: dict[str, dict[int, list[Pod]]] = {}
        self._meant: dict[tuple[Term, ...], dict[str, Side]] = {}
        self._parts: dict[str, Side] = {}
        self._asked: dict[tuple[PortTerm, ...], int] = {}
        self._ports: dict[tuple[Protocol, int], int] = {}
        #: Sets of ports in words, which offences have in common.
        self.words: dict[tuple[int, tuple[PortTerm, ...]], str] = {}
        if before is None or reach.work.whole:
            self._add(inventory.entries)
        else:
            self._follow(before)
        self.dns = self._dns_servers()
        self._beyond: dict[tuple[int, bool], int] = {}
        self._columns: dict[tuple[int, int, bool], int] = {}

    def _add(self, entries: Mapping[str, Entry]) -> None:
        """Take in workloads."""
        for name, entry in entries.items():
            classes = 0
            placed: dict[int, list[Pod]] = {}
            for pod in entry.workload.active:
                number = self.reach.class_of(pod)
                if not classes >> number & 1:
                    classes |= 1 << number
                    self.members.setdefault(number, []).append(name)
                placed.setdefault(number, []).append(pod)
            self._pods[name] = placed
            self.sides[name] = Side(name, name, classes, entry)

    def _follow(self, before: Scene) -> None:
        """Keep what the namespaces that did not change come to."""
        old, new = before.inventory.spaces, self.inventory.spaces
        dirty = [each for each in {**old, **new} if each not in old or each not in new or old[each] is not new[each]]
        self.sides, self.members, self._pods = dict(before.sides), dict(before.members), dict(before._pods)
        gone: list[str] = []
        come: dict[str, Entry] = {}
        for space in dirty:
            gone += before.inventory.of(space)
            come.update(self.inventory.of(space))
        for number in {number for name in gone for number in before._pods[name]}:
            self.members.pop(number, None)  # a class is of one namespace
        for name in gone:
            if name not in come:
                del self.sides[name], self._pods[name]
        self._add(come)
        steady = len(self.sides) == len(before.sides) and come.keys() == set(gone)
        if not steady:
            self.sides = {name: self.sides[name] for name in self.inventory.entries}
        places: dict[str, int] = {}
        for terms, sides in before._meant.items():
            found = self._chosen(terms, come)
            if not found and sides.keys().isdisjoint(gone):
                self._meant[terms] = sides
            elif steady and found.keys() == sides.keys() & come.keys():
                self._meant[terms] = {**sides, **found}
            else:
                meant = (sides.keys() - gone) | found.keys()
                places = places or {name: place for place, name in enumerate(self.sides)}
                in_order = sorted(meant, key=places.__getitem__) if len(meant) < len(places) else self.sides
                self._meant[terms] = {name: self.sides[name] for name in in_order}
        # Parts of the outside, and ports, are numbered as they were.
        self._parts, self._asked, self._ports, self.words = before._parts, before._asked, before._ports, before.words

    def _chosen(self, terms: Iterable[Term], names: Iterable[str]) -> dict[str, Side]:
        """The workloads, of some, that any of the terms means."""
        found: dict[str, Side] = {}
        for name in names:
            side = self.sides[name]
            if side.entry is not None and any(means(term, side.entry) for term in terms):
                found[name] = side
        return found

    @cached_property
    def in_order(self) -> tuple[int, ...]:
        """The classes that workloads have pods in, by workload."""
        return tuple(dict.fromkeys(number for name in self.sides for number in self._pods[name]))

    def classes_of(self, side: Side) -> tuple[int, ...]:
        """The classes a workload has pods in, in the order of its pods: numbers rest on what came when."""
        return tuple(self._pods[side.name])

    def standing(self, name: str) -> object:
        """All that rules ask of a workload but its paths: two that are equal are told of in the same words."""
        entry = self.inventory.entries[name]
        pods = entry.workload.active
        placed = {(self.reach.class_of(pod), pod.ports) for pod in pods}
        return entry.role, entry.domain, len(pods) == 1, frozenset(placed)

    # -- who

    def workloads(self, terms: Iterable[Term]) -> Mapping[str, Side]:
        """The workloads that any of the terms means, in order of name."""
        wanted = tuple(term for term in terms if term.inside)
        if wanted not in self._meant:
            self._meant[wanted] = self._chosen(wanted, self.sides)
        return self._meant[wanted]

    def ends(self, terms: Sequence[Term]) -> dict[str, Side]:
        """The workloads, and parts of the outside, that any of the terms means."""
        found = dict(self.workloads(terms))
        for term in terms:
            found.update((side.name, side) for side in self.outside(term))
        return found

    def everything(self, *, beyond: Sequence[str] = (INTERNET, PRIVATE)) -> dict[str, Side]:
        """All workloads, and parts of the outside; the cluster's own machinery (nodes, the API server) is none."""
        parts = (self.part(kind) for kind in beyond)
        return {**self.sides, **{part.name: part for part in parts if part.classes}}

    def outside(self, term: Term) -> Iterator[Side]:
        """The places outside that a term means."""
        if term.kind is Kind.OUTSIDE:
            part = self.part(term.value)
            if part.classes or part.vague:
                yield part
        elif term.kind is Kind.GROUP and term.value in self.charter.outside:
            group = self.charter.outside[term.value]
            name = f"outside:{term.value}"
            for network in group.networks:
                classes = self.reach.universe.within(network)
                if classes:
                    yield Side(f"{name} {network}", f"cidr:{network}", classes)
            if group.hosts:
                yield Side(name, INTERNET, self.reach.outside(INTERNET), hosts=group.hosts)

    def part(self, kind: str) -> Side:
        """A part of the outside that every cluster has."""
        if kind not in self._parts:
            classes = self.reach.outside(kind)
            ask = kind
            if kind == API_SERVER and not classes:
                # Somewhere outside of the pods: on a node, in the cloud's network, or on the internet.
                somewhere = self.reach.outside(NODES) | self.reach.outside(PRIVATE) | self.reach.outside(INTERNET)
                self._parts[kind] = Side(kind, INTERNET, somewhere, vague=True)
                return self._parts[kind]
            if kind in (PRIVATE, NODES) and classes:
                held = self.reach.member(next(bits(classes)))
                assert isinstance(held, Outside)
                ask = f"ip:{held.address}"
            self._parts[kind] = Side(kind, ask, classes)
        return self._parts[kind]

    def _dns_servers(self) -> int:
        """The cluster's DNS servers, which the baseline wants everybody to reach."""
        found = 0
        universe = self.reach.universe
        for number in bits(universe.in_namespace.get("kube-system", 0)):
            if any(pod.labels.get("k8s-app") == "kube-dns" for pod in universe.pods[number].pods):
                found |= 1 << number
        return found

    def beyond(self, number: int, *, maybe: bool) -> int:
        """The classes of pods a class reaches through any chain of others, itself included.

        What only asks a DNS server is not followed through it: everybody does.
        """
        key = number, maybe
        if key not in self._beyond:
            pods = inside(self.reach) & ~self.dns
            found = edge = 1 << number
            while edge:
                after = 0
                for each in bits(edge):
                    after |= self.reach.row(each, maybe=maybe) & pods
                edge = after & ~found
                found |= edge
            self._beyond[key] = found
        return self._beyond[key]

    def entering(self, classes: int, ports: int, *, maybe: bool = False) -> int:
        """Who reaches some classes on any of some ports: other pods, and parts of the outside."""
        found = 0
        for number in bits(classes):
            found |= self.column(number, ports, maybe=maybe) & ~self.reach.alone(number)
        return found

    def column(self, number: int, ports: int, *, maybe: bool = False) -> int:
        """Who reaches a class on any of some ports. Kept: many rules ask."""
        key = number, ports, maybe
        if key not in self._columns:
            self._columns[key] = self.reach.column(number, ports, maybe=maybe)
        return self._columns[key]

    def shared(self, number: int) -> int:
        """The classes that hold an address family a class holds: no other one is ever reached."""
        found = 0
        for holding in self.reach.universe.holding.values():
            if holding >> number & 1:
                found |= holding
        return found

    # -- which ports

    def port(self, protocol: Protocol, port: int) -> int:
        """One port as a set, to ask rows for."""
        key = protocol, port
        if key not in self._ports:
            self._ports[key] = self.reach.port(protocol, port)
        return self._ports[key]

    def everyone(self, ports: Sequence[PortTerm]) -> int:
        """The ports that numbers name; all of them where none is written."""
        key = tuple(ports)
        if key not in self._asked:
            found = 0
            for port in ports:
                if not port.name:
                    found |= overlapping(self.reach, port)
            self._asked[key] = found if ports else self.reach.atoms.all
        return self._asked[key]

    def on(self, side: Side, number: int, ports: Sequence[PortTerm]) -> int:
        """The ports of a class of an end that are meant: names are those its pods declare."""
        found = self.everyone(ports)
        if side.entry is not None and any(port.name for port in ports):
            for pod in self._pods[side.name][number]:
                for declared in pod.ports:
                    if declared.protocol in Protocol.__members__ and any(
                        port.name == declared.name and port.protocol in (None, Protocol(declared.protocol))
                        for port in ports
                        if port.name
                    ):
                        found |= self.port(Protocol(declared.protocol), declared.port)
        return found

    def declares(self, side: Side, number: int) -> list[tuple[Protocol, int]]:
        """The ports that an end's pods of a class declare."""
        if side.entry is None:
            return []
        return [(protocol, port) for protocol, port, _ in self.named(side, number)]

    def named(self, side: Side, number: int) -> list[tuple[Protocol, int, str]]:
        """The ports that an end's pods of a class declare, with their names."""
        return [
            (Protocol(port.protocol), port.port, port.name)
            for port in self.container_ports(side, number)
            if port.protocol in Protocol.__members__
        ]

    def container_ports(self, side: Side, number: int) -> tuple[ContainerPort, ...]:
        """The same as containers declare them; none for addresses."""
        if side.entry is None:
            return ()
        several = dict.fromkeys(pod.ports for pod in self._pods[side.name][number])  # replicas declare the same
        return tuple(dict.fromkeys(port for ports in several for port in ports))

    def side_of(self, number: int) -> Side:
        """A workload that has pods in a class."""
        return self.sides[self.members[number][0]]

    @property
    def dns_ports(self) -> int:
        """Port 53 of both protocols."""
        return self.everyone(_DNS)

    def outcome(self, source: Side, destination: Side, ports: int) -> Outcome:
        """The answer between two ends on any of some ports."""
        reach, wanted = self.reach, destination.classes
        if all(not wanted & ~reach.every(a, ports) and not reach.alone(a) & wanted for a in bits(source.classes)):
            return Outcome.ALLOWED  # most are alike, and this is quick
        return reach.outcome(source.classes, wanted, ports) or Outcome.ALLOWED

    def end(self, side: Side, number: int) -> End:
        """One pod of an end's class, or one of its addresses, to ask the engine about."""
        if side.entry is not None:
            pod = self._pods[side.name][number][0]
            return End(EndKind.POD, pod.ref, (pod,))
        held = self.reach.member(number)
        assert isinstance(held, Outside)
        return End(EndKind.ADDRESS, addresses=(held.address,))

    def single(self, side: Side) -> bool:
        """Whether an end is one pod, which is no pair with itself."""
        return side.entry is not None and len(side.entry.workload.active) == 1
