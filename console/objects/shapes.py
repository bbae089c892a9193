"""What msgspec has to know of structs before threads share them."""

from __future__ import annotations

import msgspec


def prepare(*shapes: type[msgspec.Struct]) -> None:
    """Have msgspec work out the fields of structs that will be decoded, and of all those in them.

    For modules to call when they are imported, which one thread does. Left to itself
    msgspec does it at the first decode, and where two threads come first together the
    process crashes (a segmentation fault, in 0.22: the second finds the fields half
    worked out).
    """
    for shape in shapes:
        msgspec.json.Decoder(shape)
