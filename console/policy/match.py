"""Selectors, networks and ports against what is there: matched or not, and what was wanted and found.

Selector semantics: apimachinery ``metav1.LabelSelector`` and ``labels.Requirement.Matches``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from console.objects.core import METADATA_NAME, Namespace, Pod
from console.objects.selectors import LabelSelector, Requirement
from console.policy.addresses import contains
from console.policy.model import CidrPeer, Path, PortMatch, Protocol
from console.policy.trace import Clause, ClauseKind, Match, Party


def requirement_holds(entry: Requirement, labels: Mapping[str, str]) -> bool:
    """Whether one requirement holds: In/Exists need the key, NotIn/DoesNotExist hold without it."""
    value = labels.get(entry.key)
    if entry.operator == "In":
        return value is not None and value in (entry.values or ())
    if entry.operator == "NotIn":
        return value is None or value not in (entry.values or ())
    if entry.operator == "Exists":
        return value is not None
    return value is None


def selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether a selector matches labels: all of its requirements hold; an empty one matches everything."""
    if selector.match_labels:
        for key, value in selector.match_labels.items():
            if labels.get(key) != value:
                return False
    return all(requirement_holds(entry, labels) for entry in selector.match_expressions or ())


def selects_namespace(selector: LabelSelector, namespace: Namespace) -> Match:
    """Whether a selector matches a namespace; None where that rests on labels nobody could read."""
    if namespace.labels_known:
        return selects(selector, namespace.labels)
    return both(*(clause.matched for clause in namespace_clauses(selector, namespace, ())))


def both(*matches: Match) -> Match:
    """Three-valued AND: false if any is false, else unknown if any is unknown."""
    if False in matches:
        return False
    return None if None in matches else True


def either(*matches: Match) -> Match:
    """Three-valued OR: true if any is true, else unknown if any is unknown."""
    if True in matches:
        return True
    return None if None in matches else False


def keys_of(selector: LabelSelector | None) -> Iterator[str]:
    """The label keys a selector looks at."""
    if selector is not None:
        yield from selector.match_labels or ()
        for entry in selector.match_expressions or ():
            yield entry.key


def pod_clauses(selector: LabelSelector, pod: Pod, path: Path) -> tuple[Clause, ...]:
    """One clause for each requirement of a podSelector at `path`."""
    if selector.is_empty:
        return (Clause(ClauseKind.POD_SELECTOR, path, True, "any pod", "a pod"),)
    return tuple(_clauses(ClauseKind.POD_SELECTOR, selector, pod.labels, path))


def namespace_clauses(selector: LabelSelector, namespace: Namespace, path: Path) -> tuple[Clause, ...]:
    """One clause for each requirement of a namespaceSelector at `path`."""
    if selector.is_empty:
        return (Clause(ClauseKind.NAMESPACE_SELECTOR, path, True, "any namespace", namespace.name),)
    found = _clauses(ClauseKind.NAMESPACE_SELECTOR, selector, namespace.labels, path)
    if namespace.labels_known:
        return tuple(found)
    unread = f"labels of {namespace.name} not readable"
    return tuple(
        clause if key == METADATA_NAME else Clause(clause.kind, clause.path, None, clause.wanted, unread)
        for key, clause in zip(keys_of(selector), found, strict=True)
    )


def _clauses(kind: ClauseKind, selector: LabelSelector, labels: Mapping[str, str], path: Path) -> list[Clause]:
    """A clause for each requirement, in the order of `keys_of`."""
    found: list[Clause] = []
    for key, wanted in (selector.match_labels or {}).items():
        value = labels.get(key)
        told = f"{key} absent" if value is None else f"{key}={value}"
        found.append(Clause(kind, (*path, "matchLabels", key), value == wanted, f"{key}={wanted}", told))
    for index, entry in enumerate(selector.match_expressions or ()):
        value = labels.get(entry.key)
        told = f"{entry.key} absent" if value is None else f"{entry.key}={value}"
        matched = requirement_holds(entry, labels)
        found.append(Clause(kind, (*path, "matchExpressions", index), matched, wording(entry), told))
    return found


def wording(entry: Requirement) -> str:
    """A requirement as facts are written: ``role in (a, b)``, ``role exists``."""
    if entry.operator in ("Exists", "DoesNotExist"):
        return f"{entry.key} {'exists' if entry.operator == 'Exists' else 'absent'}"
    relation = "in" if entry.operator == "In" else "not in"
    return f"{entry.key} {relation} ({', '.join(entry.values or ())})"


