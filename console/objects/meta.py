"""Names, owners and origins of Kubernetes objects."""

from __future__ import annotations

from typing import NamedTuple

import msgspec


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
    """Who wrote the object last, from ``metadata.managedFields``. `time` is RFC 3339, as served."""

    name: str
    operation: str = ""
    time: str = ""


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
