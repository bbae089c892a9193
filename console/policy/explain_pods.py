"""Which pods a policy's selectors and networks match now, counted once per group that they cannot tell apart."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import msgspec

from console.objects.core import ContainerPort, Pod
from console.objects.meta import ObjectRef
from console.objects.selectors import LabelSelector
from console.objects.snapshot import Contents, Snapshot
from console.policy.addresses import parse_address
from console.policy.engine import Engine
from console.policy.explain_index import Rules
from console.policy.explain_model import Members
from console.policy.explain_words import requirements
from console.policy.match import keys_of, selects, selects_namespace
from console.policy.model import CidrPeer, Direction, Policy, Tier

#: All the ports of a pod.
Declared = tuple[ContainerPort, ...]


_NOT_ASKED: Final = Members(certain=False)


@dataclass(slots=True)
class _Group:
    """Pods of one namespace that have the same values of every label in question."""

    example: Pod
    pods: list[Pod] = field(default_factory=list)
    hosts: list[Pod] = field(default_factory=list)
    workloads: frozenset[ObjectRef] = frozenset()


class Population:
    """The pods of a snapshot that have not finished. `keys` are the labels that will be asked for.

    Without `addresses` what a network holds is not worked out, and said to be not certain.
    """

    def __init__(
        self, snapshot: Snapshot, keys: Iterable[str], *, addresses: bool = True, before: Population | None = None
    ) -> None:
        """`before` is that of an earlier snapshot: where keys are the same, namespaces that did not change are kept."""
        self._snapshot = snapshot
        self._by_address = addresses
        self._keys = tuple(sorted(set(keys)))
        self._groups: dict[str, list[_Group]] = {}
        self._workloads: dict[int, ObjectRef] = {}
        # By pod, and by what it wears of the labels that the policies over its namespace ask for.
        self._selecting: dict[int, tuple[Policy, ...]] = {}
        self._selecting_worn: dict[tuple[str | None, ...], tuple[Policy, ...]] = {}
        self._subject_keys: dict[str, tuple[str, ...]] = {}
        # Policies repeat their selectors; equal ones are resolved once.
        self._members: dict[object, Members] = {}
        self._namespaces: dict[bytes, tuple[tuple[str, ...], bool]] = {}
        # Keyed by identity; the entry keeps the pods it is about.
        self._declared: dict[int, tuple[Members, tuple[tuple[Declared, int], ...]]] = {}
        self._rules: dict[tuple[str, Tier, Direction], Rules] = {} if before is None else dict(before._rules)
        self._rules_checked: set[tuple[str, Tier, Direction]] = set()
        if before is not None and before._keys == self._keys:
            self._keep(before)

    def _keep(self, before: Population) -> None:
        """Take over what the namespaces that did not change come to."""
        held, known = self._snapshot.contents, before._snapshot.contents
        other = {name for name in held.keys() | known.keys() if not _same(held.get(name), known.get(name))}
        self._groups.update((name, each) for name, each in before._groups.items() if name not in other)
        if list(held) == list(known) and all(held[name].namespace == known[name].namespace for name in other):
            self._namespaces = before._namespaces
            if self._snapshot.coverage == before._snapshot.coverage:
                self._members, self._declared = before._members, before._declared
                if other:
                    self._forget(other)

    def _forget(self, namespaces: set[str]) -> None:
        """Keep only what was resolved of other namespaces than these."""
        self._members = {
            asked: each
            for asked, each in self._members.items()
            if each.namespaces and namespaces.isdisjoint(each.namespaces)
        }
        kept = set(map(id, self._members.values()))
        self._declared = {known: each for known, each in self._declared.items() if known in kept}

    def members(self, namespaces: LabelSelector | None, home: str, pods: LabelSelector | None) -> Members:
        """The pods that selectors match; `namespaces` None means the namespace `home`, `pods` None all of its pods."""
        asked = (msgspec.json.encode((namespaces, pods)), home if namespaces is None else "")
        known = self._members.get(asked)
        if known is None:
            known = self._members[asked] = self._resolve(namespaces, home, pods)
        return known

    def _resolve(self, namespaces: LabelSelector | None, home: str, pods: LabelSelector | None) -> Members:
        found: list[Pod] = []
        workloads: set[ObjectRef] = set()
        hosts = 0
        names, unsure = ((home,), False) if namespaces is None else self._matching(namespaces)
        for name in names:
            for group in self._of(name):
                if pods is None or selects(pods, group.example.labels):
                    found += group.pods
                    workloads |= group.workloads
                    hosts += len(group.hosts)
        certain = not unsure and self._read(names, by_label=namespaces is not None)
        return Members(tuple(found), _in_order(workloads), names, hosts, certain)

    def _matching(self, selector: LabelSelector) -> tuple[tuple[str, ...], bool]:
        """The namespaces a selector matches, and whether it may match more."""
        asked = msgspec.json.encode(selector)
        known = self._namespaces.get(asked)
        if known is None:
            held = self._snapshot.contents.items()
            matches = [(name, selects_namespace(selector, each.namespace)) for name, each in held]
            sure = tuple(name for name, matched in matches if matched)
            known = self._namespaces[asked] = sure, any(matched is None for _, matched in matches)
        return known

    def within(self, peer: CidrPeer) -> Members:
        """The pods that hold an address of a network."""
        if not self._by_address:
            return _NOT_ASKED
        known = self._members.get((peer.network, peer.excepts))
        if known is None:
            pods = tuple(self._holders(peer))
            complete = self._snapshot.coverage.complete
            known = self._members[peer.network, peer.excepts] = Members(pods, self.workloads(pods), certain=complete)
        return known

    def _holders(self, peer: CidrPeer) -> Iterable[Pod]:
        numbers, holders = self._addresses.get(peer.network.version, ([], []))
        spans = [(int(each.network_address), int(each.broadcast_address)) for each in (peer.network, *peer.excepts)]
        low, high = (bisect_left(numbers, spans[0][0]), bisect_right(numbers, spans[0][1]))
        found: dict[int, Pod] = {}
        for first, last in sorted(spans[1:]):
            start, stop = bisect_left(numbers, first), bisect_right(numbers, last)
            found.update((id(pod), pod) for pod in holders[low:start])
            low = max(low, stop)
        found.update((id(pod), pod) for pod in holders[low:high])
        return found.values()

    @cached_property
    def everyone(self) -> Members:
        """Every pod."""
        return self.members(LabelSelector(), "", None)

    def selecting(self, pod: Pod, engine: Engine) -> tuple[Policy, ...]:
        """The policies that select a pod: the same tuple for all pods that no subject can tell apart."""
        known = self._selecting.get(id(pod))
        if known is None:
            keys = self._subject_keys.get(pod.namespace)
            if keys is None:
                subjects = (policy.subject.pods for policy in engine.over([pod.namespace]))
                keys = tuple({key for selector in subjects for key in keys_of(selector)})
                self._subject_keys[pod.namespace] = keys
            worn = (pod.namespace, *[pod.labels.get(key) for key in keys])
            known = self._selecting_worn.get(worn)
            if known is None:
                known = self._selecting_worn[worn] = engine.selecting(pod)
            self._selecting[id(pod)] = known
        return known

    def rules(self, engine: Engine, policy: Policy, direction: Direction) -> Rules:
        """The rules of the policies of a policy's tier that may select the same pods, its own among them."""
        key = policy.ref.namespace, policy.tier, direction
        if key not in self._rules_checked:
            over = engine.over([policy.ref.namespace] if policy.ref.namespace else ())
            found = sorted(
                (each for each in over if each.tier is policy.tier), key=lambda each: (each.priority, each.ref)
            )
            known = self._rules.get(key)
            # Policies that did not change are the same objects in the next engine.
            if known is None or [*map(id, known.policies)] != [*map(id, found)]:
                self._rules[key] = Rules(found, direction)
            self._rules_checked.add(key)
        return self._rules[key]

    def declared(self, members: Members) -> tuple[tuple[Declared, int], ...]:
        """The ports that pods declare, all those of a pod together, with how many pods declare the same."""
        known = self._declared.get(id(members))
        if known is None:
            counts = Counter(pod.ports for pod in members.pods)
            known = self._declared[id(members)] = (members, tuple(counts.items()))
        return known[1]

    def carried(self, key: str, namespaces: Iterable[str]) -> bool:
        """Whether a pod of the namespaces carries a label."""
        return any(key in group.example.labels for name in namespaces for group in self._of(name))

    def unmet(self, selector: LabelSelector, namespaces: Iterable[str]) -> list[str]:
        """The requirements of a selector that no pod of the namespaces meets, in words."""
        examples = [group.example for name in namespaces for group in self._of(name) if group.pods]
        return [
            words
            for _, words, alone in requirements(selector)
            if not any(selects(alone, pod.labels) for pod in examples)
        ]

    def workloads(self, pods: Iterable[Pod]) -> tuple[ObjectRef, ...]:
        """The workloads of pods, by namespace and name."""
        return _in_order({self._workload(pod) for pod in pods})

    def _workload(self, pod: Pod) -> ObjectRef:
        ref = self._workloads.get(id(pod))
        if ref is None:
            ref = self._workloads[id(pod)] = self._snapshot.contents[pod.namespace].workload_of(pod)
        return ref

    def _of(self, namespace: str) -> Sequence[_Group]:
        known = self._groups.get(namespace)
        if known is not None:
            return known
        groups: dict[tuple[str | None, ...], _Group] = {}
        held = self._snapshot.contents.get(namespace)
        for workload in held.workloads if held else ():
            self._workloads.update(dict.fromkeys(map(id, workload.pods), workload.ref))
        for pod in held.pods.values() if held else ():
            if pod.finished:
                continue
            worn = tuple([pod.labels.get(key) for key in self._keys])
            group = groups.get(worn)
            if group is None:
                group = groups[worn] = _Group(pod)
            (group.hosts if pod.host_network else group.pods).append(pod)
        for group in groups.values():
            group.workloads = frozenset(self._workload(pod) for pod in group.pods)
        self._groups[namespace] = list(groups.values())
        return self._groups[namespace]

    def _read(self, namespaces: Iterable[str], *, by_label: bool) -> bool:
        coverage = self._snapshot.coverage
        if coverage.complete:
            return True
        if by_label and coverage.of("namespaces"):
            return False
        return not any(coverage.of("pods", name) for name in namespaces)

    @cached_property
    def _addresses(self) -> dict[int, tuple[list[int], list[Pod]]]:
        """Per family, the addresses of pods as numbers in order, and the pods that hold them."""
        found: dict[int, tuple[list[int], list[Pod]]] = {}
        for version, number, pod in sorted(self._held(), key=lambda entry: entry[:2]):
            numbers, pods = found.setdefault(version, ([], []))
            numbers.append(number)
            pods.append(pod)
        return found

    def _held(self) -> Iterator[tuple[int, int, Pod]]:
        for name in self._snapshot.contents:
            for group in self._of(name):
                for pod in group.pods:
                    for text in pod.ips:
                        address = parse_address(text)
                        if address is not None:
                            yield address.version, int(address), pod


def _same(one: Contents | None, other: Contents | None) -> bool:
    """Whether two namespaces hold the same pods, of the same workloads."""
    if one is None or other is None:
        return one is other
    return one is other or (one.namespace, one.pods, one.owners) == (other.namespace, other.pods, other.owners)


def _in_order(workloads: Iterable[ObjectRef]) -> tuple[ObjectRef, ...]:
    return tuple(sorted(workloads, key=lambda ref: (ref.namespace, ref.name, ref.kind)))
