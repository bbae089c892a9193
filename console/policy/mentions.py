"""Which values of labels selectors of pods mention, so that pods whose labels differ in no such value can be one class.

Made only when classes come that are new: at first, classes are told apart by every value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from console.objects.selectors import LabelSelector
from console.policy.classes import Key
from console.policy.model import PodPeer, Policy

#: A label's key and value.
Entry = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Mentions:
    """The values of each label key that selectors name, and the keys of which they ask whether they are `worn`.

    `blurred` are labels by which pods of one class differ, as nothing mentioned them so far.
    """

    values: Mapping[str, frozenset[str]]
    worn: frozenset[str]
    blurred: frozenset[Entry] = frozenset()

    @classmethod
    def of(cls, policies: Iterable[Policy], others: Iterable[LabelSelector | None] = ()) -> Mentions:
        """What policies mention, and `others`, further selectors that matter."""
        values: dict[str, set[str]] = {}
        worn: set[str] = set()
        for selector in (*others, *(each for policy in policies for each in _selectors(policy))):
            if selector is None:
                continue
            for key, value in (selector.match_labels or {}).items():
                values.setdefault(key, set()).add(value)
            for entry in selector.match_expressions or ():
                if entry.operator in ("Exists", "DoesNotExist"):
                    worn.add(entry.key)
                else:
                    values.setdefault(entry.key, set()).update(entry.values or ())
        return cls({key: frozenset(found) for key, found in values.items()}, frozenset(worn))

    def alike(self, one: Key, other: Key) -> bool:
        """Whether no selector tells the pods of two keys apart, nor anything else does."""
        return (
            one.namespace == other.namespace
            and not one.host
            and not other.host
            and one.names == other.names
            and one.where == other.where
            and self._seen(one) == self._seen(other)
        )

    def _seen(self, key: Key) -> list[tuple[str, str | None]]:
        """The labels of a key as selectors see them: of values that none mentions, at most that there is one."""
        return [
            (name, value if value in self.values.get(name, ()) else None)
            for name, value in key.labels
            if name in self.worn or value in self.values.get(name, ())
        ]

    def blurring(self, one: Key, other: Key) -> Mentions:
        """The same once pods of two keys are in one class."""
        return replace(self, blurred=self.blurred | set(one.labels).symmetric_difference(other.labels))

    def sharpened(self, policies: Iterable[Policy]) -> Entry | None:
        """A label that some policies tell apart, and by which pods of one class differ; None where there is none."""
        new = Mentions.of(policies)
        return next(
            (
                entry
                for entry in sorted(self.blurred)
                if entry[0] in new.worn or entry[1] in new.values.get(entry[0], ())
            ),
            None,
        )

    def succeeding(self, policies: Iterable[Policy]) -> Mentions:
        """The same with what further policies mention; itself where that is nothing new."""
        new = Mentions.of(policies)
        if new.worn <= self.worn and all(
            found <= self.values.get(key, frozenset()) for key, found in new.values.items()
        ):
            return self
        values = {
            **self.values,
            **{key: found | self.values.get(key, frozenset()) for key, found in new.values.items()},
        }
        return replace(self, values=values, worn=self.worn | new.worn)


def _selectors(policy: Policy) -> Iterator[LabelSelector | None]:
    yield policy.subject.pods
    for rule in (*(policy.ingress or ()), *(policy.egress or ())):
        for peer in rule.peers or ():
            if isinstance(peer, PodPeer):
                yield peer.pods
