"""Selectors, peers and ports of a policy in words, for sentences about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console.objects.core import METADATA_NAME
from console.objects.meta import ObjectRef
from console.objects.selectors import LabelSelector
from console.policy.match import wording
from console.policy.model import CidrPeer, DomainPeer, NodePeer, Path, Peer, PodPeer, PortMatch


def requirements(selector: LabelSelector) -> Iterator[tuple[Path, str, LabelSelector]]:
    """Each requirement of a selector: its path inside it, its words, and itself as a selector."""
    for key, value in (selector.match_labels or {}).items():
        yield ("matchLabels", key), f"{key}={value}", LabelSelector(match_labels={key: value})
    for index, entry in enumerate(selector.match_expressions or ()):
        words = {"Exists": f"a label {entry.key}", "DoesNotExist": f"no label {entry.key}"}.get(entry.operator)
        yield ("matchExpressions", index), words or wording(entry), LabelSelector(match_expressions=[entry])


def selector_words(selector: LabelSelector) -> str:
    """``role=trainer and tier in (a, b)``; empty where it selects everything."""
    return " and ".join(words for _, words, _ in requirements(selector))


def pods_words(selector: LabelSelector | None) -> str:
    """``all pods``, ``pods with role=trainer``."""
    return "all pods" if selector is None or selector.is_empty else f"pods with {selector_words(selector)}"


def namespaces_words(selector: LabelSelector | None, home: str) -> str:
    """``namespace training`` (None: the policy's own), ``namespaces with team=ml``, ``all namespaces``."""
    if selector is None:
        return f"namespace {home}"
    if selector.is_empty:
        return "all namespaces"
    named = names_of(selector)
    if named:
        return f"namespace{'s' * (len(named) > 1)} {', '.join(named)}"
    return f"namespaces with {selector_words(selector)}"


def names_of(selector: LabelSelector) -> Sequence[str]:
    """The names a namespaceSelector asks for, where it asks for nothing else."""
    labels, expressions = selector.match_labels or {}, selector.match_expressions or ()
    if len(labels) == 1 and not expressions and METADATA_NAME in labels:
        return [labels[METADATA_NAME]]
    if not labels and len(expressions) == 1 and (expressions[0].key, expressions[0].operator) == (METADATA_NAME, "In"):
        return expressions[0].values or ()
    return ()


def peer_words(peer: Peer) -> str:
    """A peer: ``pods with role=trainer in namespaces with team=ml``, ``addresses in 10.0.0.0/8 except …``."""
    if isinstance(peer, PodPeer):
        if peer.pods is None and peer.namespaces is not None and peer.namespaces.is_empty:
            return "all pods of the cluster"
        return f"{pods_words(peer.pods)} in {namespaces_words(peer.namespaces, peer.home)}"
    if isinstance(peer, CidrPeer):
        lesser = f" except {', '.join(map(str, peer.excepts))}" if peer.excepts else ""
        return f"addresses in {peer.network}{lesser}"
    if isinstance(peer, NodePeer):
        return "all nodes" if peer.nodes.is_empty else f"nodes with {selector_words(peer.nodes)}"
    if isinstance(peer, DomainPeer):
        return f"hosts named {', '.join(peer.names)}"
    return f"a peer of a kind that is not known here ({peer.field})"


def port_words(match: PortMatch) -> str:
    """A port of a rule: ``443/TCP``, ``29500–29999/TCP``, ``metrics/TCP``, ``all UDP ports``."""
    protocol = f"/{match.protocol.value}" if match.protocol else ""
    if match.name:
        return f"{match.name}{protocol}"
    if match.low is None:
        return f"all {match.protocol.value} ports" if match.protocol else "all ports"
    return f"{match.low}{protocol}" if match.low == match.high else f"{match.low}–{match.high}{protocol}"


def policy_name(ref: ObjectRef) -> str:
    """A policy as people write it: ``training/default-deny``, ``adminnetworkpolicy/lockdown``."""
    if ref.kind == "NetworkPolicy":
        return f"{ref.namespace}/{ref.name}"
    kind = ref.kind.lower()
    return f"{ref.namespace}/{kind}/{ref.name}" if ref.namespace else f"{kind}/{ref.name}"


def workload_name(ref: ObjectRef) -> str:
    """A workload as people write it: ``training/pytorchjob/llm-finetune``, a bare pod ``training/debug``."""
    if ref.kind == "Pod":
        return f"{ref.namespace}/{ref.name}"
    return f"{ref.namespace}/{ref.kind.lower()}/{ref.name}"


def counted(number: int, noun: str) -> str:
    """``1 pod``, ``3 pods``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(names: Sequence[str], most: int = 3) -> str:
    """A few names and how many more: ``a, b, c and 9 more``."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
