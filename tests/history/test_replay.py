"""The living demo, recorded over HTTP and replayed: the same objects, verdicts and findings at every moment."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import msgspec
import pytest

from console.cli import main
from console.cluster.contexts import from_dict
from console.cluster.live import LiveSource
from console.cluster.source import State, Update
from console.demo.cluster import DemoCluster
from console.errors import UsageError
from console.governance.audit import Auditor, audit
from console.governance.charter_default import default_charter
from console.governance.findings import Audit, Status
from console.history.recorder import Recorder
from console.history.recording import Recording
from console.history.replay import RecordingSource, read
from console.history.story import story
from console.history.tap import RecordedSource
from console.history.telling import told
from console.history.timeline import Entry, Step, Timeline, gathered
from console.history.writer import Writer
from console.objects.core import Pod
from console.objects.meta import ObjectRef
from console.objects.snapshot import KubeObject, Snapshot
from console.policy.ends import connection
from console.policy.engine import Engine
from console.report import verdict_words
from console.report.story import story_markdown
from tests.clusters import policy
from tests.clusters import snapshot as written
from tests.demo.snapshots import snapshot_of

from .changing import BEGIN, Changing, contents, pod

#: Moments of the demo's timetable, in seconds: one after each thing that happens.
MOMENTS = (0, 9, 11, 17, 23, 31, 43, 49, 61, 73, 91, 106, 116)
QUESTIONS = (
    ("training/pytorchjob/llm-finetune", "internet", "443"),
    ("feature-store/deploy/feast-online", "svc:feature-store/feast-postgres", "5432"),
    ("notebooks/deploy/hub", "svc:vector-db/qdrant", "6333"),
    ("gateway/deploy/litellm", "svc:serving/reranker", "80"),
)


class Taken:
    """The newest update of a source, to be waited for."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.latest: Update | None = None

    def __call__(self, update: Update) -> None:
        with self._changed:
            self.latest = update
            self._changed.notify_all()

    def until(self, wanted: Callable[[Update], object]) -> Update:
        with self._changed:
            assert self._changed.wait_for(lambda: self.latest is not None and wanted(self.latest), 20)
            assert self.latest is not None
            return self.latest


