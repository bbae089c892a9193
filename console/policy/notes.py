"""When which caveat applies: the assumptions a verdict rests on, found in what was judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from console.policy.addresses import contains, parse_address
from console.policy.caveats import Caveat
from console.policy.model import CidrPeer, Direction, Policy, Tier
from console.policy.plugins import Plugin
from console.policy.services import Translation
from console.policy.trace import Clause, ClauseKind, DirectionTrace, Ground, Party, RuleTrace, TierResult, TierTrace
from console.policy.verdict import Case, Connection, EndKind


def case_caveats(src: Party, dst: Party, egress: DirectionTrace, ingress: DirectionTrace) -> set[Caveat]:
    """The caveats of one case."""
    found: set[Caveat] = set()
    for party in (src, dst):
        if party.host_pod is not None:
            found.add(Caveat("HOST_NETWORK", party.name))
            if party.address is None:
                found.add(Caveat("HOST_ADDRESS_UNKNOWN", party.name))
    grounds = {egress.ground, ingress.ground}
    if Ground.OWN_NODE in grounds:
        found.add(Caveat("OWN_NODE"))
    if Ground.SELF in grounds:
        found.add(Caveat("SELF_TRAFFIC"))
    for direction in (egress, ingress):
        found.update(Caveat(gap.code, gap.why) for gap in direction.gaps)
        found.update(_clause_caveats(direction))
        if direction.allowed is None and not direction.gaps:
            found.update(_why_unknown(direction))
    return found


def _why_unknown(direction: DirectionTrace) -> Iterator[Caveat]:
    unsure = False
    clauses = [clause for rule in _rules(direction) for clause in rule.clauses()]
    subjects = [clause for policy in direction.policies() for clause in policy.subject]
    for clause in (*clauses, *subjects):
        if clause.matched is None:
            unsure = True
            code = "DOMAIN_NAMES" if clause.kind is ClauseKind.DOMAIN_NAMES else "NOT_READABLE"
            yield Caveat(code, clause.wanted if code == "DOMAIN_NAMES" else clause.note or clause.found)
    if not unsure:
        # Everything that was asked is known, so only the order of policies can be in doubt.
        yield Caveat("SAME_PRIORITY", ", ".join(str(policy.ref) for policy in direction.policies() if policy.rules))


def baseline_spoke(direction: DirectionTrace) -> bool:
    """Whether the Baseline tier decides a direction."""
    return any(tier.tier is Tier.BASELINE and _spoke(tier) for tier in direction.tiers)


def baseline_caveats(selecting: Iterable[Policy], direction: DirectionTrace) -> Iterator[Caveat]:
    """The NetworkPolicies, of those `selecting` the pod, that isolate it in the other direction than this one."""
    other = Direction.INGRESS if direction.direction is Direction.EGRESS else Direction.EGRESS
    for policy in selecting:
        if policy.tier is Tier.NETWORK_POLICY and policy.rules(other) is not None:
            yield Caveat("BASELINE_BESIDE_NETWORK_POLICY", str(policy.ref))


def _spoke(tier: TierTrace) -> bool:
    return tier.result in (TierResult.ALLOWED, TierResult.DENIED)


def _rules(direction: DirectionTrace) -> Iterator[RuleTrace]:
    for policy in direction.policies():
        yield from policy.rules


def _clause_caveats(direction: DirectionTrace) -> Iterator[Caveat]:
    rules = list(_rules(direction))
    matched = [rule for rule in rules if rule.matched]
    if matched:
        # The answer rests on an assumption only where no rule matches without one.
        assumed = [_assumptions(rule) for rule in matched]
        if all(assumed):
            for clauses in assumed:
                yield from (Caveat(clause.caveat, clause.wanted) for clause in clauses)
    elif direction.allowed is False:
        for rule in rules:
            for clause in rule.clauses():
                if clause.caveat == "NAMED_PORT_UNRESOLVED" and rule.peer:
                    yield Caveat(clause.caveat, clause.wanted)
                elif clause.caveat == "NO_ADDRESS" and rule.port:
                    yield Caveat(clause.caveat)


def _assumptions(rule: RuleTrace) -> list[Clause]:
    """The assumptions a matching rule rests on; none where a peer and a port match without any."""
    peers = [[clause for clause in peer.clauses if clause.caveat] for peer in rule.peers if peer.matched]
    ports = [[clause] if clause.caveat else [] for clause in rule.ports if clause.matched]
    return [*min(peers, key=len), *min(ports, key=len)]


def plugin_caveats(plugin: Plugin | None, cases: Iterable[Case]) -> Iterator[Caveat]:
    """Whether an answer rests on policies that nothing enforces."""
    if plugin is None or plugin.enforces is not False:
        return
    if any(direction.ground is Ground.POLICY for case in cases for direction in case.directions()):
        yield Caveat("PLUGIN_DOES_NOT_ENFORCE", f"{plugin.name}: {plugin.fact}")


def service_caveats(
    connection: Connection, translation: Translation, policies: Iterable[Policy], cases: Iterable[Case]
) -> set[Caveat]:
    """The caveats that come with a Service. `policies` are those that may select the source."""
    found: set[Caveat] = set()
    service = translation.step.service
    if translation.by_selector and translation.step.total:
        found.add(Caveat("ENDPOINTS_BY_SELECTOR"))
    sources = {pod.ref for pod in connection.source.pods}
    if sources & {target.pod.ref for target in translation.targets if target.pod is not None}:
        found.add(Caveat("SELF_THROUGH_SERVICE"))
    if service.headless and translation.targets:
        found.add(Caveat("HEADLESS", str(service.ref)))
    outside = not connection.source.pods
    if outside and service.type in ("NodePort", "LoadBalancer"):
        rules = (rule for case in cases for rule in _rules(case.ingress))
        if any(clause.kind is ClauseKind.IP_BLOCK for rule in rules for clause in rule.clauses()):
            found.add(Caveat("SOURCE_NAT_UNDEFINED", str(service.ref)))
    elif connection.source.kind is EndKind.INTERNET and translation.targets:
        found.add(Caveat("CLUSTER_IP_ONLY", str(service.ref)))
    addresses = [address for address in map(parse_address, service.cluster_ips) if address is not None]
    for policy in policies:
        for rule in policy.egress or ():
            for peer in rule.peers or ():
                if isinstance(peer, CidrPeer) and any(contains(peer.network, address) for address in addresses):
                    found.add(Caveat("NAT_UNDEFINED", f"{policy.ref}: {peer.network}"))
    return found
