"""The charter that ships inside."""

from __future__ import annotations

from importlib import resources

from console.governance.charter import Charter
from console.governance.charter_read import load

#: What messages call the charter that ships inside.
DEFAULT_FILE = "default_charter.yaml"


def default_text() -> str:
    """Its text."""
    return resources.files("console.governance").joinpath(DEFAULT_FILE).read_text(encoding="utf-8")


def default_charter() -> Charter:
    """The charter that ships inside."""
    return load(default_text(), file=DEFAULT_FILE)
