"""Writes a recording: appends frames, syncs them, and drops the oldest where the file has a bound."""

from __future__ import annotations

import contextlib
import glob
import os
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from console.errors import InputError
from console.history.deltas import Facts, decode_facts
from console.history.frames import CONTINUED, DELTAS, FRESH, KEYFRAMES, MAGIC, Damage, View, pack, scan
from console.objects.shapes import NO_JSON

if sys.platform != "win32":
    import fcntl

_LEVEL: Final = 6
#: A keyframe is due once the deltas since the last one have so many times its size: more of them would make the
#: file larger, fewer would make a moment slower to find.
_KEYFRAME_EVERY: Final = 4
_KEYFRAME_LEAST: Final = 64 << 10
#: What is over its bound is dropped once it is this part of the file: dropping copies all that stays.
_WORTH_DROPPING: Final = 8
_MICRO: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large (bytes) and how old (seconds) a recording may get; None: as it may.

    The newest keyframe and what follows it always stay.
    """

    size: int | None = None
    age: float | None = None


@dataclass(frozen=True, slots=True)
class _Segment:
    """A keyframe and what follows it."""

    at: int
    offset: int


class Writer:
    """Appends to one recording, which it holds locked. One thread at a time uses it.

    What `sync` has returned for is on the disk. Every method that writes raises OSError
    where that fails (no room, most of all); the file then ends with the last whole frame,
    and the next frame has to be a keyframe.
    """

    def __init__(self, path: str | os.PathLike[str], bounds: Bounds | None = None) -> None:
        """Open a recording to append to, or begin one. Raises InputError where that cannot be."""
        self.path = Path(path)
        self.bounds = bounds or Bounds()
        #: What was wrong with the file that is appended to; an unfinished write at its end is cut off.
        self.damage: tuple[Damage, ...] = ()
        #: Where the newest part of the file that is appended to is from; None where there is none.
        self.facts: Facts | None = None
        #: The time of the last frame, in microseconds since the epoch; 0 where there is none.
        self.last = 0
        #: Why the bounds are not kept; empty where they are.
        self.trouble = ""
        self._segments: list[_Segment] = []
        self._digest = b""
        self._stream: zlib._Compress | None = None
        self._since = 0
        self._keyframe_size = self._largest = 0  # bytes, of the last keyframe and of the largest deltas
        self._file = -1
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            _lock(self._file, self.path)
            # What a writer that was killed had half copied; there is no other one, so nobody needs it.
            for left in self.path.parent.glob(f".{glob.escape(self.path.name)}.part-*"):
                left.unlink(missing_ok=True)
            self.size = self._opened()
        except OSError as error:
            self.close()
            raise InputError(f"{self.path} cannot be recorded to: {why(error)}", hint="name another file") from None
        except InputError:
            self.close()
            raise

    def _opened(self) -> int:
        held = View(self._file)
        begins = held[: len(MAGIC)]
        if len(begins) < len(MAGIC) and MAGIC.startswith(begins):
            os.ftruncate(self._file, 0)
            self._append(MAGIC)
            self._sync_folder()
            return len(MAGIC)
        if begins != MAGIC:
            raise InputError(f"{self.path} is no recording", hint="name a file that does not exist yet")
        size, damage, newest = len(held), [], None
        for each in scan(held):
            if isinstance(each, Damage):
                damage.append(each)
                continue
            self.last = each.at
            if each.kind in KEYFRAMES:
                self._segments.append(_Segment(each.at, each.offset))
                newest = each
        if newest is not None:
            self.facts = facts_of(held[newest.start : newest.stop])
        self.damage = tuple(damage)
        if damage and damage[-1].torn:
            size = damage[-1].offset
            os.ftruncate(self._file, size)
        return size

    def check(self, facts: Facts) -> None:
        """Raise InputError where the file holds another cluster than the one of these facts."""
        held = self.facts
        if held is None or not self._segments:
            return
        both = bool(held.cluster and facts.cluster)
        if (held.cluster != facts.cluster) if both else (held.source != facts.source):
            raise InputError(f"{self.path} holds another cluster, {held.source}", hint="record to another file")

    @property
    def keyframe_due(self) -> bool:
        """Whether the next frame has to be a keyframe, or should be."""
        if self._stream is None:
            return True
        due = max(_KEYFRAME_LEAST, _KEYFRAME_EVERY * self._keyframe_size)
        # What is dropped begins with a keyframe: a small file needs them closer together.
        return self._since >= (due if self.bounds.size is None else min(due, self.bounds.size // _WORTH_DROPPING))

    def keyframe(self, at: int, payload: bytes, *, continued: bool) -> None:
        """Append a whole state as of `at` (microseconds since the epoch), then drop what the bounds ask for.

        `continued`: nothing was missed since the frame before. What cannot be dropped is told by
        `trouble`. Raises OSError where it cannot be written: the file then ends as it did before.
        """
        offset = self.size
        self._stream = None
        stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._digest = self._write(CONTINUED if continued else FRESH, at, payload, stream)
        self._stream = stream
        self._segments.append(_Segment(at, offset))
        self._since, self._keyframe_size = 0, self.size - offset
        self._keep_bounds(at)

    def _keep_bounds(self, at: int) -> None:
        try:
            self._drop(at)
            self.trouble = ""
        except OSError as error:
            self.trouble = f"{self.path} grows beyond its bound: {why(error)}"

    def deltas(self, at: int, payload: bytes) -> None:
        """Append what changed since the frame before, as of `at` (microseconds since the epoch).

        Raises OSError as `keyframe` does; after that a keyframe has to come first (RuntimeError).
        """
        if self._stream is None:
            raise RuntimeError("deltas follow a keyframe")
        size = self.size
        stream, self._stream = self._stream, None
        self._digest = self._write(DELTAS, at, payload, stream)
        self._stream = stream
        self._since += self.size - size
        self._largest = max(self._largest, self.size - size)
        if self.bounds.size is not None and self.size > self.bounds.size:
            self._keep_bounds(at)  # more came at once than was reckoned with

    def sync(self) -> None:
        """Have everything on the disk. Raises OSError."""
        getattr(os, "fdatasync", os.fsync)(self._file)

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _write(self, kind: int, at: int, payload: bytes, stream: zlib._Compress) -> bytes:
        at = max(at, self.last)
        packed = stream.compress(payload) + stream.flush(zlib.Z_SYNC_FLUSH)
        frame, digest = pack(kind, at, packed, self._digest)
        try:
            self._append(frame)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self.size)
            raise
        self.size += len(frame)
        self.last = at
        return digest

    def _append(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(self._file, left) :]

    def _drop(self, now: int) -> None:
        """Drop the oldest segments where the bounds ask for it and there is enough to drop."""
        keep = 0
        size, age = self.bounds.size, self.bounds.age
        last = len(self._segments) - 1
        # What may come before this is looked at again: deltas until a keyframe is due, and one that is a little larger.
        next_keyframe = self._keyframe_size + self._keyframe_size // _WORTH_DROPPING
        reserve = 0 if size is None else size // _WORTH_DROPPING + self._largest + next_keyframe
        if size is not None and self.size > size - reserve:
            # Twice that, so that it is not due again at once.
            while keep < last and self.size - self._segments[keep].offset > size - 2 * reserve:
                keep += 1
        elif age is not None:
            while keep < last and self._segments[keep + 1].at < now - age * _MICRO:
                keep += 1
            if self._segments[keep].offset < self.size // _WORTH_DROPPING:
                return
        if keep:
            self._keep_from(keep)

    def _keep_from(self, place: int) -> None:
        """Have the file begin with a later segment: written beside it whole, then put in its place at once."""
        start = self._segments[place].offset
        beside = self.path.with_name(f".{self.path.name}.part-{os.getpid()}")
        file = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        old = self._file
        try:
            _lock(file, beside)
            _copy(MAGIC, old, start, file)
            os.fsync(file)
            os.replace(beside, self.path)
        except OSError:
            os.close(file)
            with contextlib.suppress(OSError):
                os.unlink(beside)
            raise
        self._file = file
        os.close(old)
        self._sync_folder()
        moved = start - len(MAGIC)
        self._segments = [_Segment(each.at, each.offset - moved) for each in self._segments[place:]]
        self.size -= moved

    def _sync_folder(self) -> None:
        with contextlib.suppress(OSError):
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def facts_of(packed: bytes) -> Facts | None:
    """Where the keyframe of a compressed payload is from; None where that cannot be read."""
    try:
        return decode_facts(zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed))
    except (zlib.error, *NO_JSON):
        return None


def _copy(head: bytes, source: int, start: int, target: int) -> None:
    os.write(target, head)
    while block := os.pread(source, 1 << 20, start):
        left = memoryview(block)
        while left:
            left = left[os.write(target, left) :]
        start += len(block)


def _lock(file: int, path: Path) -> None:
    """Hold the file for one writer; where the system or the file system has no locks, trust the user."""
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{path} is being recorded to already", hint="name another file") from None
        except OSError:
            pass


def why(error: OSError) -> str:
    """What the system says, as part of a sentence."""
    return (error.strerror or "error").lower()
