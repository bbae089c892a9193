"""What is recorded can be read again: each state, at each moment, and what is missing is told."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import msgspec
import pytest

from console.cluster.source import State, Verb
from console.errors import InputError
from console.history.cursor import Cursor, Moment
from console.history.recorder import HEARTBEAT, RETRY, Recorder
from console.history.recording import Hole, Recording
from console.history.replay import read
from console.history.telling import told
from console.history.writer import Bounds, Writer
from console.objects.core import Namespace, Pod
from console.objects.coverage import NOT_READABLE, Coverage, Gap
from console.objects.decode import decode
from console.objects.meta import SourceText
from console.objects.netpol import NetworkPolicy

from .changing import BEGIN, Changing, Rig, contents, pod, slice_of


def at(path: Path, moment: float) -> Moment:
    with Recording(path) as recording:
        cursor = Cursor(recording)
        cursor.seek(moment)
        return cursor.moment()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.rec"


def test_every_state_is_there_at_its_moment(path: Path) -> None:
    cluster = Changing(pod("a", app="web"))
    rig = Rig(path, cluster)
    rig.tick(BEGIN)
    states = [contents(cluster.snapshot)]
    for number in range(1, 6):
        moment = BEGIN + number
        if number == 3:
            cluster.drop(pod("a"), moment)
        else:
            cluster.put(pod(f"b{number}", app="web", round=str(number)), moment)
        rig.tick(moment + 0.5)
        states.append(contents(cluster.snapshot))
    rig.end(BEGIN + 7)
    for number, state in enumerate(states):
        assert contents(at(path, BEGIN + number).snapshot) == state
    with Recording(path) as recording:
        assert (recording.begin, recording.end) == (BEGIN, BEGIN + 7)
        assert recording.facts.source == "prod"
        assert recording.facts.cluster == "the-cluster"
        assert not recording.warnings()


def test_changes_between_two_updates_are_each_kept(path: Path) -> None:
    cluster = Changing(pod("a", role="x"))
    rig = Rig(path, cluster)
    rig.tick(BEGIN)
    cluster.put(pod("a", role="y"), BEGIN + 0.1)
    cluster.put(pod("a", role="x"), BEGIN + 0.2)
    rig.tick(BEGIN + 1)
    rig.end(BEGIN + 2)
    between = at(path, BEGIN + 0.15).snapshot.pod("shop", "a")
    assert between is not None
    assert between.labels == {"role": "y"}
    with Recording(path) as recording:
        cursor = Cursor(recording)
        details = []
        while (event := cursor.step()) is not None:
            details += [(change.verb, change.detail, change.manager) for change in event.changes()]
    assert [detail for _, detail, _ in details] == ["label role: x → y", "label role: y → x"]
    assert all(verb is Verb.MODIFIED and manager and manager.name == "kubectl" for verb, _, manager in details)


def test_what_no_source_told_of_is_found_in_its_snapshot(path: Path) -> None:
    cluster = Changing(pod("a"), pod("b"))
    rig = Rig(path, cluster)
    rig.tick(BEGIN)
    cluster.put(pod("c"), BEGIN, told=False)
    cluster.drop(pod("b"), BEGIN, told=False)
    rig.tick(BEGIN + 1)
    rig.end(BEGIN + 2)
    assert {each.name for each in at(path, BEGIN + 2).snapshot.pods()} == {"a", "c"}


def test_an_update_of_nothing_that_is_kept_is_not_written(path: Path) -> None:
    cluster = Changing(pod("a", app="web"))
    rig = Rig(path, cluster)
    rig.tick(BEGIN)
    size = rig.writer.size
    for number in range(20):
        cluster.put(pod("a", app="web"), BEGIN + number / 10)  # another resourceVersion
        rig.tick(BEGIN + number / 10)
    assert (rig.writer.size, rig.recorder.written) == (size, 0)
    rig.end(BEGIN + 3)


def test_a_long_list_is_written_by_what_changed_in_it(path: Path) -> None:
    cluster = Changing(slice_of(100, 100))
    rig = Rig(path, cluster)
    rig.tick(BEGIN)
    size = rig.writer.size
    sizes = []
    for number in range(1, 20):
        cluster.put(slice_of(100, 100 - number), BEGIN + number)
        rig.tick(BEGIN + number)
        sizes.append(rig.writer.size - size)
        size = rig.writer.size
        assert contents(at(path, BEGIN + number).snapshot) == contents(cluster.snapshot)
    whole = len(msgspec.msgpack.encode(slice_of(100, 50)))
    assert max(sizes) < whole / 20
    rig.end(BEGIN + 20)


def test_annotations_and_bookkeeping_are_left_out_of_policies_texts_unless_asked_for(path: Path) -> None:
    raw = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "namespace": "shop",
            "name": "deny",
            "annotations": {"note": "a-secret-of-somebody"},
            "managedFields": [{"manager": "kubectl", "operation": "Update", "time": "2026-01-01T00:00:00Z"}],
        },
        "spec": {"podSelector": {}},
    }
    policy = decode(raw, SourceText(json=msgspec.json.encode(raw)))
    assert isinstance(policy, NetworkPolicy)
    for asked in (False, True):
        path.unlink(missing_ok=True)
        writer = Writer(path)
        recorder = Recorder(writer, "prod", annotations=asked)
        recorder.record(Changing(policy).update(), BEGIN)
        recorder.write(BEGIN, ended=True)
        writer.close()
        (kept,) = at(path, BEGIN).snapshot.policies()
        assert kept.text is not None
        assert kept.text.json is not None
        assert (b"a-secret-of-somebody" in kept.text.json) is asked
        assert b"managedFields" not in kept.text.json
        assert (kept.pod_selector, kept.manager) == (policy.pod_selector, policy.manager)


def test_gaps_and_how_the_source_stood_are_kept(path: Path) -> None:
    cluster = Changing(pod("a"))
    rig = Rig(path, cluster)
    rig.tick(BEGIN)
    cluster.coverage = Coverage((Gap(code=NOT_READABLE, resource="networkpolicies", why="refused"),))
    cluster.state = State.STALE
    rig.tick(BEGIN + 1)
    rig.end(BEGIN + 2)
    assert at(path, BEGIN).snapshot.coverage.complete
    later = at(path, BEGIN + 1)
    assert later.snapshot.coverage == cluster.coverage
    assert later.standing.state == "stale"


def test_the_timeline_says_when_the_cluster_did_not_answer(path: Path) -> None:
    cluster = Changing(pod("a"))
    rig = Rig(path, cluster)
    rig.tick(BEGIN)
    for second, state in ((1, State.STALE), (5, State.LIVE), (8, State.STALE)):
        cluster.state = state
        rig.tick(BEGIN + second)
    rig.end(BEGIN + 9)
    with Recording(path) as recording:
        found = [each for each in told(recording, since=BEGIN, until=BEGIN + 9) if isinstance(each, Hole)]
    assert [(hole.begin - BEGIN, hole.end - BEGIN) for hole in found] == [(1, 5), (8, 9)]
    assert all("did not answer" in hole.why for hole in found)


def test_nothing_is_recorded_before_everything_was_read(path: Path) -> None:
    cluster = Changing(pod("a"))
    cluster.state = State.LOADING
    rig = Rig(path, cluster)
    rig.tick(BEGIN)
    assert not rig.recorder.begun
    with pytest.raises(InputError, match="holds nothing that can be read"):
        Recording(path)
    rig.writer.close()


def test_a_quiet_cluster_is_known_to_have_been_quiet(path: Path) -> None:
    rig = Rig(path, Changing(pod("a")))
    for second in range(int(HEARTBEAT) + 2):
        rig.tick(BEGIN + second)
    rig.writer.close()  # as if killed
    with Recording(path) as recording:
        assert recording.end == BEGIN + HEARTBEAT


def test_a_second_session_goes_on_in_the_file_and_the_time_between_is_a_hole(path: Path) -> None:
    for begin in (BEGIN, BEGIN + 100):
        cluster = Changing(pod("a", at=str(begin)))
        rig = Rig(path, cluster)
        rig.tick(begin)
        rig.end(begin + 10)
    with Recording(path) as recording:
        (hole,) = recording.holes
        assert (hole.begin, hole.end) == (BEGIN + 10, BEGIN + 100)
        assert "nobody was recording" in str(hole)
    assert at(path, BEGIN + 50).hole == hole
    with pytest.raises(InputError, match="nobody was recording") as refused:
        read(str(path), "+50s")
    nearest = [word for word in refused.value.hint.split() if word.startswith("20")]
    assert [read(str(path), word).status.since for word in nearest] == [BEGIN + 10, pytest.approx(BEGIN + 100, abs=1)]
    assert at(path, BEGIN + 5).hole is at(path, BEGIN + 105).hole is None


@pytest.mark.parametrize("jump", [3600.0, 0.3])
def test_a_clock_that_goes_back_changes_no_order(path: Path, jump: float) -> None:
    cluster = Changing(pod("a", step="0"))
    rig = Rig(path, cluster)
    rig.tick(BEGIN)
    for number in range(1, 6):
        moment = BEGIN + number - (jump if number > 2 else 0)
        cluster.put(pod("a", step=str(number)), moment)
        rig.tick(moment)
    rig.end(BEGIN + 6 - jump)
    with Recording(path) as recording:
        cursor, seen, times = Cursor(recording), [], []
        while (event := cursor.step()) is not None:
            times.append(event.at)
            seen += [after.labels["step"] for _, after in event.pairs if isinstance(after, Pod)]
        assert seen == ["1", "2", "3", "4", "5"]
        assert times == sorted(times)
        # Where the clock is wrong by more than it is set by, times go on at their own pace.
        assert recording.end - BEGIN == pytest.approx(5.0 if jump > 1 else 6 - jump, abs=0.01)


def test_one_file_has_one_writer(path: Path) -> None:
    first = Writer(path)
    with pytest.raises(InputError, match="being recorded to already"):
        Writer(path)
    first.close()
    Writer(path).close()


def test_a_recording_holds_one_cluster(path: Path) -> None:
    rig = Rig(path, Changing(pod("a")))
    rig.tick(BEGIN)
    rig.end(BEGIN + 1)
    other = Changing(pod("a"))
    other.put(Namespace("kube-system", {}, uid="another-cluster"), BEGIN)
    rig = Rig(path, other)
    with pytest.raises(InputError, match="holds another cluster, prod"):
        rig.tick(BEGIN + 10)
    rig.writer.close()
    assert at(path, BEGIN + 1).hole is None


def test_what_is_no_recording_is_not_written_to(path: Path) -> None:
    path.write_text("my thesis")
    with pytest.raises(InputError, match="is no recording"):
        Writer(path)
    with pytest.raises(InputError, match="is no recording"):
        Recording(path)
    assert path.read_text() == "my thesis"


def test_the_oldest_is_dropped_where_the_size_is_bounded(path: Path) -> None:
    bound = 24 << 10
    cluster = Changing(pod("a"))
    rig = Rig(path, cluster, Bounds(size=bound))
    rig.tick(BEGIN)
    largest = 0
    for number in range(1, 500):  # with noise, which does not compress
        cluster.put(pod("a", noise=os.urandom(40).hex()), BEGIN + number)
        rig.tick(BEGIN + number)
        largest = max(largest, path.stat().st_size)
    rig.end(BEGIN + 500)
    assert largest <= bound
    with Recording(path) as recording:
        assert BEGIN < recording.begin < recording.end == BEGIN + 500
        assert not recording.warnings()
    assert contents(at(path, BEGIN + 500).snapshot) == contents(cluster.snapshot)


def test_what_is_too_old_is_dropped(path: Path) -> None:
    cluster = Changing(pod("a"))
    rig = Rig(path, cluster, Bounds(size=64 << 10, age=200))
    rig.tick(BEGIN)
    for number in range(1, 500):
        cluster.put(pod("a", noise=os.urandom(40).hex()), BEGIN + number)
        rig.tick(BEGIN + number)
    rig.end(BEGIN + 500)
    with Recording(path) as recording:
        assert 200 <= recording.end - recording.begin < 400


class NoRoom:
    """A disk that takes so many bytes more."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.write = os.write

    def __call__(self, file: int, data: bytes) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = self.write(file, bytes(data)[: self.room])
        self.room -= taken
        return taken


