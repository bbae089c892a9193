"""An object as YAML for people: what the API server sent as JSON, in the block style and order kubectl shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from console.objects.meta import SourceText
from console.objects.yaml_scalars import resolve

if TYPE_CHECKING:
    import yaml

_OBJECT_ORDER: Final = ("apiVersion", "kind", "metadata")
_METADATA_ORDER: Final = ("name", "namespace", "labels", "annotations")
# What a terminal may act on or hide: control characters, bidirectional marks and other invisible ones.
_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\xa0\xad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f"
    "\u205f-\u206f\u3000\u3164\ufeff\uffa0\ufff0-\uffff\ud800-\uf8ff\U000e0000-\U0010ffff]"
)


def render(text: SourceText) -> str:
    """The YAML of an object: its own text from a file, or the API server's JSON laid out, without managedFields."""
    if text.yaml is not None:
        return text.yaml
    value = msgspec.json.decode(text.json or b"null")
    if isinstance(value, dict):
        value = _ordered(value, _OBJECT_ORDER)
        if "status" in value:
            value["status"] = value.pop("status")
        if isinstance(value.get("metadata"), dict):
            value["metadata"] = _ordered(value["metadata"], _METADATA_ORDER)
            value["metadata"].pop("managedFields", None)
    return to_yaml(value)


def to_yaml(value: Any) -> str:
    """A JSON value as YAML that Kubernetes reads back as the same value, with no character a terminal acts on."""
    import yaml  # here, not above: 30 ms that a run which prints no YAML never pays

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        def ignore_aliases(self, _data: Any) -> bool:
            return True

    Dumper.add_representer(str, _represent)
    dumped: str = yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=2**30)
    # Every string with such a character is in double quotes, so its number can stand for it.
    return _UNSAFE.sub(_escape, dumped)


def _represent(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = None
    if _UNSAFE.search(value) or not isinstance(resolve(value), str):
        style = '"'
    elif "\n" in value:
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def _ordered(value: dict[str, Any], first: Sequence[str]) -> dict[str, Any]:
    return {key: value[key] for key in (*first, *value) if key in value}
