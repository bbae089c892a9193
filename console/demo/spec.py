"""How the demo's platform is written down: an application, its pods and the Services in front of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

NAME: Final = "app.kubernetes.io/name"
COMPONENT: Final = "app.kubernetes.io/component"
PART_OF: Final = "app.kubernetes.io/part-of"
INSTANCE: Final = "app.kubernetes.io/instance"

#: A declared port: name, number, and the protocol where it is not TCP.
Port = tuple[str, int] | tuple[str, int, str]

CPU_NODES: Final = ("eu1-cpu-1", "eu1-cpu-2")
GPU_NODES: Final = ("eu1-h100-1", "eu1-h100-2")
L4_NODES: Final = ("eu1-l4-1",)
NODES: Final = (*CPU_NODES, *GPU_NODES, *L4_NODES)


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A second container. `native` ones are init containers with ``restartPolicy: Always``."""

    name: str
    image: str
    ports: tuple[Port, ...] = ()
    native: bool = True


@dataclass(frozen=True, slots=True)
class Canary:
    """A second ReplicaSet of a Deployment that is half rolled out: its pods differ in image and labels."""

    image: str
    labels: Mapping[str, str]
    replicas: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Svc:
    """A Service. `ports` are name, port and target (a number or a container port's name), TCP unless said.

    An empty `selector` takes the application's own labels. `external` makes it an ExternalName.
    """

    name: str
    ports: tuple[tuple[str, int, int | str] | tuple[str, int, int | str, str], ...] = ()
    selector: Mapping[str, str] = field(default_factory=dict)
    headless: bool = False
    type: str = "ClusterIP"
    external: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One workload, as somebody deployed it. `age` is in hours.

    `labels` are those of the pod template; controllers add their own. `replicas` counts
    all pods, of which the last `pending` have no node yet and the ones before them, `unready`, run
    without being ready. `finished` pods have succeeded.
    """

    namespace: str
    name: str
    kind: str
    image: str
    labels: Mapping[str, str]
    ports: tuple[Port, ...] = ()
    replicas: int = 1
    nodes: tuple[str, ...] = CPU_NODES
    age: int = 600
    unready: int = 0
    pending: int = 0
    finished: bool = False
    host_network: bool = False
    service_account: str = "default"
    manager: str = "argocd-controller"
    sidecars: tuple[Sidecar, ...] = ()
    canary: Canary | None = None
    services: tuple[Svc, ...] = ()
