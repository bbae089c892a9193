"""From the paths a user names to texts: files, folders, compressed files, pipes, standard input.

Whatever cannot be read is told once, with its reason; everything else is still read.
"""

from __future__ import annotations

import codecs
import gzip
import io
import os
import stat
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, Final, NamedTuple, TextIO

#: Bytes of one file, unpacked. A cluster of 10,000 pods with everything in it is a tenth of this.
MAX_BYTES: Final = 512 << 20
_CHUNK: Final = 1 << 20
#: What is read of a folder.
_ENDINGS: Final = tuple(f".{kind}{packed}" for kind in ("yaml", "yml", "json") for packed in ("", ".gz"))
_GZIP: Final = b"\x1f\x8b"
_WIDE: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Text(NamedTuple):
    """The text of a file. `found` says that a folder was searched for it; `warning` is what is odd about it."""

    file: str
    text: str
    found: bool = False
    warning: str = ""


class Failure(NamedTuple):
    """Why a path gave no text. `lost`: it may hold objects that nobody knows of now."""

    file: str
    message: str
    hint: str = ""
    lost: bool = True


def texts(paths: Sequence[str], stdin: TextIO | BinaryIO | None) -> Iterator[Text | Failure]:
    """The texts that paths lead to, each file once, folders in order of name. ``-`` is `stdin`."""
    seen: set[tuple[int, int]] = set()
    for path in dict.fromkeys(paths):
        if path == "-":
            yield _standard_input(stdin)
            continue
        try:
            about = os.stat(path)
        except OSError as error:
            yield _unopened(path, error)
            continue
        if stat.S_ISDIR(about.st_mode):
            yield from _folder(path, seen)
        elif (about.st_dev, about.st_ino) not in seen:
            seen.add((about.st_dev, about.st_ino))
            yield _file(path)


def _folder(top: str, seen: set[tuple[int, int]]) -> Iterator[Text | Failure]:
    """The manifests of a folder and those below it, hidden ones aside; links that lead in circles are walked once."""
    refused: list[OSError] = []
    walked: set[tuple[int, int]] = set()
    empty = True
    for folder, inner, names in os.walk(top, onerror=refused.append, followlinks=True):
        about = os.stat(folder)
        if (about.st_dev, about.st_ino) in walked:
            inner.clear()
            continue
        walked.add((about.st_dev, about.st_ino))
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(names):
            if name.startswith(".") or not name.lower().endswith(_ENDINGS):
                continue
            path = os.path.join(folder, name)
            empty = False
            try:
                about = os.stat(path)
            except OSError as error:
                yield _unopened(path, error)
                continue
            if not stat.S_ISREG(about.st_mode):
                yield Failure(path, "is no regular file, so it was not opened", "name it by itself to read it")
            elif (about.st_dev, about.st_ino) not in seen:
                seen.add((about.st_dev, about.st_ino))
                yield _file(path, found=True)
    yield from (_unopened(str(error.filename or top), error) for error in refused)
    if empty and not refused:
        hint = f"looked for {', '.join(f'*{end}' for end in _ENDINGS)} in it and below, hidden files aside"
        yield Failure(top, "the folder holds no manifests", hint, lost=False)


def _file(path: str, *, found: bool = False) -> Text | Failure:
    try:
        data = _bytes(path)
    except OSError as error:
        return _unopened(path, error)
    if data is None:
        return Failure(path, "is a pipe that nobody writes to", lost=False)
    return _text(path, data, found=found)


def _bytes(path: str) -> bytes | None:
    """What a file holds, a little over the limit at most; None for a pipe without a writer, which would never end."""
    # Opening a pipe waits for its writer unless told not to.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        start = b""
        if stat.S_ISFIFO(os.fstat(handle).st_mode):
            try:
                start = os.read(handle, _CHUNK)
            except BlockingIOError:
                pass  # there is a writer, which has not written yet
            else:
                if not start:
                    return None
        os.set_blocking(handle, True)
        return start + _limited(lambda size: os.read(handle, size))
    finally:
        os.close(handle)


def _limited(read: Callable[[int], bytes]) -> bytes:
    """All there is to read, or a little more than MAX_BYTES of it."""
    parts: list[bytes] = []
    size = 0
    while size <= MAX_BYTES and (part := read(_CHUNK)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _standard_input(stdin: TextIO | BinaryIO | None) -> Text | Failure:
    if stdin is None:
        return Failure("-", "standard input cannot be read here", "write it to a file and name that")
    try:
        data = stdin.read()
    except (OSError, ValueError) as error:
        return Failure("standard input", f"cannot be read: {error}")
    return Text("standard input", data) if isinstance(data, str) else _text("standard input", data)


def _text(file: str, data: bytes, *, found: bool = False) -> Text | Failure:
    if data.startswith(_GZIP):
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
                data = _limited(packed.read1)
        except (OSError, EOFError, zlib.error) as error:
            return Failure(file, f"is compressed, but damaged: {error}")
    if len(data) > MAX_BYTES:
        return Failure(file, f"is larger than {MAX_BYTES >> 20} MiB", "name its parts as files of their own")
    for mark, encoding in _WIDE:
        if data.startswith(mark):
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError:
                return Failure(file, f"starts as {encoding.upper()} text, but is none")
            return Text(file, text, found, f"is {encoding.upper()} text; it was read, but Kubernetes expects UTF-8")
    if b"\0" in data:
        return Failure(file, "is a binary file, no YAML or JSON")
    # What is no UTF-8 becomes lone surrogates: an error of the document it stands in, not of the file.
    return Text(file, data.decode(errors="surrogateescape"), found)


def _unopened(path: str, error: OSError) -> Failure:
    if isinstance(error, FileNotFoundError):
        if os.path.islink(path):
            return Failure(path, f"is a link to {os.readlink(path)}, which does not exist")
        return Failure(path, "no such file or folder", _nearest(path))
    return Failure(path, f"cannot be read: {error.strerror or error}")


def _nearest(path: str) -> str:
    """A hint with the names closest to one that does not exist."""
    from difflib import get_close_matches

    parent, name = os.path.split(path.rstrip("/"))
    while parent and not os.path.isdir(parent):
        parent, name = os.path.split(parent)
    try:
        names = os.listdir(parent or ".")
    except OSError:
        return ""
    close = get_close_matches(name, names, n=3) or get_close_matches(name.lower(), names, n=3)
    if close:
        return f"did you mean {' or '.join(os.path.join(parent, each) for each in close)}?"
    return f"{parent or 'this folder'} holds nothing of a similar name"
