"""Hygiene of a workload: a webhook the API server cannot call, replicas that are judged differently."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from console.governance.findings import Finding
from console.governance.hygiene_codes import make
from console.governance.hygiene_scene import Classes, Raw, Scene, free_name, policy_yaml
from console.objects.core import Pod, Service
from console.objects.meta import ObjectRef
from console.objects.snapshot import Contents
from console.objects.workloads import Workload
from console.policy.explain_words import counted, listed, policy_name, workload_name
from console.policy.fix_rules import selector
from console.policy.match import keys_of
from console.policy.model import Direction, Protocol
from console.policy.reach import bits
from console.policy.services import target_port
from console.policy.universe import API_SERVER, INTERNET, NODES, PRIVATE

#: Kinds whose pods are made from one template, so that all are meant to be judged alike.
_ALIKE: Final = frozenset(["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout", "Job"])
_WEBHOOK: Final = "webhook"


def of_workloads(scene: Scene, held: Contents, every: Sequence[tuple[Workload, Classes]]) -> Iterator[Finding]:
    """The findings about the workloads of a namespace, given with their classes."""
    hooks = [each for each in held.services.values() if _calls_webhook(each)]
    for workload, classes in every:
        if classes:
            yield from _webhook(scene, held, workload, classes, hooks)
        if len(classes) > 1 and workload.kind in _ALIKE:
            yield from _replicas(scene, workload, classes)


def _calls_webhook(service: Service) -> bool:
    """Whether a Service stands before an admission or conversion webhook, by its name or its ports'."""
    names = (service.name, *(port.name for port in service.ports))
    return bool(service.selector) and any(_WEBHOOK in name or name.endswith("-admission") for name in names)


def _webhook(
    scene: Scene, held: Contents, workload: Workload, classes: Classes, hooks: Sequence[Service]
) -> Iterator[Finding]:
    if not any(_webhook_ports(pods[0], hooks) for pods in classes.values()):
        return
    closed: dict[int, str] = {}
    isolating: dict[ObjectRef, None] = {}
    shut: list[Pod] = []
    sources, called = _api_server(scene)
    for number, pods in classes.items():
        if not scene.known(pods[0]):
            continue
        for port, why in _webhook_ports(pods[0], hooks).items():
            asked = scene.reach.port(Protocol.TCP, port)
            if not any(scene.reach.ports(each, number, maybe=True) & asked for each in bits(sources)):
                closed[port] = why
                isolating.update(dict.fromkeys(scene.governing(number, Direction.INGRESS)))
                shut += pods
    if not closed:
        return
    ports = [{"protocol": "TCP", "port": port} for port in sorted(closed)]
    rule: Raw = {"ports": ports}
    addresses = scene.reach.universe.outside
    known = [str(each.address) for each in addresses if each.kind == API_SERVER]
    if known:
        rule["from"] = [{"ipBlock": {"cidr": f"{each}/{128 if ':' in each else 32}"}} for each in known]
    chosen = selector(scene.snapshot, list({pod.name: pod for pod in shut}.values()))
    spec: Raw = {"podSelector": chosen, "policyTypes": ["Ingress"], "ingress": [rule]}
    numbers = ", ".join(f"{port}/TCP ({why})" for port, why in sorted(closed.items()))
    yield make(
        "WEBHOOK_CLOSED",
        workload.ref,
        f"the API server cannot call the webhook of {workload_name(workload.ref)}",
        [
            f"{numbers} is closed to {called}",
            f"its ingress is isolated by {listed([policy_name(ref) for ref in sorted(isolating)], 6)}",
        ],
        manifest=policy_yaml(held.namespace.name, free_name(held, f"{workload.name}-webhook"), spec) if chosen else "",
    )


def _api_server(scene: Scene) -> tuple[int, str]:
    """Where the API server may be: at its endpoints; where these are not known, anywhere outside."""
    found = scene.reach.outside(API_SERVER)
    if found:
        addresses = [str(each.address) for each in scene.reach.universe.outside if each.kind == API_SERVER]
        return found, f"the API server at {listed(addresses)}"
    anywhere = scene.reach.outside(PRIVATE) | scene.reach.outside(NODES) | scene.reach.outside(INTERNET)
    return anywhere, "every address outside, so to the API server wherever it is"


def _webhook_ports(pod: Pod, hooks: Sequence[Service]) -> dict[int, str]:
    """The ports of a pod on which the API server calls a webhook, each with what tells."""
    found = {port.port: f"port {port.name}" for port in pod.ports if _WEBHOOK in port.name and port.protocol == "TCP"}
    for service in hooks:
        if service.selector.items() <= pod.labels.items():
            for entry in service.ports:
                # The API server calls webhooks by https; what else such a Service carries is metrics.
                number = target_port(entry, pod)
                if number is not None and entry.protocol == "TCP" and (entry.port == 443 or _WEBHOOK in entry.name):
                    found.setdefault(number, f"Service {service.name}")
    return found


def _replicas(scene: Scene, workload: Workload, classes: Classes) -> Iterator[Finding]:
    if not all(scene.known(pods[0]) for pods in classes.values()):
        return
    own = sum(1 << number for number in classes)
    groups: dict[object, list[int]] = {}
    for number in classes:
        groups.setdefault(_judgement(scene, number, own), []).append(number)
    if len(groups) < 2:
        return
    parts = [[pod for number in numbers for pod in classes[number]] for numbers in groups.values()]
    if not _told_apart(scene, parts):
        return  # by their addresses alone: no label is wrong
    every = {number: {each.ref for each in scene.reach.selecting(number)} for number in classes}
    common = set.intersection(*every.values())
    facts = []
    for numbers, pods in zip(groups.values(), parts, strict=True):
        only = sorted(policy_name(ref) for ref in set.union(*(every[number] for number in numbers)) - common)
        names = listed([pod.name for pod in pods])
        selected = f"selected by {listed(only)} too" if only else "selected by no policy of its own"
        facts.append(f"{names}: {', '.join(_told_apart(scene, [pods, *parts])) or 'as the rest'}; {selected}")
    yield make(
        "REPLICAS_DIFFER",
        workload.ref,
        f"{counted(len(workload.active), 'pod')} of {workload_name(workload.ref)} get {len(groups)} different verdicts",
        facts,
    )


def _judgement(scene: Scene, number: int, own: int) -> object:
    """What the policies come to for a class: what it reaches and on which ports, and what reaches it.

    Its own workload's pods are left out: each is its siblings' sibling.
    """
    reached = {
        ports: classes & ~own & scene.reach.universe.all for ports, classes in scene.reach.reached(number).items()
    }
    inward: dict[int, int] = {}
    for source in bits(scene.reach.column(number) & ~own):
        ports = scene.reach.ports(source, number)
        inward[ports] = inward.get(ports, 0) | 1 << source
    return frozenset((ports, classes) for ports, classes in reached.items() if classes), frozenset(inward.items())


def _told_apart(scene: Scene, parts: Sequence[Sequence[Pod]]) -> list[str]:
    """The labels of the first part that tell it from another one, of those that policies over them ask for."""
    over = scene.engine.over({pod.namespace for part in parts for pod in part})
    asked = {key for policy in over for key in keys_of(policy.subject.pods)}
    first, others = parts[0], [part for part in parts[1:] if part is not parts[0]]
    found = []
    for key in sorted(asked):
        mine = {pod.labels.get(key) for pod in first}
        if any({pod.labels.get(key) for pod in part} != mine for part in others):
            found.append(", ".join(f"{key}={value}" if value else f"no {key}" for value in sorted(mine, key=str)))
    return found
