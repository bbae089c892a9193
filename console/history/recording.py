"""Reads a recording: what it covers, the state at any moment, and what happened from one moment on."""

from __future__ import annotations

import os
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from console.cluster.facts import change
from console.cluster.source import Change
from console.errors import InputError
from console.history.deltas import (
    Batch,
    Delta,
    Facts,
    Key,
    Standing,
    State,
    applied,
    decode_batch,
    decode_facts,
    decode_state,
    key_of,
)
from console.history.frames import DELTAS, FRESH, MAGIC, Damage, Frame, View, scan
from console.history.noting import MICRO
from console.history.times import rfc3339
from console.objects.shapes import NO_JSON
from console.objects.snapshot import KubeObject

#: Bytes of one frame, unpacked: ten times the state of a cluster of 10,000 pods. More is no recording of ours.
_MAX_PAYLOAD: Final = 256 << 20
#: What is raised for a payload that makes no sense.
_SENSELESS: Final = (zlib.error, *NO_JSON)


@dataclass(frozen=True, slots=True)
class Hole:
    """A time of which nothing is known, in seconds since the epoch, and why."""

    begin: float
    end: float
    why: str

    def __str__(self) -> str:
        return f"nothing is known of {rfc3339(self.begin)} to {rfc3339(self.end)}: {self.why}"


