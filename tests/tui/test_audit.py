"""Audit: the charter held to what runs, on screen, and held again at every change."""

from __future__ import annotations

import json
import queue
import zipfile
from pathlib import Path

import pytest

from console.cluster.source import Change, State, Status, Update, Verb
from console.governance.findings import Status as RuleStatus
from console.objects.meta import Manager, ObjectRef
from console.objects.snapshot import Snapshot
from console.policy.engine import Engine
from console.tui.annals import Annals
from console.tui.model.frame import Frame
from console.tui.model.standing import Standing
from console.tui.warden import Warden
from tests.clusters import namespace, pod, policy, snapshot

from .conftest import Still
from .driver import Driver, console
from .sources import Scripted

CHARTER = """
charter: two rules
rules:
  - name: training never reaches the internet
    from: role:training
    never: internet
    severity: critical
  - name: shop reaches the store
    from: namespace:shop
    must: namespace:store
exceptions: []
"""
DENY = policy("train", "deny", "{podSelector: {matchLabels: {egress: none}}, policyTypes: [Egress]}")
ROLE = {"governance.netpol-console.dev/role": "training", "governance.netpol-console.dev/domain": "train-data"}


def held() -> tuple[str, str]:
    return CHARTER, "two.yaml"


def cluster(egress: str) -> Snapshot:
    return snapshot(
        namespace("train")
        + namespace("shop")
        + namespace("store")
        + pod("train", "job", "10.0.0.1", egress=egress, **ROLE)
        + pod("shop", "web", "10.0.0.2")
        + pod("store", "db", "10.0.0.3")
        + DENY
    )


async def audited(user: Driver) -> None:
    await user.until(lambda: user.app.standing.audit, "audited")


async def test_the_header_counts_the_rules_and_the_screen_lists_what_fails_first(still: Still) -> None:
    async with console(still) as user:
        await audited(user)
        audit = user.app.standing.audit
        assert audit is not None
        passed, failed = audit.count(RuleStatus.PASS), audit.count(RuleStatus.FAIL)
        await user.see(f"charter {passed}/{len(audit.rules)} ✓ {failed} ✗")
        await user.press("4")
        await user.see("Charter · AI platform boundaries", "✗ FAIL", "✓ PASS", "Findings", "AI inventory")
        assert sorted(user.list("rules").table.keys) == sorted(rule.name for rule in audit.rules)
        words = ["FAIL" if "✗ FAIL" in row else "PASS" for row in user.rows("rules")]
        assert words == sorted(words)


async def test_a_rule_leads_to_its_pairs_and_a_pair_to_its_verdict_and_back(still: Still) -> None:
    async with console(still) as user:
        await audited(user)
        await user.press("4", "slash")
        await user.type("metadata")
        await user.press("enter")
        await user.see("metadata", "pairs of")
        await user.press("enter")
        await user.until(lambda: user.focused == "pairs")
        pairs = user.rows("pairs")
        assert any("notebooks/hub → metadata" in row for row in pairs)
        while "notebooks/hub" not in user.under_cursor("pairs"):
            await user.press("j")
        await user.press("enter")
        await user.see("● ALLOWED", "notebooks/deployment/hub")
        await user.press("escape")
        await user.see("Charter · AI platform boundaries")


async def test_findings_and_the_inventory_say_what_speaks_for_them(still: Still) -> None:
    async with console(still, size=(200, 60)) as user:
        await audited(user)
        await user.press("4", "f")
        await user.until(lambda: user.focused == "findings")
        await user.see("do ", "evidence toward")
        await user.press("i")
        await user.until(lambda: user.focused == "inventory")
        await user.put_cursor("training/llm-finetune", "inventory")
        await user.see("training/pytorchjob/llm-finetune", "train-data")
        await user.press("escape")
        await user.until(lambda: user.focused == "rules")


