"""A policy in a few words: whom it selects, and what it does in each direction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console.objects.core import METADATA_NAME, ForeignPolicy
from console.objects.meta import ObjectRef
from console.objects.netpol import NetworkPolicy
from console.objects.selectors import LabelSelector
from console.objects.tiered import TieredPolicy
from console.policy.match import wording
from console.policy.model import CidrPeer, Direction, DomainPeer, NodePeer, Peer, PodPeer, PortMatch, Rule, Tier
from console.policy.model import Policy as Compiled
from console.tui.model.sight import Facts
from console.tui.text import Piece, Tone

#: Every kind of policy that is listed.
Policy = NetworkPolicy | TieredPolicy | ForeignPolicy
#: So many ports or peers are named before the rest are counted.
_NAMED = 4


def selector_words(selector: LabelSelector | None, everything: str) -> str:
    """A selector as facts are written; `everything` where it selects all."""
    if selector is None or selector.is_empty:
        return everything
    wanted = [f"{key}={value}" for key, value in (selector.match_labels or {}).items()]
    wanted += [wording(entry) for entry in selector.match_expressions or ()]
    return ", ".join(wanted)


def selects(policy: Policy) -> str:
    """Whom a policy selects."""
    if isinstance(policy, NetworkPolicy):
        return selector_words(policy.pod_selector, "all pods")
    if isinstance(policy, ForeignPolicy):
        return selector_words(policy.pod_selector, "it may be any pod")
    pods = policy.subject.pods
    namespaces = pods.namespace_selector if pods else policy.subject.namespaces
    return f"{selector_words(pods.pod_selector if pods else None, 'all pods')} in {namespace_words(namespaces)}"


def namespace_words(selector: LabelSelector | None) -> str:
    """Namespaces by label; the label every namespace carries is its name."""
    return selector_words(selector, "any namespace").replace(f"{METADATA_NAME}=", "")


def compiled(facts: Facts, ref: ObjectRef) -> Compiled | None:
    """A policy in its compiled form; None where it is not valid or of a kind that is not evaluated."""
    policy = facts.frame.snapshot.policy(ref)
    return None if policy is None or isinstance(policy, ForeignPolicy) else facts.frame.engine.compiled(policy)


def does(facts: Facts, policy: Policy, direction: Direction) -> Piece:
    """What a policy does in a direction, in a word for a list."""
    if isinstance(policy, ForeignPolicy):
        return Piece("? unknown", Tone.WARN)
    form = compiled(facts, policy.ref)
    if form is None:
        return Piece("✗ invalid", Tone.BAD)
    rules = form.rules(direction)
    if rules is None:
        return Piece("–", Tone.DIM)
    if not rules and form.tier is Tier.NETWORK_POLICY:
        return Piece("▣ closes", Tone.GOOD)
    return Piece(f"■ {len(rules)} rule{'s' if len(rules) != 1 else ''}")


def ports_of(rule: Rule) -> str:
    """The ports of a rule: ``6566/TCP, 53/UDP``, ``all ports``."""
    if rule.ports is None:
        return "all ports"
    return counted([port_words(port) for port in rule.ports])


def peers_of(rule: Rule) -> str:
    """Whom a rule names."""
    if rule.peers is None:
        return "anyone"
    return counted([peer_words(peer) for peer in rule.peers])


def counted(texts: Sequence[str]) -> str:
    """A few texts, and how many more there are."""
    shown = ", ".join(texts[:_NAMED])
    return f"{shown}, +{len(texts) - _NAMED} more" if len(texts) > _NAMED else shown


def port_words(port: PortMatch) -> str:
    """A port of a rule."""
    protocol = port.protocol.value if port.protocol else ""
    if port.name:
        return port.name
    if port.low is None:
        return f"all {protocol}".strip() if protocol else "all ports"
    return f"{port.low}/{protocol}" if port.low == port.high else f"{port.low}–{port.high}/{protocol}"


def peer_words(peer: Peer) -> str:
    """A peer of a rule."""
    if isinstance(peer, CidrPeer):
        return f"{peer.network}" + (f" except {len(peer.excepts)} ranges" if peer.excepts else "")
    if isinstance(peer, PodPeer):
        return " in ".join(_pod_peer(peer))
    if isinstance(peer, NodePeer):
        return f"nodes {selector_words(peer.nodes, 'of any label')}"
    return counted(peer.names) if isinstance(peer, DomainPeer) else f"{peer.field} (not known here)"


def _pod_peer(peer: PodPeer) -> Iterator[str]:
    yield selector_words(peer.pods, "any pod here" if peer.namespaces is None else "any pod")
    if peer.namespaces is not None:
        yield namespace_words(peer.namespaces)
