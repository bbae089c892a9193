"""How deep an object may nest, whatever form it comes in."""

from __future__ import annotations

import re
from typing import Final

#: Levels. Deeper than any Kubernetes object; shallow enough for whatever walks the value by recursion.
MAX_DEPTH: Final = 200
_SIGNS: Final = b'[]{}"\\'
_ALIKE: Final = bytes.maketrans(b"{}", b"[]")
_OTHERS: Final = bytes(sorted(set(range(256)) - set(_SIGNS)))
_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


def too_deep(text: bytes) -> bool:
    """Whether a valid JSON text nests deeper than MAX_DEPTH.

    What msgspec refuses is no measure: its limit is Python's, which depends on the
    version, the size of the stack, and how much of it is in use.
    """
    if text.count(b"{") + text.count(b"[") <= MAX_DEPTH:
        return False
    signs = text.translate(_ALIKE, _OTHERS).replace(b'""', b"")
    if b'"' in signs or b"\\" in signs:  # brackets, or escapes, in strings
        signs = _STRINGS.sub(b"", text).translate(_ALIKE, _OTHERS)
    for _ in range(MAX_DEPTH):
        signs = signs.replace(b"[]", b"")
        if not signs:
            return False
    return True
