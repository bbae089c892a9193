"""Copying: by OSC 52 into the terminal's clipboard, or into a file where that is too much for a terminal."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from console.errors import InputError

#: Terminals drop, truncate or choke on longer OSC 52 sequences; this many bytes are safe in those in use.
LIMIT: Final = 100_000
#: Bytes of one string that GNU screen is given to pass on: its buffer for one has 256 bytes in old versions.
_SCREEN_STRING: Final = 250


def through_screen(text: str, environment: Mapping[str, str]) -> str:
    """OSC 52 for a terminal behind GNU screen; "" where there is none.

    Screen drops OSC 52, and passes device control strings on as they are (ESC P in screen(1)).
    """
    if "STY" not in environment or environment.get("TERM", "").startswith("tmux"):
        return ""
    sequence = f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\a"
    pieces = (sequence[start : start + _SCREEN_STRING] for start in range(0, len(sequence), _SCREEN_STRING))
    return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)


def proviso(environment: Mapping[str, str]) -> str:
    """What has to be said of a copy that a multiplexer may keep from the terminal; no terminal tells."""
    return " If it is not there: tmux set -g set-clipboard on" if "TMUX" in environment else ""


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
