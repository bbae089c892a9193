"""Figures as values: what was measured, how, what it should be; and the table they are printed as."""

from __future__ import annotations

import math
import os
import platform
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

#: With fewer samples than this a 95th percentile says no more than the maximum.
_ENOUGH: Final = 20


@dataclass(frozen=True)
class Figure:
    """Samples of one quantity in `unit`. `target` is an upper bound for the median, or (`worst`) for every sample."""

    case: str
    name: str
    unit: str
    samples: tuple[float, ...]
    how: str
    target: float | None = None
    worst: bool = False

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def p95(self) -> float | None:
        """The 95th percentile; None where there are too few samples for one."""
        if len(self.samples) < _ENOUGH:
            return None
        return sorted(self.samples)[math.ceil(0.95 * len(self.samples)) - 1]

    @property
    def maximum(self) -> float:
        return max(self.samples)

    @property
    def met(self) -> bool | None:
        """Whether the target was met; None where there is none. For reading, never for failing a build."""
        if self.target is None:
            return None
        return (self.maximum if self.worst else self.median) <= self.target

    def as_json(self) -> dict[str, Any]:
        return {
            "case": self.case,
            "name": self.name,
            "unit": self.unit,
            "median": self.median,
            "p95": self.p95,
            "max": self.maximum,
            "samples": len(self.samples),
            "target": self.target,
            "target_for": None if self.target is None else "max" if self.worst else "median",
            "met": self.met,
            "how": self.how,
        }


def table(figures: Iterable[Figure]) -> str:
    """The figures in columns, a blank line between cases."""
    rows: list[Sequence[str]] = [("case", "figure", "median", "p95", "max", "unit", "n", "target", "how")]
    rows += [_row(figure) for figure in figures]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines: list[str] = []
    case = rows[0][0]
    for row in rows:
        if row[0] != case:
            lines.append("")
            case = row[0]
        cells = [
            text.rjust(width) if place in (2, 3, 4, 6) else text.ljust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _row(figure: Figure) -> Sequence[str]:
    target = ""
    if figure.target is not None:
        target = f"{'✓' if figure.met else '✗'} ≤ {figure.target:g}{' max' if figure.worst else ''}"
    p95 = "" if figure.p95 is None else _number(figure.p95)
    return (
        figure.case,
        figure.name,
        _number(figure.median),
        p95,
        _number(figure.maximum),
        figure.unit,
        str(len(figure.samples)),
        target,
        figure.how,
    )


def _number(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:,.1f}"


def machine() -> dict[str, Any]:
    """What the figures were measured on. The load says how much else was running."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "loop_ms": round(_loop_ms(), 1),
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def machine_line() -> str:
    about = machine()
    load = " ".join(f"{each:.2f}" for each in about["load"])
    return (
        f"{about['cores']} cores ({about['processor']}), {about['system']}, {about['python']};"
        f" load average {load}; a loop of a million takes {about['loop_ms']} ms of CPU"
    )


def _loop_ms() -> float:
    """The median CPU time of a loop that does nothing a million times: cores that are shared are slower than free."""
    times = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(1_000_000):
            pass
        times.append((time.process_time() - began) * 1000)
    return statistics.median(times)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
