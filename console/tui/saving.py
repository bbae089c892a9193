"""Writing what the user asked for to a file the user names."""

from __future__ import annotations

import re
from pathlib import Path

from console.errors import InputError
from console.report.put import put


def file_name(prefix: str, name: str) -> str:
    """A file in this folder for an object of that name, whatever stands in the name."""
    return f"./{prefix}{re.sub('[^A-Za-z0-9_-]+', '-', name).strip('-')[:120] or 'policy'}.yaml"


class Occupied(InputError):
    """There is a file of that name already."""


def save(data: str | bytes, name: str, *, over: bool = False) -> Path:
    """Write a text (in UTF-8) or bytes to the file of that name (``~`` is the home folder); returns its path.

    Raises Occupied where there is one already, unless it may be written `over`, and
    InputError where nothing can be written there.
    """
    if not name.strip():
        raise InputError("a file needs a name")
    try:
        path = Path(name.strip()).expanduser()
        if path.exists() and not path.is_file():
            raise InputError(f"{path} is no file", hint="give another name")
        put(path, data.encode("utf-8") if isinstance(data, str) else data, over=over)
    except FileExistsError:
        raise Occupied(f"{path} is there already", hint="enter again writes over it; or give another name") from None
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: no such home; ValueError: a null character
        told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"{name.strip()} cannot be written: {told}", hint="give another name") from None
    return path
