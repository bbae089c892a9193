"""A second opinion on NetworkPolicy: the rules of ``networking.k8s.io/v1`` read off slowly, one connection at a time.

It shares nothing with the package under test: raw objects in, loops over everything, no
index, no class, no cache. Sources: the comments of ``networking/v1/types.go``, its
``defaults.go``, and the Network Policies page of the Kubernetes documentation. Policies
must be valid ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any

Raw = dict[str, Any]
#: ``("pod", namespace, name)`` or ``("ip", address)``.
EndOf = tuple[str, ...]
ALLOWED, BLOCKED = "allowed", "blocked"


def oracle(objects: list[Raw], src: EndOf, dst: EndOf, protocol: str, port: int) -> dict[int, str]:
    """The answer per address family (4, 6) that both ends have; 0 stands for ends without any address.

    A pod without an address takes part in the families of the other end. An outside
    address is judged in its own family even against a pod that lacks it. Two pods of
    different families get no answer: no text says one.
    """
    answers = {}
    for family, source, destination in cases(objects, src, dst):
        judged = _judge(objects, source, destination, family, protocol, port)
        answers[family] = ALLOWED if judged else BLOCKED
    return answers


# Ends ----------------------------------------------------------------------------------------------------------------


def cases(objects: list[Raw], src: EndOf, dst: EndOf) -> Iterator[tuple[int, Raw | str, Raw | str]]:
    """What is to be judged: an address family, and the ends as pods or plain addresses."""
    source, destination = _end(objects, src), _end(objects, dst)
    own = [_families(objects, end) for end in (source, destination)]
    for asked, held in zip((src, dst), own, strict=True):
        if asked[0] == "ip":  # of a pod's two addresses only this one is asked about
            held.intersection_update({ip_address(asked[1]).version})
    families = _common(*own)
    plain = [end for end in (source, destination) if isinstance(end, str)]
    for family in families or [ip_address(end).version for end in plain]:
        yield family, source, destination


def _end(objects: list[Raw], end: EndOf) -> Raw | str:
    """A pod's object, or an address that no pod holds for itself."""
    if end[0] == "pod":
        for pod in of_kind(objects, "Pod"):
            if (namespace_of(pod), pod["metadata"]["name"]) == end[1:]:
                assert not _finished(pod)
                return pod
        raise LookupError(end)
    for pod in of_kind(objects, "Pod"):
        if not _finished(pod) and not on_host(pod):
            for held in _pod_ips(pod):
                if ip_address(held) == ip_address(end[1]):
                    return pod
    return end[1]


def _common(one: set[int], other: set[int]) -> list[int]:
    if not one and not other:
        return [0]
    if not one or not other:
        return sorted(one | other)
    return sorted(one & other)


def _families(objects: list[Raw], end: Raw | str) -> set[int]:
    return {ip_address(each).version for each in _addresses(objects, end)}


def _addresses(objects: list[Raw], end: Raw | str) -> list[str]:
    if isinstance(end, str):
        return [end]
    return _pod_ips(end) + (_node_ips(objects, end) if on_host(end) else [])


def address_of(objects: list[Raw], end: Raw | str, family: int) -> str | None:
    for each in _addresses(objects, end):
        if ip_address(each).version == family:
            return each
    return None


def _pod_ips(pod: Raw) -> list[str]:
    status = pod.get("status") or {}
    listed = [each["ip"] for each in status.get("podIPs") or []]
    return listed or ([status["podIP"]] if status.get("podIP") else [])


def _node_ips(objects: list[Raw], pod: Raw) -> list[str]:
    """The addresses of the node a pod runs on."""
    status = pod.get("status") or {}
    found = [each["ip"] for each in status.get("hostIPs") or []]
    found += [status["hostIP"]] if status.get("hostIP") else []
    for node in of_kind(objects, "Node"):
        if node["metadata"]["name"] == pod["spec"].get("nodeName"):
            found += [each["address"] for each in node.get("status", {}).get("addresses") or []]
    return found


def on_host(pod: Raw) -> bool:
    return bool(pod["spec"].get("hostNetwork"))


def _finished(pod: Raw) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def of_kind(objects: list[Raw], kind: str) -> list[Raw]:
    return [each for each in objects if each["kind"] == kind]


def namespace_of(each: Raw) -> str:
    return each["metadata"].get("namespace") or "default"


def namespace_labels(objects: list[Raw], name: str) -> dict[str, str]:
    labels = {"kubernetes.io/metadata.name": name}
    for each in of_kind(objects, "Namespace"):
        if each["metadata"]["name"] == name:
            labels.update(each["metadata"].get("labels") or {})
    return labels


# Judgement -----------------------------------------------------------------------------------------------------------


