"""Hygiene of one policy: what of it does nothing, or is wider than it looks, folded into a finding a code."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from console.governance.findings import Finding, Place, Severity
from console.governance.hygiene_codes import make
from console.governance.roles import Role, classify
from console.objects.core import Service
from console.objects.meta import ObjectRef
from console.objects.netpol import NetworkPolicy
from console.objects.snapshot import Snapshot
from console.objects.tiered import TieredPolicy
from console.objects.workloads import Workload
from console.policy.addresses import parse_address
from console.policy.explain import oddities
from console.policy.explain_cover import subject_within
from console.policy.explain_model import EFFECTS, DirectionView, Effect
from console.policy.explain_model import Finding as Oddity
from console.policy.explain_study import Study
from console.policy.explain_words import counted, listed, peer_words, policy_name, workload_name
from console.policy.match import keys_of
from console.policy.model import CidrPeer, Direction, DomainPeer, Path, PodPeer, Policy, Rule, Tier
from console.policy.networking import dotted

_TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SELECTS_NO_POD": "{policy} selects nothing",
        "LABEL_ONLY_INJECTED": "{policy} asks for a label that only a mesh's injector sets",
        "DIRECTION_NOT_DECLARED": "{policy} has rules that are ignored",
        "RULE_COVERED": "{policy} has rules that others cover",
        "PEER_MATCHES_NOTHING": "{policy} names peers that match nothing",
        "EXCEPT_USELESS": "{policy} has exceptions that except nothing",
        "PORT_NOWHERE": "{policy} names ports that no destination declares",
        "NAMED_PORT_DIFFERS": "{policy} names ports that mean different numbers",
        "ANY_PEER": "{policy} names no peer, so that anything may be the other end",
        "OPEN_INTERNET": "{policy} opens the internet",
        "ALL_NAMESPACES": "{policy} opens to every namespace",
        "ALL_PORTS": "{policy} opens every port",
        "OPENS_BOTH": "{policy} opens more than two selectors look like",
    }
)
#: Whoever calls out for others, or is called from outside, by trade.
_OPEN_BY_TRADE: Final = frozenset([Role.GATEWAY, Role.INGRESS])


@dataclass(frozen=True, slots=True)
class ServiceAddresses:
    """The cluster addresses of Services, in order, by family."""

    numbers: Mapping[int, Sequence[int]]
    services: Mapping[int, Sequence[Service]]

    @classmethod
    def of(cls, snapshot: Snapshot) -> ServiceAddresses:
        """Those of a snapshot."""
        found: dict[int, list[tuple[int, Service]]] = {4: [], 6: []}
        for text, service in snapshot.services_by_ip.items():
            address = parse_address(text)
            if address is not None:
                found[address.version].append((int(address), service))
        for each in found.values():
            each.sort(key=lambda entry: entry[0])
        numbers = {family: [number for number, _ in each] for family, each in found.items()}
        return cls(numbers, {family: [service for _, service in each] for family, each in found.items()})

    def within(self, peer: CidrPeer) -> list[Service]:
        """The Services whose address lies in a network and in none of its exceptions."""
        numbers = self.numbers[peer.network.version]
        inside = set(_span(numbers, int(peer.network.network_address), int(peer.network.broadcast_address)))
        for hole in peer.excepts:
            inside -= set(_span(numbers, int(hole.network_address), int(hole.broadcast_address)))
        return [self.services[peer.network.version][index] for index in sorted(inside)]


def _span(numbers: Sequence[int], first: int, last: int) -> range:
    return range(bisect_left(numbers, first), bisect_right(numbers, last))


def of_policy(study: Study, written: NetworkPolicy | TieredPolicy, services: ServiceAddresses) -> Iterator[Finding]:
    """The findings about a policy that takes part in verdicts. `study` may share its population with others'."""
    odd = oddities(study, written)
    if study.selected.certain and not study.selected.pods:
        yield _idle(study, written, odd)
        return
    found: dict[str, list[Oddity]] = {}
    for each in odd:
        found.setdefault(each.code, []).append(each)
    # A policy whose rules are ignored says more than it does, so it is not to be deleted but mended.
    redundant = [] if "DIRECTION_NOT_DECLARED" in found else _redundant(study, found.get("RULE_COVERED", ()))
    if redundant:
        title = f"{policy_name(written.ref)} changes nothing"
        yield make("POLICY_REDUNDANT", written.ref, title, redundant, place=place(written, ()))
        found.pop("RULE_COVERED", None)
    found = _without_repeats(study, found)
    found.pop("WHOLE_NAMESPACE", None)  # no fault by itself; where a chart brought it, it is
    yield from _chart(study, written)
    for code, several in found.items():
        severity, more = _weight(study, code, several)
        title = _TITLES[code].format(policy=policy_name(written.ref))
        facts = [f"{dotted(each.path)}: {each.sentence}" for each in several]
        yield make(code, written.ref, title, [*facts, *more], severity=severity, place=place(written, several[0].path))
    yield from _peers(study, written, services)


