"""Ask every question of a corpus through the command line, and hold the answers against what the corpus expects.

Usage: corpus.py FOLDER: FOLDER/*/assertions.jsonl, with the manifests they name beside them. Exit 1 if any is wrong.
Rows whose `status` is "contested" or "undefined" are counted, never failed. Where the
manifests hold kinds of policy that are not evaluated, "unknown" is right too; a wrong
"allowed" or "blocked" never is.
"""

from __future__ import annotations

import collections
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

WANTED = {"allow": "allowed", "deny": "blocked"}
NOT_EVALUATED = ("AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy")


def ask(manifests: Path, rows: list[dict[str, object]]) -> list[tuple[dict[str, object], str]]:
    """The outcome of each row, in order, from one run of the command."""
    command = [sys.executable, "-m", "console", "simulate", "--manifests", str(manifests), "--batch", "-"]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if [answer["id"] for answer in answers] != [row["id"] for row in rows]:
        raise SystemExit(f"{manifests}: {len(answers)} answers to {len(rows)} questions\n{done.stderr}")
    return [(row, str(answer["outcome"])) for row, answer in zip(rows, answers, strict=True)]


def holds_unevaluated(manifests: Path) -> bool:
    """Whether any file of the manifests names a kind of policy that is not evaluated."""
    files = [manifests] if manifests.is_file() else [path for path in manifests.rglob("*") if path.is_file()]
    return any(kind in path.read_text(errors="replace") for path in files for kind in NOT_EVALUATED)


def main() -> int:
    """Run every corpus below the folder; prints a line for each and one for each wrong answer."""
    wrong = 0
    for file in sorted(Path(sys.argv[1]).glob("*/assertions.jsonl")):
        groups: dict[Path, list[dict[str, object]]] = collections.defaultdict(list)
        for line in file.read_text().splitlines():
            row = json.loads(line)
            groups[file.parent / str(row["manifests"])].append(row)
        counts: collections.Counter[str] = collections.Counter()
        with ThreadPoolExecutor(2) as pool:
            for manifests, answers in zip(groups, pool.map(ask, groups, groups.values()), strict=True):
                excused = holds_unevaluated(manifests)
                for row, outcome in answers:
                    if outcome == WANTED[str(row["expect"])]:
                        counts["right"] += 1
                    elif row.get("status", "spec") != "spec":
                        counts[str(row["status"])] += 1
                    elif outcome == "unknown" and excused:
                        counts["unknown (kind not evaluated)"] += 1
                    else:
                        counts["WRONG"] += 1
                        print(f"{file.parent.name} {row['id']}: expected {row['expect']}, got {outcome}")
        wrong += counts["WRONG"]
        print(f"{file.parent.name}: {sum(counts.values())} questions: {dict(counts)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
