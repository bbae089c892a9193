from __future__ import annotations

from pathlib import Path

import pytest

from console.cluster.live import LiveSource
from console.demo.cluster import DemoCluster
from console.objects.yaml_text import load_documents
from console.policy.ends import connection
from console.policy.engine import Engine
from console.policy.fix import with_objects
from console.policy.verdict import Outcome
from console.tui.screens.fix import FixScreen
from console.tui.screens.save import SaveScreen
from console.tui.widgets.pane import TextPane

from .conftest import Still
from .driver import Driver, console
from .objects import policy
from .test_simulate import FEAST, TRAINER, answer, ask

QUESTION = (TRAINER, "internet", "443/TCP")


async def open_fix(user: Driver) -> str:
    """Press f and wait for the fix; the text of its screen."""
    await user.press("f")
    await user.until(lambda: isinstance(user.app.screen, FixScreen), "opened the fix")
    await user.until(lambda: "working it out" not in shown(user), "worked it out")
    return shown(user)


def shown(user: Driver) -> str:
    return user.app.screen.query_one("#text", TextPane).text


def outcome_with(user: Driver, text: str, question: tuple[str, str, str] = QUESTION) -> Outcome:
    """The verdict with the objects of a YAML text applied, by an engine of its own."""
    raws = [document.value for document in load_documents(text)]
    snapshot = with_objects(user.app.frame.snapshot, raws)
    return Engine(snapshot).evaluate(connection(*question, snapshot)).outcome


async def test_f_shows_a_manifest_that_opens_what_is_blocked(still: Still) -> None:
    async with console(still) as user:
        await ask(user, *QUESTION)
        text = await open_fix(user)
        assert "apply NetworkPolicy training/llm-finetune-to-internet-443  a new policy" in text
        assert "also opens nothing" in text
        await user.see("Smallest fix · training/pytorchjob/llm-finetune → internet 443/TCP", "c copy", "w write")
        await user.press("c")
        await user.until(lambda: "Copied the YAML" in user.notices)
        assert outcome_with(user, user.app.clipboard) is Outcome.ALLOWED
        # What is shown is what is copied.
        bare = [line.strip().partition(" ")[2].strip() for line in text.split("\n") if line.strip()[:1].isdigit()]
        assert bare == [line.strip() for line in user.app.clipboard.rstrip("\n").split("\n")]
        await user.press("escape")
        await user.until(lambda: answer(user).startswith("○ BLOCKED"))


async def test_what_a_fix_opens_besides_is_listed(demo: DemoCluster, source: LiveSource) -> None:
    # Nothing tells the two apart, so what opens one opens the other.
    def pod(name: str, ip: str) -> dict[str, object]:
        meta = {"namespace": "training", "name": name, "labels": {"app": "twin"}}
        status = {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}]}
        containers = [{"name": "main", "image": "example.test/x"}]
        return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": containers},
                "status": status}  # fmt: skip

    demo.store.apply(pod("twin-a", "10.250.0.11"))
    demo.store.apply(pod("twin-b", "10.250.0.12"))
    async with console(source) as user:
        await ask(user, "training/twin-a", "internet", "443/TCP")
        text = await open_fix(user)
        assert "also opens 1 path:" in text
        assert "training/twin-b → internet 443/TCP" in text or "training/pod/twin-b → internet 443/TCP" in text


