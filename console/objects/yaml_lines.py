"""The quick reader: YAML documents of plain, indented lines, at ten times the speed of a full parser.

What kubectl, Helm and people mostly write needs no parser: every line is ``key:``,
``key: value`` or ``- …``, and its indentation says where it belongs. A line is
understood once and remembered, for manifests repeat themselves. A document with
anything else in it (flow collections, anchors, tags, folded blocks, tabs, text beyond
ASCII, a duplicate key, an error) is left to the complete reader, so this one holds no
opinion on what is an error. That both agree is tested by property.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple, cast

from console.objects.yaml_scalars import Scalar, ScalarError, as_json, as_key, resolve

#: A document that the quick reader leaves to the complete one.
UNREAD: Final = object()

# Every repetition is possessive or followed by what it cannot match: no line takes more than linear time.
_LINE: Final = re.compile(
    r"""
    (?P<indent>[ ]*+)
    (?P<dashes>(?:-[ ]++){0,20})
    (?:
        (?P<key>[A-Za-z0-9_./$](?:[!-9;-~]|:(?=[!-~])){0,200}|"[ !#-\[\]-~]{0,200}"|'[ -&(-~]{0,200}')
        :(?=[ ]|$)[ ]*
    )?
    (?:
        (?P<plain>(?:[A-Za-z0-9_./$(~^=<+\\]|-(?=[!-~]))(?:[!-9;-~]|:(?=[!-~])|[ ]++(?=[!-"$-~]))*+)
      | "(?P<double>[ !#-\[\]-~]*+)"
      | '(?P<single>(?:[ -&(-~]|'')*+)'
      | (?P<empty>\{\}|\[\])
      | (?P<literal>\|-?)
      | '(?P<opened>(?:[ -&(-~]|'')*+)
    )?
    (?:[ ]+(?P<comment>\#)[ -~]*)?[ ]*
    """,
    re.VERBOSE,
)
# The next line of a text in single quotes, up to the quote that closes it.
_QUOTED: Final = re.compile(r"([ ]*+)((?:[ -&(-~]|'')*+)('?)[ ]*")
_BLANK: Final = re.compile(r"[ ]*(?:#[ -~]*)?")
_MAX_DEPTH: Final = 64
_MAX_KNOWN: Final = 200_000  # lines remembered; a file that repeats nothing must not be kept twice


class _Line(NamedTuple):
    """What a line says. `column` is where its key or value starts, `items` where each of its dashes stands.

    `text` is a plain value as written, `block` what a value that goes on for lines starts
    with: ``|``, ``|-``, or a quote and the text behind it.
    """

    indent: int
    items: tuple[int, ...]
    column: int
    key: str | None
    has_value: bool
    value: Scalar
    empty: Callable[[], Any] | None
    block: str
    text: str | None
    commented: bool


_NOTHING: Final = _Line(-1, (), -1, None, False, None, None, "", None, False)


class LineReader:
    """Reads documents, remembering lines from one to the next."""

    def __init__(self) -> None:
        self._known: dict[str, _Line | None] = {}

    def read(self, document_text: str) -> Any:
        """The value of the document, or UNREAD."""
        if not document_text.isascii():
            return UNREAD
        lines = document_text.split("\n")
        # The innermost open collection and its column; `stack` holds those around it. The document itself is
        # a list of one value, further left than any line.
        document: list[Any] = [None]
        top: Any = document
        column, is_map = -1, False
        stack: list[tuple[Any, int, bool]] = []
        # `waiting`: the last line ended where a nested value may follow, which goes to top[slot].
        waiting, slot = True, cast("Any", 0)
        # The plain text of the last line, which the next line may go on with.
        running: str | None = None
        known = self._known
        number, end = 0, len(lines)
        while number < end:
            line = known.get(lines[number]) or self._understand(lines[number])
            number += 1
            if line is None:
                return UNREAD
            if line is _NOTHING:
                running = None
                continue
            indent, items, start, key, has_value, value, empty, block, text, commented = line
            if key is None and not items:
                if running is None or text is None or indent <= column:
                    return UNREAD
                running = top[slot] = f"{running} {text}"
                if commented:
                    running = None
                continue
            # Close what this line is not part of; a list may stand in the column of the key that holds it.
            while indent < column or (indent == column and not is_map and not items):
                top, column, is_map = stack.pop()
                waiting = False
            for item in items:
                if waiting and (item > column or (item == column and is_map)):
                    stack.append((top, column, is_map))
                    top[slot] = top = []
                    column, is_map = item, False
                elif is_map or item != column:
                    return UNREAD
                top.append(None)
                waiting, slot = True, -1
            if key is not None:
                if waiting and start > column:
                    stack.append((top, column, is_map))
                    top[slot] = top = {}
                    column, is_map = start, True
                elif not is_map or start != column or key in top:
                    return UNREAD
                slot = key
            if block:
                value, number = (_quoted if block[0] == "'" else _literal)(lines, number, column, block)
                if value is None:
                    return UNREAD
            top[slot] = value if empty is None else empty()
            waiting = not has_value
            running = None if commented else text
            if len(stack) > _MAX_DEPTH:
                return UNREAD
        return document[0]

    def _understand(self, text: str) -> _Line | None:
        line = _NOTHING if _BLANK.fullmatch(text) else _parse(text)
        if len(self._known) < _MAX_KNOWN:
            self._known[text] = line
        return line


def _parse(text: str) -> _Line | None:
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    indent, dashes, key, plain, double, single, empty, literal, opened, comment = found.groups()
    try:
        if key is not None:
            key = key[1:-1] if key[0] in "\"'" else as_key(resolve(key))
        value = double if plain is None else as_json(resolve(plain))
    except ScalarError:
        return None
    if single is not None:
        value = single.replace("''", "'")
    has_value = any(part is not None for part in (plain, double, single, empty, literal, opened))
    if key is None and not has_value:
        return None
    left = len(indent)
    items = tuple(left + at for at, char in enumerate(dashes) if char == "-")
    make = dict if empty == "{}" else list if empty == "[]" else None
    block = literal or ("" if opened is None else f"'{opened}")
    column = left + len(dashes)
    return _Line(left, items, column, key, has_value, value, make, block, plain, comment is not None)


def _literal(lines: list[str], number: int, column: int, block: str) -> tuple[str | None, int]:
    """The text of a literal block (``|``) in a collection at `column`, and the number of the line after it.

    None for what the quick reader leaves alone: an empty block, one that starts with a
    blank line, one with anything but printable ASCII, or one that the text's end cuts.
    """
    first = lines[number] if number < len(lines) else ""
    indent = len(first) - len(first.lstrip(" "))
    if indent <= column or indent == len(first):
        return None, number
    margin = " " * indent
    content = []
    for at in range(number, len(lines)):
        line = lines[at]
        if not line:
            content.append("")
        elif line.startswith(margin) and line.isprintable():
            content.append(line[indent:])
        elif line.lstrip(" ") and not line.startswith(margin):
            number = at
            break
        else:
            return None, number
    else:
        if lines[-1]:
            return None, number
        number = len(lines)
    while content and not content[-1]:
        content.pop()
    return "\n".join(content) + ("\n" if block == "|" else ""), number


def _quoted(lines: list[str], number: int, column: int, block: str) -> tuple[str | None, int]:
    """The text in single quotes that `block` starts, line breaks folded to spaces, and the number of the line after it.

    None for what the quick reader leaves alone: blank lines in it, lines not indented, or no end.
    """
    parts = [block[1:].rstrip(" ")]
    for at in range(number, len(lines)):
        found = _QUOTED.fullmatch(lines[at])
        if found is None or len(found[1]) <= column or not parts[-1]:
            break
        if found[3]:
            return " ".join([*parts, found[2]]).replace("''", "'") if found[2] else None, at + 1
        parts.append(found[2].rstrip(" "))
    return None, number
