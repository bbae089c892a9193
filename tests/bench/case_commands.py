"""Commands that answer and end: the whole process, from its start to its exit."""

from __future__ import annotations

import json
import os
import random
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from .clusters import Cluster
from .figures import Figure
from .process import peak, scheduled
from .setting import Setting
from .terminal import console, environment

#: How many questions a batch has.
QUESTIONS: Final = 10_000
#: Seconds between two looks at the memory of a process.
_EVERY: Final = 0.005


class Ran(NamedTuple):
    """Wall seconds of a process, those less its waits for a core, its CPU seconds, and its peak MiB."""

    wall: float
    alone: float
    cpu: float
    peak: float


def yaml(setting: Setting) -> Iterator[Figure]:
    """One question about 2,000 pods of YAML."""
    src, dst = _pair(setting.manifests)
    command = console("simulate", src, dst, "--port", "6566/TCP", "--manifests", str(setting.manifests_yaml))
    size = setting.manifests_yaml.stat().st_size / 1e6
    yield from _figures("simulate YAML", command, f"{setting.manifests}, {size:.1f} MB", setting, (0, 1), target=0.47)


def demo(setting: Setting) -> Iterator[Figure]:
    """One question about the demo."""
    src, dst = "training/pytorchjob/llm-finetune", "feature-store/deploy/feast-online"
    yield from _figures("simulate demo", console("simulate", src, dst, "--port", "6566", "--demo"), "", setting, (0,))


def batch(setting: Setting) -> Iterator[Figure]:
    """Many questions about a large cluster, in one process."""
    file = setting.folder / "questions.jsonl"
    _write_questions(setting.cluster, file)
    command = console("simulate", "--batch", str(file), "--manifests", str(setting.cluster_json))
    how = f"{QUESTIONS:,} questions, {setting.cluster}, JSON"
    yield from _figures("simulate batch", command, how, setting, (0,))


def help(setting: Setting) -> Iterator[Figure]:
    """The usage message: what every command pays before it does anything."""
    yield from _figures("--help", [sys.executable, "-m", "console.cli", "--help"], "", setting, (0,))
    yield from _figures("python -c pass", [sys.executable, "-c", "pass"], "for comparison", setting, (0,))


def _figures(
    case: str,
    command: Sequence[str],
    how: str,
    setting: Setting,
    statuses: Sequence[int],
    *,
    target: float | None = None,
) -> Iterator[Figure]:
    runs = [_run(command, setting.root, setting.folder, statuses) for _ in range(setting.runs + 1)][1:]
    how = f"whole process; {how}" if how else "whole process"
    yield Figure(case, "wall", "s", tuple(each.wall for each in runs), how)
    alone = "the same less the main thread's waits for a core"
    yield Figure(case, "by itself", "s", tuple(each.alone for each in runs), alone, target)
    yield Figure(case, "CPU", "s", tuple(each.cpu for each in runs), "rusage, user + system")
    yield Figure(case, "peak", "MiB", tuple(each.peak for each in runs), "VmHWM, every 5 ms")


def _run(command: Sequence[str], root: Path, home: Path, statuses: Sequence[int]) -> Ran:
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment(home), cwd=root
    )
    most, waited = _watch(process.pid)
    wall = time.perf_counter() - began
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in statuses:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return Ran(wall, wall - waited, used.ru_utime + used.ru_stime, most)


def _watch(pid: int) -> tuple[float, float]:
    """The peak MiB of a process, and the seconds its main thread waited for a core, as seen last before its end.

    Asked again and again: what is told afterwards (ru_maxrss) is no less than what this
    process had when it made the other.
    """
    most = waited = 0.0
    handle = os.pidfd_open(pid)
    try:
        while not select.select([handle], [], [], _EVERY)[0]:
            if found := peak(pid):
                most, waited = found, scheduled(Path(f"/proc/{pid}"))[1]
    finally:
        os.close(handle)
    return most, waited


def _pair(cluster: Cluster) -> tuple[str, str]:
    """Two pods far apart."""
    ends = cluster.ends()
    return ends[len(ends) // 3], ends[2 * len(ends) // 3]


def _write_questions(cluster: Cluster, file: Path) -> None:
    chance = random.Random(1)
    ends = [{"namespace": ns, "pod": name} for ns, _, name in (end.partition("/") for end in cluster.ends())]
    with file.open("w") as lines:
        for number in range(QUESTIONS):
            src, dst = chance.sample(ends, 2)
            row = {"id": number, "src": src, "dst": dst, "protocol": "TCP", "port": chance.choice((443, 6566, 8000))}
            lines.write(json.dumps(row) + "\n")
