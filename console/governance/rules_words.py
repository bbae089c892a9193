"""Ports, as offences tell them and as `simulate` takes them."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from console.governance.charter_terms import PortTerm
from console.governance.scopes import Scene, Side
from console.policy.model import Protocol
from console.policy.reachable import spans
from console.policy.universe import METADATA

_MOST: Final = 6
_HTTPS: Final = (Protocol.TCP, 443)
#: Clouds serve metadata over plain HTTP.
_USUAL: Final = MappingProxyType({METADATA: (Protocol.TCP, 80)})


def a_port(scene: Scene, side: Side, number: int, ports: int, wanted: Sequence[PortTerm] = ()) -> tuple[Protocol, int]:
    """One port of a set to ask about: one the destination declares, one the rule names, a usual one, the lowest."""
    reach = scene.reach
    named = [(port.protocol or Protocol.TCP, port.low) for port in wanted if not port.name]
    for protocol, port in (*scene.declares(side, number), *named, _USUAL.get(side.name, _HTTPS)):
        if reach.port(protocol, port) & ports:
            return protocol, port
    protocol, low, _ = next(reach.atoms.spans(ports))
    return protocol, low


def ports_words(scene: Scene, ports: int, wanted: Sequence[PortTerm] = ()) -> str:
    """``443/TCP, 53/UDP``; ``every port`` where all of each protocol are meant.

    Where a rule names ports by number, those of them that are in the set: no policy tells
    their neighbours apart.
    """
    if wanted and all(not port.name for port in wanted):
        told = [str(port) for port in wanted if scene.everyone([port]) & ports]
    elif ports == scene.reach.atoms.all:
        return "every port"
    else:
        told = [str(span) for span in spans(scene.reach, ports)]
    return ", ".join(told[:_MOST]) + (f" and {len(told) - _MOST} more" if len(told) > _MOST else "")
