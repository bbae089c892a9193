"""Which network plugin runs, and whether it enforces policies at all: told from the pods of its agents.

Policies are objects that anyone can create; without a plugin that enforces them they do
nothing. Agents are DaemonSet pods on their node's network. What is known of each is from
its project's own manifests and documentation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from console.objects.core import Pod
from console.objects.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Plugin:
    """A network plugin. `enforces` None: that is not to be told from its pods. `fact` is what told."""

    name: str
    enforces: bool | None
    fact: str


@dataclass(frozen=True, slots=True)
class _Agent:
    """How a plugin's agent is recognised: by a label's value (``k8s-app``, ``app``), its DaemonSet, or an image."""

    name: str
    labels: tuple[str, ...]
    owners: tuple[str, ...]
    images: str
    enforces: Callable[[Pod], tuple[bool | None, str]]


def detect(snapshot: Snapshot) -> Plugin | None:
    """The plugin whose agents run; None where none is recognised.

    Of several (flannel for addresses, Calico for policy) it is the one that enforces.
    Where not all pods could be read, another agent may run: that nothing enforces is then
    not known.
    """
    found: list[Plugin] = []
    seen: set[tuple[str, ...]] = set()
    for held in snapshot.contents.values():
        for pod in held.node_agents:
            one_of_its_set = (pod.namespace, pod.owner.name if pod.owner else "", *pod.images)
            if one_of_its_set not in seen:
                seen.add(one_of_its_set)
                found.extend(_recognised(pod))
    if not found:
        return None
    plugin = min(found, key=lambda each: (_ORDER.index(each.enforces), each.name))
    if plugin.enforces is False and snapshot.coverage.of("pods"):
        return Plugin(plugin.name, None, f"{plugin.fact}; not all pods could be read")
    return plugin


def banner(snapshot: Snapshot) -> str:
    """One line for a cluster in which nothing enforces policies; ``""`` for any other."""
    plugin = detect(snapshot)
    if plugin is None or plugin.enforces is not False:
        return ""
    return f"{plugin.name} enforces no policy: this is what policies say, not what the network does ({plugin.fact})"


def _recognised(pod: Pod) -> Iterator[Plugin]:
    assert pod.owner is not None
    worn = {pod.labels.get(key) for key in ("k8s-app", "app", "app.kubernetes.io/name", "name", "component")}
    where = f"DaemonSet {pod.namespace}/{pod.owner.name}"
    for agent in _AGENTS:
        by_image = next((image for image in pod.images if re.search(agent.images, _repository(image))), None)
        if by_image or pod.owner.name in agent.owners or not worn.isdisjoint(agent.labels):
            enforces, why = agent.enforces(pod)
            yield Plugin(agent.name, enforces, f"{where}: {why}" if why else where)
            return


def _repository(image: str) -> str:
    """An image without its registry's port, tag and digest: ``quay.io/cilium/cilium``."""
    path, slash, last = image.partition("@")[0].rpartition("/")
    return path + slash + last.partition(":")[0]


def _tag(image: str) -> str:
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]


def _always(_: Pod) -> tuple[bool | None, str]:
    return True, ""


def _with(image: str, *, present: bool | None, absent: bool, called: str) -> Callable[[Pod], tuple[bool | None, str]]:
    """Enforces `present` where a container of an image is there, else `absent`."""

    def told(pod: Pod) -> tuple[bool | None, str]:
        there = any(re.search(image, _repository(each)) for each in pod.images)
        return (present, f"{called}") if there else (absent, f"no {called}")

    return told


def _kindnet(pod: Pod) -> tuple[bool | None, str]:
    """kindnetd enforces since kind 0.24 (images of 2024-08-13); its own project's since 1.3. Work began in 2024-05."""
    for image in pod.images:
        dated, version = re.match(r"v(20\d{6})(?!\d)", _tag(image)), re.match(r"v?(\d+)\.(\d+)", _tag(image))
        if dated is not None:
            enforces = True if dated[1] >= "20240813" else False if dated[1] < "20240501" else None
            return enforces, f"kindnetd of {dated[1]}"
        if version is not None:
            return (int(version[1]), int(version[2])) >= (1, 3), f"kindnetd {_tag(image)}"
    return None, "kindnetd of an unknown version"


#: What matters most to a reader first.
_ORDER: Final = (True, None, False)
#: In order: Canal is both flannel and Calico, GKE's anetd and Azure's agents wear Cilium's label.
_AGENTS: Final = (
    _Agent("Canal", ("canal",), ("canal", "rke2-canal"), r"(?!)", _always),
    _Agent("GKE Dataplane V2", (), ("anetd",), r"(?!)", _always),
    _Agent("Cilium", ("cilium", "cilium-agent"), ("cilium",), r"/cilium$", _always),
    _Agent("Calico", ("calico-node",), ("calico-node",), r"(calico[/-]node|hardened-calico)$", _always),
    _Agent("Antrea", ("antrea",), ("antrea-agent",), r"antrea-(agent-)?(ubuntu|ubi)$", _always),
    _Agent("kube-router", ("kube-router",), ("kube-router",), r"/kube-router$", _always),
    _Agent("OVN-Kubernetes", ("ovnkube-node", "ovs-node"), ("ovnkube-node",), r"ovn-(kube|kubernetes)", _always),
    _Agent("Azure Network Policy Manager", ("azure-npm",), ("azure-npm",), r"/azure-npm$", _always),
    _Agent("kube-network-policies", ("kube-network-policies",), ("kube-network-policies",), r"(?!)", _always),
    _Agent("kindnet", ("kindnet",), ("kindnet",), r"/kindnetd$", _kindnet),
    _Agent(
        "Weave Net", ("weave-net",), ("weave-net",), r"/weave-kube$",
        _with(r"weave-npc$", present=True, absent=False, called="weave-npc container"),
    ),
    _Agent(
        # The container has been there since 1.14, with its policies switched off; its flags are not read.
        "AWS VPC CNI", ("aws-node",), ("aws-node",), r"amazon-k8s-cni$",
        _with(r"network-policy-agent$", present=None, absent=False, called="network policy agent"),
    ),
    _Agent(
        # Its chart can set the policies' own agent beside it.
        "flannel", ("flannel",), ("kube-flannel", "kube-flannel-ds"), r"(^|/|-)flannel$",
        _with(r"kube-network-policies$", present=True, absent=False, called="kube-network-policies container"),
    ),
)  # fmt: skip
