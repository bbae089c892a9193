"""The compiled policies of a snapshot: each is compiled once, and again only when it changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from console.objects.core import Namespace, Pod
from console.objects.coverage import INVALID_POLICY, Gap
from console.objects.meta import ObjectRef
from console.objects.netpol import NetworkPolicy
from console.objects.snapshot import Snapshot
from console.objects.tiered import NamespacedPods, TieredPeer, TieredPolicy
from console.policy.match import selects, selects_namespace
from console.policy.model import Policy
from console.policy.networking import Problem, compile_policy, dotted, validate
from console.policy.tiered import compile_tiered, validate_tiered

Written = NetworkPolicy | TieredPolicy
#: What is known of one policy: itself, its compiled form (None: not valid), its problems.
_Entry = tuple[Written, Policy | None, tuple[Problem, ...]]


@dataclass(frozen=True, slots=True)
class _Held:
    """The policies of one namespace (or of none), as they were written and compiled.

    `compiled` are the valid ones in the order in which they are asked: by priority, and by name.
    """

    written: Mapping[object, Written]
    entries: Mapping[int, _Entry]
    compiled: Mapping[ObjectRef, Policy]
    invalid: tuple[Gap, ...]
    noted: Mapping[ObjectRef, tuple[Problem, ...]]


_NONE: Final = _Held({}, {}, {}, (), {})


class CompiledPolicies:
    """All policies of a snapshot, compiled. `invalid` has a gap for each that the API server would refuse."""

    def __init__(self, snapshot: Snapshot, previous: CompiledPolicies | None = None) -> None:
        self._snapshot = snapshot
        before = previous._held if previous else {}
        old = previous._snapshot.contents if previous else {}
        self._cluster_wide: _Held = _compiled(snapshot.tiered, previous._cluster_wide if previous else _NONE)
        self._held: dict[str, _Held] = {}
        for name, held in snapshot.contents.items():
            if old.get(name) is held:
                if name in before:
                    self._held[name] = before[name]
            elif held.policies:
                self._held[name] = _compiled(held.policies, before.get(name, _NONE))
        all_ = (self._cluster_wide, *self._held.values())
        self.invalid: tuple[Gap, ...] = tuple([gap for each in all_ if each.invalid for gap in each.invalid])

    def _of(self, namespace: str) -> _Held:
        return self._held.get(namespace, _NONE) if namespace else self._cluster_wide

    def shares(self, other: CompiledPolicies) -> bool:
        """Whether namespaces that are the same in both have the same compiled policies, and not only equal ones."""
        mine, theirs = self._snapshot.contents, other._snapshot.contents
        return all(held is other._held.get(name) for name, held in self._held.items() if mine[name] is theirs.get(name))

    def problems(self, policy: Written) -> tuple[Problem, ...]:
        """What is wrong with a policy of the snapshot."""
        return self._of(policy.ref.namespace).entries[id(policy)][2]

    def compiled(self, policy: Written) -> Policy | None:
        """The compiled form of a policy of the snapshot; None where it is not valid."""
        return self._of(policy.ref.namespace).entries[id(policy)][1]

    def noted(self, refs: Collection[ObjectRef]) -> Iterator[tuple[ObjectRef, tuple[Problem, ...]]]:
        """Those of `refs` that something is wrong with."""
        for ref in refs:
            problems = self._of(ref.namespace).noted.get(ref)
            if problems:
                yield ref, problems

    def over(self, namespaces: Iterable[str]) -> tuple[Policy, ...]:
        """The policies that may select pods of the namespaces: the cluster-scoped ones, and theirs.

        Those of each tier of one namespace are in order of priority and name.
        """
        held = (self._cluster_wide, *map(self._of, namespaces))
        return tuple(chain.from_iterable(each.compiled.values() for each in held))

    def named(self, ref: ObjectRef) -> Policy:
        """The compiled form of a valid policy of the snapshot."""
        return self._of(ref.namespace).compiled[ref]

    def selecting(self, pod: Pod) -> tuple[Policy, ...]:
        """The policies that select a pod; none for hostNetwork pods."""
        if pod.host_network:
            return ()
        namespace = self._snapshot.namespace(pod.namespace)
        return tuple(policy for policy in self.over([pod.namespace]) if _selects(policy, pod, namespace))


def _compiled(written: Mapping[Any, Written], before: _Held) -> _Held:
    """Compile policies, but for those that were compiled before."""
    if written is before.written:
        return before
    entries: dict[int, _Entry] = {}
    found: list[Policy] = []
    invalid: list[Gap] = []
    noted: dict[ObjectRef, tuple[Problem, ...]] = {}
    for name, policy in written.items():
        # By identity, and the entry keeps the object: an unchanged policy is the same object.
        entry = before.entries.get(id(policy))
        if entry is None:
            entry = _entry(policy)
            was = before.written.get(name)
            alike = before.entries[id(was)][1] if was is not None else None
            if alike is not None and alike == entry[1]:
                # Only what no verdict looks at is other than it was.
                entry = policy, alike, entry[2]
        entries[id(policy)] = entry
        if entry[2]:
            noted[policy.ref] = entry[2]
        if entry[1] is not None:
            found.append(entry[1])
        else:
            invalid.append(_invalid(policy, entry[2]))
    found.sort(key=lambda each: (each.priority, each.ref))
    return _Held(written, entries, {each.ref: each for each in found}, tuple(invalid), noted)


def _entry(policy: Written) -> _Entry:
    if isinstance(policy, TieredPolicy):
        problems = validate_tiered(policy)
        return policy, None if problems else compile_tiered(policy), problems
    problems = validate(policy)
    valid = not any(problem.fatal for problem in problems)
    return policy, compile_policy(policy) if valid else None, problems


def _invalid(policy: Written, problems: Sequence[Problem]) -> Gap:
    first = next(problem for problem in problems if problem.fatal)
    why = f"{policy.ref} is not valid ({dotted(first.path)} {first.message})"
    if isinstance(policy, TieredPolicy):
        # As below: who is meant by a subject that is itself at fault cannot be known.
        subject = TieredPeer() if first.path[:2] == ("spec", "subject") else policy.subject
        pods = subject.pods or NamespacedPods()
        return Gap(
            code=INVALID_POLICY,
            resource=policy.kind,
            namespace_selector=subject.namespaces or pods.namespace_selector,
            pod_selector=pods.pod_selector,
            ref=policy.ref,
            why=why,
        )
    return Gap(
        code=INVALID_POLICY,
        resource="networkpolicies",
        namespace=policy.namespace,
        # A selector that is itself at fault says nothing sure about what it selects.
        pod_selector=None if first.path[:2] == ("spec", "podSelector") else policy.pod_selector,
        ref=policy.ref,
        why=why,
    )


def _selects(policy: Policy, pod: Pod, namespace: Namespace) -> bool:
    if policy.subject.namespaces is not None and not selects_namespace(policy.subject.namespaces, namespace):
        return False
    return policy.subject.pods is None or selects(policy.subject.pods, pod.labels)
