"""``python -m tests.faults [PART OF A NAME …]``: what clusters built to be slow cost each command."""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from . import hostile

#: Seconds of CPU after which a command is given up on.
LIMIT: Final = 30
#: A command by its name; {now}, {before} and {recording} are files.
COMMANDS: Final = {
    "simulate": "simulate a/s a/d --port 443 --manifests {now}",
    "simulate, any port": "simulate a/s a/d --manifests {now}",
    "simulate, outside": "simulate a/s internet --port 443 -o json --manifests {now}",
    "simulate --trace": "simulate a/s a/d --port 443 --trace --manifests {now}",
    "explain": "explain a/p --manifests {now}",
    "matrix": "matrix --by pod --manifests {now} -o csv",
    "matrix, namespaces": "matrix --by namespace --manifests {now} -o csv",
    "reach": "reach a/s --manifests {now}",
    "reach --hops": "reach a/s --hops 3 --manifests {now}",
    "diff": "diff {before} {now}",
    "audit": "audit --manifests {now}",
    "audit, page": "audit --manifests {now} -o html",
    "inventory": "inventory --manifests {now}",
    "charter init": "charter init --manifests {now}",
    "timeline": "timeline --recording {recording}",
    "story": "story a/s --recording {recording}",
    "evidence": "evidence -o {bundle} --manifests {now}",
}


def main() -> None:
    """Print one line a shape and command: CPU seconds and peak memory of the whole process."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("shapes", nargs="*", metavar="PART", help="parts of shapes' names; all unless named")
    parser.add_argument("--commands", default="", metavar="A,B", help="parts of commands' names; all unless named")
    parser.add_argument("--scale", type=float, default=1.0, help="of the sizes that are usual")
    options = parser.parse_args()
    chosen = [part for part in options.commands.split(",") if part]
    for name, (_, usual) in hostile.SHAPES.items():
        if options.shapes and not any(part in name for part in options.shapes):
            continue
        size = max(1, int(usual * options.scale))
        with tempfile.TemporaryDirectory(prefix="netpol-hostile-") as folder:
            # In a process of its own: what it takes would be counted as that of the commands started from here.
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
                files = apart.submit(hostile.written, Path(folder), name, size).result()
            for command, words in COMMANDS.items():
                if not chosen or any(part in command for part in chosen):
                    print(f"{size:>7,} {name:<38} {command:<20} {measured(words, files)}", flush=True)


def measured(words: str, files: dict[str, str]) -> str:
    """CPU, memory, what was written and how a command ended."""
    command = [sys.executable, "-m", "console", *(each.format(**files) for each in words.split())]

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))

    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, preexec_fn=bounded)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        err.seek(0)
        said = err.read().decode().strip().splitlines()
        size = out.seek(0, os.SEEK_END)
    seconds = used.ru_utime + used.ru_stime
    ended = (
        f"exit {process.returncode}" if process.returncode in (0, 1, 3) else f"ENDED {process.returncode} {said[-1:]}"
    )
    return f"{seconds:7.2f} s {used.ru_maxrss / 1024:7,.0f} MiB {size / 1024:9,.0f} KiB out  {ended}"


if __name__ == "__main__":
    main()
