"""``evidence``: a bundle that proves what an audit says, and ``evidence verify``, which computes it all again."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from console.errors import InputError, UsageError
from console.flags import modes
from console.report.clean import clean
from console.report.put import put
from console.wiring import charter_text, say, snapshot_and_moment, title

if TYPE_CHECKING:
    from console.governance.questions import Question
    from console.history.bundle import Bundle

HELP: Final = "a bundle of what was read, the verdicts and their proof; evidence verify FILE computes it again"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.usage = (
        "%(prog)s -o FILE [--charter FILE] [--ask 'SRC DST PORT'] [--sign KEY] [source flags]\n"
        "       %(prog)s verify FILE [--key KEY]"
    )
    parser.add_argument("action", nargs="?", choices=("verify",), help="compute a bundle again, and compare")
    parser.add_argument("file", nargs="?", metavar="FILE", help="with verify: the bundle")
    parser.add_argument("-o", "--output", metavar="FILE", help="where the bundle goes")
    parser.add_argument("--charter", metavar="FILE", help="the charter (default: the one inside; - for stdin)")
    parser.add_argument(
        "--ask", action="append", default=[], metavar="'SRC DST PORT'", help="a further connection to prove"
    )
    parser.add_argument(
        "--today", metavar="YYYY-MM-DD", help="the day exceptions are held against (default: that of the moment, UTC)"
    )
    parser.add_argument("--annotations", action="store_true", help="keep policies' annotations; they may hold anything")
    parser.add_argument("--sign", metavar="KEY", help="sign with this Ed25519 private key (a PEM file)")
    parser.add_argument("--key", metavar="KEY", help="with verify: the public key it must be signed by (a PEM file)")


def run(options: argparse.Namespace) -> int:
    """0 written or true, 1 not true, 2 where nothing could be written, read or checked, 3 made of a part only."""
    if options.action == "verify":
        if options.file is None or options.output is not None:
            raise UsageError("which bundle?", hint="netpol-console evidence verify FILE")
        return _verify(options.file, options.key)
    if options.output is None:
        raise UsageError("evidence needs a file to write to", hint="-o FILE, or verify FILE")
    if options.key is not None:
        raise UsageError("--key is for verify", hint="--sign KEY signs")
    return _write(options)


def _write(options: argparse.Namespace) -> int:
    from console.history.bundle import pack
    from console.history.signing import signer
    from console.history.times import day

    sign = signer(options.sign) if options.sign else None
    text, file = charter_text(options.charter)
    snapshot, at = snapshot_and_moment(options)
    from console.report.evidence import begin, check_questions, complete, terms_of

    terms = terms_of(
        snapshot,
        source=title(options),
        today=options.today or day(time.time() if at is None else at).isoformat(),
        charter_file=file,
        at=at,
        asked=map(_question, options.ask),
        modes=modes(options),
        annotations=options.annotations,
    )
    check_questions(snapshot, terms.asked)
    contents = complete(begin(snapshot, terms, text))
    data = pack(contents, sign)
    _put(Path(options.output), data)
    say(f"{options.output}: {len(data):,} bytes, {len(contents)} files{', signed' if sign else ''}")
    say(f"anybody can check it: netpol-console evidence verify {options.output}")
    for gap in dict.fromkeys(gap.why for gap in snapshot.coverage.gaps):
        say(f"made of a part only: {clean(gap)}")
    return 0 if snapshot.coverage.complete else 3


def _question(text: str) -> Question:
    from console.governance.questions import Question

    parts = text.split()
    if len(parts) != 3:
        raise UsageError(f"--ask {text!r} is no connection", hint="write --ask 'SRC DST PORT', as for simulate")
    return Question(*parts)


def _put(path: Path, data: bytes) -> None:
    try:
        put(path, data, over=True)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None


def _verify(file: str, key: str | None) -> int:
    from console.history.bundle import unpack
    from console.history.signing import verifier

    # A key that cannot be read says nothing about the bundle.
    verifies = verifier(key) if key is not None else None
    try:
        data = Path(file).read_bytes()
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from None
    from console.report.evidence import complete, differences, summary

    wrong: list[str] = []
    try:
        bundle = unpack(data)
        for line in summary(bundle.contents):
            print(line)
        wrong += _signature(bundle, key, verifies)
        wrong += differences(bundle.contents, complete(bundle.contents))
    except InputError as error:
        wrong += str(error).split("\n")
    for line in wrong:
        print(f"✗ {clean(line)}")
    print(
        f"✗ {file} does not hold"
        if wrong
        else f"✓ {file} holds: everything in it follows from its objects, to the byte"
    )
    return 1 if wrong else 0


def _signature(bundle: Bundle, key: str | None, verifies: Callable[[bytes, bytes], bool] | None) -> list[str]:
    """What is wrong with the signature; what of it was not checked is said."""
    if verifies is None:
        if bundle.signature is not None:
            say("it is signed; --key KEY checks by whom")
        else:
            say("it is not signed: that it was not made anew from other objects, its sender has to vouch for")
        return []
    if bundle.signature is None:
        return ["it is not signed"]
    return [] if verifies(bundle.sums, bundle.signature) else [f"it is not signed by {key}"]
