"""Services that nothing reaches."""

from __future__ import annotations

from collections.abc import Iterator

from console.governance.ends import Side
from console.governance.findings import Offence
from console.governance.rules_proof import Prover
from console.governance.scopes import Scene
from console.objects.core import Pod, Service
from console.policy.model import Protocol
from console.policy.reach import bits
from console.policy.services import target_port
from console.policy.universe import INTERNET
from console.policy.verdict import Outcome


def unreached(scene: Scene, side: Side, prover: Prover) -> Iterator[Offence]:
    """Services in front of a workload that nothing reaches on any of their ports: no other pod, nothing outside."""
    entry = side.entry
    assert entry is not None
    reach = scene.reach
    namespace = entry.workload.namespace
    for service in reach.engine.snapshot.contents[namespace].services.values():
        chosen = [pod for pod in entry.workload.active if _behind(service, pod)]
        targets = {
            (Protocol(port.protocol), target)
            for port in service.ports
            for pod in chosen
            if port.protocol in Protocol.__members__ and (target := target_port(port, pod)) is not None
        }
        ports = 0
        for protocol, target in targets:
            ports |= reach.port(protocol, target)
        classes = 0
        for pod in chosen:
            classes |= 1 << reach.class_of(pod)
        if not ports or scene.entering(classes, ports):
            continue  # a Service that leads to no pod of this workload has no ports here
        protocol, target = min(targets, key=lambda each: each[1])
        known = not scene.entering(classes, ports, maybe=True)
        number = next(bits(classes))
        internet = scene.part(INTERNET)
        proof = prover.prove(scene, internet, next(bits(internet.classes)), side, number, (protocol, target))
        yield Offence(
            source=INTERNET,
            destination=side.ask,
            port=f"{target}/{protocol.value}",
            ports=", ".join(f"{number}/{each.value}" for each, number in sorted(targets, key=lambda t: t[1])),
            outcome=Outcome.BLOCKED if known else Outcome.UNKNOWN,
            why=f"nothing reaches Service {namespace}/{service.name}, from inside or outside: {proof.why}",
            policies=proof.policies,
        )
        return


def _behind(service: Service, pod: Pod) -> bool:
    return bool(service.selector) and service.selector.items() <= dict(pod.labels).items()
