"""Sets of small numbers as Python ints. A negative one is a set of all numbers but a few."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

#: The numbers of the bits set in each byte.
_OF_BYTE: Final = tuple(tuple(bit for bit in range(8) if byte >> bit & 1) for byte in range(256))
#: With fewer bits than this it is cheaper to take them one by one off a set than to look at each of its bytes.
_FEW: Final = 12


def bits(value: int) -> Iterator[int]:
    """The numbers of the bits that are set in a set that is finite, lowest first."""
    if value.bit_count() < _FEW:
        while value:
            low = value & -value
            yield low.bit_length() - 1
            value ^= low
        return
    for place, byte in enumerate(value.to_bytes((value.bit_length() + 7) // 8, "little")):
        if byte:
            first = place * 8
            for bit in _OF_BYTE[byte]:
                yield first + bit


def apart(found: Mapping[int, int]) -> dict[int, int]:
    """Sets of classes by ports, so that each class is in one set only, under all of its ports."""
    result: dict[int, int] = {}
    seen = 0
    for ports, classes in found.items():
        new, again = classes & ~seen, classes & seen
        seen |= classes
        for known in list(result) if again else ():
            both = result[known] & again
            if both:
                again &= ~both
                left = result.pop(known) & ~both
                if left:
                    result[known] = left
                result[known | ports] = result.get(known | ports, 0) | both
                if not again:
                    break
        if new:
            result[ports] = result.get(ports, 0) | new
    return result
