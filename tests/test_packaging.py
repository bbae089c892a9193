"""What the package needs is what it says it needs."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import console

PROJECT = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())["project"]
#: Extras that a user installs; the others are for who works on it.
EXTRAS = ("sign", "picture", "metrics")


def normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> set[str]:
    """The distributions that pyproject.toml asks for."""
    wanted = [*PROJECT["dependencies"], *(line for extra in EXTRAS for line in PROJECT["optional-dependencies"][extra])]
    return {normal(re.split(r"[^\w.-]", line, maxsplit=1)[0]) for line in wanted}


def imported() -> Iterator[str]:
    """Top-level names of other packages that any module imports, at once or when it needs them."""
    for file in Path(console.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def test_every_package_that_is_imported_is_asked_for_and_no_other() -> None:
    brings = packages_distributions()
    others = set(imported()) - sys.stdlib_module_names - {"console"}
    assert {normal(brings[name][0]) for name in others} == declared()
