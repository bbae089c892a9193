"""Hold what a wheel and an sdist contain against what git has: all of it, and nothing else.

Usage: contents.py WHEEL SDIST. Exit 1, with the names, if a file is missing or too many.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile

#: What is in the sdist beside .gitignore and PKG-INFO, which the build adds.
SOURCES = ("console", "tests", "screenshots", "README.md", "pyproject.toml")


def main() -> int:
    """Compare both; prints one line for each."""
    listed = subprocess.run(["git", "ls-files", "--", *SOURCES], capture_output=True, text=True, check=True)
    sources = set(listed.stdout.splitlines())
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        installed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    with tarfile.open(sys.argv[2]) as sdist:
        packed = {name.partition("/")[2] for name in sdist.getnames()} - {".gitignore", "PKG-INFO"}
    wrong = 0
    package = {name for name in sources if name.startswith("console/")}
    for what, has, wanted in (("wheel", installed, package), ("sdist", packed, sources)):
        wrong += len(has ^ wanted)
        print(f"{what}: {len(has)} files", *(f"\n  missing: {name}" for name in sorted(wanted - has)))
        print(*(f"  too many: {name}\n" for name in sorted(has - wanted)), end="", sep="")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
