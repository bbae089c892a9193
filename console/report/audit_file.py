"""An audit in any of the forms it is reported in, by the name of the form or of a file."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import PurePath
from typing import Final

from console.errors import UsageError
from console.governance.findings import Audit
from console.report.audit_words import Made

#: Each is a module of this package, imported when it is asked for.
FORMS: Final = ("text", "json", "markdown", "html", "sarif", "junit")
_BY_SUFFIX: Final[Mapping[str, str]] = {
    ".html": "html",
    ".md": "markdown",
    ".json": "json",
    ".sarif": "sarif",
    ".xml": "junit",
    ".txt": "text",
}


def form_of(file: str, *, besides: tuple[str, ...] = ()) -> str:
    """The form that the end of a file's name stands for; one of `besides` stands for itself.

    Raises UsageError where it stands for none.
    """
    suffix = PurePath(file).suffix.lower()
    if suffix in besides:
        return suffix
    if suffix not in _BY_SUFFIX:
        ends = " ".join((*_BY_SUFFIX, *besides))
        raise UsageError(f"how {file} is to be written is not known", hint=f"end its name with {ends}")
    return _BY_SUFFIX[suffix]


def written(form: str, audit: Audit, *, made: Made | None = None) -> str:
    """The audit in one of FORMS, ending with a line's end."""
    text: str = importlib.import_module(f"console.report.audit_{form}").render(audit, made=made)
    return text.rstrip("\n") + "\n"
