"""Draw the screenshots from the demo at moment 0: ``python screenshots/draw.py [FOLDER [NAME …]]``.

Running it again gives the same bytes: the demo stands still, its clock is set, and
the pictures load nothing from anywhere.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from textual import events

from console.cluster.contexts import from_dict
from console.cluster.live import LiveSource
from console.cluster.source import State
from console.demo.cluster import DemoCluster
from console.tui.app import ConsoleApp

#: When the demo stands, in seconds since the epoch: a Wednesday at noon, UTC.
NOON = 1_750_248_000.0
PATIENCE = 30.0
_FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_FONTS = "Fira Code, DejaVu Sans Mono, Menlo, Consolas, monospace"
_ID = re.compile(r"terminal-\d+-")


class Shot(NamedTuple):
    """A picture: its name, its size in columns and lines, what is typed, and what must be seen before it is taken.

    `then` is typed once that was seen, and then `last` must be. `happens` is how many seconds
    of the demo's timetable pass, at once, before anything is typed.
    """

    name: str
    size: tuple[int, int]
    typed: Sequence[str]
    seen: str
    then: str = ""
    last: str = ""
    happens: float = 0


TRAINER = "training/pytorchjob/llm-finetune"
FEAST = "feature-store/deployment/feast-online"
SHOTS = (
    Shot("browse", (120, 36), (":ns training\n", "jjjj"), "trainer-peers"),
    Shot("browse-80x24", (80, 24), (":ns training\n", "jjjj"), "llm-finetune"),
    Shot("policies", (120, 36), (":ns feature-store\n", ":netpol\n", "jj"), "■ 3 rules"),
    Shot("simulate-allowed", (120, 36), (f":sim {TRAINER} {FEAST} 6566\n",), "● ALLOWED"),
    Shot("simulate-blocked", (120, 36), (f":sim {TRAINER} internet 443\n",), "○ BLOCKED"),
    Shot("simulate-80x24", (80, 24), (f":sim {TRAINER} internet 443\n",), "○ BLOCKED"),
    Shot("audit", (120, 36), ("4",), "training never reaches the internet", "j", "llm-finetune → internet", 40),
    Shot("audit-80x24", (80, 24), ("4",), "training never reaches the internet", happens=40),
    Shot("timeline", (120, 36), ("5",), "kubectl-label", happens=40),
    Shot("timeline-80x24", (80, 24), ("5",), "label egress", happens=40),
    Shot("past", (120, 36), ("5",), "kubectl-label", f"b:sim {TRAINER} internet 443\n", "as of", 40),
    Shot("matrix", (120, 36), ("3",), "control-plane → control-plane", "j" * 12 + "l" * 2, "open: 6566/TCP"),
    Shot("reach", (120, 36), (f":reach {TRAINER}\n",), "Blast radius, 4 hops", "jj", "▌    ● deployment/feast-online"),
)
_KEYS = {"\n": "enter", ":": "colon", " ": "space", "/": "slash", "-": "minus"}


async def draw(shot: Shot) -> str:
    """One picture as SVG."""
    began = time.time()
    with DemoCluster(at=0, now=NOON) as demo:
        source = LiveSource(from_dict(demo.kubeconfig()))
        app = ConsoleApp(source, clock=lambda: NOON)
        async with app.run_test(size=shot.size) as pilot:
            await _until(app, lambda: app.base is not None and app.frame.status.state is State.LIVE)
            if shot.happens:
                await _until(app, lambda: app.standing.audit is not None)
                demo.advance(shot.happens)
                await _until(app, lambda: app.annals.count > 0)
            for parts, seen in ((shot.typed, shot.seen), ((shot.then,), shot.last)):
                for part in parts:
                    for letter in part:
                        app.post_message(events.Key(_KEYS.get(letter, letter), letter))
                        await pilot.pause(0.0)
                    await _until(app, lambda: app.base is not None and not app.base.prompt.is_open)
                await _until(app, lambda seen=seen: seen in _text(app))
            svg = _at_the_demos_time(await _settled(app), began, NOON + shot.happens)
    svg = _FONT_FACE.sub("", svg).replace("font-family: Fira Code, monospace", f"font-family: {_FONTS}")
    return _ID.sub("shot-", svg.replace("Fira Code, monospace", _FONTS))


def _at_the_demos_time(svg: str, began: float, at: float) -> str:
    """The picture with the moment of the demo in place of that of this machine, at which a change really came."""
    for second in range(int(began), int(time.time()) + 1):
        for form in ("%Y-%m-%d", "%H:%M:%S"):
            svg = svg.replace(time.strftime(form, time.localtime(second)), time.strftime(form, time.localtime(at)))
    return svg


async def _settled(app: ConsoleApp) -> str:
    """The picture, once nothing changes in it any more."""
    before, svg = "", app.export_screenshot(title="netpol-console")
    while svg != before:
        await asyncio.sleep(0.4)
        before, svg = svg, app.export_screenshot(title="netpol-console")
    return svg


def _text(app: ConsoleApp) -> str:
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def _until(app: ConsoleApp, true) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > deadline:
            raise SystemExit(f"never seen:\n{_text(app)}")
        await asyncio.sleep(0.02)


def main() -> None:
    """Draw them all."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    os.environ.pop("NO_COLOR", None)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    names = sys.argv[2:] or [shot.name for shot in SHOTS]
    for shot in (each for each in SHOTS if each.name in names):
        path = folder / f"{shot.name}.svg"
        path.write_text(asyncio.run(draw(shot)), encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
