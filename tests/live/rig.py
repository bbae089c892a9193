"""etcd and a kube-apiserver on loopback, without nodes: started, killed, restarted, read."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import urllib3

from .binaries import Binaries
from .client import Client

T = TypeVar("T")

START_DEADLINE = 60.0
ADMIN = "rig-admin"

# The rig's own traffic (its administrator and the server's controllers) would bury what the console asked.
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "users": [ADMIN, "system:apiserver", "system:anonymous"]},
        {"level": "Metadata"},
    ],
}


class NotStarted(Exception):
    """A server did not come up; the message ends with the end of its log."""


@dataclass(frozen=True)
class User:
    """A user of the token file."""

    name: str
    token: str
    groups: tuple[str, ...] = ()


def until(what: str, probe: Callable[[], T | None], *, seconds: float = 10.0, every: float = 0.02) -> T:
    """The first result of `probe` that is neither None nor False; AssertionError after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        found = probe()
        if found is not None and found is not False:
            return found
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(every)


def free_ports(count: int) -> list[int]:
    """Ports of loopback nobody listens on, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class Process:
    """One server with its log. Killed, never asked: there is nothing to save."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self.log = log
        self._output: IO[bytes] = log.open("ab")
        # The pipe is what ends our own build when the test run itself is killed.
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=self._output,
            env={**os.environ, "RIG_FOLLOWS_STDIN": "1"},
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL and reap. Safe to call twice."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)
        self.close_pipe()
        self._output.close()

    def close_pipe(self) -> None:
        """What the end of the test run does to it."""
        if self._process.stdin:
            self._process.stdin.close()

    def resident_mib(self) -> float:
        """Memory now, in MiB (Linux only)."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def tail(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class Etcd:
    """etcd, with what only a test does to it, through its JSON gateway."""

    def __init__(self, binaries: Binaries, folder: Path, flags: Sequence[str] = ()) -> None:
        port, peer = free_ports(2)
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "etcd.log"
        peer_url = f"http://127.0.0.1:{peer}"
        self._command = [
            *binaries.etcd,
            f"--data-dir={folder / 'etcd'}",
            f"--listen-client-urls={self.url}",
            f"--advertise-client-urls={self.url}",
            f"--listen-peer-urls={peer_url}",
            f"--initial-advertise-peer-urls={peer_url}",
            f"--initial-cluster=default={peer_url}",
            "--unsafe-no-fsync",
            "--log-level=error",
            *flags,
        ]
        self._http = urllib3.PoolManager(maxsize=4, retries=False, timeout=urllib3.Timeout(connect=2, read=30))
        self.process: Process | None = None

    def start(self) -> None:
        self.process = Process(self._command, self.log)

    def revision(self) -> int:
        """The newest revision, which is what the API calls resourceVersion."""
        return int(self._ask("/v3/maintenance/status", {})["header"]["revision"])

    def compact(self, revision: int | None = None) -> int:
        """Forget everything before `revision` (the newest one unless given); returns it."""
        kept = self.revision() if revision is None else revision
        self._ask("/v3/kv/compaction", {"revision": str(kept), "physical": True})
        return kept

    def put(self, objects: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Store objects under their keys, each at a revision of its own as the API server does it.

        The API server reads stored JSON as it reads its own protobuf: ten thousand objects are there in
        seconds, where creating each takes two minutes. For bulk only, with objects shaped like served ones.
        """

        def one(pair: tuple[str, Mapping[str, Any]]) -> None:
            key, value = pair
            self._ask("/v3/kv/put", {"key": _base64(key.encode()), "value": _base64(json.dumps(value).encode())})

        with ThreadPoolExecutor(4) as pool:
            for _ in pool.map(one, objects):
                pass

    def _ask(self, path: str, body: object) -> dict[str, Any]:
        response = self._http.request("POST", self.url + path, body=json.dumps(body).encode())
        assert response.status == 200, f"etcd {path}: {response.status} {response.data[:300]!r}"
        answer: dict[str, Any] = json.loads(response.data)
        return answer


