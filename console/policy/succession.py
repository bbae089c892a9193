"""The classes of a snapshot after pods came, went and changed, and namespaces were labelled anew."""

from __future__ import annotations

from dataclasses import dataclass, field

from console.objects.core import Pod
from console.policy.bitsets import bits
from console.policy.changes import Changes
from console.policy.classes import INTERNET, PRIVATE, Key, PodClass
from console.policy.engine import Engine
from console.policy.mentions import Mentions
from console.policy.parts import Parts
from console.policy.universe import Universe


class TooWide(Exception):
    """A change that cannot be followed, or not for less than everything anew costs; says why. Never leaves policy/."""


@dataclass(slots=True)
class Succession:
    """The universe after pods came, went and changed, the classes that `entered` it, and those that `left`."""

    parts: Parts
    engine: Engine
    changes: Changes
    universe: Universe = field(init=False)
    entered: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        before = self.parts.universe
        mentions = before.mentions and before.mentions.succeeding(self.changes.come)
        self.universe = before
        if not self.changes.pods and not self.changes.relabelled and mentions is before.mentions:
            return
        self.universe = before.succeeded(self.engine.snapshot)
        self.universe.mentions = mentions
        members: dict[int, dict[str, Pod]] = {}
        self._relabel(members)
        for was, held in self.changes.pods:
            if was is not None and not was.finished:
                self._leave(was, held, members)
        for was, held in self.changes.pods:
            if held is not None and not held.finished:
                self._enter(held, was, members)
        for number, pods in members.items():
            if pods:
                self.universe.pods[number] = PodClass(self.universe.pods[number].key, tuple(pods.values()))
            else:
                self.universe.leave(number)
                self.left.append(number)
        entered = [number for number in self.entered if members[number]]
        self.left = [number for number in self.left if number not in self.entered]
        self.entered = entered

    def _members(self, number: int, members: dict[int, dict[str, Pod]]) -> dict[str, Pod]:
        if number not in members:
            members[number] = {pod.name: pod for pod in self.universe.pods[number].pods}
        return members[number]

    def _relabel(self, members: dict[int, dict[str, Pod]]) -> None:
        """A namespace with other labels: its classes are left, and others take their pods."""
        for name in self.changes.relabelled:
            for number in bits(self.universe.in_namespace.get(name, 0)):
                held = self.universe.pods[number]
                if held.host:
                    raise TooWide("a namespace with pods on their node's network")
                pods = self._members(number, members)
                self.universe.forget(number)
                new = self._new(PodClass(held.key, held.pods))
                members[new] = dict(pods)
                pods.clear()
                for pod in held.pods:
                    self._place(name)[pod.name] = new

    def _place(self, namespace: str) -> dict[str, int]:
        """The classes of a namespace's pods, to be changed."""
        placed = self.universe.placed
        if placed.get(namespace) is self.parts.universe.placed.get(namespace):
            placed[namespace] = dict(placed.get(namespace, {}))
        return placed[namespace]

    def _leave(self, pod: Pod, after: Pod | None, members: dict[int, dict[str, Pod]]) -> None:
        number = self._place(pod.namespace).pop(pod.name)
        del self._members(number, members)[pod.name]
        self._count(number, -1)
        if after is None or not _same_place(pod, after):
            self._check_addresses(pod, came=False)

    def _enter(self, pod: Pod, before: Pod | None, members: dict[int, dict[str, Pod]]) -> None:
        universe = self.universe
        if universe.unread:
            raise TooWide("labels of namespaces are not known")
        key = universe.keys.of(pod, universe.snapshot)
        number = universe.numbers.get(key)
        if number is None:
            number = self._alike(key)
        if number is None:
            if key.host:
                raise TooWide("a pod on its node's network")
            number = self._new(PodClass(key, (pod,)))
            members[number] = {}
            for port in universe.ports_of(number):
                if port.name in universe.vocabulary.names and not self.parts.atoms.cut(port):
                    raise TooWide("a port")
        self._members(number, members)[pod.name] = pod
        self._place(pod.namespace)[pod.name] = number
        self._count(number, 1)
        if before is None or not _same_place(before, pod):
            self._check_addresses(pod, came=True)

    def _alike(self, key: Key) -> int | None:
        """A class that a pod of a new kind can be in, as no policy tells them apart."""
        universe, engine = self.universe, self.engine
        if universe.mentions is None:
            policies = engine.over(engine.snapshot.contents)
            universe.mentions = Mentions.of(policies, [gap.pod_selector for gap in engine.gaps])
        return universe.alike(key)

    def _new(self, held: PodClass) -> int:
        number = self.universe.enter(held)
        if number is None:
            raise TooWide("new classes, for which no places are left")
        self.entered.append(number)
        return number

    def _count(self, number: int, by: int) -> None:
        self.universe.count(self.universe.pods[number].key, by)

    def _check_addresses(self, pod: Pod, *, came: bool) -> None:
        """Raise TooWide where an address that stood for a part of the outside is taken, or one may be that was not."""
        for text in () if pod.host_network else pod.ips:
            place, value = self.universe.keys.placed(text)
            if place is None:
                continue
            family = tuple(self.universe.keys.places)[place]
            around = self.universe.surroundings.get(family)
            if around is None:
                raise TooWide("an address family")
            standing = {int(part.address) for part in around.parts if part.kind in (INTERNET, PRIVATE)}
            if value in (standing if came else around.met.asked):
                raise TooWide("an address that stands for others")


def _same_place(one: Pod, other: Pod) -> bool:
    return one.ips == other.ips and one.host_network == other.host_network and not (one.finished or other.finished)
