"""``python -m tests.bench [CASE …]``: measure, and print what was measured, how, and on what.

``python -m tests.bench scale`` is all pairs at every size, beside other tools (see `scale`).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from . import case_alive, case_audit, case_commands, case_engine, case_keys, case_open, case_soak
from .figures import Figure, machine, machine_line, table
from .setting import Setting

CASES: Final[Mapping[str, Callable[[Setting], Iterator[Figure]]]] = {
    "help": case_commands.help,
    "open-demo": case_open.demo,
    "open": case_open.cluster,
    "keys": case_keys.keys,
    "keys-demo": case_keys.demo,
    "simulate-yaml": case_commands.yaml,
    "simulate-demo": case_commands.demo,
    "batch": case_commands.batch,
    "engine": case_engine.engine,
    "audit": case_audit.audit,
    "soak": case_soak.soak,
    "alive": case_alive.alive,
}


def main() -> None:
    if sys.argv[1:2] == ["scale"]:  # a command of its own: what it prints is another table
        from . import scale

        scale.main(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure the console. Needs Linux.")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; all unless named")
    parser.add_argument("--json", action="store_true", help="one JSON object rather than a table")
    parser.add_argument("--runs", type=int, default=5, help="how often to start each process, one to warm up aside")
    parser.add_argument("--cluster", type=Path, metavar="FILE", help="a JSON List instead of the cluster made here")
    parser.add_argument("--minutes", type=float, default=1.0, help="how long soak and alive go on")
    options = parser.parse_args()
    if unknown := sorted(set(options.cases) - CASES.keys()):
        parser.error(f"there is no case {', '.join(unknown)}; cases: {', '.join(CASES)}")

    figures: list[Figure] = []
    before = machine_line()
    root = Path(__file__).parents[2]
    with tempfile.TemporaryDirectory(prefix="netpol-bench-") as folder:
        setting = Setting(root, Path(folder), max(1, options.runs), options.cluster, options.minutes)
        for name in options.cases or CASES:
            print(f"measuring {name} …", file=sys.stderr, flush=True)
            figures += CASES[name](setting)
    if options.json:
        print(json.dumps({"machine": machine(), "figures": [figure.as_json() for figure in figures]}, indent=1))
    else:
        print(table(figures))
        print(f"\nbefore: {before}\nafter:  {machine_line()}")


if __name__ == "__main__":
    main()
