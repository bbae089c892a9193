"""Services: from the port a user asks for to the pods and ports that policies see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

import msgspec

from console.errors import UnknownEnd
from console.objects.core import EndpointSlice, Pod, Service, ServicePort
from console.objects.selectors import LabelSelector
from console.objects.snapshot import Snapshot
from console.policy.match import selects
from console.policy.model import Protocol
from console.policy.verdict import ServiceState, ServiceStep


class Target(msgspec.Struct, frozen=True):
    """Where a connection to a Service ends: a pod (None: an address outside of any pod) and its port."""

    pod: Pod | None
    address: str
    port: int


class Translation(msgspec.Struct, frozen=True):
    """A Service's port, translated. `by_selector` tells that no EndpointSlice was read for it."""

    step: ServiceStep
    targets: tuple[Target, ...]
    by_selector: bool


def translate(service: Service, port: int, protocol: Protocol, snapshot: Snapshot) -> Translation:
    """Translate a Service's port to its ready endpoints.

    Uses EndpointSlices where any was read for the Service; else (files, or a cluster
    that does not let them be read) the pods its selector matches. The name of a headless
    Service leads to the pods themselves, so that no port of it is translated and any may be
    asked for. Raises UnknownEnd where another Service has no such port.
    """
    held = snapshot.contents[service.namespace]
    entry = _port(service, port, protocol, held.pods.values())
    if service.type == "ExternalName":
        return Translation(ServiceStep(service, entry, ServiceState.EXTERNAL_NAME, 0, 0), (), False)
    slices = [each for each in held.endpoint_slices.values() if each.service == service.name]
    if slices:
        found = list(_from_slices(slices, service, entry, snapshot))
    else:
        found = list(_from_selector(service, entry, held.pods.values()))
    ready = [target for target, is_ready in found if is_ready and target is not None]
    unresolved = sum(is_ready and target is None for target, is_ready in found)
    unread = "" if ready else _unread(service, snapshot, by_selector=not slices)
    if ready:
        state = ServiceState.TRANSLATED
    elif unread:
        state = ServiceState.NOT_KNOWN
    elif unresolved:
        state = ServiceState.UNRESOLVED_TARGET
    else:
        state = ServiceState.NO_ENDPOINTS
    ports = tuple(sorted({target.port for target in ready}))
    step = ServiceStep(service, entry, state, len(ready), len(found), ports, unresolved, unread)
    return Translation(step, tuple(ready), by_selector=not slices)


def _unread(service: Service, snapshot: Snapshot, *, by_selector: bool) -> str:
    """Why endpoints that were not found may be there all the same; empty where all of them could be read."""
    gaps = snapshot.coverage.of("endpointslices", service.namespace)
    if by_selector:
        gaps += snapshot.coverage.of("pods", service.namespace)
    # Without a selector only the slices tell, with one the pods do too.
    sure = by_selector and service.selector and not snapshot.coverage.of("pods", service.namespace)
    return gaps[0].why if gaps and not sure else ""


def _port(service: Service, port: int, protocol: Protocol, pods: Iterable[Pod]) -> ServicePort:
    for entry in service.ports:
        if entry.port == port and entry.protocol == protocol.value:
            return entry
    if service.type == "ExternalName" or service.headless:
        return ServicePort(port, port, protocol.value)
    has = [f"{entry.port}/{entry.protocol}" + (f" {entry.name}" if entry.name else "") for entry in service.ports]
    nearest = tuple(get_close_matches(f"{port}/{protocol.value}", has, n=2, cutoff=0.3))
    behind = [pod for pod in pods if selected(service, pod)]
    meant = [
        entry
        for entry in service.ports
        if entry.protocol == protocol.value and port in (entry.target, *(target_port(entry, pod) for pod in behind))
    ]
    asked = f"; {port} is the pods' own port, ask for {meant[0].port}" if meant else ""
    raise UnknownEnd(
        f"Service {service.namespace}/{service.name} has no port {port}/{protocol.value}",
        hint=f"it has {', '.join(has)}{asked}" if has else "it has no port at all",
        nearest=nearest,
    )


def _from_slices(
    slices: list[EndpointSlice], service: Service, entry: ServicePort, snapshot: Snapshot
) -> Iterator[tuple[Target | None, bool]]:
    seen: set[str] = set()
    for each in sorted(slices, key=lambda item: (item.address_type, item.name)):
        number = next((p.port for p in each.ports if p.name == entry.name and p.protocol == entry.protocol), None)
        if service.headless:
            number = entry.port
        for endpoint in each.endpoints:
            address = endpoint.addresses[0] if endpoint.addresses else ""
            pod = snapshot.pod(service.namespace, endpoint.pod) if endpoint.pod else snapshot.pods_by_ip.get(address)
            # A dual-stack pod stands in a slice of each family: one endpoint.
            key = f"pod {pod.name}" if pod else address
            if key in seen:
                continue
            seen.add(key)
            yield (Target(pod, address, number) if number is not None else None), endpoint.ready


def _from_selector(service: Service, entry: ServicePort, pods: Iterable[Pod]) -> Iterator[tuple[Target | None, bool]]:
    for pod in pods:
        if not selected(service, pod):
            continue
        number = entry.port if service.headless else target_port(entry, pod)
        ready = (pod.ready and not pod.deleting) or service.publish_not_ready
        yield (Target(pod, pod.ips[0] if pod.ips else "", number) if number is not None else None), ready


def selected(service: Service, pod: Pod) -> bool:
    """Whether a Service's selector matches a pod that has not finished; one without a selector matches none."""
    if not service.selector or pod.finished:
        return False
    return selects(LabelSelector(match_labels=dict(service.selector)), pod.labels)


def target_port(entry: ServicePort, pod: Pod) -> int | None:
    """The port of a pod that a ServicePort leads to; None where it names one the pod does not declare."""
    if isinstance(entry.target, int):
        return entry.target
    for declared in pod.ports:
        if declared.name == entry.target and declared.protocol == entry.protocol:
            return declared.port
    return None
