"""Timeline: what happened while one looked on, and every screen as it was."""

from __future__ import annotations

import time
from pathlib import Path

from console.cluster.source import Change, State, Status, Update, Verb
from console.demo.cluster import DemoCluster
from console.history.recorder import Recorder
from console.history.replay import RecordingSource
from console.history.writer import Writer
from console.objects.core import Pod
from console.objects.meta import Manager
from console.objects.snapshot import Snapshot
from console.tui.widgets.chrome import Bar

from .conftest import Still, live_source
from .driver import Driver, console
from .sources import Scripted
from .test_audit import cluster, held


def relabelled(egress: str, was: Snapshot) -> Update:
    """The update by which a label of the job changed."""
    now = cluster(egress)
    before, after = was.pod("train", "job"), now.pod("train", "job")
    assert isinstance(before, Pod)
    assert isinstance(after, Pod)
    at = time.time()
    facts = f"label egress: {before.labels['egress']} → {after.labels['egress']}"
    change = Change(Verb.MODIFIED, after.ref, at, Manager("kubectl-label"), facts, before, after)
    return Update(now, Status(State.LIVE, at), (change,))


async def opened(source: Scripted, user: Driver) -> Snapshot:
    """The job is let out by a label, and the console has seen it."""
    await user.until(lambda: source.opened)
    start = cluster("none")
    source.say(State.LIVE, start)
    await user.see("charter 2/2 ✓")
    source.tell(relabelled("all", start))
    await user.see("charter 1/2 ✓ 1 ✗")
    await user.press("5")
    return start


async def test_a_change_is_told_with_who_did_it_what_it_opened_and_which_rule_broke() -> None:
    source = Scripted()
    async with console(source, size=(200, 60), charter=held) as user:
        await opened(source, user)
        await user.see("Pod train/job: label egress: none → all", "kubectl-label", "Paths")
        await user.see("training never reaches the internet: PASS → FAIL")
        assert any("train/pod/job → internet" in row for row in user.rows("edges"))


async def test_every_screen_shows_the_moment_before_plainly_marked_and_n_goes_back_to_now() -> None:
    source = Scripted()
    async with console(source, charter=held) as user:
        start = await opened(source, user)
        await user.see("label egress")
        await user.press("b")
        await user.see("◷ PAST", "charter 2/2 ✓", "This is the past")
        assert user.app.frame.snapshot is start
        await user.command("sim train/job internet 443")
        await user.see("○ BLOCKED", "◷ PAST")
        await user.press("4")
        await user.see("✓ PASS", "◷ PAST")
        await user.press("n")
        await user.see("● live", "charter 1/2 ✓ 1 ✗")
        await user.press("2")
        await user.see("● ALLOWED")
        assert "was ○ BLOCKED" not in user.text  # another moment was shown; no verdict changed


async def test_the_way_back_to_now_is_in_the_footer_while_the_past_is_shown_and_what_is_copied_says_when() -> None:
    source = Scripted()
    copied: list[str] = []
    async with console(source, charter=held) as user:
        await opened(source, user)
        await user.see("label egress")
        user.app.copy_to_clipboard = copied.append  # type: ignore[method-assign,assignment]
        assert "n now" not in user.footer
        await user.press("b")
        await user.until(lambda: user.footer.startswith("n now"))
        for screen in "1235":
            await user.press(screen)
            await user.until(lambda: user.footer.startswith("n now"), f"n in the footer of {screen}")
            assert "path" not in user.app.screen.query_one("#hint", Bar).text  # what just happened is another moment
        await user.command("sim train/job internet 443")
        await user.see("○ BLOCKED", "as of 2")
        await user.press("c")
        await user.until(lambda: copied)
        assert copied[0].startswith("as of 2")
        await user.press("n")
        await user.until(lambda: "n now" not in user.footer)
        await user.see("● ALLOWED")
        assert "as of 2" not in user.text


async def test_what_happens_while_one_looks_back_is_told_on_the_way_back() -> None:
    source = Scripted()
    async with console(source, charter=held) as user:
        await opened(source, user)
        await user.see("label egress")
        await user.press("b")
        await user.see("◷ PAST")
        source.tell(relabelled("none", cluster("all")))
        await user.press("n")
        await user.see("● live", "charter 2/2 ✓")
        await user.see("label egress: all → none", "label egress: none → all")


async def test_a_path_leads_to_its_verdict_and_esc_back(still: Still) -> None:
    source = Scripted()
    async with console(source, charter=held) as user:
        await opened(source, user)
        await user.see("Paths")
        await user.press("tab")
        await user.until(lambda: user.focused == "edges")
        await user.press("enter")
        await user.see("● ALLOWED", "train/pod/job", "internet")
        await user.press("escape")
        await user.see("label egress: none → all")


async def test_the_entries_are_narrowed_by_text_and_to_those_with_effects() -> None:
    source = Scripted()
    async with console(source, charter=held) as user:
        await opened(source, user)
        await user.see("label egress")
        await user.press("slash")
        await user.type("nothing-of-that-name")
        await user.until(lambda: not user.list("entries").table.rows)
        await user.press("escape")
        await user.until(lambda: user.list("entries").table.rows)
        await user.press("p")
        await user.see("what changed paths or rules", "label egress")


async def test_files_do_not_change_and_a_quiet_cluster_says_so(still: Still) -> None:
    async with console(still) as user:
        await user.until(lambda: user.app.standing.audit)
        await user.press("5")
        await user.see("Nothing has changed since the console was opened")


async def test_a_recording_tells_all_that_it_holds_and_each_moment_can_be_gone_to(tmp_path: Path) -> None:
    path = str(tmp_path / "session.rec")
    start = cluster("none")
    writer = Writer(path)
    recorder = Recorder(writer, "prod")
    began = time.time() - 60
    recorder.record(Update(start, Status(State.LIVE, began)), began)
    recorder.write(began)
    changed = relabelled("all", start)
    recorder.record(changed, changed.status.since)
    recorder.write(changed.status.since, ended=True)
    recorder.stop()
    writer.close()
    source = RecordingSource(path)
    async with console(source, charter=held) as user:
        await user.see("◷ PAST", "charter 1/2 ✓ 1 ✗")
        await user.press("5")
        await user.see("Pod train/job: label egress: none → all")
        await user.press("b")
        await user.see("charter 2/2 ✓")
        await user.until(lambda: user.footer.startswith("n its end"), "n labelled by what it does")
        await user.press("n")
        await user.see("charter 1/2 ✓ 1 ✗")


async def test_the_demo_tells_of_the_label_that_opens_training_to_the_internet() -> None:
    with DemoCluster(at=0) as demo:
        source = live_source(demo)
        async with console(source) as user:
            await user.live()
            await user.until(lambda: user.app.standing.audit)
            await user.press("5")
            demo.advance(40)
            await user.see("label egress", "kubectl-label")
            source.close()
