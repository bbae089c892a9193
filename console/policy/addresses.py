"""Addresses, networks, and what of them is the internet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from console.policy.model import Address, Network

#: What is not the internet, by address family.
NOT_INTERNET: Final[dict[int, tuple[Network, ...]]] = {
    # RFC 1918, RFC 6598 (shared), link-local, loopback, "this network", multicast, reserved.
    4: tuple(
        IPv4Network(text)
        for text in (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "224.0.0.0/3",
        )
    ),
    # Only 2000::/3 is global unicast (RFC 4291, IANA); everything else is listed here.
    6: (IPv6Network("::/3"), IPv6Network("4000::/2"), IPv6Network("8000::/1")),
}
_BITS: Final = {4: 32, 6: 128}
_LEADING_ZEROS: Final = re.compile(r"\b0+(?=\d)")


# Both are pure; the same few texts are parsed again and again, and ipaddress is slow.
@lru_cache(maxsize=65536)
def parse_address(text: str) -> Address | None:
    """The address, or None if the text is none. An IPv4-mapped IPv6 address is its IPv4 address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if address.version == 6 else None
    return mapped or address


@lru_cache(maxsize=65536)
def parse_network(text: str) -> Network | None:
    """The network, read as API servers before 1.36 read it; None if the text is no CIDR to them.

    Bits beyond the prefix are dropped, leading zeros mean nothing, and IPv4 mapped into
    IPv6 is IPv4 (`outdated` tells of these).
    """
    address, _, prefix = text.partition("/")
    if "%" in address or not (prefix.isascii() and prefix.isdecimal()):
        return None  # Python also knows zones and netmasks
    if ":" not in address:
        address = _LEADING_ZEROS.sub("", address)
    try:
        network = ip_network(f"{address}/{int(prefix)}", strict=False)
    except ValueError:
        return None
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    return IPv4Network((mapped, network.prefixlen - 96)) if mapped else network


def outdated(text: str) -> bool:
    """Whether a valid CIDR is written as API servers from 1.36 on refuse it in new objects."""
    address, _, prefix = text.partition("/")
    network = parse_network(text)
    if network is None or (prefix.startswith("0") and prefix != "0"):
        return True
    # An address of the other family than its text is one that was mapped.
    return parse_address(address) != network.network_address or (":" in address) != (network.version == 6)


def contains(network: Network, address: Address) -> bool:
    """Whether the address lies in the network; families never mix."""
    return network.version == address.version and address in network


def internet(networks: Iterable[Network], families: Iterable[int], own: Iterable[Address]) -> Iterator[Address]:
    """One address of each part of the internet that `networks` can tell apart, per family.

    The internet is every address that is not private, link-local or otherwise special,
    nor one of the cluster's `own`. The bounds of `networks` cut it into ranges whose
    addresses match the same ones; each range is represented by its first address
    that is not the cluster's.
    """
    networks = list(networks)
    taken = {(address.version, int(address)) for address in own}
    for family in families:
        closed = NOT_INTERNET[family]
        cuts = {0}
        for network in (*closed, *(each for each in networks if each.version == family)):
            cuts.add(int(network.network_address))
            cuts.add(int(network.broadcast_address) + 1)
        bounds = sorted(cuts)
        end = 1 << _BITS[family]
        seen: set[tuple[bool, ...]] = set()
        for start, stop in zip(bounds, [*bounds[1:], end], strict=True):
            value = start
            while value < stop and (family, value) in taken:
                value += 1
            if value >= min(stop, end):
                continue
            address = _address(family, value)
            if any(address in network for network in closed):
                continue
            # Ranges inside the same networks are alike: one representative serves.
            signature = tuple(contains(network, address) for network in networks)
            if signature not in seen:
                seen.add(signature)
                yield address


def _address(family: int, value: int) -> Address:
    packed = value.to_bytes(_BITS[family] // 8, "big")
    return ip_address(packed)
