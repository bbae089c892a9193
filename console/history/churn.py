"""Which changes cannot open or close a path: pods that come and go among others like them, and objects nobody asks.

Only what is sure is folded: a change this cannot judge is left to `policy.difference`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from ipaddress import ip_address
from typing import Final

from console.cluster.source import Change
from console.objects.core import EndpointSlice, Namespace, Owner, Pod
from console.objects.netpol import NetworkPolicy
from console.objects.snapshot import KubeObject, Snapshot
from console.objects.tiered import TieredPolicy
from console.policy.engine import Engine
from console.policy.fix_rules import VOLATILE
from console.policy.match import keys_of
from console.policy.model import CidrPeer, Network, Policy

#: What a policy says; the rest of it changes no path.
_SAID: Final = ("pod_selector", "ingress", "egress", "policy_types", "priority", "subject", "tier")


class Churn:
    """Tells changes that no path depends on, as long as the policies of `engine` are there and no others."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def touches(self, change: Change, before: Snapshot, after: Snapshot) -> bool:
        """Whether a change between two snapshots may open or close a path, or change what the charter says."""
        was, now = change.before, change.after
        obj = now if now is not None else was
        if obj is None:
            return True
        if isinstance(obj, Pod):
            old, new = (each if isinstance(each, Pod) and not each.finished else None for each in (was, now))
            return self._pod(old, new, before, after)
        if isinstance(obj, EndpointSlice | Owner):
            return False  # they say by which way one comes to a pod, not whether one is let in
        if was is None or now is None:
            return True
        if isinstance(obj, Namespace):
            return was.labels != now.labels  # type: ignore[union-attr]
        if isinstance(obj, NetworkPolicy | TieredPolicy):
            return any(getattr(was, name, None) != getattr(now, name, None) for name in _SAID)
        return _content(was) != _content(now)

    def _pod(self, was: Pod | None, now: Pod | None, before: Snapshot, after: Snapshot) -> bool:
        """Whether a pod that changed, came or went says something that no other one says before or after."""
        if was is not None and now is not None:
            if self._says(was) != self._says(now):
                return True
            if bool(was.ips) == bool(now.ips):
                return self._seen_at(was) != self._seen_at(now)
            return not (self._has_twin(now, before) if now.ips else self._has_twin(was, after))
        if was is not None:
            return not self._has_twin(was, after)
        return now is not None and not self._has_twin(now, before)

    def _has_twin(self, pod: Pod, snapshot: Snapshot) -> bool:
        held = snapshot.contents.get(pod.namespace)
        said, seen = self._says(pod), self._seen_at(pod) if pod.ips else None
        return held is not None and any(
            other.owner == pod.owner is not None
            and other.name != pod.name
            and not other.finished
            and self._says(other) == said
            and (seen is None or self._seen_at(other) == seen)
            for other in held.pods.values()
        )

    def _says(self, pod: Pod) -> object:
        """All that a policy, or a role, may look at in a pod, but for its address."""
        labels = {key: value for key, value in pod.labels.items() if key not in self._ignored}
        host = pod.host_ips if pod.host_network else ()
        return labels, host, pod.host_network, pod.ports, pod.images, pod.service_account

    def _seen_at(self, pod: Pod) -> object:
        """All that a policy may look at in a pod's address: which of the ranges that are named it lies in."""
        return () if pod.host_network else tuple(self._networks_of(pod.ips))

    def _networks_of(self, ips: Iterable[str]) -> Iterator[object]:
        for text in ips:
            try:
                ip = ip_address(text)
            except ValueError:
                yield text
                continue
            yield ip.version, tuple(ip in network for network in self._networks if network.version == ip.version)

    @cached_property
    def _policies(self) -> tuple[Policy, ...]:
        return tuple(self._engine.over(self._engine.snapshot.contents))

    @cached_property
    def _networks(self) -> tuple[Network, ...]:
        found: dict[Network, None] = {}
        for policy in self._policies:
            for rule in (*(policy.ingress or ()), *(policy.egress or ())):
                for peer in rule.peers or ():
                    if isinstance(peer, CidrPeer):
                        found.update(dict.fromkeys((peer.network, *peer.excepts)))
        return tuple(found)

    @cached_property
    def _ignored(self) -> frozenset[str]:
        asked = {key for policy in self._policies for key in keys_of(policy.subject.pods)}
        for policy in self._policies:
            for rule in (*(policy.ingress or ()), *(policy.egress or ())):
                for peer in rule.peers or ():
                    asked.update(keys_of(getattr(peer, "pods", None)))
        return VOLATILE - asked  # where a policy asks for one it counts


def _content(obj: KubeObject) -> object:
    return tuple(getattr(obj, name) for name in obj.__struct_fields__ if name not in ("resource_version", "manager"))
