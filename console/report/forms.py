"""The forms an answer is written in, and the ends of files' names that stand for them.

Every parser imports this: nothing that is heavy is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from pathlib import PurePath
from types import MappingProxyType
from typing import Final

from console.errors import UsageError

#: Of an audit, as audit_file writes it.
AUDIT: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "text": (".txt",),
        "json": (".json",),
        "markdown": (".md",),
        "html": (".html",),
        "sarif": (".sarif",),
        "junit": (".xml",),
    }
)
#: Of a matrix, as matrix_file writes it.
MATRIX: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "text": (".txt",),
        "json": (".json",),
        "csv": (".csv",),
        "dot": (".dot", ".gv"),
        "mermaid": (".mmd", ".mermaid"),
        "svg": (".svg",),
    }
)


def form_of(file: str, forms: Mapping[str, tuple[str, ...]], *, besides: tuple[str, ...] = ()) -> str:
    """Which of `forms` the end of a file's name stands for; one of `besides` stands for itself.

    Raises UsageError where it stands for none.
    """
    end = PurePath(file).suffix.lower()
    if end in besides:
        return end
    found = next((form for form, ends in forms.items() if end in ends), None)
    if found is None:
        known = " ".join(chain(*forms.values(), besides))
        raise UsageError(f"how {file} is to be written is not known", hint=f"end its name with {known}")
    return found
