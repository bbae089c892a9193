"""``networking.k8s.io/v1`` NetworkPolicy: validation, defaulting, and compilation to the one form.

Sources: Kubernetes ``pkg/apis/networking/validation/validation.go`` for what is valid,
``pkg/apis/networking/v1/defaults.go`` for ``policyTypes``, ``staging/src/k8s.io/api/
networking/v1/types.go`` for what each field means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from console.objects.netpol import IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicyRule
from console.objects.selectors import OPERATORS, LabelSelector
from console.policy.addresses import outdated, parse_network
from console.policy.model import (
    Action,
    CidrPeer,
    Network,
    Path,
    Peer,
    PodPeer,
    Policy,
    PortMatch,
    Protocol,
    Rule,
    Subject,
    Tier,
)

_PORT_NAME: Final = re.compile(r"(?=.*[a-z])[a-z0-9](?:-?[a-z0-9])*")
_LABEL_VALUE: Final = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_LABEL_KEY: Final = re.compile(
    r"(?:(?=[^/]{1,253}/)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*/)?"
    r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)
_REFUSED: Final = "API servers from 1.36 on refuse it in new objects"


class Problem(msgspec.Struct, frozen=True):
    """A part of a policy that is not valid. A `fatal` one the API server refuses; others it only warns of."""

    path: Path
    message: str
    fatal: bool = True


_WORD: Final = re.compile(r"\w+")


def dotted(path: Path) -> str:
    """A path as people write it: ``spec.egress[0].ports[1].endPort``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _WORD.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{step}]"
    return text


def validate(policy: NetworkPolicy) -> tuple[Problem, ...]:
    """All that is wrong with a policy, in the order of its fields; empty when the API server would take it."""
    return tuple(_validate(policy))


def _validate(policy: NetworkPolicy) -> Iterator[Problem]:
    spec: Path = ("spec",)
    yield from selector_problems(policy.pod_selector, (*spec, "podSelector"))
    for index, kind in enumerate(policy.policy_types or ()):
        if kind not in ("Ingress", "Egress"):
            yield Problem((*spec, "policyTypes", index), f"must be Ingress or Egress, is {kind!r}")
    if len(policy.policy_types or ()) > 2:
        yield Problem((*spec, "policyTypes"), "may not hold more than two types")
    for field, key, rules in (("ingress", "from", policy.ingress), ("egress", "to", policy.egress)):
        for index, rule in enumerate(rules or ()):
            at = (*spec, field, index)
            for number, port in enumerate(rule.ports or ()):
                yield from _port(port, (*at, "ports", number))
            for number, peer in enumerate(rule.peers or ()):
                yield from _peer(peer, (*at, key, number))


def _port(port: NetworkPolicyPort, at: Path) -> Iterator[Problem]:
    if port.protocol is not None and port.protocol not in Protocol.__members__:
        yield Problem((*at, "protocol"), f"must be TCP, UDP or SCTP, is {port.protocol!r}")
    if isinstance(port.port, int) and not 1 <= port.port <= 65535:
        yield Problem((*at, "port"), f"must be between 1 and 65535, is {port.port}")
    if isinstance(port.port, str) and not (len(port.port) <= 15 and _PORT_NAME.fullmatch(port.port)):
        yield Problem((*at, "port"), f"{port.port!r} is no port name (up to 15 of a–z, 0–9 and -, with a letter)")
    if port.end_port is None:
        return
    if port.port is None:
        yield Problem((*at, "endPort"), "needs a port to begin at")
    elif isinstance(port.port, str):
        yield Problem((*at, "endPort"), f"needs a numeric port, not the name {port.port!r}")
    elif port.end_port < port.port:
        yield Problem((*at, "endPort"), f"must be at least port ({port.port}), is {port.end_port}")
    elif port.end_port > 65535:
        yield Problem((*at, "endPort"), f"must be at most 65535, is {port.end_port}")


def _peer(peer: NetworkPolicyPeer, at: Path) -> Iterator[Problem]:
    if peer.pod_selector is None and peer.namespace_selector is None and peer.ip_block is None:
        yield Problem(at, "must name a podSelector, a namespaceSelector or an ipBlock: an empty peer is invalid")
    if peer.ip_block is not None:
        if peer.pod_selector is not None or peer.namespace_selector is not None:
            yield Problem(at, "an ipBlock may not stand beside a selector in one peer")
        yield from _block(peer.ip_block, (*at, "ipBlock"))
    if peer.pod_selector is not None:
        yield from selector_problems(peer.pod_selector, (*at, "podSelector"))
    if peer.namespace_selector is not None:
        yield from selector_problems(peer.namespace_selector, (*at, "namespaceSelector"))


