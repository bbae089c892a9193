"""AdminNetworkPolicy, BaselineAdminNetworkPolicy and ClusterNetworkPolicy: validation and compilation.

Source: the types and the API overview of the network-policy-api repository
(``apis/v1alpha1``, ``apis/v1alpha2``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sized
from typing import Final

from console.objects.selectors import LabelSelector
from console.objects.tiered import PORTS_FIELD, NamespacedPods, TieredPeer, TieredPolicy, TieredPort, TieredRule
from console.policy.addresses import parse_network
from console.policy.model import (
    Action,
    CidrPeer,
    DomainPeer,
    NodePeer,
    Path,
    Peer,
    PodPeer,
    Policy,
    PortMatch,
    Protocol,
    Rule,
    Subject,
    Tier,
    UnknownPeer,
)
from console.policy.networking import Problem, selector_problems

_ACTIONS: Final = {
    "AdminNetworkPolicy": {"Allow": Action.ALLOW, "Deny": Action.DENY, "Pass": Action.PASS},
    "BaselineAdminNetworkPolicy": {"Allow": Action.ALLOW, "Deny": Action.DENY},
    "ClusterNetworkPolicy": {"Accept": Action.ALLOW, "Deny": Action.DENY, "Pass": Action.PASS},
}
#: An omitted namespaceSelector means every namespace.
_ALL: Final = LabelSelector()
#: Networks, or domain names, of one peer.
_MOST_LISTED: Final = 25
_TIERS: Final = {"Admin": Tier.ADMIN, "Baseline": Tier.BASELINE}


def validate_tiered(policy: TieredPolicy) -> tuple[Problem, ...]:
    """All that is wrong with a policy; empty when the API server would take it."""
    return tuple(_validate(policy))


def _validate(policy: TieredPolicy) -> Iterator[Problem]:
    if not 0 <= policy.priority <= 1000:
        yield Problem(("spec", "priority"), f"must be from 0 to 1000, is {policy.priority}")
    if policy.kind == "BaselineAdminNetworkPolicy" and policy.name != "default":
        yield Problem(("metadata", "name"), "there is one BaselineAdminNetworkPolicy, named default")
    subject = policy.subject
    if subject.unknown or subject.nodes or subject.networks or subject.domain_names:
        yield Problem(("spec", "subject"), "must be namespaces or pods")
    elif (subject.namespaces is None) == (subject.pods is None):
        yield Problem(("spec", "subject"), "must be exactly one of namespaces and pods")
    yield from _peer_selectors(subject, ("spec", "subject"))
    actions = _ACTIONS[policy.kind]
    limit = 25 if policy.kind == "ClusterNetworkPolicy" else 100
    for field, key, rules in (("ingress", "from", policy.ingress), ("egress", "to", policy.egress)):
        yield from _at_most(limit, rules, "rules", ("spec", field))
        for index, rule in enumerate(rules):
            at: Path = ("spec", field, index)
            if rule.action not in actions:
                yield Problem((*at, "action"), f"must be one of {', '.join(actions)}, is {rule.action!r}")
            yield from _at_most(limit, rule.peers, "peers", (*at, key))
            yield from _at_most(limit, rule.ports or (), "entries", (*at, PORTS_FIELD[policy.kind]))
            for number, peer in enumerate(rule.peers):
                yield from _peer(peer, rule, (*at, key, number), egress=field == "egress")
            for port in rule.ports or ():
                yield from _port(port, rule, (*at, *port.key))


def _peer(peer: TieredPeer, rule: TieredRule, at: Path, *, egress: bool) -> Iterator[Problem]:
    held = [peer.namespaces, peer.pods, peer.nodes, peer.networks, peer.domain_names]
    if sum(each is not None for each in held) + len(peer.unknown) != 1:
        yield Problem(at, "must be exactly one kind of peer")
    if not egress and (peer.nodes is not None or peer.networks is not None or peer.domain_names is not None):
        yield Problem(at, "nodes, networks and domainNames are egress peers")
    if peer.domain_names is not None and rule.action not in ("Allow", "Accept"):
        yield Problem((*at, "domainNames"), f"may only be allowed, not {rule.action}")
    for name, listed in (("networks", peer.networks), ("domainNames", peer.domain_names)):
        if listed is not None and not listed:
            yield Problem((*at, name), "needs at least one entry")
        yield from _at_most(_MOST_LISTED, listed or (), "entries", (*at, name))
    for index, text in enumerate(peer.networks or ()):
        if parse_network(text) is None:
            yield Problem((*at, "networks", index), f"{text!r} is no CIDR such as 10.0.0.0/8 or fd00::/8")
    yield from _peer_selectors(peer, at)


def _at_most(limit: int, listed: Sized, what: str, at: Path) -> Iterator[Problem]:
    if len(listed) > limit:
        yield Problem(at, f"may hold {limit} {what} at most, holds {len(listed)}")


def _peer_selectors(peer: TieredPeer, at: Path) -> Iterator[Problem]:
    if peer.namespaces is not None:
        yield from selector_problems(peer.namespaces, (*at, "namespaces"))
    if peer.nodes is not None:
        yield from selector_problems(peer.nodes, (*at, "nodes"))
    if peer.pods is not None and peer.pods.namespace_selector is not None:
        yield from selector_problems(peer.pods.namespace_selector, (*at, "pods", "namespaceSelector"))
    if peer.pods is not None and peer.pods.pod_selector is not None:
        yield from selector_problems(peer.pods.pod_selector, (*at, "pods", "podSelector"))


def _port(port: TieredPort, rule: TieredRule, at: Path) -> Iterator[Problem]:
    if port.protocol is not None and port.protocol not in Protocol.__members__:
        yield Problem(at, f"the protocol must be TCP, UDP or SCTP, is {port.protocol!r}")
    if port.low is not None and port.high is not None and not 1 <= port.low <= port.high <= 65535:
        yield Problem(at, f"{port.low}–{port.high} is no range of ports within 1 to 65535")
    if port.name and any(peer.networks or peer.nodes or peer.domain_names for peer in rule.peers):
        yield Problem(at, "a named port does not go with networks, nodes or domainNames")


def compile_tiered(policy: TieredPolicy) -> Policy:
    """The compiled form of a valid policy. A direction without rules has no effect, so it is not governed."""
    subject = policy.subject
    at: Path = ("spec", "subject")
    if subject.pods is not None:
        where = Subject(*_pods_paths(subject.pods, at), "",
                        subject.pods.namespace_selector or _ALL, subject.pods.pod_selector)  # fmt: skip
    else:
        where = Subject((*at, "namespaces"), at, "", subject.namespaces, None)
    return Policy(
        ref=policy.ref,
        tier=_TIERS[policy.tier],
        subject=where,
        ingress=_rules(policy, policy.ingress, "ingress", "from"),
        egress=_rules(policy, policy.egress, "egress", "to"),
        priority=policy.priority,
    )


def _rules(policy: TieredPolicy, rules: tuple[TieredRule, ...], field: str, key: str) -> tuple[Rule, ...] | None:
    return tuple(_rule(policy, rule, index, field, key) for index, rule in enumerate(rules)) or None


def _rule(policy: TieredPolicy, rule: TieredRule, index: int, field: str, key: str) -> Rule:
    path: Path = ("spec", field, index)
    action = _ACTIONS[policy.kind][rule.action]
    if any(peer.unknown for peer in rule.peers):
        return _closed(rule, path, index, key, action)
    peers = tuple(
        compiled for number, peer in enumerate(rule.peers) for compiled in _compile_peer(peer, (*path, key, number))
    )
    return Rule(path, index, action, peers, _match(rule, path))


def _match(rule: TieredRule, path: Path) -> tuple[PortMatch, ...] | None:
    if rule.ports is None:
        return None
    return tuple(
        PortMatch(
            (*path, *port.key), Protocol(port.protocol) if port.protocol else None, port.low, port.high, port.name
        )
        for port in rule.ports
    )


def _closed(rule: TieredRule, path: Path, index: int, key: str, action: Action) -> Rule:
    """A rule with a peer of a kind not known here, which fails closed, whatever its other peers and its ports are.

    The peers' text in ``apis/v1alpha1``, ``v1alpha2`` and ``v1beta1``: 'For "Accept" rules, "fail closed" means:
    "treat the rule as matching no traffic". For "Deny" and "Pass" rules, "fail closed" means: "treat the rule as a
    'Deny all' rule".'
    """
    allows = action is Action.ALLOW
    peers = tuple(
        UnknownPeer((*path, key, number, peer.unknown[0]), peer.unknown[0], matches=not allows)
        for number, peer in enumerate(rule.peers)
        if peer.unknown
    )
    return Rule(path, index, action if allows else Action.DENY, peers, _match(rule, path) if allows else None)


def _compile_peer(peer: TieredPeer, path: Path) -> Iterator[Peer]:
    if peer.namespaces is not None:
        yield PodPeer(path, (*path, "namespaces"), path, "", peer.namespaces, None)
    elif peer.pods is not None:
        paths = _pods_paths(peer.pods, path)
        yield PodPeer(path, *paths, "", peer.pods.namespace_selector or _ALL, peer.pods.pod_selector)
    elif peer.nodes is not None:
        yield NodePeer((*path, "nodes"), peer.nodes)
    elif peer.domain_names is not None:
        yield DomainPeer((*path, "domainNames"), tuple(peer.domain_names))
    for index, text in enumerate(peer.networks or ()):
        network = parse_network(text)
        assert network is not None, "compiled before it was validated"
        yield CidrPeer(path, (*path, "networks", index), network, ())


def _pods_paths(pods: NamespacedPods, at: Path) -> tuple[Path, Path]:
    """Where the ``pods`` of a peer or subject name namespaces (``pods`` itself where they leave them out), and pods."""
    held = (*at, "pods")
    namespaces = held if pods.namespace_selector is None else (*held, "namespaceSelector")
    return namespaces, (*held, "podSelector")
