"""``/healthz`` and Prometheus metrics of a watching audit, on loopback unless another address is named."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from console.errors import InputError, NotInstalled, UsageError

if TYPE_CHECKING:
    from console.governance.findings import Audit

_LOOPBACK: Final = "127.0.0.1"
_TEXT: Final = [("Content-Type", "text/plain; charset=utf-8")]


class Metrics:
    """What is told to who asks. Thread-safe: the audit writes, the server's threads read."""

    def __init__(self, title: str) -> None:
        """Raises NotInstalled where prometheus-client is not there."""
        try:
            import prometheus_client as prometheus
        except ImportError:
            raise NotInstalled("metrics", "prometheus-client", extra="metrics") from None
        self.address = ""
        self._generate = prometheus.generate_latest
        self._type = prometheus.CONTENT_TYPE_LATEST
        self._live = False
        self._audited = False
        self._registry = registry = prometheus.CollectorRegistry()

        def gauge(name: str, about: str, *labels: str) -> Any:
            return prometheus.Gauge(f"netpol_console_{name}", about, labels, registry=registry)

        gauge("source_info", "The cluster that is watched.", "source").labels(title).set(1)
        self._source = gauge("source_live", "1 while what is judged is fresh, 0 while it is stale.")
        self._rule = gauge(
            "rule_status", "1 for the status a rule of the charter has, 0 for the others.", "rule", "status"
        )
        self._offences = gauge("rule_offences", "Pairs that break a rule.", "rule")
        self._findings = gauge("findings", "Findings by severity.", "severity")
        self._gaps = gauge("coverage_gaps", "What could not be read.")
        self._at = gauge("last_audit_timestamp_seconds", "When the last audit was made, in seconds since 1970.")
        self._seconds = prometheus.Histogram(
            "netpol_console_audit_seconds",
            "How long an audit took.",
            registry=registry,
            buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5),
        )

    def source(self, live: bool) -> None:
        """Tell whether what is judged is fresh."""
        self._live = live
        self._source.set(1 if live else 0)

    def audited(self, found: Audit, seconds: float) -> None:
        """Tell what an audit found, and how long it took."""
        from console.governance.findings import Severity, Status

        for rule in found.rules:
            for each in Status:
                self._rule.labels(rule.name, each.value).set(1 if rule.status is each else 0)
            self._offences.labels(rule.name).set(len(rule.offences))
        for severity in Severity:
            number = sum(1 for finding in found.findings if finding.severity is severity)
            self._findings.labels(severity.value).set(number)
        self._gaps.set(len(found.coverage))
        self._at.set_to_current_time()
        self._seconds.observe(seconds)
        self._audited = True

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request (WSGI)."""
        path = environ.get("PATH_INFO")
        if environ.get("REQUEST_METHOD") != "GET":
            start("405 Method Not Allowed", [*_TEXT, ("Allow", "GET")])
            return [b"only GET\n"]
        if path == "/metrics":
            start("200 OK", [("Content-Type", self._type)])
            return [self._generate(self._registry)]
        if path == "/healthz":
            well = self._live and self._audited
            start("200 OK" if well else "503 Service Unavailable", _TEXT)
            why = "" if well else ": the cluster does not answer" if self._audited else ": nothing was audited yet"
            return [f"{'ok' if well else 'not ok'}{why}\n".encode()]
        start("404 Not Found", _TEXT)
        return [b"/healthz and /metrics are here\n"]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    #: Seconds a client may take: one that says nothing must not hold a thread for ever.
    timeout = 10

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: stderr is for people."""


@contextmanager
def serve(where: str, *, title: str) -> Iterator[Metrics]:
    """Serve at ``[HOST:]PORT``. Raises UsageError for what is none, InputError where it cannot be had."""
    host, port = _address(where)
    metrics = Metrics(title)
    try:
        server = make_server(host, port, metrics, server_class=_Server, handler_class=_Quiet)
    except OSError as error:
        raise InputError(f"--metrics {where} cannot be served: {error.strerror}", hint="choose another port") from error
    metrics.address = f"{host}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield metrics
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _address(where: str) -> tuple[str, int]:
    host, _, port = where.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"--metrics {where!r} is no address", hint="write a port, as 9808, or HOST:PORT")
    return host.strip("[]") or _LOOPBACK, int(port)
