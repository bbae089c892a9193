"""Services and, as their controller keeps them, the EndpointSlices behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from console.demo.marks import Raw, managed, stamp, suffix, uid
from console.demo.spec import App, Svc
from console.demo.store import Store


def service(app: App, svc: Svc, number: int, now: float) -> Raw:
    """A Service of an application; `number` gives it its address."""
    created = stamp(now - app.age * 3600)
    spec: Raw = {"type": svc.type}
    if svc.external:
        spec = {"type": "ExternalName", "externalName": svc.external}
    else:
        address = "None" if svc.headless else f"10.96.{1 + number // 200}.{10 + number % 200}"
        spec |= {"clusterIP": address, "clusterIPs": [address], "ipFamilies": ["IPv4"]}
        spec["selector"] = dict(svc.selector or app.labels)
    spec["ports"] = [
        {"name": name, "port": port, "targetPort": target, "protocol": rest[0] if rest else "TCP"}
        for name, port, target, *rest in svc.ports
    ]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": svc.name,
            "namespace": app.namespace,
            "uid": uid("Service", app.namespace, svc.name),
            "creationTimestamp": created,
            "labels": dict(app.labels),
            "managedFields": managed(app.manager, "v1", created),
        },
        "spec": spec,
    }


def slices(service: Mapping[str, Any], pods: Iterable[Mapping[str, Any]]) -> Iterator[Raw]:
    """The EndpointSlices of a Service: one for each set of ports its pods resolve it to."""
    spec, metadata = service["spec"], service["metadata"]
    selector = spec.get("selector")
    if not selector:
        return
    by_ports: dict[tuple[tuple[str, int, str], ...], list[Raw]] = {}
    for pod in pods:
        labels = pod["metadata"].get("labels") or {}
        status = pod["status"]
        if "podIP" not in status or status["phase"] != "Running" or not selector.items() <= labels.items():
            continue
        ports = tuple(_resolved(spec["ports"], pod))
        ready = any(
            condition["type"] == "Ready" and condition["status"] == "True" for condition in status["conditions"]
        )
        by_ports.setdefault(ports, []).append(
            {
                "addresses": [status["podIP"]],
                "conditions": {"ready": ready, "serving": ready, "terminating": False},
                "nodeName": pod["spec"]["nodeName"],
                "targetRef": {
                    "kind": "Pod",
                    "namespace": metadata["namespace"],
                    "name": pod["metadata"]["name"],
                    "uid": pod["metadata"]["uid"],
                },
            }
        )
    for ports, endpoints in sorted(by_ports.items()):
        name = f"{metadata['name']}-{suffix(5, metadata['namespace'], metadata['name'], ports)}"
        created = metadata["creationTimestamp"]
        yield {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": name,
                "namespace": metadata["namespace"],
                "uid": uid("EndpointSlice", metadata["namespace"], name),
                "creationTimestamp": created,
                "labels": {
                    "kubernetes.io/service-name": metadata["name"],
                    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                },
                "managedFields": managed("kube-controller-manager", "discovery.k8s.io/v1", created),
            },
            "addressType": "IPv4",
            "endpoints": endpoints,
            "ports": [{"name": name, "port": port, "protocol": protocol} for name, port, protocol in ports],
        }


def _resolved(ports: Iterable[Mapping[str, Any]], pod: Mapping[str, Any]) -> Iterator[tuple[str, int, str]]:
    """The ports a Service resolves to on a pod; a name that no container declares resolves to nothing."""
    native = [init for init in pod["spec"].get("initContainers", ()) if init.get("restartPolicy") == "Always"]
    declared = {
        (port["name"], port["protocol"]): port["containerPort"]
        for container in (*pod["spec"]["containers"], *native)
        for port in container.get("ports", ())
    }
    for port in ports:
        target = port["targetPort"]
        number = target if isinstance(target, int) else declared.get((target, port["protocol"]))
        if number is not None:
            yield port["name"], number, port["protocol"]


def reconcile(store: Store, namespace: str) -> None:
    """Bring the EndpointSlices of a namespace up to date, as the controller does after pods changed."""
    pods = [store.get(ref) for ref in store.refs("Pod", namespace)]
    wanted = [obj for ref in store.refs("Service", namespace) for obj in slices(store.get(ref), pods)]
    names = {obj["metadata"]["name"] for obj in wanted}
    for ref in store.refs("EndpointSlice", namespace):
        if ref.name not in names:
            store.delete(ref)
    for obj in wanted:
        store.apply(obj, manager="kube-controller-manager")
