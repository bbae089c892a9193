"""Writing what closes a path: peers that name everybody but an end, and rules without what lets it through."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_network
from itertools import product
from typing import Any, Final

from console.objects.core import METADATA_NAME, Pod
from console.objects.snapshot import Snapshot
from console.policy import fix_rules
from console.policy.addresses import NOT_INTERNET, PRIVATE_NETWORKS, parse_network
from console.policy.model import Direction, Network
from console.policy.parties import pod_party
from console.policy.verdict import End, EndKind

Raw = dict[str, Any]
#: What is left of all addresses where the internet is closed: RFC 1918, 6598, 3927; RFC 4193, 4291.
_NEAR: Final[Mapping[int, tuple[Network, ...]]] = {
    4: (*PRIVATE_NETWORKS[4], ip_network("100.64.0.0/10"), ip_network("169.254.0.0/16")),
    6: (*PRIVATE_NETWORKS[6], ip_network("fe80::/10")),
}
_WHOLE: Final[Mapping[int, Network]] = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}
#: A rule that would name more peers than this is none that somebody reads.
_MOST_PEERS: Final = 12


class Others:
    """Everybody but an end, in the words of a NetworkPolicy's peers."""

    def __init__(self, snapshot: Snapshot, end: End, pods: Sequence[Pod], families: Iterable[int]) -> None:
        """`pods` are those that stand for the end; addresses are told of in `families`."""
        self._end, self._families = end, sorted(families)
        self._named: dict[str, list[Pod]] = {}
        self._cut: list[Network] = [end.network] if end.network is not None else []
        self._cut += map(ip_network, end.addresses)
        #: By what ipBlocks match the pods; addresses of pods do not last.
        self._held: list[Network] = []
        for pod in pods:
            parties = (pod_party(pod, snapshot, family) for family in (4, 6))
            addresses = [ip_network(party.address) for party in parties if party.address is not None]
            if pod.host_network:
                self._cut += addresses
            else:
                self._held += addresses
                self._named.setdefault(pod.namespace, []).append(pod)
        self._selectors = {name: fix_rules.selectors(snapshot, held) for name, held in self._named.items()}

    def peers(self) -> list[Raw]:
        """Peers for a rule that is to let everybody else through; empty where that takes too many."""
        found = [*self._pods(), *self._blocks()]
        return found if len(found) <= _MOST_PEERS else []

    def _pods(self) -> list[Raw]:
        if not self._named:
            return [{"namespaceSelector": {}}]
        away = {"key": METADATA_NAME, "operator": "NotIn", "values": sorted(self._named)}
        found: list[Raw] = [{"namespaceSelector": {"matchExpressions": [away]}}]
        for name, selectors in self._selectors.items():
            # Who lacks one label of each selector is selected by none.
            for labels in product(*(each.get("matchLabels", {}).items() for each in selectors)):
                lacking = [{"key": key, "operator": "NotIn", "values": [value]} for key, value in dict.fromkeys(labels)]
                inside = {"matchLabels": {METADATA_NAME: name}}
                found.append({"namespaceSelector": inside, "podSelector": {"matchExpressions": lacking}})
        return found

    def _blocks(self) -> Iterator[Raw]:
        for family in self._families:
            if self._end.kind is EndKind.INTERNET:
                yield from ({"ipBlock": {"cidr": str(each)}} for each in _NEAR[family])
            elif self._named:
                # An ipBlock matches pods by address: what may be a pod's is left out.
                whole, closed = (_WHOLE[4], NOT_INTERNET[4]) if family == 4 else (ip_network("2000::/3"), ())
                yield from _less({"cidr": str(whole), "except": [str(each) for each in closed]}, self._cut)
            else:
                yield from _less({"cidr": str(_WHOLE[family])}, self._cut)

    def of(self, peer: Raw, home: str) -> list[Raw]:
        """What is left of a peer of a NetworkPolicy in namespace `home` without the end."""
        block = peer.get("ipBlock")
        if block:
            if self._end.kind is EndKind.INTERNET:
                return list(_near(block))
            return list(_less(block, [*self._cut, *self._held]))
        found: list[Raw] = []
        for other in self._pods() if self._named else ():
            left = _both(peer, other, home)
            if left is not None:
                found.append(left)
        return found if len(found) <= _MOST_PEERS else []


