"""Objects as bytes, encoded once, and the bodies made of them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from console.demo.api.kinds import Kind
from console.objects.shapes import NO_JSON, prepare


class Stored(NamedTuple):
    """One version of one object. `body` is its JSON without kind and apiVersion, which typed lists leave out."""

    kind: Kind
    namespace: str
    name: str
    version: int
    body: bytes

    def full(self) -> bytes:
        """The object's JSON as GET and WATCH show it."""
        head = msgspec.json.encode({"kind": self.kind.kind, "apiVersion": self.kind.api_version})
        return head[:-1] + b"," + self.body[1:]

    def item(self) -> bytes:
        """The object's JSON as an item of a LIST: only custom resources name their kind there."""
        return self.full() if self.kind.custom else self.body

    def partial(self) -> bytes:
        """The object as meta.k8s.io/v1 PartialObjectMetadata."""
        metadata = msgspec.json.decode(self.body, type=_OnlyMetadata).metadata
        return b'{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":' + bytes(metadata) + b"}"

    def decoded(self) -> dict[str, Any]:
        """The object as a fresh dict, kind and apiVersion first."""
        raw: dict[str, Any] = msgspec.json.decode(self.body)
        return {"apiVersion": self.kind.api_version, "kind": self.kind.kind, **raw}


class _OnlyMetadata(msgspec.Struct):
    metadata: msgspec.Raw


prepare(_OnlyMetadata)


def list_body(kind: Kind, items: Iterable[Stored], metadata: dict[str, Any], *, partial: bool) -> bytes:
    """The body of a LIST."""
    word, api = ("PartialObjectMetadata", "meta.k8s.io/v1") if partial else (kind.kind, kind.api_version)
    head = msgspec.json.encode({"kind": f"{word}List", "apiVersion": api, "metadata": metadata})
    encoded = [obj.partial() if partial else obj.item() for obj in items]
    if partial and not encoded:
        return head[:-1] + b',"items":null}\n'
    return head[:-1] + b',"items":[' + b",".join(encoded) + b"]}\n"


def event_line(type_: str, obj: bytes) -> bytes:
    """One line of a watch."""
    return b'{"type":"' + type_.encode() + b'","object":' + obj + b"}\n"


#: What an empty object of a kind says beside its metadata: the fields that Go writes although nobody set them.
_EMPTY: Final[Mapping[str, dict[str, Any]]] = {
    "Namespace": {"spec": {}, "status": {}},
    "NetworkPolicy": {"spec": {"podSelector": {}}},
    "Pod": {"spec": {"containers": None}, "status": {}},
    "Service": {"spec": {}, "status": {"loadBalancer": {}}},
    "EndpointSlice": {"addressType": "", "endpoints": None, "ports": None},
}


def bookmark(kind: Kind, version: int, *, partial: bool, initial_end: bool = False) -> bytes:
    """The BOOKMARK line of a watch: an otherwise empty object of the watched kind, as kube-apiserver writes it."""
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    if initial_end:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    if partial:
        obj: dict[str, Any] = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
    else:
        obj = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata}
        if not kind.custom:
            obj |= _EMPTY.get(kind.kind, {})
    return event_line("BOOKMARK", msgspec.json.encode(obj))


def status(code: int, reason: str, message: str, **details: Any) -> dict[str, Any]:
    """A meta/v1 Status of failure.

    `details` may hold ``metadata`` (of the list) besides the details proper. What is
    empty among them is left out, as the core group's name.
    """
    metadata = details.pop("metadata", {})
    body: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": metadata,
        "status": "Failure",
        "message": message,
        "reason": reason,
    }
    if details or code in (404, 405):
        body["details"] = {name: value for name, value in details.items() if value}
    return body | {"code": code}


class ContinueToken(msgspec.Struct, frozen=True):
    """What a page leaves for the next: the moment it shows and the last key it held. Moment -1 means now."""

    rv: int
    after: tuple[str, str]

    def encode(self) -> str:
        """The token as clients carry it."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> ContinueToken:
        """The token of a text; ValueError if it is none of ours."""
        try:
            return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=cls)
        except (binascii.Error, *NO_JSON) as error:
            raise ValueError("the token was not made by this server") from error


prepare(ContinueToken)
