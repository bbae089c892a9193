"""Names, uids, times and managers as Kubernetes writes them, the same in every run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

Raw = dict[str, Any]

# Kubernetes' alphabet for generated names: no vowels, nothing that looks like another.
_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"


def stamp(seconds: float) -> str:
    """A moment (seconds since the epoch) as Kubernetes writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def suffix(length: int, *parts: object) -> str:
    """A name's generated ending: the same in every run."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:length])


def number(*parts: object) -> int:
    """A number in a generated name: the same in every run."""
    return int.from_bytes(hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:4], "big")


def uid(*parts: object) -> str:
    """An object's uid: the same in every run."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}"


def managed(manager: str, api_version: str, time: str, *, status: str = "") -> list[Raw]:
    """``managedFields``: who wrote the object, and (`status`) who keeps its status."""
    entries = [entry_of(manager, api_version, time, ("f:metadata", "f:spec"))]
    return [*entries, entry_of(status, api_version, time, ("f:status",))] if status else entries


def entry_of(manager: str, api_version: str, time: str, fields: Iterable[str]) -> Raw:
    """An entry of ``managedFields``: who wrote which top fields; the status alone is a subresource."""
    written = {field: dict[str, Any]() for field in fields}
    entry = {"manager": manager, "operation": "Update", "apiVersion": api_version, "time": time}
    status = {"subresource": "status"} if list(written) == ["f:status"] else {}
    return {**entry, "fieldsType": "FieldsV1", "fieldsV1": written, **status}


def owner(obj: Mapping[str, Any]) -> Raw:
    """The ``ownerReferences`` entry that names `obj` as the controller."""
    return {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "name": obj["metadata"]["name"],
        "uid": obj["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
