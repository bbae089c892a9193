"""A proxy between the console and an API server that spoils answers on their way, byte by byte if asked to.

The demo's server answers wrongly when told to; this one breaks what a right server sent:
connections, framing, headers, bodies. It takes one request a connection, so that what it
does to one answer touches no other.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Protocol

_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CHUNK: Final = 1 << 16


class Spoil(Protocol):
    """Takes the place of relaying: reads a right answer from `server` and does what it likes to `client`."""

    def __call__(self, client: socket.socket, server: socket.socket, stop: threading.Event) -> None: ...


@dataclass
class Fault:
    """A fault laid in: it strikes requests whose target matches `on` for as long as `strikes` says."""

    spoil: Spoil
    on: re.Pattern[bytes]
    hits: int = 0
    lifted: bool = False
    hit: threading.Event = field(default_factory=threading.Event)

    def lift(self) -> None:
        """Take it out."""
        self.lifted = True


class Proxy:
    """Listens on loopback and relays to the port of a server; a context manager."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.faults: list[Fault] = []
        #: Request lines, in order.
        self.asked: list[bytes] = []

    def __enter__(self) -> Proxy:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="faults-accept", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()

    def lay(self, spoil: Spoil, on: str = ".") -> Fault:
        """Lay a fault in for requests whose target matches `on`."""
        fault = Fault(spoil, re.compile(on.encode()))
        self.faults.append(fault)
        return fault

    def drop(self) -> None:
        """Break every connection there is."""
        with self._lock:
            held = list(self._open)
        for each in held:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), name="faults-peer", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, struct.error), client:
            with self._lock:
                self._open.add(client)
            try:
                self._one(client)
            finally:
                with self._lock:
                    self._open.discard(client)

    def _one(self, client: socket.socket) -> None:
        request = b""
        while _HEAD_END not in request:
            data = client.recv(_CHUNK)
            if not data:
                return
            request += data
        head, _, body = request.partition(_HEAD_END)
        length = _LENGTH.search(head)
        while length and len(body) < int(length[1]):
            body += client.recv(_CHUNK)
        line, _, rest = head.partition(b"\r\n")
        self.asked.append(line)
        fault = next((each for each in self.faults if not each.lifted and each.on.search(line)), None)
        rest = re.sub(rb"(?im)^connection:.*\r\n", b"", rest + b"\r\n")
        with socket.create_connection(("127.0.0.1", self._upstream)) as server:
            with self._lock:
                self._open.add(server)
            try:
                server.sendall(line + b"\r\nConnection: close\r\n" + rest + b"\r\n" + body)
                if fault is None:
                    relay(client, server, self._stop)
                else:
                    fault.hits += 1
                    fault.hit.set()
                    fault.spoil(client, server, self._stop)
            finally:
                with self._lock:
                    self._open.discard(server)


def relay(client: socket.socket, server: socket.socket, stop: threading.Event) -> None:
    """What the server sends, as it comes."""
    while not stop.is_set() and (data := server.recv(_CHUNK)):
        client.sendall(data)


def whole(server: socket.socket) -> tuple[bytes, bytes]:
    """Head and body of an answer, read to its end."""
    parts = []
    while data := server.recv(_CHUNK):
        parts.append(data)
    head, _, body = b"".join(parts).partition(_HEAD_END)
    return head, body


def changed(change: Callable[[bytes, bytes], bytes]) -> Spoil:
    """Sends what `change` makes of head and body of the whole answer."""

    def spoil(client: socket.socket, server: socket.socket, stop: threading.Event) -> None:
        client.sendall(change(*whole(server)))

    return spoil


def answer(data: bytes) -> Spoil:
    """Sends these bytes instead."""
    return changed(lambda head, body: data)


def headed(body: bytes, *headers: bytes) -> bytes:
    """An answer with a body and its length, and what else is said of it."""
    return b"\r\n".join([b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers, b"", body])


def cut(after: int, *, reset: bool = False) -> Spoil:
    """Sends the first bytes, then closes: in good order, or with a reset."""

    def spoil(client: socket.socket, server: socket.socket, stop: threading.Event) -> None:
        sent = 0
        while sent < after and (data := server.recv(min(_CHUNK, after - sent))):
            client.sendall(data)
            sent += len(data)
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return spoil


def hold(after: int, *, head: bytes = b"") -> Spoil:
    """Sends the first bytes, and no more, without closing; `head` before them."""

    def spoil(client: socket.socket, server: socket.socket, stop: threading.Event) -> None:
        client.sendall(head)
        sent = 0
        while sent < after and (data := server.recv(min(_CHUNK, after - sent))):
            client.sendall(data)
            sent += len(data)
        client.settimeout(30.0)
        with contextlib.suppress(TimeoutError):
            client.recv(1)  # until the other side gives up

    return spoil


def endless(head: bytes, piece: bytes) -> Spoil:
    """Sends `head`, and then a piece over and over."""

    def spoil(client: socket.socket, server: socket.socket, stop: threading.Event) -> None:
        client.sendall(head)
        while not stop.is_set():
            client.sendall(piece)

    return spoil
