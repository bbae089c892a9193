"""Ports, as offences tell them and as `simulate` takes them."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from console.governance.charter_terms import PortTerm
from console.governance.ends import Side
from console.governance.scopes import Scene
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
    declared = scene.named(side, number)
    if wanted:
        declared = [each for each in declared if any(_meant(port, *each) for port in wanted)]
    numbers = [(port.protocol or Protocol.TCP, port.low) for port in wanted if not port.name]
    usual = () if wanted else (_USUAL.get(side.name, _HTTPS),)
    for protocol, port in (*((each[0], each[1]) for each in declared), *numbers, *usual):
        if scene.port(protocol, port) & ports:
            return protocol, port
    protocol, low, _ = next(reach.atoms.spans(ports))
    return protocol, low


def _meant(port: PortTerm, protocol: Protocol, number: int, name: str) -> bool:
    """Whether a declared port is one that is meant."""
    same = port.protocol in (None, protocol)
    return same and (port.name == name if port.name else port.low <= number <= port.high)


def ports_words(scene: Scene, ports: int, wanted: Sequence[PortTerm] = ()) -> str:
    """``443/TCP, 53/UDP``; ``every port`` where all of each protocol are meant.

    Where a rule names ports by number, those of them that are in the set: no policy tells
    their neighbours apart.
    """
    key = ports, tuple(wanted)
    if key not in scene.words:
        scene.words[key] = _ports_words(scene, ports, wanted)
    return scene.words[key]


def _ports_words(scene: Scene, ports: int, wanted: Sequence[PortTerm]) -> str:
    if wanted and all(not port.name for port in wanted):
        told = [str(port) for port in wanted if scene.everyone([port]) & ports]
    elif ports == scene.reach.atoms.all:
        return "every port"
    else:
        told = [str(span) for span in spans(scene.reach, ports)]
    return ", ".join(told[:_MOST]) + (f" and {len(told) - _MOST} more" if len(told) > _MOST else "")