def place(written: NetworkPolicy | TieredPolicy, path: Path) -> Place | None:
    """Where a part of a policy stands in the file it came from; None for one that came from a cluster."""
    text = written.text
    if text is None or text.yaml is None:
        return None
    # Only files have places, and only findings want them: their YAML is not parsed for marks before.
    from console.objects.yaml_positions import locate

    lines = locate(text.yaml, path) if path else None
    return Place(text.file, text.line + (lines[0] - 1 if lines else 0))


def _idle(study: Study, written: NetworkPolicy | TieredPolicy, odd: Sequence[Oddity]) -> Finding:
    """One finding for a policy that selects nothing; what it would open is evidence, not another finding."""
    subject = study.policy.subject.pods_path
    injected = [each for each in odd if each.code == "LABEL_ONLY_INJECTED" and each.path[: len(subject)] == subject]
    code = "LABEL_ONLY_INJECTED" if injected else "SELECTS_NO_POD"
    why = [each for each in odd if each.code == "SELECTS_NO_POD"]
    latent = [each for each in odd if EFFECTS[each.code] is Effect.WIDER and each.code != "WHOLE_NAMESPACE"]
    facts = [f"{dotted(each.path)}: {each.sentence}" for each in (*why, *injected)]
    facts += [f"with the first pod it selects, {dotted(each.path)}: {each.sentence}" for each in latent]
    return make(
        code,
        written.ref,
        _TITLES[code].format(policy=policy_name(written.ref)),
        facts,
        place=place(written, (injected or why)[0].path) if injected or why else place(written, ()),
    )


def _without_repeats(study: Study, found: Mapping[str, list[Oddity]]) -> dict[str, list[Oddity]]:
    """The oddities without hints, and without those that a weightier one says as well."""
    kept = {code: list(several) for code, several in found.items()}
    # A number need not be declared by a container, so only a name that is nowhere is sure.
    names = {
        match.path for view in study.directions for rule in view.rules for match in rule.rule.ports or () if match.name
    }
    kept["PORT_NOWHERE"] = [each for each in kept.get("PORT_NOWHERE", ()) if each.path in names]
    open_rules = {each.path[:3] for code in ("ANY_PEER", "OPEN_INTERNET") for each in kept.get(code, ())}
    kept["ALL_PORTS"] = [each for each in kept.get("ALL_PORTS", ()) if each.path[:3] not in open_rules]
    return {code: several for code, several in kept.items() if several}


def _weight(study: Study, code: str, several: Sequence[Oddity]) -> tuple[Severity | None, list[str]]:
    """How much the oddities of a code matter (None: as usual), and further facts that say why."""
    rules = [rule for each in several if (rule := _rule(study.policy, each.path)) is not None]
    if code == "LABEL_ONLY_INJECTED":
        return Severity.MEDIUM, []  # of a peer: less is open than it says
    if code == "ALL_PORTS":
        home = all(_stays_home(rule) for rule in rules)
        return (Severity.LOW if home else None), []
    if code == "ALL_NAMESPACES":
        return (Severity.LOW if all(rule.ports is not None for rule in rules) else None), []
    if code == "ANY_PEER":
        every = [rule for rule in rules if rule.ports is None]
        facts = [f"rule {rule.index + 1} names no port either: every port and protocol is open" for rule in every]
        if every or any(rule in (study.policy.egress or ()) for rule in rules):
            return Severity.HIGH, facts
        return Severity.LOW, facts
    if code == "OPEN_INTERNET":
        return _internet(study, rules, several)
    return None, []


def _internet(study: Study, rules: Sequence[Rule], several: Sequence[Oddity]) -> tuple[Severity | None, list[str]]:
    facts = [
        f"rule {rule.index + 1} names no port: every port and protocol is open" for rule in rules if rule.ports is None
    ]
    if not any(rule in (study.policy.egress or ()) for rule in rules):
        return Severity.LOW, facts
    facts.append(f"it selects {counted(len(study.selected.pods), 'pod')} of {_names(study.selected.workloads)}")
    if any("(cloud metadata) is among them" in each.sentence for each in several):
        return Severity.HIGH, facts
    roles = {_role(study, ref) for ref in study.selected.workloads}
    if roles <= _OPEN_BY_TRADE and not any(rule.ports is None for rule in rules):
        return Severity.LOW, [*facts, f"these are of the role {' and '.join(sorted(role.value for role in roles))}"]
    return Severity.MEDIUM, facts


def _role(study: Study, ref: ObjectRef) -> Role:
    held = study.engine.snapshot.contents[ref.namespace]
    pods = tuple(pod for pod in study.selected.pods if pod.namespace == ref.namespace and held.workload_of(pod) == ref)
    return classify(Workload(ref.kind, ref.namespace, ref.name, pods), held.namespace).role


def _rule(policy: Policy, path: Path) -> Rule | None:
    return next(
        (
            rule
            for direction in Direction
            for rule in policy.rules(direction) or ()
            if rule.path == path[: len(rule.path)]
        ),
        None,
    )


def _stays_home(rule: Rule) -> bool:
    return bool(rule.peers) and all(isinstance(peer, PodPeer) and peer.namespaces is None for peer in rule.peers or ())


