"""Recording a large cluster that changes all the time: memory, size of the file, and whether a change was missed."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from console.history.cursor import Cursor
from console.history.recording import Recording
from console.objects.decode import decode
from console.objects.snapshot import KubeObject

from .churn import RATE, churning
from .figures import Figure
from .process import cpu, resident
from .setting import Setting
from .terminal import console, environment

#: Seconds between two looks at the recorder.
_EVERY: Final = 5.0
#: Seconds after which memory is taken for settled: the first lists are read by then.
_SETTLED: Final = 30.0
_DAY: Final = 86_400


class _Look(NamedTuple):
    """Seconds since the beginning, resident MiB, CPU seconds used, bytes of the file."""

    at: float
    memory: float
    cpu: float
    size: int


def soak(setting: Setting) -> Iterator[Figure]:
    """``netpol-console record`` on a cluster of 10,000 pods with 20 changes a second."""
    file = setting.folder / "soak.rec"
    with churning(setting.cluster_json, setting.folder) as cluster:
        command = console("record", "-o", str(file), "--kubeconfig", str(cluster.kubeconfig))
        with subprocess.Popen(command, env=environment(setting.folder), cwd=setting.root) as recorder:
            _until(lambda: file.exists() and file.stat().st_size > 1000, recorder)
            cluster.begin()
            looks = list(_watched(recorder, file, setting.minutes * 60))
            made = cluster.end()
            time.sleep(3.0)  # the last changes are on their way
            recorder.terminate()
            recorder.wait()
    yield from _figures(setting, looks, made, cluster.log(), file)


def _until(done: Any, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("nothing was recorded")
        time.sleep(0.1)


def _watched(process: subprocess.Popen[bytes], file: Path, seconds: float) -> Iterator[_Look]:
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        yield _Look(passed, resident(process.pid), cpu(process.pid), file.stat().st_size)
        time.sleep(_EVERY)


def _figures(setting: Setting, looks: list[_Look], made: int, log: dict[str, Any], file: Path) -> Iterator[Figure]:
    how = f"{setting.cluster}; {made:,} changes in {setting.minutes:g} min, {RATE}/s"
    settled = [look for look in looks if look.at >= min(_SETTLED, looks[-1].at / 2)]
    half = len(settled) // 2
    yield Figure("soak", "memory, first half", "MiB", tuple(look.memory for look in settled[:half]), "VmRSS; " + how)
    yield Figure("soak", "memory, second half", "MiB", tuple(look.memory for look in settled[half:]), "VmRSS")
    first, last = settled[0], settled[-1]
    share = (last.cpu - first.cpu) / (last.at - first.at) * 100
    yield Figure("soak", "CPU of record", "%", (share,), "of one core, reading and decoding included")
    growth = (last.size - first.size) / (last.at - first.at)
    yield Figure("soak", "file", "MiB/day", (growth * _DAY / (1 << 20),), "its growth, as of a day", 100)
    missed, strange = _missed(file, log)
    yield Figure(
        "soak", "changes missed", "changes", (float(missed),), "by resourceVersion, of the server's log", 0, True
    )
    yield Figure(
        "soak", "final objects that differ", "objects", (float(strange),), "replayed end, server's end", 0, True
    )


def _missed(file: Path, log: dict[str, Any]) -> tuple[int, int]:
    """The changes of the server's log that are not in the recording, and the objects that differ in the end."""
    versions, gone = set[str](), set[tuple[str, str]]()
    with Recording(file) as recording:
        cursor = Cursor(recording)
        while (event := cursor.step()) is not None:
            for before, after in event.pairs:
                if after is not None:
                    versions.add(after.resource_version)
                elif before is not None:
                    gone.add((before.ref.namespace, before.ref.name))
        held = {_key(obj): _content(obj) for obj in cursor.moment().snapshot.objects()}
    missed = 0
    for version, verb, (_, namespace, name), kept in log["entries"]:
        there = (namespace, name) in gone if verb == "DELETED" else str(version) in versions
        missed += kept and not there
    wanted = {_key(obj): _content(obj) for raw in log["objects"] if (obj := decode(raw)) is not None}
    return missed, sum(held.get(key) != wanted.get(key) for key in {*held, *wanted})


def _key(obj: KubeObject) -> object:
    return type(obj), obj.ref


def _content(obj: KubeObject) -> KubeObject:
    obj = msgspec.structs.replace(obj, resource_version="", manager=None)
    return msgspec.structs.replace(obj, text=None) if hasattr(obj, "text") else obj
