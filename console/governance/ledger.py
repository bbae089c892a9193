"""Findings in order, part by part: a change moves those that it makes or heals, and no others."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from operator import itemgetter
from types import MappingProxyType
from typing import Final

from console.governance.findings import Finding, Severity
from console.objects.meta import ObjectRef

_ORDER: Final = MappingProxyType({severity: number for number, severity in enumerate(Severity)})
#: What findings are about: of what kind, and in which namespace (``""``: in none).
Part = tuple[str, str]
#: The weightiest first; of equal ones by object and code, and at last by what is told.
_Place = tuple[int, ObjectRef, str, str, tuple[str, ...]]
_place_of: Final = itemgetter(0)


class Ledger:
    """The findings of one look after another."""

    def __init__(self) -> None:
        self._parts: Mapping[Part, tuple[Finding, ...]] = {}
        self._entries: list[tuple[_Place, Finding]] = []

    def turn(self, parts: Mapping[Part, tuple[Finding, ...]]) -> tuple[Finding, ...]:
        """All findings in order, of all parts there are. What is the same tuple as before is not looked at."""
        before = self._parts
        gone = [each for part, several in before.items() if parts.get(part) is not several for each in several]
        come = [each for part, several in parts.items() if before.get(part) is not several for each in several]
        if len(gone) + len(come) > len(self._entries) // 8:
            self._entries = [(_place(each), each) for several in parts.values() for each in several]
            self._entries.sort(key=_place_of)
        else:
            self._remove(gone)
            for each in come:
                insort(self._entries, (_place(each), each), key=_place_of)
        self._parts = dict(parts)
        return tuple([finding for _, finding in self._entries])

    def _remove(self, gone: Iterable[Finding]) -> None:
        for each in gone:
            at = bisect_left(self._entries, _place(each), key=_place_of)
            while self._entries[at][1] is not each:
                at += 1
            del self._entries[at]


def _place(finding: Finding) -> _Place:
    return _ORDER[finding.severity], finding.object, finding.code, finding.title, finding.evidence