async def test_rules_of_the_baseline_say_what_they_want_and_pairs_show_both_ends(still: Still) -> None:
    async with console(still) as user:
        await audited(user)
        await user.press("4")
        await user.see("nothing gets in unless a policy lets it", "cloud metadata is out of reach", "─ metadata ─")
        await user.press("slash")
        await user.type("deny-egress")  # as the charter, exceptions and reports call it
        await user.press("enter")
        await user.see("nothing gets out unless a policy lets it")
        pairs = user.list("pairs")
        for place, pair in enumerate(pairs.table.rows):
            line = "".join(piece.text for piece in pairs.table.line(place, 40)).rstrip()
            assert line.startswith(f"✗ {pair.offence.source.split('/')[0][:8]}")
            assert line.endswith(f"→ {pair.offence.destination}")
        await user.press("enter", "r")
        await user.see("From here", "To here")
        await user.press("escape")
        await user.see("nothing gets out unless a policy lets it")


async def test_a_filter_that_leaves_nothing_says_how_to_take_it_off(still: Still) -> None:
    async with console(still) as user:
        await audited(user)
        await user.press("4", "slash")
        await user.type("zzz")
        await user.see("No row passes the filter zzz", "takes it off")


async def test_without_a_connection_every_screen_says_what_to_do() -> None:
    source = Scripted()
    async with console(source, charter=held, reopen=Scripted) as user:
        await user.until(lambda: source.opened)
        source.say(State.FAILED, message="the API server at https://10.0.0.1 does not answer", hint="is the VPN up?")
        for key in "12345":
            await user.press(key)
            await user.see("✗ the API server at https://10.0.0.1 does not answer", "is the VPN up?", "^r", "try again")


@pytest.mark.parametrize("size", [(80, 24), (60, 15)])
async def test_where_there_is_little_room_each_list_is_a_page(still: Still, size: tuple[int, int]) -> None:
    async with console(still, size=size) as user:
        await audited(user)
        await user.press("4")
        await user.see("RULE", "✗ FAIL")
        assert "FINDING" not in user.text
        await user.press("f")
        await user.see("FINDING", "high")
        assert "RULE" not in user.text
        await user.press("enter")
        await user.see("─ WEBHOOK_CLOSED ─")
        assert "FINDING" not in user.text


async def test_a_rule_that_breaks_says_so_at_once_with_the_object_and_who_did_it() -> None:
    source = Scripted()
    async with console(source, charter=held) as user:
        await user.until(lambda: source.opened)
        source.say(State.LIVE, cluster("none"))
        await user.see("charter 2/2 ✓")
        change = Change(
            Verb.MODIFIED,
            ObjectRef("Pod", "train", "job"),
            1_750_248_000.0,
            manager=Manager("kubectl-label"),
            detail="label egress: none → all",
        )
        source.tell(Update(cluster("all"), Status(State.LIVE, 1_750_248_000.0), changes=(change,)))
        await user.see("charter 1/2 ✓ 1 ✗")
        await user.until(lambda: "training never reaches the internet no longer holds" in user.notices)
        assert "Pod train/job label egress: none → all (kubectl-label)" in user.notices
        await user.press("4")
        await user.see("train/pod/job → internet", "kubectl-label")
        source.say(State.LIVE, cluster("none"))
        await user.see("charter 2/2 ✓")
        await user.until(lambda: "training never reaches the internet holds again" in user.notices)


