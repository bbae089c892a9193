"""The baseline: what holds for every workload before any rule of the charter is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from console.governance.charter import BaselineRule, Ground, Rule, Verb
from console.governance.charter_terms import Kind, Term
from console.governance.findings import Offence
from console.governance.rules import Judged, judge
from console.governance.rules_proof import Prover
from console.governance.rules_words import a_port, ports_words
from console.governance.scopes import Scene, Side
from console.objects.core import Pod, Service
from console.objects.meta import ObjectRef
from console.objects.selectors import LabelSelector
from console.policy.model import Action, Direction, PodPeer, Policy, Protocol, Tier
from console.policy.reach import bits
from console.policy.services import target_port
from console.policy.universe import INTERNET, METADATA, NODES, PodClass
from console.policy.verdict import Outcome

_DNS_PORTS: Final = ((Protocol.UDP, 53), (Protocol.TCP, 53))


def judge_baseline(rule: BaselineRule, scene: Scene, prover: Prover) -> Judged:
    """A rule of the baseline."""
    if rule.ground is Ground.METADATA:
        return _metadata(rule, scene, prover)
    if rule.ground is Ground.POLICIES_SELECT:
        return _policies_select(rule, scene)
    each_of: dict[Ground, Callable[[Scene, Side, Prover], Iterator[Offence]]] = {
        Ground.DENY_INGRESS: _open_ingress,
        Ground.DENY_EGRESS: _open_egress,
        Ground.DNS: _no_dns,
        Ground.REPLICAS_ALIKE: _differ,
        Ground.SERVICES_REACHABLE: _unreached,
    }
    found: dict[tuple[str, str], Offence] = {}
    asked = _meant(rule, scene)
    for side in asked.values():
        for offence in each_of[rule.ground](scene, side, prover):
            found.setdefault((offence.source, offence.destination), offence)
    told = [found[key] for key in sorted(found)]
    return Judged(
        tuple(each for each in told if each.outcome is not Outcome.UNKNOWN),
        tuple(each for each in told if each.outcome is Outcome.UNKNOWN),
        len(asked),
    )


def _meant(rule: BaselineRule, scene: Scene) -> dict[str, Side]:
    besides = scene.workloads(rule.besides)
    return {name: side for name, side in scene.workloads(rule.within).items() if name not in besides}


# -- deny by default


def _open_ingress(scene: Scene, side: Side, prover: Prover) -> Iterator[Offence]:
    for number in _undenied(scene, side, Direction.INGRESS):
        port = next(iter(scene.declares(side, number)), (Protocol.TCP, 443))
        yield _default(scene, scene.part(INTERNET), side, number, port, prover, Direction.INGRESS)
        return


def _open_egress(scene: Scene, side: Side, prover: Prover) -> Iterator[Offence]:
    for number in _undenied(scene, side, Direction.EGRESS):
        yield _default(scene, side, scene.part(INTERNET), number, (Protocol.TCP, 443), prover, Direction.EGRESS)
        return


def _undenied(scene: Scene, side: Side, direction: Direction) -> Iterator[int]:
    """The classes of an end that nothing denies by default, those on their node's network (where nothing could) too."""
    for number in bits(side.classes):
        if not any(denies(policy, direction) for policy in scene.reach.selecting(number)):
            yield number


def denies(policy: Policy, direction: Direction) -> bool:
    """Whether a policy that selects a pod denies what no rule allows: it isolates, or is a Baseline that denies all."""
    rules = policy.rules(direction)
    if rules is None or policy.tier is Tier.ADMIN:
        return False
    if policy.tier is Tier.NETWORK_POLICY:
        return True
    return any(
        rule.action is Action.DENY and rule.ports is None and (rule.peers is None or any(map(_everybody, rule.peers)))
        for rule in rules
    )


def _everybody(peer: object) -> bool:
    return isinstance(peer, PodPeer) and _all(peer.namespaces) and _all(peer.pods, none=True)


def _all(selector: LabelSelector | None, *, none: bool = False) -> bool:
    return none if selector is None else selector.is_empty


