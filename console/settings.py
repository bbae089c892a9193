"""What a user sets once: the theme, other keys, the namespace to begin in.

Read from ``$XDG_CONFIG_HOME/netpol-console/config.toml`` (``~/.config`` where the
variable is not set)::

    theme = "netpol-night"
    namespace = "training"

    [keys]
    "simulate.swap" = "w"
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from console.errors import InputError

_KNOWN: Final = ("theme", "namespace", "keys")
_TOML_PLACE: Final = re.compile(r"\s*\(at (?:line (?P<line>\d+), column \d+|end of document)\)")


@dataclass(frozen=True, slots=True)
class Settings:
    """Typed settings. `places` says where each was read, as ``file:line``, for errors found later."""

    theme: str = ""
    namespace: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)

    def place(self, name: str) -> str:
        """Where a setting was read: ``file:line``, or nothing."""
        return self.places.get(name, "")


def config_file(environ: Mapping[str, str] | None = None) -> Path:
    """Where the settings are looked for."""
    return _xdg("XDG_CONFIG_HOME", ".config", environ) / "config.toml"


def state_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Where the console may leave files (copies too large for the terminal's clipboard)."""
    return _xdg("XDG_STATE_HOME", ".local/state", environ)


def _xdg(variable: str, fallback: str, environ: Mapping[str, str] | None) -> Path:
    value = (os.environ if environ is None else environ).get(variable, "")
    # The XDG specification: a relative path is to be ignored.
    base = Path(value) if value and Path(value).is_absolute() else Path.home() / fallback
    return base / "netpol-console"


def load_settings(path: Path | None = None) -> Settings:
    """The settings of a file (by default the user's); the built-in ones where there is none.

    Raises InputError, with file and line, for a file that is no TOML, a setting that
    does not exist, or a value of the wrong type.
    """
    wanted = path or config_file()
    try:
        text = wanted.read_text(encoding="utf-8")
    except FileNotFoundError:
        if path is None:
            return Settings()
        raise InputError(f"there is no settings file {wanted}", hint="create it, or leave the flag out") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the settings file {wanted} cannot be read: {error}", hint="it is UTF-8 TOML") from None
    return parse(text, str(wanted))


def parse(text: str, file: str) -> Settings:
    """The settings a text holds; `file` is named in errors. Raises InputError."""
    import tomllib  # here, not above: most users have no settings file, and this costs 10 ms

    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _TOML_PLACE.search(str(error))
        line = (found and found["line"]) or len(text.splitlines())
        raise InputError(
            f"{file}:{line}: {_TOML_PLACE.sub('', str(error))}", hint="the settings file is TOML"
        ) from None
    lines = text.splitlines()
    places = {name: f"{file}:{_line_of(name, lines)}" for name in raw}
    for name, value in raw.items():
        if name not in _KNOWN:
            nearest = get_close_matches(name, _KNOWN, n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"settings are {', '.join(_KNOWN)}"
            raise InputError(f"{places[name]}: there is no setting {name!r}", hint=hint)
        if not isinstance(value, dict if name == "keys" else str):
            wanted = 'a table: [keys] and lines of "id" = "key"' if name == "keys" else "text in quotes"
            raise InputError(f"{places[name]}: {name} must be {wanted}", hint=f"it is {value!r}")
    keys = raw.get("keys", {})
    for name, value in keys.items():
        places[f"keys.{name}"] = f"{file}:{_line_of(name, lines)}"
        if not isinstance(value, str) or not value:
            raise InputError(f"{places[f'keys.{name}']}: the key of {name} must be text in quotes", hint='as in "w"')
    return Settings(raw.get("theme", ""), raw.get("namespace", ""), keys, places)


def _line_of(name: str, lines: list[str]) -> int:
    """The 1-based line that sets a name, or opens its table; 1 where it is written in another way."""
    sets = re.compile(rf"""\s*(?:\[\s*)?["']?{re.escape(name)}["']?\s*(?:\]|=|\.)""")
    return next((number for number, line in enumerate(lines, 1) if sets.match(line)), 1)
