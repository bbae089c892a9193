"""What was wrong with an input, in terms of the input."""

from __future__ import annotations

from enum import Enum

import msgspec

from console.objects.meta import ObjectRef


class Severity(Enum):
    """How much a diagnostic costs: an ERROR lost an object, a WARNING or NOTE lost nothing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True):
    """One finding about an input object or file.

    `path` is the place inside the object (``spec.egress[0].ports[1].endPort``),
    `line` the 1-based line in `file` (0 where unknown), `hint` what to do about it.
    """

    severity: Severity
    message: str
    hint: str = ""
    file: str = ""
    line: int = 0
    ref: ObjectRef | None = None
    path: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.file and self.line else self.file
        parts = [part for part in (place, str(self.ref) if self.ref else "", self.path) if part]
        text = f"{': '.join(parts)}: {self.message}" if parts else self.message
        return f"{self.severity.value}: {text}" + (f" ({self.hint})" if self.hint else "")


class Malformed(ValueError):
    """A raw object is not what its kind requires. `path` is the place inside it, `message` the reason."""

    def __init__(self, message: str, *, path: str = "", ref: ObjectRef | None = None) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.message = message
        self.path = path
        self.ref = ref
