"""The baseline: what holds for every workload before any rule of the charter is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field
from typing import Final

from console.governance.audit_turned import Change
from console.governance.charter import BaselineRule, Ground, Rule, Verb
from console.governance.charter_terms import Kind, Term
from console.governance.ends import Side
from console.governance.findings import Offence
from console.governance.rules import Judged, judge
from console.governance.rules_proof import Prover
from console.governance.rules_replicas import differ
from console.governance.rules_services import unreached
from console.governance.scopes import Scene
from console.objects.selectors import LabelSelector
from console.policy.model import Action, Direction, PodPeer, Policy, Protocol, Tier
from console.policy.reach import bits
from console.policy.universe import INTERNET, METADATA, NODES, PodClass
from console.policy.verdict import Outcome

_DNS_PORTS: Final = ((Protocol.UDP, 53), (Protocol.TCP, 53))


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was found of workloads; by namespace how many policies there are, and the idle ones; the DNS servers."""

    sides: dict[str, tuple[Offence, ...]] = field(default_factory=dict)
    idle: dict[str, tuple[int, tuple[Offence, ...]]] = field(default_factory=dict)
    dns: int = 0


def judge_baseline(
    rule: BaselineRule, scene: Scene, prover: Prover, last: Judged | None = None, change: Change | None = None
) -> Judged:
    """A rule of the baseline. What was judged `last` of what a change did not touch is told again."""
    if rule.ground is Ground.METADATA:
        return _metadata(rule, scene, prover, last, change)
    before = last.kept if last is not None and isinstance(last.kept, _Kept) and change is not None else None
    if rule.ground is Ground.POLICIES_SELECT:
        return _policies_select(rule, scene, before, change)
    affected: frozenset[str] | None = None
    if last is not None and before is not None and change is not None and before.dns == scene.dns:
        affected = _affected(rule.ground, scene, change)
        if not affected:
            return last
    each_of: dict[Ground, Callable[[Scene, Side, Prover], Iterator[Offence]]] = {
        Ground.DENY_INGRESS: _open_ingress,
        Ground.DENY_EGRESS: _open_egress,
        Ground.DNS: _no_dns,
        Ground.REPLICAS_ALIKE: differ,
        Ground.SERVICES_REACHABLE: unreached,
    }
    within, besides = scene.workloads(rule.within), _besides(rule, scene)
    pairs = len(within) - len(within.keys() & besides)
    kept = _Kept(dns=scene.dns)
    todo: Iterable[str] = within
    if before is not None and affected is not None:
        gone = affected | besides
        kept.sides.update((name, each) for name, each in before.sides.items() if name in within and name not in gone)
        todo = affected & within.keys()
    for name in todo:
        if name not in besides and (offences := tuple(each_of[rule.ground](scene, within[name], prover))):
            kept.sides[name] = offences
    if last is not None and before is not None and kept.sides == before.sides and last.pairs == pairs:
        return Judged(last.offences, last.unknowns, pairs, kept)
    found = {(each.source, each.destination): each for several in kept.sides.values() for each in several}
    told = [found[key] for key in sorted(found)]
    return Judged(
        tuple(each for each in told if each.outcome is not Outcome.UNKNOWN),
        tuple(each for each in told if each.outcome is Outcome.UNKNOWN),
        pairs,
        kept,
    )


def _affected(ground: Ground, scene: Scene, change: Change) -> frozenset[str]:
    """The workloads that rest on what a change has touched."""
    names = change.names
    if ground is Ground.DNS:
        if scene.dns & change.classes:
            return names.union(scene.sides)
        return names.union(name for number in bits(change.rows) for name in scene.members.get(number, ()))
    if ground is Ground.REPLICAS_ALIKE and not change.nothing:
        # Replicas of several classes may be told apart by any path; one class is never.
        several = {name: side.classes for name, side in scene.sides.items() if side.classes & (side.classes - 1)}
        return names.union(name for name, classes in several.items() if change.paths.apart(classes))
    if ground is Ground.SERVICES_REACHABLE:
        contents = scene.reach.engine.snapshot.contents
        spaces = {name for name, held in contents.items() if held.services and not change.nothing} | change.spaces
        return names.union(name for space in spaces for name in scene.inventory.of(space))
    return names


def _besides(rule: BaselineRule, scene: Scene) -> Set[str]:
    """The workloads that a rule leaves out."""
    return scene.workloads(rule.besides).keys() if rule.besides else frozenset()


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


def _metadata(rule: BaselineRule, scene: Scene, prover: Prover, last: Judged | None, change: Change | None) -> Judged:
    """The metadata address, as the charter's own ``never`` judges it."""
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
    found = judge(never, scene, prover, last, change)
    if found is last:
        return found
    besides = _besides(rule, scene)
    return Judged(
        tuple(each for each in found.offences if each.source not in besides),
        tuple(each for each in found.unknowns if each.source not in besides),
        found.pairs - len(besides),
        found.kept,
    )


# -- policies, replicas, Services


def _policies_select(rule: BaselineRule, scene: Scene, before: _Kept | None, change: Change | None) -> Judged:
    """Policies that select no pod which runs, in the namespaces of the workloads that are meant."""
    engine = scene.reach.engine
    everywhere = rule.within == (Term(Kind.ANY),) and not rule.besides
    namespaces: set[str] = set()
    if not everywhere:
        besides = _besides(rule, scene)
        meant = (side.entry for name, side in scene.workloads(rule.within).items() if name not in besides)
        namespaces = {entry.workload.namespace for entry in meant if entry is not None}
    known = before.idle if before is not None else {}
    kept = _Kept()
    offences: list[Offence] = []
    asked = 0
    cluster_wide = engine.over(())
    for name in ("", *engine.snapshot.contents):
        found = known.get(name)
        if found is None or change is None or not name or name in change.spaces:
            policies = engine.over([name])[len(cluster_wide) :] if name else cluster_wide
            found = len(policies), tuple(_idle_among(scene, policies))
        kept.idle[name] = found
        if everywhere or not name or name in namespaces:
            asked += found[0]
            offences += found[1]
    return Judged(
        tuple(each for each in offences if each.outcome is not Outcome.UNKNOWN),
        tuple(each for each in offences if each.outcome is Outcome.UNKNOWN),
        asked,
        kept,
    )


def _idle_among(scene: Scene, policies: Iterable[Policy]) -> Iterator[Offence]:
    universe = scene.reach.universe
    for policy in policies:
        subject = policy.subject
        chosen = universe.selected(subject.namespaces, subject.pods, subject.home)
        sure, maybe = (each & universe.all for each in chosen)  # some classes may have nobody left
        if not sure:
            yield _idle(policy, known=not maybe)


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
