"""Workloads by what people call them together: a namespace, a role, a governance domain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from console.errors import UsageError
from console.governance.roles import Classification, classify
from console.objects.snapshot import Snapshot
from console.objects.workloads import Workload
from console.policy.matrix import OUTSIDE, Groups
from console.policy.verdict import End

#: Domains that hold what an attacker is after: data and models.
SENSITIVE: Final = ("train-data", "retrieval-data", "prod-model")
#: Where data leaves, and where credentials are served.
_EXITS: Final = ("internet", "metadata")


@dataclass(frozen=True, slots=True)
class Member:
    """A workload with pods that run, and what it is."""

    workload: Workload
    sort: Classification

    def answers(self, scheme: str) -> str:
        """What it is called under ``namespace``, ``role`` or ``domain``."""
        if scheme == "namespace":
            return self.workload.namespace
        return self.sort.role.value if scheme == "role" else self.sort.domain


def members(snapshot: Snapshot) -> dict[str, Member]:
    """The workloads by the names they have in a matrix by workload."""
    return {
        f"{workload.namespace}/{workload.kind.lower()}/{workload.name}": Member(
            workload, classify(workload, snapshot.namespace(workload.namespace))
        )
        for workload in snapshot.workloads()
        if workload.active
    }


def target(text: str, among: Mapping[str, Member]) -> frozenset[str]:
    """The workloads a target names; none for a part of the outside. Raises UsageError for what names nothing."""
    if text in OUTSIDE:
        return frozenset()
    scheme, _, value = text.partition(":")
    if scheme not in ("namespace", "role", "domain") or not value:
        raise UsageError(
            f"{text!r} names no target", hint=f"write {', '.join(OUTSIDE)}, namespace:NAME, role:NAME or domain:NAME"
        )
    found = frozenset(name for name, member in among.items() if member.answers(scheme) == value)
    if not found:
        known = sorted({member.answers(scheme) for member in among.values()} - {""})
        near = get_close_matches(value, known, n=1)
        hint = f"did you mean {scheme}:{near[0]}?" if near else f"there are {', '.join(known[:12]) or 'none'}"
        raise UsageError(f"no workload belongs to {text}", hint=hint)
    return found


def own_workloads(end: End, classes: int, groups: Groups, among: Mapping[str, Member]) -> list[str]:
    """The workloads an end's pods belong to; for addresses, those whose pods (on a node's network) have them."""
    pods = {pod.ref for pod in end.pods}
    if not pods:
        return [name for name in among if groups[name] & classes]
    return [name for name, member in among.items() if any(pod.ref in pods for pod in member.workload.active)]


def usual_targets(own: Iterable[str], among: Mapping[str, Member]) -> dict[str, frozenset[str]]:
    """Where one asks first whether an intruder gets: out, at credentials, at sensitive domains other than one's own."""
    mine = {among[name].sort.domain for name in own}
    found: dict[str, frozenset[str]] = dict.fromkeys(_EXITS, frozenset())
    for domain in SENSITIVE:
        names = frozenset(name for name, member in among.items() if member.sort.domain == domain)
        if names and domain not in mine:
            found[f"domain:{domain}"] = names
    return found
