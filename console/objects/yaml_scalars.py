"""What a YAML scalar means to Kubernetes.

Kubernetes reads YAML through ``sigs.k8s.io/yaml``: scalars by the rules of go-yaml v2
(``resolve.go``: most of YAML 1.1, with ``0o7`` and without sexagesimals), then as JSON.
Each rule below is one of those; none is PyYAML's.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from decimal import Decimal
from typing import Final

Scalar = str | int | float | bool | None

_PREFIX: Final = "tag:yaml.org,2002:"
BINARY: Final = f"{_PREFIX}binary"
MERGE: Final = f"{_PREFIX}merge"
_FLOAT_TAG: Final = f"{_PREFIX}float"
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    f"{_PREFIX}bool": (bool,),
    f"{_PREFIX}int": (int,),
    _FLOAT_TAG: (float, int),
    f"{_PREFIX}null": (type(None),),
}
_WORDS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
# Numbers start with one of these; anything else is a word or a string.
_NUMERIC: Final = frozenset("+-.0123456789")
_DECIMAL: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)", re.ASCII)
_PREFIXED: Final = re.compile(r"([-+]?)0(?:[xX]([0-9a-fA-F]+)|[bB]([01]+)|[oO]?([0-7]+))")
_SIGNED_BINARY: Final = re.compile(r"0b([-+][01]+)")  # go-yaml's own reading of what Go itself refuses
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_FRACTION: Final = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?")


class ScalarError(ValueError):
    """A scalar that Kubernetes refuses."""


def resolve(text: str) -> Scalar:
    """The value of a plain (unquoted) scalar without a tag."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMERIC:
        return text
    if text[0] == ".":  # Go's ParseFloat is asked directly, and it wants each underscore between two digits
        number: int | float | None = _finite(text) if _FRACTION.fullmatch(text) else None
    else:
        number = _number(text.replace("_", ""))
    return text if number is None else number


def _number(text: str) -> int | float | None:
    if _DECIMAL.fullmatch(text):
        value = int(text) if len(text) <= 20 else None
    elif found := _PREFIXED.fullmatch(text):
        sign, hexadecimal, binary, octal = found.groups()
        digits, base = (hexadecimal, 16) if hexadecimal else (binary, 2) if binary else (octal, 8)
        value = int(sign + digits, base)
    elif found := _SIGNED_BINARY.fullmatch(text):
        value = int(found[1], 2)
    else:
        value = None
    # ParseInt takes what fits 64 bits; ParseUint takes no sign.
    if value is not None and -(2**63) <= value < (2**63 if text[0] in "+-" else 2**64):
        return value
    return _finite(text) if _FLOAT.fullmatch(text) else None


def _finite(text: str) -> float | None:
    number = float(text)
    return None if math.isinf(number) else number


def resolve_tagged(text: str, tag: str) -> Scalar:
    """The value of a scalar with a tag. Raises ScalarError where the text is nothing of that type."""
    if tag == BINARY:
        try:
            return base64.b64decode(text.replace("\n", ""), validate=True).decode(errors="replace")
        except binascii.Error:
            raise ScalarError("!!binary holds no valid base64") from None
    wanted = _TYPES.get(tag)
    if wanted is None:  # !!str, !!timestamp and tags of other programs: the text as it is
        return text
    value = resolve(text)
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        # Not the text itself: it may be part of a Secret.
        raise ScalarError(f"the value is no !!{tag.removeprefix(_PREFIX)}")
    return float(value) if tag == _FLOAT_TAG and isinstance(value, int) else value


def as_json(value: Scalar) -> Scalar:
    """The value as JSON has it: whole floats are integers. Raises ScalarError for NaN and infinities."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ScalarError("JSON has no infinity and no NaN")
        if value.is_integer() and abs(value) < 1e21:
            return int(value)
    return value


def as_key(value: Scalar) -> str:
    """The key of a mapping as JSON has it, always a string. Raises ScalarError for null."""
    if isinstance(value, str):
        return value
    if value is None:
        raise ScalarError("null cannot be a key")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if value >= 2**63:
            raise ScalarError(f"{value} cannot be a key: it is no 64-bit integer")
        return str(value)
    return _single_precision(value)


def _single_precision(value: float) -> str:
    """Go's ``strconv.FormatFloat(value, 'g', -1, 32)``: the fewest digits that give the same 32-bit float."""
    if math.isnan(value):
        return ".nan"
    try:
        bits = struct.pack("f", value)
    except OverflowError:
        bits = struct.pack("f", math.copysign(math.inf, value))
    value = struct.unpack("f", bits)[0]
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    text = next(text for digits in range(9) if struct.pack("f", float(text := f"{value:.{digits}e}")) == bits)
    exponent = int(text.partition("e")[2])
    return text if exponent < -4 or exponent >= 6 else f"{Decimal(text):f}"