def _block(block: IPBlock, at: Path) -> Iterator[Problem]:
    network = parse_network(block.cidr)
    if network is None:
        yield Problem((*at, "cidr"), f"{block.cidr!r} is no CIDR such as 10.0.0.0/8 or fd00::/8")
        return
    if outdated(block.cidr):
        yield Problem((*at, "cidr"), f"{block.cidr} is read as {network}; {_REFUSED}", fatal=False)
    for index, text in enumerate(block.excepts or ()):
        inner, where = parse_network(text), (*at, "except", index)
        if inner is None:
            yield Problem(where, f"{text!r} is no CIDR such as 10.1.0.0/16")
            continue
        if not _strictly_within(inner, network):
            yield Problem(where, f"must lie strictly inside the cidr {network}, is {text}")
        if outdated(text):
            yield Problem(where, f"{text} is read as {inner}; {_REFUSED}", fatal=False)


def _strictly_within(inner: Network, outer: Network) -> bool:
    if inner.version != outer.version or inner.prefixlen <= outer.prefixlen:
        return False
    return inner.network_address in outer


def selector_problems(selector: LabelSelector, at: Path) -> Iterator[Problem]:
    """What is wrong with a label selector at a path (apimachinery ``ValidateLabelSelector``)."""
    for key, value in (selector.match_labels or {}).items():
        where = (*at, "matchLabels", key)
        yield from _label_key(key, where)
        yield from _label_value(value, where)
    for index, entry in enumerate(selector.match_expressions or ()):
        where = (*at, "matchExpressions", index)
        yield from _label_key(entry.key, (*where, "key"))
        if entry.operator not in OPERATORS:
            yield Problem((*where, "operator"), f"must be one of {', '.join(OPERATORS)}, is {entry.operator!r}")
        elif entry.operator in ("In", "NotIn"):
            if not entry.values:
                yield Problem((*where, "values"), f"{entry.operator} needs at least one value")
        elif entry.values:
            yield Problem((*where, "values"), f"{entry.operator} takes no values")
        for number, value in enumerate(entry.values or ()):
            yield from _label_value(value, (*where, "values", number))


def _label_key(key: str, at: Path) -> Iterator[Problem]:
    if not _LABEL_KEY.fullmatch(key):
        yield Problem(at, f"{key[:80]!r} is no label key")


def _label_value(value: str, at: Path) -> Iterator[Problem]:
    if not _LABEL_VALUE.fullmatch(value):
        yield Problem(at, f"{value[:80]!r} is no label value (up to 63 of letters, digits, -, _ and .)")


def compile_policy(policy: NetworkPolicy) -> Policy:
    """The compiled form of a valid policy, with the API server's defaults applied."""
    # Empty types mean Ingress, and Egress too only where there is an egress rule (defaults.go).
    types = policy.policy_types or (("Ingress", "Egress") if policy.egress else ("Ingress",))
    return Policy(
        ref=policy.ref,
        tier=Tier.NETWORK_POLICY,
        subject=Subject(
            ("metadata", "namespace"), ("spec", "podSelector"), policy.namespace, None, policy.pod_selector
        ),
        ingress=_rules(policy, policy.ingress, "ingress", "from") if "Ingress" in types else None,
        egress=_rules(policy, policy.egress, "egress", "to") if "Egress" in types else None,
    )


def _rules(policy: NetworkPolicy, rules: Sequence[NetworkPolicyRule] | None, field: str, key: str) -> tuple[Rule, ...]:
    return tuple(_compile_rule(policy, rule, index, field, key) for index, rule in enumerate(rules or ()))


def _compile_rule(policy: NetworkPolicy, rule: NetworkPolicyRule, index: int, field: str, key: str) -> Rule:
    path: Path = ("spec", field, index)
    peers = tuple(_compile_peer(policy, peer, (*path, key, n)) for n, peer in enumerate(rule.peers or ()))
    ports = tuple(_compile_port(port, (*path, "ports", n)) for n, port in enumerate(rule.ports or ()))
    # An empty list means any, exactly as an absent one does (types.go).
    return Rule(path, index, Action.ALLOW, peers or None, ports or None)


def _compile_peer(policy: NetworkPolicy, peer: NetworkPolicyPeer, path: Path) -> Peer:
    if peer.ip_block is None:
        selectors = ((*path, "namespaceSelector"), (*path, "podSelector"))
        return PodPeer(path, *selectors, policy.namespace, peer.namespace_selector, peer.pod_selector)
    network = parse_network(peer.ip_block.cidr)
    assert network is not None, "compiled before it was validated"
    excepts = (parse_network(text) for text in peer.ip_block.excepts or ())
    return CidrPeer(path, (*path, "ipBlock", "cidr"), network, tuple(inner for inner in excepts if inner is not None))


def _compile_port(port: NetworkPolicyPort, path: Path) -> PortMatch:
    protocol = Protocol(port.protocol or "TCP")
    if isinstance(port.port, str):
        return PortMatch(path, protocol, name=port.port)
    if port.port is None:
        return PortMatch(path, protocol)
    return PortMatch(path, protocol, port.port, port.end_port or port.port)
