"""Hygiene of a namespace: pods that no policy governs, pods on their node's network, DNS that was forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from console.governance.findings import Finding, Severity
from console.governance.hygiene_codes import make
from console.governance.hygiene_scene import (
    DNS_RULE,
    SYSTEM,
    Classes,
    Raw,
    Scene,
    free_name,
    policy_yaml,
    workloads_words,
)
from console.governance.roles import classify
from console.governance.targets import SENSITIVE
from console.objects.meta import ObjectRef
from console.objects.snapshot import Contents
from console.objects.workloads import Workload
from console.policy.explain_words import listed, policy_name
from console.policy.match import selects
from console.policy.model import CidrPeer, Direction, PodPeer, Policy, PortMatch, Protocol, Rule, Tier

#: Workloads with how many of their pods are meant.
_Some = list[tuple[ObjectRef, int]]
_DNS: Final = 53


def of_namespace(scene: Scene, held: Contents, every: Sequence[tuple[Workload, Classes]]) -> Iterator[Finding]:
    """The findings that rest on nothing but the namespace, cluster-scoped policies and what could be read.

    `every` are its workloads with their classes.
    """
    yield from _unselected(scene, held, every)
    yield from _host_network(scene, held)


def _unselected(scene: Scene, held: Contents, every: Sequence[tuple[Workload, Classes]]) -> Iterator[Finding]:
    alone: dict[Direction, _Some] = {direction: [] for direction in Direction}
    governed = dict.fromkeys(Direction, 0)
    for workload, classes in every:
        left = dict.fromkeys(Direction, 0)
        for number, pods in classes.items():
            if not scene.known(pods[0]):
                governed = {direction: count + len(pods) for direction, count in governed.items()}
                continue
            for direction in Direction:
                if scene.governing(number, direction):
                    governed[direction] += len(pods)
                else:
                    left[direction] += len(pods)
        for direction, count in left.items():
            if count:
                alone[direction].append((workload.ref, count))
    name, inward, outward = held.namespace.name, alone[Direction.INGRESS], alone[Direction.EGRESS]
    if not inward and not outward:
        return
    if not any(governed.values()):
        yield _finding(held, "NO_POLICY", outward, "ingress and egress", [])
        return
    if outward and not governed[Direction.EGRESS]:
        names = [f"{name}/{each}" for each in sorted(held.policies)]
        about = [f"{listed(names, 6)} {'says' if len(names) == 1 else 'say'} nothing of egress"] if names else []
        yield _finding(held, "INGRESS_ONLY", outward, "egress", about)
    elif outward:
        yield _finding(held, "UNSELECTED_EGRESS", outward, "egress", [])
    if inward:
        yield _finding(held, "UNSELECTED_INGRESS", inward, "ingress", [])


_TITLES: Final = {
    "NO_POLICY": "no policy selects any pod of {namespace}",
    "INGRESS_ONLY": "{namespace} has policies for ingress only",
    "UNSELECTED_EGRESS": "pods of {namespace} that no policy isolates for egress",
    "UNSELECTED_INGRESS": "pods of {namespace} that no policy isolates for ingress",
}


def _finding(held: Contents, code: str, some: _Some, what: str, facts: Sequence[str]) -> Finding:
    name = held.namespace.name
    severity, why = _severity(held, some)
    spec: Raw = {"podSelector": {}, "policyTypes": []}
    if "ingress" in what:
        spec["policyTypes"].append("Ingress")
    if "egress" in what:
        spec["policyTypes"].append("Egress")
        spec["egress"] = [DNS_RULE]
    kind = "default-deny" if code == "NO_POLICY" else f"default-deny-{what}"
    return make(
        code,
        held.namespace.ref,
        _TITLES[code].format(namespace=name),
        [*facts, f"nothing isolates for {what} {workloads_words(some)}", *why],
        severity=severity,
        manifest="" if name in SYSTEM else policy_yaml(name, free_name(held, kind), spec),
    )


def _severity(held: Contents, some: _Some) -> tuple[Severity, list[str]]:
    """How much it matters who is left alone: data and models most."""
    if held.namespace.name in SYSTEM:
        return Severity.LOW, []
    refs = {ref for ref, _ in some}
    sorts = {ref: classify(workload, held.namespace) for ref, workload in _by_ref(held).items() if ref in refs}
    domains = sorted({sort.domain for sort in sorts.values()} & set(SENSITIVE))
    if domains:
        return Severity.HIGH, [f"of the domain {' and '.join(domains)} among them"]
    return Severity.MEDIUM, []


def _by_ref(held: Contents) -> Mapping[ObjectRef, Workload]:
    return {workload.ref: workload for workload in held.workloads}


def _host_network(scene: Scene, held: Contents) -> Iterator[Finding]:
    some: _Some = []
    fooled: dict[ObjectRef, None] = {}
    for workload in held.workloads:
        pods = [pod for pod in workload.pods if pod.host_network and not pod.finished]
        if pods:
            some.append((workload.ref, len(pods)))
            fooled.update(dict.fromkeys(_look_as_if(scene.engine.over([held.namespace.name]), pods[0].labels)))
    if not some:
        return
    facts = [f"on their node's network: {workloads_words(some)}"]
    if fooled:
        facts.append(
            f"the labels fit {listed([policy_name(ref) for ref in sorted(fooled)])}, which has no hold on them"
        )
    usual = Severity.MEDIUM if fooled else Severity.LOW
    yield make(
        "HOST_NETWORK",
        held.namespace.ref,
        f"pods of {held.namespace.name} that no policy can hold: hostNetwork",
        facts,
        severity=Severity.INFO if held.namespace.name in SYSTEM else usual,
    )


def _look_as_if(policies: Sequence[Policy], labels: Mapping[str, str]) -> Iterator[ObjectRef]:
    for policy in policies:
        subject = policy.subject
        if policy.tier is Tier.NETWORK_POLICY and (subject.pods is None or selects(subject.pods, labels)):
            yield policy.ref


def of_dns(scene: Scene, held: Contents, every: Sequence[tuple[Workload, Classes]]) -> Iterator[Finding]:
    """The finding about pods of a namespace that reach something, and no DNS."""
    some: _Some = []
    outside = False
    isolating: dict[ObjectRef, None] = {}
    all_isolated = True
    for workload, classes in every:
        blind = 0
        for number, pods in classes.items():
            refs = scene.governing(number, Direction.EGRESS)
            all_isolated = all_isolated and bool(refs)
            if refs and scene.known(pods[0]) and _blind(scene, number):
                blind += len(pods)
                outside = outside or _leaves(scene, number)
                isolating.update(dict.fromkeys(refs))
        if blind:
            some.append((workload.ref, blind))
    if not some:
        return
    name = held.namespace.name
    facts = [f"port 53 of the cluster's DNS is closed to {workloads_words(some)}"]
    if outside:
        facts.append("443 to addresses outside is open to some of them, so names are needed")
    facts.append(f"their egress is isolated by {listed([policy_name(ref) for ref in sorted(isolating)], 6)}")
    # Where a pod is free to connect, an empty selector would isolate it.
    spec: Raw = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [DNS_RULE]}
    yield make(
        "DNS_FORGOTTEN",
        held.namespace.ref,
        f"pods of {name} may connect, and cannot look names up",
        facts,
        severity=Severity.HIGH if outside else Severity.MEDIUM,
        manifest=policy_yaml(name, free_name(held, "allow-dns"), spec) if all_isolated else "",
    )


def _blind(scene: Scene, number: int) -> bool:
    """Whether a class surely reaches no DNS, and surely reaches something else."""
    if scene.dns >> number & 1:
        return False
    if scene.dns:
        if scene.reach.row(number, scene.dns_ports, maybe=True) & scene.dns:
            return False
    elif any(_may_resolve(rule) for policy in scene.reach.selecting(number) for rule in policy.egress or ()):
        return False
    return bool(scene.reach.row(number) & ~scene.reach.alone(number))


def _may_resolve(rule: Rule) -> bool:
    """Whether a rule could let DNS out, where it is not known which pods that would be."""
    if rule.ports is not None and not any(_is_dns(match) for match in rule.ports):
        return False
    named = rule.ports is not None
    return rule.peers is None or named or any(_beyond(peer) for peer in rule.peers)


def _is_dns(match: PortMatch) -> bool:
    if match.protocol not in (None, Protocol.UDP):
        return False
    return bool(match.name) or match.low is None or match.low <= _DNS <= (match.high or match.low)


def _beyond(peer: object) -> bool:
    return isinstance(peer, CidrPeer) or (isinstance(peer, PodPeer) and peer.namespaces is not None)


def _leaves(scene: Scene, number: int) -> bool:
    """Whether a class reaches anything outside of the cluster on 443."""
    return bool(scene.reach.row(number, scene.reach.port(Protocol.TCP, 443)) >> len(scene.reach.universe.pods))