def test_a_full_disk_pauses_the_recording_and_what_is_there_stays_readable(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Changing(pod("a", step="0"))
    rig = Rig(path, cluster)
    rig.tick(BEGIN)
    disk = NoRoom(30)  # within a frame
    monkeypatch.setattr(os, "write", disk)
    for number in range(1, 4):
        cluster.put(pod("a", step=str(number)), BEGIN + number)
        rig.tick(BEGIN + number)
    assert len(rig.said) == 1
    assert "no space left" in rig.said[0]
    with Recording(path) as recording:
        assert not recording.damage
        assert recording.end == BEGIN
    disk.room = 1 << 20
    cluster.put(pod("a", step="9"), BEGIN + 5 + RETRY)
    rig.tick(BEGIN + 5 + RETRY)
    rig.end(BEGIN + 7 + RETRY)
    assert "goes on" in rig.said[1]
    assert rig.recorder.incomplete
    with Recording(path) as recording:
        assert [(hole.begin, hole.end) for hole in recording.holes] == [(BEGIN, BEGIN + 5 + RETRY)]
    assert contents(at(path, BEGIN + 7 + RETRY).snapshot) == contents(cluster.snapshot)


def test_going_back_is_where_one_came_from(path: Path) -> None:
    cluster = Changing(pod("a", step="0"))
    rig = Rig(path, cluster)
    rig.tick(BEGIN)
    for number in range(1, 4):
        cluster.put(pod("a", step=str(number)), BEGIN + number)
        rig.tick(BEGIN + number)
    rig.end(BEGIN + 5)
    with Recording(path) as recording:
        cursor = Cursor(recording)
        cursor.seek(recording.end)
        steps = []
        for number in reversed(range(4)):
            cursor.seek(BEGIN + number)
            found = cursor.moment().snapshot.pod("shop", "a")
            assert found is not None
            steps.append(found.labels["step"])
    assert steps == ["3", "2", "1", "0"]
