"""The engine: compiled policies of a snapshot, and the verdict on a connection.

Every replica is judged; those that the policies in question cannot tell apart are
judged once and folded. An engine is immutable in effect and cheap to make from the
one before it: policies that did not change are not compiled again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import msgspec
from msgspec.structs import replace

from console.errors import UsageError
from console.objects.core import Pod, Service
from console.objects.coverage import Gap
from console.objects.meta import ObjectRef
from console.objects.netpol import NetworkPolicy
from console.objects.snapshot import Snapshot
from console.objects.tiered import TieredPolicy
from console.policy.addresses import parse_address
from console.policy.asking import Modes, any_matches
from console.policy.cases import Judged, across_ports, alike, fold, outcome_of, same_reasons
from console.policy.caveats import Caveat
from console.policy.compiled import CompiledPolicies
from console.policy.dns import cannot_resolve
from console.policy.gaps import concerns, foreign_gaps
from console.policy.judge import judge
from console.policy.model import Direction, Policy, Tier
from console.policy.near import near_misses
from console.policy.networking import Problem
from console.policy.notes import baseline_caveats, baseline_spoke, case_caveats, plugin_caveats, service_caveats
from console.policy.parties import Replicas, Scope, bare_ends, families_of, replicas
from console.policy.plugins import Plugin, detect
from console.policy.posture import Posture, Side, Stance, combine
from console.policy.services import Target, Translation, selected, translate
from console.policy.trace import DirectionTrace, Party, Question
from console.policy.verdict import Case, Connection, End, EndKind, NearMiss, Outcome, ServiceState, Verdict


class _Group(msgspec.Struct, frozen=True):
    """Destinations that are reached on the same port."""

    end: End
    port: int


class Engine:
    """Judges connections in one snapshot. Pass the engine of an earlier snapshot to reuse its compiled policies."""

    def __init__(self, snapshot: Snapshot, previous: Engine | None = None, *, modes: Modes | None = None) -> None:
        self.snapshot = snapshot
        self.modes: Modes = modes or (previous.modes if previous else Modes())
        self._policies: CompiledPolicies = CompiledPolicies(snapshot, previous._policies if previous else None)
        #: Everything that could decide and is not known.
        self.gaps: tuple[Gap, ...] = (*snapshot.coverage.gaps, *self._policies.invalid, *foreign_gaps(snapshot))

    @cached_property
    def plugin(self) -> Plugin | None:
        """The cluster's network plugin, as far as its pods tell."""
        return detect(self.snapshot)

    def problems(self, policy: NetworkPolicy | TieredPolicy) -> tuple[Problem, ...]:
        """What is wrong with a policy of the snapshot."""
        return self._policies.problems(policy)

    def compiled(self, policy: NetworkPolicy | TieredPolicy) -> Policy | None:
        """The compiled form of a policy of the snapshot; None where it is not valid."""
        return self._policies.compiled(policy)

    def shares(self, other: Engine) -> bool:
        """Whether policies that did not change are the very ones of another engine: one was made from the other."""
        return self._policies.shares(other._policies)

    def over(self, namespaces: Iterable[str]) -> tuple[Policy, ...]:
        """The policies that may select pods of the namespaces."""
        return self._policies.over(namespaces)

    def selecting(self, pod: Pod) -> tuple[Policy, ...]:
        """The policies that select a pod; none for hostNetwork pods."""
        return self._policies.selecting(pod)

    def posture(self, pods: Iterable[Pod]) -> Posture:
        """Per direction, how the pods that have not finished stand."""
        sides = [self._sides(pod) for pod in pods if not pod.finished]
        return Posture(combine(ingress for ingress, _ in sides), combine(egress for _, egress in sides))

    def _sides(self, pod: Pod) -> tuple[Side, Side]:
        if self._gaps_over(pod):
            selecting = tuple(policy.ref for policy in self.selecting(pod))
            return Side(Stance.UNKNOWN, selecting), Side(Stance.UNKNOWN, selecting)
        selecting_policies = self.selecting(pod)
        return _side(selecting_policies, Direction.INGRESS), _side(selecting_policies, Direction.EGRESS)

    def evaluate(self, connection: Connection) -> Verdict:
        """The verdict on a connection. Raises UsageError where a Service has no such port, or no pod to open it."""
        connection = replace(connection, source=self._opener(connection.source))
        translation, cases, outcome = self._decide(connection)
        return Verdict(
            connection,
            outcome,
            cases,
            translation.step if translation else None,
            self._caveats(connection, translation, cases),
            self._near_misses(cases),
        )

    def outcome(self, connection: Connection) -> Outcome:
        """The outcome of the verdict alone, for many questions at once. Raises as `evaluate` does."""
        return self._decide(replace(connection, source=self._opener(connection.source)))[2]

    def cases(self, connection: Connection) -> tuple[Case, ...]:
        """The cases of the verdict alone, for many questions at once. Raises as `evaluate` does."""
        return self._decide(replace(connection, source=self._opener(connection.source)))[1]

    def _decide(self, connection: Connection) -> tuple[Translation | None, tuple[Case, ...], Outcome]:
        translation: Translation | None = None
        groups = [_Group(connection.destination, connection.port)]
        if connection.destination.service is not None:
            service = connection.destination.service
            translation = translate(service, connection.port, connection.protocol, self.snapshot)
            if translation.step.state is not ServiceState.TRANSLATED:
                # Behind an ExternalName is a host that is not looked up here; the others carry nothing.
                unknown = translation.step.state in (ServiceState.EXTERNAL_NAME, ServiceState.NOT_KNOWN)
                return translation, (), Outcome.UNKNOWN if unknown else Outcome.BLOCKED
            groups = _by_port(translation.targets)
        cases = across_ports(case for group in groups for case in self._judge_group(connection, group))
        return translation, cases, outcome_of(cases)

    def _opener(self, source: End) -> End:
        """A Service opens no connections: the pods behind it do. Raises UsageError where there is none."""
        if source.service is None:
            return source
        pods = self.behind(source.service)
        if not pods:
            raise UsageError(f"no pod stands behind {source}", hint="a Service opens connections through its pods only")
        return replace(source, pods=pods)

    def behind(self, service: Service) -> tuple[Pod, ...]:
        """The pods that a Service selects or its EndpointSlices name, ready or not."""
        held = self.snapshot.contents[service.namespace]
        named = {endpoint.pod for each in held.endpoint_slices.values() if each.service == service.name
                 for endpoint in each.endpoints}  # fmt: skip
        return tuple(
            pod for pod in held.pods.values() if not pod.finished and (pod.name in named or selected(service, pod))
        )

    def _judge_group(self, connection: Connection, group: _Group) -> tuple[Case, ...]:
        source, destination = connection.source, group.end
        policies = self._policies.over({pod.namespace for pod in (*source.pods, *destination.pods)})
        scope = Scope(policies, [gap.pod_selector for gap in self.gaps])
        families = self._families(source, destination)
        by_family: list[tuple[int | None, tuple[Case, ...]]] = []
        tried: list[int | None] = [*families] if families else [None]
        for family in tried:
            # A replica that has another family of those in common is judged over that one.
            ends = [_over(end, family, families or ()) for end in (source, destination)]
            froms = replicas(ends[0], self.snapshot, scope, family, beside=bare_ends(destination))
            tos = replicas(ends[1], self.snapshot, scope, family, beside=bare_ends(source))
            judged = [self._judged(connection, *pair, group.port, apart=families == []) for pair in _pairs(froms, tos)]
            by_family.append((family, fold(judged, scope)))
        first = by_family[0][1]
        if all(same_reasons(first, cases) for _, cases in by_family[1:]):
            return first
        if len({case.outcome for _, cases in by_family for case in cases}) == 1:
            return alike(case for _, cases in by_family for case in cases)
        return tuple(
            replace(
                case,
                facts=(f"over IPv{family}", *case.facts),
                caveats=tuple(sorted({*case.caveats, Caveat("FAMILY_DIFFERS")})),
            )
            for family, cases in by_family
            for case in cases
        )

    def _families(self, source: End, destination: End) -> list[int] | None:
        """The address families the ends share; None where neither has an address, empty where they share none."""
        one, other = _families_of(source), _families_of(destination)
        if one is None and other is None:
            outside = EndKind.INTERNET in (source.kind, destination.kind)
            return sorted(self._cluster_families) if outside else None
        if one is None or other is None:
            return sorted(one or other or ())
        return sorted(one & other)

    @cached_property
    def _cluster_families(self) -> frozenset[int]:
        """The families pods of this cluster use; IPv4 where none has an address."""
        found = frozenset(family for pod in self.snapshot.pods() for family in families_of(pod))
        return found or frozenset([4])

    def _judged(
        self, connection: Connection, sources: Replicas, destinations: Replicas, port: int, *, apart: bool
    ) -> Judged:
        src, dst = _distinct(sources, destinations)
        how = connection.protocol, port, None if connection.destination.service is None else connection.port
        egress = self.direction(Question(Direction.EGRESS, src, dst, *how))
        ingress = self.direction(Question(Direction.INGRESS, dst, src, *how))
        caveats = case_caveats(src, dst, egress, ingress)
        for trace in (egress, ingress):
            if trace.question.subject.pod is not None and baseline_spoke(trace):
                caveats.update(baseline_caveats(self.selecting(trace.question.subject.pod), trace))
        if apart:
            caveats.add(Caveat("NO_COMMON_FAMILY"))
        else:
            of_another = [each for each in (src, dst) if _of_another_family(each)]
            caveats.update(Caveat("NO_COMMON_FAMILY", each.name) for each in of_another)
        answers = (egress.allowed, ingress.allowed)
        outcome = Outcome.BLOCKED if False in answers else Outcome.UNKNOWN if None in answers else Outcome.ALLOWED
        case = Case(sources.names, destinations.names, port, outcome, egress, ingress, tuple(sorted(caveats)))
        return Judged(case, sources, destinations)

    def direction(self, question: Question) -> DirectionTrace:
        """One direction of a connection between two parties, judged and explained."""
        pod = question.subject.pod
        return judge(
            question,
            policies=self._policies.over([pod.namespace]) if pod else (),
            gaps=self._gaps_over(pod) if pod else [],
            modes=self.modes,
        )

    def _gaps_over(self, pod: Pod) -> list[Gap]:
        if not self.gaps:
            return []
        namespace = self.snapshot.namespace(pod.namespace)
        return [gap for gap in self.gaps if concerns(gap, pod, namespace)]

    def _near_misses(self, cases: Sequence[Case]) -> tuple[NearMiss, ...]:
        blocked = next((case for case in cases if case.outcome is Outcome.BLOCKED), None)
        if blocked is None:
            return ()

        def would_match(direction: DirectionTrace, ref: ObjectRef) -> bool:
            rules = self._policies.named(ref).rules(direction.direction) or ()
            return any_matches(rules, direction.question, self.modes)

        return near_misses(blocked, would_match)

    def _caveats(
        self, connection: Connection, translation: Translation | None, cases: Sequence[Case]
    ) -> tuple[Caveat, ...]:
        found = {*connection.source.caveats, *connection.destination.caveats}
        found.update(caveat for case in cases for caveat in case.caveats)
        if translation is not None:
            egress = [policy for pod in connection.source.pods for policy in self.selecting(pod)]
            found |= service_caveats(connection, translation, egress, cases)
        asked = {trace.ref for case in cases for direction in case.directions() for trace in direction.policies()}
        for ref, problems in self._policies.noted(asked):
            found.update(Caveat("UNMASKED_CIDR", f"{ref}: {problem.message}") for problem in problems)
        found.update(plugin_caveats(self.plugin, cases))
        if self._dns_blocked(connection, cases):
            found.add(Caveat("DNS_BLOCKED"))
        return tuple(sorted(found))

    def _dns_blocked(self, connection: Connection, cases: Sequence[Case]) -> bool:
        """Whether names cannot be resolved where one would be used: an allowed path to a Service or the internet."""
        by_name = connection.destination.kind in (EndKind.SERVICE, EndKind.INTERNET) and connection.port != 53
        allowed = [case.egress.question.subject for case in cases if by_name and case.outcome is Outcome.ALLOWED]
        return any(cannot_resolve(party, self.snapshot, self.direction) for party in allowed if party.pod is not None)