def _default(
    scene: Scene,
    source: Side,
    destination: Side,
    number: int,
    port: tuple[Protocol, int],
    prover: Prover,
    direction: Direction,
) -> Offence:
    reach = scene.reach
    outcome = reach.outcome(source.classes, destination.classes, reach.port(*port)) or Outcome.ALLOWED
    a, b = number, next(bits(destination.classes))
    if direction is Direction.INGRESS:
        a, b = next(bits(source.classes)), number
    proof = prover.prove(scene, source, a, destination, b, port)
    governed = destination if direction is Direction.INGRESS else source
    others = [n for n in bits(governed.classes) if n not in set(_undenied(scene, governed, direction))]
    some = "for some of its pods " if others else ""
    held = reach.member(number)
    host = " (on its node's network, which no policy governs)" if isinstance(held, PodClass) and held.host else ""
    return Offence(
        source=source.ask,
        destination=destination.ask,
        port=f"{port[1]}/{port[0].value}",
        ports="every port",
        outcome=outcome,
        why=f"{some}no policy isolates its {direction.value}{host}",
        policies=proof.policies,
    )


# -- names, and the metadata address


def _no_dns(scene: Scene, side: Side, prover: Prover) -> Iterator[Offence]:
    """Pods that may open connections elsewhere, and cannot ask any DNS server."""
    reach = scene.reach
    servers = Side("DNS", "", scene.dns)
    if not servers.classes or side.classes & servers.classes:
        return
    ports = scene.dns_ports
    for number in bits(side.classes):
        others = reach.universe.all & ~servers.classes & ~reach.alone(number) & ~reach.outside(NODES)
        if not reach.row(number) & others or not reach.selecting(number):
            continue
        if reach.row(number, ports) & servers.classes:
            continue
        known = not reach.row(number, ports, maybe=True) & servers.classes
        server = next(bits(servers.classes))
        target = scene.side_of(server)
        proof = prover.prove(scene, side, number, target, server, _DNS_PORTS[0])
        yield Offence(
            source=side.ask,
            destination=target.ask,
            port="53/UDP",
            ports="53/UDP, 53/TCP",
            outcome=Outcome.BLOCKED if known else Outcome.UNKNOWN,
            why=f"it may open connections, and cannot look names up: {proof.why}",
            policies=proof.policies,
        )
        return


def _metadata(rule: BaselineRule, scene: Scene, prover: Prover) -> Judged:
    """The metadata address, as the charter's own ``never`` judges it."""
    besides = scene.workloads(rule.besides).keys()
    never = Rule(
        name=rule.name,
        verb=Verb.NEVER,
        outward=True,
        subject=rule.within,
        others=(Term(Kind.OUTSIDE, METADATA),),
        among=(),
        ports=(),
        chain=False,
        severity=rule.severity,
        sentence=rule.sentence,
        controls=rule.controls,
        place=rule.place,
    )
    found = judge(never, scene, prover)
    return Judged(
        tuple(each for each in found.offences if each.source not in besides),
        tuple(each for each in found.unknowns if each.source not in besides),
        found.pairs - len(besides),
    )


# -- policies, replicas, Services


def _policies_select(rule: BaselineRule, scene: Scene) -> Judged:
    """Policies that select no pod which runs, in the namespaces of the workloads that are meant."""
    engine = scene.reach.engine
    namespaces = {side.entry.workload.namespace for side in _meant(rule, scene).values() if side.entry}
    everywhere = rule.within == (Term(Kind.ANY),) and not rule.besides
    offences: list[Offence] = []
    asked = 0
    for policy in engine.over(engine.snapshot.contents):
        subject = policy.subject
        if not everywhere and subject.home not in namespaces and subject.namespaces is None:
            continue
        asked += 1
        universe = scene.reach.universe
        chosen = universe.selected(subject.namespaces, subject.pods, subject.home)
        sure, maybe = (each & universe.all for each in chosen)  # some classes may have nobody left
        if not sure:
            offences.append(_idle(policy, known=not maybe))
    return Judged(
        tuple(each for each in offences if each.outcome is not Outcome.UNKNOWN),
        tuple(each for each in offences if each.outcome is Outcome.UNKNOWN),
        asked,
    )


def _idle(policy: Policy, *, known: bool) -> Offence:
    ref = policy.ref
    return Offence(
        source=INTERNET,
        destination=f"namespace:{ref.namespace}" if ref.namespace else INTERNET,
        port="443/TCP",
        ports="",
        outcome=Outcome.ALLOWED if known else Outcome.UNKNOWN,
        why=f"{ref} selects no pod that runs",
        policies=(ref,),
    )


