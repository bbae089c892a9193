"""CIDRs as API servers read them, today's and those of old clusters."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from console.policy.addresses import outdated, parse_network


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("10.0.0.1/8", "10.0.0.0/8"),
        ("2001:db8::1/32", "2001:db8::/32"),
        ("010.001.0.0/016", "10.1.0.0/16"),
        ("10.0.0.0/00", "0.0.0.0/0"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:10.0.0.0/8", "::/8"),
    ],
)
def test_what_only_old_servers_accept_is_read_as_they_read_it(text: str, network: str) -> None:
    assert parse_network(text) == ip_network(network)
    assert outdated(text)


@pytest.mark.parametrize("text", ["10.0.0.0/8", "0.0.0.0/0", "10.0.0.10/32", "::/0", "2001:DB8::/32", "2001:0db8::/32"])
def test_what_every_server_accepts(text: str) -> None:
    assert parse_network(text) == ip_network(text)
    assert not outdated(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0/8", " 10.0.0.0/8", "x/8"),
        *("10.0.0.0/255.0.0.0", "10.0.0.0/0.255.255.255", "fe80::%eth0/64", "::/129", "10.0.0.0/٨", "10.0.0.0/8/8"),
    ],
)
def test_what_no_server_accepts(text: str) -> None:
    assert parse_network(text) is None