def _side(policies: Sequence[Policy], direction: Direction) -> Side:
    isolating = [each for each in policies if each.tier is Tier.NETWORK_POLICY and each.rules(direction) is not None]
    if not isolating:
        return Side(Stance.OPEN)
    rules = any(policy.rules(direction) for policy in isolating)
    return Side(Stance.RULES if rules else Stance.CLOSED, tuple(policy.ref for policy in isolating))


def _over(end: End, family: int | None, families: Sequence[int]) -> End:
    """The end without the pods that hold no address of a family, but one of another that both ends share."""
    kept = tuple(
        pod for pod in end.pods if not (own := families_of(pod)) or family in own or not own.intersection(families)
    )
    return end if len(kept) == len(end.pods) else replace(end, pods=kept)


def _of_another_family(party: Party) -> bool:
    """Whether one of several replicas has addresses, and none of a family that both ends hold.

    Policies are read for it nonetheless; nothing is carried between it and the other end.
    """
    pod = party.pod or party.host_pod
    return party.address is None and pod is not None and bool(families_of(pod))


def _families_of(end: End) -> frozenset[int] | None:
    if end.network is not None:
        return frozenset([end.network.version])
    own = {address.version for address in end.addresses}
    return frozenset(own.union(*(families_of(pod) for pod in end.pods))) or None