def _near(block: Raw) -> Iterator[Raw]:
    """The part of an ipBlock that is not the internet."""
    whole, excepts = _read(block)
    for near in _NEAR[whole.version] if whole is not None else ():
        kept = whole if _in(whole, near) else near if _in(near, whole) else None
        if kept is not None and not any(_in(kept, each) for each in excepts):
            yield _block(kept, [each for each in excepts if _in(each, kept)])


def _less(block: Raw, cut: Iterable[Network]) -> Iterator[Raw]:
    """An ipBlock without networks; nothing where none of it is left."""
    whole, excepts = _read(block)
    out = [each for each in dict.fromkeys(cut) if whole is not None and each.version == whole.version]
    if whole is not None and not any(_in(whole, each) for each in out):
        yield _block(whole, [*excepts, *(each for each in out if _in(each, whole) and each not in excepts)])


def _read(block: Raw) -> tuple[Any, list[Any]]:
    return parse_network(block["cidr"]), [parse_network(each) for each in block.get("except") or ()]


def _block(whole: Network, excepts: Sequence[Network]) -> Raw:
    return {"ipBlock": {"cidr": str(whole), **({"except": [str(each) for each in excepts]} if excepts else {})}}


def _in(inner: Any, outer: Any) -> bool:
    return bool(inner.version == outer.version and inner.subnet_of(outer))


def _both(peer: Raw, other: Raw, home: str) -> Raw | None:
    """Who two peers both name; None where that is nobody. `other` names namespaces by name, and is ours."""
    spaces, pods = other["namespaceSelector"], other.get("podSelector")
    if peer.get("namespaceSelector") is None:
        away = next((each["values"] for each in spaces.get("matchExpressions", ())), None)
        if (home in away) if away is not None else spaces["matchLabels"][METADATA_NAME] != home:
            return None
        merged_pods = _merged(peer.get("podSelector"), pods)
        return None if merged_pods is None else {"podSelector": merged_pods}
    merged_spaces, merged_pods = _merged(peer["namespaceSelector"], spaces), _merged(peer.get("podSelector"), pods)
    if merged_spaces is None or merged_pods is None:
        return None
    return {"namespaceSelector": merged_spaces, **({"podSelector": merged_pods} if merged_pods else {})}


def _merged(one: Raw | None, other: Raw | None) -> Raw | None:
    """A selector of what two select; None where they want different values of a label."""
    labels = dict((one or {}).get("matchLabels") or {})
    expressions = list((one or {}).get("matchExpressions") or [])
    for key, value in ((other or {}).get("matchLabels") or {}).items():
        if labels.setdefault(key, value) != value:
            return None
    for each in (other or {}).get("matchExpressions") or ():
        if each["operator"] == "NotIn" and labels.get(each["key"]) in each["values"]:
            return None
        if each not in expressions:
            expressions.append(each)
    return {**({"matchLabels": labels} if labels else {}), **({"matchExpressions": expressions} if expressions else {})}


def without(
    raw: Mapping[str, Any], direction: Direction, matched: Mapping[int, set[int] | None], others: Others | None
) -> tuple[Raw, list[str]]:
    """A policy without what lets a path through, and in words what was done to it.

    `matched` are the rules, each with the peers to take out (None: it names no peer, and
    so everybody). With `others` of a NetworkPolicy something is left of a peer where that can be said.
    """
    changed: Raw = copy.deepcopy(dict(raw))
    spec, said = changed["spec"], list[str]()
    field = "to" if direction is Direction.EGRESS else "from"
    rules: list[Raw] = []
    for number, rule in enumerate(spec.get(direction.value) or []):
        if number not in matched:
            rules.append(rule)
            continue
        kept, word = _rule(rule, matched[number], field, others, str(changed["metadata"].get("namespace", "")))
        said.append(f"{direction.value} rule {number + 1} {word}")
        if kept is not None:
            rules.append(kept)
    spec[direction.value] = rules
    return changed, said


def _rule(rule: Raw, out: set[int] | None, field: str, others: Others | None, home: str) -> tuple[Raw | None, str]:
    peers: list[Raw] = []
    narrowed = False
    if out is None:
        peers = others.peers() if others is not None else []
        narrowed = bool(peers)
    else:
        for number, peer in enumerate(rule.get(field) or []):
            left = [peer] if number not in out else others.of(peer, home) if others is not None else []
            narrowed = narrowed or (number in out and bool(left))
            peers += left
    if not peers:  # none would mean everybody
        return None, "goes"
    if narrowed:
        return {**rule, field: peers}, "no longer names it, and names the others it did"
    return {**rule, field: peers}, f"loses peer {', '.join(str(each + 1) for each in sorted(out or ()))}"
