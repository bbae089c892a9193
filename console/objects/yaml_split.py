"""Cuts a YAML text into documents, and the text of a List into its items, without parsing either.

Both cuts are at lines where only a document or an item can start: ``---`` in the first
column ends a document wherever it stands, and no block scalar reaches out to the
column of the list that holds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

# The line break in front is part of it: searching for one is six times as fast as trying every line.
_MARKER: Final = re.compile(r"\n(---|\.\.\.)(?![^ \t\n])[ \t]*(.*)")
#: A line that says something: no comment, and no directive (``%YAML 1.1``).
_CONTENT: Final = re.compile(r"^(?!%)[ \t]*[^\s#]", re.MULTILINE)
_LIST_KIND: Final = re.compile(r"kind:[ ]*[\"']?[A-Za-z]*List[\"']?[ ]*(?:#.*)?$", re.MULTILINE)
_ITEMS: Final = re.compile(r"items:[ ]*(?:#.*)?\n(?:[ ]*(?:#.*)?\n)*([ ]*)-(?=[ \n])")
_ANCHOR: Final = re.compile(r"(?:^|[:-] )[ ]*&[^\s&]", re.MULTILINE)


class Item(NamedTuple):
    """An item of a List, moved to the first column. `line` is its distance, in lines, from the text's first."""

    text: str
    line: int


class Split(NamedTuple):
    """A List cut up. `shell` is its text without the `removed` lines of its items, which followed line `cut`."""

    shell: str
    cut: int
    removed: int
    items: list[Item]


def split_documents(text: str) -> Iterator[tuple[int, str]]:
    """The documents of a file, each with the 1-based line it starts at; those without content are left out."""
    text = f"\n{text}"  # the first line may be a marker
    start, line = 1, 1
    for marker in _MARKER.finditer(text):
        part = text[start : marker.start() + 1]
        if _CONTENT.search(part):
            yield line, part
        line += part.count("\n")
        start = marker.start() + 1
        if marker[1] == "..." or marker[2].startswith("#") or not marker[2]:
            start, line = marker.end() + 1, line + 1
    if _CONTENT.search(text, start):
        yield line, text[start:]


def list_items(text: str) -> Split | None:
    """The items of a document that is a Kubernetes List in block style; None for any other document.

    None too where anchors tie the items together: such a List has to be read in one piece.
    """
    kind, listed = _top_level(text, "kind"), _top_level(text, "items")
    if kind < 0 or listed < 0 or not _LIST_KIND.match(text, kind):
        return None
    if "&" in text and _ANCHOR.search(text):
        return None
    found = _ITEMS.match(text, listed)
    if found is None:
        return None
    indent = len(found[1])
    starts: list[int] = []
    end = len(text)
    # Every line with content that is not deeper than the items: the next item, or what follows the list.
    for line in re.compile(rf"^[ ]{{0,{indent}}}(?=[^ #\n])", re.MULTILINE).finditer(text, found.start(1)):
        at = line.end()
        if at - line.start() == indent and text[at] == "-" and text[at + 1 : at + 2] in (" ", "\n", ""):
            starts.append(line.start())
        else:
            end = line.start()
            break
    items = []
    cut = text.count("\n", 0, listed) + 1
    number = text.count("\n", 0, starts[0])
    for start, stop in zip(starts, [*starts[1:], end], strict=True):
        part = text[start:stop]
        items.append(Item(_dedent(part, indent), number))
        number += part.count("\n")
    return Split(f"{text[:listed]}items: []\n{text[end:]}", cut, number - cut, items)


def _top_level(text: str, key: str) -> int:
    """Where a key of the outermost mapping starts in a document in block style; -1 if it is not there."""
    if text.startswith(f"{key}:"):
        return 0
    found = text.find(f"\n{key}:")
    return found + 1 if found >= 0 else -1


def _dedent(part: str, indent: int) -> str:
    """An item's text without its dash, its lines moved left where all of them can be."""
    first = " " * (indent + 1) + part[indent + 1 :]
    content = first.partition("\n")[0]
    margin = len(content) - len(content.lstrip(" "))
    shallow = rf"^[ ]{{0,{margin - 1}}}"
    if margin == len(content) or re.search(rf"{shallow}[^ \n#]", first, re.MULTILINE):
        return first
    if re.search(rf"{shallow}#", first, re.MULTILINE):  # comments further left, which must stay left of all else
        return re.sub(rf"^[ ]{{0,{margin}}}", "", first, flags=re.MULTILINE)
    return first[margin:].replace("\n" + " " * margin, "\n")
