"""Writing a file whole or not at all: a disk that is full takes nothing away of what was there."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path


def put(path: Path, data: bytes, *, over: bool) -> None:
    """Write a file, `over` one that is there or not.

    Raises FileExistsError where there is one that may not be written over, and OSError where it
    cannot be written: what was there is then as it was. What is no regular file (a device,
    a pipe) is written to as it stands.
    """
    target = Path(os.path.realpath(path))  # a link stays one
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        _replace(target, data, None)
        return
    if not over:
        raise FileExistsError(f"{path} is there already")
    if stat.S_ISREG(mode):
        _replace(target, data, stat.S_IMODE(mode))
    else:
        target.write_bytes(data)


def _replace(target: Path, data: bytes, mode: int | None) -> None:
    """Write beside a file, then put that in its place at once; `mode` None is that of any new file."""
    made = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}")
    try:
        with made.open("xb") as file:
            if mode is not None:
                os.chmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(made, target)
    except BaseException:
        made.unlink(missing_ok=True)
        raise
