"""What msgspec has to know of structs before threads share them."""

from __future__ import annotations

from typing import Final

import msgspec

#: What msgspec raises for bytes that are not the JSON that is wanted: no JSON, no UTF-8, or nested without end.
NO_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def prepare(*shapes: type[msgspec.Struct]) -> None:
    """Have msgspec work out the fields of structs that will be decoded, and of all those in them.

    For modules to call when they are imported, which one thread does. Left to itself
    msgspec does it at the first decode, and where two threads come first together the
    process crashes (a segmentation fault, in 0.22: the second finds the fields half
    worked out).
    """
    for shape in shapes:
        msgspec.json.Decoder(shape)
