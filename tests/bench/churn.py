"""A demo API server in a process of its own whose cluster changes all the time, and that keeps a log of it.

``python -m tests.bench.churn LIST KUBECONFIG RATE LOG`` serves the objects of a JSON List; it says
``ready``, makes RATE changes a second from the first line on its standard input until the second,
says how many it made, and writes them and the final objects to LOG.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from console.demo.store import Store
from console.objects.meta import ObjectRef

from .serve import ready, server_of

Raw = dict[str, Any]
#: Changes a second.
RATE: Final = 20


class Entry(NamedTuple):
    """One change. `kept`: it changed more than what nobody keeps (conditions, timestamps)."""

    version: int
    verb: str
    ref: ObjectRef
    kept: bool


class Churn:
    """Changes a store: pods are replaced, turn ready and unready, report status; labels and policies are edited."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._chance = random.Random(3)
        self._pods = list(store.refs("Pod"))
        self._policies = list(store.refs("NetworkPolicy"))
        self._count = 0

    def changes(self) -> Iterator[Entry]:
        """Makes one change after the other."""
        while True:
            draw = self._chance.random()
            if draw < 0.40:
                yield self._status()
            elif draw < 0.65:
                yield self._ready()
            elif draw < 0.70:
                yield self._label()
            elif draw < 0.72:
                yield self._policy()
            else:
                yield from self._replace()

    def _pod(self) -> tuple[int, Raw]:
        place = self._chance.randrange(len(self._pods))
        return place, self._store.get(self._pods[place])

    def _apply(self, obj: Raw, verb: str, manager: str, *, kept: bool = True) -> Entry:
        ref = self._store.apply(obj, manager=manager)
        return Entry(self._store.version, verb, ref, kept)

    def _status(self) -> Entry:
        _, pod = self._pod()
        self._count += 1
        pod["status"]["conditions"] = [*_ready_only(pod), {"type": "Probed", "status": "True", "n": str(self._count)}]
        return self._apply(pod, "MODIFIED", "kubelet", kept=False)

    def _ready(self) -> Entry:
        _, pod = self._pod()
        was = any(each["status"] == "True" for each in _ready_only(pod))
        pod["status"]["conditions"] = [{"type": "Ready", "status": "False" if was else "True"}]
        return self._apply(pod, "MODIFIED", "kubelet")

    def _label(self) -> Entry:
        _, pod = self._pod()
        self._count += 1
        pod["metadata"]["labels"]["revision"] = str(self._count)
        return self._apply(pod, "MODIFIED", "kubectl-label")

    def _policy(self) -> Entry:
        policy = self._store.get(self._chance.choice(self._policies))
        self._count += 1
        policy["metadata"].setdefault("labels", {})["revision"] = str(self._count)
        return self._apply(policy, "MODIFIED", "argocd-controller")

    def _replace(self) -> Iterator[Entry]:
        place, pod = self._pod()
        self._store.delete(self._pods[place])
        yield Entry(self._store.version, "DELETED", self._pods[place], True)
        meta = pod["metadata"]
        name = f"{meta['name'].rpartition('-')[0]}-{''.join(self._chance.choices('bcdfghjklmnpqrstvwxz', k=5))}"
        made = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {key: meta[key] for key in ("namespace", "labels", "ownerReferences")} | {"name": name},
            "spec": pod["spec"],
            "status": {"phase": "Pending"},
        }
        entry = self._apply(made, "ADDED", "kube-controller-manager")
        self._pods[place] = entry.ref
        yield entry
        running = self._store.get(entry.ref)
        running["status"] = {**pod["status"], "conditions": [{"type": "Ready", "status": "True"}]}
        yield self._apply(running, "MODIFIED", "kubelet")


def _ready_only(pod: Raw) -> list[Raw]:
    return [each for each in pod["status"].get("conditions", ()) if each["type"] == "Ready"]


class Churning:
    """A cluster that is served by another process; it changes from `begin` to `end`."""

    def __init__(self, kubeconfig: Path, log: Path, says: IO[str], hears: IO[str]) -> None:
        self.kubeconfig = kubeconfig
        self._log = log
        self._says = says
        self._hears = hears

    def begin(self) -> None:
        print("begin", file=self._hears, flush=True)

    def end(self) -> int:
        """The number of changes that were made."""
        print("end", file=self._hears, flush=True)
        return int(self._says.readline())

    def log(self) -> dict[str, Any]:
        """Each change, and the objects as they are in the end."""
        found: dict[str, Any] = json.loads(self._log.read_text())
        return found


@contextmanager
def churning(cluster: Path, folder: Path) -> Iterator[Churning]:
    """Serve the List of a file, with RATE changes a second; what it writes goes into `folder`."""
    kubeconfig, log = folder / "churning-kubeconfig", folder / "churning-log.json"
    with ready(__name__, cluster, kubeconfig, RATE, log) as (hears, says):
        yield Churning(kubeconfig, log, says, hears)


def main(cluster: str, kubeconfig: str, rate: str, log: str) -> None:
    server = server_of(cluster)
    entries: list[Entry] = []
    stop = threading.Event()

    def work() -> None:
        began = time.monotonic()
        for number, entry in enumerate(Churn(server.store).changes(), 1):
            entries.append(entry)
            if stop.wait(max(0.0, began + number / float(rate) - time.monotonic())):
                return

    with server:
        Path(kubeconfig).write_text(json.dumps(server.kubeconfig(context="soak")))
        print("ready", flush=True)
        sys.stdin.readline()
        worker = threading.Thread(target=work)
        worker.start()
        sys.stdin.readline()
        stop.set()
        worker.join()
        objects = [stored.decoded() for kind in server.store.kinds() for stored in server.store.view(kind)[0]]
        Path(log).write_text(json.dumps({"entries": entries, "objects": objects}))
        print(len(entries), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
