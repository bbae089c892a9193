"""A process that records until it is killed. ``python -m tests.history.crashing`` makes one for each path on stdin.

On stdout: ``pid N`` for the process made, ``ack N`` once step N of it was synced, ``gone`` when it was killed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from console.history.recorder import Recorder
from console.history.writer import Bounds, Writer

from .changing import BEGIN, Changing, pod

#: So small that old segments are dropped all the time: that too must stand being killed.
BOUND = 24 << 10


def work(path: Path, first: int) -> None:
    """Write steps from `first` on, for ever: step N is a pod ``p`` whose label ``step`` is N."""
    cluster = Changing(*(pod(f"other-{number}", app="web") for number in range(20)))
    writer = Writer(path, Bounds(size=BOUND))
    recorder = Recorder(writer, "crash")
    step = first
    while True:
        at = BEGIN + step
        cluster.put(pod("p", step=str(step), noise=os.urandom(60).hex()), at)
        recorder.record(cluster.update(), at)
        recorder.write(at)
        os.write(1, f"ack {step}\n".encode())
        step += 1


def main() -> None:
    for line in sys.stdin:
        path, first = line.rsplit(maxsplit=1)
        child = os.fork()
        if child == 0:
            work(Path(path), int(first))
        os.write(1, f"pid {child}\n".encode())
        os.waitpid(child, 0)
        os.write(1, b"gone\n")


if __name__ == "__main__":
    main()
