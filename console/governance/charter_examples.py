"""A charter tried on the examples written in it: each is a path in a cluster of two ends, judged as any other.

The two ends are what the example says they are, and policies let through that path and
nothing else (or nothing at all, for a ``blocked`` one).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from console.governance.charter import Charter, Example
from console.governance.charter_terms import Kind, PortTerm, Term
from console.governance.inventory import Entry, Inventory
from console.governance.roles import Role
from console.governance.roles_table import DOMAINS
from console.governance.rules import judge
from console.governance.rules_proof import Prover
from console.governance.scopes import Scene
from console.objects.core import ContainerPort, Pod
from console.objects.netpol import IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicyRule
from console.objects.selectors import LabelSelector
from console.objects.snapshot import Snapshot, build
from console.objects.workloads import Workload
from console.policy.engine import Engine
from console.policy.model import Protocol
from console.policy.reach import Reachability
from console.policy.universe import INTERNET, METADATA, PRIVATE

_PRIVATE: Final = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
_BLOCKS: Final = {
    INTERNET: (IPBlock("0.0.0.0/0", list(_PRIVATE)),),
    METADATA: (IPBlock("169.254.169.254/32"),),
    PRIVATE: (IPBlock("192.168.0.0/16"),),
}
_ADDRESSES: Final = ("10.0.0.1", "10.0.0.2")
_END: Final = "netpol-console.dev/end"


@dataclass(frozen=True, slots=True)
class Tried:
    """An example, and the rules it breaks in fact. `problem` says why it cannot be tried."""

    example: Example
    broken: tuple[str, ...]
    problem: str = ""

    @property
    def as_written(self) -> bool:
        """Whether it breaks what it says it does, and nothing else."""
        return not self.problem and set(self.broken) == set(self.example.breaks)


def try_examples(charter: Charter) -> Iterator[Tried]:
    """Each example in turn."""
    for example in charter.examples:
        problem = _problem(example, charter)
        yield Tried(example, (), problem) if problem else Tried(example, tuple(_broken(example, charter)))


def _problem(example: Example, charter: Charter) -> str:
    for term in (*example.source, *example.destination):
        if term.kind in (Kind.ANY, Kind.AI):
            return f"{term.words()} is no one end: name a role, a domain, a namespace or a place outside"
        if term.kind is Kind.OUTSIDE and term.value not in _BLOCKS:
            return f"where {term.words()} is differs from cluster to cluster"
        if term.kind is Kind.GROUP and term.value not in charter.outside:
            return f"there is no outside group {term.value}"
    ends = (example.source, example.destination)
    if not any(term.inside for terms in ends for term in terms):
        return "both of its ends are outside"
    if any(len(terms) > 1 and not all(term.inside for term in terms) for terms in ends):
        return "a place outside is nothing else besides"
    if example.port is not None and example.port.name and not example.destination[0].inside:
        return "places outside declare no ports by name"
    return ""


def _broken(example: Example, charter: Charter) -> Iterator[str]:
    ends = [_end(terms, number) for number, terms in enumerate((example.source, example.destination))]
    port = _container_port(example.port)
    pods = [
        Pod(end.namespace, end.pod, {_END: end.pod}, (end.address,), ports=(port,) if number and port else ())
        for number, end in enumerate(ends)
        if end.inside
    ]
    policies = list(_policies(example, charter, ends, port))
    snapshot = build([*pods, *policies])
    engine = Engine(snapshot)
    reach = Reachability(engine, networks=charter.networks())
    scene = Scene(reach, charter, _inventory(snapshot, charter, ends))
    prover = Prover(engine)
    for rule in charter.rules:
        found = judge(rule, scene, prover)
        for offence in (*found.offences, *found.unknowns):
            between = offence.source, offence.destination
            if all(_is(name, end) for name, end in zip(between, ends, strict=True)):
                yield rule.name
                break


@dataclass(frozen=True, slots=True)
class _End:
    """An end of an example. `terms` are what is said of it."""

    terms: tuple[Term, ...]
    pod: str
    address: str
    namespace: str
    name: str
    role: str
    domain: str
    inside: bool


def _end(terms: tuple[Term, ...], number: int) -> _End:
    said = {term.kind: term.value for term in terms}
    namespace, _, workload = said.get(Kind.WORKLOAD, "").partition("/")
    namespace = said.get(Kind.NAMESPACE) or namespace or f"example-{number}"
    pod = f"end-{number}"
    role = said.get(Kind.ROLE, Role.OTHER.value)
    known = {each.value: each for each in Role}
    domain = said.get(Kind.DOMAIN) or (DOMAINS.get(known[role], "") if role in known else "")
    name = f"{namespace}/{workload}" if workload else f"{namespace}/pod/{pod}"
    return _End(terms, pod, _ADDRESSES[number], namespace, name, role, domain, terms[0].inside)


def _is(name: str, end: _End) -> bool:
    """Whether an offence's end is an example's: there is but one workload, or place, on each side."""
    return name == end.name if end.inside else "/" not in name or name.startswith(("cidr:", "ip:"))


def _inventory(snapshot: Snapshot, charter: Charter, ends: list[_End]) -> Inventory:
    found = Inventory(snapshot, charter)
    found.entries = {
        end.name: Entry(
            end.name,
            Workload("Pod", end.namespace, end.pod, (snapshot.contents[end.namespace].pods[end.pod],)),
            end.role,
            end.domain,
            1.0,
            (),
            labelled=True,
        )
        for end in ends
        if end.inside
    }
    return found


def _container_port(port: PortTerm | None) -> ContainerPort | None:
    if port is None:
        return None
    return ContainerPort(port.low or 10_000, (port.protocol or Protocol.TCP).value, port.name)


def _policies(
    example: Example, charter: Charter, ends: list[_End], port: ContainerPort | None
) -> Iterator[NetworkPolicy]:
    ports = [NetworkPolicyPort(port.protocol, port.port)] if port else None
    for number, end in enumerate(ends):
        if end.inside:
            rules = (NetworkPolicyRule(_peers(ends[1 - number], charter), ports),) if example.open else ()
            yield NetworkPolicy(
                namespace=end.namespace,
                name=f"end-{number}",
                pod_selector=LabelSelector({_END: end.pod}),
                ingress=rules if number else None,
                egress=None if number else rules,
                policy_types=("Ingress",) if number else ("Egress",),
            )


def _peers(end: _End, charter: Charter) -> list[NetworkPolicyPeer]:
    if end.inside:
        return [NetworkPolicyPeer(pod_selector=LabelSelector({_END: end.pod}), namespace_selector=LabelSelector())]
    term = end.terms[0]
    if term.kind is Kind.OUTSIDE:
        return [NetworkPolicyPeer(ip_block=block) for block in _BLOCKS[term.value]]
    group = charter.outside[term.value]
    blocks = [IPBlock(str(network)) for network in group.networks]
    return [NetworkPolicyPeer(ip_block=block) for block in (*blocks, *(_BLOCKS[INTERNET] if group.hosts else ()))]
