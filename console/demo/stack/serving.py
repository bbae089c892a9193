"""Serving, what it looks things up in, and the gateways in front of it."""

from __future__ import annotations

from console.demo.spec import (
    COMPONENT,
    GPU_NODES,
    INSTANCE,
    L4_NODES,
    NAME,
    PART_OF,
    App,
    Canary,
    Port,
    Sidecar,
    Svc,
)

_ENGINE_PORTS: tuple[Port, ...] = (("container-port", 8000), ("zmq-port", 55555), ("ucx-port", 9999))


def _vllm(model: str, name: str, *, replicas: int, unready: int = 0) -> App:
    return App(
        namespace="serving",
        name=name,
        kind="Deployment",
        image="vllm/vllm-openai:v0.10.2",
        labels={
            NAME: model,
            INSTANCE: "vllm",
            COMPONENT: "serving-engine",
            PART_OF: "vllm-stack",
            "model": model,
        },
        ports=_ENGINE_PORTS,
        replicas=replicas,
        unready=unready,
        nodes=GPU_NODES,
        age=200,
        manager="helm",
        services=(
            Svc(
                name=name,
                selector={"model": model, COMPONENT: "serving-engine"},
                ports=(("engine", 80, "container-port"),),
            ),
        ),
    )


SERVING = (
    _vllm("llama-3.3-70b", "vllm-llama", replicas=3),
    _vllm("mistral-small", "vllm-mistral", replicas=2, unready=1),
    App(
        namespace="serving",
        name="vllm-router",
        kind="Deployment",
        image="lmcache/lmstack-router:v0.1.7",
        labels={NAME: "router", INSTANCE: "vllm", COMPONENT: "router", PART_OF: "vllm-stack"},
        ports=(("router-port", 8000),),
        replicas=2,
        age=200,
        manager="helm",
        service_account="vllm-router",
        services=(Svc(name="vllm-router", ports=(("router", 80, "router-port"),)),),
    ),
    App(
        namespace="serving",
        name="triton",
        kind="Deployment",
        image="nvcr.io/nvidia/tritonserver:25.08-py3",
        labels={"app": "triton-inference-server", "release": "triton"},
        ports=(("http", 8000), ("grpc", 8001), ("metrics", 8002)),
        replicas=2,
        nodes=L4_NODES,
        age=900,
        sidecars=(Sidecar("model-sync", "registry.eu1.example/ml/model-sync:1.2.0", (("sync-metrics", 9095),)),),
        services=(
            Svc(name="triton", ports=(("http", 8000, "http"), ("grpc", 8001, "grpc"), ("metrics", 8002, "metrics"))),
        ),
    ),
    # Half rolled out since yesterday: the new chart calls the component otherwise than the policies do.
    App(
        namespace="serving",
        name="embedder",
        kind="Deployment",
        image="ghcr.io/huggingface/text-embeddings-inference:1.7.4",
        labels={NAME: "embedder", COMPONENT: "serving-engine", "model": "bge-m3"},
        ports=(("container-port", 8000),),
        replicas=2,
        nodes=L4_NODES,
        age=340,
        canary=Canary(
            "ghcr.io/huggingface/text-embeddings-inference:1.8.1", {COMPONENT: "embedding-engine", "track": "canary"}
        ),
        services=(Svc(name="embedder", selector={NAME: "embedder"}, ports=(("http", 80, "container-port"),)),),
    ),
    App(
        namespace="serving",
        name="reranker",
        kind="Deployment",
        image="ghcr.io/huggingface/text-embeddings-inference:1.7.4",
        labels={NAME: "reranker", COMPONENT: "serving-engine", "model": "bge-reranker-v2", "version": "v1"},
        ports=(("container-port", 8000),),
        replicas=2,
        nodes=L4_NODES,
        age=340,
        services=(Svc(name="reranker", selector={NAME: "reranker"}, ports=(("http", 80, "container-port"),)),),
    ),
    App(
        namespace="serving",
        name="fraud-scorer-predictor",
        kind="Deployment",
        image="kserve/sklearnserver:v0.15.2",
        labels={
            "app": "isvc.fraud-scorer-predictor",
            "component": "predictor",
            "serving.kserve.io/inferenceservice": "fraud-scorer",
        },
        ports=(("http", 8080),),
        replicas=2,
        age=700,
        manager="manager",
        services=(
            Svc(
                name="fraud-scorer-predictor",
                selector={"app": "isvc.fraud-scorer-predictor"},
                ports=(("http", 80, 8080),),
            ),
        ),
    ),
    App(
        namespace="serving",
        name="whisper-raycluster-8v5zl",
        kind="RayCluster",
        image="rayproject/ray-ml:2.49.0-gpu",
        labels={NAME: "kuberay", "ray.io/originated-from-crd": "RayService", "ray.io/serve": "true"},
        ports=(("gcs-server", 6379), ("dashboard", 8265), ("metrics", 8080), ("serve", 8000)),
        replicas=3,
        nodes=L4_NODES,
        age=120,
        services=(
            Svc(
                name="whisper-serve-svc",
                selector={"ray.io/cluster": "whisper-raycluster-8v5zl", "ray.io/serve": "true"},
                ports=(("serve", 8000, 8000),),
            ),
        ),
    ),
)

