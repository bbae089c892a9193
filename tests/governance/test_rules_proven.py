"""One meaning of a rule: what an audit says of all pairs is what the engine says of each, in any cluster."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.governance.audit import Auditor
from console.governance.charter_read import load
from console.governance.findings import Offence, RuleResult
from console.objects.coverage import NOT_READABLE, Coverage, Gap
from console.objects.decode import decode
from console.objects.snapshot import build
from console.policy.ends import parse_end
from console.policy.engine import Engine
from console.policy.model import Protocol
from console.policy.parties import families_of
from console.policy.trace import Ground
from console.policy.verdict import Case, Connection, Outcome, Verdict
from tests.governance.auditing import TODAY
from tests.policy.strategies import Raw, worlds
from tests.policy.strategies_tiers import tiered_worlds

WORLDS = max(25, int(os.environ.get("NETPOL_VERDICTS", "6000")) // 300)
CHARTER = load("""\
charter: everything
rules:
  - {name: never, from: any, never: [any, internet, metadata], ports: [80]}
  - {name: only, to: namespace:a, only: ['namespace:b', 'namespace:c on 53/UDP'], ports: [80, 53/UDP]}
  - {name: must, from: namespace:a, must: [namespace:b, namespace:c], ports: [80]}
""")
unhurried = settings(max_examples=WORLDS, deadline=None, suppress_health_check=list(HealthCheck))


class _World:
    def __init__(self, objects: list[Raw], *gaps: Gap) -> None:
        self.engine = Engine(build([each for raw in objects if (each := decode(raw))], Coverage(gaps)))
        auditor = Auditor(CHARTER, today=TODAY)
        found = auditor.audit(self.engine)
        self.rules = {rule.name: rule for rule in found.rules}
        self.families = auditor.scene.reach.families
        self.names = list(auditor.inventory.entries)
        self.namespaces = {name: name.partition("/")[0] for name in self.names}
        self._verdicts: dict[tuple[str, str, int, Protocol], Verdict] = {}
        self.awaiting = {
            name
            for name, each in auditor.inventory.entries.items()
            if len({bool(families_of(pod)) for pod in each.workload.active}) > 1
        }
        self.several = {name: len(each.workload.active) > 1 for name, each in auditor.inventory.entries.items()}

    def verdict(self, source: str, destination: str, port: int, protocol: Protocol) -> Verdict:
        """What the engine says."""
        key = source, destination, port, protocol
        if key not in self._verdicts:
            one, other = (parse_end(each, self.engine.snapshot) for each in (source, destination))
            self._verdicts[key] = self.engine.evaluate(Connection(one, other, protocol, port))
        return self._verdicts[key]

    def cases(self, source: str, destination: str, port: int, protocol: Protocol) -> list[Case] | None:
        """The cases, pods and themselves left out.

        None where a pod's own node is among them, or ends that share no address family:
        the engine says what policies say of those, and nobody asks. None, too, where some
        replicas have no address yet: the engine takes them to get one of their siblings'
        families, all pairs of any.
        """
        if self.awaiting & {source, destination}:
            return None
        cases = self.verdict(source, destination, port, protocol).cases
        grounds = {trace.ground for case in cases for trace in case.directions()}
        if grounds & {Ground.OWN_NODE, Ground.SELF} or "NO_COMMON_FAMILY" in {
            caveat.code for case in cases for caveat in case.caveats
        }:
            return None
        return [case for case in cases if len(case.sources) > 1 or case.sources != case.destinations]


def _by_pair(offences: tuple[Offence, ...]) -> dict[tuple[str, str], Offence]:
    return {(each.source, each.destination): each for each in offences}


def _agrees(world: _World, rule: RuleResult, source: str, destination: str, asked: list[tuple[int, Protocol]]) -> None:
    """A pair that a rule forbids on some ports is told of just where the engine lets any of them through."""
    cases = [world.cases(source, destination, *port) for port in asked]
    if any(each is None for each in cases):
        return
    outcomes = {case.outcome for each in cases for case in each or ()}
    offence = _by_pair(rule.offences).get((source, destination))
    doubt = _by_pair(rule.unknowns).get((source, destination))
    told = source, destination, outcomes, offence, doubt
    assert (offence is not None) == (Outcome.ALLOWED in outcomes), told
    assert (doubt is not None) == (Outcome.ALLOWED not in outcomes and Outcome.UNKNOWN in outcomes), told
    if offence is not None:
        number, _, protocol = offence.port.partition("/")
        verdict = world.verdict(source, destination, int(number), Protocol(protocol))
        assert verdict.outcome is offence.outcome, told
        deciding = {
            policy.ref
            for case in verdict.cases
            if case.outcome is Outcome.ALLOWED
            for trace in case.directions()
            for policy in trace.policies()
            if policy.decided is not None
        }
        assert set(offence.policies) <= deciding, told


def _check(world: _World) -> None:
    http, dns = (80, Protocol.TCP), (53, Protocol.UDP)
    for source in world.names:
        # Nobody in a cluster without IPv4 is asked about the metadata address, which is one of it.
        for destination in (*world.names, "internet", *(["metadata"] if 4 in world.families else [])):
            if source != destination or world.several[source]:
                _agrees(world, world.rules["never"], source, destination, [http])
        for destination in world.names:
            if world.namespaces[destination] != "a" or world.namespaces[source] == "a":
                continue
            if world.namespaces[source] == "b":
                assert (source, destination) not in _by_pair(world.rules["only"].offences)
            else:
                asked = [http] if world.namespaces[source] == "c" else [http, dns]
                _agrees(world, world.rules["only"], source, destination, asked)


def _check_must(world: _World) -> None:
    told = {**_by_pair(world.rules["must"].offences), **_by_pair(world.rules["must"].unknowns)}
    for (source, destination), offence in told.items():
        number, _, protocol = offence.port.partition("/")
        if world.cases(source, destination, int(number), Protocol(protocol)) is not None:
            verdict = world.verdict(source, destination, int(number), Protocol(protocol))
            assert verdict.outcome is offence.outcome, offence
            assert verdict.outcome is not Outcome.ALLOWED


@unhurried
@given(worlds(), st.sampled_from([None, "a", "b"]))
def test_pairs_are_told_of_as_single_connections_are(objects: list[Raw], unread: str | None) -> None:
    gaps = (Gap(code=NOT_READABLE, resource="networkpolicies", namespace=unread, why="403"),) if unread else ()
    world = _World(objects, *gaps)
    _check(world)
    _check_must(world)


@unhurried
@given(tiered_worlds())
def test_pairs_are_told_of_as_single_connections_are_by_all_tiers(objects: list[Raw]) -> None:
    world = _World(objects)
    _check(world)
    _check_must(world)
