"""What the checks of a whole snapshot share, worked out once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from console.objects.core import METADATA_NAME, Pod
from console.objects.meta import ObjectRef
from console.objects.snapshot import Contents, Snapshot
from console.objects.workloads import Workload
from console.objects.yaml_render import to_yaml
from console.policy.engine import Engine
from console.policy.explain_words import counted, listed, workload_name
from console.policy.gaps import concerns
from console.policy.model import Direction, Protocol
from console.policy.reach import Reachability, bits

Raw = dict[str, Any]
#: Pods of one workload, by class.
Classes = Mapping[int, list[Pod]]
#: Namespaces of the cluster's own parts.
SYSTEM: Final = frozenset(["kube-system", "kube-public", "kube-node-lease"])
#: What the pods of the cluster's DNS wear: kubeadm and most clouds, OpenShift.
_DNS_LABELS: Final = (("k8s-app", "kube-dns"), ("dns.operator.openshift.io/daemonset-dns", "default"))
#: The rule that lets pods look names up.
DNS_RULE: Final[Raw] = {
    "to": [
        {
            "namespaceSelector": {"matchLabels": {METADATA_NAME: "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ],
    "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
}


@dataclass(frozen=True)
class Scene:
    """A snapshot under its engine, and who reaches whom in it.

    `dns` are the classes of the cluster's DNS; 0 where none is there (files, or a cluster that hides them).
    """

    engine: Engine
    reach: Reachability
    dns: int

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot."""
        return self.engine.snapshot

    @cached_property
    def dns_ports(self) -> int:
        """UDP 53, which resolvers ask first."""
        return self.reach.port(Protocol.UDP, 53)

    def known(self, pod: Pod) -> bool:
        """Whether all the policies over a pod could be read and are evaluated."""
        if not self.engine.gaps:
            return True
        namespace = self.snapshot.namespace(pod.namespace)
        return not any(concerns(gap, pod, namespace) for gap in self.engine.gaps)

    def classes(self, held: Contents) -> list[tuple[Workload, Classes]]:
        """The workloads of a namespace, each with its pods that have not finished and can be selected, by class."""
        every: list[tuple[Workload, Classes]] = []
        for workload in held.workloads:
            found: dict[int, list[Pod]] = {}
            for pod in workload.pods:
                if not pod.finished and not pod.host_network:
                    found.setdefault(self.reach.class_of(pod), []).append(pod)
            every.append((workload, found))
        return every

    def governing(self, number: int, direction: Direction) -> list[ObjectRef]:
        """The policies of any tier that say something of a direction of a class."""
        return [each.ref for each in self.reach.selecting(number) if each.rules(direction) is not None]


def dns_among(reach: Reachability, classes: int) -> int:
    """The classes of the cluster's DNS, of some."""
    found = 0
    for number in bits(classes & reach.universe.inside):
        # Policies need not tell DNS servers from others, so that any pod of a class may be one.
        pods = reach.universe.pods[number].pods
        if any(pod.labels.get(key) == value for pod in pods for key, value in _DNS_LABELS):
            found |= 1 << number
    return found


def workloads_words(workloads: Sequence[tuple[ObjectRef, int]]) -> str:
    """``5 pods of 2 workloads: a/deployment/b, …``."""
    pods = sum(number for _, number in workloads)
    names = listed([workload_name(ref) for ref, _ in workloads], 6)
    return f"{counted(pods, 'pod')} of {counted(len(workloads), 'workload')}: {names}"


def policy_yaml(namespace: str, name: str, spec: Raw) -> str:
    """A NetworkPolicy as YAML, under a name that is free there or is followed by a number."""
    return to_yaml(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": namespace},
            "spec": spec,
        }
    )


def free_name(held: Contents, name: str) -> str:
    """A name that no NetworkPolicy of the namespace has."""
    number = 1
    found = name
    while found in held.policies:
        number += 1
        found = f"{name}-{number}"
    return found
