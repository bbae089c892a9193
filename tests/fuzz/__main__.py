"""``python -m tests.fuzz [TARGET …] --seconds N``: fuzz decoders with atheris, and print executions and findings.

Each target runs in a process of its own, with coverage of the console's modules as its
guide. An input that breaks a promise is left in the folder named by ``--findings``; those
worth keeping go to ``tests/fuzz/findings``, which the suite replays. atheris (``pip install
atheris``) is needed here and nowhere else.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

#: Seconds and MiB that one input may take.
_SLOW: Final = 10
_MEMORY: Final = 2048
_RUNS: Final = re.compile(r"(?:stat::number_of_executed_units: |Done |#)(\d+)")


def main() -> int:
    """Fuzz, each target in turn; 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all unless named")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: 60)")
    parser.add_argument("--findings", type=Path, default=Path(tempfile.gettempdir()) / "netpol-fuzz", metavar="FOLDER")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return _inside(options.targets[0], options.seconds, options.findings)
    from .targets import TARGETS

    if unknown := sorted(set(options.targets) - TARGETS.keys()):
        parser.error(f"there is no target {', '.join(unknown)}; targets: {', '.join(TARGETS)}")
    options.findings.mkdir(parents=True, exist_ok=True)
    total = found = 0
    for name in options.targets or TARGETS:
        before = set(options.findings.glob(f"{name}-*"))
        command = [sys.executable, "-m", "tests.fuzz", "--inside", name]
        command += ["--seconds", str(options.seconds), "--findings", str(options.findings)]
        run = subprocess.run(command, capture_output=True, text=True, errors="replace")
        executions = max((int(each) for each in _RUNS.findall(run.stderr)), default=0)
        new = sorted(set(options.findings.glob(f"{name}-*")) - before)
        total, found = total + executions, found + len(new)
        print(f"{name:<12} {executions:>12,} executions  {len(new)} findings  {' '.join(map(str, new))}", flush=True)
        if run.returncode and not new:
            print(run.stderr[-2000:], file=sys.stderr)
            found += 1
    print(f"{'all':<12} {total:>12,} executions  {found} findings")
    return 1 if found else 0


def _inside(name: str, seconds: int, findings: Path) -> int:
    import atheris

    with atheris.instrument_imports(include=["console"]):
        from .targets import TARGETS
    from .seeds import seeds, words

    with tempfile.TemporaryDirectory(prefix="netpol-fuzz-") as folder:
        corpus, dictionary = Path(folder) / "corpus", Path(folder) / "words"
        corpus.mkdir()
        for number, seed in enumerate(seeds(name)):
            (corpus / str(number)).write_bytes(seed)
        dictionary.write_text("".join(f'"{_escaped(word)}"\n' for word in words()))
        limits = [f"-max_total_time={seconds}", f"-timeout={_SLOW}", f"-rss_limit_mb={_MEMORY}", "-max_len=8192"]
        where = [f"-artifact_prefix={findings}/{name}-", f"-dict={dictionary}", "-print_final_stats=1", str(corpus)]
        atheris.Setup([sys.argv[0], *limits, *where], TARGETS[name])
        atheris.Fuzz()
    return 0


def _escaped(word: str) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02X}" for byte in word.encode())


if __name__ == "__main__":
    sys.exit(main())
