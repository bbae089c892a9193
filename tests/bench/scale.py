"""``python -m tests.bench scale``: all pairs at every size, beside other tools where they are, as Markdown.

Figures are medians of CPU time in one process a size, from decoded objects; peaks of memory
are of the whole process. The listings of the peers are compared pair by pair, ports and all.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from .figures import machine_line
from .generator import SIZES, NoGenerator, generate
from .peers import BOUND, Listing, missing, own, peers

#: Sizes at which peers are run; on the larger ones they take longer than anybody waits.
_COMPARED: Final = ("S", "M", "L")
#: Growth: one of pods, classes and policies after the other is doubled, from a shape in the middle.
_GROWTH: Final = (
    ("pods a workload", [(200, 10, replicas, 10) for replicas in (5, 10, 20)]),
    ("workloads, and so classes", [(200, workloads, 5, 10) for workloads in (5, 10, 15)]),
    ("policies", [(200, 10, 5, policies) for policies in (5, 10, 20)]),
)
_CHANGES: Final = ("policy edited", "pod added", "pod label", "namespace label")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench scale", description=__doc__.splitlines()[0])
    parser.add_argument("sizes", nargs="*", metavar="SIZE", help=f"of {', '.join(SIZES)}; all unless named")
    parser.add_argument("--generator", type=Path, metavar="FILE", help="gen_cluster.py (default: beside the checkout)")
    parser.add_argument("--tiers", action="store_true", help="mix in policies of the admin and baseline tiers")
    parser.add_argument("--no-peers", action="store_true", help="leave the other tools out")
    parser.add_argument("--growth", action="store_true", help="figures against pods, classes and policies, too")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.sizes) - SIZES.keys()):
        parser.error(f"there is no size {', '.join(unknown)}; sizes: {', '.join(SIZES)}")
    root = Path(__file__).parents[2]
    try:
        with tempfile.TemporaryDirectory(prefix="netpol-scale-") as folder:
            for line in _report(options, root, Path(folder)):
                print(line, flush=True)
    except NoGenerator as error:
        sys.exit(str(error))


def _report(options: argparse.Namespace, root: Path, folder: Path) -> Iterator[str]:
    yield f"{machine_line()}; CPU time; policies of {'all tiers' if options.tiers else 'NetworkPolicy alone'}"
    yield ""
    sizes = options.sizes or list(SIZES)
    made = {}
    rows = []
    for size in sizes:
        print(f"measuring {size} …", file=sys.stderr, flush=True)
        made[size] = generate(SIZES[size], options.generator, tiers=options.tiers, folder=folder / size)
        rows.append((size, _measure(made[size], root)))
    yield from _table(rows)
    if options.growth:
        for what, shapes in _GROWTH:
            grown = []
            for number, shape in enumerate(shapes):
                print(f"measuring {what} {number + 1} of {len(shapes)} …", file=sys.stderr, flush=True)
                place = generate(shape, options.generator, tiers=options.tiers, folder=folder / f"{what[:4]}-{number}")
                grown.append((" × ".join(map(str, shape)), _measure(place, root)))
            yield ""
            yield f"Against {what} (namespaces × workloads × pods, policies a namespace):"
            yield ""
            yield from _table(grown)
    if not options.no_peers:
        yield ""
        yield from _peers({size: made[size] for size in sizes if size in _COMPARED}, root)


def _measure(folder: Path, root: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.pairs_child", "measure", str(folder)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, cwd=root).stdout)
    return found


def _table(rows: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    head = [
        "size", "pods", "policies", "classes", "snapshot", "engine", "classes and profiles", "all pairs",
        "one verdict explained", *(f"{each} (longest)" for each in _CHANGES), "peak memory", "rows against verdicts",
    ]  # fmt: skip
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for size, each in rows:
        cells = [
            size, f"{each['pods']:,}", f"{each['policies']:,}", f"{each['classes']:,}", _ms(each["snapshot"]),
            _ms(each["engine"]), _ms(each["reach"]), _ms(each["all pairs"]), _ms(each["explained"]),
            *(_change(each["followed"][change]) for change in _CHANGES), f"{each['peak']:.0f} MiB",
            f"{each['sampled'] - each['differing']:,} of {each['sampled']:,} agree",
        ]  # fmt: skip
        yield f"| {' | '.join(cells)} |"


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} ms" if value >= 10 else f"{value:.2f} ms"


def _change(found: dict[str, Any]) -> str:
    text = f"{_ms(found['median'])} ({_ms(found['max'])})"
    return text + (f"; {found['whole']} made anew, {_ms(found['whole max'])}" if found["whole"] else "")


def _peers(folders: dict[str, Path], root: Path) -> Iterator[str]:
    yield "| size | tool | wall | CPU | peak memory | open pairs of workloads | against ours |"
    yield f"|{'---|' * 7}"
    for size, folder in folders.items():
        print(f"comparing {size} (up to {BOUND} s a tool) …", file=sys.stderr, flush=True)
        ours = own(folder, root)
        for each in (ours, *peers(folder, root)):
            pairs = each.why if each.pairs is None else f"{len(each.pairs):,}"
            took = f"{each.wall:.2f} s | {each.cpu:.2f} s | {each.peak:.0f} MiB"
            yield f"| {size} | {each.tool} | {took} | {pairs} | {_against(ours, each)} |"
    for text in missing():
        yield ""
        yield f"Not on PATH: `{text}`"


def _against(ours: Listing, each: Listing) -> str:
    if each is ours:
        return ""
    if each.pairs is None or ours.pairs is None:
        return "not known"
    missed, more = ours.pairs.keys() - each.pairs.keys(), each.pairs.keys() - ours.pairs.keys()
    ports = sum(1 for pair in ours.pairs.keys() & each.pairs.keys() if ours.pairs[pair] != each.pairs[pair])
    if not (missed or more or ports):
        return "the same, ports included"
    return f"{len(missed):,} it lacks, {len(more):,} more, {ports:,} with other ports"


if __name__ == "__main__":
    main()
