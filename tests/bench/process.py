"""What a process takes of the machine, from /proc (Linux)."""

from __future__ import annotations

import os
import re
from pathlib import Path


def peak(pid: int) -> float:
    """The most MiB that were resident; 0 once the process has ended."""
    return _memory(pid, "VmHWM")


def resident(pid: int) -> float:
    """MiB that are resident now; 0 once the process has ended."""
    return _memory(pid, "VmRSS")


def cpu(pid: int) -> float:
    """CPU seconds of all its threads."""
    # proc_pid_stat(5): after the name, which may hold anything, utime is the 12th field, stime the 13th.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def scheduled(task: Path) -> tuple[float, float]:
    """Seconds that a task (``/proc/PID``: the main thread) ran, and that it was ready to while others ran.

    Raises OSError where it has ended.
    """
    ran, waited, _ = (task / "schedstat").read_text().split()  # nanoseconds; proc_pid_schedstat
    return int(ran) / 1e9, int(waited) / 1e9


def _memory(pid: int, field: str) -> float:
    found = re.search(rf"{field}:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0