async def test_an_exception_ends_with_its_last_day_though_nothing_happens() -> None:
    now = [1_750_248_000.0]  # noon of June 18th, 2025, UTC

    def charter() -> tuple[str, str]:
        until = "{rule: training never reaches the internet, owner: ml, reason: mirror, until: 2025-06-18}"
        return CHARTER.replace("exceptions: []", f"exceptions: [{until}]"), "two.yaml"

    told: queue.SimpleQueue[Standing] = queue.SimpleQueue()
    warden = Warden(told.put, charter, Annals(), clock=lambda: now[0], look=0.02)
    try:
        held = cluster("all")
        warden.follow(Frame("one", Update(held, Status(State.LIVE, now[0])), Engine(held)))
        first = told.get(timeout=10).rule("training never reaches the internet")
        assert first is not None
        assert first.status is RuleStatus.EXCEPTED
        now[0] += 12 * 3600
        after = told.get(timeout=10)
        assert [(each.turn.rule.name, each.broke) for each in after.news] == [(first.name, True)]
        later = after.rule(first.name)
        assert later is not None
        assert later.status is RuleStatus.FAIL
    finally:
        warden.stop()


async def test_what_was_recorded_is_held_against_its_own_day() -> None:
    recorded = 1_750_248_000.0  # noon of June 18th, 2025, UTC

    def charter() -> tuple[str, str]:
        until = "{rule: training never reaches the internet, owner: ml, reason: mirror, until: 2025-06-18}"
        return CHARTER.replace("exceptions: []", f"exceptions: [{until}]"), "two.yaml"

    told: queue.SimpleQueue[Standing] = queue.SimpleQueue()
    warden = Warden(told.put, charter, Annals(), clock=lambda: recorded + 90 * 86400)
    try:
        held = cluster("all")
        for at, wanted in ((recorded, RuleStatus.EXCEPTED), (recorded + 86400, RuleStatus.FAIL)):
            warden.follow(Frame("one.rec", Update(held, Status(State.PAST, at)), Engine(held)))
            found = told.get(timeout=10).rule("training never reaches the internet")
            assert found is not None
            assert found.status is wanted
    finally:
        warden.stop()


async def test_before_all_was_read_nothing_is_held_to_anything() -> None:
    source = Scripted()
    async with console(source, charter=held) as user:
        await user.until(lambda: source.opened)
        source.say(State.LOADING, cluster("all"), loaded={"pods": 3})
        await user.press("4")
        await user.see("◌ judging …")
        assert user.app.standing.audit is None
        source.say(State.LIVE, cluster("all"))
        await user.see("✗ FAIL")


async def test_a_charter_that_cannot_be_read_is_told_on_the_screen_and_the_rest_stays() -> None:
    source = Scripted()
    async with console(source, charter=lambda: ("rules: [", "broken.yaml")) as user:
        await user.until(lambda: source.opened)
        source.say(State.LIVE, cluster("all"))
        await user.press("4")
        await user.see("the audit failed", "broken.yaml", "charter ✗ not judged")
        await user.press("1")
        await user.see("shop/web")


async def test_the_audit_is_written_as_what_the_files_name_ends_with(still: Still, tmp_path: Path) -> None:
    async with console(still) as user:
        await audited(user)
        await user.press("4")
        for name, part in (("a.html", "<!doctype html>"), ("a.md", "#"), ("a.sarif", '"2.1.0"')):
            await user.command(f"export {tmp_path / name}")
            await user.until((tmp_path / name).exists)
            assert part in (tmp_path / name).read_text().lower()
        await user.command(f"export {tmp_path / 'a.html'}")
        await user.until(lambda: "is there already" in user.notices)
        await user.command(f"export {tmp_path / 'a.docx'}")
        await user.until(lambda: "is to be written is not known" in user.notices)


async def test_evidence_written_from_the_screen_holds(still: Still, tmp_path: Path) -> None:
    from console.history.bundle import unpack
    from console.report.evidence import complete, differences

    file = tmp_path / "proof.zip"
    async with console(still) as user:
        await audited(user)
        await user.press("4")
        await user.command(f"export {file}")
        await user.until(lambda: "evidence verify" in user.notices)
    bundle = unpack(file.read_bytes())
    assert not list(differences(bundle.contents, complete(bundle.contents)))
    with zipfile.ZipFile(file) as archive:
        assert json.loads(archive.read("facts.json"))["source"] == "demo"
