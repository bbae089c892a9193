"""All pods of a snapshot in their classes."""

from __future__ import annotations

from dataclasses import dataclass

from console.objects.core import Pod
from console.objects.snapshot import Snapshot
from console.policy.classes import Key, Keys, PodClass, Where


@dataclass(frozen=True, slots=True)
class Grouped:
    """The classes, the number of each key's, and of each pod's by namespace and name.

    `taken` are the addresses that pods hold, as numbers, by the place of their family.
    """

    classes: list[PodClass]
    numbers: dict[Key, int]
    placed: dict[str, dict[str, int]]
    taken: tuple[set[int], ...]


def group(snapshot: Snapshot, keys: Keys) -> Grouped:
    """Put every pod that has not finished into its class."""
    members: list[list[Pod]] = []
    numbers: dict[Key, int] = {}
    placed: dict[str, dict[str, int]] = {}
    taken: tuple[set[int], ...] = tuple(set() for _ in keys.places)
    none = (-1,) * len(taken)

    def numbered(key: Key) -> int:
        number = numbers.get(key)
        if number is None:
            number = numbers[key] = len(members)
            members.append([])
        return number

    for name, held in snapshot.contents.items():
        own = placed[name] = {}
        like: Pod | None = None
        alike: dict[tuple[int, ...], int] = {}
        for pod in held.pods.values():
            if pod.finished:
                continue
            # Replicas come one after the other, and wear the same: they differ in where they are.
            if (
                like is None
                or pod.labels != like.labels
                or pod.ports != like.ports
                or pod.host_network is not like.host_network
            ):
                like, worn, alike = pod, keys.worn(pod), {}
            if pod.host_network:
                number = numbered(Key(*worn, keys.where(pod, snapshot)))
            else:
                spans = none
                for text in pod.ips:
                    place, value = keys.placed(text)
                    if place is not None:
                        taken[place].add(value)
                        if spans[place] < 0:
                            spans = (*spans[:place], keys.span(place, value), *spans[place + 1 :])
                known = alike.get(spans)
                if known is None:
                    known = alike[spans] = numbered(Key(*worn, Where(spans)))
                number = known
            members[number].append(pod)
            own[pod.name] = number
    classes = [PodClass(key, tuple(pods)) for key, pods in zip(numbers, members, strict=True)]
    return Grouped(classes, numbers, placed, taken)
