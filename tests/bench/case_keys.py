"""Keys on a large cluster: from pressing one to its frame."""

from __future__ import annotations

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


#: The walk through the console, which begins and ends on the list of all workloads.
_WALK: Final = (
    Keys("j, k (workloads)", each("jjjjjjjjjjjjjjjkkkkkjjjjj")),
    Keys("page down", [_PAGE_DOWN] * 10),
    Keys("G, g (workloads)", each("GgGgGgGg")),
    Keys("tab", [_TAB] * 6),
    Keys("/ opens the filter", each("/")),
    Keys("filter text (workloads)", each("train"), "/train"),
    Keys("enter the filter", [_ENTER]),
    Keys("esc takes it off", [_ESC], "all namespaces"),
    Keys("enter a workload", [_ENTER], "Pods · "),
    Keys("esc back", [_ESC]),
    Keys("p policies", each("p"), "Policies · "),
    Keys("j, k (policies)", each("jjjjjkkkkk")),
    Keys("esc back", [_ESC]),
    Keys("y YAML", each("y"), "podSelector"),
    Keys("esc back", [_ESC]),
    Keys(": opens the command line", each(":")),
    Keys("command text", each("pod")),
    Keys("enter :pod", [_ENTER], "Pods · all namespaces"),
    Keys("j, k (pods)", each("jjjjjjjjjjjjjjjkkkkkjjjjj")),
    Keys("G, g (pods)", each("GgGgGgGg")),
    Keys("/ opens the filter", each("/")),
    Keys("filter text (pods)", each("train"), "/train"),
    Keys("enter the filter", [_ENTER]),
    Keys("esc takes it off", [_ESC], "all namespaces"),
    Keys("s source", each("s")),
    Keys("j, k (pods)", each("j")),
    Keys("2 Simulate", each("2"), "From"),
    Keys("d opens the picker", each("d"), "found"),
    Keys("picker text", each("train"), "found"),
    Keys("enter the picker", [_ENTER], "found"),
    Keys("enter the port: the verdict", [_ENTER], "ALLOWED|BLOCKED"),
    Keys("1 Browse", each("1"), "Namespaces"),
    Keys("2 Simulate", each("2"), "From"),
    Keys("tab (Simulate)", [_TAB] * 4),
    Keys("1 Browse", each("1"), "Namespaces"),
    Keys("2 Simulate", each("2"), "From"),
    Keys("1 Browse", each("1"), "Namespaces"),
    Keys("⇧tab to namespaces", [b"\x1b[Z"]),
    Keys("j, k (namespaces)", each("jjjjjkkkkk")),
)


def keys(setting: Setting) -> Iterator[Figure]:
    """Every kind of key, in a pseudo-terminal, over a large cluster."""
    found: dict[str, list[Latency]] = defaultdict(list)
    with serving(setting.cluster_json, setting.folder) as kubeconfig:
        for _ in range(max(1, setting.runs // 2)):
            with Terminal(
                console("--kubeconfig", str(kubeconfig)), environment=environment(setting.folder), cwd=setting.root
            ) as terminal:
                terminal.until(SKELETON)
                terminal.until(live(setting.cluster))
                for kind, pressed, shows in _WALK:
                    found[kind] += [terminal.press(key) for key in pressed]
                    terminal.check(shows)
                peak = terminal.usage().peak
                terminal.leave()
    for kind, latencies in found.items():
        first, last, alone, cpu = zip(*latencies, strict=True)
        yield Figure("keys 10k", f"{kind}: first byte", "ms", first, "wall, from writing the key")
        yield Figure("keys 10k", f"{kind}: whole frame", "ms", last, "wall, to the last byte before 40 ms of quiet")
        how = "the same less the main thread's waits for a core"
        yield Figure("keys 10k", f"{kind}: by itself", "ms", alone, how, 50, True)
        yield Figure("keys 10k", f"{kind}: CPU", "ms", cpu, "all threads")
    yield Figure("keys 10k", "peak after all of them", "MiB", (peak,), "VmHWM", 250)
