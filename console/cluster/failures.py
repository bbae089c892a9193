"""What went wrong between the console and an API server, as a value and in words."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import Final

import msgspec

from console.objects.shapes import NO_JSON, prepare

_MAX_MESSAGE: Final = 300
#: Whom API servers take those for who bring no credentials; they are refused (403), not told to sign in (401).
ANONYMOUS: Final = "system:anonymous"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request failed. `code` is the HTTP status, 0 where the server gave no answer.

    `message` is one sentence without its full stop, `hint` what a person can do about it.
    `retry_after` is the wait in seconds that the server asks for, 0 if it asks for none.
    """

    code: int
    message: str
    hint: str = ""
    retry_after: float = 0.0


class RequestFailed(Exception):
    """A request that failed; carries the Failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Aborted(Exception):
    """The request was given up by this side (its Call was aborted)."""


class _Details(msgspec.Struct):
    retry_after_seconds: float | None = msgspec.field(name="retryAfterSeconds", default=None)


class _Status(msgspec.Struct):
    message: str | None = None
    reason: str | None = None
    details: _Details | None = None


prepare(_Status)


def clean(text: str) -> str:
    """Text from outside on one line: control and bidi characters out, whitespace joined, length bounded."""
    text = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return text if len(text) <= _MAX_MESSAGE else f"{text[: _MAX_MESSAGE - 1]}…"


def refusal(code: int, body: bytes, retry_after: str | None = None) -> Failure:
    """The Failure of an answer whose status is not 200. `retry_after` is the header of that name."""
    status = _Status()
    try:
        status = msgspec.json.decode(body, type=_Status)
    except NO_JSON:
        if not body.lstrip().startswith((b"<", b"{")):
            status = _Status(message=body[:_MAX_MESSAGE].decode("utf-8", "replace"))
    said = clean(status.message or status.reason or "")
    wait = status.details.retry_after_seconds if status.details else None
    if retry_after and retry_after.isdecimal():
        wait = float(retry_after)
    hints = {
        401: "the credentials are wrong or expired: sign in again",
        403: "ask for read access, or name the namespaces you may read with --namespace",
        429: "the server asks clients to slow down",
    }
    if 300 <= code < 400:
        message, hint = f"the server redirects ({code}); redirects are not followed", "check the server's address"
    else:
        message, hint = f"the server answers {code}{f': {said}' if said else ''}", hints.get(code, "")
    if code == 403 and ANONYMOUS in said:
        hint = "the context brings no credentials that this server takes: sign in, or name a user in the kubeconfig"
    if code == 400 and "HTTP request to an HTTPS server" in said:
        hint = "write https:// in the kubeconfig's server"
    return Failure(code, message, hint, max(0.0, wait or 0.0))


def no_answer(error: BaseException, server: str, context: str = "") -> Failure:
    """The Failure of a request that got no (whole) answer from `server`, for any error the transport raises."""
    chain = list(_chain(error))
    text = " ".join(f"{type(each).__name__} {each}" for each in chain)
    kubectl = f"try `kubectl --context {clean(context)} version`" if context else "try `kubectl version`"
    check = f"check the address and the network, or {kubectl}"
    names = {type(each).__name__ for each in chain}
    if "ProxyError" in names:
        return Failure(0, f"the proxy before {server} refuses or does not answer", "check HTTPS_PROXY and proxy-url")
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in chain) or "CERTIFICATE_VERIFY_FAILED" in text:
        why = next((each.verify_message for each in chain if isinstance(each, ssl.SSLCertVerificationError)), "")
        message = f"the certificate of {server} is not trusted{f': {clean(why)}' if why else ''}"
        return Failure(0, message, "check certificate-authority and tls-server-name in the kubeconfig")
    if any(isinstance(each, ssl.SSLError) for each in chain) or "SSLError" in text:
        return Failure(0, f"no TLS connection to {server}", "check the server's address and the client certificate")
    if any(isinstance(each, socket.gaierror) for each in chain) or "NameResolutionError" in names:
        return Failure(0, f"the name of {server} cannot be resolved", "check the address, DNS and the VPN")
    refused = any(isinstance(each, ConnectionRefusedError) for each in chain)
    if refused:
        return Failure(0, f"no route to {server}: connection refused", f"is the cluster up? {kubectl}")
    if "ConnectTimeoutError" in names:
        return Failure(0, f"no route to {server}: the connection timed out", check)
    if names & {"ReadTimeoutError", "TimeoutError"}:
        return Failure(0, f"{server} accepts connections but does not answer", "is the API server overloaded?")
    if "NewConnectionError" in names:
        reason = next((each.strerror for each in chain if isinstance(each, OSError) and each.strerror), "")
        return Failure(0, f"no route to {server}{f': {clean(reason).lower()}' if reason else ''}", check)
    if names & {"LocationParseError", "LocationValueError", "URLSchemeUnknown", "InvalidURL"}:
        return Failure(0, f"{server} is no address", "check the cluster's server in the kubeconfig")
    return Failure(0, f"the connection to {server} broke", check)


def _chain(error: BaseException | None) -> list[BaseException]:
    """An exception and all it was made from: causes, contexts, and `reason` and arguments as urllib3 nests them."""
    found: list[BaseException] = []
    todo = [error]
    while todo:
        each = todo.pop(0)
        if each is None or each in found or not isinstance(each, BaseException):
            continue
        found.append(each)
        todo += [each.__cause__, each.__context__, getattr(each, "reason", None)]
        todo += [argument for argument in each.args if isinstance(argument, BaseException)]
    return found
