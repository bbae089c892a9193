from __future__ import annotations

from pathlib import Path

import pytest

from console.cluster.live import LiveSource
from console.demo.cluster import DemoCluster
from console.tui.saving import file_name
from console.tui.screens.fix import FixScreen
from console.tui.screens.save import SaveScreen
from console.tui.screens.whatif import WhatIfScreen
from console.tui.widgets.answer import AnswerBox
from console.tui.widgets.editor import Editor
from console.tui.widgets.pane import TextPane

from .conftest import Still
from .driver import Driver, console
from .objects import policy
from .test_simulate import FEAST, TRAINER, ask

QUESTION = (TRAINER, "internet", "443/TCP")


def editor(user: Driver) -> Editor:
    return user.app.screen.query_one(Editor)


def answer(user: Driver) -> str:
    return user.app.screen.query_one(AnswerBox).text


def paths(user: Driver) -> list[str]:
    return " ".join(user.app.screen.query_one("#paths", TextPane).text.split()).replace("+ ", "\n+ ").replace(
        "− ", "\n− "
    ).strip().split("\n")  # fmt: skip


async def open_whatif(user: Driver) -> None:
    """Press e and wait until the text that is there was tried."""
    await user.press("e")
    await user.until(lambda: isinstance(user.app.screen, WhatIfScreen), "opened what if")
    await user.until(lambda: editor(user).text and "judging" not in answer(user), "tried")


async def from_fix(user: Driver) -> None:
    """From a blocked question over its fix to what if."""
    await ask(user, *QUESTION)
    await user.press("f")
    await user.see("w write")
    await open_whatif(user)


async def test_the_verdict_follows_the_text_and_back(still: Still) -> None:
    async with console(still) as user:
        await from_fix(user)
        await user.until(lambda: answer(user).startswith("● ALLOWED"))
        assert "in the cluster it is ○ BLOCKED" in answer(user)
        await user.see("Paths · +1 opened", "nothing is sent to the cluster")
        assert paths(user) == [f"+ {TRAINER} → internet 443/TCP"]
        await user.press("ctrl+end", "up", "end", "0")
        assert editor(user).text.endswith("port: 4430\n")
        await user.until(lambda: answer(user).startswith("○ BLOCKED"))
        assert "as it is in the cluster" in answer(user)
        await user.until(lambda: paths(user) == [f"+ {TRAINER} → internet 4430/TCP"])
        await user.press("backspace")
        await user.until(lambda: answer(user).startswith("● ALLOWED"))


async def test_e_edits_the_policy_in_focus_and_ctrl_d_takes_it_away(still: Still, tmp_path: Path) -> None:
    async with console(still) as user:
        await ask(user, TRAINER, FEAST, "6566")
        await open_whatif(user)
        await user.see("What if · NetworkPolicy training/to-feature-store", "as it is in the cluster", "no path opens")
        assert "managedFields" not in editor(user).text
        assert "resourceVersion" not in editor(user).text
        await user.press("ctrl+d")
        await user.until(lambda: answer(user).startswith("○ BLOCKED"))
        await user.see("the policy is taken away")
        await user.until(lambda: any(TRAINER in path and "feast-online 6566/TCP" in path for path in paths(user)))
        await user.press("ctrl+s")
        await user.until(lambda: isinstance(user.app.screen, SaveScreen))
        await user.see("./to-feature-store.yaml")
        file = tmp_path / "gone.yaml"
        await user.press("ctrl+u")
        await user.paste(str(file))
        await user.press("enter")
        await user.see("wrote ")
        # What is written means the same to --overlay.
        assert "netpol-console.dev/overlay: remove" in file.read_text()
        await user.press("ctrl+z")
        await user.until(lambda: answer(user).startswith("● ALLOWED"))


async def test_what_is_not_valid_is_told_with_its_line_and_the_verdict_stays_that_of_the_last_valid_text(
    still: Still,
) -> None:
    async with console(still) as user:
        await from_fix(user)
        await user.until(lambda: answer(user).startswith("● ALLOWED"))
        row = editor(user).text.split("\n").index("spec:")
        lines = editor(user).text.count("\n")
        await user.press("ctrl+end", "up", "end", "left", "left", "left", "-")
        # The API server refuses the port; the line says so, and where. No key on the way to it is a valid text.
        await user.see(f"line {lines}:", "as of the last valid text", "✗")
        assert answer(user).startswith("● ALLOWED")
        text = editor(user).text
        await user.press("ctrl+home", *["down"] * row, "end", "backspace")
        await user.until(lambda: f"line {row + 2}" in user.text or f"line {row + 1}" in user.text, "told the line")
        assert answer(user).startswith("● ALLOWED")
        assert editor(user).text == text.replace("spec:\n", "spec\n")
        await user.press(":", "ctrl+end", "up", "end", "left", "left", "left", "backspace")
        await user.until(lambda: "as of the last valid text" not in answer(user))
        assert answer(user).startswith("● ALLOWED")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hello\n", "line 1: no Kubernetes object: it needs apiVersion and kind"),
        ("apiVersion: networking.k8s.io/v1\nkind: NetworkPolcy\nmetadata: {name: x}\n", "NetworkPolcy is no kind that"),
        ("a: [1\nb: 2\n", "line 1: a `[` that is never closed"),
    ],
)
async def test_what_is_no_policy_is_told(still: Still, text: str, told: str) -> None:
    async with console(still, size=(80, 24)) as user:
        await ask(user, TRAINER, FEAST, "6566")
        await open_whatif(user)
        await user.press("ctrl+d")
        await user.paste(text)
        await user.see(told, "as of the last valid text")
        # It stands behind its line, too.
        assert f"1  {text.split(chr(10))[0]} " in user.text
        assert user.text.count("✗") == 2


