"""Which network plugin runs, told from its agents as their own projects deploy them, and what follows from it."""

from __future__ import annotations

import pytest

from console.objects.coverage import NOT_READABLE, Gap
from console.objects.snapshot import Snapshot
from console.policy.plugins import banner, detect
from console.policy.verdict import Verdict
from tests.clusters import ask, document, pod, policy, snapshot

KUBE_SYSTEM = "kube-system"
DENY = policy("b", "deny", "{podSelector: {}}")
TWO = pod("a", "src", "10.0.0.1") + pod("b", "dst", "10.0.0.2")


def agent(
    namespace: str, owner: str, *images: str, labels: dict[str, str] | None = None, number: int = 1, **spec: object
) -> str:
    """A pod of a DaemonSet on its node's network."""
    owned = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": owner, "uid": "u", "controller": True}
    return document(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "namespace": namespace,
                "name": f"{owner}-{number}",
                "labels": labels or {},
                "ownerReferences": [owned],
            },
            "spec": {
                "hostNetwork": True,
                "containers": [{"name": f"c{n}", "image": image} for n, image in enumerate(images)],
                **spec,
            },
            "status": {"phase": "Running"},
        }
    )


FLANNEL = agent("kube-flannel", "kube-flannel-ds", "ghcr.io/flannel-io/flannel:v0.26.7", labels={"app": "flannel"})
CALICO = agent("calico-system", "calico-node", "quay.io/calico/node:v3.30.2", labels={"k8s-app": "calico-node"})
AWS_AGENT = "602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon/aws-network-policy-agent:v1.2.7-eksbuild.1"
AWS_CNI = "602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon-k8s-cni:v1.20.4-eksbuild.2"


@pytest.mark.parametrize(("agents", "name", "enforces"), [
    (agent(KUBE_SYSTEM, "cilium", "quay.io/cilium/cilium:v1.18.2@sha256:00", labels={"k8s-app": "cilium"}),
     "Cilium", True),
    (CALICO, "Calico", True),
    (agent(KUBE_SYSTEM, "antrea-agent", "antrea/antrea-agent-ubuntu:v2.4.0", labels={"app": "antrea"}),
     "Antrea", True),
    (agent(KUBE_SYSTEM, "kube-router", "docker.io/cloudnativelabs/kube-router", labels={"k8s-app": "kube-router"}),
     "kube-router", True),
    (agent("ovn-kubernetes", "ovnkube-node", "ghcr.io/ovn-kubernetes/ovn-kubernetes/ovn-kube-ubuntu:master",
           labels={"app": "ovnkube-node"}), "OVN-Kubernetes", True),
    (agent(KUBE_SYSTEM, "azure-npm", "mcr.microsoft.com/containernetworking/azure-npm:v1.5.45",
           labels={"k8s-app": "azure-npm"}), "Azure Network Policy Manager", True),
    (agent(KUBE_SYSTEM, "anetd", "gke.gcr.io/cilium/cilium:v1.15", labels={"k8s-app": "cilium"}),
     "GKE Dataplane V2", True),
    (agent(KUBE_SYSTEM, "weave-net", "weaveworks/weave-kube:2.8.1", "weaveworks/weave-npc:2.8.1",
           labels={"name": "weave-net"}), "Weave Net", True),
    (agent(KUBE_SYSTEM, "weave-net", "weaveworks/weave-kube:2.8.1", labels={"name": "weave-net"}),
     "Weave Net", False),
    (agent(KUBE_SYSTEM, "aws-node", AWS_CNI, labels={"k8s-app": "aws-node"}), "AWS VPC CNI", False),
    # The agent is deployed with its policies off, and which it is stands in flags that are not read.
    (agent(KUBE_SYSTEM, "aws-node", AWS_CNI, AWS_AGENT, labels={"k8s-app": "aws-node"}), "AWS VPC CNI", None),
    (FLANNEL, "flannel", False),
    (agent("kube-flannel", "kube-flannel-ds", "ghcr.io/flannel-io/flannel:v0.26.7",
           "registry.k8s.io/networking/kube-network-policies:v0.7.0", labels={"app": "flannel"}), "flannel", True),
    (agent(KUBE_SYSTEM, "rke2-canal", "rancher/hardened-calico:v3.30", "rancher/hardened-flannel:v0.27",
           labels={"k8s-app": "canal"}), "Canal", True),
])  # fmt: skip
def test_each_plugin_is_told_by_its_agents(agents: str, name: str, enforces: bool | None):
    plugin = detect(snapshot(TWO + agents))
    assert plugin is not None
    assert (plugin.name, plugin.enforces) == (name, enforces)
    assert plugin.fact.startswith("DaemonSet ")


