"""Addresses, networks, and what of them is the internet."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from console.objects.snapshot import Snapshot
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
#: Private addresses by family: RFC 1918; RFC 4193.
PRIVATE_NETWORKS: Final[dict[int, tuple[Network, ...]]] = {
    4: (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16")),
    6: (IPv6Network("fc00::/7"),),
}
#: How long the addresses of a family are.
BITS: Final = {4: 32, 6: 128}
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


def never_a_pods(address: Address) -> bool:
    """Whether no pod holds an address: it is link-local, or public. Global IPv6 addresses are pods' too."""
    public = address.version == 4 and not any(contains(network, address) for network in NOT_INTERNET[4])
    return public or address.is_link_local


def api_server_addresses(snapshot: Snapshot) -> tuple[Address, ...]:
    """Where the API server is: the endpoints of the Service default/kubernetes, which it keeps itself."""
    held = snapshot.contents.get("default")
    slices = [each for each in held.endpoint_slices.values() if each.service == "kubernetes"] if held else []
    texts = [address for each in slices for endpoint in each.endpoints for address in endpoint.addresses]
    return tuple(address for address in map(parse_address, texts) if address is not None)


#: A network less its exceptions; and networks of which one is as good as another, as the peers of one rule are.
Block = tuple[Network, Sequence[Network]]
Blocks = Sequence[Block]


def internet(alike: Iterable[Blocks], family: int, own: Container[int]) -> Iterator[Address]:
    """One address of each part of the internet that `alike` can tell apart, in one family.

    The internet is every address that is not private, link-local or otherwise special,
    nor one of the cluster's `own`, which are given as numbers.
    """
    closed = NOT_INTERNET[family]
    parts = _parts(0, 1 << BITS[family], family, [*([(network, ())] for network in closed), *alike], own)
    return (address for address in parts if not any(address in network for network in closed))


def within(whole: Network, alike: Iterable[Blocks], own: Container[int]) -> Iterator[Address]:
    """One address of each part of a network that `alike` can tell apart, the cluster's `own` (numbers) left out."""
    start = int(whole.network_address)
    return _parts(start, start + whole.num_addresses, whole.version, alike, own)


def _parts(start: int, end: int, family: int, alike: Iterable[Blocks], own: Container[int]) -> Iterator[Address]:
    """The bounds of networks cut a range into parts whose addresses are in the same of `alike`; the first of each."""
    # Where a block, or an exception of it, begins or ends: (which of alike, which block, inside, in exceptions).
    turns: dict[int, list[tuple[int, int, int, int]]] = {start: []}
    block = -1
    for number, blocks in enumerate(alike):
        for whole, excepts in blocks:
            block += 1
            for network, hole in ((whole, 0), *((each, 1) for each in excepts)):
                if network.version != family:
                    continue
                first = int(network.network_address)
                last = first + network.num_addresses
                if first < end and last > start:
                    turns.setdefault(max(first, start), []).append((number, block, 1 - hole, hole))
                    if last < end:
                        turns.setdefault(last, []).append((number, block, hole - 1, -hole))
    inside, holes = [0] * (block + 1), [0] * (block + 1)
    matching: dict[int, int] = {}
    active = 0
    seen: set[int] = set()
    bounds = sorted(turns)
    for value, stop in zip(bounds, [*bounds[1:], end], strict=True):
        for number, place, into, hole in turns[value]:
            was = inside[place] > 0 and not holes[place]
            inside[place] += into
            holes[place] += hole
            now = inside[place] > 0 and not holes[place]
            if was != now:
                before = matching.get(number, 0)
                matching[number] = before + (1 if now else -1)
                if not before or not matching[number]:
                    active ^= 1 << number
        if active in seen:
            continue
        while value < stop and value in own:
            value += 1
        if value < stop:
            seen.add(active)
            yield _address(family, value)


def _address(family: int, value: int) -> Address:
    return ip_address(value.to_bytes(BITS[family] // 8, "big"))
