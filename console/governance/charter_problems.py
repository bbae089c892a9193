"""What is wrong with a charter, by the line and column of the key it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from console.errors import InputError
from console.governance.findings import Place
from console.objects.yaml_positions import Positions

#: Keys and indices from the charter's root.
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class CharterProblem:
    """Something wrong. An `error` keeps the charter from being used; the rest may be meant."""

    message: str
    hint: str
    file: str
    line: int
    column: int
    error: bool = True

    def __str__(self) -> str:
        hint = f"\n  {self.hint}" if self.hint else ""
        return f"{self.file}:{self.line}:{self.column}: {'' if self.error else 'warning: '}{self.message}{hint}"


class CharterError(InputError):
    """A charter that cannot be used; `problems` are all that was found."""

    def __init__(self, problems: Sequence[CharterProblem]) -> None:
        errors = [problem for problem in problems if problem.error]
        super().__init__("\n".join(map(str, errors)), hint="netpol-console charter schema prints what may be written")
        self.problems = tuple(problems)


@dataclass
class Problems:
    """Collects what is wrong with one text."""

    file: str
    positions: Positions
    found: list[CharterProblem] = field(default_factory=list)

    def add(self, path: Path, message: str, hint: str = "", *, error: bool = True) -> None:
        """Tell of something at a path."""
        line, column = self.positions.start(path)
        self.found.append(CharterProblem(message, hint, self.file, line, column, error))

    def place(self, path: Path) -> Place:
        """Where a path is written."""
        return Place(self.file, self.positions.start(path)[0])

    @property
    def errors(self) -> bool:
        """Whether the charter cannot be used."""
        return any(problem.error for problem in self.found)
