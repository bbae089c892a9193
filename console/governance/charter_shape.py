"""A YAML value against the charter's shape: every key it does not know and every value of a wrong type, each told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import inspect

from console.governance.charter_problems import Path, Problems

_T = TypeVar("_T")

_STEP: Final = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
#: What surprises people most of YAML as Kubernetes reads it.
_BOOLEAN: Final = "to YAML y, n, yes, no, on and off are true and false: quote it"


def convert(value: Any, into: type[_T], path: Path, problems: Problems) -> _T | None:
    """The value as what it should be; None, with all its problems told, where it is not."""
    before = len(problems.found)
    pruned = _known(value, inspect.type_info(into), path, problems)
    try:
        made = msgspec.convert(pruned, into)
    except msgspec.ValidationError as error:
        where, message = _place(pruned, into, str(error))
        problems.add((*path, *where), _in_words(message), _BOOLEAN if "`bool`" in message else "")
        return None
    return None if len(problems.found) > before else made


def _known(value: Any, shape: inspect.Type, path: Path, problems: Problems) -> Any:
    """The value without the keys that its shape does not have, each of which is a problem."""
    if isinstance(shape, inspect.Metadata):
        return _known(value, shape.type, path, problems)
    if isinstance(shape, inspect.UnionType):
        fitting = [each for each in shape.types if _fits(value, each)]
        return _known(value, fitting[0], path, problems) if fitting else value
    if isinstance(shape, inspect.StructType) and isinstance(value, Mapping):
        fields = {each.encode_name: each.type for each in shape.fields}
        kept = {}
        for key, each in value.items():
            if key in fields:
                kept[key] = _known(each, fields[key], (*path, key), problems)
            else:
                near = get_close_matches(str(key), fields, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(fields)}"
                problems.add((*path, key), f"unknown key {key!r}", hint)
        return kept
    if isinstance(shape, inspect.DictType) and isinstance(value, Mapping):
        return {key: _known(each, shape.value_type, (*path, key), problems) for key, each in value.items()}
    if isinstance(shape, inspect.ListType) and isinstance(value, list):
        return [_known(each, shape.item_type, (*path, number), problems) for number, each in enumerate(value)]
    return value


def _fits(value: Any, shape: inspect.Type) -> bool:
    inner = shape.type if isinstance(shape, inspect.Metadata) else shape
    if isinstance(inner, inspect.StructType | inspect.DictType):
        return isinstance(value, Mapping)
    return isinstance(inner, inspect.ListType) and isinstance(value, list)


def _place(value: Any, into: Any, told: str) -> tuple[Path, str]:
    """Where in a value msgspec's ```$.rules[0].name``` is, and what is wrong there. It does not tell keys of a dict."""
    message, _, where = told.partition(" - at ")
    steps: list[str | int] = []
    for name, index in _STEP.findall(where.strip("`").removeprefix("$")):
        if index == "...":
            section, hints = str(steps[0]), get_type_hints(into) if isinstance(into, type) else {}
            if section not in hints:
                break
            inner = get_args(hints[section])[1]
            for key, each in value[section].items():
                try:
                    msgspec.convert(each, inner)
                except msgspec.ValidationError as error:
                    rest, message = _place(each, inner, str(error))
                    return (section, key, *rest), message
        steps.append(name or int(index))
    return tuple(steps), message


def _in_words(message: str) -> str:
    """msgspec speaks of JSON; people write YAML."""
    words = message.replace("Object missing required field", "missing key").replace("`", "'")
    for theirs, ours in (("object", "a mapping"), ("array", "a list"), ("str", "text"), ("int", "a number")):
        words = words.replace(f"'{theirs}'", ours).replace(f"{theirs} |", f"{ours} |")
    return words[:1].lower() + words[1:]
