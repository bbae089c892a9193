"""The flags every command shares: which source, and what is left open by the specification."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from console.errors import UsageError

# What is imported here is paid by every command.
if TYPE_CHECKING:
    from console.policy.asking import Modes


class Parser(argparse.ArgumentParser):
    """argparse that fails the way every other error of the console does."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse's; a moment may begin with a minus (``--at -5m``) without being taken for a flag."""
        given = list(sys.argv[1:] if args is None else args)
        for place in range(len(given) - 1, 0, -1):
            if given[place - 1] in ("--at", "--from", "--to") and re.match(r"-\d", given[place]):
                given[place - 1 : place + 1] = [f"{given[place - 1]}={given[place]}"]
        return super().parse_known_args(given, namespace)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(message, hint=f"see {self.prog} --help")


def source_flags() -> argparse.ArgumentParser:
    """The flags that choose a source, as a parent for a command's parser."""
    flags = Parser(add_help=False)
    group = flags.add_argument_group("where the objects come from (default: the current kubeconfig context)")
    group.add_argument("--demo", action="store_true", help="the embedded AI platform; nothing leaves this machine")
    group.add_argument("--recording", metavar="FILE", help="a recording, at its end unless --at says otherwise")
    group.add_argument(
        "--at",
        metavar="TIME",
        help="with --recording: the moment (RFC 3339, HH:MM[:SS], -5m before its end, +30s after its beginning);"
        " with --demo: freeze its timetable at so many seconds",
    )
    group.add_argument("--manifests", nargs="+", metavar="PATH", help="YAML or JSON files, folders, or - for stdin")
    group.add_argument("--context", metavar="NAME", help="a kubeconfig context")
    group.add_argument("--kubeconfig", metavar="FILE", help="a kubeconfig (default: $KUBECONFIG or ~/.kube/config)")
    group.add_argument(
        "-n", "--namespace", action="append", metavar="NAME", help="read these where the whole cluster may not be"
    )
    group.add_argument("--as", dest="as_user", metavar="USER", help="impersonate this user")
    group.add_argument("--as-group", action="append", default=[], metavar="GROUP", help="impersonate this group")
    group.add_argument("--overlay", action="append", metavar="FILE", help="lay objects over it: what if (see README)")
    modes = flags.add_argument_group("where the specification leaves a choice")
    modes.add_argument(
        "--ingress-ipblock",
        choices=("pods", "outside"),
        default="pods",
        help="whether an ingress ipBlock sees pods' own addresses (default) or outside addresses only",
    )
    return flags


def check_source(options: argparse.Namespace) -> None:
    """Raise UsageError where the flags choose no one source."""
    chosen = [flag for flag in ("demo", "manifests", "recording", "context", "kubeconfig") if getattr(options, flag)]
    if len(chosen) > 1 and chosen != ["context", "kubeconfig"]:
        raise UsageError(f"--{chosen[0]} and --{chosen[1]} are two sources", hint="choose one")
    if options.at is not None and not (options.demo or options.recording):
        raise UsageError("--at names a moment of a recording or of the demo", hint="use it with --demo or --recording")


def demo_at(options: argparse.Namespace) -> float | None:
    """The second at which the demo's timetable is frozen, if it is. Raises UsageError."""
    if options.at is None:
        return None
    try:
        return float(options.at)
    except ValueError:
        hint = "write --at SECONDS; times of day are for --recording"
        raise UsageError(f"{options.at!r} names no moment of the demo", hint=hint) from None


def modes(options: argparse.Namespace) -> Modes | None:
    """The engine's modes, as the flags say; None for the default ones, for which nothing has to be imported."""
    if options.ingress_ipblock == "pods":
        return None
    from console.policy.asking import Modes

    return Modes(ingress_ipblock_matches_pods=False)
