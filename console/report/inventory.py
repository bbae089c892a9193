"""The AI inventory as text, JSON values and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from console.governance.inventory import Entry
from console.report.clean import clean, csv_cell

_HEAD = ("NAMESPACE", "WORKLOAD", "ROLE", "DOMAIN", "PODS", "SURE", "BECAUSE OF")
_COLUMNS = ("namespace", "kind", "name", "role", "domain", "confidence", "labelled", "ai", "pods", "signals")


def inventory_lines(entries: Iterable[Entry], unseen: Sequence[str]) -> Iterator[str]:
    """A line a workload, by role, then namespace. ``*`` marks AI workloads that no label and no charter names."""
    rows = [
        (
            clean(entry.workload.namespace),
            clean(f"{entry.workload.kind.lower()}/{entry.workload.name}"),
            clean(entry.role) + ("*" if entry.ai and not entry.labelled else ""),
            clean(entry.domain) or "–",
            str(len(entry.workload.active)),
            f"{round(entry.confidence * 100)}%",
            clean("; ".join(entry.signals[:2])) or "nothing tells",
        )
        for entry in _in_order(entries)
    ]
    widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
    for row in (_HEAD, *rows):
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
    if any(row[2].endswith("*") for row in rows):
        yield ""
        yield "* an AI workload that no governance label and no charter names"
    if unseen:
        yield ""
        yield "not seen: pods that could not be read"
        yield from (f"  {clean(why)}" for why in unseen)


def inventory_json(entries: Iterable[Entry], unseen: Sequence[str]) -> dict[str, Any]:
    """The same as JSON values; ``confidence`` is 0 to 1."""
    return {"workloads": [_values(entry) for entry in _in_order(entries)], "unseen": list(unseen)}


def inventory_csv(entries: Iterable[Entry]) -> str:
    """The same as CSV; signals are separated by semicolons. No cell starts as a formula does."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for entry in _in_order(entries):
        values = _values(entry) | {"signals": "; ".join(entry.signals)}
        cells = (str(value).lower() if isinstance(value, bool) else value for value in map(values.get, _COLUMNS))
        writer.writerow(map(csv_cell, cells))
    return text.getvalue()


def _values(entry: Entry) -> dict[str, Any]:
    return {
        "workload": entry.name,
        "namespace": entry.workload.namespace,
        "kind": entry.workload.kind,
        "name": entry.workload.name,
        "role": entry.role,
        "domain": entry.domain,
        "confidence": entry.confidence,
        "labelled": entry.labelled,
        "ai": entry.ai,
        "pods": len(entry.workload.active),
        "signals": list(entry.signals),
    }


def _in_order(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: (not entry.ai, entry.role, entry.name))
