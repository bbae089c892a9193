"""Pods as kubelets report them: placed on nodes, with addresses, phases and readiness."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from console.demo.marks import Raw, managed, stamp, uid
from console.demo.spec import NODES, App, Port, Sidecar

#: The nodes' own addresses; each node hands its pods addresses of its own /24.
NODE_IPS: Final = MappingProxyType({name: f"10.40.0.{11 + index}" for index, name in enumerate(NODES)})
POD_NETS: Final = MappingProxyType({name: f"10.244.{1 + index}" for index, name in enumerate(NODES)})
_FIRST_IP: Final = 10


class PodMaker:
    """Makes pods one by one, placing them in turn on the nodes their application may use."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._next_ip = dict.fromkeys(NODES, _FIRST_IP)
        self._reused_ip = dict.fromkeys(NODES, _FIRST_IP)
        self._placed = dict.fromkeys(NODES, 0)

    def make(
        self,
        app: App,
        index: int,
        *,
        name: str,
        labels: Mapping[str, str],
        owner: Raw | None,
        image: str,
        finished: bool | None = None,
    ) -> Raw:
        """The pod number `index` of an application."""
        done = app.finished if finished is None else finished
        # The last ones of the application proper; a canary's pods come after them.
        placed = app.replicas - app.pending
        pending = placed <= index < app.replicas
        ready = not done and not pending and not placed - app.unready <= index < placed
        node = "" if pending else self._place(app, index)
        # A Job's pods are younger than their CronJob: one a day, the last of them some hours ago.
        age = (app.replicas - index) * 24 - 17 if app.kind == "CronJob" else app.age
        created = stamp(self._now - age * 3600 + index)
        metadata: Raw = {
            "name": name,
            "namespace": app.namespace,
            "uid": uid("Pod", app.namespace, name),
            "creationTimestamp": created,
            "labels": dict(labels),
        }
        if owner is not None:
            metadata["ownerReferences"] = [owner]
        manager = app.manager if owner is None else "kube-controller-manager"
        metadata["managedFields"] = managed(manager, "v1", created, status="kubelet")
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": _spec(app, image, node),
            "status": self._status(app, node, created, done=done, ready=ready),
        }

    def _place(self, app: App, index: int) -> str:
        daemon = app.kind == "DaemonSet"
        node = app.nodes[index] if daemon else min(app.nodes, key=lambda name: self._placed[name])
        self._placed[node] += 1
        return node

    def _status(self, app: App, node: str, started: str, *, done: bool, ready: bool) -> Raw:
        if not node:
            message = "0/5 nodes are available: 5 Insufficient nvidia.com/gpu."
            condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
            return {"phase": "Pending", "conditions": [condition]}
        ip = NODE_IPS[node] if app.host_network else self._address(node, done=done)
        truth = "True" if ready else "False"
        return {
            "phase": "Succeeded" if done else "Running",
            "conditions": [
                {"type": "PodScheduled", "status": "True"},
                {"type": "Initialized", "status": "True"},
                {"type": "ContainersReady", "status": truth},
                {"type": "Ready", "status": truth, **({"reason": "PodCompleted"} if done else {})},
            ],
            "hostIP": NODE_IPS[node],
            "hostIPs": [{"ip": NODE_IPS[node]}],
            "podIP": ip,
            "podIPs": [{"ip": ip}],
            "startTime": started,
            "qosClass": "BestEffort",  # no container asks for anything
        }

    def _address(self, node: str, *, done: bool) -> str:
        """The next address of a node. A pod that has finished gave its address back: a running one may hold it now."""
        counter = self._reused_ip if done else self._next_ip
        counter[node] += 1
        return f"{POD_NETS[node]}.{counter[node]}"


def _spec(app: App, image: str, node: str) -> Raw:
    spec: Raw = {
        "containers": [_container(app.name, image, app.ports)],
        "serviceAccountName": app.service_account,
        "restartPolicy": "Never" if app.kind in ("Job", "CronJob", "JobSet", "Workflow") else "Always",
    }
    native = [_sidecar(sidecar) for sidecar in app.sidecars if sidecar.native]
    if native:
        spec["initContainers"] = native
    spec["containers"] += [_sidecar(sidecar) for sidecar in app.sidecars if not sidecar.native]
    if node:
        spec["nodeName"] = node
    if app.host_network:
        spec["hostNetwork"] = True
    return spec


def _container(name: str, image: str, ports: tuple[Port, ...]) -> Raw:
    container: Raw = {"name": name, "image": image}
    if ports:
        container["ports"] = [
            {"name": port[0], "containerPort": port[1], "protocol": port[2] if len(port) == 3 else "TCP"}
            for port in ports
        ]
    return container


def _sidecar(sidecar: Sidecar) -> Raw:
    container = _container(sidecar.name, sidecar.image, sidecar.ports)
    return {**container, "restartPolicy": "Always"} if sidecar.native else container
