"""Demo API servers in processes of their own, so that what they take is not counted as the console's.

``python -m tests.bench.serve LIST KUBECONFIG`` serves the objects of a JSON List until its
standard input closes; it says ``ready`` once the kubeconfig is written. Each line it reads opens
another namespace: a policy lets its pods go anywhere.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from console.demo.server import ApiServer
from console.demo.store import Store

from .clusters import load


@contextmanager
def serving(cluster: Path, folder: Path) -> Iterator[Path]:
    """Serve the List of a file; yields the kubeconfig, which is written into `folder`."""
    with changing(cluster, folder) as (kubeconfig, _):
        yield kubeconfig


@contextmanager
def changing(cluster: Path, folder: Path) -> Iterator[tuple[Path, Callable[[], None]]]:
    """Serve the List of a file; yields the kubeconfig, and what opens another namespace when it is called."""
    kubeconfig = folder / "kubeconfig"
    with ready(__name__, cluster, kubeconfig) as (stdin, stdout):

        def change() -> None:
            stdin.write("\n")
            if stdout.readline() != "changed\n":
                raise RuntimeError("the demo API server changed nothing")

        yield kubeconfig, change


@contextmanager
def ready(module: str, *arguments: object) -> Iterator[tuple[IO[str], IO[str]]]:
    """Run a module that serves until its standard input closes; yields that and its output once it says ``ready``."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        if server.stdout.readline() != "ready\n":
            raise RuntimeError("the demo API server did not start")
        try:
            yield server.stdin, server.stdout
        finally:
            server.stdin.close()


def server_of(cluster: str) -> ApiServer:
    """A server of the objects of a JSON List, not started yet."""
    gc.disable()
    server = ApiServer(Store(load(Path(cluster)).objects))
    gc.freeze()
    gc.enable()
    return server


def main(cluster: str, kubeconfig: str) -> None:
    with server_of(cluster) as server:
        Path(kubeconfig).write_text(json.dumps(server.kubeconfig(context="bench")))
        print("ready", flush=True)
        for ref, _ in zip(list(server.store.refs("Namespace")), sys.stdin, strict=False):
            server.store.apply(_opened(ref.name))
            print("changed", flush=True)


def _opened(namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "opened", "namespace": namespace},
        "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]},
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
