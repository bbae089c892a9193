from __future__ import annotations

import csv
import json
from pathlib import Path
from unittest.mock import patch

import pytest

from console.cluster.live import LiveSource
from console.cluster.source import State
from console.demo.cluster import DemoCluster
from console.governance.groups import By
from console.objects.decode import decode
from console.objects.snapshot import build
from console.tui.model.chart import Chart, Narrow
from console.tui.model.face import NAMES, At, head_lines
from console.tui.widgets.answer import AnswerBox
from console.tui.widgets.grid import Grid

from .conftest import Still
from .driver import Driver, console
from .objects import pod, policy
from .sources import Scripted


def grid(user: Driver) -> Grid:
    return user.app.screen.query_one(Grid)


def chart(user: Driver) -> Chart:
    found = user.app.findings.chart
    assert found is not None
    return found


def said(user: Driver) -> str:
    return user.app.screen.query_one("#cell", AnswerBox).text


def names(user: Driver, axis: str = "rows") -> list[str]:
    return [name for name, _ in getattr(grid(user).face, axis)]


def glyph(user: Driver, row: str, column: str) -> str:
    return grid(user).face.glyph(names(user).index(row), names(user, "columns").index(column)).text


async def at(user: Driver, row: str, column: str) -> None:
    grid(user)._go(
        At(
            names(user).index(row) if row else NAMES,
            names(user, "columns").index(column) if column else NAMES,
        )
    )
    await user.pilot.pause()


async def open_matrix(user: Driver, by: str = "") -> None:
    await user.live()
    await user.command(f"matrix {by}") if by else await user.press("3")
    await user.until(lambda: grid(user).face.rows, "charted")


async def test_3_shows_who_reaches_whom_by_role_with_the_outside_set_apart(still: Still) -> None:
    async with console(still) as user:
        await open_matrix(user)
        assert "Matrix · roles · any port" in user.text
        assert names(user)[-4:] == ["internet", "metadata", "private", "nodes"]
        assert grid(user).face.inner == (len(names(user)) - 4,) * 2
        assert (glyph(user, "training", "feature-store"), glyph(user, "training", "internet")) == ("●", "○")
        assert glyph(user, "notebook", "internet") == "◐"
        header = next(line for line in user.text.split("\n") if "from ↓ to →" in line)
        assert "│rnet" in header or "│internet" in header
        await at(user, "training", "feature-store")
        await user.until(lambda: "open: 6566/TCP" in said(user), "said its ports")
        assert said(user).startswith("● ALLOWED  training → feature-store  every pod of the one reaches every pod")
        assert "[●]" in user.text


async def test_enter_looks_closer_down_to_simulate_and_esc_comes_all_the_way_back(still: Still) -> None:
    async with console(still) as user:
        await open_matrix(user)
        await at(user, "training", "feature-store")
        await user.press("enter")
        # Each role is in one namespace only, so that its workloads are next.
        await user.until(lambda: "training/pytorchjob/llm-finetune" in names(user), "closer")
        assert user.app.findings.chart is not None
        assert chart(user).angle.rows.by is By.WORKLOAD
        await at(user, "training/pytorchjob/llm-finetune", "feature-store/deployment/feast-online")
        await user.press("enter")
        await user.until(lambda: chart(user).angle.rows.by is By.POD, "pods")
        assert len(names(user)) == 4 + 4
        await at(user, names(user)[0], names(user, "columns")[0])
        pair = names(user)[0], names(user, "columns")[0]
        await user.press("enter")
        await user.until(lambda: user.app.base and user.app.base.NAME == "simulate", "asked")
        await user.see("● ALLOWED")
        question = user.app.session.question
        assert (question.source, question.destination, question.port) == (*pair, "6566/TCP")
        await user.press("escape")
        await user.until(lambda: user.app.base and user.app.base.NAME == "matrix", "back")
        assert grid(user).at == At(0, 0)
        await user.press("escape", "escape")
        await user.until(lambda: "training" in names(user), "far away again")
        assert grid(user).at.row == names(user).index("training")
        await user.press("escape")
        await user.until(lambda: user.app.base and user.app.base.NAME == "browse", "left")


async def test_a_blocked_cell_and_the_outside_lead_to_the_same_verdict(still: Still) -> None:
    async with console(still) as user:
        await open_matrix(user, "workload")
        await at(user, "training/pytorchjob/llm-finetune", "internet")
        assert glyph(user, "training/pytorchjob/llm-finetune", "internet") == "○"
        assert said(user).startswith("○ BLOCKED")
        await user.press("s")
        await user.see("○ BLOCKED", "Path")
        assert user.app.session.question == ("training/pytorchjob/llm-finetune", "internet", "443/TCP")


