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
    that does not let them be read) the pods its selector matches. Raises UnknownEnd
    where the Service has no such port.
    """
    entry = _port(service, port, protocol)
    if service.type == "ExternalName":
        return Translation(ServiceStep(service, entry, ServiceState.EXTERNAL_NAME, 0, 0), (), False)
    held = snapshot.contents[service.namespace]
    slices = [each for each in held.endpoint_slices.values() if each.service == service.name]
    if slices:
        found = list(_from_slices(slices, service, entry, snapshot))
    else:
        found = list(_from_selector(service, entry, held.pods.values()))
    ready = [target for target, is_ready in found if is_ready and target is not None]
    if ready:
        state = ServiceState.TRANSLATED
    elif any(is_ready for _, is_ready in found):
        state = ServiceState.UNRESOLVED_TARGET
    else:
        state = ServiceState.NO_ENDPOINTS
    step = ServiceStep(service, entry, state, len(ready), len(found))
    return Translation(step, tuple(ready), by_selector=not slices)


def _port(service: Service, port: int, protocol: Protocol) -> ServicePort:
    for entry in service.ports:
        if entry.port == port and entry.protocol == protocol.value:
            return entry
    if service.type == "ExternalName":
        return ServicePort(port, port, protocol.value)
    has = [f"{entry.port}/{entry.protocol}" + (f" {entry.name}" if entry.name else "") for entry in service.ports]
    nearest = tuple(get_close_matches(f"{port}/{protocol.value}", has, n=2, cutoff=0.3))
    raise UnknownEnd(
        f"Service {service.namespace}/{service.name} has no port {port}/{protocol.value}",
        hint=f"it has {', '.join(has)}" if has else "it has no port at all",
        nearest=nearest,
    )


def _from_slices(
    slices: list[EndpointSlice], service: Service, entry: ServicePort, snapshot: Snapshot
) -> Iterator[tuple[Target | None, bool]]:
    seen: set[str] = set()
    for each in sorted(slices, key=lambda item: (item.address_type, item.name)):
        number = next((p.port for p in each.ports if p.name == entry.name and p.protocol == entry.protocol), None)
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
    if not service.selector:
        return
    selector = LabelSelector(match_labels=dict(service.selector))
    for pod in pods:
        if pod.finished or not selects(selector, pod.labels):
            continue
        number = target_port(entry, pod)
        # Without EndpointSlices readiness is not known for sure: a running pod is taken for ready, with a caveat.
        ready = pod.ready or pod.phase in ("", "Running") or service.publish_not_ready
        yield (Target(pod, pod.ips[0] if pod.ips else "", number) if number is not None else None), ready


def target_port(entry: ServicePort, pod: Pod) -> int | None:
    """The port of a pod that a ServicePort leads to; None where it names one the pod does not declare."""
    if isinstance(entry.target, int):
        return entry.target
    for declared in pod.ports:
        if declared.name == entry.target and declared.protocol == entry.protocol:
            return declared.port
    return None
