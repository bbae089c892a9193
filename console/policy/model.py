"""The one form every kind of policy is compiled into: tier → policy → rule → peers and ports.

Each part keeps its path into the object it came from, so that an explanation can
point at the lines that decided.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import msgspec

from console.objects.meta import ObjectRef
from console.objects.selectors import LabelSelector

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: A place in an object: ``("spec", "ingress", 0, "from", 1)``.
Path = tuple[str | int, ...]


class Direction(Enum):
    """The side of a connection a policy governs."""

    EGRESS = "egress"
    INGRESS = "ingress"


class Tier(IntEnum):
    """The order in which policies are asked; the first tier that decides is final."""

    ADMIN = 0
    NETWORK_POLICY = 1
    BASELINE = 2


class Action(Enum):
    """What a matching rule does. PASS hands on to the next tier."""

    ALLOW = "allow"
    DENY = "deny"
    PASS = "pass"


class Protocol(Enum):
    """The protocols policies speak of; everything else is undefined by the specification."""

    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"


class PodPeer(msgspec.Struct, frozen=True):
    """Pods of namespaces. `namespaces` None means the policy's own (`home`); `pods` None means all of them."""

    path: Path
    namespaces_path: Path
    pods_path: Path
    home: str
    namespaces: LabelSelector | None
    pods: LabelSelector | None


class CidrPeer(msgspec.Struct, frozen=True):
    """Addresses of a network less its exceptions, pods' among them. `cidr_path` leads to the network's text."""

    path: Path
    cidr_path: Path
    network: Network
    excepts: tuple[Network, ...]


class NodePeer(msgspec.Struct, frozen=True):
    """Nodes by label: matched by the address, so hostNetwork pods are matched as their nodes."""

    path: Path
    nodes: LabelSelector


class DomainPeer(msgspec.Struct, frozen=True):
    """Hosts by name. Which addresses they have is not known here, so what it matches cannot be known."""

    path: Path
    names: tuple[str, ...]


class UnknownPeer(msgspec.Struct, frozen=True):
    """A peer of a kind this version does not know. Its whole rule fails closed: `matches` is false where that allows.

    A rule with one has no other peers.
    """

    path: Path
    field: str
    matches: bool


Peer = PodPeer | CidrPeer | NodePeer | DomainPeer | UnknownPeer


class PortMatch(msgspec.Struct, frozen=True):
    """Ports of a protocol: a range (`low` to `high`, inclusive), a `name`, or, with neither, all of them.

    `protocol` None means any protocol.
    """

    path: Path
    protocol: Protocol | None
    low: int | None = None
    high: int | None = None
    name: str = ""


class Rule(msgspec.Struct, frozen=True):
    """One rule: it matches when a peer and a port match. None means any peer, or any port and protocol."""

    path: Path
    index: int
    action: Action
    peers: tuple[Peer, ...] | None
    ports: tuple[PortMatch, ...] | None


class Subject(msgspec.Struct, frozen=True):
    """The pods a policy governs. `namespaces` None means the namespace `home`; `pods` None all of its pods."""

    namespaces_path: Path
    pods_path: Path
    home: str
    namespaces: LabelSelector | None
    pods: LabelSelector | None


class Policy(msgspec.Struct, frozen=True):
    """A compiled policy. `ingress`/`egress` None: it does not govern that direction; empty: it governs with no rule.

    In the NETWORK_POLICY tier, governing a direction isolates the pod there. `priority`
    orders the other tiers, lower first.
    """

    ref: ObjectRef
    tier: Tier
    subject: Subject
    ingress: tuple[Rule, ...] | None
    egress: tuple[Rule, ...] | None
    priority: int = 0

    def rules(self, direction: Direction) -> tuple[Rule, ...] | None:
        """The rules of a direction; None where the policy does not govern it."""
        return self.ingress if direction is Direction.INGRESS else self.egress