_MILVUS = {NAME: "milvus", INSTANCE: "milvus"}

VECTORS = (
    App(
        namespace="vector-db",
        name="qdrant",
        kind="StatefulSet",
        image="qdrant/qdrant:v1.15.4",
        labels={"app": "qdrant", NAME: "qdrant", INSTANCE: "qdrant"},
        ports=(("http", 6333), ("grpc", 6334), ("p2p", 6335)),
        replicas=3,
        manager="helm",
        services=(
            Svc(name="qdrant", ports=(("http", 6333, "http"), ("grpc", 6334, "grpc"))),
            Svc(name="qdrant-headless", headless=True, ports=(("http", 6333, "http"), ("p2p", 6335, "p2p"))),
        ),
    ),
    App(
        namespace="vector-db",
        name="milvus-proxy",
        kind="Deployment",
        image="milvusdb/milvus:v2.6.2",
        labels={**_MILVUS, "component": "proxy"},
        ports=(("milvus", 19530), ("metrics", 9091)),
        replicas=2,
        manager="helm",
        services=(Svc(name="milvus", ports=(("milvus", 19530, "milvus"), ("metrics", 9091, "metrics"))),),
    ),
    App(
        namespace="vector-db",
        name="milvus-querynode",
        kind="Deployment",
        image="milvusdb/milvus:v2.6.2",
        labels={**_MILVUS, "component": "querynode"},
        ports=(("querynode", 21123), ("metrics", 9091)),
        replicas=2,
        manager="helm",
    ),
    App(
        namespace="vector-db",
        name="milvus-etcd",
        kind="StatefulSet",
        image="quay.io/coreos/etcd:v3.5.22",
        labels={NAME: "etcd", INSTANCE: "milvus"},
        ports=(("client", 2379), ("peer", 2380)),
        replicas=3,
        manager="helm",
        services=(
            Svc(name="milvus-etcd", ports=(("client", 2379, "client"),)),
            Svc(name="milvus-etcd-headless", headless=True, ports=(("client", 2379, "client"), ("peer", 2380, "peer"))),
        ),
    ),
    App(
        namespace="vector-db",
        name="milvus-minio",
        kind="StatefulSet",
        image="quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z",
        labels={NAME: "minio", INSTANCE: "milvus"},
        ports=(("http", 9000),),
        manager="helm",
        services=(Svc(name="milvus-minio", ports=(("http", 9000, "http"),)),),
    ),
    App(
        namespace="vector-db",
        name="weaviate",
        kind="StatefulSet",
        image="semitechnologies/weaviate:1.32.5",
        labels={"app": "weaviate", NAME: "weaviate", "sidecar.istio.io/inject": "true"},
        ports=(("http", 8080), ("grpc", 50051), ("metrics", 2112)),
        replicas=2,
        manager="helm",
        services=(
            Svc(name="weaviate", ports=(("http", 80, 8080),)),
            Svc(name="weaviate-grpc", ports=(("grpc", 50051, 50051),)),
        ),
    ),
)

GATEWAY = (
    App(
        namespace="gateway",
        name="litellm",
        kind="Deployment",
        image="ghcr.io/berriai/litellm-database:v1.77.3-stable",
        labels={NAME: "litellm", INSTANCE: "litellm"},
        ports=(("http", 4000),),
        replicas=3,
        manager="helm",
        services=(
            Svc(name="litellm", ports=(("http", 4000, "http"),)),
            Svc(name="openai-api", external="api.openai.com", ports=(("https", 443, 443),)),
        ),
    ),
    App(
        namespace="gateway",
        name="litellm-postgresql",
        kind="StatefulSet",
        image="postgres:16.9",
        labels={NAME: "postgresql", INSTANCE: "litellm"},
        ports=(("tcp-postgresql", 5432),),
        manager="helm",
        services=(Svc(name="litellm-postgresql", ports=(("tcp-postgresql", 5432, "tcp-postgresql"),)),),
    ),
    App(
        namespace="gateway",
        name="litellm-redis",
        kind="StatefulSet",
        image="redis:7.4.5",
        labels={NAME: "redis", INSTANCE: "litellm"},
        ports=(("redis", 6379),),
        manager="helm",
        services=(Svc(name="litellm-redis", ports=(("tcp-redis", 6379, "redis"),)),),
    ),
    App(
        namespace="gateway",
        name="guardrails",
        kind="Deployment",
        image="nvcr.io/nvidia/nemo-microservices/guardrails:25.08",
        # No sign of its own says what it is, so its owners do.
        labels={NAME: "guardrails", PART_OF: "ai-gateway", "governance.netpol-console.dev/role": "gateway"},
        ports=(("http", 7331),),
        replicas=2,
        services=(Svc(name="guardrails", ports=(("http", 7331, "http"),)),),
    ),
)
