"""Labels and names against what is known of them, for the indexes of a universe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


def required(entry: Requirement, values: Mapping[tuple[str, str], int], worn: Mapping[str, int]) -> int:
    """The classes that meet a requirement: `values` and `worn` have those with a label's value, and with any of it."""
    if entry.operator == "Exists":
        return worn.get(entry.key, 0)
    if entry.operator == "DoesNotExist":
        return ~worn.get(entry.key, 0)
    listed = reduce(or_, (values.get((entry.key, value), 0) for value in entry.values or ()), 0)
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
