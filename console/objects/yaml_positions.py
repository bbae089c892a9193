"""Where in a YAML text the parts of an object stand, so that an explanation can point at its lines."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from console.objects.yaml_events import Event, ScalarEvent, StartEvent, YamlError, drive
from console.objects.yaml_scalars import ScalarError, as_key
from console.objects.yaml_values import ALIAS_BUDGET, event_scalar, is_merge

Lines = tuple[int, int]


class Positions:
    """The lines of every value of one YAML document, parsed once: keep it for as long as its text is shown."""

    def __init__(self, text: str) -> None:
        self._size = text.count("\n") + (not text.endswith("\n")) if text else 0
        builder = _Builder(text)
        try:
            drive(text, builder)
        except YamlError:
            # Lines of half a document would be lies: every path answers with the whole text.
            self._root: _Place | None = None
        else:
            self._root = builder.root

    def lines(self, path: Sequence[str | int]) -> Lines | None:
        """The first and last line (1-based) of the value at `path`, the line of its key included.

        Where the path leads nowhere, those of its nearest ancestor that exists. None for an empty text.
        """
        place = self._find(path)
        if place is None:
            return (1, self._size) if self._size else None
        return place.first, place.last

    def start(self, path: Sequence[str | int]) -> tuple[int, int]:
        """The line and column (both 1-based) at which the value at `path` begins, its key included.

        Where the path leads nowhere, those of its nearest ancestor that exists.
        """
        place = self._find(path)
        return (place.first, place.column) if place is not None else (1, 1)

    def _find(self, path: Sequence[str | int]) -> _Place | None:
        place = self._root
        for step in path:
            child = place.children.get(step) if place is not None else None
            if child is None:
                break
            place = child
        return place


def locate(text: str, path: Sequence[str | int]) -> Lines | None:
    """`Positions.lines` for a single question about a text."""
    return Positions(text).lines(path)


class _Place:
    __slots__ = ("children", "column", "first", "last")

    def __init__(
        self, first: int, last: int, children: dict[str | int, _Place] | None = None, *, column: int = 1
    ) -> None:
        self.first = first
        self.last = last
        self.column = column
        self.children: dict[str | int, _Place] = {} if children is None else children


_NO_KEY: Final = object()
_MERGE_KEY: Final = object()
_LOST_KEY: Final = object()  # a key that no path can name


class _Frame:
    __slots__ = ("anchor", "flow", "key", "key_column", "key_line", "mapping", "place")

    def __init__(self, place: _Place, *, mapping: bool, flow: bool, anchor: str | None) -> None:
        self.place = place
        self.mapping = mapping
        self.flow = flow
        self.anchor = anchor
        self.key: object = _NO_KEY
        self.key_line = self.key_column = 0


class _Builder:
    def __init__(self, text: str) -> None:
        self.root: _Place | None = None
        self._text = text.split("\n")
        self._frames: list[_Frame] = []
        self._anchors: dict[str, _Place] = {}
        self._merged = 0

    def scalar(self, event: ScalarEvent) -> None:
        first = event.start_mark.line + 1
        place = _Place(first, self._last_line(event), column=event.start_mark.column + 1)
        if event.anchor:
            self._anchors[event.anchor] = place
        key: object = _LOST_KEY
        if self._wants_key():
            with suppress(ScalarError):
                key = _MERGE_KEY if is_merge(event) else as_key(event_scalar(event))
        self._put(place, key)

    def alias(self, event: Event) -> None:
        line = event.start_mark.line + 1
        target = self._anchors.get(event.anchor)
        # What is inside an alias stands where its anchor does.
        column = event.start_mark.column + 1
        self._put(_Place(line, line, target.children if target else None, column=column), _LOST_KEY)

    def open(self, event: StartEvent, *, mapping: bool) -> None:
        line = event.start_mark.line + 1
        place = _Place(line, line, column=event.start_mark.column + 1)
        if event.anchor:
            self._anchors[event.anchor] = place
        self._frames.append(_Frame(place, mapping=mapping, flow=bool(event.flow_style), anchor=event.anchor))

    def close(self, event: Event) -> None:
        frame = self._frames.pop()
        if frame.flow:  # a block ends where its last part does; the parser's mark is behind comments and blank lines
            frame.place.last = event.end_mark.line + 1
        self._put(frame.place, _LOST_KEY)

    def _wants_key(self) -> bool:
        return bool(self._frames) and self._frames[-1].mapping and self._frames[-1].key is _NO_KEY

    def _put(self, place: _Place, key: object) -> None:
        """Put a finished place into the innermost open collection; `key` is what it names if it is a key."""
        if not self._frames:
            self.root = place
            return
        frame = self._frames[-1]
        frame.place.last = max(frame.place.last, place.last)
        if not frame.mapping:
            frame.place.children[len(frame.place.children)] = place
        elif frame.key is _NO_KEY:
            frame.key = key
            frame.key_line, frame.key_column = place.first, place.column
        else:
            if frame.key is _MERGE_KEY:
                self._merge(frame.place, place)
            elif isinstance(frame.key, str):
                place.first, place.column = min(place.first, frame.key_line), frame.key_column
                frame.place.children[frame.key] = place
            frame.key = _NO_KEY

    def _merge(self, into: _Place, place: _Place) -> None:
        sources = [place] if any(isinstance(key, str) for key in place.children) else list(place.children.values())
        for source in reversed(sources):
            self._merged += len(source.children)
            if self._merged > ALIAS_BUDGET:
                return
            into.children.update(source.children)

    def _last_line(self, event: ScalarEvent) -> int:
        first, mark = event.start_mark.line, event.end_mark
        if event.style not in ("|", ">"):
            return mark.line + 1
        # The parser's mark is at the start of the line after the block and the blank lines that follow it.
        last = mark.line if mark.column == 0 else mark.line + 1
        if "+" not in self._text[first][event.start_mark.column :].partition("#")[0]:
            while last > first + 1 and not self._text[last - 1].strip():
                last -= 1
        return last
