"""Whether a pod can reach cluster DNS: what is allowed by address may still fail by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from console.objects.core import ContainerPort, Pod
from console.objects.snapshot import Snapshot
from console.policy.addresses import contains, parse_address, parse_network
from console.policy.model import Direction, Protocol
from console.policy.parties import pod_party
from console.policy.services import translate
from console.policy.trace import Clause, ClauseKind, DirectionTrace, Party, Question, RuleTrace

_PORT: Final = 53
#: The Services of cluster DNS: upstream's (CoreDNS too is installed under the old name), and OpenShift's.
_SERVICES: Final = (("kube-system", "kube-dns"), ("kube-system", "coredns"), ("openshift-dns", "dns-default"))
#: What cluster DNS looks like where none could be read, as in files that hold an application only.
_USUAL: Final = Pod(
    namespace="kube-system",
    name="coredns",
    labels={"k8s-app": "kube-dns"},
    ports=(ContainerPort(_PORT, "UDP", "dns"), ContainerPort(_PORT, "TCP", "dns-tcp")),
    template=True,
)


def cannot_resolve(subject: Party, snapshot: Snapshot, judge: Callable[[Question], DirectionTrace]) -> bool:
    """Whether policies surely keep a pod from cluster DNS over UDP, which resolvers ask first.

    Where no DNS pod is known, a rule that names port 53 is taken to mean cluster DNS, whoever its peers are.
    """
    servers = list(_servers(snapshot))
    for pod, port in servers or [(_USUAL, _PORT)]:
        question = Question(Direction.EGRESS, subject, pod_party(pod, snapshot, None), Protocol.UDP, port)
        trace = judge(question)
        if trace.allowed is not False or any(_may_serve(rule, snapshot, known=bool(servers)) for rule in _rules(trace)):
            return False
    return True


def _servers(snapshot: Snapshot) -> Iterator[tuple[Pod, int]]:
    for namespace, name in _SERVICES:
        held = snapshot.contents.get(namespace)
        service = held.services.get(name) if held else None
        if service is not None and any((each.port, each.protocol) == (_PORT, "UDP") for each in service.ports):
            targets = translate(service, _PORT, Protocol.UDP, snapshot).targets
            found = [(target.pod, target.port) for target in targets if target.pod is not None]
            if found:
                yield from found
                return
    held = snapshot.contents.get("kube-system")
    for pod in held.pods.values() if held else ():
        if pod.labels.get("k8s-app") == "kube-dns" and not pod.finished:
            yield pod, _PORT


def _rules(trace: DirectionTrace) -> Iterator[RuleTrace]:
    for policy in trace.policies():
        yield from policy.rules


def _may_serve(rule: RuleTrace, snapshot: Snapshot, *, known: bool) -> bool:
    """Whether a rule that lets port 53 out may let it out to DNS all the same: by an address of it."""
    if not rule.port:
        return False
    blocks = [clause for clause in rule.clauses() if clause.kind in (ClauseKind.IP_BLOCK, ClauseKind.NETWORKS)]
    if not known:
        return bool(blocks) or any(clause.kind is ClauseKind.PORT and clause.matched for clause in rule.ports)
    return any(_local_or_service(clause, snapshot) for clause in blocks)


def _local_or_service(clause: Clause, snapshot: Snapshot) -> bool:
    """Whether a network holds a cache on the node (link-local) or the Service's own address, which pods ask."""
    network = parse_network(clause.wanted.partition(" ")[0])
    if network is None:
        return False
    held = [snapshot.contents[namespace].services.get(name) for namespace, name in _SERVICES
            if namespace in snapshot.contents]  # fmt: skip
    texts = [ip for service in held if service is not None for ip in service.cluster_ips]
    own = (address for address in map(parse_address, texts) if address is not None)
    return network.is_link_local or any(contains(network, address) for address in own)
