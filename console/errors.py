"""The exceptions users can meet.

::

    ConsoleError            what failed, what to do; an exit status
    ├── UsageError          the command line or the question is wrong                (2)
    │   └── UnknownEnd      no such pod, workload, service or port; names the nearest (2)
    ├── InputError          a file or a kubeconfig cannot be used                    (2)
    │   └── NotInstalled    an optional package is needed and not there              (2)
    └── ClusterError        a cluster cannot be reached or refuses                   (3)
"""

from __future__ import annotations


class ConsoleError(Exception):
    """An error told to a person: `message` says what failed, `hint` what to do about it."""

    exit_status = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class UsageError(ConsoleError):
    """The question cannot be asked that way."""


class UnknownEnd(UsageError):
    """An end or a port does not exist. `nearest` holds what comes closest, best first."""

    def __init__(self, message: str, *, hint: str = "", nearest: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.nearest = nearest


class InputError(ConsoleError):
    """A file, folder or kubeconfig cannot be used."""


class NotInstalled(InputError):
    """`what` needs an optional package, which `extra` of netpol-console brings."""

    def __init__(self, what: str, package: str, *, extra: str, instead: str = "") -> None:
        other = f"; or {instead}" if instead else ""
        super().__init__(
            f"{what} need {package}, which is not installed", hint=f"pip install 'netpol-console[{extra}]'{other}"
        )


class ClusterError(ConsoleError):
    """The cluster does not answer, or refuses."""

    exit_status = 3
