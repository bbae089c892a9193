"""The value of a YAML document, whatever it is written with: the complete reader behind the quick one."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from console.objects.yaml_events import Event, ScalarEvent, StartEvent, YamlError, drive
from console.objects.yaml_scalars import MERGE, ScalarError, as_json, as_key, resolve, resolve_tagged

#: What aliases may add to a document, in values. Real manifests reuse a few hundred; a bomb makes billions.
ALIAS_BUDGET: Final = 100_000
_TEXT_UNIT: Final = 64  # characters of text that count as one value more
_LETTERS: Final = frozenset("yYnN")
_MAX_PROBLEMS: Final = 10  # of one document; more say nothing new


class Problem(NamedTuple):
    """Something Kubernetes refuses in a document that could otherwise be read. `line` is 1-based in its text."""

    message: str
    line: int
    path: str


class Reading(NamedTuple):
    """A document's value. With `problems` it is incomplete: of a duplicate key, the last value is kept."""

    value: Any
    problems: tuple[Problem, ...] = ()


def read(text: str, *, letters: bool = False) -> Reading:
    """Read one document. Raises YamlError where it is no YAML, nests too deep or holds an alias bomb.

    With `letters`, plain y, Y, n and N are text: so almost every YAML library but Go's reads and writes them.
    """
    builder = _Builder(letters=letters)
    drive(text, builder)
    return Reading(builder.root, tuple(builder.problems))


def event_scalar(event: ScalarEvent) -> Any:
    """What a scalar event means, before JSON: the value itself. Raises ScalarError."""
    if event.tag:
        return resolve_tagged(event.value, event.tag)
    return resolve(event.value) if event.implicit[0] else event.value


def is_merge(event: ScalarEvent) -> bool:
    """Whether a scalar in the place of a key is the merge key ``<<``."""
    return event.value == "<<" and (bool(event.implicit[0]) or event.tag == MERGE)


_NO_KEY: Final = object()
_MERGE_KEY: Final = object()


class _Frame:
    """A collection being read. `key` is the pending key of a mapping; `size` counts values, aliases expanded."""

    __slots__ = ("anchor", "key", "key_line", "line", "merged", "size", "value")

    def __init__(self, value: dict[str, Any] | list[Any], anchor: str | None, line: int) -> None:
        self.value = value
        self.anchor = anchor
        self.line = line
        self.key: Any = _NO_KEY
        self.key_line = 0
        self.merged: set[str] = set()
        self.size = 1


class _Anchored(NamedTuple):
    value: Any
    size: int


class _Builder:
    def __init__(self, *, letters: bool) -> None:
        self.root: Any = None
        self._letters = letters
        self.problems: list[Problem] = []
        self._frames: list[_Frame] = []
        self._anchors: dict[str, _Anchored | None] = {}
        self._aliased = 0

    def scalar(self, event: ScalarEvent) -> None:
        line = event.start_mark.line + 1
        frame = self._frames[-1] if self._frames else None
        is_key = frame is not None and isinstance(frame.value, dict) and frame.key is _NO_KEY
        if is_key and is_merge(event):
            self._place(_MERGE_KEY, 0, line)
            return
        value: Any = None
        try:
            value = event.value if self._letters and event.value in _LETTERS else event_scalar(event)
            value = self._key(value, line) if is_key else as_json(value)
        except ScalarError as error:
            self._problem(str(error), line)
        size = 1 + len(event.value) // _TEXT_UNIT
        if event.anchor:
            self._anchors[event.anchor] = _Anchored(value, size)
        self._place(value, size, line)

    def alias(self, event: Event) -> None:
        line = event.start_mark.line + 1
        found = self._anchors.get(event.anchor)
        if found is None:
            if event.anchor in self._anchors:
                raise YamlError(f"the anchor &{event.anchor} contains itself", line)
            raise YamlError(f"no anchor &{event.anchor} comes before this", line)
        self._aliased += found.size
        if self._aliased > ALIAS_BUDGET:
            raise YamlError(f"aliases would expand this document to more than {ALIAS_BUDGET:,} values", line)
        self._place(found.value, found.size, line)

    def open(self, event: StartEvent, *, mapping: bool) -> None:
        if event.anchor:
            self._anchors[event.anchor] = None
        self._frames.append(_Frame({} if mapping else [], event.anchor, event.start_mark.line + 1))

    def close(self, event: Event) -> None:
        del event  # its mark is behind the collection, often on a line of something else
        frame = self._frames.pop()
        if frame.anchor:
            self._anchors[frame.anchor] = _Anchored(frame.value, frame.size)
        self._place(frame.value, frame.size, frame.line)

    def _place(self, value: Any, size: int, line: int) -> None:
        """Put a finished value where it belongs: the innermost open collection, as its key, value or item."""
        if not self._frames:
            self.root = value
            return
        frame = self._frames[-1]
        frame.size += size
        if isinstance(frame.value, list):
            frame.value.append(value)
        elif frame.key is _NO_KEY:
            if isinstance(value, (dict, list)):
                raise YamlError("a mapping or a list cannot be a key", line, "quote a value that starts with { or [")
            frame.key = value if value is _MERGE_KEY else self._key(value, line)
            frame.key_line = line
        elif frame.key is _MERGE_KEY:
            self._merge(frame, value)
            frame.key = _NO_KEY
        else:
            if frame.key in frame.value and frame.key not in frame.merged:
                self._problem(f"the key {frame.key} is given twice", frame.key_line)
            frame.merged.discard(frame.key)
            frame.value[frame.key] = value
            frame.key = _NO_KEY

    def _merge(self, frame: _Frame, value: Any) -> None:
        """Take over the keys of ``<<``. As go-yaml v2 does, from there on: keys written above it are replaced."""
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(source, dict) for source in sources):
            raise YamlError("<< takes a mapping, or a list of mappings", frame.key_line)
        assert isinstance(frame.value, dict)
        for source in reversed(sources):
            frame.value.update(source)
            frame.merged.update(source)

    def _key(self, value: Any, line: int) -> str:
        try:
            return as_key(value)
        except ScalarError as error:
            raise YamlError(str(error), line, "quote it") from None

    def _problem(self, message: str, line: int) -> None:
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(Problem(message, line, self._path()))

    def _path(self) -> str:
        steps = ""
        for frame in self._frames:
            if isinstance(frame.value, list):
                steps += f"[{len(frame.value)}]"
            elif isinstance(frame.key, str):
                key = f"[{frame.key}]" if "." in frame.key else frame.key
                steps += f".{key}" if steps and key is frame.key else key
        return steps
