"""The transport on its own: what goes over the wire, what is refused, and how each failure is told."""

from __future__ import annotations

import gc
import gzip
import select
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from console.cluster.client import Call, NotPermitted, permit, server_address
from console.cluster.contexts import Target, from_dict, load_context
from console.cluster.failures import Aborted, RequestFailed
from console.cluster.source import State
from console.cluster.transport import Limits, Transport
from console.demo.server import ApiServer
from console.errors import InputError
from console.objects.resources import RESOURCES

from .conftest import Follow, names
from .test_contexts import write
from .test_credentials import V1, answering

PODS = next(resource for resource in RESOURCES if resource.plural == "pods")


def target(server: str, *, cluster: dict[str, Any] | None = None, **user: Any) -> Target:
    return from_dict(
        {
            "current-context": "ctx",
            "contexts": [{"name": "ctx", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": server, **(cluster or {})}}],
            "users": [{"name": "u", "user": user}],
        }
    )


def transport(where: Target, **limits: Any) -> Transport:
    return Transport(where.context, limits=Limits(**{"connect": 2.0, "answer": 0.5, **limits}))


class Echo(BaseHTTPRequestHandler):
    """Remembers the headers of what it is asked, and answers as told."""

    heard: ClassVar[list[dict[str, Any]]] = []
    status: ClassVar[int] = 200
    headers_out: ClassVar[dict[str, str]] = {}
    body: ClassVar[bytes] = b"{}"

    def do_GET(self) -> None:
        type(self).heard.append({"path": self.path, "headers": list(self.headers.items())})
        self.send_response(self.status)
        for name, value in {**self.headers_out, "Content-Length": str(len(self.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def echo() -> Iterator[tuple[str, type[Echo]]]:
    class Own(Echo):
        heard: ClassVar[list[dict[str, Any]]] = []

    with ThreadingHTTPServer(("127.0.0.1", 0), Own) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", Own
        server.shutdown()
        thread.join()


def failure(asked: Transport) -> Any:
    with pytest.raises(RequestFailed) as caught:
        asked.get("/version", Call())
    return caught.value.failure


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "POST"])
def test_nothing_but_reads_and_reviews_is_permitted(method: str) -> None:
    with pytest.raises(NotPermitted):
        permit(method, "https://10.0.0.1/api/v1/namespaces/a/pods")
    with pytest.raises(NotPermitted):
        permit("GET", "/api/v1/secrets")
    with pytest.raises(NotPermitted):
        permit("GET", "/api/v1/namespaces/a/secrets/token?watch=1")
    permit("GET", "/api/v1/pods?watch=1")
    permit("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews")


def test_the_gate_is_in_the_connection_itself(server: ApiServer) -> None:
    asked = transport(from_dict(server.kubeconfig()))
    asked.get("/version", Call())
    asked._calls.call = Call()
    with pytest.raises(NotPermitted):
        asked._client.call_api("DELETE", f"{server.url}/api/v1/namespaces/a/pods/p0", {})
    assert {request.verb for request in server.requests.find()} == {"get"}


def test_lists_are_asked_for_and_taken_compressed(echo: tuple[str, type[Echo]]) -> None:
    url, handler = echo
    handler.body = gzip.compress(b'{"items": []}')
    handler.headers_out = {"Content-Encoding": "gzip"}
    asked = transport(target(url, token="t0ken"))
    assert asked.list_page(PODS, None, token="", limit=5, call=Call()) == b'{"items": []}'
    headers = dict(handler.heard[0]["headers"])
    assert headers["Accept-Encoding"] == "gzip"
    assert headers["authorization"] == "Bearer t0ken"
    assert headers["User-Agent"].startswith("netpol-console/")
    assert handler.heard[0]["path"] == "/api/v1/pods?limit=5"


def test_the_demo_server_compresses_what_the_source_reads(server: ApiServer, follow: Follow) -> None:
    server.faults.gzip = True
    assert len(names(follow().until_state(State.LIVE))) == 5


def test_a_bomb_is_not_unpacked(echo: tuple[str, type[Echo]]) -> None:
    url, handler = echo
    handler.body = gzip.compress(b" " * (20 << 20))
    handler.headers_out = {"Content-Encoding": "gzip"}
    assert "answer without end" in failure(transport(target(url), body=1 << 20)).message


def test_redirects_are_not_followed(echo: tuple[str, type[Echo]], server: ApiServer) -> None:
    url, handler = echo
    handler.status = 302
    handler.headers_out = {"Location": f"{server.url}/version"}
    found = failure(transport(target(url, token="t0ken")))
    assert found.code == 302
    assert "redirect" in found.message
    assert not server.requests.find(), "credentials are not carried to where a redirect points"


def test_the_words_of_a_status_are_kept_and_cleaned(echo: tuple[str, type[Echo]]) -> None:
    url, handler = echo
    handler.status = 403
    handler.body = b'{"kind":"Status","message":"pods is \\u001b[31mforbidden\\u202e","code":403}'
    assert failure(transport(target(url))).message == "the server answers 403: pods is [31mforbidden"
    handler.status = 503
    handler.body = b"<html>Bad gateway</html>"
    assert failure(transport(target(url))).message == "the server answers 503"
    handler.status = 429
    handler.headers_out = {"Retry-After": "7"}
    assert failure(transport(target(url))).retry_after == 7


def test_headers_to_act_as_somebody_come_from_the_kubeconfig_too(echo: tuple[str, type[Echo]]) -> None:
    url, handler = echo
    user = {"as": "jane", "as-groups": ["dev", "ops"], "as-uid": "7", "as-user-extra": {"scopes": ["view"]}}
    transport(target(url, **user)).get("/version", Call())
    said = [(name, value) for name, value in handler.heard[0]["headers"] if name.startswith("Impersonate")]
    assert said == [
        ("Impersonate-User", "jane"),
        ("Impersonate-Group", "dev"),
        ("Impersonate-Group", "ops"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Extra-scopes", "view"),
    ]


def test_headers_cannot_be_smuggled_in() -> None:
    where = target("http://127.0.0.1:1")
    asked = Transport(where.context, act_as="eve\r\nImpersonate-Group: system:masters")
    with pytest.raises(InputError, match="no header may hold"):
        asked.get("/version", Call())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_cluster_that_is_down() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    found = failure(transport(target(url)))
    assert (found.code, found.message) == (0, f"no route to {url}: connection refused")
    assert "kubectl --context ctx version" in found.hint


def test_a_name_that_does_not_exist() -> None:
    found = failure(transport(target("https://no-such-host.invalid:6443")))
    assert "cannot be resolved" in found.message


def test_a_server_that_accepts_and_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = failure(transport(target(f"http://127.0.0.1:{listener.getsockname()[1]}")))
    assert "does not answer" in found.message


def test_tls_where_there_is_none(server: ApiServer) -> None:
    found = failure(transport(target(server.url.replace("http:", "https:"))))
    assert "no TLS connection" in found.message


@pytest.mark.parametrize("server", ["https://10.0.0.1:notaport", "https://[::1", "gopher://10.0.0.1", "https://"])
def test_an_address_that_is_none(server: str) -> None:
    with pytest.raises((RequestFailed, InputError)) as caught:
        transport(target(server)).get("/version", Call())
    told = caught.value.failure if isinstance(caught.value, RequestFailed) else caught.value
    assert told.hint
    assert "Traceback" not in told.message


@pytest.mark.parametrize(
    "broken",
    [
        {"cluster": {"certificate-authority": "/no/such/ca.crt"}},
        {"cluster": {"certificate-authority-data": "!!!"}},
        {"cluster": {"certificate-authority-data": "bm90IGEgY2VydA=="}},
        {"client-certificate": "/no/such/cert", "client-key": "/no/such/key"},
        {"client-certificate-data": "bm90IGEgY2VydA==", "client-key-data": "bm90IGEga2V5"},
    ],
)
def test_certificates_that_cannot_be_used(broken: dict[str, Any]) -> None:
    with pytest.raises((RequestFailed, InputError)) as caught:
        transport(target(f"https://127.0.0.1:{free_port()}", **broken)).get("/version", Call())
    told = caught.value.failure if isinstance(caught.value, RequestFailed) else caught.value
    assert told.hint


def test_an_address_without_a_scheme_is_https_where_there_is_anything_for_tls() -> None:
    assert server_address(target("10.0.0.1:8080").context()) == "http://10.0.0.1:8080"
    cluster = {"certificate-authority-data": "Q0E="}
    assert server_address(target("10.0.0.1:6443", cluster=cluster).context()) == "https://10.0.0.1:6443"


def test_the_proxy_of_the_environment_is_not_asked_for_this_machine(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert b"gitVersion" in transport(from_dict(server.kubeconfig())).get("/version", Call())
    elsewhere = failure(transport(target("http://10.255.255.1:6443")))
    assert "proxy" in elsewhere.message


def test_a_call_given_up_wakes_whoever_waits_for_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        asked = transport(target(f"http://127.0.0.1:{listener.getsockname()[1]}"), answer=60.0)
        call, ended = Call(), threading.Event()

        def ask() -> None:
            with pytest.raises(Aborted):
                asked.get("/version", call)
            ended.set()

        thread = threading.Thread(target=ask)
        thread.start()
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(4096)  # the request is on its way: it waits for an answer now
            call.abort()
            assert ended.wait(10)
        thread.join()
        with pytest.raises(Aborted):
            asked.get("/version", call)


def test_a_rotated_token_is_read_again_and_nothing_is_stale_for_it(
    server: ApiServer, tmp_path: Path, follow: Follow
) -> None:
    token = write(tmp_path / "token", server.token)
    raw = server.kubeconfig()
    raw["users"][0]["user"] = {"tokenFile": "token"}
    reader = follow(load_context(str(write(tmp_path / "config", raw))))
    reader.until_state(State.LIVE)
    write(token, server.rotate_token())
    server.faults.cut(verb="watch", times=8)
    assert server.requests.wait(1, verb="watch", status=401)
    assert server.requests.wait(16, verb="watch", status=200)
    assert State.STALE not in {update.status.state for update in reader.updates}


def test_a_token_that_expires_for_good_is_told_and_a_new_one_is_found(
    server: ApiServer, tmp_path: Path, follow: Follow
) -> None:
    token = write(tmp_path / "token", server.token)
    raw = server.kubeconfig()
    raw["users"][0]["user"] = {"tokenFile": str(token)}
    reader = follow(load_context(str(write(tmp_path / "config", raw))))
    reader.until_state(State.LIVE)
    fresh = server.rotate_token()
    server.faults.cut(verb="watch", times=8)
    stale = reader.until_state(State.STALE)
    assert "401" in stale.status.message
    assert "sign in again" in stale.status.hint
    assert len(names(stale)) == 5
    write(token, fresh)
    reader.until_state(State.LIVE)


def test_a_plugin_is_run_once_for_all_and_again_when_its_token_is_refused(
    server: ApiServer, tmp_path: Path, follow: Follow
) -> None:
    token, log = write(tmp_path / "token", server.token), tmp_path / "log"
    script = (
        f"import json; open({str(log)!r}, 'a').write('x'); print(json.dumps({{'apiVersion': '{V1}',"
        f"'kind': 'ExecCredential', 'status': {{'token': open({str(token)!r}).read()}}}}))"
    )
    raw = server.kubeconfig()
    raw["users"][0]["user"] = {"exec": {"command": sys.executable, "args": ["-c", script], "apiVersion": V1}}
    reader = follow(from_dict(raw))
    reader.until_state(State.LIVE)
    assert log.read_text() == "x"
    write(token, server.rotate_token())
    server.faults.cut(verb="watch", times=8)
    assert server.requests.wait(16, verb="watch", status=200)
    assert len(log.read_text()) <= 3, "eight streams share a sign-in"


def test_a_plugin_that_fails_is_failed_until_it_does_not(server: ApiServer, tmp_path: Path, follow: Follow) -> None:
    ready = tmp_path / "ready"
    script = (
        f"import json, os, sys\nif not os.path.exists({str(ready)!r}): sys.exit('please log in')\n"
        f"{answering(token=server.token)}"
    )
    raw = server.kubeconfig()
    raw["users"][0]["user"] = {"exec": {"command": sys.executable, "args": ["-c", script], "apiVersion": V1}}
    reader = follow(from_dict(raw))
    failed = reader.until_state(State.FAILED)
    assert "please log in" in failed.status.message
    assert "kubectl --context demo" in failed.status.hint
    ready.touch()
    reader.until_state(State.LIVE)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here to make a certificate with")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names_ = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    subprocess.run([*command, *names_, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


def test_tls_is_checked_used_and_given_up(certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)

    class Own(Echo):
        heard: ClassVar[list[dict[str, Any]]] = []
        arrived = threading.Event()
        held = threading.Event()

        def do_GET(self) -> None:
            if self.path == "/version":
                return super().do_GET()
            self.arrived.set()
            self.held.wait(10)
            return None

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            pass

    with Quiet(("127.0.0.1", 0), Own) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        url = f"https://127.0.0.1:{server.server_port}"
        found = failure(transport(target(url)))
        assert "not trusted" in found.message
        assert "certificate-authority" in found.hint
        trusted = transport(target(url, cluster={"certificate-authority": str(cert)}), answer=30.0)
        assert trusted.get("/version", Call()) == b"{}"
        wrong_name = {"certificate-authority": str(cert), "tls-server-name": "elsewhere.example"}
        assert "not trusted" in failure(transport(target(url, cluster=wrong_name))).message
        assert transport(target(url, cluster={"insecure-skip-tls-verify": True})).get("/version", Call()) == b"{}"

        call, outcome = Call(), []

        def stalled() -> None:
            try:
                trusted.get("/stall", call)
            except Aborted as error:
                outcome.append(error)

        thread = threading.Thread(target=stalled)
        thread.start()
        assert Own.arrived.wait(10)
        call.abort()
        thread.join(10)
        assert outcome
        Own.held.set()
        server.shutdown()
        serving.join()


def test_a_server_that_goes_before_the_handshake_leaves_no_connection_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not for the garbage collector to close them: a server that restarts would leave one of every watch."""
    wrap = ssl.SSLContext.wrap_socket
    ours = []

    def late(tls: ssl.SSLContext, sock: socket.socket, **how: Any) -> ssl.SSLSocket:
        ours.append(sock.getsockname())
        listener.close()
        assert select.select([sock], [], [], 10)[0], "the connection is reset"
        return wrap(tls, sock, **how)

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", late)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = failure(transport(target(f"https://127.0.0.1:{listener.getsockname()[1]}")))
    assert "broke" in found.message
    assert len(ours) == 1
    held = [each for each in gc.get_objects() if type(each) is ssl.SSLSocket and each.fileno() != -1]
    assert [each for each in held if each.getsockname() in ours] == []


def test_the_title_and_act_as_are_the_targets(server: ApiServer) -> None:
    where = replace(from_dict(server.kubeconfig()), act_as="jane")
    assert (where.title, where.act_as) == ("demo", "jane")