async def test_w_writes_the_yaml_to_the_file_one_names_and_asks_before_it_writes_over_another(
    still: Still, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with console(still, size=(80, 24)) as user:
        await ask(user, *QUESTION)
        await open_fix(user)
        await user.press("w")
        await user.until(lambda: isinstance(user.app.screen, SaveScreen))
        await user.see("./fix-llm-finetune-to-internet-443.yaml")
        await user.press("enter")
        await user.until(lambda: "Wrote fix-llm-finetune-to-internet-443.yaml" in user.notices)
        file = tmp_path / "fix-llm-finetune-to-internet-443.yaml"
        assert outcome_with(user, file.read_text()) is Outcome.ALLOWED
        file.write_text("something else")
        await user.press("w")
        await user.until(lambda: isinstance(user.app.screen, SaveScreen))
        await user.press("enter")
        await user.see("is there already", "enter again writes over it")
        assert file.read_text() == "something else"
        # Another name is asked about anew; back at this one, so is this.
        await user.press("x", "backspace", "enter")
        await user.see("is there already")
        assert file.read_text() == "something else"
        await user.press("enter")
        await user.until(lambda: isinstance(user.app.screen, FixScreen))
        assert outcome_with(user, file.read_text()) is Outcome.ALLOWED


@pytest.mark.parametrize(
    ("name", "told"),
    [("", "a file needs a name"), ("no/such/folder.yaml", "cannot be written: No such file"), (".", ". is no file")],
)
async def test_a_file_that_cannot_be_written_is_told_and_the_name_can_be_changed(
    still: Still, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    async with console(still) as user:
        await ask(user, *QUESTION)
        await open_fix(user)
        await user.press("w")
        await user.until(lambda: isinstance(user.app.screen, SaveScreen))
        await user.press("ctrl+u")
        await user.paste(name)
        await user.press("enter")
        await user.see(told)
        await user.press("escape")
        await user.until(lambda: isinstance(user.app.screen, FixScreen))
        assert list(tmp_path.iterdir()) == []


async def test_where_no_policy_can_fix_it_the_screen_says_why(demo: DemoCluster, source: LiveSource) -> None:
    meta = {"namespace": "training", "name": "empty"}
    demo.store.apply(
        {"apiVersion": "v1", "kind": "Service", "metadata": meta,
         "spec": {"selector": {"app": "nobody"}, "ports": [{"port": 80}], "clusterIP": "10.96.9.9"}}
    )  # fmt: skip
    async with console(source) as user:
        await ask(user, TRAINER, "svc:training/empty", "80")
        text = await open_fix(user)
        assert "No policy blocks it, so none can open it: training/empty has no endpoints" in " ".join(text.split())
        assert "w write" not in user.footer


async def test_an_allowed_connection_needs_no_fix(still: Still) -> None:
    async with console(still) as user:
        await ask(user, TRAINER, FEAST, "6566")
        await user.see("f fix")
        await user.press("f")
        await user.until(lambda: "Nothing is to fix: the connection is ALLOWED." in user.notices)
        assert not isinstance(user.app.screen, FixScreen)


async def test_what_is_not_known_is_not_fixed(demo: DemoCluster, source: LiveSource) -> None:
    async with console(source) as user:
        await ask(user, *QUESTION)
        outside = {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["192.168.0.0/16"]}}
        demo.store.apply(
            policy("training", "broken", podSelector={}, policyTypes=["Egress"], egress=[{"to": [outside]}])
        )
        await user.until(lambda: answer(user).startswith("? UNKNOWN"), "unknown")
        await user.press("f")
        await user.until(lambda: "Whether a policy blocks it is not known" in user.notices)


async def test_a_pair_that_a_rule_forbids_is_closed_and_tried_in_what_if(still: Still) -> None:
    async with console(still) as user:
        await user.until(lambda: user.app.standing.audit, "audited")
        await user.press("4", "slash")
        await user.type("metadata")
        await user.press("enter", "enter")
        await user.until(lambda: user.focused == "pairs")
        while "notebooks/hub" not in user.under_cursor("pairs"):
            await user.press("j")
        await user.press("F")
        await user.until(lambda: isinstance(user.app.screen, FixScreen), "opened the fix")
        await user.until(lambda: "working it out" not in shown(user), "worked it out")
        assert "apply NetworkPolicy notebooks/hub  in place of the one that is there" in shown(user)
        assert "opens nothing, closes nothing else" in shown(user)
        assert "169.254.169.254/32" in shown(user)
        await user.press("e")
        await user.see("What if", "● ALLOWED", "○ BLOCKED")


async def test_a_pair_that_a_rule_asks_for_is_opened(still: Still) -> None:
    async with console(still) as user:
        await user.until(lambda: user.app.standing.audit, "audited")
        await user.press("4", "slash")
        await user.type("dns")
        await user.press("enter", "enter", "F")
        await user.until(lambda: isinstance(user.app.screen, FixScreen), "opened the fix")
        await user.until(lambda: "working it out" not in shown(user), "worked it out")
        assert "a new policy" in shown(user)
        assert "also opens" in shown(user)
