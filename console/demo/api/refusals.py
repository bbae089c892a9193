"""A whole answer, and the failures the API server answers with, in kube-apiserver's words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from console.demo.api.access import User
from console.demo.api.encoding import status
from console.demo.api.kinds import BUILT_IN, REVIEW_GROUP
from console.demo.api.routes import Route

_BUILT_IN_GROUPS = frozenset({kind.group for kind in BUILT_IN} | {REVIEW_GROUP[0]})
_REASONS = {
    400: ("BadRequest", "the request is not valid"),
    401: ("Unauthorized", "Unauthorized"),
    403: ("Forbidden", "forbidden"),
    404: ("NotFound", "the server could not find the requested resource"),
    405: ("MethodNotAllowed", "the server does not allow this method on the requested resource"),
    410: ("Expired", "The resourceVersion for the provided list is too old."),
    429: ("TooManyRequests", "Too many requests, please try again later."),
    500: ("InternalError", "Internal error occurred: etcdserver: request timed out"),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
    504: ("Timeout", "Timeout: request did not complete within the allotted timeout"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    code: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """The request is answered with a Status of failure."""

    def __init__(self, code: int, reason: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.body = status(code, reason, message, **details)

    def answer(self) -> Answer:
        """The Status as an answer, with Retry-After where it has one."""
        seconds = self.body.get("details", {}).get("retryAfterSeconds")
        return Answer(
            self.code, msgspec.json.encode(self.body), headers={"Retry-After": str(seconds)} if seconds else {}
        )


class NotServed(Refusal):
    """Nothing answers at this path: outside the groups that are built in, kube-apiserver says so in plain text."""

    def __init__(self) -> None:
        super().__init__(404, "NotFound", "404 page not found")

    def answer(self) -> Answer:
        """The page."""
        return Answer(404, b"404 page not found\n", "text/plain; charset=utf-8")


def failure(code: int, *, retry_after: int = 0) -> Refusal:
    """A failure with the words kube-apiserver uses for its code."""
    reason, message = _REASONS.get(code, ("Unknown", f"the server answered {code}"))
    return Refusal(code, reason, message, **({"retryAfterSeconds": retry_after} if retry_after else {}))


def missing(route: Route) -> Refusal:
    """The 404 of a resource or a document that is not served."""
    group = route.group if route.resource else "/".join(route.parts[1:2]) if route.parts[:1] == ("apis",) else None
    if route.parts[:1] == ("api",) or group in _BUILT_IN_GROUPS:
        return failure(404)
    return NotServed()


def invalid_option(name: str, why: str) -> Refusal:
    """The 422 of a LIST or WATCH whose parameters do not go together."""
    cause = {"reason": "FieldValueForbidden", "message": f"Forbidden: {why}", "field": name}
    message = f'ListOptions.meta.k8s.io "" is invalid: {name}: Forbidden: {why}'
    return Refusal(422, "Invalid", message, group="meta.k8s.io", kind="ListOptions", causes=[cause])


def forbidden(user: User, route: Route) -> Refusal:
    """A 403 in the words of the RBAC authorizer."""
    scope = f'in the namespace "{route.scope}"' if route.scope else "at the cluster scope"
    name = f' "{route.name}"' if route.name else ""
    grouped = f"{route.resource}.{route.group}" if route.group else route.resource
    return Refusal(
        403,
        "Forbidden",
        f'{grouped}{name} is forbidden: User "{user.name}" cannot {route.verb} resource '
        f'"{route.resource}" in API group "{route.group}" {scope}',
        **({"name": route.name} if route.name else {}),
        group=route.group,
        kind=route.resource,
    )
