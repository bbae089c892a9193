"""The platform: that an SRE would believe it, that it holds its contract, and that the incidents are in it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from console.demo.cluster import DemoCluster
from console.demo.platform import NAMESPACES, platform
from console.demo.store import Store
from console.objects.snapshot import Snapshot
from console.policy.engine import Engine
from console.policy.posture import Stance
from console.policy.verdict import Outcome

from .snapshots import outcome, snapshot_of, verdict

NOW = 1_800_000_000.0
LABEL_KEY = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9][A-Za-z0-9_.-]{0,61}[A-Za-z0-9]")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
OBJECT_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


@pytest.fixture(scope="module")
def raw() -> list[dict[str, Any]]:
    return list(platform(NOW))


@pytest.fixture(scope="module")
def store(raw: list[dict[str, Any]]) -> Store:
    return Store(raw)


@pytest.fixture(scope="module")
def snapshot(store: Store) -> Snapshot:
    return snapshot_of(store)


def test_it_is_as_large_as_it_says(snapshot: Snapshot) -> None:
    assert set(snapshot.contents) == set(NAMESPACES)
    assert set(NAMESPACES) == {
        *("training", "serving", "feature-store", "vector-db", "gateway", "notebooks", "pipelines", "registry"),
        *("kubeflow", "observability", "ingress-nginx", "kube-system"),
    }
    assert len(snapshot.nodes) == 5
    assert 60 <= len(list(snapshot.workloads())) <= 75
    assert 130 <= len(list(snapshot.pods())) <= 160
    assert 40 <= len(list(snapshot.policies())) <= 50
    assert not list(snapshot.foreign_policies())


@pytest.mark.parametrize(
    ("source", "destination", "port", "expected"),
    [
        ("training/pytorchjob/llm-finetune", "feature-store/deploy/feast-online", 6566, "allowed"),
        ("training/pytorchjob/llm-finetune", "internet", 443, "blocked"),
        ("serving/deploy/vllm-llama", "svc:observability/otel-collector", 4317, "allowed"),
        ("serving/deploy/vllm-llama", "internet", 443, "blocked"),
        ("gateway/deploy/litellm", "internet", 443, "allowed"),
        ("notebooks/deploy/hub", "ip:169.254.169.254", 80, "allowed"),
    ],
)
def test_the_contract_holds(store: Store, source: str, destination: str, port: int, expected: str) -> None:
    assert outcome(store, source, destination, port) == expected


def test_every_policy_is_one_the_api_server_takes(snapshot: Snapshot) -> None:
    engine = Engine(snapshot)
    assert {policy.ref: engine.problems(policy) for policy in snapshot.policies() if engine.problems(policy)} == {}
    assert engine.gaps == ()


def test_it_is_the_same_in_every_run_but_for_the_time(raw: list[dict[str, Any]]) -> None:
    def timeless(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: timeless(item) for key, item in value.items() if key not in ("creationTimestamp", "time")}
        if isinstance(value, list):
            return [timeless(item) for item in value]
        return value

    assert list(platform(NOW)) == raw
    later = [timeless(obj) for obj in platform(NOW + 12345)]
    for obj in later:
        obj.get("status", {}).pop("startTime", None)
    now = [timeless(obj) for obj in raw]
    for obj in now:
        obj.get("status", {}).pop("startTime", None)
    assert later == now


def test_names_and_labels_are_legal(raw: list[dict[str, Any]]) -> None:
    for obj in raw:
        metadata = obj["metadata"]
        assert OBJECT_NAME.fullmatch(metadata["name"]), metadata["name"]
        for key, value in (metadata.get("labels") or {}).items():
            assert LABEL_KEY.fullmatch(key), key
            assert LABEL_VALUE.fullmatch(value), value


def test_no_two_objects_share_a_name_or_a_uid(raw: list[dict[str, Any]]) -> None:
    names = Counter((obj["kind"], obj["metadata"].get("namespace"), obj["metadata"]["name"]) for obj in raw)
    uids = Counter(obj["metadata"]["uid"] for obj in raw)
    assert [name for name, count in names.items() if count > 1] == []
    assert [uid for uid, count in uids.items() if count > 1] == []


def test_every_owner_is_there(raw: list[dict[str, Any]]) -> None:
    uids = {obj["metadata"]["uid"]: (obj["kind"], obj["metadata"]["name"]) for obj in raw}
    for obj in raw:
        for owner in obj["metadata"].get("ownerReferences", ()):
            assert uids[owner["uid"]] == (owner["kind"], owner["name"])


def test_pods_are_told_to_their_workloads(snapshot: Snapshot) -> None:
    kinds = Counter(workload.kind for workload in snapshot.workloads())
    assert kinds.keys() == {
        *("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod"),
        *("PyTorchJob", "RayCluster", "Workflow", "JobSet"),
    }
    finetune = next(w for w in snapshot.workloads() if w.name == "llm-finetune")
    assert (finetune.kind, len(finetune.pods)) == ("PyTorchJob", 4)


def test_running_pods_share_no_address(snapshot: Snapshot) -> None:
    running = [pod for pod in snapshot.pods() if not pod.finished and not pod.host_network]
    ips = Counter(ip for pod in running for ip in pod.ips)
    assert [ip for ip, count in ips.items() if count > 1] == []
    assert [pod.name for pod in running if not pod.ips] == [p.name for p in running if p.phase == "Pending"]
    finished = {ip for pod in snapshot.pods() if pod.finished for ip in pod.ips}
    assert finished & set(ips), "a finished pod's address is in use again, as in any old cluster"


def test_the_odd_ones_are_there(snapshot: Snapshot) -> None:
    pods = list(snapshot.pods())
    services = list(snapshot.services())
    slices = [each for held in snapshot.contents.values() for each in held.endpoint_slices.values()]
    assert {pod.phase for pod in pods} == {"Running", "Succeeded", "Pending"}
    assert any(pod.host_network for pod in pods)
    assert any(port.sidecar for pod in pods for port in pod.ports)
    assert any(service.headless for service in services)
    assert [service.external_name for service in services if service.external_name] == ["api.openai.com"]
    assert [s.service for s in slices for e in s.endpoints if not e.ready] == ["vllm-mistral"]


def test_endpoint_slices_are_what_the_selectors_say(snapshot: Snapshot) -> None:
    for held in snapshot.contents.values():
        for service in held.services.values():
            listed = {
                endpoint.pod
                for each in held.endpoint_slices.values()
                if each.service == service.name
                for endpoint in each.endpoints
            }
            selected = {
                pod.name
                for pod in held.pods.values()
                if pod.phase == "Running" and service.selector and service.selector.items() <= dict(pod.labels).items()
            }
            assert listed == selected, service.name
            assert listed or service.external_name, f"nothing stands behind {service.name}"


def test_every_named_target_port_resolves(snapshot: Snapshot) -> None:
    for held in snapshot.contents.values():
        for service in held.services.values():
            if not service.external_name:
                ports = {
                    port.name
                    for each in held.endpoint_slices.values()
                    if each.service == service.name
                    for port in each.ports
                }
                assert ports == {port.name for port in service.ports}, service.name


# The incidents, each as an SRE would meet it.


def test_kubeflow_has_policies_and_no_rule_for_egress(store: Store, snapshot: Snapshot) -> None:
    held = snapshot.contents["kubeflow"]
    assert held.policies
    for workload in held.workloads:
        assert Engine(snapshot).posture(workload.pods).egress.stance is Stance.OPEN
    assert outcome(store, "kubeflow/deploy/training-operator", "internet", 443) == "allowed"


def test_the_api_server_does_not_reach_the_pipeline_webhook(store: Store) -> None:
    assert outcome(store, "ip:10.40.0.2", "svc:pipelines/ml-pipeline", 8443) == "blocked"


def test_profiles_reach_ml_pipeline_on_every_port(store: Store) -> None:
    for port in (1, 8443, 65535):
        blocked_by = verdict(store, "notebooks/deploy/hub", "pipelines/deploy/ml-pipeline", port)
        assert blocked_by.outcome is Outcome.ALLOWED


def test_the_mesh_policy_protects_nothing(store: Store, snapshot: Snapshot) -> None:
    policy = snapshot.contents["vector-db"].policies["weaviate-from-mesh"]
    weaviate = next(w for w in snapshot.contents["vector-db"].workloads if w.name == "weaviate")
    assert policy.ref not in Engine(snapshot).posture(weaviate.pods).ingress.policies
    assert outcome(store, "notebooks/deploy/hub", "vector-db/sts/weaviate", 8080) == "allowed"


def test_notebooks_reach_the_internet_and_the_hub_the_metadata_address(store: Store) -> None:
    assert outcome(store, "notebooks/jupyter-ana", "internet", 443) == "allowed"
    assert outcome(store, "notebooks/jupyter-ana", "ip:169.254.169.254", 80) == "blocked"
    assert outcome(store, "notebooks/deploy/hub", "ip:169.254.169.254", 80) == "allowed"


def test_a_charts_empty_selector_isolates_its_neighbours(store: Store) -> None:
    found = verdict(store, "pipelines/deploy/ml-pipeline", "svc:registry/model-registry-service", 8080)
    assert found.outcome is Outcome.BLOCKED
    assert found.leading is not None
    assert [ref.name for ref in found.leading.ingress.isolated_by] == ["postgresql"]


def test_what_is_allowed_without_dns(store: Store) -> None:
    found = verdict(store, "vector-db/sts/qdrant", "internet", 443)
    assert found.outcome is Outcome.ALLOWED
    assert "DNS_BLOCKED" in {caveat.code for caveat in found.caveats}


def test_a_canary_is_judged_otherwise_than_its_siblings(store: Store) -> None:
    found = verdict(store, "gateway/deploy/litellm", "serving/deploy/embedder", 8000)
    assert found.outcome is Outcome.PARTIAL
    assert sorted(len(case.destinations) for case in found.cases) == [1, 2]


def test_a_service_keeps_to_its_ready_endpoints(store: Store) -> None:
    step = verdict(store, "gateway/deploy/litellm", "svc:serving/vllm-mistral", 80).service
    assert step is not None
    assert (step.ready, step.total) == (1, 2)


def test_its_policies_are_enforced(store: Store) -> None:
    assert any(ref.name.startswith("calico-node-") for ref in store.refs("Pod", "kube-system"))


def test_the_cluster_serves_it() -> None:
    with DemoCluster(at=0, now=NOW) as cluster:
        assert cluster.kubeconfig()["current-context"] == "demo"
        assert cluster.kubeconfig()["clusters"][0]["cluster"]["server"] == cluster.server.url
        assert len(cluster.store.refs("Pod")) == sum(obj["kind"] == "Pod" for obj in platform(NOW))


def test_it_needs_no_screen_and_no_client() -> None:
    probe = (
        "import sys, console.demo.cluster\n"
        "names = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(names & {'textual', 'rich', 'kubernetes'}), 'console.cluster' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[] False"
