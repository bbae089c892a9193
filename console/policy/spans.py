"""Addresses as numbers, and the spans into which networks cut the addresses of a family."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from socket import AF_INET, AF_INET6, inet_pton

from console.policy.addresses import BITS, NOT_INTERNET, PRIVATE_NETWORKS, parse_address
from console.policy.model import Address, Network


def numbered(text: str) -> tuple[int, int] | None:
    """The family and the number of an address, as `parse_address` reads it; None if the text is none."""
    # ipaddress takes 4 µs, which counts where every pod is asked.
    try:
        if ":" not in text:
            return 4, int.from_bytes(inet_pton(AF_INET, text), "big")
        value = int.from_bytes(inet_pton(AF_INET6, text), "big")
        return (4, value & 0xFFFFFFFF) if value >> 32 == 0xFFFF else (6, value)
    except (OSError, ValueError):  # with a zone, or no address
        address = parse_address(text)
        return None if address is None else (address.version, int(address))


class Spans:
    """The bounds of networks cut the addresses of a family into spans whose addresses match the same ones."""

    def __init__(self, networks: Iterable[Network], family: int) -> None:
        cuts = {0}
        self._family = family
        for network in (*networks, *NOT_INTERNET[family], *PRIVATE_NETWORKS[family]):
            if network.version == family:
                first = int(network.network_address)
                cuts |= {first, first + network.num_addresses}
        self.starts = sorted(cut for cut in cuts if cut < 1 << BITS[family])

    def of(self, value: int) -> int:
        """The span of an address, given as its number."""
        return bisect_right(self.starts, value) - 1

    def range(self, network: Network) -> tuple[int, int]:
        """The spans of a network, as a half-open range."""
        first = int(network.network_address)
        return bisect_right(self.starts, first) - 1, bisect_left(self.starts, first + network.num_addresses)

    def address(self, start: int) -> Address:
        """The first address of a span."""
        return IPv4Address(start) if self._family == 4 else IPv6Address(start)
