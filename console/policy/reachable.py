"""Everything an end reaches and everything that reaches it, by groups of pods and parts of the outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network

from console.errors import UsageError
from console.objects.snapshot import Snapshot
from console.policy.engine import Engine
from console.policy.matrix import Groups, parts
from console.policy.model import Network, Protocol
from console.policy.ports import PortSpan
from console.policy.reach import Reachability, bits
from console.policy.services import translate
from console.policy.verdict import End, EndKind, Outcome

#: Ports that are asked about, each by itself; None asks for any port.
Asked = tuple[tuple[Protocol, int], ...] | None


@dataclass(frozen=True, slots=True)
class Place:
    """An end as the classes of a Reachability. `asked` are the ports one may ask it for (a Service's targets)."""

    reach: Reachability
    classes: int
    asked: Asked = None

    @property
    def inside(self) -> bool:
        """Whether pods are meant: nothing is known of what goes on between two parts of the outside."""
        return bool(self.classes & inside(self.reach))


@dataclass(frozen=True, slots=True)
class Reached:
    """What is open between an end and a group of pods, or a part of the outside.

    PARTIAL: for some of the pods. `spans` are surely open between some of them;
    `possible` ones may be, and that cannot be known.
    """

    name: str
    outcome: Outcome
    spans: tuple[PortSpan, ...]
    possible: tuple[PortSpan, ...] = ()


def place(
    engine: Engine, end: End, port: tuple[int, Protocol] | None = None, *, known: Reachability | None = None
) -> Place:
    """An end, and a port of it, as classes. Raises UsageError for one that is nowhere.

    `known` is a Reachability of the engine without further networks: pods need no other.
    """
    networks = _networks(end)
    families = {network.version for network in networks}
    reach = Reachability(engine, networks=networks) if networks or known is None else known
    if families and not families.intersection(reach.families):
        reach = Reachability(engine, networks=networks, family=families.pop())
    asked: Asked = ((port[1], port[0]),) if port else None
    if end.service is not None:
        return _service(reach, end, asked)
    classes = _set(reach.class_of(pod) for pod in end.pods)
    for network in networks:
        classes |= reach.universe.within(network)
    if end.kind is EndKind.INTERNET:
        classes = reach.outside("internet")
    if not classes:
        raise UsageError(
            f"{end} is neither a pod nor a place outside that policies could tell of",
            hint="loopback, multicast and reserved addresses are left out",
        )
    return Place(reach, classes, asked)


def unseen(*snapshots: Snapshot) -> tuple[str, ...]:
    """Why pods could not be read, where some could not: no path of theirs is told."""
    return tuple(dict.fromkeys(gap.why for snapshot in snapshots for gap in snapshot.coverage.of("pods")))


def inside(reach: Reachability) -> int:
    """The classes of pods."""
    return reach.universe.inside


def everywhere(reach: Reachability, groups: Groups, *, outside: bool = True) -> dict[str, int]:
    """The groups, and (`outside`) the parts of the outside there are, in the order in which they are shown."""
    return {**groups, **(parts(reach) if outside else {})}


def reached_from(source: Place, groups: Groups) -> tuple[Reached, ...]:
    """The groups, and parts of the outside, that something of an end reaches, or may reach."""
    reach, asked = source.reach, _mask(source)
    sure, maybe = (_union(reach, source.classes, asked, maybe=each) for each in (False, True))

    def answers() -> Iterator[tuple[str, Outcome | None, int, int]]:
        for name, classes in everywhere(reach, groups, outside=source.inside).items():
            outcome = reach.outcome(source.classes, classes, asked)
            yield name, outcome, on(sure, classes), on(maybe, classes)

    return tuple(_open(answers(), source))


def reaching(destination: Place, groups: Groups) -> tuple[Reached, ...]:
    """The groups, and parts of the outside, of which something reaches an end, or may reach it."""
    reach, asked = destination.reach, _mask(destination)
    ports_of = _lazily(reach, destination.classes, asked)

    def answers() -> Iterator[tuple[str, Outcome | None, int, int]]:
        for name, classes in everywhere(reach, groups, outside=destination.inside).items():
            outcome = reach.outcome(classes, destination.classes, asked)
            sure = maybe = 0
            for number in bits(classes):
                on = ports_of(number)
                sure, maybe = sure | on[0], maybe | on[1]
            yield name, outcome, sure, maybe

    return tuple(_open(answers(), destination))


def spans(reach: Reachability, ports: int, asked: Asked = None) -> tuple[PortSpan, ...]:
    """A set of ports as ranges; those asked about by themselves, where some were."""
    found = reach.atoms.spans(ports)
    if asked is not None:
        found = iter([(protocol, port, port) for protocol, port in asked if reach.port(protocol, port) & ports])
    return tuple(PortSpan(protocol, low, high, Outcome.ALLOWED) for protocol, low, high in found)


def _networks(end: End) -> tuple[Network, ...]:
    if end.network is not None:
        return (end.network,)
    return tuple(ip_network(address) for address in end.addresses)


def _service(reach: Reachability, end: End, asked: Asked) -> Place:
    """The pods behind a Service, on the ports it leads to. Raises UnknownEnd for a port it does not have."""
    service = end.service
    assert service is not None
    own = [(Protocol(each.protocol), each.port) for each in service.ports if each.protocol in Protocol.__members__]
    found: dict[tuple[Protocol, int], None] = {}
    classes = 0
    for protocol, port in asked or own:
        for target in translate(service, port, protocol, reach.engine.snapshot).targets:
            if target.pod is not None and not target.pod.finished:
                found[protocol, target.port] = None
                classes |= 1 << reach.class_of(target.pod)
    if not classes:
        raise UsageError(
            f"no pod that is ready stands behind {end}", hint="ask for the pods or the workload it selects"
        )
    return Place(reach, classes, tuple(found))


def _mask(place: Place) -> int | None:
    if place.asked is None:
        return None
    ports = 0
    for protocol, port in place.asked:
        ports |= place.reach.port(protocol, port)
    return ports


def _union(reach: Reachability, sources: int, asked: int | None, *, maybe: bool) -> dict[int, int]:
    """What any of the classes reaches, by ports. A pod and itself is no pair."""
    found: dict[int, int] = {}
    for source in bits(sources):
        for ports, classes in reach.reached(source, asked, maybe=maybe).items():
            found[ports] = found.get(ports, 0) | (classes & ~reach.alone(source))
    return found


def _lazily(reach: Reachability, destinations: int, asked: int | None) -> Callable[[int], tuple[int, int]]:
    """The ports on which a class reaches any of the destinations, surely and maybe; each is worked out once."""
    known: dict[int, tuple[int, int]] = {}

    def ports_of(source: int) -> tuple[int, int]:
        if source not in known:
            wanted = destinations & ~reach.alone(source)
            sure, maybe = (on(reach.reached(source, asked, maybe=each), wanted) for each in (False, True))
            known[source] = sure, maybe
        return known[source]

    return ports_of


def on(reached: Mapping[int, int], classes: int) -> int:
    """The ports on which any of the classes is reached."""
    found = 0
    for ports, held in reached.items():
        if held & classes:
            found |= ports
    return found


def _open(answers: Iterable[tuple[str, Outcome | None, int, int]], place: Place) -> Iterator[Reached]:
    for name, outcome, sure, maybe in answers:
        if outcome not in (None, Outcome.BLOCKED):
            open_ = spans(place.reach, sure, place.asked)
            yield Reached(name, outcome, open_, spans(place.reach, maybe & ~sure, place.asked))


def _set(numbers: Iterable[int]) -> int:
    found = 0
    for number in numbers:
        found |= 1 << number
    return found
