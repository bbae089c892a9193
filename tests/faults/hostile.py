"""Clusters built to be slow: small questions about objects that hold far too much of one thing."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from console.cluster.manifests import read
from console.cluster.source import State, Status, Update
from console.history.recorder import Recorder
from console.history.writer import Writer

Raw = dict[str, Any]


def pod(name: str, address: str, labels: Mapping[str, str], *, namespace: str = "a", **meta: Any) -> Raw:
    """A running pod."""
    about = {"name": name, "namespace": namespace, "labels": dict(labels), **meta}
    status = {"phase": "Running", "podIPs": [{"ip": address}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": {"containers": []}, "status": status}


def policy(name: str = "p", *, namespace: str = "a", **spec: Any) -> Raw:
    """A NetworkPolicy."""
    about = {"name": name, "namespace": namespace}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": about, "spec": spec}


def network(number: int) -> str:
    """One of 65,536 networks that have no address in common; each is 256 addresses."""
    return f"{20 + (number >> 16)}.{number >> 8 & 255}.{number & 255}.0/24"


def address(number: int) -> str:
    """One of many addresses of pods."""
    return f"10.{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


def labels(size: int) -> list[Raw]:
    """A pod of so many labels, and a policy that asks for all of them."""
    many = {f"k{number}": "v" for number in range(size)}
    return [pod("x", "10.0.0.3", many), policy(podSelector={"matchLabels": many}, ingress=[])]


def labels_denied(size: int) -> list[Raw]:
    """Pods of so many labels behind a default deny: what a fix selects them by has to be found."""
    many = {f"k{number}": "v" for number in range(size)}
    fewer = {key: value for key, value in many.items() if key != "k1"}
    pods = [pod("d", "10.0.0.2", many), pod("x", "10.0.0.3", many), pod("y", "10.0.0.4", fewer)]
    return [*pods, policy(podSelector={}, ingress=[])]


def expressions(size: int) -> list[Raw]:
    """A peer of so many expressions of as many values."""
    values = [f"v{number}" for number in range(size)]
    wanted = [{"key": f"k{number}", "operator": "NotIn", "values": values} for number in range(size)]
    return [policy(podSelector={}, ingress=[{"from": [{"podSelector": {"matchExpressions": wanted}}]}])]


def subjects(size: int) -> list[Raw]:
    """A subject of so many expressions of as many values."""
    values = [f"v{number}" for number in range(size)]
    wanted = [{"key": f"k{number}", "operator": "NotIn", "values": values} for number in range(size)]
    return [policy(podSelector={"matchExpressions": wanted}, ingress=[])]


def blocks(size: int) -> list[Raw]:
    """A rule of so many networks, each with exceptions."""
    wide = [network(number).replace(".0/24", ".0/25") for number in range(size)]
    found = [{"cidr": each, "except": [each.replace("/25", "/28"), each.replace(".0/25", ".64/28")]} for each in wide]
    return [policy(podSelector={}, policyTypes=["Egress"], egress=[{"to": [{"ipBlock": each} for each in found]}])]


def excepts(size: int) -> list[Raw]:
    """A network of so many exceptions."""
    block = {"cidr": "0.0.0.0/0", "except": [network(number) for number in range(size)]}
    return [policy(podSelector={}, policyTypes=["Egress"], egress=[{"to": [{"ipBlock": block}]}])]


def ports(size: int) -> list[Raw]:
    """A rule of so many ranges of ports."""
    found = [{"port": 1 + number * 7 % 60000, "endPort": 1 + number * 7 % 60000 + 3} for number in range(size)]
    return [policy(podSelector={}, ingress=[{"ports": found}])]


def named_ports(size: int) -> list[Raw]:
    """A pod that names so many ports, and a rule that asks for each."""
    held = [{"name": f"n{number}", "containerPort": 1 + number % 65535} for number in range(size)]
    holder = pod("x", "10.0.0.3", {"app": "x"})
    holder["spec"]["containers"] = [{"name": "c", "ports": held}]
    return [holder, policy(podSelector={}, ingress=[{"ports": [{"port": each["name"]} for each in held]}])]


def rules(size: int) -> list[Raw]:
    """A policy of so many rules, each of a port of its own."""
    found = [{"ports": [{"port": 1 + number}], "from": [{"podSelector": {}}]} for number in range(size)]
    return [policy(podSelector={}, ingress=found)]


def rules_of_pods(size: int) -> list[Raw]:
    """A policy of so many rules on the same port, each for peers of its own."""
    found = [
        {"ports": [{"port": 80}], "from": [{"podSelector": {"matchLabels": {"k": f"v{number}"}}}]}
        for number in range(size)
    ]
    return [policy(podSelector={}, ingress=found)]


def policies(size: int) -> list[Raw]:
    """So many policies over the same pods, each with a port of its own."""
    return [
        policy(
            f"p{number or ''}",
            podSelector={"matchLabels": {"app": "d"}},
            ingress=[{"ports": [{"port": 1 + number}], "from": [{"podSelector": {"matchLabels": {"app": "s"}}}]}],
        )
        for number in range(size)
    ]


def policies_of_pods(size: int) -> list[Raw]:
    """So many policies over the same pods, each for peers of its own on the same port."""
    return [
        policy(
            f"p{number or ''}",
            podSelector={"matchLabels": {"app": "d"}},
            ingress=[{"from": [{"podSelector": {"matchLabels": {f"k{number}": "v"}}}]}],
        )
        for number in range(size)
    ]


def owners(size: int) -> list[Raw]:
    """Pods whose so many owners own each other, in a ring."""

    def owned(by: int) -> list[Raw]:
        return [{"kind": "ReplicaSet", "name": f"r{by}", "apiVersion": "apps/v1", "controller": True}]

    ring: list[Raw] = [
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {"name": f"r{number}", "namespace": "a", "ownerReferences": owned((number + 1) % size)},
        }
        for number in range(size)
    ]
    members = [pod(f"x{number}", address(number), {}, ownerReferences=owned(number % size)) for number in range(50)]
    return [*members, *ring, policy(podSelector={}, ingress=[])]


def namespaces(size: int) -> list[Raw]:
    """So many namespaces, each of labels of its own and with a pod, and a policy for some of them."""
    found: list[Raw] = [
        policy(podSelector={}, ingress=[{"from": [{"namespaceSelector": {"matchLabels": {"l1": "v"}}}]}])
    ]
    for number in range(size):
        about = {"name": f"n{number}", "labels": {f"l{number}": "v"}}
        found.append({"apiVersion": "v1", "kind": "Namespace", "metadata": about})
        found.append(pod("x", address(number), {"app": "x"}, namespace=f"n{number}"))
    return found


def services(size: int) -> list[Raw]:
    """So many services over the same pods."""
    return [
        policy(podSelector={"matchLabels": {"app": "d"}}, ingress=[]),
        *(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": f"s{number}", "namespace": "a"},
                "spec": {
                    "selector": {"app": "d"},
                    "ports": [{"port": 443, "targetPort": 443}],
                    "clusterIP": address(number),
                },
            }
            for number in range(size)
        ),
    ]


def deep(size: int) -> list[Raw]:
    """Objects that hold lists in lists, so many, where none are asked for."""
    inner: Any = {}
    for _ in range(min(size, 900)):
        inner = {"a": inner}
    wide = [
        {
            "apiVersion": "x.example/v1",
            "kind": "Deep",
            "metadata": {"name": f"x{number}", "namespace": "a"},
            "spec": inner,
        }
        for number in range(max(1, size // 900))
    ]
    return [*wide, policy(podSelector={}, ingress=[])]


#: What there may be too much of, and how much of it is tried.
SHAPES: Final[Mapping[str, tuple[Callable[[int], list[Raw]], int]]] = {
    "labels on one pod": (labels, 100_000),
    "labels on pods that are denied": (labels_denied, 100_000),
    "expressions of values, in a peer": (expressions, 1_000),
    "expressions of values, in a subject": (subjects, 1_000),
    "networks with exceptions": (blocks, 10_000),
    "exceptions of a network": (excepts, 10_000),
    "ranges of ports": (ports, 1_000),
    "named ports": (named_ports, 10_000),
    "rules of a port each": (rules, 1_000),
    "rules of peers each": (rules_of_pods, 1_000),
    "policies over one pod, of a port each": (policies, 5_000),
    "policies over one pod, of peers each": (policies_of_pods, 5_000),
    "owners in a ring": (owners, 5_000),
    "namespaces": (namespaces, 20_000),
    "services over one pod": (services, 10_000),
    "nested objects": (deep, 100_000),
}


def cluster(built: Callable[[int], list[Raw]], size: int) -> list[Raw]:
    """A shape at a size, with a source ``a/s`` and a destination ``a/d`` to ask about."""
    found = built(size)
    given = {each["metadata"]["name"] for each in found if each["kind"] == "Pod"}
    ends = [pod("s", "10.0.0.1", {"app": "s"}), pod("d", "10.0.0.2", {"app": "d"})]
    return [*(each for each in ends if each["metadata"]["name"] not in given), *found]


def written(folder: Path, shape: str, size: int) -> dict[str, str]:
    """The files that commands are given: the cluster, the same without its policy ``a/p``, and a recording of both."""
    objects = cluster(SHAPES[shape][0], size)
    first = next(each for each in objects if each["kind"] == "NetworkPolicy")
    found = {"now": objects, "before": [each for each in objects if each is not first]}
    files = {name: str(folder / f"{name}.json") for name in found}
    begun = time.time() - 100
    writer = Writer(folder / "recording")
    recorder = Recorder(writer, "hostile")
    for number, (name, held) in enumerate(reversed(found.items())):
        text = b"\n".join(map(msgspec.json.encode, held))
        Path(files[name]).write_bytes(text)
        read_so = read(["-"], io.BytesIO(text)).snapshot
        recorder.record(Update(read_so, Status(State.LIVE, begun)), begun + number)
        recorder.write(begun + number)
    recorder.write(begun + 2, ended=True)
    writer.close()
    return {**files, "recording": str(folder / "recording"), "bundle": str(folder / "bundle.zip")}