@dataclass(slots=True)
class _Segment:
    """A keyframe and the frames that follow it: where in the file, and when (microseconds since the epoch).

    `whole`: what follows is the next segment, and nothing is missing; else `why`.
    """

    offset: int
    at: int
    stop: int
    end: int
    whole: bool = True
    why: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened at one moment: objects before and after (None: not there), or how the source stands from then on.

    `at` is in seconds since the epoch. `whole` is the state there was, where nothing is known of the time before.
    """

    at: float
    pairs: tuple[tuple[KubeObject | None, KubeObject | None], ...] = ()
    standing: Standing | None = None
    whole: tuple[KubeObject, ...] | None = None

    def changes(self) -> tuple[Change, ...]:
        """The changes, as a source tells them."""
        return tuple(change(_same(before, after), after, self.at) for before, after in self.pairs)


def _same(before: KubeObject | None, after: KubeObject | None) -> KubeObject | None:
    """The object before, unless what is there after is another one of its name."""
    return None if before is not None and after is not None and before.uid != after.uid else before


class Recording:
    """One recording, as it was when it was opened; its writer may go on meanwhile. One thread at a time reads it."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Find everything that is whole in the file. Raises InputError where it is no recording, or holds nothing."""
        self.path = Path(path)
        try:
            self._file = os.open(self.path, os.O_RDONLY)
        except OSError as error:
            why = (error.strerror or "error").lower()
            raise InputError(f"{self.path} cannot be read: {why}", hint="check the name and its permissions") from None
        self._segments: list[_Segment] = []
        self._view = View(self._file)
        damage: list[Damage] = []
        try:
            self._index(damage)
            #: What of the file cannot be read.
            self.damage = tuple(damage)
            self._starts = [segment.at for segment in self._segments]
            #: Where it is from: as its last part says.
            self.facts = self._facts()
        except BaseException:
            self.close()
            raise

    def _index(self, damage: list[Damage]) -> None:
        try:
            if self._view[: len(MAGIC)] != MAGIC:
                raise InputError(f"{self.path} is no recording", hint="netpol-console record -o FILE makes one")
            for each in scan(self._view):
                if isinstance(each, Damage):
                    damage.append(each)
                    if self._segments and not each.torn:
                        self._segments[-1].whole, self._segments[-1].why = False, "the file is damaged there"
                elif each.kind == DELTAS:
                    self._segments[-1].stop, self._segments[-1].end = each.end, each.at
                else:
                    if each.kind == FRESH and self._segments and self._segments[-1].whole:
                        self._segments[-1].whole, self._segments[-1].why = False, "nobody was recording"
                    self._segments.append(_Segment(each.offset, each.at, each.end, each.at))
        except OSError as error:
            raise InputError(f"{self.path} cannot be read: {(error.strerror or 'error').lower()}") from None
        if not self._segments:
            said = str(damage[0]) if damage else "its recorder read nothing yet"
            raise InputError(f"{self.path} holds nothing that can be read: {said}", hint="record again")

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what it covers

    @property
    def begin(self) -> float:
        """The first moment, in seconds since the epoch."""
        return self._segments[0].at / MICRO

    @property
    def end(self) -> float:
        """The last moment, in seconds since the epoch."""
        return self._segments[-1].end / MICRO

    @property
    def holes(self) -> tuple[Hole, ...]:
        """The times within it of which nothing is known."""
        pairs = zip(self._segments, self._segments[1:], strict=False)
        return tuple(Hole(one.end / MICRO, two.at / MICRO, one.why) for one, two in pairs if not one.whole)

    def hole_at(self, at: float) -> Hole | None:
        """The hole that a moment lies in, if it does."""
        return next((hole for hole in self.holes if hole.begin < at < hole.end), None)

    def known(self, at: float) -> None:
        """Raise InputError where nothing is known of a moment."""
        hole = self.hole_at(at)
        if hole is not None:
            hint = f"ask for --at {rfc3339(hole.begin, exact=True)} or --at {rfc3339(hole.end)}"
            raise InputError(f"{self.path}: {hole}", hint=hint)

    def hole_before(self, at: float) -> Hole | None:
        """The hole that ends at a moment, if one does."""
        return next((hole for hole in self.holes if hole.end == at), None)

    def warnings(self) -> tuple[str, ...]:
        """What is wrong with it, a sentence each."""
        return tuple(f"{self.path}: {each}" for each in (*self.damage, *self.holes))

    # -- what it holds

    def place(self, at: float) -> int:
        """The number of the segment a moment lies in, or comes after."""
        return max(0, bisect_right(self._starts, round(at * MICRO)) - 1)

    @property
    def places(self) -> int:
        """How many segments there are."""
        return len(self._segments)

    def segment_begin(self, place: int) -> float:
        """When a segment begins, in seconds since the epoch."""
        return self._segments[place].at / MICRO

    def follows(self, place: int) -> bool:
        """Whether a segment goes on where the one before it ended."""
        return place > 0 and self._segments[place - 1].whole

    def events(self, place: int) -> Iterator[Event]:
        """The events of a segment; the first is the state it begins with. Raises InputError where it makes no sense."""
        state, batches = self._open(self._segments[place])
        objects = state.objects()
        held = {key_of(obj): obj for obj in objects}
        yield Event(self._segments[place].at / MICRO, standing=state.standing, whole=tuple(objects))
        for frame, batch in batches:
            for at, deltas in groupby(batch.deltas, key=lambda each: each.at):
                try:
                    pairs = tuple(_apply(held, each) for each in deltas)
                except (ValueError, AttributeError, TypeError) as error:
                    raise self._strange(frame, error) from None
                yield Event((frame.at - at) / MICRO, pairs)
            if batch.standing is not None:
                yield Event(frame.at / MICRO, standing=batch.standing)

    def _facts(self) -> Facts:
        frame = next(self._frames(self._segments[-1]))
        try:
            return decode_facts(self._payload(frame, zlib.decompressobj(-zlib.MAX_WBITS)))
        except _SENSELESS as error:
            raise self._strange(frame, error) from None

    def _frames(self, segment: _Segment) -> Iterator[Frame]:
        for each in scan(self._view, segment.offset):
            # It was whole when it was opened; what was done to it since is not taken for the end of it.
            if isinstance(each, Damage):
                raise InputError(f"{self.path} changed while it was read: {each}", hint="open it again")
            yield each
            if each.end >= segment.stop:
                return

    def _open(self, segment: _Segment) -> tuple[State, Iterator[tuple[Frame, Batch]]]:
        stream = zlib.decompressobj(-zlib.MAX_WBITS)
        frames = self._frames(segment)
        first = next(frames)

        def batches() -> Iterator[tuple[Frame, Batch]]:
            for frame in frames:
                try:
                    yield frame, decode_batch(self._payload(frame, stream))
                except _SENSELESS as error:
                    raise self._strange(frame, error) from None

        try:
            return decode_state(self._payload(first, stream)), batches()
        except _SENSELESS as error:
            raise self._strange(first, error) from None

    def _payload(self, frame: Frame, stream: zlib._Decompress) -> bytes:
        payload = stream.decompress(self._view[frame.start : frame.stop], _MAX_PAYLOAD)
        if stream.unconsumed_tail:
            raise zlib.error(f"it unpacks to more than {_MAX_PAYLOAD >> 20} MiB")
        return payload

    def _strange(self, frame: Frame, error: Exception) -> InputError:
        """Whole frames whose content makes no sense: not the disk's fault, so nothing is guessed."""
        where = f"what it holds at byte {frame.offset:,} ({rfc3339(frame.at / MICRO)}) cannot be read: {error}"
        wrote = f"{self.path}: {where}"
        return InputError(wrote, hint="was it written by a later version of the console?")


def _apply(held: dict[Key, KubeObject], each: Delta) -> tuple[KubeObject | None, KubeObject | None]:
    before = held.pop(each.key, None)
    after = applied(each, before)
    if after is not None:
        held[each.key] = after
    return before, after
