"""What a set of policies can tell apart: labels, addresses, ports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from console.policy.match import keys_of
from console.policy.model import CidrPeer, Network, NodePeer, PodPeer, Policy, Protocol

_PROTOCOLS: Final = tuple(Protocol)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The label keys of pods, the networks, the bounds of port ranges and the names of ports that policies use.

    `nodes`: whether they select nodes by label.
    """

    keys: frozenset[str]
    networks: Mapping[Network, None]
    ports: Mapping[Protocol, frozenset[int]]
    names: frozenset[str]
    nodes: bool

    @classmethod
    def of(
        cls, policies: Iterable[Policy], *, keys: Iterable[str] = (), networks: Iterable[Network] = ()
    ) -> Vocabulary:
        """The vocabulary of policies, and of further `keys` and `networks` that matter."""
        found, known = set(keys), dict.fromkeys(networks)
        ports: dict[Protocol, set[int]] = {protocol: set() for protocol in _PROTOCOLS}
        names: set[str] = set()
        nodes = False
        ranges: set[tuple[Protocol | None, int, int]] = set()
        for policy in policies:
            found.update(keys_of(policy.subject.pods))
            for rule in (*(policy.ingress or ()), *(policy.egress or ())):
                for match in rule.ports or ():
                    if match.name:
                        names.add(match.name)
                    elif match.low is not None and match.high is not None:
                        ranges.add((match.protocol, match.low, match.high))
                for peer in rule.peers or ():
                    if isinstance(peer, PodPeer):
                        if peer.pods is not None:
                            found.update(keys_of(peer.pods))
                    elif isinstance(peer, CidrPeer):
                        known[peer.network] = None
                        known.update(dict.fromkeys(peer.excepts))
                    else:
                        nodes = nodes or isinstance(peer, NodePeer)
        for spoken, low, high in ranges:
            for protocol in (spoken,) if spoken else _PROTOCOLS:
                ports[protocol] |= {low, high + 1}
        cuts = {protocol: frozenset(each) for protocol, each in ports.items()}
        return cls(frozenset(found), known, cuts, frozenset(names), nodes)

    def covers(self, other: Vocabulary) -> bool:
        """Whether whatever `other` tells apart is told apart by this one."""
        return (
            other.keys <= self.keys
            and other.networks.keys() <= self.networks.keys()
            and all(cuts <= self.ports[protocol] for protocol, cuts in other.ports.items())
            and other.names <= self.names
            and (self.nodes or not other.nodes)
        )
