"""The oracle for all tiers: AdminNetworkPolicy, BaselineAdminNetworkPolicy, ClusterNetworkPolicy and NetworkPolicy.

As naive as `tests.policy.oracle`, and as separate from the package under test. Source:
the types of the network-policy-api repository, ``v1alpha1`` and ``v1alpha2``. Where the
text leaves an order undefined, or a name decides that nobody looked up, every answer it
allows is followed: more than one is "unknown".
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, permutations, product

from tests.policy.oracle import (
    ALLOWED,
    BLOCKED,
    EndOf,
    Raw,
    address_of,
    cases,
    declares,
    namespace_labels,
    namespace_of,
    network_policies,
    of_kind,
    on_host,
    own_node,
    selects,
    within,
)

UNKNOWN = "unknown"
Match = bool | None


def oracle_tiers(objects: list[Raw], src: EndOf, dst: EndOf, protocol: str, port: int) -> dict[int, str]:
    """The answer of all tiers per address family, as `tests.policy.oracle.oracle` gives it for one."""
    answers = {}
    for family, source, destination in cases(objects, src, dst):
        how = destination, family, protocol, port
        egress = _direction(objects, "egress", source, destination, *how)
        ingress = _direction(objects, "ingress", destination, source, *how)
        found = {out and into for out in egress for into in ingress}
        answers[family] = UNKNOWN if len(found) > 1 else ALLOWED if found.pop() else BLOCKED
    return answers


def _direction(
    objects: list[Raw],
    direction: str,
    pod: Raw | str,
    peer: Raw | str,
    destination: Raw | str,
    family: int,
    protocol: str,
    port: int,
) -> set[bool]:
    """Every answer the tiers can come to for one end."""
    if isinstance(pod, str) or on_host(pod) or pod is peer:
        return {True}  # no subject; "traffic to the pod's own IP is not subject"

    def tier(name: str) -> set[str]:
        return _tier(objects, name, direction, pod, peer, destination, family, protocol, port)

    found: set[bool] = set()
    for decided in tier("Admin"):
        if decided != "Pass":
            found.add(decided == "Allow")
            continue
        said = network_policies(objects, direction.title(), pod, peer, destination, family, protocol, port)
        if said is not None:
            found.add(said or own_node(objects, pod, peer))
            continue
        found |= {last != "Deny" for last in tier("Baseline")}
    return found


def _tier(
    objects: list[Raw],
    tier: str,
    direction: str,
    pod: Raw,
    peer: Raw | str,
    destination: Raw | str,
    family: int,
    protocol: str,
    port: int,
) -> set[str]:
    """Every outcome of a tier: Allow, Deny, or Pass where no rule of it decides."""
    found = set()
    for policies in _orders([each for each in _policies(objects, tier) if _subject(objects, each["spec"], pod)]):
        rules = [rule for policy in policies for rule in policy["spec"].get(direction) or []]
        matches = [_rule(objects, rule, direction, peer, destination, family, protocol, port) for rule in rules]
        found |= _first(list(zip(rules, matches, strict=True)))
    return found


def _policies(objects: list[Raw], tier: str) -> list[Raw]:
    kind = "AdminNetworkPolicy" if tier == "Admin" else "BaselineAdminNetworkPolicy"
    tiered = [each for each in of_kind(objects, "ClusterNetworkPolicy") if each["spec"]["tier"] == tier]
    return of_kind(objects, kind) + tiered


def _orders(policies: list[Raw]) -> Iterator[list[Raw]]:
    """By priority, lower first; policies of one priority in any order."""
    ranked = sorted(policies, key=lambda each: each["spec"].get("priority", 0))
    groups = [list(group) for _, group in groupby(ranked, key=lambda each: each["spec"].get("priority", 0))]
    for chosen in product(*(permutations(group) for group in groups)):
        yield [policy for group in chosen for policy in group]


def _first(rules: list[tuple[Raw, Match]]) -> set[str]:
    """The action of the first rule that matches; both ways are followed where one may."""
    if not rules:
        return {"Pass"}
    (rule, matched), *rest = rules
    if matched is False:
        return _first(rest)
    action = "Allow" if rule["action"] == "Accept" else rule["action"]
    if action == "Pass" and _unknown(rule):
        action = "Deny"
    return {action} if matched else {action} | _first(rest)


def _subject(objects: list[Raw], spec: Raw, pod: Raw) -> bool:
    return _pods(objects, spec["subject"], pod)


def _pods(objects: list[Raw], wanted: Raw, pod: Raw | str) -> bool:
    """Pods by ``namespaces`` or ``pods``; hostNetwork pods are in neither."""
    if isinstance(pod, str) or on_host(pod):
        return False
    labels, around = pod["metadata"].get("labels"), namespace_labels(objects, namespace_of(pod))
    if "namespaces" in wanted:
        return selects(wanted["namespaces"], around)
    pods = wanted["pods"]
    return selects(pods.get("namespaceSelector"), around) and selects(pods.get("podSelector"), labels)


def _unknown(rule: Raw) -> bool:
    """Whether a rule has a peer of a kind that is not known."""
    known = {"namespaces", "pods", "nodes", "networks", "domainNames"}
    return any(not known & peer.keys() for peer in rule.get("from") or rule.get("to") or [])


def _rule(
    objects: list[Raw],
    rule: Raw,
    direction: str,
    peer: Raw | str,
    destination: Raw | str,
    family: int,
    protocol: str,
    port: int,
) -> Match:
    if _unknown(rule):  # fails closed: an Allow matches nothing, Deny and Pass deny all
        return rule["action"] not in ("Allow", "Accept")
    entries = (rule.get("ports") or []) + (rule.get("protocols") or [])
    if entries and not any(_port(each, destination, protocol, port) for each in entries):
        return False
    found = [_peer(objects, each, peer, family) for each in rule["from" if direction == "ingress" else "to"]]
    return True if True in found else None if None in found else False


def _peer(objects: list[Raw], wanted: Raw, peer: Raw | str, family: int) -> Match:
    if "namespaces" in wanted or "pods" in wanted:
        return _pods(objects, wanted, peer)
    address = address_of(objects, peer, family)
    if "networks" in wanted:
        return address is not None and any(within(address, each) for each in wanted["networks"])
    if "nodes" in wanted:
        return any(
            address in [each["address"] for each in node["status"]["addresses"]]
            and selects(wanted["nodes"], node["metadata"].get("labels"))
            for node in of_kind(objects, "Node")
        )
    # A name may stand for any address outside; the addresses of pods are not looked up by name.
    return None if isinstance(peer, str) else False


def _port(wanted: Raw, destination: Raw | str, protocol: str, port: int) -> bool:
    """One entry of ``ports`` (v1alpha1) or ``protocols`` (v1alpha2)."""
    ((field, value),) = wanted.items()
    if field in ("namedPort", "destinationNamedPort"):
        return not isinstance(destination, str) and declares(destination, value, protocol, port)
    if field == "portNumber":
        return (value.get("protocol") or "TCP") == protocol and bool(value["port"] == port)
    if field == "portRange":
        return (value.get("protocol") or "TCP") == protocol and bool(value["start"] <= port <= value["end"])
    if field != protocol.lower() or "destinationPort" not in value:
        return field == protocol.lower()  # contested where it is omitted; most say all ports
    matched = value["destinationPort"]
    between = matched.get("range") or {"start": matched.get("number"), "end": matched.get("number")}
    return bool(between["start"] <= port <= between["end"])
