"""A plain HTTP client for the tests: what the server sends, byte by byte."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from console.demo.server import ApiServer


class Reply:
    """A whole answer."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.raw = response.read()

    @property
    def body(self) -> bytes:
        return gzip.decompress(self.raw) if self.headers.get("Content-Encoding") == "gzip" else self.raw

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One kept-alive connection to a server."""

    def __init__(self, server: ApiServer, *, token: str | None = None, timeout: float = 10.0) -> None:
        host, port = server.url.removeprefix("http://").split(":")
        self._token = server.token if token is None else token
        self._connection = http.client.HTTPConnection(host, int(port), timeout=timeout)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(
        self,
        path: str,
        *,
        method: str = "GET",
        body: Any = None,
        headers: dict[str, str] | None = None,
        **query: object,
    ) -> http.client.HTTPResponse:
        target = f"{path}?{urlencode(query)}" if query else path
        sent = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        data = None if body is None else json.dumps(body).encode()
        self._connection.request(method, target, body=data, headers={**sent, **(headers or {})})
        return self._connection.getresponse()

    def get(self, path: str, *, headers: dict[str, str] | None = None, **query: object) -> Reply:
        return Reply(self.send(path, headers=headers, **query))

    def post(self, path: str, body: Any, *, headers: dict[str, str] | None = None) -> Reply:
        return Reply(self.send(path, method="POST", body=body, headers=headers))

    def call(self, method: str, path: str, body: Any = None) -> Reply:
        return Reply(self.send(path, method=method, body=body))

    @contextmanager
    def watch(self, path: str, *, headers: dict[str, str] | None = None, **query: object) -> Iterator[Events]:
        response = self.send(path, headers=headers, watch=1, **query)
        assert response.status == 200, response.read()
        yield Events(response)
        self.close()

    def close(self) -> None:
        self._connection.close()

    def hang_up(self) -> None:
        """Break the connection off, also while another thread waits on it."""
        self._connection.sock.shutdown(socket.SHUT_RDWR)


class Events:
    """The lines of a watch."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response

    def line(self) -> bytes:
        """The next line; empty at the stream's end."""
        return self._response.readline()

    def next(self) -> dict[str, Any]:
        """The next event."""
        event: dict[str, Any] = json.loads(self.line())
        return event

    def everything(self) -> bytes:
        """All that is left, as it comes."""
        return self._response.read()

    def rest(self) -> list[dict[str, Any]]:
        """Every event until the server ends the stream."""
        return [json.loads(line) for line in self._response]


Connect = Callable[..., Client]
