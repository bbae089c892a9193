"""From what a user types to the ends of a connection, with the nearest names where it names nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Final

import msgspec
from msgspec.structs import replace

from console.errors import UnknownEnd, UsageError
from console.objects.core import Pod, Service
from console.objects.meta import ObjectRef
from console.objects.snapshot import Contents, Snapshot
from console.policy.addresses import api_server_addresses, parse_address, parse_network
from console.policy.caveats import Caveat
from console.policy.model import Protocol
from console.policy.verdict import Connection, End, EndKind

#: kubectl's short names of workload kinds, and their plurals.
_SHORT: Final = {
    "po": "pod",
    "deploy": "deployment",
    "rs": "replicaset",
    "sts": "statefulset",
    "ds": "daemonset",
    "cj": "cronjob",
    "rc": "replicationcontroller",
}
_FORMS: Final = (
    "write NAMESPACE/POD, NAMESPACE/KIND/NAME, svc:NAMESPACE/NAME, namespace:NAME, node:NAME, "
    "ip:ADDRESS, cidr:NETWORK, internet, apiserver or metadata"
)
_PORT: Final = re.compile(r"(?P<port>[^/]+)(?:/(?P<protocol>\w+))?")
_WITH_PORT: Final = re.compile(r"(?P<end>(?:svc:)?[^:/]+(?:/[^:/]+){1,2}):(?P<port>[^:/]+(?:/\w+)?)")


#: Where clouds serve instance metadata, credentials among it.
METADATA_ADDRESS: Final = "169.254.169.254"


class PortChoice(msgspec.Struct, frozen=True):
    """A port that a destination really has. For a Service it is the Service's port, not the target."""

    port: int
    protocol: Protocol
    name: str = ""

    def __str__(self) -> str:
        return f"{self.port}/{self.protocol.value}" + (f" {self.name}" if self.name else "")


def split_port(text: str) -> tuple[str, str]:
    """A destination written with its port (``svc:db/postgres:5432``, ``web/deploy/api:http``), and that port.

    The port is empty where there is none. Addresses take none: a colon is part of IPv6 ones.
    """
    found = _WITH_PORT.fullmatch(text.strip())
    return (found["end"], found["port"]) if found else (text, "")


def parse_end(text: str, snapshot: Snapshot) -> End:
    """The end a text names. Raises UsageError for a text of no known form, UnknownEnd for one that names nothing."""
    text = text.strip()
    if text == "internet":
        return End(EndKind.INTERNET)
    if text == "apiserver":
        return _api_server(snapshot)
    if text == "metadata":
        return address_end(METADATA_ADDRESS, snapshot)
    scheme, colon, rest = text.partition(":")
    if colon and scheme in _SCHEMES:
        return _SCHEMES[scheme](rest, snapshot)
    parts = text.split("/")
    if len(parts) == 2 and all(parts):
        return _pod(parts[0], parts[1], snapshot)
    if len(parts) == 3 and all(parts):
        kind = _SHORT.get(parts[1].lower(), parts[1].lower())
        if kind in ("pod", "pods"):
            return _pod(parts[0], parts[2], snapshot)
        if kind in ("svc", "service", "services"):
            return _service(parts[0], parts[2], snapshot)
        return _workload(parts[0], kind, parts[2], snapshot)
    if parse_address(text) is not None:
        return address_end(text, snapshot)
    raise UsageError(f"{text!r} names no end of a connection", hint=_FORMS)


def address_end(text: str, snapshot: Snapshot) -> End:
    """The end behind an address: the pod or Service that holds it, where one does, else the plain address."""
    address = parse_address(text)
    if address is None:
        raise UsageError(f"{text!r} is no IP address", hint="write ip:10.0.0.1 or ip:2001:db8::1")
    plain = str(address)
    if plain in snapshot.pods_by_ip:
        pod = snapshot.pods_by_ip[plain]
        caveat = Caveat("POD_BY_ADDRESS", f"{plain} is {pod.namespace}/{pod.name}")
        # At this address: a pod of two families is not asked about over the other one.
        return End(EndKind.POD, pod.ref, (replace(pod, ips=(plain,)),), caveats=(caveat,))
    if plain in snapshot.services_by_ip:
        service = snapshot.services_by_ip[plain]
        caveat = Caveat("SERVICE_BY_ADDRESS", f"{plain} is {service.namespace}/{service.name}")
        return End(EndKind.SERVICE, service.ref, service=service, caveats=(caveat,))
    return End(EndKind.ADDRESS, addresses=(address,))