class Told:
    """A recording of the demo, the snapshots that were looked at when it was made, and when."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen: list[tuple[float, Snapshot]] = []


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Told:
    found = Told(tmp_path_factory.mktemp("demo") / "demo.rec")
    with DemoCluster(at=0) as cluster:
        taken = Taken()
        recorder = Recorder(Writer(found.path), "demo")
        source = RecordedSource(LiveSource(from_dict(cluster.kubeconfig())), lambda _: recorder)
        source.open(taken)
        for moment in MOMENTS:
            cluster.advance(moment)
            update = taken.until(partial(shows, comparable(snapshot_of(cluster.store))))
            # A recording begins with the first whole state its recorder comes to.
            deadline = time.monotonic() + 20
            while not recorder.begun and time.monotonic() < deadline:
                time.sleep(0.01)
            found.seen.append((time.time(), update.snapshot))
        source.close()
    return found


def comparable(snapshot: Snapshot) -> dict[object, KubeObject]:
    """Every object without its own text, of which a recording keeps less."""
    return {
        key: msgspec.structs.replace(obj, text=None) if hasattr(obj, "text") else obj
        for key, obj in contents(snapshot).items()
    }


def shows(wanted: dict[object, KubeObject], update: Update) -> bool:
    return update.status.state is State.LIVE and comparable(update.snapshot) == wanted


def judged(snapshot: Snapshot) -> tuple[list[str], Audit]:
    engine = Engine(snapshot)
    verdicts = [engine.evaluate(connection(*question, snapshot)) for question in QUESTIONS]
    said = [f"{verdict.outcome.value}: {verdict_words.headline(verdict)}" for verdict in verdicts]
    return said, audit(engine, default_charter(), today=date(2026, 1, 1))


def test_every_moment_is_as_it_was(demo: Told) -> None:
    outcomes = set()
    for at, snapshot in demo.seen:
        replayed = read(str(demo.path), exactly(at)).snapshot
        assert comparable(replayed) == comparable(snapshot)
        assert replayed.coverage == snapshot.coverage
        found = judged(replayed)
        assert found == judged(snapshot)
        outcomes.add(found[0][0].partition(":")[0])
    assert outcomes == {"blocked", "allowed"}  # it does change meanwhile


def test_it_says_where_it_is_from(demo: Told) -> None:
    with Recording(demo.path) as recording:
        assert (recording.facts.source, recording.facts.server) == ("demo", "v1.36.0-demo")
        assert recording.facts.cluster == demo.seen[0][1].namespace("kube-system").uid != ""


def test_played_it_shows_every_change_in_order(demo: Told) -> None:
    updates: list[Update] = []
    ended = threading.Event()
    source = RecordingSource(str(demo.path), speed=20)
    with Recording(demo.path) as recording:
        end = recording.end

    def take(update: Update) -> None:
        updates.append(update)
        if update.status.state is State.PAST and update.status.since >= end:
            ended.set()

    source.open(take)
    assert ended.wait(20)
    source.close()
    shown = [update.status.since for update in updates if update.status.state is State.PAST]
    assert shown == sorted(shown)
    labels = [change.detail for update in updates for change in update.changes if "label egress" in change.detail]
    assert labels == ["label egress: (none) → model-hub"] * 4 + ["label egress: model-hub → (none)"] * 4
    assert comparable(updates[-1].snapshot) == comparable(demo.seen[-1][1])


def test_it_can_be_moved_by_hand(demo: Told) -> None:
    taken = Taken()
    source = RecordingSource(str(demo.path), "+0s")
    source.open(taken)
    first = taken.until(lambda update: update.status.state is State.PAST)
    at, there = demo.seen[len(demo.seen) // 2]
    assert source.go(at)
    assert comparable(taken.until(lambda update: update.status.since == at).snapshot) == comparable(there)
    source.now()
    taken.until(lambda update: comparable(update.snapshot) == comparable(demo.seen[-1][1]))
    assert source.go(0.0)  # before it begins: where it begins
    again = taken.until(lambda update: update.status.since == first.status.since)
    assert comparable(again.snapshot) == comparable(first.snapshot)
    source.close()


def test_a_moment_outside_of_it_is_refused(demo: Told) -> None:
    with pytest.raises(UsageError, match="before its beginning"):
        read(str(demo.path), "2001-01-01T00:00:00Z")


@pytest.fixture(scope="module")
def entries(demo: Told) -> list[Entry]:
    with Recording(demo.path) as recording:
        auditor = Auditor(default_charter(), today=date(2026, 1, 1))
        steps = list(told(recording, since=recording.begin, until=recording.end, audit=auditor.audit))
    return [entry for step in steps if isinstance(step, Step) for entry in step.entries]


def paths(entry: Entry) -> set[tuple[str, str, str]]:
    return {
        (path.kind.value, source.name, destination.name)
        for path in entry.paths
        for source in path.sources
        for destination in path.destinations
    }


def test_the_timeline_says_what_opened_a_path_who_did_it_and_which_rule_broke(entries: list[Entry]) -> None:
    opening, closing = (entry for entry in entries if "label egress" in entry.facts)
    trainer = "training/pytorchjob/llm-finetune"
    assert (opening.by, opening.facts, len(opening.refs)) == ("kubectl-label", "label egress: (none) → model-hub", 4)
    assert paths(opening) == {("opened", trainer, "internet")}
    assert paths(closing) == {("closed", trainer, "internet")}
    (broken,), (healed,) = opening.rules, closing.rules
    assert broken.rule == healed.rule
    assert (broken.was, broken.now, healed.was, healed.now) == (Status.PASS, Status.FAIL, Status.FAIL, Status.PASS)


def test_an_edited_policy_is_told_with_its_editor(entries: list[Entry]) -> None:
    edits = [entry for entry in entries if entry.refs[0] == ObjectRef("NetworkPolicy", "vector-db", "qdrant")]
    assert [entry.by for entry in edits] == ["kubectl-edit", "argocd-controller"]
    assert edits[0].opens
    assert edits[1].closes


def test_a_pod_that_is_replaced_by_one_like_it_is_folded_away(entries: list[Entry]) -> None:
    assert not [entry for entry in entries if any("feast-online" in ref.name for ref in entry.refs)]


def test_what_is_taken_back_at_once_is_told_all_the_same() -> None:
    plain, labelled = pod("a", app="web"), pod("a", app="web", egress="yes")
    deny = written(policy("shop", "deny", "{podSelector: {}, policyTypes: [Egress]}"))
    allow = written(
        policy("shop", "out", "{podSelector: {matchLabels: {egress: 'yes'}}, policyTypes: [Egress], egress: [{}]}")
    )
    cluster = Changing(plain, *deny.policies(), *allow.policies())
    start = cluster.snapshot
    happened = []
    for number, state in enumerate((labelled, plain)):
        cluster.put(state, BEGIN + number / 10)
        update = cluster.update()
        happened.append((BEGIN + number / 10, update.changes, update.snapshot))
    timeline = Timeline(start)
    told = [entry for each in gathered(happened) for entry in timeline.tell(*each).entries]
    assert [(entry.opens, entry.closes) for entry in told] == [(True, False), (False, True)]


def test_a_workload_that_is_new_is_told_when_it_begins_and_not_again_when_it_gets_an_address() -> None:
    cluster = Changing(pod("a", app="web"))
    starting = Pod("shop", "fresh", {"app": "fresh"}, phase="Pending", uid="1")
    timeline = Timeline(cluster.snapshot)
    told = []
    for state in (starting, msgspec.structs.replace(starting, ips=("10.0.0.9",), phase="Running")):
        cluster.put(state, BEGIN)
        update = cluster.update()
        told.append(timeline.tell(BEGIN, update.changes, update.snapshot))
    (began,) = told[0].entries
    assert [alone.name for alone in began.came] == ["shop/pod/fresh"]
    assert (told[1].entries, told[1].folded) == ((), 1)


def test_a_pod_with_other_labels_than_its_workloads_other_pods_is_told(entries: list[Entry]) -> None:
    (canary,) = (entry for entry in entries if "unlike the others" in entry.facts)
    assert canary.workload == ObjectRef("Deployment", "serving", "reranker")
    assert "label app.kubernetes.io/component: serving-engine → rerank-engine" in canary.facts


def test_entries_can_be_asked_for_by_what_they_concern(entries: list[Entry]) -> None:
    labelled = [entry for entry in entries if "label egress" in entry.facts]
    assert [entry.facts for entry in entries if entry.about(rule=labelled[0].rules[0].rule)] == [
        entry.facts for entry in labelled
    ]
    assert all(entry in labelled for entry in entries if entry.about(workload="training/pytorchjob/llm-finetune"))
    assert {entry.refs[0].name for entry in entries if entry.about(namespace="vector-db")} >= {"qdrant"}
    assert not [entry for entry in entries if entry.about(namespace="nowhere")]


def test_the_commands_take_a_recording_at_any_moment(demo: Told, capsys: pytest.CaptureFixture[str]) -> None:
    question = ["simulate", QUESTIONS[0][0], "internet", "--port", "443", "--recording", str(demo.path)]
    assert main([*question, "--at", "+0s"]) == 1
    labelled = exactly(demo.seen[MOMENTS.index(31)][0])
    assert main([*question, "--at", labelled]) == 0
    assert f"{demo.path} as of" in capsys.readouterr().err
    assert main(["diff", f"{demo.path}@+0s", f"{demo.path}@{labelled}", "--fail-on", "opened"]) == 1
    assert "label egress: (none) → model-hub" in capsys.readouterr().out
    assert main(["timeline", "--recording", str(demo.path), "--rule", "training never reaches the internet"]) == 0
    out = capsys.readouterr().out
    assert "PASS → FAIL" in out
    assert "FAIL → PASS" in out
    assert main(["simulate", "a/b", "c/d", "--recording", str(demo.path), "--at", "25:00"]) == 2
    assert "25:00 is no time of day" in capsys.readouterr().err


def test_the_story_of_a_taken_workload_has_what_widened_it_and_what_closed_it(demo: Told) -> None:
    taken = "training/pytorchjob/llm-finetune"
    with Recording(demo.path) as recording:
        auditor = Auditor(default_charter(), today=date(2026, 1, 1))
        found = story(recording, taken, at=demo.seen[MOMENTS.index(43)][0], hops=2, audit=auditor.audit)
        page = "\n".join(story_markdown(found, recording))
        calm = story(recording, taken, at=recording.begin, hops=2)
    assert found.before is not None
    assert found.after is not None
    direct = [
        next(route.hops == 1 for route in radius.blast.routes if route.target == "internet")
        for radius in (found.before, found.then, found.after)
    ]
    assert direct == [False, True, False]
    (widened,), (closed,) = found.widened, found.closed
    assert ("opened", taken, "internet") in paths(widened)
    assert ("closed", taken, "internet") in paths(closed)
    assert page.index("What widened it") < page.index("model-hub") < page.index("What closed it")
    assert (calm.widened, calm.closed, calm.before) == ((), (), None)


def test_the_story_is_told_by_its_command(demo: Told, capsys: pytest.CaptureFixture[str]) -> None:
    at = exactly(demo.seen[MOMENTS.index(43)][0])
    command = ["story", "training/pytorchjob/llm-finetune", "--recording", str(demo.path), "--at", at, "--hops", "2"]
    assert main(command) == 0
    assert capsys.readouterr().out.startswith("# What if training/pytorchjob/llm-finetune had been taken at ")
    assert main([*command, "-o", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [[path["kind"] for path in entry["paths"]] for entry in (*told["widened"], *told["closed"])] == [
        ["opened"],
        ["closed"],
    ]


def exactly(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
