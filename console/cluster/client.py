"""The kubernetes package's ApiClient for one context, and what is added to it.

Every connection it opens refuses to send anything but reads and self-reviews, and can
be cut from another thread. Importing this module is cheap; making a client is not
(the package takes 0.4 s of CPU to import, whichever part of it is asked for).
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from traceback import walk_tb
from typing import Any, Final
from urllib.parse import urlsplit

from console import __version__
from console.cluster.credentials import Credentials
from console.cluster.failures import Aborted, clean
from console.cluster.kubeconfig import Context
from console.errors import InputError

#: The only paths that anything is ever posted to.
REVIEWS: Final = (
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
)
_CONNECTIONS: Final = 64


class NotPermitted(Exception):
    """Something in this program tried to send what it must never send."""


class Call:
    """A thread's requests, one at a time; `abort` from another thread ends the one under way and all that follow.

    `generation` is that of the credentials last used.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.aborted = False
        self.generation = 0

    def check(self) -> None:
        """Raise Aborted once the call was given up."""
        if self.aborted:
            raise Aborted

    def hold(self, held: socket.socket | None) -> None:
        """The socket the request goes out on. Raises Aborted if the call was given up."""
        with self._lock:
            self._socket = held
        self.check()

    def release(self) -> None:
        """The request is over; its socket may serve another."""
        with self._lock:
            self._socket = None

    def settle(self, seconds: float) -> None:
        """From now on, that much silence on the socket is a timeout."""
        with self._lock:
            if self._socket is not None:
                self._socket.settimeout(seconds)

    def abort(self) -> None:
        """Give the request up: whoever waits for it wakes at once. Safe to call at any time, from any thread."""
        with self._lock:
            self.aborted = True
            self._shut()

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Break the connection after `seconds`: what comes drop by drop is never silent for as long as a timeout."""
        timer = threading.Timer(seconds, self._break)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _break(self) -> None:
        with self._lock:
            self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            # Not SSLSocket's own shutdown, which forgets the TLS state that the reader still uses.
            # A socket that TLS to a proxy wraps is no such object; its requests end by timeout.
            with contextlib.suppress(OSError, TypeError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def permit(method: str, target: str) -> None:
    """Let reads and self-reviews pass. Raises NotPermitted for any other verb, and for Secrets."""
    path = urlsplit(target).path
    if method == "GET" and "secrets" not in path.split("/"):
        return
    if method == "POST" and path.endswith(REVIEWS):
        return
    raise NotPermitted(f"{method} {path}")


def make_client(context: Context, credentials: Credentials, calls: threading.local) -> Any:
    """An ApiClient for a context. `calls` holds, in each thread that asks, its Call as ``call``.

    Raises InputError where certificates or addresses in the kubeconfig cannot be used.
    """
    from kubernetes.client.api_client import ApiClient
    from kubernetes.client.configuration import Configuration
    from kubernetes.config.config_exception import ConfigException
    from kubernetes.config.kube_config import load_kube_config_from_dict

    configuration = Configuration()
    try:
        load_kube_config_from_dict(  # type: ignore[no-untyped-call]
            _settled(context, credentials), client_configuration=configuration, persist_config=False
        )
    except (ConfigException, ValueError, OSError, TypeError) as error:
        message = f"context {clean(context.name)} cannot be used: {clean(str(error))}"
        raise InputError(message, hint="check its certificates and keys in the kubeconfig") from None
    if not context.cluster.proxy_url and _is_loopback(configuration.host):
        configuration.proxy = None  # as Go's net/http, which kubectl uses: never by a proxy to oneself
    configuration.retries = False
    configuration.keep_alive = True
    configuration.connection_pool_maxsize = _CONNECTIONS
    if not configuration.verify_ssl:
        _silence_tls_warning()
    try:
        client = ApiClient(configuration)
    except (ValueError, OSError) as error:
        message = f"context {clean(context.name)} cannot be used: {clean(str(error))}"
        raise InputError(message, hint="check server and proxy-url in the kubeconfig") from None
    client.user_agent = f"netpol-console/{__version__}"
    manager = client.rest_client.pool_manager
    manager.pool_classes_by_scheme = {
        scheme: _guarded(pool, calls) for scheme, pool in manager.pool_classes_by_scheme.items()
    }
    return client


def impersonation(context: Context, user: str, groups: tuple[str, ...]) -> list[tuple[str, str]]:
    """The headers that say whom to act as; `user` and `groups` (of the command line) go before the kubeconfig's."""
    held = context.user
    user = user or held.impersonate
    groups = groups or tuple(held.impersonate_groups or ())
    if not user:
        if groups:
            raise InputError("groups to act as need a user to act as", hint="add --as NAME")
        return []
    headers = [("Impersonate-User", user), *(("Impersonate-Group", group) for group in groups)]
    if held.impersonate_uid:
        headers.append(("Impersonate-Uid", held.impersonate_uid))
    for key, values in (held.impersonate_extra or {}).items():
        headers += [(f"Impersonate-Extra-{key}", value) for value in values]
    for name, value in headers:
        if not re.fullmatch(r"[!-~]+", name) or not re.fullmatch(r"[ -~]+", value):
            raise InputError(f"{name} holds characters that no header may hold", hint="check --as and --as-group")
    return headers