def _names(workloads: Sequence[ObjectRef]) -> str:
    return listed([workload_name(ref) for ref in workloads])


def _redundant(study: Study, covered: Sequence[Oddity]) -> list[str]:
    """Why a NetworkPolicy could go without changing a verdict, now or later; empty where that is not proven."""
    policy = study.policy
    if policy.tier is not Tier.NETWORK_POLICY or len(covered) != sum(len(view.rules) for view in study.directions):
        return []
    others = [each for each in study.engine.over([policy.ref.namespace]) if each.tier is policy.tier]
    facts: list[str] = []
    for view in study.directions:
        by = next((other for other in others if _isolates_as(other, policy, view)), None)
        if by is None:
            return []
        facts.append(f"{policy_name(by.ref)} isolates the same pods for {view.direction.value}")
    return [*facts, *(each.sentence for each in covered)]


def _isolates_as(other: Policy, policy: Policy, view: DirectionView) -> bool:
    if other.ref == policy.ref or other.rules(view.direction) is None:
        return False
    if not set(keys_of(other.subject.pods)) <= set(keys_of(policy.subject.pods)):
        return False
    if not subject_within(policy.subject, other.subject):
        return False
    # Of two that are alike the first may stay.
    return other.ref < policy.ref or not subject_within(other.subject, policy.subject)


def _chart(study: Study, written: NetworkPolicy | TieredPolicy) -> Iterator[Finding]:
    """An empty podSelector that a chart brought, where other releases live too and nothing else isolates them."""
    if not isinstance(written, NetworkPolicy) or not _of_chart(written):
        return
    if not written.pod_selector.is_empty:
        return
    releases = {_release(pod.labels) for pod in study.selected.pods}
    if len(releases) < 2:
        return
    for view in study.directions:
        alone = study.population.workloads(study.around.ungoverned(view.direction))
        if alone:
            facts = [
                f"it came with a chart ({_chart_mark(written)})",
                f"it selects {counted(len(study.selected.pods), 'pod')} of "
                f"{counted(len(study.selected.workloads), 'workload')}, of {counted(len(releases), 'release')}",
                f"for {view.direction.value} nothing but it isolates {_names(alone)}",
            ]
            title = f"{policy_name(written.ref)}, brought by a chart, isolates every pod of {written.namespace}"
            path = study.policy.subject.pods_path
            yield make("CHART_ISOLATES_NAMESPACE", written.ref, title, facts, place=place(written, path))
            return


def _chart_mark(written: NetworkPolicy) -> str:
    if written.labels.get("app.kubernetes.io/managed-by") == "Helm":
        return "app.kubernetes.io/managed-by=Helm"
    if "helm.sh/chart" in written.labels:
        return f"helm.sh/chart={written.labels['helm.sh/chart']}"
    return "its field manager is helm"


def _of_chart(written: NetworkPolicy) -> bool:
    labels = written.labels
    by_helm = written.manager is not None and written.manager.name == "helm"
    return labels.get("app.kubernetes.io/managed-by") == "Helm" or "helm.sh/chart" in labels or by_helm


def _release(labels: Mapping[str, str]) -> str:
    """What tells the pods of one release from those of another, as charts mark them."""
    keys = ("app.kubernetes.io/instance", "release", "app.kubernetes.io/part-of", "app.kubernetes.io/name", "app")
    return next((labels[key] for key in keys if labels.get(key)), "")


def _peers(study: Study, written: NetworkPolicy | TieredPolicy, services: ServiceAddresses) -> Iterator[Finding]:
    """What egress peers name that a policy cannot hold to: Services by address, hosts by address, hosts by name."""
    clustered: list[tuple[Path, str]] = []
    pinned: list[tuple[Path, str]] = []
    named: list[tuple[Path, str]] = []
    for rule in study.policy.egress or ():
        for peer in rule.peers or ():
            if isinstance(peer, DomainPeer):
                named.append((peer.path, f"{peer_words(peer)}: which addresses these have is not known here"))
            elif isinstance(peer, CidrPeer):
                whole = peer.network.prefixlen == 0
                held = [] if whole else services.within(peer)
                if held:
                    names = listed([f"{each.namespace}/{each.name} ({each.cluster_ips[0]})" for each in held])
                    clustered.append((peer.cidr_path, f"{peer.network} holds the addresses of Services: {names}"))
                elif peer.network.num_addresses == 1 and peer.network.is_global:
                    pinned.append((peer.cidr_path, f"{peer.network} is one public address"))
    who = policy_name(written.ref)
    for code, title, found in (
        ("CLUSTER_IP_IN_IPBLOCK", f"{who} names Services by their address", clustered),
        ("HOST_BY_ADDRESS", f"{who} names hosts outside by their address", pinned),
        ("DOMAIN_NAMES", f"{who} names hosts, which its kind may not enforce", named),
    ):
        if found:
            facts = [f"{dotted(path)}: {text}" for path, text in found]
            yield make(code, written.ref, title, facts, place=place(written, found[0][0]))
