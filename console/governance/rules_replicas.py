"""Replicas that policies tell apart: pods of one workload that have other paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from console.governance.ends import Side
from console.governance.findings import Offence
from console.governance.rules_proof import Prover
from console.governance.rules_words import a_port, ports_words
from console.governance.scopes import Scene
from console.objects.meta import ObjectRef
from console.policy.verdict import Outcome


def differ(scene: Scene, side: Side, prover: Prover) -> Iterator[Offence]:
    """Pods of one workload that policies tell apart, and that have other paths for it."""
    first, *others = scene.classes_of(side)
    for other in others:
        apart = _apart(scene, first, other)
        found = _difference(scene, side, first, other) if apart else None
        if found is not None:
            yield _unlike(scene, side, found, apart, prover)
            return


def _apart(scene: Scene, one: int, other: int) -> tuple[ObjectRef, ...]:
    """The policies that select one of two classes only."""
    mine, theirs = ({policy.ref for policy in scene.reach.selecting(number)} for number in (one, other))
    return tuple(sorted(mine ^ theirs))


class _Unlike(NamedTuple):
    """A path of which one class has the ports and another has not. `peer` is at the other end, `into` the workload."""

    peer: int
    open: int
    closed: int
    ports: int
    into: bool


def _difference(scene: Scene, side: Side, one: int, other: int) -> _Unlike | None:
    """A workload that reaches one of two classes only, or that only one of them reaches."""
    reach = scene.reach
    apart = _reached_apart(scene, one, other)
    into = scene.column(one, reach.atoms.all) | scene.column(other, reach.atoms.all)
    for peer in scene.in_order:
        bit = 1 << peer
        if side.classes & bit or not (apart | into) & bit:
            continue
        for inward in (True, False):
            ports = [reach.ports(peer, each) if inward else reach.ports(each, peer) for each in (one, other)]
            if ports[0] != ports[1]:
                lone = ports[0] & ~ports[1]
                open_, closed = (one, other) if lone else (other, one)
                return _Unlike(peer, open_, closed, lone or ports[1] & ~ports[0], inward)
    return None


def _reached_apart(scene: Scene, one: int, other: int) -> int:
    """The classes that two classes reach on other ports."""
    found = 0
    were, are = scene.reach.reached(one), scene.reach.reached(other)
    for ports in were.keys() | are.keys():
        found |= were.get(ports, 0) ^ are.get(ports, 0)
    return found


def _unlike(scene: Scene, side: Side, found: _Unlike, apart: tuple[ObjectRef, ...], prover: Prover) -> Offence:
    peer = scene.side_of(found.peer)
    if found.into:
        source, a, destination, b = peer, found.peer, side, found.closed
        port = a_port(scene, side, found.open, found.ports)
    else:
        source, a, destination, b = side, found.closed, peer, found.peer
        port = a_port(scene, peer, found.peer, found.ports)
    proof = prover.prove(scene, source, a, destination, b, port)
    selecting = ", ".join(map(str, apart))
    return Offence(
        source=source.ask,
        destination=destination.ask,
        port=f"{port[1]}/{port[0].value}",
        ports=ports_words(scene, found.ports),
        outcome=Outcome.PARTIAL,
        why=f"not all of its pods are treated alike ({selecting} selects some only): {proof.why}",
        policies=tuple(dict.fromkeys((*apart, *proof.policies))),
    )
