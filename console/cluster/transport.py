"""The only way to an API server: lists, watches, reads of documents, and reviews of one's own rights."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import Enum
from http.client import HTTPException
from typing import Any, Final, NoReturn

from console.cluster.client import REVIEWS, Call, impersonation, make_client, server_address
from console.cluster.credentials import sign_in
from console.cluster.failures import Aborted, Failure, RequestFailed, no_answer, refusal
from console.cluster.kubeconfig import Context
from console.errors import InputError
from console.objects.resources import Resource

_MIB: Final = 1 << 20


class Review(Enum):
    """The two reviews of one's own rights; creating them changes nothing in a cluster."""

    ACCESS = "SelfSubjectAccessReview"
    RULES = "SelfSubjectRulesReview"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds in seconds and bytes.

    `connect` for a connection, `answer` for silence before and within an answer,
    `whole` for a whole answer. `body` bounds an answer after decompression, `line` one
    event of a stream; etcd refuses objects beyond 1.5 MiB. A sign-in that failed, or
    that ran a plugin, is not done again within `sign_in`.
    """

    connect: float = 5.0
    answer: float = 30.0
    whole: float = 180.0
    body: int = 512 * _MIB
    line: int = 16 * _MIB
    sign_in: float = 30.0


class Transport:
    """Requests to one API server, as one user. Thread-safe; each thread brings its Call.

    Every method that asks raises RequestFailed (any failure of server or network),
    InputError (kubeconfig or credentials cannot be used) and Aborted (the Call was
    given up).
    """

    def __init__(
        self,
        context: Callable[[], Context],
        *,
        act_as: str = "",
        act_as_groups: tuple[str, ...] = (),
        limits: Limits | None = None,
    ) -> None:
        """`context` reads the context; it is asked again when the server no longer takes the credentials."""
        self._context = context
        self._act_as = act_as
        self._act_as_groups = act_as_groups
        self._limits = limits or Limits()
        self._calls = threading.local()
        self._lock = threading.Lock()
        self._client: Any = None
        self._generation = 0
        self._expires = 0.0
        self._signed_in = 0.0
        self._runs_plugin = False
        self._headers: list[tuple[str, str]] = []
        self._failed: tuple[float, InputError] | None = None
        self._server = "the API server"
        self._name = ""

    def list_page(self, resource: Resource, namespace: str | None, *, token: str, limit: int, call: Call) -> bytes:
        """The body of one page of a list."""
        query = [("limit", str(limit))] if limit else []
        if token:
            query.append(("continue", token))
        accept = _accept(resource, "PartialObjectMetadataList")
        return self._body("GET", resource.path(namespace), call, query=query, accept=accept)

    def watch(self, resource: Resource, namespace: str | None, *, version: str, seconds: int, call: Call) -> Stream:
        """A stream of changes after `version`, open already; the server ends it after `seconds`."""
        query = [
            ("watch", "1"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", version),
            ("timeoutSeconds", str(seconds)),
        ]
        accept = _accept(resource, "PartialObjectMetadata")
        # The API server does not compress watches, and a proxy that did would hold lines back.
        response = self._send("GET", resource.path(namespace), call, query=query, accept=accept, encoding="identity")
        return Stream(response, call, self._limits.line, self._fail)

    def get(self, path: str, call: Call) -> bytes:
        """The body of one document (``/apis``) or object."""
        return self._body("GET", path, call)

    def review(self, review: Review, spec: dict[str, Any], call: Call) -> bytes:
        """The server's answer to a review of one's own rights."""
        path = REVIEWS[0] if review is Review.ACCESS else REVIEWS[1]
        asked = {"apiVersion": "authorization.k8s.io/v1", "kind": review.value, "spec": spec}
        return self._body("POST", path, call, body=asked)

    def connect(self, call: Call) -> None:
        """Read kubeconfig and credentials, where that was not done yet."""
        with self._lock:
            self._ready(call)

    def reload(self, call: Call) -> None:
        """Read kubeconfig and credentials again, unless another thread has since this call last asked."""
        with self._lock:
            recent = self._runs_plugin and time.monotonic() < self._signed_in + self._limits.sign_in
            if call.generation == self._generation and self._client is not None and not recent:
                self._client.close()
                self._client = None
            self._ready(call)

    def close(self) -> None:
        """Close idle connections. Those in use end with their Calls."""
        client = self._client  # without the lock, which a sign-in may hold for long
        if client is not None:
            client.close()

    def _ready(self, call: Call) -> Any:
        """The client; made first where there is none, or where its credentials run out. The lock is held."""
        now = time.time()
        if self._client is not None and not (self._expires and now > self._expires - self._limits.connect):
            return self._client
        if self._failed and time.monotonic() < self._failed[0]:
            raise self._failed[1]
        call.check()
        try:
            context = self._context()
            self._name, self._server = context.name, server_address(context)
            credentials = sign_in(context, cancelled=lambda: call.aborted)
            self._headers = impersonation(context, self._act_as, self._act_as_groups)
            self._client = make_client(context, credentials, self._calls)
        except InputError as error:
            self._failed = (time.monotonic() + self._limits.sign_in, error)
            raise
        self._failed = None
        self._signed_in, self._runs_plugin = time.monotonic(), context.user.exec is not None
        # A time that is over already says more about the clocks than about the credentials.
        self._expires = credentials.expires if credentials.expires > now else 0.0
        self._generation += 1
        return self._client

    def _send(
        self,
        method: str,
        path: str,
        call: Call,
        *,
        query: list[tuple[str, str]] | None = None,
        accept: str = "application/json",
        encoding: str = "gzip",
        body: dict[str, Any] | None = None,
    ) -> Any:
        """Send a request; its response once the head of it is there and says that all is well."""
        with self._lock:
            client = self._ready(call)
            call.generation = self._generation
        self._calls.call = call
        headers = {"Accept": accept, "Accept-Encoding": encoding}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            _, url, headers, _, _ = client.param_serialize(
                method, path, query_params=query, header_params=headers, auth_settings=["BearerToken"]
            )
            timeout = (self._limits.connect, self._limits.answer)
            with call.within(self._limits.whole):
                response = client.call_api(method, url, self._with_impersonation(headers), body, None, timeout).response
                if 200 <= response.status < 300:
                    return response
                with closing(response):
                    text = response.read(_MIB, decode_content=True)
        except Exception as error:
            call.release()
            self._fail(error, call)
        call.release()
        raise RequestFailed(refusal(response.status, text, response.headers.get("Retry-After")))

    def _with_impersonation(self, headers: dict[str, str]) -> Any:
        if not self._headers:
            return headers
        from urllib3 import HTTPHeaderDict  # a plain dict cannot say the same header twice

        merged = HTTPHeaderDict(headers)
        for name, value in self._headers:
            merged.add(name, value)
        return merged

    def _body(self, method: str, path: str, call: Call, **how: Any) -> bytes:
        response = self._send(method, path, call, **how)
        deadline = time.monotonic() + self._limits.whole
        chunks: list[bytes] = []
        size = 0
        try:
            with call.within(self._limits.whole):
                while chunk := response.read1(_MIB, decode_content=True):
                    chunks.append(chunk)
                    size += len(chunk)
                    call.check()
                    if size > self._limits.body or time.monotonic() > deadline:
                        message = f"{self._server} sends an answer without end"
                        raise RequestFailed(Failure(0, message, "is there something else at this address?"))
        except Exception as error:
            response.close()  # what was not read to its end leaves a connection that nobody can use again
            self._fail(error, call)
        finally:
            call.release()
        return b"".join(chunks)

    def _fail(self, error: Exception, call: Call) -> NoReturn:
        """Raise what a failed request means to the caller; what no network can cause is raised as it is."""
        if call.aborted:
            raise Aborted from error
        from kubernetes.client.exceptions import OpenApiException
        from urllib3.exceptions import HTTPError

        if isinstance(error, (HTTPError, HTTPException, OpenApiException, OSError, UnicodeError)):
            raise RequestFailed(no_answer(error, self._server, self._name)) from error
        raise error


class Stream:
    """The open stream of a watch. Close it when done; aborting its Call ends it from another thread."""

    def __init__(self, response: Any, call: Call, max_line: int, fail: Callable[[Exception, Call], NoReturn]) -> None:
        self._response = response
        self._call = call
        self._max_line = max_line
        self._fail = fail

    def lines(self, idle: float) -> Iterator[bytes]:
        """The lines as they come, until the server ends the stream.

        Raises TimeoutError after `idle` seconds without one; empty lines are none: whatever
        keeps a connection busy, only events and bookmarks show that the server still tells
        what happens. Raises RequestFailed where the connection breaks. What stands of a line
        that was cut short is not given: its change comes again after the last whole line's version.
        """
        self._call.settle(idle)
        rest, told = b"", time.monotonic()
        while chunk := self._read():
            *parts, rest = (rest + chunk).split(b"\n")
            whole = [part for part in parts if part]
            if whole:
                yield from whole
                told = time.monotonic()
            elif time.monotonic() > told + idle:
                raise TimeoutError
            if len(rest) > self._max_line:
                message = f"the server sends a watch event of more than {self._max_line >> 20} MiB"
                raise RequestFailed(Failure(0, message))

    def _read(self) -> bytes:
        from urllib3.exceptions import ReadTimeoutError

        try:
            return bytes(self._response.read1(1 << 16, decode_content=True))
        except ReadTimeoutError as error:
            if self._call.aborted:
                raise Aborted from error
            raise TimeoutError from error
        except Exception as error:
            self._fail(error, self._call)

    def close(self) -> None:
        """Let go of the connection."""
        self._call.release()
        self._response.close()


def _accept(resource: Resource, partial: str) -> str:
    if not resource.metadata_only:
        return "application/json"
    return f"application/json;as={partial};g=meta.k8s.io;v=v1,application/json"