def _differ(scene: Scene, side: Side, prover: Prover) -> Iterator[Offence]:
    """Pods of one workload that policies tell apart, and that have other paths for it."""
    first, *others = bits(side.classes)
    for other in others:
        apart = _apart(scene, first, other)
        found = _difference(scene, side, first, other) if apart else None
        if found is not None:
            yield _unlike(scene, side, found, apart, prover)
            return


def _apart(scene: Scene, one: int, other: int) -> tuple[ObjectRef, ...]:
    """The policies that select one of two classes only."""
    mine, theirs = ({policy.ref for policy in scene.reach.selecting(number)} for number in (one, other))
    return tuple(sorted(mine ^ theirs))


class _Unlike(NamedTuple):
    """A path of which one class has the ports and another has not. `peer` is at the other end, `into` the workload."""

    peer: int
    open: int
    closed: int
    ports: int
    into: bool


def _difference(scene: Scene, side: Side, one: int, other: int) -> _Unlike | None:
    """A workload that reaches one of two classes only, or that only one of them reaches."""
    reach = scene.reach
    for peer in (number for number in scene.members if not side.classes >> number & 1):
        for into in (True, False):
            ports = [reach.ports(peer, each) if into else reach.ports(each, peer) for each in (one, other)]
            if ports[0] != ports[1]:
                lone = ports[0] & ~ports[1]
                open_, closed = (one, other) if lone else (other, one)
                return _Unlike(peer, open_, closed, lone or ports[1] & ~ports[0], into)
    return None


def _unlike(scene: Scene, side: Side, found: _Unlike, apart: tuple[ObjectRef, ...], prover: Prover) -> Offence:
    peer = scene.side_of(found.peer)
    if found.into:
        source, a, destination, b = peer, found.peer, side, found.closed
        port = a_port(scene, side, found.open, found.ports)
    else:
        source, a, destination, b = side, found.closed, peer, found.peer
        port = a_port(scene, peer, found.peer, found.ports)
    proof = prover.prove(scene, source, a, destination, b, port)
    selecting = ", ".join(map(str, apart))
    return Offence(
        source=source.ask,
        destination=destination.ask,
        port=f"{port[1]}/{port[0].value}",
        ports=ports_words(scene, found.ports),
        outcome=Outcome.PARTIAL,
        why=f"not all of its pods are treated alike ({selecting} selects some only): {proof.why}",
        policies=tuple(dict.fromkeys((*apart, *proof.policies))),
    )


def _unreached(scene: Scene, side: Side, prover: Prover) -> Iterator[Offence]:
    """Services in front of a workload that nothing reaches on any of their ports: no other pod, nothing outside."""
    entry = side.entry
    assert entry is not None
    reach = scene.reach
    namespace = entry.workload.namespace
    for service in reach.engine.snapshot.contents[namespace].services.values():
        chosen = [pod for pod in entry.workload.active if _behind(service, pod)]
        targets = {
            (Protocol(port.protocol), target)
            for port in service.ports
            for pod in chosen
            if port.protocol in Protocol.__members__ and (target := target_port(port, pod)) is not None
        }
        ports = 0
        for protocol, target in targets:
            ports |= reach.port(protocol, target)
        classes = 0
        for pod in chosen:
            classes |= 1 << reach.class_of(pod)
        if not ports or scene.entered(classes, ports):
            continue  # a Service that leads to no pod of this workload has no ports here
        protocol, target = min(targets, key=lambda each: each[1])
        known = not scene.entered(classes, ports, maybe=True)
        number = next(bits(classes))
        internet = scene.part(INTERNET)
        proof = prover.prove(scene, internet, next(bits(internet.classes)), side, number, (protocol, target))
        yield Offence(
            source=INTERNET,
            destination=side.ask,
            port=f"{target}/{protocol.value}",
            ports=", ".join(f"{number}/{each.value}" for each, number in sorted(targets, key=lambda t: t[1])),
            outcome=Outcome.BLOCKED if known else Outcome.UNKNOWN,
            why=f"nothing reaches Service {namespace}/{service.name}, from inside or outside: {proof.why}",
            policies=proof.policies,
        )
        return


def _behind(service: Service, pod: Pod) -> bool:
    return bool(service.selector) and service.selector.items() <= dict(pod.labels).items()
