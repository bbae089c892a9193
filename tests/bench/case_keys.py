"""Keys on a large cluster: from pressing one to its frame."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from .case_open import SKELETON
from .figures import Figure
from .serve import changing
from .setting import Setting
from .terminal import Latency, Terminal, console, environment

#: As terminals with the kitty keyboard protocol send it, which the console asks for. From others esc comes
#: 100 ms late: a bare escape may be the beginning of a sequence.
_ESC: Final = b"\x1b[27u"
_ENTER: Final = b"\r"
_TAB: Final = b"\t"
_PAGE_DOWN: Final = b"\x06"
#: Seconds in which the console makes ready, in idle moments, what comes next. Nobody presses a key before that.
_AHEAD: Final = 1.5

#: How many things happen before the Timeline is looked at, and the seconds it takes until one is told.
_CHANGES: Final = 5
_TOLD: Final = 1.0


class Keys(NamedTuple):
    """Keys that are pressed one after the other, each when the frame of the one before is drawn.

    `shows` is part of what the last of them must draw: who measures should know what.
    """

    kind: str
    keys: Sequence[bytes]
    shows: str = ""


def each(text: str) -> list[bytes]:
    """One key for each character."""
    return [character.encode() for character in text]


#: Columns and lines: the smallest at which all is beside each other, and half a large display.
SIZES: Final = ((120, 36), (200, 60))
#: The walk through Browse and Simulate, which begins on the list of all workloads.
_BROWSE: Final = (
    Keys("j, k (workloads)", each("jjjjjjjjjjjjjjjkkkkkjjjjj")),
    Keys("page down", [_PAGE_DOWN] * 10),
    Keys("G, g (workloads)", each("GgGgGgGg")),
    Keys("tab (Browse)", [_TAB] * 6),
    Keys("/ opens the filter", each("/")),
    Keys("letter in the filter (workloads)", each("train"), "/train"),
    Keys("enter the filter", [_ENTER]),
    Keys("esc takes it off", [_ESC], "all namespaces"),
    Keys("enter a workload", [_ENTER], "Pods · "),
    Keys("esc back", [_ESC]),
    Keys("p policies", each("p"), "Policies · "),
    Keys("j, k (policies)", each("jjjjjkkkkk")),
    Keys("esc back", [_ESC]),
    Keys("y YAML", each("y"), "podSelector"),
    Keys("esc back", [_ESC]),
    Keys("? help", each("?"), "This screen"),
    Keys("esc back", [_ESC]),
    Keys(": opens the command line", each(":")),
    Keys("letter in the command line", each("pod")),
    Keys("enter :pod", [_ENTER], "Pods · all namespaces"),
    Keys("j, k (pods)", each("jjjjjjjjjjjjjjjkkkkkjjjjj")),
    Keys("G, g (pods)", each("GgGgGgGg")),
    Keys("/ opens the filter", each("/")),
    Keys("letter in the filter (pods)", each("train"), "/train"),
    Keys("enter the filter", [_ENTER]),
    Keys("esc takes it off", [_ESC], "all namespaces"),
    Keys("s source", each("s"), "Source: "),
    Keys("j, k (pods)", each("j")),
    Keys("2 Simulate, first time", each("2"), "From"),
    Keys("1 Browse", each("1"), "Namespaces"),
    Keys("2 Simulate", each("2"), "From"),
    Keys("d opens the picker", each("d"), "found"),
    Keys("letter in the picker", each("train"), "found"),
    Keys("enter the picker: the next", [_ENTER], "found"),
    Keys("enter the port: the verdict", [_ENTER], "ALLOWED|BLOCKED|PARTIAL"),
    Keys("x swap", each("x"), "From|ALLOWED|BLOCKED|PARTIAL|choose"),
    Keys("x swap", each("x"), "ALLOWED|BLOCKED|PARTIAL"),
    Keys("P pin", each("P"), "Pinned"),
    Keys("P takes the pin off", each("P"), "No longer pinned"),
    Keys("tab (Simulate)", [_TAB] * 6),
    Keys("1 Browse", each("1"), "Namespaces"),
    Keys("2 Simulate", each("2"), "From"),
    Keys("1 Browse", each("1"), "Namespaces"),
    Keys("⇧tab to namespaces", [b"\x1b[Z"]),
    Keys("j, k (namespaces)", each("jjjjjkkkkk")),
)
#: Then Simulate's covers: asked is a connection that is blocked.
_COVERS: Final = (
    Keys("enter :sim", [_ENTER], "BLOCKED"),
    Keys("f fix", each("f"), "Smallest fix"),
    Keys("esc back", [_ESC]),
    Keys("e what if", each("e"), "nothing is sent"),
    Keys("letter in what-if", each("# ab")),
    Keys("tab (what-if)", [_TAB] * 2),
    Keys("esc leaves what-if", [_ESC] * 2, "BLOCKED"),
)
#: Then the screens over the whole cluster.
_MATRIX: Final = (
    Keys("3 Matrix, first time", each("3"), "Matrix"),
    Keys("h, j, k, l (Matrix)", each("jjjjlllljjkkhl")),
    Keys("enter closer (Matrix)", [_ENTER]),
    Keys("esc back (Matrix)", [_ESC]),
    Keys("x turn (Matrix)", each("xx")),
    Keys("b by namespace", each("b")),
    Keys("h, j, k, l (Matrix)", each("jjjjlllljjkkhl")),
    Keys("page down, G, g (Matrix)", [_PAGE_DOWN, b"G", b"g"]),
    Keys("/ opens the filter", each("/")),
    Keys("letter in the filter (Matrix)", each("t")),
    Keys("esc takes it off (Matrix)", [_ESC]),
    Keys("b by workload", each("b")),
    Keys("h, j, k, l (Matrix)", each("jjjjlllljjkkhl")),
    Keys("page down, G, g (Matrix)", [_PAGE_DOWN, b"G", b"g"]),
    Keys("1 Browse", each("1"), "Namespaces"),
    Keys("3 Matrix", each("3"), "Matrix"),
)
_AUDIT: Final = (
    Keys("4 Audit, first time", each("4"), "Findings"),
    Keys("j, k (rules)", each("jjjjkkkk")),
    Keys("tab (Audit)", [_TAB] * 5),
    Keys("t charter", each("t")),
    Keys("enter a rule", [_ENTER]),
    Keys("j, k (pairs)", each("jjkk")),
    Keys("esc back (Audit)", [_ESC]),
    Keys("f findings", each("f")),
    Keys("j, k (findings)", each("jjjjkkkk")),
    Keys("/ opens the filter", each("/")),
    Keys("letter in the filter (findings)", each("po")),
    Keys("esc takes it off (findings)", [_ESC]),
    Keys("i inventory", each("i")),
    Keys("j, k (inventory)", each("jjjjkkkk")),
    Keys("1 Browse", each("1"), "Namespaces"),
    Keys("4 Audit", each("4"), "Findings"),
)
_TIMELINE: Final = (
    Keys("5 Timeline, first time", each("5"), "Timeline"),
    Keys("1 Browse", each("1"), "Namespaces"),
    Keys("5 Timeline", each("5"), "Timeline"),
)
#: Where something has happened.
_MOMENTS: Final = (
    Keys("j, k (Timeline)", each("jjjkkk")),
    Keys("tab (Timeline)", [_TAB] * 2),
    Keys("esc back (Timeline)", [_ESC]),
    Keys("a as of then", each("a"), "PAST|past|as of"),
    Keys("1 Browse, in the past", each("1"), "Namespaces"),
    Keys("n back to now", each("n"), "live"),
)
_LAST: Final = (
    Keys("r reach", each("r"), "hops"),
    Keys("j, k (reach)", each("jjkk")),
    Keys("esc back (reach)", [_ESC], "Namespaces"),
    Keys("! notices", each("!"), "What to know"),
    Keys("esc back", [_ESC]),
    Keys("ctrl+p palette", [b"\x10"]),
    Keys("esc back", [_ESC]),
)


def keys(setting: Setting) -> Iterator[Figure]:
    """Every kind of key, in a pseudo-terminal, over a large cluster."""
    ends = setting.cluster.ends()[::-1]  # from the end: what happens opens the first namespaces
    source = next((end for end in ends if "trainer" in end), ends[0])
    counts = setting.cluster.counts
    filled = f"● live · {counts['Namespace']} ns · {counts['Pod']:,} pods"  # each walk leaves more policies behind
    with changing(setting.cluster_json, setting.folder) as (kubeconfig, change):
        walk = _Walk("keys 10k", console("--kubeconfig", str(kubeconfig)), filled, source, change)
        for size in SIZES:
            yield from _walked(walk, size, setting)


def demo(setting: Setting) -> Iterator[Figure]:
    """The same over the demo, in which nothing happens meanwhile."""
    source = "training/pytorchjob/llm-finetune"
    walk = _Walk("keys demo", console("--demo", "--at", "0"), r"● live · \d+ ns · \d+ pods", source)
    for size in SIZES:
        yield from _walked(walk, size, setting)


class _Walk(NamedTuple):
    """What is walked through: a console, what it shows once it is filled, and a source that may not reach the internet.

    `change` makes something happen in the cluster that opens paths, if there is such a thing.
    """

    case: str
    command: Sequence[str]
    filled: str
    source: str
    change: Callable[[], None] | None = None

    def steps(self) -> Iterator[Keys | Callable[[], None]]:
        """What is pressed, and what happens in between."""
        yield from _BROWSE
        yield Keys(": opens the command line", each(":"))
        yield Keys("letter in the command line", each(f"sim {self.source} internet 443"))
        yield from (*_COVERS, *_MATRIX, *_AUDIT)
        if self.change is not None:
            yield from [self.change] * _CHANGES
        yield from _TIMELINE
        yield from _MOMENTS if self.change is not None else (Keys("1 Browse", each("1"), "Namespaces"),)
        yield from _LAST


def _walked(walk: _Walk, size: tuple[int, int], setting: Setting) -> Iterator[Figure]:
    found: dict[str, list[Latency]] = defaultdict(list)
    for _ in range(max(1, setting.runs // 2)):
        with Terminal(walk.command, environment=environment(setting.folder), cwd=setting.root, size=size) as terminal:
            terminal.until(SKELETON)
            terminal.until(walk.filled)
            time.sleep(_AHEAD)
            for step in walk.steps():
                if not isinstance(step, Keys):
                    step()
                    time.sleep(_TOLD)
                    continue
                found[step.kind] += [terminal.press(key) for key in step.keys]
                terminal.check(step.shows)
            peak = terminal.usage().peak
            terminal.leave()
    case = f"{walk.case}, {size[0]}×{size[1]}"
    less = "less the loop's waits for a core"
    for kind, latencies in found.items():
        how = f"wall to the end of the first frame, {less}"
        yield Figure(f"{case}, key to frame", kind, "ms", tuple(each.frame for each in latencies), how, 50, True)
    for kind, latencies in found.items():
        how = "CPU of the event loop, the key and all that follows from it"
        yield Figure(f"{case}, CPU", kind, "ms", tuple(each.loop for each in latencies), how, 50, True)
    for kind, latencies in found.items():
        how = f"wall to the last byte before 40 ms of quiet, {less}; what is worked out elsewhere is among it"
        yield Figure(f"{case}, all there", kind, "ms", tuple(each.last for each in latencies), how)
    yield Figure(case, "peak after all of them", "MiB", (peak,), "VmHWM", 250)
