"""JSON texts of Kubernetes objects: one object or several in a row, Lists cut into their items."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from console.objects.nesting import MAX_DEPTH, too_deep
from console.objects.shapes import prepare
from console.objects.yaml_events import YamlError
from console.objects.yaml_values import Problem, Reading

_PLACE: Final = re.compile(r" \(byte (\d+)\)$")
_TRAILING: Final = "JSON is malformed: trailing characters"


class JsonObject(NamedTuple):
    """The text of an object and the line it starts at; `shell` has kind and apiVersion of the List it was in."""

    raw: bytes
    line: int
    shell: dict[str, Any] | None = None


class _Shell(msgspec.Struct, rename="camel"):
    kind: str = ""
    api_version: str | None = None
    items: list[msgspec.Raw] | None = None


prepare(_Shell)


def json_objects(text: str) -> Iterator[JsonObject]:
    """The objects of a JSON text. Raises YamlError where it stops being JSON, after what stands before that."""
    try:
        data = memoryview(text.encode())
    except UnicodeEncodeError as error:
        raise YamlError("JSON that is no UTF-8", text.count("\n", 0, error.start) + 1, "save it as UTF-8") from None
    start, line = 0, 1
    while start < len(data):
        end = len(data)
        try:
            msgspec.json.decode(data[start:], type=msgspec.Raw)
        except RecursionError:
            raise _deep(line) from None
        except msgspec.DecodeError as error:
            place = _PLACE.search(str(error))
            problem = str(error).removesuffix(place[0]) if place else "the JSON is cut off: it ends too early"
            if place:  # the number of bytes read, the one complained of included
                end = start + int(place[1]) - 1
            if not problem.startswith(_TRAILING):
                raise YamlError(problem, line + bytes(data[start:end]).count(b"\n")) from None
        raw = bytes(data[start:end])
        lead = len(raw) - len(raw.lstrip())
        yield from _flatten(raw.strip(), line + raw.count(b"\n", 0, lead), None, 0)
        line += raw.count(b"\n")
        start = end


def read_json(found: JsonObject) -> Reading:
    """The value of one object; in a policy, keys given twice are problems. Raises YamlError where it nests too deep."""
    if too_deep(found.raw):
        raise _deep(found.line)
    value = msgspec.json.decode(found.raw)
    kinds = (each.get("kind") for each in (value, found.shell) if isinstance(each, dict))
    # msgspec keeps the last of two keys in silence. Only policies are read a second time for
    # them: doing so for everything would triple the time a file of pods takes.
    if not any("Polic" in str(kind) for kind in kinds):
        return Reading(value)
    twice: list[str] = []

    def collect(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        twice.extend(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]

    json.loads(found.raw, object_pairs_hook=collect)
    return Reading(value, tuple(Problem(f"the key {key} is given twice", 1, "") for key in twice))


def _flatten(raw: bytes, line: int, shell: dict[str, Any] | None, depth: int) -> Iterator[JsonObject]:
    try:
        found = msgspec.json.decode(raw, type=_Shell)
    except msgspec.ValidationError:
        found = _Shell()
    except RecursionError:
        raise _deep(line) from None
    if not found.kind.endswith("List") or found.items is None or depth > MAX_DEPTH:
        yield JsonObject(raw, line, shell)
        return
    inner = {"kind": found.kind, "apiVersion": found.api_version}
    at = 0
    for item in found.items:
        text = bytes(item)
        place = raw.index(text, at)
        line += raw.count(b"\n", at, place)
        yield from _flatten(text, line, inner, depth + 1)
        line += text.count(b"\n")
        at = place + len(text)


def _deep(line: int) -> YamlError:
    return YamlError(f"nested more than {MAX_DEPTH} levels deep", line)