def server_address(context: Context) -> str:
    """The server's URL. Without a scheme it is https where the kubeconfig has anything for TLS, as in client-go."""
    server = context.cluster.server.strip().rstrip("/")
    if "://" in server:
        return server
    cluster, user = context.cluster, context.user
    secured = (
        cluster.certificate_authority,
        cluster.certificate_authority_data,
        cluster.insecure_skip_tls_verify,
        user.client_certificate,
        user.client_certificate_data,
    )
    return f"{'https' if any(secured) else 'http'}://{server}"


def _settled(context: Context, credentials: Credentials) -> dict[str, Any]:
    """A kubeconfig of this one context with paths made absolute and the sign-in done."""
    cluster, user = context.cluster, context.user
    held_cluster: dict[str, Any] = {
        "server": server_address(context),
        "certificate-authority": _path(context.cluster_folder, cluster.certificate_authority),
        "certificate-authority-data": cluster.certificate_authority_data,
        "insecure-skip-tls-verify": cluster.insecure_skip_tls_verify,
        "tls-server-name": cluster.tls_server_name,
        "proxy-url": cluster.proxy_url,
    }
    held_user: dict[str, Any] = {
        "token": credentials.token,
        "username": credentials.username,
        "password": credentials.password,
    }
    if credentials.certificate:
        held_user["client-certificate-data"] = _base64(credentials.certificate)
        held_user["client-key-data"] = _base64(credentials.key)
    else:
        held_user["client-certificate"] = _path(context.user_folder, user.client_certificate)
        held_user["client-certificate-data"] = user.client_certificate_data
        held_user["client-key"] = _path(context.user_folder, user.client_key)
        held_user["client-key-data"] = user.client_key_data
    name = "only"
    return {
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "clusters": [{"name": name, "cluster": {key: value for key, value in held_cluster.items() if value}}],
        "users": [{"name": name, "user": {key: value for key, value in held_user.items() if value}}],
    }


def _path(folder: Path, path: str) -> str:
    return str((folder / Path(path).expanduser()).absolute()) if path else ""


def _base64(text: str) -> str:
    return base64.standard_b64encode(text.encode()).decode()


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _silence_tls_warning() -> None:
    # The kubeconfig asks for it; urllib3 would tell on stderr, into the middle of the screen, at every request.
    import urllib3

    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)


def _close_unmade(error: Exception) -> None:
    """Close the TLS socket that was being made when a connection failed.

    `ssl` before CPython 3.11.8 and 3.12.2 leaves it open where the server is gone between connecting and the
    handshake, as when it is killed while every watch comes back. Only the frames of the error still know of it.
    """
    for frame, _ in walk_tb(error.__traceback__):
        made = frame.f_locals.get("self")
        if isinstance(made, ssl.SSLSocket):
            made.close()


def _guarded(pool: type, calls: threading.local) -> type:
    """A urllib3 connection pool class whose connections ask `permit` first and belong to the caller's Call."""
    base: Any = pool

    class Connection(base.ConnectionCls):  # type: ignore[misc]
        def connect(self) -> None:
            call: Call = calls.call
            call.check()
            try:
                super().connect()
            except Exception as error:
                _close_unmade(error)
                raise
            call.hold(self.sock)

        def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
            permit(method, url)
            call: Call = calls.call
            call.hold(self.sock)
            super().request(method, url, *args, **kwargs)
            call.hold(self.sock)

    class Pool(base):  # type: ignore[misc]
        ConnectionCls = Connection

    return Pool