@pytest.mark.parametrize(("image", "enforces"), [
    ("docker.io/kindest/kindnetd:v20240813-c6f155d6", True),
    ("docker.io/kindest/kindnetd:v20250512-df8de77b", True),
    ("docker.io/kindest/kindnetd:v20240730-75a5af0c", None),
    ("docker.io/kindest/kindnetd:v20240202-8f1494ea", False),
    ("ghcr.io/aojea/kindnetd:v1.3.0", True),
    ("ghcr.io/aojea/kindnetd:v1.2.9", False),
    ("ghcr.io/aojea/kindnetd:v1.10.1", True),
    ("registry.example:5000/kindnetd", None),
    ("docker.io/kindest/kindnetd@sha256:00", None),
])  # fmt: skip
def test_kindnet_enforces_from_the_version_on_that_learnt_to(image: str, enforces: bool | None):
    plugin = detect(snapshot(agent(KUBE_SYSTEM, "kindnet", image, labels={"app": "kindnet"})))
    assert plugin is not None
    assert (plugin.name, plugin.enforces) == ("kindnet", enforces)


def test_a_mirrored_image_or_a_label_or_the_name_of_the_set_is_enough():
    for one in (
        agent("net", "renamed", "registry.example:5000/mirror/flannel/flannel:v0.25.1"),
        agent("net", "renamed", "registry.example/cni@sha256:00", labels={"k8s-app": "flannel"}),
        agent("net", "kube-flannel-ds", "registry.example/cni:1"),
    ):
        plugin = detect(snapshot(one))
        assert plugin is not None
        assert plugin.name == "flannel"


def test_of_several_plugins_the_one_that_enforces_counts():
    for agents in (FLANNEL + CALICO, CALICO + FLANNEL):
        plugin = detect(snapshot(agents))
        assert plugin is not None
        assert (plugin.name, plugin.enforces) == ("Calico", True)


def test_pods_that_are_no_agents_tell_nothing():
    plain = pod("web", "flannel", app="flannel")  # no DaemonSet's, and on its own address
    deployed = agent("web", "web", "web:1", labels={"app": "flannel"}).replace("DaemonSet", "ReplicaSet")
    inside = agent("web", "flannel-exporter", "web:1", labels={"app": "flannel"}, hostNetwork=False)
    gone = FLANNEL.replace("phase: Running", "phase: Failed")
    envoy = agent(KUBE_SYSTEM, "cilium-envoy", "quay.io/cilium/cilium-envoy:v1.34", labels={"k8s-app": "cilium-envoy"})
    proxy = agent(KUBE_SYSTEM, "kube-proxy", "registry.k8s.io/kube-proxy:v1.34.0", labels={"k8s-app": "kube-proxy"})
    assert detect(snapshot(plain + deployed + inside + gone + envoy + proxy)) is None


def codes(verdict: Verdict) -> set[str]:
    return {caveat.code for caveat in verdict.caveats}


def test_verdicts_that_rest_on_policies_nothing_enforces_say_so_and_others_do_not():
    cluster = snapshot(TWO + FLANNEL + DENY)
    blocked = ask(cluster, "a/src", "b/dst", "80")
    assert "PLUGIN_DOES_NOT_ENFORCE" in codes(blocked)
    (caveat,) = (each for each in blocked.caveats if each.code == "PLUGIN_DOES_NOT_ENFORCE")
    assert "flannel" in caveat.detail
    assert "PLUGIN_DOES_NOT_ENFORCE" not in codes(ask(cluster, "b/dst", "a/src", "80"))
    assert "PLUGIN_DOES_NOT_ENFORCE" not in codes(ask(snapshot(TWO + FLANNEL + CALICO + DENY), "a/src", "b/dst", "80"))
    assert "PLUGIN_DOES_NOT_ENFORCE" not in codes(ask(snapshot(TWO + DENY), "a/src", "b/dst", "80"))


def test_the_banner_is_for_clusters_in_which_nothing_enforces():
    aws = agent(KUBE_SYSTEM, "aws-node", AWS_CNI, AWS_AGENT)
    assert banner(snapshot(TWO + FLANNEL)).startswith("flannel enforces no policy")
    assert [banner(snapshot(each)) for each in (TWO, CALICO, FLANNEL + CALICO, aws)] == ["", "", "", ""]


def test_where_pods_could_not_be_read_another_agent_may_run():
    hidden = Gap(code=NOT_READABLE, resource="pods", namespace="calico-system", why="403")
    cluster: Snapshot = snapshot(TWO + FLANNEL + DENY, hidden)
    plugin = detect(cluster)
    assert plugin is not None
    assert plugin.enforces is None
    assert banner(cluster) == ""
    assert "PLUGIN_DOES_NOT_ENFORCE" not in codes(ask(cluster, "a/src", "b/dst", "80"))