def _pairs(froms: Sequence[Replicas], tos: Sequence[Replicas]) -> list[tuple[Replicas, Replicas]]:
    """Every pair of classes. A pod and itself is a pair only where there is no other."""
    every = [(source, destination) for source in froms for destination in tos]
    others = [pair for pair in every if len({party.name for party in _distinct(*pair)}) == 2]
    return others or every


def _distinct(sources: Replicas, destinations: Replicas) -> tuple[Party, Party]:
    """One member of each, not the same pod where that can be helped: a workload's pods talk to each other."""
    for src in sources.members[:2]:
        for dst in destinations.members[:2]:
            if src.name != dst.name:
                return src, dst
    return sources.members[0], destinations.members[0]


def _by_port(targets: Sequence[Target]) -> list[_Group]:
    """A Service's endpoints, pods by port; an endpoint that is no pod is an address of its own."""
    pods: dict[int, list[Pod]] = {}
    groups: list[_Group] = []
    for target in targets:
        if target.pod is not None:
            pods.setdefault(target.port, []).append(target.pod)
        elif (address := parse_address(target.address)) is not None:
            groups.append(_Group(End(EndKind.ADDRESS, addresses=(address,)), target.port))
    return [_Group(End(EndKind.WORKLOAD, each[0].ref, tuple(each)), port) for port, each in pods.items()] + groups
