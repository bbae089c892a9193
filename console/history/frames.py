"""The file of a recording: frames one after the other, each with a digest, so that whatever is whole can be read.

A recording begins with `MAGIC`. A frame is a header (mark, kind, length of its payload,
time), the payload, and a BLAKE2b digest of both. A keyframe stands alone; the digest of
every other frame is keyed with that of the frame before it, so that none can be taken
out or moved. The payloads from one keyframe to the next are one deflate stream.

Why not SQLite: its WAL is a second and third file (the one without the others lacks
what was committed last), its pages have no checksums, and it cannot be read past the
point where it was cut off or damaged. Here a reader needs the whole frames only, and
after damage goes on at the next keyframe.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Protocol

MAGIC: Final = b"netpol-recording 1\n"
#: A whole state, before which nothing is known: of a new recording, or after a time that was not recorded.
FRESH: Final = 1
#: What changed since the frame before.
DELTAS: Final = 2
#: A whole state, of which nothing was missed since the frame before.
CONTINUED: Final = 3
KEYFRAMES: Final = (FRESH, CONTINUED)

#: No text, so that it is rare in what was compressed; whether one begins a frame the digest says.
_MARK: Final = b"\x89NpF"
_HEADER: Final = struct.Struct(">4sBIq")
_DIGEST: Final = 16
#: Bytes of a file looked through at once.
_BLOCK: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole frame at `offset`. `at` is in microseconds since the epoch; the payload is from `start` to `stop`."""

    offset: int
    kind: int
    at: int
    start: int
    stop: int
    digest: bytes

    @property
    def end(self) -> int:
        """Where the next frame begins."""
        return self.stop + _DIGEST


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no whole frame. `torn`: the file ends within a frame, as when its writer was killed."""

    offset: int
    end: int
    torn: bool

    def __str__(self) -> str:
        size = f"{self.end - self.offset:,} bytes"
        if self.torn:
            return f"its last {size} are an unfinished write and were dropped"
        return f"{size} from byte {self.offset:,} on are damaged and were left out"


class Bytes(Protocol):
    """Bytes to look at: in memory, or of a file."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: slice, /) -> bytes: ...

    def find(self, mark: bytes, start: int, /) -> int:
        """Where `mark` is, from `start` on; -1 if nowhere."""
        ...


class View:
    """The bytes of an open file, as many as there are now, each read when it is looked at."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._size = os.fstat(file).st_size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, place: slice, /) -> bytes:
        start, stop, _ = place.indices(self._size)
        return os.pread(self._file, max(0, stop - start), start)

    def find(self, mark: bytes, start: int, /) -> int:
        """See Bytes."""
        while start < self._size:
            # A mark may lie across the end of a block.
            block = self[start : start + _BLOCK + len(mark) - 1]
            place = block.find(mark)
            if place >= 0:
                return start + place
            start += _BLOCK
        return -1


def is_recording(path: str) -> bool:
    """Whether a file is there and begins as recordings do."""
    try:
        with open(path, "rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except (OSError, ValueError):
        return False


def pack(kind: int, at: int, payload: bytes, before: bytes) -> tuple[bytes, bytes]:
    """A frame's bytes and its digest; `before` is the digest of the frame before it."""
    body = _HEADER.pack(_MARK, kind, len(payload), at) + payload
    digest = _digest(kind, body, before)
    return body + digest, digest


def scan(data: Bytes, begin: int = len(MAGIC)) -> Iterator[Frame | Damage]:
    """Every whole frame of a file from one of its keyframes on, and what is none. The caller has looked at `MAGIC`."""
    offset, size, before = begin, len(data), b""
    while offset < size:
        frame = _frame(data, offset, before)
        if frame is None:
            resumed = _next_keyframe(data, offset + 1)
            end = resumed.offset if resumed else size
            yield Damage(offset, end, torn=resumed is None and _unfinished(data, offset))
            if resumed is None:
                return
            frame = resumed
        yield frame
        offset, before = frame.end, frame.digest


def _frame(data: Bytes, offset: int, before: bytes) -> Frame | None:
    start = offset + _HEADER.size
    if start > len(data):
        return None
    mark, kind, length, at = _HEADER.unpack(data[offset:start])
    stop = start + length
    if mark != _MARK or kind not in (DELTAS, *KEYFRAMES) or stop + _DIGEST > len(data):
        return None
    if kind == DELTAS and not before:
        return None
    digest = data[stop : stop + _DIGEST]
    if _digest(kind, data[offset:stop], before) != digest:
        return None
    return Frame(offset, kind, at, start, stop, digest)


def _digest(kind: int, body: bytes, before: bytes) -> bytes:
    return blake2b(body, digest_size=_DIGEST, key=before if kind == DELTAS else b"").digest()


def _next_keyframe(data: Bytes, offset: int) -> Frame | None:
    while (offset := data.find(_MARK, offset)) >= 0:
        frame = _frame(data, offset, b"")
        if frame is not None:
            return frame
        offset += 1
    return None


def _unfinished(data: Bytes, offset: int) -> bool:
    """Whether what begins here is the beginning of a frame, or zeros that a file system put there for one."""
    start = offset + _HEADER.size
    if start > len(data):
        rest = data[offset : len(data)]
        return _MARK.startswith(rest[: len(_MARK)]) or not rest.strip(b"\0")
    mark, _, length, _ = _HEADER.unpack(data[offset:start])
    if mark == _MARK:
        return start + length + _DIGEST > len(data) or not data[len(data) - _DIGEST : len(data)].strip(b"\0")
    return not data[offset : offset + _BLOCK].strip(b"\0")
