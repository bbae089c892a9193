"""YAML and JSON texts of Kubernetes objects: read as Kubernetes reads them, shown, and pointed into.

A file is split into documents before any is parsed, and a List into its items, so
that what cannot be read loses only itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final

import msgspec

from console.objects.diagnostics import Diagnostic, Severity
from console.objects.meta import SourceText
from console.objects.yaml_events import YamlError
from console.objects.yaml_json import JsonObject, json_objects, read_json
from console.objects.yaml_lines import UNREAD, LineReader
from console.objects.yaml_positions import Positions, locate
from console.objects.yaml_render import render, to_yaml
from console.objects.yaml_split import list_items, split_documents
from console.objects.yaml_values import read

__all__ = ["Document", "Positions", "load_documents", "locate", "render", "to_yaml", "with_letters"]

#: Lists in Lists, deeper than anything a tool writes.
_MAX_LISTS: Final = 8
#: What ``kubectl cluster-info dump`` puts between the lists it prints.
_LOGS: Final = re.compile(r"^==== START logs for container ", re.MULTILINE)
#: A text that starts like JSON, is none, and is longer is not tried as YAML: it is JSON with an error.
_FLOW_YAML: Final = 1 << 20
_TEMPLATE: Final = re.compile(r"^\s*\{\{|[:-]\s+\{\{", re.MULTILINE)


class Document(msgspec.Struct, frozen=True):
    """One document of a file, or one item of a List in it.

    `problems` are ERRORs: Kubernetes would refuse the document. `value` is then what
    could be read of it all the same, None if nothing could.
    """

    value: Any
    text: SourceText
    problems: tuple[Diagnostic, ...] = ()


def load_documents(text: str, *, file: str = "") -> Iterator[Document]:
    """The documents of a YAML or JSON file in order, Lists item by item; empty ones are left out. Raises nothing.

    Values are what Kubernetes would make of them (``sigs.k8s.io/yaml``): JSON values with
    string keys. Parts that are aliases of each other are shared, so treat them as read-only.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    loader = _Loader(file)
    for line, part in split_documents(text.removeprefix("\ufeff")):
        yield from loader.documents(part, line)


def with_letters(text: SourceText) -> Any:
    """The value of a document that was read already, with plain y and n as text; None if that changes nothing.

    To Kubernetes they are true and false, and where it wants text it refuses them. Most
    other tools (PyYAML for one) write such text without quotes, so that this tells what was meant.
    """
    if text.yaml is None:
        return None
    value = read(text.yaml, letters=True).value
    return None if value == read(text.yaml).value else value


class _Loader:
    def __init__(self, file: str) -> None:
        self._file = file
        self._lines = LineReader()

    def documents(self, text: str, line: int, depth: int = 0) -> Iterator[Document]:
        """The documents of one part of a file."""
        if text.lstrip()[:1] in ("{", "["):
            found = self._json(text, line)
            if found is not None:
                yield from found
                return
        source = SourceText(yaml=text, file=self._file, line=line)
        split = list_items(text) if depth < _MAX_LISTS else None
        if split is None:
            yield from self._whole(source)
            return
        shell = self._read(SourceText(yaml=split.shell, file=self._file, line=line))
        if shell.problems:
            problems = tuple(_moved(problem, line + split.cut, split.removed) for problem in shell.problems)
            yield msgspec.structs.replace(shell, value=None, problems=problems)
        for item in split.items:
            for document in self.documents(item.text, line + item.line, depth + 1):
                yield _typed(document, shell.value)

    def _whole(self, source: SourceText) -> Iterator[Document]:
        """A document that is read in one piece; if it is a List, its items."""
        document = self._read(source)
        if not _is_list(document.value):
            if document.value is not None or document.problems:
                yield document
            return
        rest = document.problems
        positions = Positions(source.yaml or "")
        for index, item in enumerate(document.value["items"]):
            lines = positions.lines(("items", index)) or (1, 1)
            text = SourceText(json=msgspec.json.encode(item), file=source.file, line=source.line + lines[0] - 1)
            prefix = f"items[{index}]"
            own = tuple(problem for problem in rest if problem.path.startswith(prefix))
            rest = tuple(problem for problem in rest if problem not in own)
            own = tuple(
                msgspec.structs.replace(problem, path=problem.path.removeprefix(prefix).removeprefix("."))
                for problem in own
            )
            yield _typed(Document(item, text, own), document.value)
        if rest:
            yield Document(None, source, rest)

    def _read(self, source: SourceText) -> Document:
        text = source.yaml or ""
        value = self._lines.read(text)
        if value is not UNREAD:
            return Document(value, source)
        try:
            reading = read(text)
        except YamlError as error:
            message, hint = error.message, error.hint
            if _TEMPLATE.search(text):
                message = "this is a template, not YAML: it holds {{ … }}"
                hint = "render it first, for instance with: helm template CHART"
            return Document(None, source, (self._problem(message, source.line + error.line - 1, hint),))
        problems = tuple(
            self._problem(problem.message, source.line + problem.line - 1, path=problem.path)
            for problem in reading.problems
        )
        return Document(reading.value, source, problems)

    def _problem(self, message: str, line: int, hint: str = "", path: str = "") -> Diagnostic:
        return Diagnostic(severity=Severity.ERROR, message=message, hint=hint, file=self._file, line=line, path=path)

    def _json(self, text: str, line: int) -> Iterator[Document] | None:
        """The documents of a text that starts like JSON; None if it is none and may be YAML in flow style."""
        objects = json_objects(text)
        try:
            first = next(objects, None)
        except YamlError as error:
            if len(text) <= _FLOW_YAML:
                return None
            return iter([self._no_json(text, line, error)])
        return self._json_documents(chain([first], objects) if first else (), text, line)

    def _json_documents(self, objects: Iterable[JsonObject], text: str, line: int) -> Iterator[Document]:
        try:
            for found in objects:
                source = SourceText(json=found.raw, file=self._file, line=line + found.line - 1)
                reading = read_json(found)
                problems = tuple(self._problem(problem.message, source.line) for problem in reading.problems)
                yield _typed(Document(reading.value, source, problems), found.shell)
        except YamlError as error:
            yield self._no_json(text, line, error)

    def _no_json(self, text: str, line: int, error: YamlError) -> Document:
        source = SourceText(yaml=text, file=self._file, line=line)
        message, hint = error.message, error.hint
        if _LOGS.search(text):
            # A container may write whatever looks like the end of its log and an object after it.
            message = "container logs begin here, and what follows cannot be told from what a container wrote"
            hint = "write it again with: kubectl cluster-info dump --output-directory FOLDER, and name the folder"
        return Document(None, source, (self._problem(message, line + error.line - 1, hint),))


def _is_list(value: Any) -> bool:
    """Whether a value is a List of Kubernetes objects: ``List``, or a typed one such as ``PodList``."""
    return isinstance(value, dict) and str(value.get("kind")).endswith("List") and isinstance(value.get("items"), list)


def _moved(problem: Diagnostic, after: int, by: int) -> Diagnostic:
    """A problem of a text some lines were taken out of, at its line in the whole text."""
    return problem if problem.line < after else msgspec.structs.replace(problem, line=problem.line + by)


def _typed(document: Document, shell: Any) -> Document:
    """An item of a typed list with the kind that the list says for it, which its items need not repeat."""
    value = document.value
    if isinstance(shell, dict) and isinstance(value, dict) and "kind" not in value and shell.get("kind") != "List":
        kind = {"apiVersion": shell.get("apiVersion"), "kind": str(shell.get("kind")).removesuffix("List")}
        return msgspec.structs.replace(document, value=kind | value)
    return document