async def test_esc_asks_before_it_leaves_what_is_not_saved(still: Still, tmp_path: Path) -> None:
    async with console(still, size=(80, 24)) as user:
        await ask(user, TRAINER, FEAST, "6566")
        await open_whatif(user)
        await user.press("#")
        await user.press("escape")
        await user.see("Not saved: esc again leaves without it")
        await user.press("x")
        await user.press("escape")
        await user.see("Not saved: esc again leaves without it")
        await user.press("ctrl+s")
        await user.until(lambda: isinstance(user.app.screen, SaveScreen))
        await user.press("ctrl+u")
        await user.paste(str(tmp_path / "kept.yaml"))
        await user.press("enter")
        await user.see("wrote ")
        assert (tmp_path / "kept.yaml").read_text() == editor(user).text
        assert (tmp_path / "kept.yaml").read_text().startswith("#x")
        await user.press("escape")
        await user.until(lambda: not isinstance(user.app.screen, WhatIfScreen))


async def test_nothing_is_asked_where_nothing_was_changed(still: Still) -> None:
    async with console(still) as user:
        await ask(user, TRAINER, FEAST, "6566")
        await open_whatif(user)
        await user.press("escape")
        await user.until(lambda: not isinstance(user.app.screen, WhatIfScreen))


async def test_browse_edits_the_policy_under_the_cursor_without_a_question(still: Still) -> None:
    async with console(still) as user:
        await user.live()
        await user.command("ns training")
        await user.press("e")
        await user.until(lambda: "This is no policy" in user.notices)
        await user.press("p")
        await user.put_cursor("to-feature-store")
        await user.press("e")
        await user.see("What if · NetworkPolicy training/to-feature-store", "No connection is in question")
        await user.press("ctrl+d")
        await user.until(lambda: any(path.startswith("−") and TRAINER in path for path in paths(user)))


async def test_it_follows_the_cluster_too(demo: DemoCluster, source: LiveSource) -> None:
    async with console(source) as user:
        await from_fix(user)
        await user.until(lambda: "in the cluster it is ○ BLOCKED" in answer(user))
        everything = policy("training", "open", podSelector={}, policyTypes=["Egress"], egress=[{}])
        demo.store.apply(everything)
        await user.until(lambda: "as it is in the cluster" in answer(user), "followed")


async def test_nothing_hidden_or_obeyed_gets_into_the_text(still: Still) -> None:
    async with console(still) as user:
        await ask(user, TRAINER, FEAST, "6566")
        await open_whatif(user)
        await user.paste("# \x1b]52;c;aGk=\x07 \u202e evil [red]x[/red]\r\n\tb: \x9b2J\n")
        text = editor(user).text
        assert text.startswith("# \\x1b]52;c;aGk=\\x07 \\u202e evil [red]x[/red]\n  b: \\x9b2J\n")
        await user.see("evil [red]x[/red]")
        assert all(each.isprintable() or each == "\n" for each in text)


async def test_a_hostile_policy_of_the_cluster_is_edited_as_what_it_says(demo: DemoCluster, source: LiveSource) -> None:
    evil = policy("training", "evil", podSelector={}, policyTypes=["Egress"], egress=[{}])
    evil["metadata"]["annotations"] = {"note": "\x1b[2J\u202e[bold]hidden[/bold]"}
    demo.store.apply(evil)
    async with console(source, size=(80, 24)) as user:
        await user.live()
        await user.command("ns training")
        await user.press("p")
        await user.put_cursor("evil")
        await user.press("e")
        await user.until(lambda: "hidden" in editor(user).text)
        assert r'"\e[2J\u202E[bold]hidden[/bold]"' in editor(user).text
        assert "\x1b" not in user.text
        await user.see("nothing is sent to the cluster")


async def test_from_the_fix_esc_leads_back_to_it(still: Still) -> None:
    async with console(still, size=(80, 24)) as user:
        await from_fix(user)
        await user.see("● ALLOWED", "+1 opened", "nothing is sent")
        await user.press("escape", "escape")
        await user.until(lambda: isinstance(user.app.screen, FixScreen))


async def test_without_a_policy_in_focus_one_writes_a_new_one(still: Still) -> None:
    async with console(still) as user:
        await user.live()
        await user.press("2", "e")
        await user.see("What if · a new policy", "No policy is in focus: write one, or paste one.", "no path opens")
        await user.press("a", ":", "enter", "space", "space", "b", "enter", "c")
        # The next line begins where this one does.
        assert editor(user).text == "a:\n  b\n  c"
        await user.press("ctrl+d")
        await user.paste(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: new, namespace: training}\n"
            "spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 9.9.9.9/32}}]}]}\n"
        )
        await user.until(
            lambda: any(TRAINER in path and path.endswith("→ part of internet every port") for path in paths(user))
        )


def test_a_file_is_suggested_in_this_folder_whatever_the_name() -> None:
    assert file_name("fix-", "../../etc/pass wd\x1b") == "./fix-etc-pass-wd.yaml"
    assert file_name("", "…") == "./policy.yaml"
