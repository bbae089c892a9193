"""HTTP: one connection, its requests and their answers."""

from __future__ import annotations

import gzip
import hmac
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from console.demo.api import answers
from console.demo.api.access import DEFAULT_USER, Access, User
from console.demo.api.bell import Vigil
from console.demo.api.kinds import Kind
from console.demo.api.log import Request, RequestLog
from console.demo.api.refusals import Answer, Refusal, failure, forbidden, missing
from console.demo.api.routes import Route, parse
from console.demo.api.watch import Cut, Watch
from console.demo.faults import Fault, Faults
from console.demo.store import Store

#: kube-apiserver compresses answers from this size on, at the fastest level (``APIResponseCompression``).
GZIP_FROM = 128 * 1024
_MAX_BODY = 3 * 1024 * 1024  # kube-apiserver's limit of a request
_LOGIN_PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n"


class _HungUp(Exception):
    """The peer went away while it had to wait."""


@dataclass
class Api:
    """What the connections of a server share."""

    store: Store
    faults: Faults
    access: Access
    token: str
    bookmark_seconds: float
    requests: RequestLog = field(default_factory=RequestLog)


class Handler(BaseHTTPRequestHandler):
    """Answers one connection's requests, one after the other."""

    protocol_version = "HTTP/1.1"
    server_version = "netpol-console-demo"
    sys_version = ""
    disable_nagle_algorithm = True

    def __init__(self, connection: socket.socket, address: Any, api: Api) -> None:
        self._api = api
        # The base class wants a socketserver and uses it nowhere.
        super().__init__(connection, address, None)  # type: ignore[arg-type]

    def handle(self) -> None:
        """Serve until either side closes."""
        try:
            super().handle()
        except (OSError, _HungUp):
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a terminal program must not be written over."""

    def _serve(self) -> None:
        route = parse(self.command, self.path)
        accept_error = self._read_body()
        self._user = User("")
        try:
            if accept_error is not None:
                raise accept_error
            if not self._strike(route):
                self._authenticate()
                self._dispatch(route)
        except Refusal as refusal:
            self._send(route, refusal.answer())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _read_body(self) -> Refusal | None:
        """Take the body off the connection, so that the next request starts after it."""
        self._body = b""
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            return Refusal(411, "LengthRequired", "a body needs a Content-Length")
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not 0 <= length <= _MAX_BODY:
            self.close_connection = True
            return Refusal(413, "RequestEntityTooLarge", f"a body has at most {_MAX_BODY} bytes")
        self._body = self.rfile.read(length)
        return None

    def _strike(self, route: Route) -> bool:
        """Let the faults that come before any answer strike; whether one of them has answered."""
        strike = self._api.faults.strike
        if stall := strike(Fault.STALL, route.verb, route.resource):
            self._pause(lambda: stall.released)
        if slow := strike(Fault.SLOW, route.verb, route.resource):
            deadline = time.monotonic() + slow.seconds
            self._pause(lambda: slow.released or time.monotonic() >= deadline, deadline)
        if wrong := strike(Fault.ANSWER, route.verb, route.resource):
            raise failure(wrong.code, retry_after=int(wrong.seconds) if wrong.code in (429, 503) else 0)
        if strike(Fault.WRONG_TYPE, route.verb, route.resource):
            self._send(route, Answer(200, _LOGIN_PAGE, "text/html"))
            return True
        return False

    def _pause(self, over: Callable[[], bool], deadline: float | None = None) -> None:
        with Vigil(self.connection, self._api.faults.changed) as vigil:
            while not over():
                if not vigil.wait(deadline):
                    raise _HungUp

    def _authenticate(self) -> None:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), self._api.token.encode()):
            raise failure(401)
        self._user = User(DEFAULT_USER)
        name = self.headers.get("Impersonate-User")
        groups = tuple(self.headers.get_all("Impersonate-Group", []))
        if groups and not name:
            raise Refusal(400, "BadRequest", f"requested {groups} without impersonating a user")
        if name:
            asked = Route("impersonate", (), {}, resource="users", name=name)
            if not self._api.access.allowed(self._user, "impersonate", "", "users", ""):
                raise forbidden(self._user, asked)
            self._user = User(name, (*groups, "system:authenticated"))

    def _dispatch(self, route: Route) -> None:
        api = self._api
        if not route.resource:
            if route.verb != "get":
                raise failure(405)
            self._send(route, answers.document(route, api.store.kinds()))
            return
        if reviewed := answers.review(route, self._body, self._user, api.access, api.store.kinds()):
            self._send(route, reviewed)
            return
        if route.verb not in ("get", "list", "watch"):
            raise failure(405)
        if not api.access.allowed(self._user, route.verb, route.group, route.resource, route.scope):
            raise forbidden(self._user, route)
        kind = api.store.kind_at(route.group, route.version, route.resource)
        if kind is None or route.subresource or (route.namespace and not kind.namespaced):
            raise missing(route)
        for name in ("labelSelector", "fieldSelector"):
            if route.query.get(name):  # an unfiltered answer would be a wrong one
                raise Refusal(400, "BadRequest", f"the demo's API server does not serve {name}")
        partial = answers.negotiate(self.headers.get("Accept", ""), single=route.verb != "list")
        if route.verb == "watch":
            self._watch(route, kind, partial=partial)
        elif route.verb == "list":
            self._send(route, answers.listing(route, kind, api.store, partial=partial))
        else:
            self._send(route, answers.one(route, kind, api.store, partial=partial))

    def _send(self, route: Route, answer: Answer) -> None:
        strike = self._api.faults.strike
        body = answer.body
        cut = strike(Fault.CUT, "list", route.resource) if route.verb == "list" else None
        if route.verb == "list" and strike(Fault.MALFORMED, "list", route.resource):
            body = body[: len(body) // 2]
        headers = {"Content-Type": answer.content_type, **answer.headers}
        if self._compresses(body):
            body = gzip.compress(body, compresslevel=1, mtime=0)
            headers["Content-Encoding"] = "gzip"
        self._head(route, answer.code, {**headers, "Content-Length": str(len(body))})
        if cut:
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        else:
            self.wfile.write(body)

    def _compresses(self, body: bytes) -> bool:
        forced = self._api.faults.gzip
        wanted = "gzip" in self.headers.get("Accept-Encoding", "")
        return wanted and forced is not False and (forced is True or len(body) >= GZIP_FROM)

    def _watch(self, route: Route, kind: Kind, *, partial: bool) -> None:
        api = self._api
        watch = Watch.asked(route, kind, api.store, api.faults, partial=partial, bookmark_seconds=api.bookmark_seconds)
        with Vigil(self.connection, api.store.changed, api.faults.changed) as vigil:
            self._head(route, 200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
            try:
                watch.run(vigil, self._chunk)
                self.wfile.write(b"0\r\n\r\n")
            except Cut as cut:
                self.wfile.write(b"%x\r\n%s" % (2 * len(cut.data), cut.data))
                self.close_connection = True

    def _chunk(self, data: bytes) -> None:
        if data:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _head(self, route: Route, code: int, headers: dict[str, str]) -> None:
        self._api.requests.add(
            Request(
                verb=route.verb,
                resource=route.resource,
                namespace=route.namespace,
                status=code,
                path=self.path.partition("?")[0],
                query=self.path.partition("?")[2],
                user=self._user.name,
                accept=self.headers.get("Accept", ""),
            )
        )
        self.send_response(code)
        for name, value in {"Cache-Control": "no-cache, private", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
