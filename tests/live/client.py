"""Plain HTTP to a kube-apiserver: what the tests do to the cluster never passes through the code under test."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3


class Refused(Exception):
    """A status the caller did not expect; the message is the server's."""


@dataclass(frozen=True)
class Answer:
    """A status, the headers and the body of one response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        decoded: dict[str, Any] = json.loads(self.body)
        return decoded

    @property
    def version(self) -> str:
        """The resourceVersion of the object or the list."""
        return str(self.json["metadata"]["resourceVersion"])

    @property
    def continue_token(self) -> str:
        return str(self.json["metadata"].get("continue", ""))


class Client:
    """One user's requests. Keeps its connections; one per thread is not needed."""

    def __init__(self, url: str, *, ca: Path | None = None, token: str = "", headers: Mapping[str, str] | None = None):
        self.url = url
        self._headers = {"Accept": "application/json", **(headers or {})}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._pool = urllib3.PoolManager(
            maxsize=16, ca_certs=str(ca) if ca else None, retries=False, timeout=urllib3.Timeout(connect=2, read=30)
        )

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request, whatever comes back."""
        sent = dict(self._headers)
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            # A patch is a JSON merge patch: the simplest one that fits objects and CRDs alike.
            sent["Content-Type"] = "application/merge-patch+json" if method == "PATCH" else "application/json"
        sent.update(headers or {})
        response = self._pool.request(method, self._address(path, query), body=data, headers=sent)
        return Answer(response.status, response.headers, response.data)

    def get(self, path: str, **query: object) -> Answer:
        return self._expect(self.ask("GET", path, query=query))

    def create(self, path: str, body: object, *, exist_ok: bool = False) -> Answer:
        answer = self.ask("POST", path, body)
        return answer if exist_ok and answer.status == 409 else self._expect(answer)

    def patch(self, path: str, body: object, *, manager: str = "") -> Answer:
        """`manager` is the field manager that the server notes, as kubectl and controllers name theirs."""
        return self._expect(self.ask("PATCH", path, body, query={"fieldManager": manager} if manager else None))

    def apply(self, path: str, body: object, *, manager: str) -> Answer:
        """Server-side apply, taking fields from whoever has them."""
        # JSON is YAML.
        how = {"Content-Type": "application/apply-patch+yaml"}
        return self._expect(
            self.ask("PATCH", path, body, query={"fieldManager": manager, "force": "true"}, headers=how)
        )

    def delete(self, path: str) -> Answer:
        # Pods have no kubelet to end them: without a grace of zero they would stay.
        return self._expect(self.ask("DELETE", path, query={"gracePeriodSeconds": 0}))

    @contextmanager
    def watch(self, path: str, **query: object) -> Iterator[Iterator[dict[str, Any]]]:
        """Events of a watch as they come. Silence of ten seconds raises urllib3's ReadTimeoutError."""
        response = self._pool.request(
            "GET",
            self._address(path, {"watch": "1", **query}),
            headers=self._headers,
            preload_content=False,
            timeout=urllib3.Timeout(connect=2, read=10),
        )
        try:
            if response.status != 200:
                raise Refused(f"{response.status}: {response.read()[:500]!r}")
            yield (json.loads(line) for line in _lines(response))
        finally:
            response.close()

    def with_headers(self, headers: Mapping[str, str]) -> Client:
        """The same user with further headers on every request."""
        other = Client(self.url)
        other._headers = {**self._headers, **headers}
        other._pool = self._pool
        return other

    def _address(self, path: str, query: Mapping[str, object] | None) -> str:
        return f"{self.url}{path}?{urlencode(query)}" if query else f"{self.url}{path}"

    @staticmethod
    def _expect(answer: Answer) -> Answer:
        if answer.status >= 300:
            raise Refused(f"{answer.status}: {answer.body[:1000].decode(errors='replace')}")
        return answer


def _lines(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    rest = b""
    for chunk in response.stream(amt=None):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line for line in lines if line)
