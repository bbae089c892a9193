"""Names, owners and origins of Kubernetes objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

#: Between those of whom one did it.
_OR: Final = " or "


class ObjectRef(NamedTuple):
    """Which object: kind, namespace (``""`` for cluster-scoped ones) and name."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {place}"


class OwnerRef(msgspec.Struct, frozen=True, gc=False):
    """The controlling owner of an object (``metadata.ownerReferences`` with ``controller: true``)."""

    kind: str
    name: str
    api_version: str = ""


class Manager(msgspec.Struct, frozen=True, gc=False):
    """Who wrote the object last, from ``metadata.managedFields``. `time` is RFC 3339, as served.

    Servers note whole seconds. Of several who wrote within the same one, nobody can say
    who was the last: `name` is then ``kubectl-edit or kubectl-label``.
    """

    name: str
    operation: str = ""
    time: str = ""

    @classmethod
    def any_of(cls, names: Iterable[str], operation: str, time: str) -> Manager:
        """One of these, or one of several of whom nobody can say which."""
        return cls(_OR.join(sorted(set(names))), operation, time)

    @property
    def names(self) -> tuple[str, ...]:
        """The one, or all who may be meant."""
        return tuple(self.name.split(_OR))


class SourceText(msgspec.Struct, frozen=True):
    """An object's own text, for the YAML view and for pointing at its lines.

    Exactly one of `yaml` (text of one document of a file) and `json` (what the API
    server sent) is set. `file` and `line` (1-based line of the document's first
    line) say where a file's document stands.
    """

    yaml: str | None = None
    json: bytes | None = None
    file: str = ""
    line: int = 1
