"""What differs between two snapshots that bears on who reaches whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from console.objects.core import Node, Pod
from console.objects.snapshot import Contents, Snapshot
from console.policy.addresses import api_server_addresses
from console.policy.engine import Engine
from console.policy.model import Policy


@dataclass(frozen=True, slots=True)
class Changes:
    """What came, went and changed. A pod is ``(before, after)``, None where it is not there.

    `relabelled` are namespaces whose labels differ. `wide` says what changed that bears on more
    than single pods, policies and namespaces; empty where nothing did.
    """

    pods: tuple[tuple[Pod | None, Pod | None], ...] = ()
    gone: tuple[Policy, ...] = ()
    come: tuple[Policy, ...] = ()
    relabelled: frozenset[str] = frozenset()
    wide: str = ""


def changes(old: Engine, new: Engine) -> Changes:
    """What differs between two engines' snapshots. Quick where they share what did not change."""
    before, after = old.snapshot, new.snapshot
    if wide := _wide(old, new):
        return Changes(wide=wide)
    pods: list[tuple[Pod | None, Pod | None]] = []
    relabelled: set[str] = set()
    dirty: list[str] = []
    for name, was, held in _differing(before, after):
        dirty.append(name)
        namespaces = before.namespace(name), after.namespace(name)
        if not (namespaces[0].labels_known and namespaces[1].labels_known):
            return Changes(wide=f"the labels of {name} are not known")
        if namespaces[0].labels != namespaces[1].labels:
            relabelled.add(name)
        if was.nodes_by_ip != held.nodes_by_ip and _nodes_differ(before, after, was, held):
            return Changes(wide="addresses of nodes")
        for pod in held.pods.values():
            other = was.pods.get(pod.name)
            if other is not pod:
                pods.append((other, pod))
        pods += [(pod, None) for pod in was.pods.values() if pod.name not in held.pods]
    gone, come = _policies(old, new, dirty)
    return Changes(tuple(pods), gone, come, frozenset(relabelled))


def _wide(old: Engine, new: Engine) -> str:
    before, after = old.snapshot, new.snapshot
    if old.modes != new.modes:
        return "what is taken for granted"
    if old.gaps != new.gaps:
        return "what is not known"
    if before.nodes is not after.nodes and _known(before.nodes) != _known(after.nodes):
        return "nodes"
    if before.contents.get("default") is not after.contents.get("default") and (
        api_server_addresses(before) != api_server_addresses(after)
    ):
        return "addresses of the API server"
    return ""


def _known(nodes: Mapping[str, Node]) -> list[tuple[str, Mapping[str, str], tuple[str, ...]]]:
    return [(node.name, node.labels, node.addresses) for node in nodes.values()]


def _differing(before: Snapshot, after: Snapshot) -> Iterator[tuple[str, Contents, Contents]]:
    """The namespaces that differ, as they were and as they are."""
    old, new = before.contents, after.contents
    for name, held in new.items():
        was = old.get(name)
        if was is not held:
            yield name, was or Contents(before.namespace(name)), held
    for name in old.keys() - new.keys():
        yield name, old[name], Contents(after.namespace(name))


def _nodes_differ(before: Snapshot, after: Snapshot, was: Contents, held: Contents) -> bool:
    """Whether what pods tell of the addresses of nodes comes to something else."""
    told = {ip for ip, _ in was.nodes_by_ip.items() ^ held.nodes_by_ip.items()}
    told -= {ip for node in after.nodes.values() for ip in node.addresses}
    return any(_node_at(before, ip) != _node_at(after, ip) for ip in told)


def _node_at(snapshot: Snapshot, ip: str) -> str | None:
    """The node at an address, as pods tell of it: a name only where there is a Node of it."""
    for held in reversed(list(snapshot.contents.values())):
        name = held.nodes_by_ip.get(ip)
        if name is not None:
            return name if name in snapshot.nodes else ""
    return None


def _policies(old: Engine, new: Engine, dirty: list[str]) -> tuple[tuple[Policy, ...], tuple[Policy, ...]]:
    # An engine that was not made from the other has compiled all policies anew: none of the old ones is in it.
    names = dirty if new.shares(old) else old.snapshot.contents.keys() | new.snapshot.contents.keys()
    were = {id(policy): policy for policy in old.over(names)}
    are = {id(policy): policy for policy in new.over(names)}
    gone = tuple(policy for known, policy in were.items() if known not in are)
    return gone, tuple(policy for known, policy in are.items() if known not in were)
