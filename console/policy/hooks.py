"""Which policies have rules that may match a class of pods, without asking every rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from console.objects.core import METADATA_NAME, Namespace
from console.policy.match import selects
from console.policy.model import CidrPeer, Direction, PodPeer, Policy, Rule
from console.policy.universe import Universe

#: What a class must have for a peer to match it: its namespace's name, a label, the name of a port, …
_Hook = tuple[object, ...]
_ALWAYS: _Hook = ()


@dataclass(frozen=True, slots=True)
class _Hung:
    """Equal peers, and the policies that have them. The peer is None where only the name of a port matters."""

    peer: PodPeer | CidrPeer | None
    policies: frozenset[int]


class Hooks:
    """Policies by what their peers look for."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        self._policies: dict[int, Policy] = {}
        self._hung: dict[_Hook, dict[object, _Hung]] = {}
        self._covering: dict[tuple[int, int], frozenset[object]] = {}
        found: dict[_Hook, dict[object, tuple[PodPeer | CidrPeer | None, set[int]]]] = {}
        for policy in policies:
            self._policies[id(policy)] = policy
            for hook, key, peer in _hooks(policy):
                found.setdefault(hook, {}).setdefault(key, (peer, set()))[1].add(id(policy))
        for hook, held in found.items():
            self._hung[hook] = {key: _Hung(peer, frozenset(among)) for key, (peer, among) in held.items()}

    def succeeding(self, gone: Iterable[Policy], come: Iterable[Policy]) -> Hooks:
        """The same without some policies and with others."""
        later = Hooks(())
        later._covering = self._covering
        later._policies, later._hung = dict(self._policies), dict(self._hung)
        for policy in gone:
            later._policies.pop(id(policy), None)
            for hook, key, peer in _hooks(policy):
                later._hang(hook, key, peer, later._hung[hook][key].policies - {id(policy)})
        for policy in come:
            later._policies[id(policy)] = policy
            for hook, key, peer in _hooks(policy):
                known = later._hung.get(hook, {}).get(key)
                later._hang(hook, key, peer, (known.policies if known else frozenset()) | {id(policy)})
        return later

    def _hang(self, hook: _Hook, key: object, peer: PodPeer | CidrPeer | None, policies: frozenset[int]) -> None:
        held = dict(self._hung.get(hook, {}))
        if policies:
            held[key] = _Hung(peer, policies)
        else:
            held.pop(key, None)
        self._hung[hook] = held

    def matching(self, universe: Universe, number: int) -> list[Policy]:
        """The policies with a rule that matches a class of pods by more than letting anybody in."""
        held = universe.pods[number]
        namespace = universe.snapshot.namespace(held.namespace)
        found: set[int] = set()
        for hook in self._of(universe, number, namespace):
            for hung in self._hung.get(hook, {}).values():
                if not hung.policies <= found and _matches(hung.peer, universe, number, namespace):
                    found |= hung.policies
        return [self._policies[each] for each in found]

    def _of(self, universe: Universe, number: int, namespace: Namespace) -> Iterator[_Hook]:
        key = universe.pods[number].key
        yield _ALWAYS
        yield "home", key.namespace
        for entry in namespace.labels.items():
            yield "namespace", *entry
        for entry in key.labels:
            yield "pod", *entry
        for port in universe.ports_of(number):
            yield "port", port.name
        for family in universe.families:
            span = key.where.spans[universe.keys.places[family]]
            if span >= 0:
                if (family, span) not in self._covering:
                    self._covering[family, span] = frozenset(_covering(universe, family, span))
                for network in self._covering[family, span]:
                    yield "network", network


def _covering(universe: Universe, family: int, span: int) -> Iterator[object]:
    for network in universe.vocabulary.networks:
        if network.version == family:
            first, last = universe.spans[family].range(network)
            if first <= span < last:
                yield network


def _matches(peer: PodPeer | CidrPeer | None, universe: Universe, number: int, namespace: Namespace) -> bool:
    if not isinstance(peer, PodPeer):
        return True
    held = universe.pods[number]
    if held.host:
        return False
    if peer.namespaces is None:
        return peer.home == held.namespace and (peer.pods is None or selects(peer.pods, held.pods[0].labels))
    if peer.pods is not None and not selects(peer.pods, held.pods[0].labels):
        return False
    return selects(peer.namespaces, namespace.labels)


def _hooks(policy: Policy) -> Iterator[tuple[_Hook, object, PodPeer | CidrPeer | None]]:
    for direction in Direction:
        for rule in policy.rules(direction) or ():
            yield from _of_rule(rule, direction)


def _of_rule(rule: Rule, direction: Direction) -> Iterator[tuple[_Hook, object, PodPeer | CidrPeer | None]]:
    if rule.peers is None and direction is Direction.EGRESS:
        for match in rule.ports or ():
            if match.name:
                yield ("port", match.name), None, None
    for peer in rule.peers or ():
        if isinstance(peer, CidrPeer):
            yield ("network", peer.network), peer.excepts, peer
        elif isinstance(peer, PodPeer):
            key = (
                peer.home if peer.namespaces is None else "",
                msgspec.json.encode(peer.namespaces),
                msgspec.json.encode(peer.pods),
            )
            yield _of_peer(peer), key, peer


def _of_peer(peer: PodPeer) -> _Hook:
    """What a class must have for a peer to match it; the fewer classes have it, the better."""
    if peer.namespaces is None:
        return "home", peer.home
    labels = peer.namespaces.match_labels or {}
    if METADATA_NAME in labels:
        return "namespace", METADATA_NAME, labels[METADATA_NAME]
    for entry in labels.items():
        return "namespace", *entry
    for entry in (peer.pods.match_labels or {}).items() if peer.pods is not None else ():
        return "pod", *entry
    return _ALWAYS
