"""Opening the console: the time to its first paint and to a filled Browse, and the memory that takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from .clusters import Cluster
from .figures import Figure
from .serve import serving
from .setting import Setting
from .terminal import COLUMNS, LINES, Terminal, Usage, console, environment

#: What the skeleton shows before anything was read: the title of the left pane.
SKELETON = "Namespaces"


def live(cluster: Cluster) -> str:
    """What the header says once all of a cluster is there, as a pattern."""
    counts = cluster.counts
    what = f"{counts['Namespace']} ns", f"{counts['Pod']:,} pods", f"{counts['NetworkPolicy']:,} policies"
    return " · ".join(("● live", *what))


def demo(setting: Setting) -> Iterator[Figure]:
    """The embedded demo, its API server in the same process."""
    command = console("--demo")
    yield from _figures("open demo", command, r"● live · \d+ ns · \d+ pods", setting, memory=None, cpu=None)


def cluster(setting: Setting) -> Iterator[Figure]:
    """A large cluster, its API server in another process."""
    with serving(setting.cluster_json, setting.folder) as kubeconfig:
        yield from _figures(
            "open 10k",
            console("--kubeconfig", str(kubeconfig)),
            live(setting.cluster),
            setting,
            memory=250,
            cpu=3,
        )


def _figures(
    case: str, command: Sequence[str], filled: str, setting: Setting, *, memory: float | None, cpu: float | None
) -> Iterator[Figure]:
    runs = [_open(command, filled, setting.root, setting.folder) for _ in range(setting.runs + 1)][1:]
    painted, full = zip(*runs, strict=True)
    where = f"{COLUMNS}×{LINES} pty, process start to"
    paint, fill = f"{where} '{SKELETON}'", f"{where} '● live' and the counts"
    yield Figure(case, "first paint, wall", "s", tuple(each.wall for each in painted), paint)
    how = "the same less the main thread's waits for a core"
    yield Figure(case, "first paint, by itself", "s", tuple(each.alone for each in painted), how, 0.5)
    yield Figure(case, "first paint, CPU", "s", tuple(each.cpu for each in painted), "utime + stime until then")
    yield Figure(case, "filled Browse, wall", "s", tuple(each.wall for each in full), fill)
    yield Figure(case, "filled Browse, CPU", "s", tuple(each.cpu for each in full), "utime + stime until then", cpu)
    yield Figure(case, "filled Browse, peak", "MiB", tuple(each.peak for each in full), "VmHWM then", memory)


def _open(command: Sequence[str], filled: str, root: Path, home: Path) -> tuple[Usage, Usage]:
    with Terminal(command, environment=environment(home), cwd=root) as terminal:
        painted = terminal.until(SKELETON)
        full = terminal.until(filled)
        terminal.settle()
        terminal.leave()
    return painted, full
