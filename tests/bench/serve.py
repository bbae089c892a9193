"""A demo API server in a process of its own, so that what it takes is not counted as the console's.

``python -m tests.bench.serve LIST KUBECONFIG`` serves the objects of a JSON List until its
standard input closes; it says ``ready`` once the kubeconfig is written.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.demo.server import ApiServer
from console.demo.store import Store

from .clusters import load


@contextmanager
def serving(cluster: Path, folder: Path) -> Iterator[Path]:
    """Serve the List of a file; yields the kubeconfig, which is written into `folder`."""
    kubeconfig = folder / "kubeconfig"
    command = [sys.executable, "-m", __name__, str(cluster), str(kubeconfig)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        if server.stdout.readline() != "ready\n":
            raise RuntimeError("the demo API server did not start")
        try:
            yield kubeconfig
        finally:
            server.stdin.close()


def main(cluster: str, kubeconfig: str) -> None:
    gc.disable()
    server = ApiServer(Store(load(Path(cluster)).objects))
    gc.freeze()
    gc.enable()
    with server:
        Path(kubeconfig).write_text(json.dumps(server.kubeconfig(context="bench")))
        print("ready", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