def _network(text: str, snapshot: Snapshot) -> End:
    del snapshot  # a network is what it is, whatever the cluster holds
    network = parse_network(text)
    if network is None:
        raise UsageError(f"{text!r} is no network", hint="write cidr:10.0.0.0/8 or cidr:fd00::/8")
    return End(EndKind.NETWORK, network=network)


def _node(name: str, snapshot: Snapshot) -> End:
    texts = [ip for ip, node in snapshot.nodes_by_ip.items() if node == name]
    addresses = tuple(address for address in map(parse_address, texts) if address is not None)
    if not addresses:
        known = sorted(set(snapshot.nodes_by_ip.values()))
        _missing(f"there is no node {name!r} with an address", name, known, snapshot, "nodes", "node:")
    return End(EndKind.NODE, ObjectRef("Node", "", name), addresses=addresses)


def _api_server(snapshot: Snapshot) -> End:
    addresses = api_server_addresses(snapshot)
    if not addresses:
        raise UnknownEnd(
            "where the API server is cannot be told: no EndpointSlice of default/kubernetes was read",
            hint="name its address with ip:ADDRESS",
        )
    return End(EndKind.API_SERVER, addresses=addresses)


def _whole_namespace(name: str, snapshot: Snapshot) -> End:
    pods = tuple(pod for pod in _contents(name, snapshot, "namespace:").pods.values() if not pod.finished)
    if not pods:
        raise UsageError(f"namespace {name} has no running pod", hint="there is nothing to connect from or to")
    return End(EndKind.NAMESPACE, ObjectRef("Namespace", "", name), pods)


def _service_of(text: str, snapshot: Snapshot) -> End:
    namespace, slash, name = text.partition("/")
    if not slash or not name or "/" in name:
        raise UsageError(f"svc:{text} names no Service", hint="write svc:NAMESPACE/NAME")
    return _service(namespace, name, snapshot)


def pod_end(pod: Pod) -> End:
    """The end a pod is. Raises UsageError if it has finished."""
    if pod.finished:
        raise UsageError(
            f"pod {pod.namespace}/{pod.name} has finished ({pod.phase}): its address is free for others",
            hint="choose a running pod, or the workload it belonged to",
        )
    return End(EndKind.POD, pod.ref, (pod,))


def workload_end(ref: ObjectRef, pods: Iterable[Pod]) -> End:
    """The end a workload is: all of its pods that have not finished. Raises UsageError if none is left."""
    active = tuple(pod for pod in pods if not pod.finished)
    if not active:
        raise UsageError(f"{ref} has no running pod", hint="there is nothing to connect from or to")
    return End(EndKind.WORKLOAD, ref, active)


def service_end(service: Service) -> End:
    """The end a Service is; its endpoints are found when a port is known."""
    return End(EndKind.SERVICE, service.ref, service=service)


def _contents(namespace: str, snapshot: Snapshot, what: str) -> Contents:
    held = snapshot.contents.get(namespace)
    if held is None:
        _missing(f"there is no namespace {namespace!r}", namespace, snapshot.contents, snapshot, "namespaces", what)
    assert held is not None
    return held


def _missing(
    message: str, wanted: str, known: Iterable[str], snapshot: Snapshot, resource: str, prefix: str = ""
) -> None:
    """Raise UnknownEnd with the nearest names; says so where what could not be read may hold it."""
    nearest = tuple(get_close_matches(wanted, list(known), n=3, cutoff=0.5))
    hint = f"did you mean {' or '.join(prefix + name for name in nearest)}?" if nearest else ""
    gaps = snapshot.coverage.of(resource)
    if gaps:
        hint = f"{hint} It may be among what could not be read: {gaps[0].why}.".strip()
    raise UnknownEnd(message, hint=hint or f"known: {_some(known)}", nearest=nearest)


def _some(names: Iterable[str], limit: int = 8) -> str:
    listed = list(names)
    shown = ", ".join(listed[:limit]) or "none"
    return f"{shown}, … ({len(listed)} in all)" if len(listed) > limit else shown


