"""The parse of one YAML document, event by event, with errors in words and a limit to nesting.

libyaml (in PyYAML's C loader) is what go-yaml was ported from, so both accept the
same documents. Events, not nodes: composing recurses in C and crashes on deep input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from console.objects.nesting import MAX_DEPTH

if TYPE_CHECKING:
    import yaml


class YamlError(ValueError):
    """Why a document cannot be read: `message`, the 1-based `line` in its text, and what to do (`hint`)."""

    def __init__(self, message: str, line: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.hint = hint


class Mark(Protocol):
    """A place in the text: 0-based line and column."""

    line: int
    column: int


class Event(Protocol):
    """What PyYAML's events have in common. An `anchor` is None where there is none."""

    anchor: str
    start_mark: Mark
    end_mark: Mark


class ScalarEvent(Event, Protocol):
    """A scalar. ``implicit[0]``: it is plain and untagged. `style` is its quote, ``|``, ``>`` or None."""

    value: str
    tag: str | None
    implicit: tuple[bool, bool]
    style: str | None


class StartEvent(Event, Protocol):
    """The start of a mapping or a sequence."""

    flow_style: bool


class Handler(Protocol):
    """What takes the events of a document. Every `open` is followed by its `close`."""

    def scalar(self, event: ScalarEvent) -> None:
        """A scalar."""

    def alias(self, event: Event) -> None:
        """A reference to an anchor."""

    def open(self, event: StartEvent, *, mapping: bool) -> None:
        """The start of a mapping or a sequence."""

    def close(self, event: Event) -> None:
        """The end of the innermost mapping or sequence."""


def drive(text: str, handler: Handler) -> None:
    """Hand the events of the document in `text` to `handler`. Raises YamlError; whatever `handler` raises passes."""
    import yaml  # here, not above: 30 ms that a run over plain documents never pays

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = documents = 0
    event: Any
    try:
        for event in yaml.parse(text, Loader=loader):
            kind = type(event)
            if kind is yaml.ScalarEvent:
                handler.scalar(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                depth += 1
                if depth > MAX_DEPTH:
                    raise YamlError(f"nested more than {MAX_DEPTH} levels deep", event.start_mark.line + 1)
                handler.open(event, mapping=kind is yaml.MappingStartEvent)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                depth -= 1
                handler.close(event)
            elif kind is yaml.AliasEvent:
                handler.alias(event)
            elif kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    raise YamlError("a second document starts here", event.start_mark.line + 1, "put --- before it")
    except yaml.MarkedYAMLError as error:
        raise _in_words(error, text) from None
    except UnicodeEncodeError as error:  # bytes that are no UTF-8 come as lone surrogates (PEP 383)
        line = text.count("\n", 0, error.start) + 1
        raise YamlError(
            f"the byte 0x{ord(text[error.start]) & 0xFF:02X} is no UTF-8", line, "save it as UTF-8"
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.encode()[: error.position].count(b"\n") + 1  # libyaml counts bytes
        shown = error.character if isinstance(error.character, int) else ord(error.character)
        raise YamlError(f"the character U+{shown:04X} is not allowed in YAML", line) from None


# What libyaml says (a part of it), what that means to a person, and what to do.
_WORDS: Final = (
    ("found unexpected end of stream", "a quote is opened here and never closed", "close the quote"),
    (
        "mapping values are not allowed",
        "a second `key:` where a value is expected",
        "indent the line as its neighbours, or quote a value that holds `: `",
    ),
    ("could not find expected ':'", "a line that is neither `key: value` nor `- item`", "check quotes and indentation"),
    (
        "did not find expected key",
        "the indentation fits none of the lines above, or a quote or bracket ends too early",
        "align the keys of one mapping",
    ),
    (
        "did not find expected '-' indicator",
        "a line inside a list that does not start with `- `",
        "align it with the list's items, or move it out of the list",
    ),
    ("did not find expected ',' or ']'", "a `[` that is never closed, or a comma missing after it", "close it with ]"),
    ("did not find expected ',' or '}'", "a `{` that is never closed, or a comma missing after it", "close it with }"),
    ("did not find expected node content", "a `[` or `{` that is never closed, or a value missing in it", "close it"),
    (
        "did not find expected <document start>",
        "a line outside the mapping or list above",
        "align it with the first line",
    ),
    ("found undefined tag handle", "a tag (`!…`) that is declared nowhere", "quote a value that starts with !"),
    ("found a tab character", "a tab is used for indentation", "YAML allows only spaces there"),
)
#: Errors whose place is where the construct began, not where the parser gave up.
_AT_START: Final = ("found unexpected end of stream", "did not find expected ','")


def _in_words(error: yaml.MarkedYAMLError, text: str) -> YamlError:
    problem = error.problem or error.context or "it is no YAML"
    started = error.context_mark if problem.startswith(_AT_START) else None
    mark = started or error.problem_mark or error.context_mark
    # What is missing at the end is missed on the line after it.
    line = min(mark.line, text.rstrip("\n").count("\n")) + 1 if mark else 1
    if mark and "cannot start any token" in problem:
        found = text[mark.index : mark.index + 1]
        if found == "\t":
            return YamlError("a tab is used for indentation", line, "YAML allows only spaces there")
        return YamlError(f"a value cannot start with {found}", line, "quote it")
    for part, message, hint in _WORDS:
        if part in problem:
            return YamlError(message, line, hint)
    return YamlError(" ".join(part for part in (problem, error.context) if part), line)
