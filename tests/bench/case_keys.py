"""Keys on a large cluster: from pressing one to its frame."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from .case_open import SKELETON, live
from .figures import Figure
from .serve import serving
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
#: The walk through the console, which begins on the list of all workloads.
_WALK: Final = (
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


def keys(setting: Setting) -> Iterator[Figure]:
    """Every kind of key, in a pseudo-terminal, over a large cluster."""
    with serving(setting.cluster_json, setting.folder) as kubeconfig:
        for size in SIZES:
            yield from _walk("keys 10k", console("--kubeconfig", str(kubeconfig)), live(setting.cluster), size, setting)


def demo(setting: Setting) -> Iterator[Figure]:
    """The same over the demo, in which nothing happens meanwhile."""
    for size in SIZES:
        yield from _walk("keys demo", console("--demo", "--at", "0"), r"● live · \d+ ns · \d+ pods", size, setting)


def _walk(case: str, command: Sequence[str], filled: str, size: tuple[int, int], setting: Setting) -> Iterator[Figure]:
    found: dict[str, list[Latency]] = defaultdict(list)
    for _ in range(max(1, setting.runs // 2)):
        with Terminal(command, environment=environment(setting.folder), cwd=setting.root, size=size) as terminal:
            terminal.until(SKELETON)
            terminal.until(filled)
            time.sleep(_AHEAD)
            for kind, pressed, shows in _WALK:
                found[kind] += [terminal.press(key) for key in pressed]
                terminal.check(shows)
            peak = terminal.usage().peak
            terminal.leave()
    case = f"{case}, {size[0]}×{size[1]}"
    for kind, latencies in found.items():
        how = "CPU of the event loop, the key and all that follows from it"
        yield Figure(f"{case}, CPU", kind, "ms", tuple(each.loop for each in latencies), how, 50, True)
    for kind, latencies in found.items():
        how = "wall to the last byte before 40 ms of quiet, less the loop's waits for a core"
        yield Figure(f"{case}, wall", kind, "ms", tuple(each.alone for each in latencies), how)
    yield Figure(case, "peak after all of them", "MiB", (peak,), "VmHWM", 250)
