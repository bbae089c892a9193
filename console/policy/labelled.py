"""Labels and names against what is known of them, for the indexes of a universe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from operator import or_

from console.objects.core import METADATA_NAME, Namespace
from console.objects.selectors import LabelSelector, Requirement
from console.policy.match import keys_of, selects


class Placed(Mapping[tuple[str, str], int]):
    """Tables by namespace, as one by namespace and name."""

    def __init__(self, tables: Mapping[str, Mapping[str, int]]) -> None:
        self._tables = tables

    def __getitem__(self, key: tuple[str, str]) -> int:
        return self._tables[key[0]][key[1]]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((namespace, name) for namespace, table in self._tables.items() for name in table)

    def __len__(self) -> int:
        return sum(map(len, self._tables.values()))


class Wearers:
    """The classes with a label's value, and with any value of a label."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], int] = {}
        self._worn: dict[str, int] = {}

    def copy(self) -> Wearers:
        """The same, to be added to."""
        found = Wearers()
        found._values, found._worn = dict(self._values), dict(self._worn)
        return found

    def add(self, labels: Iterable[tuple[str, str]], classes: int) -> None:
        """Have classes wear labels."""
        values, worn = self._values, self._worn
        for entry in labels:
            values[entry] = values.get(entry, 0) | classes
            worn[entry[0]] = worn.get(entry[0], 0) | classes

    def matching(self, selector: LabelSelector | None, among: int) -> int:
        """Those of some classes that a selector matches; None matches all."""
        if selector is None:
            return among
        for entry in (selector.match_labels or {}).items():
            among &= self._values.get(entry, 0)
        for requirement in selector.match_expressions or ():
            among &= self._required(requirement)
        return among

    def _required(self, entry: Requirement) -> int:
        """The classes that meet a requirement, others that wear no label among them."""
        if entry.operator == "Exists":
            return self._worn.get(entry.key, 0)
        if entry.operator == "DoesNotExist":
            return ~self._worn.get(entry.key, 0)
        listed = reduce(or_, (self._values.get((entry.key, value), 0) for value in entry.values or ()), 0)
        return listed if entry.operator == "In" else ~listed


def by_name(selector: LabelSelector, namespace: Namespace) -> bool | None:
    """What a namespaceSelector says of a namespace of which only the name is known."""
    if selector.is_empty:
        return True
    if set(keys_of(selector)) == {METADATA_NAME}:
        return selects(selector, namespace.labels)
    named = LabelSelector(
        {key: value for key, value in (selector.match_labels or {}).items() if key == METADATA_NAME},
        [entry for entry in selector.match_expressions or () if entry.key == METADATA_NAME],
    )
    return None if selects(named, namespace.labels) else False
