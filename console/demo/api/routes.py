"""From a method and a URL to what is asked, in Kubernetes' words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

_WRITES: Final = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class Route:
    """A request. `resource` is ``""`` for documents (``/version``, ``/apis``), which `parts` then names."""

    verb: str
    parts: tuple[str, ...]
    query: dict[str, str]
    group: str = ""
    version: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def scope(self) -> str:
        """The namespace whose grants count, ``""`` for the whole cluster: a Namespace by name is in itself."""
        return self.name if (self.group, self.resource) == ("", "namespaces") else self.namespace

    def flag(self, name: str) -> bool:
        """Whether a boolean parameter is set, as apimachinery reads it: anything but ``false`` and ``0`` says yes."""
        return _yes(self.query.get(name))

    def number(self, name: str, default: int) -> int:
        """A parameter as a number of zero or more; ValueError if it is none."""
        value = int(self.query.get(name) or default)
        if value < 0:
            raise ValueError(f"{name} is negative")
        return value


def parse(method: str, target: str) -> Route:
    """The route of a request. Nothing is checked against what is served."""
    url = urlsplit(target)
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    parts = tuple(unquote(part) for part in url.path.split("/") if part)
    verb = _WRITES.get(method, "get")
    if len(parts) > 2 and parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    elif len(parts) > 3 and parts[0] == "apis":
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return Route(verb, parts, query)
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    resource, name, subresource = (*rest, "", "")[:3]
    if verb == "get" and not name:
        verb = "watch" if _yes(query.get("watch")) else "list"
    elif verb == "delete" and not name:
        verb = "deletecollection"
    return Route(verb, parts, query, group, version, resource, namespace, name, subresource)


def _yes(value: str | None) -> bool:
    return value is not None and value.lower() not in ("false", "0")
