"""Copying: by OSC 52 into the terminal's clipboard, or into a file where that is too much for a terminal."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from console.errors import InputError

#: Terminals drop, truncate or choke on longer OSC 52 sequences; this many bytes are safe in those in use.
LIMIT: Final = 100_000


def copy(text: str, *, clipboard: Callable[[str], None], folder: Path, limit: int = LIMIT) -> Path | None:
    """Copy a text: into the clipboard up to `limit` bytes, else into a file of `folder`, which is returned.

    Raises InputError where the file cannot be written.
    """
    data = text.encode("utf-8", errors="replace")
    if len(data) <= limit:
        clipboard(text)
        return None
    path = folder / "copied.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # What is copied describes a cluster: nobody else on the machine needs to read it.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
    except OSError as error:
        raise InputError(f"{len(data):,} bytes are too many for the clipboard, and {path} cannot be written: {error}",
                         hint="set XDG_STATE_HOME to a folder you may write to") from None  # fmt: skip
    return path
