from __future__ import annotations

import pytest
from textual.color import Color

from console.cluster.live import LiveSource
from console.demo.cluster import DemoCluster
from console.tui.widgets.tree import PathTree

from .conftest import Still
from .driver import console
from .objects import pods_of
from .test_simulate import FEAST, TRAINER, ask

#: What one must be able to press, wherever one is.
BROWSE_KEYS = ("⏎ open", "s source", "d destination", "/ filter", ": command", "y yaml", "p policies", "tab", "? help")
SIMULATE_KEYS = ("s from", "d to", "p port", "x swap", "P pin", "c copy", "y yaml", "tab", "esc", "? help")


async def test_no_key_one_needs_is_cut(still: Still) -> None:
    async with console(still, size=(80, 24)) as user:
        await user.live()
        for size in ((80, 24), (120, 36), (200, 60)):
            await user.pilot.resize_terminal(*size)
            await user.see(*BROWSE_KEYS)
        await ask(user, TRAINER, "internet", "443")
        for size in ((80, 24), (120, 36), (200, 60)):
            await user.pilot.resize_terminal(*size)
            await user.see(*SIMULATE_KEYS)


async def test_at_80_by_24_browse_shows_names_and_stances_whole_and_details_as_a_page(still: Still) -> None:
    async with console(still, size=(80, 24)) as user:
        await user.live()
        await user.see("● live", "142 pods", "feature-store", "observability")
        await user.command("ns training")
        await user.see("llm-finetune", "PODS", "■ rules", "dataset-tokenize")
        await user.put_cursor("llm-finetune")
        await user.press("tab")
        await user.see("training · train-data", "to-feature-store  opens 6566/TCP", "isolated by")
        await user.until(lambda: "Namespaces" not in user.text)
        await user.press("escape")
        await user.see("Namespaces", "llm-finetune")


async def test_at_80_by_24_the_verdict_and_the_question_stay_while_panes_are_pages(still: Still) -> None:
    async with console(still, size=(80, 24)) as user:
        await ask(user, TRAINER, "internet", "443")
        for seen in ("isolated by 6: no rule matches", "podSelector wants egress=model-hub", "▶"):
            await user.see("○ BLOCKED", "llm-finetune", "internet", "443/TCP", seen)
            await user.press("tab")


async def test_at_80_by_24_enter_on_a_leaf_opens_its_yaml(still: Still) -> None:
    async with console(still, size=(80, 24)) as user:
        await ask(user, TRAINER, FEAST, "6566")
        for _ in range(12):
            await user.press("j")
            node = user.app.screen.query_one(PathTree).node
            if node is not None and node.branches is None:
                break
        await user.press("enter")
        await user.see("● ALLOWED", "▶", "NetworkPolicy training/to-feature-store")
        assert user.focused == "yaml"
        await user.press("escape")
        await user.see("● ALLOWED", "rule 1  peer ✓  port ✓")


@pytest.mark.parametrize("size", [(40, 12), (20, 5), (60, 18)])
async def test_a_tiny_terminal_crashes_nothing(demo: DemoCluster, source: LiveSource, size: tuple[int, int]) -> None:
    async with console(source, size=size) as user:
        await user.live()
        await user.press(
            "j", "enter", "tab", "tab", "escape", "p", "enter", "escape", "escape", "question_mark", "escape"
        )
        await ask(user, TRAINER, "internet", "443")
        await user.press("tab", "tab", "tab", "G", "y", "escape", "s", "escape", "P")
        demo.store.patch_labels(pods_of(demo, "training", "llm-finetune")[0], {"egress": "model-hub"})
        await user.until(lambda: "PARTIAL" in user.text or size[0] < 40)
        assert all(len(line) <= size[0] for line in user.text.split("\n"))


async def test_a_terminal_that_grows_shows_all_panes_again(still: Still) -> None:
    async with console(still, size=(80, 24)) as user:
        await user.live()
        await user.press("tab")
        await user.until(lambda: "Namespaces" not in user.text)
        await user.pilot.resize_terminal(140, 40)
        await user.see("Namespaces", "Workloads", "why: ")


async def test_without_colour_nothing_is_told_by_colour(monkeypatch: pytest.MonkeyPatch, still: Still) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with console(still) as user:
        await ask(user, TRAINER, "internet", "443")
        await user.see("○ BLOCKED", "✗", "▶")
        for strip in user.app.screen._compositor.render_strips():
            for segment in strip._segments:
                for colour in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                    if colour is not None and colour.triplet is not None:
                        red, green, blue = Color(*colour.triplet).rgb
                        assert red == green == blue
