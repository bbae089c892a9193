"""Which policies have rules that may match a class of pods, without asking every rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from console.objects.core import METADATA_NAME, Namespace
from console.policy.asking import Modes
from console.policy.match import selects
from console.policy.model import CidrPeer, Direction, PodPeer, Policy, Rule
from console.policy.universe import Universe

#: What a class must have for a peer to match it: its namespace's name, a label, the name of a port, …
_Hook = tuple[object, ...]
_ALWAYS: _Hook = ()


#: A rule, the policy it is of, and which way it goes.
Found = tuple[Policy, Direction, Rule]


class Met(NamedTuple):
    """A rule that matches a class of pods, and the address families in which it does."""

    policy: Policy
    direction: Direction
    rule: Rule
    families: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Hung:
    """Equal peers, and the rules that have them. The peer is None where only the name of a port matters."""

    peer: PodPeer | CidrPeer | None
    rules: tuple[Found, ...]


class Hooks:
    """Policies by what their peers look for."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        self._covering: dict[tuple[int, int], frozenset[object]] = {}
        found: dict[_Hook, dict[object, tuple[PodPeer | CidrPeer | None, list[Found]]]] = {}
        for policy in policies:
            for hook, key, peer, rule in _hooks(policy):
                found.setdefault(hook, {}).setdefault(key, (peer, []))[1].append(rule)
        self._hung: dict[_Hook, dict[object, _Hung]] = {
            hook: {key: _Hung(peer, tuple(rules)) for key, (peer, rules) in held.items()}
            for hook, held in found.items()
        }

    def succeeding(self, gone: Iterable[Policy], come: Iterable[Policy]) -> Hooks:
        """The same without some policies and with others."""
        later = Hooks(())
        later._covering, later._hung = self._covering, dict(self._hung)
        for policy in gone:
            for hook, key, peer, _ in _hooks(policy):
                later._hang(hook, key, peer, tuple(each for each in later._at(hook, key) if each[0] is not policy))
        for policy in come:
            for hook, key, peer, rule in _hooks(policy):
                later._hang(hook, key, peer, (*later._at(hook, key), rule))
        return later

    def _at(self, hook: _Hook, key: object) -> tuple[Found, ...]:
        hung = self._hung.get(hook, {}).get(key)
        return hung.rules if hung else ()

    def _hang(self, hook: _Hook, key: object, peer: PodPeer | CidrPeer | None, rules: tuple[Found, ...]) -> None:
        held = dict(self._hung.get(hook, {}))
        if rules:
            held[key] = _Hung(peer, rules)
        else:
            held.pop(key, None)
        self._hung[hook] = held

    def matching(self, universe: Universe, number: int, modes: Modes) -> list[Met]:
        """The rules that match a class of pods by more than letting anybody in, each once."""
        namespace = universe.snapshot.namespace(universe.pods[number].namespace)
        every = frozenset(universe.families)
        found: dict[int, Met] = {}
        for hook in self._of(universe, number, namespace):
            for hung in self._hung.get(hook, {}).values():
                if not self._matches(hung.peer, universe, number, namespace):
                    continue
                cidr = hung.peer if isinstance(hung.peer, CidrPeer) else None
                families = frozenset([cidr.network.version]) if cidr else every
                for policy, direction, rule in hung.rules:
                    if cidr and direction is Direction.INGRESS and not modes.ingress_ipblock_matches_pods:
                        continue
                    known = found.get(id(rule))
                    among = families | known.families if known else families
                    found[id(rule)] = Met(policy, direction, rule, among)
        return list(found.values())

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
            for network in self._networks(universe, number, family):
                yield "network", network

    def _networks(self, universe: Universe, number: int, family: int) -> frozenset[object]:
        """The networks that the addresses of a class lie in."""
        place = family, universe.pods[number].key.where.spans[universe.keys.places[family]]
        if place not in self._covering:
            self._covering[place] = frozenset(_covering(universe, *place) if place[1] >= 0 else ())
        return self._covering[place]

    def _matches(self, peer: PodPeer | CidrPeer | None, universe: Universe, number: int, namespace: Namespace) -> bool:
        if peer is None:
            return True
        if isinstance(peer, CidrPeer):
            return self._networks(universe, number, peer.network.version).isdisjoint(peer.excepts)
        held = universe.pods[number]
        if held.host:
            return False
        if peer.namespaces is None:
            return peer.home == held.namespace and (peer.pods is None or selects(peer.pods, held.pods[0].labels))
        if peer.pods is not None and not selects(peer.pods, held.pods[0].labels):
            return False
        return selects(peer.namespaces, namespace.labels)


def _covering(universe: Universe, family: int, span: int) -> Iterator[object]:
    for network in universe.vocabulary.networks:
        if network.version == family:
            first, last = universe.spans[family].range(network)
            if first <= span < last:
                yield network


def _hooks(policy: Policy) -> Iterator[tuple[_Hook, object, PodPeer | CidrPeer | None, Found]]:
    for direction in Direction:
        for rule in policy.rules(direction) or ():
            for hook, key, peer in _of_rule(rule, direction):
                yield hook, key, peer, (policy, direction, rule)


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
