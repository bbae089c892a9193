"""Moments of a recording: as people write them, and as they are shown."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

from console.errors import UsageError

#: Ways to write a moment.
FORMS: Final = "RFC 3339, HH:MM[:SS], -5m before its end, +30s after its beginning, or end"
#: What is added to a whole second to mean all of it.
_SECOND: Final = 0.999999
_UNITS: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_SPAN: Final = re.compile(r"(?:\d+(?:\.\d+)?[smhdw]?)+")
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)([smhdw]?)")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?")


def rfc3339(at: float, *, exact: bool = False) -> str:
    """A moment (seconds since the epoch) in the local time zone, to the second: ``2026-11-23T14:02:10Z``.

    `exact`: to the microsecond, as `moment` reads it back.
    """
    return _written(datetime.fromtimestamp(at).astimezone(), exact=exact)


def utc(at: float) -> str:
    """A moment (seconds since the epoch) in UTC, to the second: ``2026-11-23T14:02:10Z``, in whatever time zone.

    For what is kept, handed on or compared; `rfc3339` is for whoever sits before it.
    """
    return _written(datetime.fromtimestamp(at, UTC))


def day(at: float) -> date:
    """The day of a moment (seconds since the epoch) in UTC, which a charter's exceptions are held against."""
    return datetime.fromtimestamp(at, UTC).date()


def _written(moment: datetime, *, exact: bool = False) -> str:
    text = moment.isoformat(timespec="microseconds" if exact else "seconds")
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def seconds(text: str) -> float:
    """A span of time in seconds: ``90``, ``5m``, ``1h30m``, ``7d``. Raises UsageError."""
    if not _SPAN.fullmatch(text):
        raise UsageError(f"{text!r} is no span of time", hint="write 90, 30s, 5m, 1h30m or 7d")
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def moment(text: str, begin: float, end: float) -> float:
    """The moment a text names, in seconds since the epoch, in a recording from `begin` to `end`.

    ``HH:MM`` is the last such time (of this machine's time zone) before the end. A time
    that is written to the second means all that happened in that second. Raises
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
    if found > end and found == int(end) + _SECOND:
        return end
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
    return found.timestamp() + _rest(clock[0])


def _dated(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no moment", hint=f"write a moment as {FORMS}") from None
    at = found.astimezone().timestamp() if found.tzinfo is None else found.timestamp()
    return at + _rest(text)


def _rest(text: str) -> float:
    """What is left of the second a text names; nothing where it names a part of it."""
    return 0.0 if "." in text else _SECOND