def _pod(namespace: str, name: str, snapshot: Snapshot) -> End:
    held = _contents(namespace, snapshot, "")
    pod = held.pods.get(name)
    if pod is not None:
        return pod_end(pod)
    # People name workloads by their bare name; where only one has it, say how to write it.
    alike = [w for w in held.workloads if w.name == name]
    if alike:
        written = f"{namespace}/{alike[0].kind.lower()}/{name}"
        raise UnknownEnd(f"there is no pod {namespace}/{name}", hint=f"the workload is {written}", nearest=(written,))
    _missing(f"there is no pod {namespace}/{name}", name, held.pods, snapshot, "pods", f"{namespace}/")
    raise AssertionError


def _service(namespace: str, name: str, snapshot: Snapshot) -> End:
    held = _contents(namespace, snapshot, "svc:")
    service = held.services.get(name)
    if service is None:
        _missing(f"there is no Service {namespace}/{name}", name, held.services, snapshot, "services",
                 f"svc:{namespace}/")  # fmt: skip
    assert service is not None
    return service_end(service)


def _workload(namespace: str, kind: str, name: str, snapshot: Snapshot) -> End:
    held = _contents(namespace, snapshot, "")
    for workload in held.workloads:
        if workload.name == name and workload.kind.lower() == kind:
            return workload_end(workload.ref, workload.pods)
    # A ReplicaSet or Job between pods and their workload is an end too: its pods alone.
    members = [
        pod for pod in held.pods.values() if pod.owner and (pod.owner.kind.lower(), pod.owner.name) == (kind, name)
    ]
    if members and members[0].owner:
        return workload_end(ObjectRef(members[0].owner.kind, namespace, name), members)
    known = {f"{workload.kind.lower()}/{workload.name}" for workload in held.workloads}
    _missing(f"there is no {kind} {namespace}/{name}", f"{kind}/{name}", sorted(known), snapshot, "pods",
             f"{namespace}/")  # fmt: skip
    raise AssertionError


def parse_port(text: str, destination: End | None = None) -> tuple[int, Protocol]:
    """A port as ``443``, ``443/TCP`` or a name the destination declares. TCP where no protocol is written.

    Raises UsageError for what is no port, UnknownEnd for a name the destination does not have.
    """
    found = _PORT.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is no port", hint="write 443, 443/TCP, 53/UDP or a port's name")
    written = (found["protocol"] or "").upper()
    if written and written not in Protocol.__members__:
        raise UsageError(
            f"{found['protocol']} is not a protocol policies speak of",
            hint="TCP, UDP and SCTP are; the specification leaves ICMP and the rest undefined",
        )
    number = found["port"]
    if number.isdecimal():
        port = int(number)
        if not 1 <= port <= 65535:
            raise UsageError(f"port {port} does not exist", hint="ports are 1 to 65535")
        return port, Protocol(written or "TCP")
    choices = port_choices(destination) if destination else ()
    named = [each for each in choices if each.name == number and written in ("", each.protocol.value)]
    if named:
        return named[0].port, named[0].protocol
    names = [each.name for each in choices if each.name]
    nearest = tuple(get_close_matches(number, names, n=3, cutoff=0.4))
    hint = f"did you mean {' or '.join(nearest)}?" if nearest else f"it has {_some(map(str, choices))}"
    raise UnknownEnd(f"{destination or 'the destination'} has no port named {number!r}", hint=hint, nearest=nearest)


def port_choices(end: End) -> tuple[PortChoice, ...]:
    """The ports a destination really has: a Service's, or what its pods declare; none for addresses."""
    found: dict[PortChoice, None] = {}
    if end.service is not None:
        for entry in end.service.ports:
            if entry.protocol in Protocol.__members__:
                found[PortChoice(entry.port, Protocol(entry.protocol), entry.name)] = None
    for pod in end.pods:
        for declared in pod.ports:
            if declared.protocol in Protocol.__members__:
                found[PortChoice(declared.port, Protocol(declared.protocol), declared.name)] = None
    return tuple(found)


def connection(source: str, destination: str, port: str, snapshot: Snapshot) -> Connection:
    """The question asked in text; the port may be written with the destination. Raises UsageError and UnknownEnd."""
    destination, own = split_port(destination)
    to = parse_end(destination, snapshot)
    number, protocol = parse_port(own or port, to)
    if own and port and parse_port(port, to) != (number, protocol):
        raise UsageError(f"the destination names port {own}, and port {port} is asked for", hint="give one of them")
    return Connection(parse_end(source, snapshot), to, protocol, number)


_SCHEMES: Final[dict[str, Callable[[str, Snapshot], End]]] = {
    "ip": address_end,
    "cidr": _network,
    "svc": _service_of,
    "node": _node,
    "namespace": _whole_namespace,
}
