"""What egress peers name that a policy cannot hold to: Services by address, hosts by address, hosts by name."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import collapse_addresses
from typing import Any

from console.governance.findings import Finding, Place
from console.governance.hygiene_codes import make
from console.objects.core import Service
from console.objects.netpol import NetworkPolicy
from console.objects.snapshot import Snapshot
from console.objects.tiered import TieredPolicy
from console.policy.addresses import parse_address
from console.policy.explain_study import Study
from console.policy.explain_words import listed, peer_words, policy_name
from console.policy.model import CidrPeer, DomainPeer, Path, Rule
from console.policy.networking import dotted


@dataclass(frozen=True, slots=True)
class ServiceAddresses:
    """The cluster addresses of Services, in order, by family."""

    numbers: Mapping[int, Sequence[int]]
    services: Mapping[int, Sequence[Service]]

    @classmethod
    def of(cls, snapshot: Snapshot) -> ServiceAddresses:
        """Those of a snapshot."""
        found: dict[int, list[tuple[int, Service]]] = {4: [], 6: []}
        for text, service in snapshot.services_by_ip.items():
            address = parse_address(text)
            if address is not None:
                found[address.version].append((int(address), service))
        for each in found.values():
            each.sort(key=lambda entry: entry[0])
        numbers = {family: [number for number, _ in each] for family, each in found.items()}
        return cls(numbers, {family: [service for _, service in each] for family, each in found.items()})

    def within(self, peer: CidrPeer) -> list[Service]:
        """The Services whose address lies in a network and in none of its exceptions."""
        numbers = self.numbers[peer.network.version]
        inside = set(_span(numbers, int(peer.network.network_address), int(peer.network.broadcast_address)))
        for hole in peer.excepts:
            inside -= set(_span(numbers, int(hole.network_address), int(hole.broadcast_address)))
        return [self.services[peer.network.version][index] for index in sorted(inside)]


def _span(numbers: Sequence[int], first: int, last: int) -> range:
    return range(bisect_left(numbers, first), bisect_right(numbers, last))


def of_peers(study: Study, written: NetworkPolicy | TieredPolicy, services: ServiceAddresses) -> Iterator[Finding]:
    """The findings about the egress peers of a policy."""
    clustered: list[tuple[Path, str]] = []
    pieced: list[tuple[Path, str]] = []
    pinned: list[tuple[Path, str]] = []
    named: list[tuple[Path, str]] = []
    for rule in study.policy.egress or ():
        whole = _pieced(rule)
        if whole:
            pieced.append(
                (rule.path, f"its networks together are {whole}, cloud metadata and all private ones among it")
            )
        for peer in rule.peers or ():
            if isinstance(peer, DomainPeer):
                named.append((peer.path, f"{peer_words(peer)}: which addresses these have is not known here"))
            elif isinstance(peer, CidrPeer):
                held = services.within(peer) if peer.network.prefixlen and not whole else []
                if held:
                    names = listed([f"{each.namespace}/{each.name} ({each.cluster_ips[0]})" for each in held])
                    clustered.append((peer.cidr_path, f"{peer.network} holds the addresses of Services: {names}"))
                elif peer.network.num_addresses == 1 and peer.network.is_global:
                    pinned.append((peer.cidr_path, f"{peer.network} is one public address"))
    who = policy_name(written.ref)
    for code, title, found in (
        ("OPEN_INTERNET", f"{who} opens the internet, in pieces", pieced),
        ("CLUSTER_IP_IN_IPBLOCK", f"{who} names Services by their address", clustered),
        ("HOST_BY_ADDRESS", f"{who} names hosts outside by their address", pinned),
        ("DOMAIN_NAMES", f"{who} names hosts, which its kind may not enforce", named),
    ):
        if found:
            facts = [f"{dotted(path)}: {text}" for path, text in found]
            yield make(code, written.ref, title, facts, place=place(written, found[0][0]))


def _pieced(rule: Rule) -> str:
    """The family's whole range (``0.0.0.0/0``) where a rule's networks cover it only together; else ``""``."""
    cidrs = [peer for peer in rule.peers or () if isinstance(peer, CidrPeer) and not peer.excepts]
    for family in (4, 6):
        # Networks of one family at a time: the two do not collapse together.
        networks: list[Any] = [peer.network for peer in cidrs if peer.network.version == family]
        merged = list(collapse_addresses(networks))
        if len(networks) > 1 and len(merged) == 1 and merged[0].prefixlen == 0 and merged[0] not in networks:
            return str(merged[0])
    return ""


def place(written: NetworkPolicy | TieredPolicy, path: Path) -> Place | None:
    """Where a part of a policy stands in the file it came from; None for one that came from a cluster."""
    text = written.text
    if text is None or text.yaml is None:
        return None
    # Only files have places, and only findings want them: their YAML is not parsed for marks before.
    from console.objects.yaml_positions import locate

    lines = locate(text.yaml, path) if path else None
    return Place(text.file, text.line + (lines[0] - 1 if lines else 0))
