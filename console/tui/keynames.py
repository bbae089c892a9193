"""How keys are written on screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: How keys are written on screen where Textual's name is not what one would write.
DISPLAY: Final[Mapping[str, str]] = {
    "enter": "⏎",
    "escape": "esc",
    "slash": "/",
    "colon": ":",
    "question_mark": "?",
    "exclamation_mark": "!",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "shift+tab": "⇧tab",
    "space": "space",
}


def shown(keys: str) -> str:
    """How a binding's key or comma-separated keys are written: ``question_mark,f1`` is ``? f1``."""
    return " ".join(_shown_one(key.strip()) for key in keys.split(","))


def _shown_one(key: str) -> str:
    if key in DISPLAY:
        return DISPLAY[key]
    if len(key) > 1 and key.startswith("upper_"):
        return key.removeprefix("upper_").upper()
    return key.replace("ctrl+", "^") if key.startswith("ctrl+") else key
