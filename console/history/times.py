"""Moments of a recording: as people write them, and as they are shown."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from console.errors import UsageError

#: Ways to write a moment.
FORMS: Final = "RFC 3339, HH:MM[:SS], -5m before its end, +30s after its beginning, or end"
_UNITS: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_SPAN: Final = re.compile(r"(?:\d+(?:\.\d+)?[smhdw]?)+")
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)([smhdw]?)")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?")


def rfc3339(at: float) -> str:
    """A moment (seconds since the epoch) in the local time zone, to the second: ``2026-11-23T14:02:10Z``."""
    moment = datetime.fromtimestamp(at).astimezone()
    text = moment.isoformat(timespec="seconds")
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def seconds(text: str) -> float:
    """A span of time in seconds: ``90``, ``5m``, ``1h30m``, ``7d``. Raises UsageError."""
    if not _SPAN.fullmatch(text):
        raise UsageError(f"{text!r} is no span of time", hint="write 90, 30s, 5m, 1h30m or 7d")
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def moment(text: str, begin: float, end: float) -> float:
    """The moment a text names, in seconds since the epoch, in a recording from `begin` to `end`.

    ``HH:MM`` is the last such time (of this machine's time zone) before the end. Raises
    UsageError where the text names none, or one outside of the recording.
    """
    text = text.strip()
    if text == "end":
        return end
    if text[:1] in ("+", "-") and _SPAN.fullmatch(text[1:]):
        found = begin + seconds(text[1:]) if text[0] == "+" else end - seconds(text[1:])
    elif clock := _CLOCK.fullmatch(text):
        found = _last_at(clock, end)
    else:
        found = _dated(text)
    # A time written to the second, or to the minute, means that whole second or minute.
    if found < begin and begin - found < 1.0:
        return begin
    if not begin <= found <= end:
        where = "before its beginning" if found < begin else "after its end"
        raise UsageError(
            f"{text} ({rfc3339(found)}) is {where}",
            hint=f"the recording is from {rfc3339(begin)} to {rfc3339(end)}",
        )
    return found


def _last_at(clock: re.Match[str], end: float) -> float:
    hour, minute, second = int(clock[1]), int(clock[2]), float(clock[3] or 0)
    last = datetime.fromtimestamp(end).astimezone()
    try:
        found = last.replace(hour=hour, minute=minute, second=int(second), microsecond=int(second % 1 * 1e6))
    except ValueError:
        raise UsageError(f"{clock[0]} is no time of day", hint=f"write a moment as {FORMS}") from None
    if found > last:
        found -= timedelta(days=1)
    return found.timestamp()


def _dated(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no moment", hint=f"write a moment as {FORMS}") from None
    return found.astimezone().timestamp() if found.tzinfo is None else found.timestamp()