async def test_the_name_of_a_row_opens_it_and_leaves_the_columns_as_they_are(still: Still) -> None:
    async with console(still) as user:
        await open_matrix(user)
        columns = names(user, "columns")
        await at(user, "training", "")
        assert said(user).startswith("training  reaches")
        await user.press("enter")
        await user.until(lambda: "training/pytorchjob/llm-finetune" in names(user), "closer")
        assert names(user, "columns") == columns
        assert "from workloads of training › training to roles" in user.text
        assert grid(user).at == At(0, NAMES)


async def test_a_filter_narrows_rows_and_columns_each_by_its_own(still: Still) -> None:
    async with console(still) as user:
        await open_matrix(user, "namespace")
        assert len(names(user)) == 12 + 4
        await user.press("slash")
        await user.type("train > feature")
        await user.until(lambda: names(user)[:-4] == ["training"], "narrowed")
        assert names(user, "columns")[0] == "feature-store"
        await user.press("enter", "escape")
        await user.until(lambda: len(names(user)) == 12 + 4, "all again")
        await user.press("slash")
        await user.type("nobody")
        await user.see("Nothing passes the filter nobody")
        await user.press("escape")
        await user.until(lambda: len(names(user)) == 12 + 4, "all again")
        await user.command("matrix role")
        await user.until(lambda: "training" in names(user) and chart(user).angle.rows.by is By.ROLE, "by role")
        await user.press("escape")
        await user.until(lambda: chart(user).angle.rows.by is By.NAMESPACE, "back")
        await user.command("matrix galaxy")
        await user.until(lambda: "there is no matrix by 'galaxy'" in user.notices, "told")
        await user.press("slash")
        await user.type("-l app=x")
        await user.see("text  !text  from > to")


async def test_one_port_may_be_asked_for(still: Still) -> None:
    async with console(still) as user:
        await open_matrix(user)
        await user.press("p")
        await user.until(lambda: user.focused == "query")
        await user.type("443/tcp")
        await user.press("enter")
        await user.until(lambda: user.app.findings.chart and chart(user).angle.port == "443/TCP", "charted")
        await user.see("roles · 443/TCP")
        assert glyph(user, "training", "feature-store") == "○"
        await at(user, "training", "feature-store")
        assert "no pod of the one reaches any of the other on 443/TCP" in said(user)


async def test_the_matrix_follows_the_cluster(demo: DemoCluster, source: LiveSource) -> None:
    async with console(source) as user:
        await open_matrix(user)
        await at(user, "training", "internet")
        assert glyph(user, "training", "internet") == "○"
        demo.advance(31)
        await user.until(lambda: glyph(user, "training", "internet") == "◐", "turned")
        assert grid(user).at == At(names(user).index("training"), names(user, "columns").index("internet"))
        await user.until(lambda: said(user).startswith("◐ PARTIAL  training → internet"), "said so")


async def test_of_a_wide_cluster_only_what_is_visible_is_ever_asked_for() -> None:
    raws = [pod(f"ns-{n % 20:02}", f"pod-{n:04}", f"10.1.{n // 250}.{n % 250 + 1}", n=str(n)) for n in range(1000)]
    raws += [policy("ns-03", "closed", podSelector={})]
    source = Scripted()
    async with console(source) as user:
        await user.until(lambda: source.opened, "opened")
        source.say(State.STATIC, build(obj for raw in raws if (obj := decode(raw)) is not None))
        await user.until(lambda: user.app.base and user.app.frame.status.state is State.STATIC, "read")
        with patch.object(Chart, "cell", autospec=True, side_effect=Chart.cell) as asked:
            await user.command("matrix pod")
            await user.until(lambda: len(grid(user).face.rows) > 1000, "charted")
            assert asked.call_count < 4 * 120 * 36
        await user.press("end", "G")
        # The names stay where the glyphs scroll.
        assert "▸ nodes" in user.text or "▸ private" in user.text
        await at(user, "ns-19/pod-0999", "ns-03/pod-0983")
        await user.until(lambda: said(user).startswith("○ BLOCKED  ns-19/pod-0999 → ns-03/pod-0983"), "said")
        assert "ns-19/pod-0999" in user.text
        assert "/1,000 ›" in user.text
        await at(user, "ns-19/pod-0999", "ns-04/pod-0984")
        assert said(user).startswith("● ALLOWED")


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_every_size_shows_names_glyphs_and_what_they_mean(still: Still, size: tuple[int, int]) -> None:
    async with console(still, size=size) as user:
        await open_matrix(user)
        await at(user, "training", "training")
        lines = user.text.split("\n")
        assert len(lines) == size[1]
        assert any(line.startswith("│▸ training ") and "[◐]" in line for line in lines)
        await user.until(lambda: "open: " in user.text, "ports")


