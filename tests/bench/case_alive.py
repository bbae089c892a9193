"""The console on a large cluster that changes all the time: what staying current takes, and what a key takes then."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Final, NamedTuple

from .case_open import SKELETON, live
from .churn import churning
from .figures import Figure
from .process import cpu, resident
from .setting import Setting
from .terminal import Latency, Terminal, console, environment

#: Seconds between two looks at the console, and after which memory is taken for settled.
_EVERY: Final = 2.0
_SETTLED: Final = 30.0
#: The screens that are looked at in turn, each as long as any other, and the key that is pressed there.
_SCREENS: Final = ((b"1", "Browse"), (b"3", "Matrix"), (b"4", "Audit"), (b"5", "Timeline"))


class _Look(NamedTuple):
    """Seconds since the beginning, resident MiB, CPU seconds of all threads; a key on a screen, and its frames."""

    at: float
    memory: float
    cpu: float
    screen: str
    key: Latency
    frames: int


def alive(setting: Setting) -> Iterator[Figure]:
    """10,000 live pods and 20 changes a second: every screen in turn, a key every two seconds."""
    with churning(setting.cluster_json, setting.folder) as cluster:
        command = console("--kubeconfig", str(cluster.kubeconfig))
        with Terminal(command, environment=environment(setting.folder), cwd=setting.root) as terminal:
            terminal.until(SKELETON)
            terminal.until(live(setting.cluster))
            terminal.until(r"charter \d+/\d+")
            cluster.begin()
            looks = list(_watched(terminal, setting.minutes * 60))
            made = cluster.end()
            terminal.leave()
    yield from _figures(looks, made, setting)


def _watched(terminal: Terminal, seconds: float) -> Iterator[_Look]:
    began = time.monotonic()
    shown = ""
    while (passed := time.monotonic() - began) < seconds:
        key, screen = _SCREENS[int(passed / seconds * len(_SCREENS))]
        if screen != shown:
            terminal.press(key)
            shown = screen
        latency = terminal.press(b"j")
        yield _Look(passed, resident(terminal.pid), cpu(terminal.pid), screen, latency, terminal.frames)
        time.sleep(_EVERY)


def _figures(looks: list[_Look], made: int, setting: Setting) -> Iterator[Figure]:
    settled = [look for look in looks if look.at >= min(_SETTLED, looks[-1].at / 4)]
    how = f"{setting.cluster}; {made:,} changes in {setting.minutes:g} min"
    half = len(settled) // 2
    yield Figure("alive", "memory, first half", "MiB", tuple(look.memory for look in settled[:half]), "VmRSS; " + how)
    yield Figure("alive", "memory, second half", "MiB", tuple(look.memory for look in settled[half:]), "VmRSS", 250)
    first, last = settled[0], settled[-1]
    share = (last.cpu - first.cpu) / (last.at - first.at) * 100
    yield Figure("alive", "CPU", "%", (share,), f"of one core, all threads; {os.cpu_count()} cores here")
    for _, screen in _SCREENS:
        mine = [look for look in settled if look.screen == screen]
        if mine:
            soonest = tuple(look.key.first for look in mine)
            yield Figure("alive, j", f"{screen}, first byte", "ms", soonest, "wall")
            frames = tuple(look.key.loop / max(look.frames, 1) for look in mine)
            how = "CPU of the loop until it is quiet, by the frames drawn: changes of the cluster are among them"
            yield Figure("alive, j", f"{screen}, a frame", "ms", frames, how, 50)