def cidr_clause(peer: CidrPeer, party: Party) -> Clause:
    """A network against an end; an end without an address matches none."""
    wanted = str(peer.network)
    if peer.excepts:
        wanted += f" except {', '.join(map(str, peer.excepts))}"
    path, address = peer.cidr_path, party.address
    kind = ClauseKind.IP_BLOCK if path[-1] == "cidr" else ClauseKind.NETWORKS
    if address is None:
        return Clause(kind, path, False, wanted, "no address", caveat="NO_ADDRESS")
    # A bare address is called by itself, or by what it stands for.
    found = str(address) if party.pod or party.host_pod else party.name
    if not contains(peer.network, address):
        note = "the other address family" if peer.network.version != address.version else ""
        return Clause(kind, path, False, wanted, found, note)
    for index, network in enumerate(peer.excepts):
        if contains(network, address):
            return Clause(kind, (*path[:-1], "except", index), False, wanted, found, f"excepted by {network}")
    return Clause(kind, path, True, wanted, found)


def node_clauses(selector: LabelSelector, party: Party, path: Path) -> tuple[Clause, ...]:
    """A nodes peer against an end: it matches the addresses of nodes, so never a pod with one of its own."""
    if party.pod is not None:
        return (Clause(ClauseKind.NODES, path, False, "a node", party.name, "nodes match by their addresses"),)
    if party.node is None:
        if party.node_known:
            return (Clause(ClauseKind.NODES, path, False, "a node", party.name),)
        return (Clause(ClauseKind.NODES, path, None, "a node", party.name, "the labels of its node are not known"),)
    if selector.is_empty:
        return (Clause(ClauseKind.NODES, path, True, "any node", party.node.name),)
    return tuple(_clauses(ClauseKind.NODES, selector, party.node.labels, path))


def port_matches(match: PortMatch, destination: Pod | None, protocol: Protocol, port: int) -> bool:
    """Whether a port of a rule is a destination port.

    Named ports resolve on the destination pod, and the protocol must agree (types.go:
    ``NetworkPolicyPort.port``); an address declares no ports, so no name matches it.
    """
    if match.protocol is not None and match.protocol is not protocol:
        return False
    if match.name:
        return destination is not None and any(
            entry.port == port and entry.name == match.name and entry.protocol == protocol.value
            for entry in destination.ports
        )
    return match.low is None or match.high is None or match.low <= port <= match.high


def port_clause(match: PortMatch, destination: Pod | None, protocol: Protocol, port: int) -> Clause:
    """A port of a rule against a destination port, in words."""
    matched = port_matches(match, destination, protocol, port)
    found = f"{port}/{protocol.value}"
    spoken = f"/{match.protocol.value}" if match.protocol else ""
    if match.name:
        return _named_port(match, destination, f"{match.name}{spoken}", found, matched=matched)
    if match.low is None or match.high is None:
        wanted = f"any {match.protocol.value} port" if match.protocol else "any port"
        # NetworkPolicy says it means all ports (types.go); ClusterNetworkPolicy leaves it open.
        contested = "PROTOCOL_WITHOUT_PORT" if "protocols" in match.path else ""
        return Clause(ClauseKind.PORT, match.path, matched, wanted, found, caveat=contested)
    wanted = f"{match.low}{spoken}" if match.low == match.high else f"{match.low}–{match.high}{spoken}"
    return Clause(ClauseKind.PORT, match.path, matched, wanted, found)


def _named_port(match: PortMatch, pod: Pod | None, wanted: str, found: str, *, matched: bool) -> Clause:
    if pod is None:
        return Clause(ClauseKind.PORT, match.path, False, wanted, found, "a named port matches pods only")
    declared = [entry for entry in pod.ports if entry.name == match.name]
    agreeing = [entry for entry in declared if match.protocol is None or entry.protocol == match.protocol.value]
    meant = [entry for entry in agreeing if f"{entry.port}/{entry.protocol}" == found]
    caveat = "NAMED_PORT_SIDECAR" if meant and all(entry.sidecar for entry in meant) else ""
    if agreeing:
        note = f"{match.name} is {', '.join(f'{entry.port}/{entry.protocol}' for entry in agreeing)} there"
    else:
        note = f"{match.name} is {declared[0].protocol} there" if declared else f"no port named {match.name} there"
        caveat = "NAMED_PORT_UNRESOLVED"
    return Clause(ClauseKind.PORT, match.path, matched, wanted, found, note, caveat)