def _judge(
    objects: list[Raw], source: Raw | str, destination: Raw | str, family: int, protocol: str, port: int
) -> bool:
    if source is destination:
        return True  # "A Pod cannot block access to itself"
    if own_node(objects, source, destination) or own_node(objects, destination, source):
        return True  # "Traffic to and from the node where a Pod is running is always allowed"
    egress = network_policies(objects, "Egress", source, destination, destination, family, protocol, port)
    ingress = network_policies(objects, "Ingress", destination, source, destination, family, protocol, port)
    return egress is not False and ingress is not False


def own_node(objects: list[Raw], pod: Raw | str, other: Raw | str) -> bool:
    if isinstance(pod, str):
        return False
    mine = [ip_address(each) for each in _node_ips(objects, pod)]
    if isinstance(other, str):
        return ip_address(other) in mine
    if not on_host(other):
        return False
    nodes = pod["spec"].get("nodeName"), other["spec"].get("nodeName")
    return nodes[0] == nodes[1] if all(nodes) else any(ip_address(each) in mine for each in _addresses(objects, other))


def network_policies(
    objects: list[Raw],
    direction: str,
    pod: Raw | str,
    peer: Raw | str,
    destination: Raw | str,
    family: int,
    protocol: str,
    port: int,
) -> bool | None:
    """Whether the NetworkPolicies that isolate a pod allow the connection; None if none isolates it."""
    if isinstance(pod, str) or on_host(pod):
        return None
    isolated = False
    for policy in of_kind(objects, "NetworkPolicy"):
        spec = policy.get("spec") or {}
        if namespace_of(policy) != namespace_of(pod) or direction not in _types(spec):
            continue
        if not selects(spec.get("podSelector"), pod["metadata"].get("labels")):
            continue
        isolated = True
        for rule in spec.get(direction.lower()) or []:
            peers = rule.get("from" if direction == "Ingress" else "to")
            if _any_peer(objects, peers, namespace_of(policy), peer, family) and _any_port(
                rule.get("ports"), destination, protocol, port
            ):
                return True
    return False if isolated else None


def _types(spec: Raw) -> list[str]:
    if spec.get("policyTypes"):
        return list(spec["policyTypes"])
    return ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


def _any_peer(objects: list[Raw], peers: list[Raw] | None, home: str, peer: Raw | str, family: int) -> bool:
    if not peers:
        return True
    return any(_peer(objects, each, home, peer, family) for each in peers)


def _peer(objects: list[Raw], wanted: Raw, home: str, peer: Raw | str, family: int) -> bool:
    if wanted.get("ipBlock") is not None:
        address = address_of(objects, peer, family)
        return address is not None and _block(wanted["ipBlock"], address)
    if isinstance(peer, str) or on_host(peer):
        return False  # seen as an address
    if wanted.get("namespaceSelector") is None:
        if namespace_of(peer) != home:
            return False
    elif not selects(wanted["namespaceSelector"], namespace_labels(objects, namespace_of(peer))):
        return False
    return selects(wanted.get("podSelector"), peer["metadata"].get("labels"))


def _block(block: Raw, address: str) -> bool:
    if not within(address, block["cidr"]):
        return False
    return not any(within(address, each) for each in block.get("except") or [])


def within(address: str, cidr: str) -> bool:
    network = ip_network(cidr, strict=False)
    return ip_address(address).version == network.version and ip_address(address) in network


def _any_port(ports: list[Raw] | None, destination: Raw | str, protocol: str, port: int) -> bool:
    if not ports:
        return True
    return any(_port(each, destination, protocol, port) for each in ports)


def _port(wanted: Raw, destination: Raw | str, protocol: str, port: int) -> bool:
    if (wanted.get("protocol") or "TCP") != protocol:
        return False
    number = wanted.get("port")
    if number is None:
        return True
    if isinstance(number, str):
        return not isinstance(destination, str) and declares(destination, number, protocol, port)
    return bool(number <= port <= (wanted.get("endPort") or number))


def declares(pod: Raw, name: str, protocol: str, port: int) -> bool:
    sidecars = [each for each in pod["spec"].get("initContainers") or [] if each.get("restartPolicy") == "Always"]
    for container in [*pod["spec"]["containers"], *sidecars]:
        for each in container.get("ports") or []:
            found = (each.get("name"), each.get("protocol") or "TCP", each["containerPort"])
            if found == (name, protocol, port):
                return True
    return False


def selects(selector: Raw | None, labels: dict[str, str] | None) -> bool:
    """Label selector semantics of apimachinery: requirements are ANDed; nothing required selects everything."""
    labels = labels or {}
    for key, value in ((selector or {}).get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for each in (selector or {}).get("matchExpressions") or []:
        key, values = each["key"], each.get("values") or []
        held = {
            "In": key in labels and labels[key] in values,
            "NotIn": key not in labels or labels[key] not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }[each["operator"]]
        if not held:
            return False
    return True
