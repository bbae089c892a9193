"""What the engine answers: a Verdict for a Connection, with its explanation as data."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

import msgspec

from console.objects.core import Pod, Service, ServicePort
from console.objects.meta import ObjectRef
from console.policy.caveats import Caveat
from console.policy.model import Address, Direction, Network, Path, Protocol
from console.policy.trace import Clause, DirectionTrace


class Outcome(Enum):
    """The answer. PARTIAL: replicas, addresses or families differ. UNKNOWN: something that could decide was unread."""

    ALLOWED = "allowed"
    BLOCKED = "blocked"
    PARTIAL = "partial"
    UNKNOWN = "unknown"


class EndKind(Enum):
    """What an end of a connection is."""

    POD = "pod"
    WORKLOAD = "workload"
    SERVICE = "service"
    ADDRESS = "address"
    NODE = "node"
    API_SERVER = "apiserver"
    NAMESPACE = "namespace"
    NETWORK = "network"
    INTERNET = "internet"


class End(msgspec.Struct, frozen=True):
    """A resolved end. `ref` names the object (None for addresses, networks and the internet).

    `pods` are the pods that stand for it (replicas; a Service's endpoints are found
    later, per port); `addresses` those of an address, a node or the API server;
    `network` is set for a network, `service` for a Service.
    """

    kind: EndKind
    ref: ObjectRef | None = None
    pods: tuple[Pod, ...] = ()
    addresses: tuple[Address, ...] = ()
    network: Network | None = None
    service: Service | None = None
    caveats: tuple[Caveat, ...] = ()

    def __str__(self) -> str:
        if self.kind in (EndKind.INTERNET, EndKind.API_SERVER):
            return str(self.kind.value)
        if self.kind is EndKind.ADDRESS:
            return f"ip:{self.addresses[0]}"
        if self.kind is EndKind.NETWORK:
            return f"cidr:{self.network}"
        assert self.ref is not None
        if self.kind in (EndKind.NODE, EndKind.NAMESPACE):
            return f"{self.kind.value}:{self.ref.name}"
        if self.kind is EndKind.POD:
            return f"{self.ref.namespace}/{self.ref.name}"
        if self.kind is EndKind.SERVICE:
            return f"svc:{self.ref.namespace}/{self.ref.name}"
        return f"{self.ref.namespace}/{self.ref.kind.lower()}/{self.ref.name}"


class Connection(msgspec.Struct, frozen=True):
    """A question: may `source` open a connection to `port` of `destination`?

    For a Service `port` is the Service's port; otherwise it is a port of the pod or address.
    """

    source: End
    destination: End
    protocol: Protocol
    port: int


class ServiceState(Enum):
    """How a Service carries a connection, or what breaks before any policy is asked."""

    TRANSLATED = "translated"
    NO_ENDPOINTS = "no ready endpoints"
    UNRESOLVED_TARGET = "no endpoint declares the named targetPort"
    EXTERNAL_NAME = "an ExternalName: the name is looked up outside the cluster"
    NOT_KNOWN = "what stands behind it could not be read"


class ServiceStep(msgspec.Struct, frozen=True):
    """How the Service's port was translated: `ready` of `total` endpoints stand behind it.

    `ports` are the ports of those that a connection ends at; `unresolved` are ready and
    declare no port of the name that the targetPort is. `why` says why the endpoints are not known.
    """

    service: Service
    port: ServicePort
    state: ServiceState
    ready: int
    total: int
    ports: tuple[int, ...] = ()
    unresolved: int = 0
    why: str = ""


class Case(msgspec.Struct, frozen=True):
    """Pairs of ends that are judged alike: the same answer for the same reasons.

    `sources`/`destinations` name the pods or addresses folded into the case (labels
    and policies cannot tell them apart), in order. `port` is the port on the
    destination pod (after translation). `facts` say what sets this case apart where a
    verdict has several.
    """

    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    port: int
    outcome: Outcome
    egress: DirectionTrace
    ingress: DirectionTrace
    caveats: tuple[Caveat, ...] = ()
    facts: tuple[str, ...] = ()

    def directions(self) -> tuple[DirectionTrace, DirectionTrace]:
        """Egress, then ingress: the order of judgement."""
        return self.egress, self.ingress


class NearMiss(msgspec.Struct, frozen=True):
    """A rule that would have allowed the connection but for `failed` clauses; the first ones are the nearest."""

    direction: Direction
    policy: ObjectRef
    rule: int | None
    path: Path
    failed: tuple[Clause, ...]


class Verdict(msgspec.Struct, frozen=True):
    """The answer to a connection. `cases` has one entry where all replicas are alike, the worst first.

    `cases` is empty only where the Service breaks before any policy is asked.
    """

    connection: Connection
    outcome: Outcome
    cases: tuple[Case, ...]
    service: ServiceStep | None = None
    caveats: tuple[Caveat, ...] = ()
    near_misses: tuple[NearMiss, ...] = ()

    @property
    def leading(self) -> Case | None:
        """The case an explanation begins with."""
        return self.cases[0] if self.cases else None

    @property
    def apart(self) -> bool:
        """Whether the ends share no address family, so that the network carries nothing whatever policies say."""
        return any(caveat.code == "NO_COMMON_FAMILY" and not caveat.detail for caveat in self.caveats)

    def clauses(self) -> Iterator[Clause]:
        """Every clause of every case that was asked."""
        for case in self.cases:
            for direction in case.directions():
                for policy in direction.policies():
                    for rule in policy.rules:
                        yield from rule.clauses()
