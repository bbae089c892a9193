"""What happens in the demo, and when: a cycle of incidents that ends where it began.

Nothing here reads a clock or rolls dice: the same moment is always the same state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from console.demo.marks import Raw, owner, suffix, uid
from console.demo.pods import POD_NETS
from console.demo.services import reconcile
from console.demo.spec import COMPONENT
from console.demo.store import Store
from console.objects.meta import ObjectRef

#: Seconds from one beginning to the next.
CYCLE: Final = 150.0

_CONTROLLERS: Final = "kube-controller-manager"
_QDRANT: Final = ObjectRef("NetworkPolicy", "vector-db", "qdrant")
_SCIENTISTS: Final = {"namespaceSelector": {"matchLabels": {"team": "data-science"}}}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens `at` so many seconds after the beginning of a cycle."""

    at: float
    title: str
    apply: Callable[[Store], None]


def events() -> tuple[Event, ...]:
    """The events of one cycle, in order of time."""
    return (
        Event(8, "a feast-online pod is evicted: its node is out of memory", _evict),
        Event(10, "its ReplicaSet makes another", _replace_evicted),
        Event(16, "the new feast-online pod is ready", partial(_settle, "feature-store", "feast-online-")),
        Event(22, "the job dataset-tokenize finishes", _finish_job),
        Event(30, "somebody labels the llm-finetune pods egress=model-hub", partial(_label_trainers, "model-hub")),
        Event(42, "reranker v2 rolls out as a canary, its component renamed", _start_canary),
        Event(48, "the reranker canary is ready", partial(_settle, "serving", "reranker-")),
        Event(60, "somebody edits the qdrant policy to let the data scientists in", _open_qdrant),
        Event(72, "vllm-mistral has loaded its weights", _warm_mistral),
        Event(90, "the label egress is taken off the llm-finetune pods", partial(_label_trainers, None)),
        Event(105, "the qdrant policy is synced back from git", _close_qdrant),
        Event(115, "the reranker canary is rolled back", _end_canary),
    )


def _pods(store: Store, namespace: str, prefix: str) -> Iterator[Raw]:
    """The pods of a workload, by how their names begin, in order of name."""
    for ref in store.refs("Pod", namespace):
        if ref.name.startswith(prefix):
            yield store.get(ref)


def _ready(pod: Mapping[str, Raw]) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"]["conditions"])


def _with_ready(pod: Raw, ready: bool) -> Raw:
    truth = "True" if ready else "False"
    conditions = [
        {**condition, "status": truth} if condition["type"] in ("Ready", "ContainersReady") else condition
        for condition in pod["status"]["conditions"]
    ]
    return {**pod, "status": {**pod["status"], "conditions": conditions}}


def _starting(like: Raw, name: str, by: Raw, labels: Mapping[str, str], image: str = "") -> Raw:
    """A pod as its controller makes it and the scheduler places it: like another one, without an address yet."""
    namespace = like["metadata"]["namespace"]
    container = like["spec"]["containers"][0]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": uid("Pod", namespace, name),
            "labels": {**like["metadata"]["labels"], **labels},
            "ownerReferences": [by],
        },
        "spec": {**like["spec"], "containers": [{**container, "image": image or container["image"]}]},
        "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "True"}]},
    }


def _settle(namespace: str, prefix: str, store: Store) -> None:
    """The pod of a workload that is starting gets its address and becomes ready."""
    settled = next(pod for pod in _pods(store, namespace, prefix) if pod["status"]["phase"] == "Running")
    for pod in _pods(store, namespace, prefix):
        if pod["status"]["phase"] == "Pending":
            # No other pod ever gets this one: the addresses of moment 0 stay far below.
            ip = f"{POD_NETS[pod['spec']['nodeName']]}.201"
            host = {key: value for key, value in settled["status"].items() if key != "startTime"}
            status = {**host, "podIP": ip, "podIPs": [{"ip": ip}]}
            store.apply(_with_ready({**pod, "status": status}, True), manager="kubelet")
    reconcile(store, namespace)


def _evict(store: Store) -> None:
    *_, pod = _pods(store, "feature-store", "feast-online-")
    pod = _with_ready(pod, False)
    pod["status"] |= {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}
    store.apply(pod, manager="kubelet")
    reconcile(store, "feature-store")


def _replace_evicted(store: Store) -> None:
    for pod in _pods(store, "feature-store", "feast-online-"):
        if pod["status"]["phase"] == "Failed":
            (by,) = pod["metadata"]["ownerReferences"]
            name = f"{by['name']}-{suffix(5, pod['metadata']['name'])}"
            store.apply(_starting(pod, name, by, {}), manager=_CONTROLLERS)


def _finish_job(store: Store) -> None:
    for pod in _pods(store, "training", "dataset-tokenize-"):
        done = _with_ready(pod, False)
        done["status"]["phase"] = "Succeeded"
        store.apply(done, manager="kubelet")
    job = store.get(ObjectRef("Job", "training", "dataset-tokenize"))
    job["status"] = {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}
    store.apply(job, manager=_CONTROLLERS)


def _label_trainers(value: str | None, store: Store) -> None:
    for pod in _pods(store, "training", "llm-finetune-"):
        ref = ObjectRef("Pod", "training", pod["metadata"]["name"])
        store.patch_labels(ref, {"egress": value}, manager="kubectl-label")


def _start_canary(store: Store) -> None:
    stable = next(_pods(store, "serving", "reranker-"))
    image = "ghcr.io/huggingface/text-embeddings-inference:1.8.1"
    hashed = suffix(10, "serving", "reranker", image)
    labels = {COMPONENT: "rerank-engine", "version": "v2", "pod-template-hash": hashed}
    deployment = store.get(ObjectRef("Deployment", "serving", "reranker"))
    name = f"reranker-{hashed}"
    replica_set = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": "serving",
            "uid": uid("ReplicaSet", "serving", name),
            "labels": {**stable["metadata"]["labels"], **labels},
            "ownerReferences": [owner(deployment)],
        },
        "spec": {"replicas": 1},
    }
    store.apply(replica_set, manager=_CONTROLLERS)
    pod = _starting(stable, f"{name}-{suffix(5, name)}", owner(replica_set), labels, image)
    store.apply(pod, manager=_CONTROLLERS)


def _end_canary(store: Store) -> None:
    for pod in _pods(store, "serving", "reranker-"):
        if pod["metadata"]["labels"]["version"] == "v2":
            store.delete(ObjectRef("Pod", "serving", pod["metadata"]["name"]))
            (by,) = pod["metadata"]["ownerReferences"]
            replica_set = store.get(ObjectRef("ReplicaSet", "serving", by["name"]))
            replica_set["spec"]["replicas"] = 0
            store.apply(replica_set, manager=_CONTROLLERS)
    reconcile(store, "serving")


def _open_qdrant(store: Store) -> None:
    policy = store.get(_QDRANT)
    policy["spec"]["ingress"][0]["from"].append(dict(_SCIENTISTS))
    store.apply(policy, manager="kubectl-edit")


def _close_qdrant(store: Store) -> None:
    policy = store.get(_QDRANT)
    policy["spec"]["ingress"][0]["from"].remove(_SCIENTISTS)
    store.apply(policy, manager="argocd-controller")


def _warm_mistral(store: Store) -> None:
    for pod in _pods(store, "serving", "vllm-mistral-"):
        if not _ready(pod):
            store.apply(_with_ready(pod, True), manager="kubelet")
    reconcile(store, "serving")