class ApiServer:
    """One kube-apiserver on an etcd. Several may share one: they are then replicas of one cluster."""

    def __init__(
        self,
        binaries: Binaries,
        folder: Path,
        etcd: Etcd,
        users: Iterable[User],
        *,
        flags: Sequence[str] = (),
        service_range: str = "10.96.0.0/16",
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (self._port,) = free_ports(1)
        self.url = f"https://127.0.0.1:{self._port}"
        self.folder = folder
        self.process: Process | None = None
        self.started_in = 0.0
        self.users = {user.name: user for user in users}
        self._admin_token = secrets.token_hex(16)
        self._tokens = folder / "tokens.csv"
        self._audit = folder / "audit.log"
        policy = folder / "audit-policy.json"
        policy.write_text(json.dumps(_AUDIT_POLICY))
        key = folder / "service-accounts.pem"
        if not key.exists():
            key.write_text(_private_key())
        self._command = [
            *binaries.apiserver,
            f"--etcd-servers={etcd.url}",
            f"--secure-port={self._port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--cert-dir={folder}",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-cluster-ip-range={service_range}",
            "--authorization-mode=RBAC",
            f"--token-auth-file={self._tokens}",
            "--disable-admission-plugins=ServiceAccount",
            "--endpoint-reconciler-type=none",
            f"--audit-policy-file={policy}",
            f"--audit-log-path={self._audit}",
            "--profiling=false",
            *flags,
        ]

    @property
    def ca(self) -> Path:
        """What clients trust: the server signs its own certificate and keeps the chain beside the key."""
        return self.folder / "apiserver.crt"

    @property
    def admin(self) -> Client:
        """The rig's administrator, whose requests are not in the audit log."""
        return Client(self.url, ca=self.ca, token=self._admin_token)

    def as_user(self, name: str, *, headers: Mapping[str, str] | None = None) -> Client:
        """A user of the token file."""
        return Client(self.url, ca=self.ca, token=self.users[name].token, headers=headers)

    def start(self) -> None:
        """Start it on the same port and data as before; returns when it is ready. Raises NotStarted.

        The token file is written anew: users whose token was changed while it was down have the new one.
        """
        admin = User(ADMIN, self._admin_token, ("system:masters",))
        rows = [
            ",".join((user.token, user.name, f"uid-{user.name}", f'"{",".join(user.groups)}"'))
            for user in (admin, *self.users.values())
        ]
        self._tokens.write_text("\n".join(rows) + "\n")
        begun = time.monotonic()
        self.process = process = Process(self._command, self.folder / "kube-apiserver.log")
        end = begun + START_DEADLINE
        while not self._ready():
            if not process.running or time.monotonic() > end:
                process.kill()
                raise NotStarted(f"kube-apiserver did not get ready:\n{process.tail()}")
            time.sleep(0.05)
        self.started_in = time.monotonic() - begun

    def kill(self) -> None:
        """End it as a crash would: connections break, nothing is said."""
        if self.process:
            self.process.kill()

    def rotate(self, name: str) -> str:
        """Give a user another token, valid from the next `start`; the old one is then refused."""
        user = self.users[name]
        self.users[name] = User(user.name, secrets.token_hex(16), user.groups)
        return self.users[name].token

    def audit(self) -> list[dict[str, Any]]:
        """Every request of users other than the rig's, as the server recorded it."""
        if not self._audit.exists():
            return []
        return [json.loads(line) for line in self._audit.read_text().splitlines()]

    def _ready(self) -> bool:
        if not self.ca.exists():
            return False
        admin = self.admin
        try:
            # Past /readyz the first namespaces are still being made, and nothing can be created without them.
            return all(admin.ask("GET", path).status == 200 for path in ("/readyz", "/api/v1/namespaces/default"))
        except (urllib3.exceptions.HTTPError, OSError):
            return False


class ControlPlane:
    """An etcd and its API server(s), stopped together."""

    def __init__(
        self,
        binaries: Binaries,
        folder: Path,
        users: Iterable[User] = (),
        *,
        flags: Sequence[str] = (),
        etcd_flags: Sequence[str] = (),
        service_range: str = "10.96.0.0/16",
    ) -> None:
        self._binaries = binaries
        self.folder = folder
        self.etcd = Etcd(binaries, folder, etcd_flags)
        self.server = ApiServer(binaries, folder / "server", self.etcd, users, flags=flags, service_range=service_range)
        self.servers = [self.server]

    def start(self) -> None:
        self.etcd.start()
        try:
            self.server.start()
        except NotStarted:
            self.stop()
            raise

    def replica(self, name: str) -> ApiServer:
        """Another API server on the same etcd, started: what it changes, the first one hears of."""
        other = ApiServer(self._binaries, self.folder / name, self.etcd, self.server.users.values())
        self.servers.append(other)
        other.start()
        return other

    def audit(self) -> list[dict[str, Any]]:
        """What all its servers recorded."""
        return [each for server in self.servers for each in server.audit()]

    def stop(self) -> None:
        for server in self.servers:
            server.kill()
        if self.etcd.process:
            self.etcd.process.kill()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _private_key() -> str:
    """A P-256 key in PEM (RFC 5915, without the optional public part): the signing key of service accounts."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    secret = (secrets.randbelow(order - 1) + 1).to_bytes(32, "big")
    der = bytes.fromhex("303102010104 20") + secret + bytes.fromhex("a00a06082a8648ce3d030107")
    return f"-----BEGIN EC PRIVATE KEY-----\n{_base64(der)}\n-----END EC PRIVATE KEY-----\n"