async def test_it_is_written_as_its_name_ends_and_never_over_a_file_unasked(still: Still, tmp_path: Path) -> None:
    async with console(still) as user:
        await open_matrix(user)
        for suffix in ("csv", "json", "svg"):
            await user.command(f"export {tmp_path}/m.{suffix}")
            await user.until((tmp_path / f"m.{suffix}").exists, suffix)
        with (tmp_path / "m.csv").open() as file:
            rows = {row["from"]: row for row in csv.DictReader(file)}
        assert (rows["training"]["feature-store"], rows["training"]["internet"]) == ("allowed", "blocked")
        cells = json.loads((tmp_path / "m.json").read_text())["cells"]
        cell = next(each for each in cells if (each["from"], each["to"]) == ("training", "feature-store"))
        assert cell["ports"] == ["6566/TCP", "6570/TCP"] or "6566/TCP" in cell["ports"]
        before = (tmp_path / "m.csv").read_text()
        await user.command(f"export {tmp_path}/m.csv")
        await user.until(lambda: "m.csv is there already" in user.notices, "refused")
        await user.command(f"export {tmp_path}/m.pdf")
        await user.until(lambda: "end its name with .txt" in user.notices, "refused")
        await user.press("slash")
        await user.type("training")
        await user.press("enter")
        await user.command(f"export {tmp_path}/m.csv over")
        await user.until(lambda: (tmp_path / "m.csv").read_text() != before, "written over")
        assert (tmp_path / "m.csv").read_text().split("\n")[1].startswith("training,")


async def test_names_that_would_be_markup_or_commands_are_shown_as_what_they_are() -> None:
    source = Scripted()
    raws = [pod("[red]a[/]", "\x1b[31mx", "10.0.0.1", app="x"), pod("b", "y", "10.0.0.2")]
    async with console(source) as user:
        await user.until(lambda: source.opened, "opened")
        source.say(State.STATIC, build(obj for raw in raws if (obj := decode(raw)) is not None))
        await user.until(lambda: user.app.base and user.app.frame.status.state is State.STATIC, "read")
        await user.command("matrix pod")
        await user.until(lambda: grid(user).face.rows, "charted")
        assert "[red]a[/]/" in user.text
        assert "\x1b" not in user.text


async def test_a_cluster_without_pods_says_so_and_a_part_that_goes_leads_back() -> None:
    source = Scripted()
    held = [obj for raw in (pod("a", "x", "10.0.0.1"), pod("b", "y", "10.0.0.2")) if (obj := decode(raw)) is not None]
    async with console(source) as user:
        await user.until(lambda: source.opened, "opened")
        source.say(State.LIVE, build([]))
        await user.live()
        await user.press("3")
        await user.see("No pod runs here", "! says what was not read")
        source.say(State.LIVE, build(held))
        await user.until(lambda: "b" in names(user), "charted")
        await user.press("j", "enter")
        await user.until(lambda: "b/pod/y" in names(user), "closer")
        source.say(State.LIVE, build(held[:1]))
        await user.see("No pod of this part of the cluster runs any more", "esc looks from further away")


async def test_a_fault_is_told_and_what_is_asked_next_is_answered(still: Still) -> None:
    async with console(still) as user:
        await user.live()
        with patch("console.tui.model.chart.Strand", side_effect=RuntimeError("a slip")):
            await user.press("3")
            await user.see("✗ the console itself failed: RuntimeError('a slip')")
        await user.press("b")
        await user.see("Matrix · namespaces · any port", "▸ feature-store")


def test_long_names_keep_what_tells_them_apart() -> None:
    assert head_lines("feature-store", 8) == ["feature-", "store"]
    assert head_lines("model-registry", 4) == ["mode", "regi"]
    *_, last = head_lines("llm-finetune-worker-master-replica-17", 6)
    assert last.startswith("…")
    assert last.endswith("17")
    assert all(len(line) <= 6 for line in head_lines("llm-finetune-worker-master-replica-17", 6))


def test_a_narrowing_is_of_both_or_of_each() -> None:
    assert Narrow.parse("a").rows.words == Narrow.parse("a").columns.words == ("a",)
    assert (Narrow.parse("a >").rows.words, Narrow.parse("a >").columns.words) == (("a",), ())
    assert (Narrow.parse("> !b").rows.words, Narrow.parse("> !b").columns.inverse) == ((), True)
