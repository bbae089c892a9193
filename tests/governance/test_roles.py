"""What the classifier makes of workloads labelled as their own projects label them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.governance.roles import DOMAIN_LABEL, ROLE_LABEL, Classification, Role, classify
from console.objects.core import METADATA_NAME, ContainerPort, Namespace, Pod
from console.objects.workloads import Workload

NAME = "app.kubernetes.io/name"
COMPONENT = "app.kubernetes.io/component"
PART_OF = "app.kubernetes.io/part-of"
INSTANCE = "app.kubernetes.io/instance"


def pod(labels: Mapping[str, str], *, name: str = "p", images: tuple[str, ...] = (), ports: str = "") -> Pod:
    """A pod; `ports` as ``"http:8080 9090"``."""
    declared = tuple(
        ContainerPort(int(number), name=label)
        for label, _, number in ((entry if ":" in entry else f":{entry}").partition(":") for entry in ports.split())
    )
    return Pod(namespace="team-a", name=name, labels=labels, images=images, ports=declared)


def ask(
    labels: Mapping[str, str] | None = None,
    *,
    kind: str = "Deployment",
    name: str = "app",
    namespace: str = "team-a",
    namespace_labels: Mapping[str, str] | None = None,
    images: tuple[str, ...] = (),
    ports: str = "",
) -> Classification:
    """Classify a workload of one pod; the defaults tell nothing."""
    worn = Namespace(namespace, {METADATA_NAME: namespace, **(namespace_labels or {})})
    one = pod(labels or {}, images=images, ports=ports)
    return classify(Workload(kind, namespace, name, (one,)), worn)


RAY = {NAME: "kuberay", "ray.io/is-ray-node": "yes", "ray.io/cluster": "c1", "ray.io/node-type": "head"}
RAY_PORTS = "gcs-server:6379 client:10001 dashboard:8265 metrics:8080"

STACK = [
    ("Trainer v2 manager", "control-plane", "Deployment", {NAME: "trainer", COMPONENT: "manager", PART_OF: "kubeflow"},
     "health:8081 metrics:8443 webhook:9443"),
    ("Trainer v2 job pods", "training", "JobSet", {"jobset.sigs.k8s.io/jobset-name": "ft"}, "29500"),
    ("Training-operator v1", "control-plane", "Deployment", {"control-plane": "kubeflow-training-operator"},
     "8080 webhook-server:9443"),
    ("PyTorchJob pods", "training", "PyTorchJob",
     {"training.kubeflow.org/job-name": "ft", "training.kubeflow.org/replica-type": "worker"}, "pytorchjob-port:23456"),
    ("Kubeflow Pipelines API", "pipeline", "Deployment", {"app": "ml-pipeline"}, "http:8888 grpc:8887"),
    ("Katib controller", "control-plane", "Deployment", {"katib.kubeflow.org/component": "controller"}, "webhook:8443"),
    ("Katib db-manager", "control-plane", "Deployment", {"katib.kubeflow.org/component": "db-manager"}, "api:6789"),
    ("Model Registry", "control-plane", "Deployment", {"component": "model-registry-server"}, "http-api:8080"),
    ("KServe manager", "control-plane", "Deployment",
     {NAME: "kserve-controller-manager", "control-plane": "kserve-controller-manager"}, "webhook-server:9443"),
    ("KServe predictor", "serving", "Deployment",
     {"app": "isvc.bert", "serving.kserve.io/inferenceservice": "bert", "component": "predictor"}, "8080"),
    ("KServe LLM workload", "serving", "Deployment",
     {NAME: "llama", PART_OF: "llminferenceservice", "kserve.io/component": "workload", "llm-d.ai/role": "both"},
     "8000"),
    ("KServe LLM scheduler", "gateway", "Deployment",
     {NAME: "llama", PART_OF: "llminferenceservice", COMPONENT: "llminferenceservice-router-scheduler"},
     "grpc:9002 grpc-health:9003 metrics:9090 zmq:5557"),
    ("KubeRay operator", "control-plane", "Deployment", {NAME: "kuberay-operator", COMPONENT: "kuberay-operator"},
     "http:8080"),
    ("Ray under a RayJob", "training", "RayJob", RAY, RAY_PORTS),
    ("Ray under a RayService", "serving", "RayService", {**RAY, "ray.io/serve": "true"}, f"{RAY_PORTS} serve:8000"),
    ("Feast server", "feature-store", "Deployment", {NAME: "feast-feature-server"}, "online:6566"),
    ("MLflow", "model-registry", "Deployment", {"app": "mlflow", NAME: "mlflow"}, "mlflow:5000"),
    ("vLLM engine", "serving", "Deployment",
     {COMPONENT: "serving-engine", PART_OF: "vllm-stack", "model": "llama", NAME: "llama"},
     "container-port:8000 zmq-port:55555 ucx-port:9999"),
    ("vLLM router", "gateway", "Deployment", {NAME: "router", COMPONENT: "router", PART_OF: "vllm-stack"},
     "router-port:8000"),
    ("Triton", "serving", "Deployment", {"app": "triton-inference-server"}, "http:8000 grpc:8001 metrics:8002"),
    ("Milvus", "vector-db", "Deployment", {NAME: "milvus", "component": "querynode"}, "milvus:19530 metrics:9091"),
    ("Qdrant", "vector-db", "StatefulSet", {"app": "qdrant", NAME: "qdrant"}, "http:6333 grpc:6334 p2p:6335"),
    ("Weaviate", "vector-db", "StatefulSet", {"app": "weaviate", NAME: "weaviate"}, "8080 grpc:50051 metrics:2112"),
    ("Argo controller", "pipeline", "Deployment", {"app": "workflow-controller"}, "metrics:9090"),
    ("Argo server", "pipeline", "Deployment", {"app": "argo-server"}, "web:2746"),
    ("Argo step", "pipeline", "Workflow", {"workflows.argoproj.io/workflow": "nightly"}, ""),
    ("JupyterHub hub", "notebook", "Deployment", {"app": "jupyterhub", "component": "hub"}, "http:8081"),
    ("JupyterHub proxy", "notebook", "Deployment", {"app": "jupyterhub", "component": "proxy"}, "http:8000 api:8001"),
    ("JupyterHub user", "notebook", "Pod", {"app": "jupyterhub", "component": "singleuser-server"},
     "notebook-port:8888"),
    ("LiteLLM", "gateway", "Deployment", {NAME: "litellm"}, "http:4000"),
    ("Langfuse web", "monitoring", "Deployment", {NAME: "langfuse", COMPONENT: "web"}, "http:3000"),
    ("Prometheus by chart", "monitoring", "Deployment", {NAME: "prometheus", "component": "server"}, "9090"),
    ("Prometheus by operator", "monitoring", "Prometheus", {"operator.prometheus.io/name": "k8s"}, "http-web:9090"),
    ("node-exporter", "monitoring", "DaemonSet", {NAME: "prometheus-node-exporter"}, "metrics:9100"),
    ("Loki", "logging", "StatefulSet", {NAME: "loki", COMPONENT: "single-binary"},
     "http-metrics:3100 grpc:9095 http-memberlist:7946"),
    ("OpenTelemetry collector", "logging", "Deployment",
     {NAME: "opentelemetry-collector", "component": "standalone-collector"}, "otlp:4317 otlp-http:4318"),
    ("Fluent Bit", "logging", "DaemonSet", {NAME: "fluent-bit"}, "http:2020"),
    ("GPU operator", "control-plane", "Deployment", {"app": "gpu-operator", COMPONENT: "gpu-operator"}, "metrics:8080"),
    ("DCGM exporter", "monitoring", "DaemonSet", {"app": "nvidia-dcgm-exporter"}, "metrics:9400"),
    ("Node feature discovery", "control-plane", "DaemonSet", {NAME: "node-feature-discovery", "role": "worker"}, ""),
    ("Knative's controller", "control-plane", "Deployment",
     {NAME: "knative-serving", COMPONENT: "activator", "app": "activator"}, "http1:8012 h2c:8013"),
    ("Istio's control plane", "control-plane", "Deployment", {"app": "istiod", "istio": "pilot"}, "8080 15010 15017"),
    ("Kubeflow's dashboard", "control-plane", "Deployment", {NAME: "centraldashboard", "app": "centraldashboard"},
     "http:8082"),
    ("OpenSearch dashboards", "monitoring", "Deployment", {NAME: "opensearch-dashboards"}, "http:5601"),
]  # fmt: skip


@pytest.mark.parametrize(("role", "kind", "labels", "ports"), [row[1:] for row in STACK], ids=[row[0] for row in STACK])
def test_a_component_is_known_by_the_labels_its_project_sets(
    role: str, kind: str, labels: dict[str, str], ports: str
) -> None:
    found = ask(labels, kind=kind, ports=ports)
    assert found.role.value == role
    assert found.confidence >= 0.6, found


def test_nothing_known_is_other_with_no_confidence() -> None:
    assert ask({"app": "shop", "pod-template-hash": "abc"}, images=("shop:1",), ports="http:8080") == Classification(
        Role.OTHER, "", 0.0, ()
    )


def test_a_namespace_name_alone_makes_no_role_but_strengthens_one() -> None:
    assert ask(kind="Pod", name="debug-shell", namespace="training").role is Role.OTHER
    inside, outside = (ask({"role": "trainer"}, namespace=name) for name in ("training", "team-a"))
    assert inside.role is outside.role is Role.TRAINING
    assert inside.confidence > outside.confidence
    assert "namespace name says training" in inside.signals


def test_the_label_of_a_namespace_strengthens_too() -> None:
    plain = ask({"role": "trainer"})
    assert ask({"role": "trainer"}, namespace_labels={"purpose": "training"}).confidence > plain.confidence


@pytest.mark.parametrize(
    ("namespace", "role"), [("training", Role.TRAINING), ("serving", Role.SERVING)], ids=["training", "serving"]
)
def test_a_ray_cluster_of_its_own_is_doubtful_and_its_namespace_tips_it(namespace: str, role: Role) -> None:
    found = ask(RAY, kind="RayCluster", namespace=namespace, ports=RAY_PORTS)
    assert found.role is role
    assert found.confidence < 0.5
    assert any(
        f"says {other}" in signal for signal in found.signals for other in {"training", "serving"} - {role.value}
    )


def test_rays_own_ports_are_not_taken_for_redis() -> None:
    assert not any("data-store" in signal for signal in ask(RAY, kind="RayJob", ports=RAY_PORTS).signals)


@pytest.mark.parametrize("model", ["qdrant", "litellm", "mlflow"])
def test_the_name_label_of_a_vllm_engine_is_its_model_whatever_it_is_called(model: str) -> None:
    found = ask({COMPONENT: "serving-engine", PART_OF: "vllm-stack", NAME: model})
    assert found.role is Role.SERVING
    assert not any(NAME in signal for signal in found.signals)


@pytest.mark.parametrize(
    ("labels", "images", "ports", "role"),
    [
        ({NAME: "memory", "helm.sh/chart": "qdrant-1.15.4"}, (), "http:6333 grpc:6334 p2p:6335", Role.VECTOR_DB),
        ({NAME: "models", INSTANCE: "mlops"}, ("ghcr.io/mlflow/mlflow:v3.1.0",), "mlflow:5000", Role.MODEL_REGISTRY),
        ({NAME: "llm"}, ("ghcr.io:443/berriai/litellm@sha256:00",), "http:4000", Role.GATEWAY),
        ({NAME: "features"}, ("quay.io/feastdev/feature-server:0.50.0",), "6566", Role.FEATURE_STORE),
    ],
    ids=["chart", "image and port", "image by digest", "image and number"],
)
def test_a_name_override_leaves_other_signals(
    labels: dict[str, str], images: tuple[str, ...], ports: str, role: Role
) -> None:
    assert ask(labels, images=images, ports=ports).role is role


@pytest.mark.parametrize(
    ("value", "role"),
    [
        ("training-operator", Role.CONTROL_PLANE),
        ("redis-exporter", Role.MONITORING),
        ("feature-store-trainer", Role.TRAINING),
        ("training-feature-store", Role.FEATURE_STORE),
        ("qdrant-prod", Role.VECTOR_DB),
        ("trainings-office", Role.OTHER),
    ],
)
def test_the_last_word_that_means_something_decides(value: str, role: Role) -> None:
    assert ask({"app": value}).role is role
    assert ask(name=value).role is role


def test_a_sidecar_does_not_make_the_pod() -> None:
    found = ask({"app": "shop"}, images=("vllm/vllm-openai:v0.10", "fluent/fluent-bit:4.0"))
    assert found.role is Role.SERVING
    assert found.signals[-1] == "image fluent-bit (says logging)"


def test_contradiction_lowers_the_confidence_and_is_told() -> None:
    agreed = ask({NAME: "mlflow"}, images=("mlflow/mlflow:3",))
    torn = ask({NAME: "mlflow"}, images=("qdrant/qdrant:1",))
    assert torn.role is Role.MODEL_REGISTRY
    assert torn.confidence < agreed.confidence
    assert torn.signals == ("label app.kubernetes.io/name=mlflow", "image qdrant (says vector-db)")


def test_the_strongest_signal_comes_first() -> None:
    found = ask({"training.kubeflow.org/job-name": "x"}, kind="PyTorchJob", name="llm-finetune", namespace="training")
    assert found.role is Role.TRAINING
    assert found.domain == "train-data"
    assert found.signals == (
        "label training.kubeflow.org/job-name",
        "owner PyTorchJob",
        "name says finetune",
        "namespace name says training",
    )


def test_all_pods_of_a_workload_are_looked_at() -> None:
    pods = (pod({}, name="a"), pod({"training.kubeflow.org/job-name": "x"}, name="b"))
    found = classify(Workload("Deployment", "team-a", "app", pods), Namespace("team-a", {}))
    assert found.role is Role.TRAINING


def test_a_label_on_the_pods_overrides_every_signal() -> None:
    found = ask({NAME: "qdrant", ROLE_LABEL: "training"}, kind="StatefulSet", namespace_labels={ROLE_LABEL: "gateway"})
    assert (found.role, found.confidence, found.domain) == (Role.TRAINING, 1.0, "train-data")
    assert found.signals[0] == f"label {ROLE_LABEL}=training on the pods"
    assert "label app.kubernetes.io/name=qdrant" in found.signals


def test_a_label_on_the_namespace_overrides_for_all_in_it() -> None:
    found = ask(kind="Pod", namespace_labels={ROLE_LABEL: "notebook", DOMAIN_LABEL: "research"})
    assert (found.role, found.domain, found.confidence) == (Role.NOTEBOOK, "research", 1.0)


def test_an_explicit_domain_leaves_the_role_to_be_inferred() -> None:
    plain = ask({NAME: "qdrant"})
    found = ask({NAME: "qdrant", DOMAIN_LABEL: "customer-data"}, namespace_labels={DOMAIN_LABEL: "shadowed"})
    assert (found.role, found.confidence) == (plain.role, plain.confidence)
    assert found.domain == "customer-data"


def test_a_value_that_is_no_role_is_told_and_not_followed() -> None:
    found = ask({NAME: "qdrant", ROLE_LABEL: "[/oops]\x1b[2J"})
    assert (found.role, found.confidence) == (Role.VECTOR_DB, ask({NAME: "qdrant"}).confidence)
    assert found.signals[-1] == f"label {ROLE_LABEL} on the pods names no role, so it was not followed"


def test_pods_that_disagree_on_the_explicit_role_share_the_confidence() -> None:
    said = ["training", "serving", "training", "training"]
    pods = tuple(pod({ROLE_LABEL: role}, name=str(index)) for index, role in enumerate(said))
    found = classify(Workload("Deployment", "team-a", "app", pods), Namespace("team-a", {}))
    assert (found.role, found.confidence) == (Role.TRAINING, 0.75)


@pytest.mark.parametrize(
    ("labels", "domain"),
    [
        ({NAME: "litellm"}, "external-api"),
        ({NAME: "router", COMPONENT: "router", PART_OF: "vllm-stack"}, "prod-model"),
        ({"app": "triton-inference-server"}, "prod-model"),
        ({NAME: "postgresql"}, ""),
        ({"app": "jupyterhub"}, ""),
    ],
    ids=["calls providers", "fronts own models", "serves", "whose data?", "whose work?"],
)
def test_a_domain_follows_the_role_where_that_tells_it(labels: dict[str, str], domain: str) -> None:
    assert ask(labels).domain == domain


TEXT = st.text(max_size=12) | st.sampled_from(["trainer", "qdrant", "-", "a--b", "isvc.", "x-1.2", "", "vllm-stack"])
KEYS = TEXT | st.sampled_from([NAME, COMPONENT, PART_OF, "app", "helm.sh/chart", "ray.io/cluster", "control-plane"])


@given(
    labels=st.dictionaries(KEYS, TEXT, max_size=5),
    kind=st.sampled_from(["Deployment", "RayCluster", "Notebook", "x"]),
    name=TEXT,
    images=st.lists(TEXT, max_size=3),
    numbers=st.lists(st.tuples(st.integers(1, 65535), TEXT), max_size=3),
)
def test_any_cluster_text_gets_an_answer_and_never_enters_the_signals(
    labels: dict[str, str], kind: str, name: str, images: list[str], numbers: list[tuple[int, str]]
) -> None:
    marked = {key: f"{value}\x1b[2J" for key, value in labels.items()}
    for worn in (labels, marked):
        ports = tuple(ContainerPort(number, name=label) for number, label in numbers)
        one = Pod(namespace="n", name=name, labels=worn, images=tuple(images), ports=ports)
        found = classify(Workload(kind, "n", name, (one,)), Namespace("n", {}))
        assert 0 <= found.confidence < 1
        assert (found.role is Role.OTHER) == (found.confidence == 0)
        assert not any("\x1b" in signal for signal in found.signals)
        assert found == classify(Workload(kind, "n", name, (one, one)), Namespace("n", {})), "replicas add nothing"


def test_a_controller_is_no_instance_of_what_it_controls() -> None:
    assert ask({"app": "notebook-controller"}).role is Role.CONTROL_PLANE
    assert ask({"app": "tensorboard-controller"}, images=("kubeflow/tensorboard-controller:v1",)).role is (
        Role.CONTROL_PLANE
    )
    # What it stands before does not make a workflow controller or an ingress controller less what they are.
    assert ask({"app": "workflow-controller"}).role is Role.PIPELINE
    assert ask({NAME: "nginx", COMPONENT: "ingress-controller"}).role is Role.INGRESS


def test_the_database_of_katib_is_a_database() -> None:
    assert ask({"katib.kubeflow.org/component": "mysql"}, images=("mysql:8.0",), ports="3306").role is Role.DATA_STORE
    assert ask({"katib.kubeflow.org/component": "controller"}).role is Role.CONTROL_PLANE


def test_a_chart_names_the_project_whatever_its_parts_are_called() -> None:
    chart = {"helm.sh/chart": "loki-distributed-0.80.6", NAME: "loki-distributed", COMPONENT: "gateway"}
    found = ask(chart, name="obs-loki-distributed-gateway")
    assert found.role is Role.LOGGING
    assert "label helm.sh/chart says loki" in found.signals
    assert ask({"chart": "mlflow-1.2.3"}).role is Role.MODEL_REGISTRY
    # A word that any chart may bear says nothing of a project.
    assert ask({"helm.sh/chart": "my-gateway-1.0.0"}).role is Role.OTHER


def test_what_collects_garbage_collects_no_logs() -> None:
    assert ask({"app": "garbage-collector"}).role is not Role.LOGGING
