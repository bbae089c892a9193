"""Which kinds of policy beyond NetworkPolicy a cluster has: asked at once, and again now and then."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from console.cluster.client import Call
from console.cluster.failures import Failure, RequestFailed
from console.cluster.transport import Transport
from console.cluster.worker import Worker
from console.errors import InputError
from console.objects.core import ForeignPolicy
from console.objects.resources import CUSTOM_GROUPS, FOREIGN_KINDS, TIERED, Resource, custom
from console.objects.shapes import NO_JSON, prepare

_NEEDED: Final = ("list", "watch")
_RETRY_SECONDS: Final = (1.0, 2.0, 5.0, 10.0, 30.0)


_T = TypeVar("_T")


class _Version(msgspec.Struct):
    version: str


class _Group(msgspec.Struct, rename="camel"):
    name: str
    versions: list[_Version] = []
    preferred_version: _Version | None = None


class _Groups(msgspec.Struct):
    groups: list[_Group] | None = None


class _ServerVersion(msgspec.Struct, rename="camel"):
    git_version: str = ""


class _Entry(msgspec.Struct):
    name: str
    verbs: list[str] | None = None


class _Entries(msgspec.Struct):
    resources: list[_Entry] | None = None


prepare(_Groups, _Entries, _ServerVersion)


def discover(transport: Transport, call: Call) -> tuple[Resource, ...]:
    """The policy kinds that the cluster has as CRDs, each at one version: one that is evaluated, else the preferred.

    Raises as Transport does; an answer that is no discovery document is a RequestFailed.
    """
    found: dict[tuple[str, str], Resource] = {}
    for group in _decoded(transport.get("/apis", call), _Groups).groups or ():
        if group.name not in CUSTOM_GROUPS:
            continue
        preferred = [group.preferred_version.version] if group.preferred_version else []
        for version in dict.fromkeys([*preferred, *(each.version for each in group.versions)]):
            for entry in _entries(transport, group.name, version, call):
                resource = custom(group.name, version, entry.name)
                if resource is None or not set(_NEEDED) <= set(entry.verbs or ()):
                    continue
                held = found.setdefault((group.name, entry.name), resource)
                if held.as_class is ForeignPolicy and resource.as_class is not ForeignPolicy:
                    found[group.name, entry.name] = resource
    return tuple(found.values())


def _entries(transport: Transport, group: str, version: str, call: Call) -> list[_Entry]:
    try:
        body = transport.get(f"/apis/{group}/{version}", call)
    except RequestFailed as error:
        if error.failure.code == 404:  # it went between the two questions
            return []
        if error.failure.code < 500:
            raise
        # The extension server behind this group is down. What it may hold is asked for all the same:
        # that fails as well, and so shows as a gap of this kind instead of hiding every kind there is.
        plurals = [*(each[0] for each in FOREIGN_KINDS.get(group, ())), *(each.plural for each in TIERED)]
        return [_Entry(plural, list(_NEEDED)) for plural in plurals]
    return _decoded(body, _Entries).resources or []


def _decoded(body: bytes, shape: type[_T]) -> _T:
    try:
        return msgspec.json.decode(body, type=shape)
    except NO_JSON:
        raise RequestFailed(Failure(0, "the server's list of its APIs cannot be decoded")) from None


class Discoverer(Worker):
    """Asks again and again in a thread of its own, and posts each answer: the kinds, or why there is no answer."""

    def __init__(
        self, transport: Transport, post: Callable[[tuple[Resource, ...] | Failure], None], every: float
    ) -> None:
        """`every` is in seconds; the waits are spread a little."""
        super().__init__("discover")
        #: The API server's version, asked for once; ``""`` before that, and where it does not say.
        self.server = ""
        self._transport = transport
        self._post = post
        self._every = every

    def run(self) -> None:
        """Ask, post, wait."""
        failures = 0
        while not self.stopped.is_set():
            answer = self._ask()
            if not failures and not self.server and not isinstance(answer, Failure):
                self.server = self._version()
            self._post(answer)
            failures = failures + 1 if isinstance(answer, Failure) else 0
            wait = _RETRY_SECONDS[min(failures, len(_RETRY_SECONDS)) - 1] if failures else self._every
            self.pause(wait * (1 + 0.25 * random.random()))

    def _version(self) -> str:
        try:
            return _decoded(self._transport.get("/version", self.call), _ServerVersion).git_version
        except (RequestFailed, InputError):
            return ""  # it decides nothing

    def _ask(self) -> tuple[Resource, ...] | Failure:
        try:
            try:
                return discover(self._transport, self.call)
            except RequestFailed as error:
                if error.failure.code != 401:
                    raise
                self._transport.reload(self.call)
                return discover(self._transport, self.call)
        except RequestFailed as error:
            return error.failure
        except InputError as error:
            return Failure(0, error.message, error.hint)
