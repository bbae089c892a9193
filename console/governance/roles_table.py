"""What the AI stack wears on Kubernetes: the table by which `roles.classify` tells what a workload is.

Labels, ports and images are those of each project's own charts and manifests. Every
entry is a hint with a strength between 0 and 1; none is proof, because Helm's
``nameOverride``, house-made labels and copied manifests exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final


class Role(Enum):
    """What a workload is to an AI platform."""

    CONTROL_PLANE = "control-plane"
    TRAINING = "training"
    SERVING = "serving"
    FEATURE_STORE = "feature-store"
    VECTOR_DB = "vector-db"
    MODEL_REGISTRY = "model-registry"
    GATEWAY = "gateway"
    PIPELINE = "pipeline"
    NOTEBOOK = "notebook"
    LOGGING = "logging"
    MONITORING = "monitoring"
    DATA_STORE = "data-store"
    INGRESS = "ingress"
    OTHER = "other"


#: The governance domain a role stands for by itself. What a notebook works on, a database holds or an
#: ingress leads to cannot be told from its role: those have none until a label names one.
DOMAINS: Final[Mapping[Role, str]] = MappingProxyType(
    {
        Role.CONTROL_PLANE: "platform",
        Role.TRAINING: "train-data",
        Role.SERVING: "prod-model",
        Role.FEATURE_STORE: "train-data",
        Role.VECTOR_DB: "retrieval-data",
        Role.MODEL_REGISTRY: "prod-model",
        Role.GATEWAY: "external-api",
        Role.PIPELINE: "train-data",
        Role.LOGGING: "telemetry",
        Role.MONITORING: "telemetry",
    }
)

NAME: Final = "app.kubernetes.io/name"
COMPONENT: Final = "app.kubernetes.io/component"
PART_OF: Final = "app.kubernetes.io/part-of"


@dataclass(frozen=True, slots=True)
class Mark:
    """Labels that a project's own controller or chart sets. All of `labels` must be there; None is any value.

    `claims` are labels into which nothing more is read: their value is a user's choice in
    that project (vLLM's and KServe LLM's ``name`` is the model or service), or this mark
    says it better.
    """

    role: Role
    strength: float
    labels: tuple[tuple[str, str | None], ...]
    claims: tuple[str, ...] = ()
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Product:
    """A project by the names it goes under: label values (and chart), images (last path parts), ports.

    `ports` are names distinctive enough to count, and numbers.
    """

    role: Role
    names: tuple[str, ...]
    images: tuple[str, ...] = ()
    ports: tuple[str | int, ...] = ()
    domain: str = ""


#: Asked before names, in this order; a label that spoke here is not read again.
MARKS: Final[tuple[Mark, ...]] = (
    Mark(Role.TRAINING, 0.9, (("training.kubeflow.org/job-name", None),)),
    Mark(Role.TRAINING, 0.5, (("training.kubeflow.org/replica-type", None),)),
    Mark(Role.TRAINING, 0.8, (("trainer.kubeflow.org/trainjob-ancestor-step", None),)),
    Mark(Role.TRAINING, 0.7, (("jobset.sigs.k8s.io/jobset-name", None),)),
    Mark(Role.TRAINING, 0.8, (("katib.kubeflow.org/trial", None),)),
    Mark(Role.CONTROL_PLANE, 0.9, (("katib.kubeflow.org/component", "controller"),)),
    Mark(Role.CONTROL_PLANE, 0.9, (("katib.kubeflow.org/component", "db-manager"),)),
    Mark(Role.CONTROL_PLANE, 0.9, (("katib.kubeflow.org/component", "ui"),)),
    # Its databases wear the label too.
    Mark(Role.CONTROL_PLANE, 0.2, (("katib.kubeflow.org/component", None),)),
    Mark(Role.CONTROL_PLANE, 0.9, ((NAME, "trainer"), (COMPONENT, "manager"))),
    Mark(Role.CONTROL_PLANE, 0.9, (("control-plane", "kubeflow-training-operator"),)),
    Mark(Role.CONTROL_PLANE, 0.9, (("control-plane", "kserve-controller-manager"),)),
    Mark(Role.CONTROL_PLANE, 0.6, (("control-plane", None),)),
    Mark(Role.CONTROL_PLANE, 0.8, (("tier", "control-plane"),)),
    Mark(Role.CONTROL_PLANE, 0.9, (("component", "model-registry-server"),)),
    Mark(Role.SERVING, 0.9, (("serving.kserve.io/inferenceservice", None),)),
    Mark(Role.SERVING, 0.9, (("kserve.io/component", "workload"),), (NAME,)),
    Mark(Role.SERVING, 0.6, (("llm-d.ai/role", None),), (NAME,)),
    Mark(Role.GATEWAY, 0.9, ((COMPONENT, "llminferenceservice-router-scheduler"),), (NAME, PART_OF), "prod-model"),
    Mark(Role.SERVING, 0.6, ((PART_OF, "llminferenceservice"),), (NAME,)),
    Mark(Role.GATEWAY, 0.9, ((PART_OF, "vllm-stack"), (COMPONENT, "router")), (NAME,), "prod-model"),
    Mark(Role.SERVING, 0.9, ((PART_OF, "vllm-stack"), (COMPONENT, "serving-engine")), (NAME,)),
    # Set by KubeRay under a RayService only, on heads and workers, "true" or "false".
    Mark(Role.SERVING, 0.7, (("ray.io/serve", None),)),
    Mark(Role.TRAINING, 0.7, (("ray.io/originated-from-crd", "RayJob"),)),
    Mark(Role.SERVING, 0.7, (("ray.io/originated-from-crd", "RayService"),)),
    # One label for training and serving: it says both, so that the owner or another signal decides.
    Mark(Role.TRAINING, 0.2, (("ray.io/cluster", None),)),
    Mark(Role.SERVING, 0.2, (("ray.io/cluster", None),)),
    Mark(Role.PIPELINE, 0.9, (("workflows.argoproj.io/workflow", None),)),
    Mark(Role.PIPELINE, 0.5, (("pipelines.kubeflow.org/v2_component", "true"),)),
    # On everything that Pipelines installs, its database and object store among it.
    Mark(Role.PIPELINE, 0.2, (("application-crd-id", "kubeflow-pipelines"),)),
    Mark(Role.NOTEBOOK, 0.9, (("notebook-name", None),)),
    Mark(Role.NOTEBOOK, 0.6, (("component", "singleuser-server"),)),
    Mark(Role.MONITORING, 0.9, (("operator.prometheus.io/name", None),)),
    Mark(Role.LOGGING, 0.5, (("component", "standalone-collector"),)),
    Mark(Role.LOGGING, 0.5, (("component", "agent-collector"),)),
    Mark(Role.DATA_STORE, 0.9, (("cnpg.io/cluster", None),)),
    Mark(Role.DATA_STORE, 0.9, (("strimzi.io/cluster", None),)),
    Mark(Role.CONTROL_PLANE, 0.4, ((PART_OF, "argocd"),)),
    Mark(Role.INGRESS, 0.8, ((NAME, "ingress-nginx"), (COMPONENT, "controller"))),
    Mark(Role.INGRESS, 0.7, (("gateway.networking.k8s.io/gateway-name", None),)),
)

PRODUCTS: Final[tuple[Product, ...]] = (
    Product(Role.CONTROL_PLANE, ("kuberay-operator",), ("kuberay/operator", "kuberay-operator")),
    Product(Role.CONTROL_PLANE, ("training-operator", "trainer-controller-manager"), ("training-operator",)),
    Product(Role.CONTROL_PLANE, ("katib",), ("katib-controller", "katib-db-manager", "katib-ui"), ("webhook-server",)),
    Product(Role.CONTROL_PLANE, ("kserve-controller-manager",), ("kserve-controller",), (9443,)),
    Product(Role.CONTROL_PLANE, ("gpu-operator",), ("gpu-operator",)),
    Product(Role.CONTROL_PLANE, ("kube-dns", "coredns"), ("coredns", "k8s-dns-node-cache")),
    Product(Role.CONTROL_PLANE, ("kube-apiserver", "kube-scheduler", "kube-controller-manager", "kube-proxy")),
    Product(Role.CONTROL_PLANE, ("cilium", "calico-node", "kube-flannel", "cert-manager", "metrics-server", "kueue")),
    Product(Role.CONTROL_PLANE, ("node-feature-discovery",), ("node-feature-discovery",)),
    # A mesh, and what scales models to zero: neither serves a model.
    Product(Role.CONTROL_PLANE, ("istiod", "ztunnel", "istio-cni", "istio-cni-node"), ("istio/pilot", "ztunnel")),
    Product(Role.CONTROL_PLANE, ("knative-serving", "knative-eventing")),
    Product(
        Role.CONTROL_PLANE,
        ("centraldashboard", "jupyter-web-app", "tensorboards-web-app", "volumes-web-app"),
        (
            "centraldashboard",
            "kubeflow/dashboard",
            "profile-controller",
            "kfam",
            "models-web-app",
            "jupyter-web-app",
            "tensorboards-web-app",
            "volumes-web-app",
            "poddefaults-webhook",
        ),
    ),
    Product(Role.TRAINING, (), ("pytorch", "tensorflow"), ("pytorchjob-port", 23456, 29500)),
    Product(Role.PIPELINE, ("ml-pipeline", "ml-pipeline-ui", "ml-pipeline-persistenceagent"), ("kfp-api-server",)),
    Product(
        Role.PIPELINE,
        ("metadata-grpc-server", "metadata-envoy", "metadata-writer"),
        (
            "ml_metadata_store_server",
            "kfp-metadata-envoy",
            "kfp-metadata-writer",
            "kfp-cache-server",
            "kfp-cache-deployer",
            "kfp-persistence-agent",
            "kfp-scheduled-workflow-controller",
            "kfp-viewer-crd-controller",
            "kfp-visualization-server",
            "kfp-frontend",
            "kfp-driver",
            "kfp-launcher",
        ),
    ),
    Product(
        Role.PIPELINE, ("workflow-controller", "argo-server", "argo-workflows"), ("workflow-controller", "argocli")
    ),
    Product(Role.PIPELINE, ("airflow", "prefect", "dagster"), ("airflow", "prefect", "dagster"), (2746,)),
    Product(Role.SERVING, ("vllm",), ("vllm-openai", "text-generation-inference"), ("zmq-port", "ucx-port")),
    Product(Role.SERVING, ("triton-inference-server", "triton"), ("tritonserver",)),
    Product(Role.SERVING, ("torchserve", "ollama", "sglang"), ("torchserve", "ollama", "sglang", "sklearnserver")),
    Product(Role.FEATURE_STORE, ("feast-feature-server", "feast"), ("feature-server", "feast"), (6566, 6570, 8815)),
    Product(Role.MODEL_REGISTRY, ("mlflow",), ("mlflow",), ("mlflow",)),
    Product(Role.MODEL_REGISTRY, ("clearml",), ("clearml",)),
    Product(Role.VECTOR_DB, ("milvus",), ("milvus",), ("milvus", 19530)),
    Product(Role.VECTOR_DB, ("qdrant",), ("qdrant",), (6333, 6334, 6335)),
    Product(Role.VECTOR_DB, ("weaviate",), ("weaviate",), (50051,)),
    Product(Role.VECTOR_DB, ("chroma", "chromadb", "pgvector"), ("chroma", "pgvector")),
    Product(Role.NOTEBOOK, ("jupyterhub", "jupyter", "jupyterlab"), ("k8s-hub", "jupyterhub"), ("notebook-port",)),
    Product(Role.GATEWAY, ("litellm",), ("litellm", "litellm-database"), domain="external-api"),
    Product(Role.GATEWAY, ("vllm-router",), ("vllm-router", "lmstack-router"), ("router-port",), domain="prod-model"),
    Product(Role.MONITORING, ("langfuse",), ("langfuse", "langfuse-worker")),
    Product(Role.MONITORING, ("prometheus", "alertmanager"), ("prometheus", "alertmanager"), (9090,)),
    Product(Role.MONITORING, ("prometheus-node-exporter", "node-exporter"), ("node-exporter",), (9100,)),
    Product(Role.MONITORING, ("grafana", "kube-state-metrics"), ("grafana", "kube-state-metrics")),
    Product(Role.MONITORING, ("opensearch-dashboards", "kibana"), ("opensearch-dashboards", "kibana")),
    Product(Role.MONITORING, ("tensorboard",), ("tensorboard",), (6006,)),
    Product(Role.MONITORING, ("nvidia-dcgm-exporter", "dcgm-exporter"), ("dcgm-exporter",), (9400,)),
    Product(Role.LOGGING, ("data-prepper", "logstash"), ("data-prepper", "logstash", "timberio/vector")),
    Product(Role.LOGGING, ("loki", "promtail", "alloy"), ("loki", "promtail", "alloy"), ("http-memberlist", 3100)),
    Product(
        Role.LOGGING, ("opentelemetry-collector", "otel-collector"), ("opentelemetry-collector-contrib",), ("otlp",)
    ),
    Product(
        Role.LOGGING, ("tempo", "jaeger"), ("opentelemetry-collector", "opentelemetry-collector-k8s"), (4317, 4318)
    ),
    Product(Role.LOGGING, ("fluent-bit", "fluentd"), ("fluent-bit", "fluentd"), ("otlp-http", 2020, 24224)),
    Product(Role.DATA_STORE, ("postgresql", "postgres"), ("postgresql", "postgres"), ("postgresql", "postgres", 5432)),
    Product(Role.DATA_STORE, ("mysql", "mariadb"), ("mysql", "mariadb"), ("mysql", 3306)),
    Product(Role.DATA_STORE, ("redis", "valkey"), ("redis", "valkey"), ("redis", 6379)),
    Product(Role.DATA_STORE, ("minio", "seaweedfs"), ("minio", "seaweedfs"), ("minio", 8333)),
    Product(Role.DATA_STORE, ("clickhouse",), ("clickhouse", "clickhouse-server"), ("clickhouse", 8123)),
    Product(Role.DATA_STORE, ("etcd",), ("etcd",), (2379, 2380)),
    Product(
        Role.DATA_STORE, ("mongodb", "kafka", "rabbitmq"), ("mongo", "mongodb", "kafka", "rabbitmq"), (27017, 9092)
    ),
    Product(Role.DATA_STORE, ("elasticsearch", "opensearch"), ("elasticsearch", "opensearch"), (9200,)),
    Product(Role.INGRESS, ("ingress-nginx", "istio-ingressgateway"), ("ingress-nginx/controller",)),
    Product(Role.INGRESS, ("traefik", "contour", "haproxy-ingress"), ("traefik", "contour")),
)

#: Names under which a port's number tells nothing: Ray's ``gcs-server`` is 6379 and no Redis.
PORT_NAMES_OF_NOTHING: Final = frozenset({"gcs-server", "client", "dashboard", "metrics", "health"})

#: Kinds of owners, most made for one purpose. A RayCluster serves both of its own.
OWNERS: Final[Mapping[str, tuple[tuple[Role, float], ...]]] = MappingProxyType(
    {
        kind: tuple((role, strength) for role in roles)
        for roles, strength, kinds in (
            ((Role.TRAINING,), 0.9, "PyTorchJob TFJob MPIJob XGBoostJob JAXJob PaddleJob TrainJob RayJob Trial"),
            ((Role.TRAINING,), 0.6, "JobSet"),
            ((Role.TRAINING, Role.SERVING), 0.2, "RayCluster"),
            ((Role.SERVING,), 0.9, "RayService InferenceService LLMInferenceService SeldonDeployment"),
            ((Role.PIPELINE,), 0.8, "Workflow CronWorkflow SparkApplication"),
            ((Role.NOTEBOOK,), 0.9, "Notebook"),
            ((Role.FEATURE_STORE,), 0.9, "FeatureStore"),
            ((Role.VECTOR_DB,), 0.9, "Milvus"),
            ((Role.MONITORING,), 0.8, "Prometheus Alertmanager"),
            ((Role.LOGGING,), 0.8, "OpenTelemetryCollector"),
        )
        for kind in kinds.split()
    }
)

#: Plain words in names and labels of house-made workloads. The last word that means something decides, as in
#: English: a "training-operator" is an operator.
WORDS: Final[Mapping[str, Role]] = MappingProxyType(
    {
        word: role
        for role, words in (
            (
                Role.CONTROL_PLANE,
                "operator controller controller-manager kube-controllers device-plugin webhook garbage-collector",
            ),
            (Role.TRAINING, "train trainer training finetune finetuning fine-tune fine-tuning pretrain pretraining"),
            (Role.TRAINING, "prep preprocess preprocessing data-prep tokenize eval evaluation"),
            (Role.SERVING, "serving inference predictor serving-engine inference-server model-server"),
            (Role.FEATURE_STORE, "feature-store featurestore feature-server"),
            (Role.VECTOR_DB, "vector-db vectordb vector-store vectorstore"),
            (Role.MODEL_REGISTRY, "model-registry modelregistry model-catalog"),
            (Role.GATEWAY, "gateway llm-gateway ai-gateway llm-proxy router"),
            (Role.PIPELINE, "pipeline pipelines workflow workflows etl"),
            (Role.NOTEBOOK, "notebook notebooks jupyter jupyterhub"),
            (Role.LOGGING, "logging logs collector log-collector"),
            (Role.MONITORING, "monitoring exporter metrics observability tracing"),
            (Role.DATA_STORE, "database db object-store"),
            (Role.INGRESS, "ingress ingress-controller ingress-nginx-controller ingress-gateway ingressgateway"),
        )
        for word in words.split()
    }
)

#: Words that count in the name of a namespace only.
NAMESPACE_WORDS: Final[Mapping[str, Role]] = MappingProxyType(
    {"kube-system": Role.CONTROL_PLANE, "kubeflow": Role.CONTROL_PLANE, "registry": Role.MODEL_REGISTRY}
    | {"ingress-nginx": Role.INGRESS, "models": Role.SERVING}
)
