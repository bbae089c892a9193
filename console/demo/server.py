"""A Kubernetes API server on loopback, inside the process, that only ever reads its Store."""

from __future__ import annotations

import contextlib
import secrets
import selectors
import socket
import threading
from typing import Any

from console.demo.api.access import Access
from console.demo.api.handler import Api, Handler
from console.demo.api.log import RequestLog
from console.demo.faults import Faults
from console.demo.store import Store


class ApiServer:
    """Serves a Store over HTTP at 127.0.0.1 as kube-apiserver would.

    `bookmark_seconds` is the time between bookmarks of a watch that asked for them.
    `access` holds the rights, `requests` what was asked, `faults` what goes wrong.
    Started again after a stop it serves at the same address.
    """

    def __init__(self, store: Store, *, faults: Faults | None = None, bookmark_seconds: float = 10.0) -> None:
        self.store = store
        self.faults = faults or Faults()
        self.access = Access()
        self._api = Api(store, self.faults, self.access, secrets.token_urlsafe(24), bookmark_seconds)
        self._port = 0
        self._lock = threading.Lock()
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._acceptor: threading.Thread | None = None
        self._stopper: socket.socket | None = None

    @property
    def requests(self) -> RequestLog:
        """What was asked so far."""
        return self._api.requests

    @property
    def token(self) -> str:
        """The bearer token that is valid now."""
        return self._api.token

    @property
    def url(self) -> str:
        """The address, once started."""
        return f"http://127.0.0.1:{self._port}"

    def rotate_token(self) -> str:
        """Let the token expire: from now on it gets 401 and the returned one is valid. Watches under way go on."""
        self._api.token = secrets.token_urlsafe(24)
        return self._api.token

    def kubeconfig(self, *, context: str = "demo", namespace: str | None = None) -> dict[str, Any]:
        """A kubeconfig with one context, for this address and the token that is valid now."""
        inner = {"cluster": context, "user": context, **({"namespace": namespace} if namespace else {})}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": context,
            "contexts": [{"name": context, "context": inner}],
            "clusters": [{"name": context, "cluster": {"server": self.url}}],
            "users": [{"name": context, "user": {"token": self.token}}],
        }

    def start(self) -> None:
        """Listen; returns once connections are taken. Raises OSError if the address cannot be had."""
        listener = socket.create_server(("127.0.0.1", self._port), backlog=128)
        self._port = listener.getsockname()[1]
        stopped, self._stopper = socket.socketpair()
        self._acceptor = threading.Thread(target=self._accept, args=(listener, stopped), name="demo-api", daemon=True)
        self._acceptor.start()

    def stop(self) -> None:
        """Close every connection and join every thread; safe to call twice, and before `start`."""
        if self._acceptor is None or self._stopper is None:
            return
        self._stopper.close()
        self._acceptor.join()  # nobody is let in after this
        self._acceptor = self._stopper = None
        with self._lock:
            threads = list(self._connections)
            for connection in self._connections.values():
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()

    def __enter__(self) -> ApiServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _accept(self, listener: socket.socket, stopped: socket.socket) -> None:
        with listener, stopped, selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(stopped, selectors.EVENT_READ)
            while all(key.fileobj is listener for key, _ in selector.select()):
                with contextlib.suppress(OSError):  # the peer may be gone already
                    self._admit(*listener.accept())

    def _admit(self, connection: socket.socket, address: Any) -> None:
        thread = threading.Thread(target=self._serve, args=(connection, address), name="demo-api-peer", daemon=True)
        with self._lock:
            self._connections[thread] = connection
        thread.start()

    def _serve(self, connection: socket.socket, address: Any) -> None:
        with connection, contextlib.suppress(OSError):
            Handler(connection, address, self._api)
        with self._lock:
            del self._connections[threading.current_thread()]
