"""A clock that is set back or forward: what is told keeps its order, and nothing waits for an hour that comes again."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from console.cluster.source import State, Status, Update
from console.history.recorder import HEARTBEAT, RETRY
from console.history.recording import Recording
from console.history.rewind import Rewind
from console.history.timeline import Timeline
from console.policy.engine import Engine
from console.tui.annals import Annals
from console.tui.model.frame import Frame
from console.tui.model.known import Known
from console.tui.model.shift import shift
from console.tui.model.status import freshness
from tests.history.changing import BEGIN, Changing, Rig, pod

HOUR = 3600.0


@pytest.mark.parametrize("jump", [-HOUR, HOUR])
def test_an_entry_leads_to_the_moment_it_tells_of(jump: float) -> None:
    cluster, annals, shown = Changing(pod("a", step="0")), Annals(), list[Update]()
    timeline = Timeline(cluster.update().snapshot)

    class Source:
        title = "prod"

        def open(self, on_update: Callable[[Update], None]) -> None:
            self.tell = on_update

        def close(self) -> None:
            pass

    source = Source()
    rewind = Rewind(source)
    rewind.open(shown.append)
    states = []
    for number in range(6):
        cluster.put(pod("a", step=str(number)), BEGIN + 60 * number + (jump if number > 2 else 0))
        source.tell(cluster.update())
        newest = shown[-1]
        states.append(newest.snapshot)
        step = timeline.tell(max(each.at for each in newest.changes), newest.changes, newest.snapshot)
        annals.add(step, max(each.at for each in newest.changes))
    items = annals.items()
    assert [item.at for item in items] == sorted((item.at for item in items), reverse=True)
    assert len(items) == 5
    for item, state in zip(reversed(items), states[1:], strict=True):
        assert rewind.go(item.after)
        assert shown[-1].snapshot is state
        assert rewind.go(item.at - 1e-6)
        assert shown[-1].snapshot is states[states.index(state) - 1]


def test_a_recording_that_found_no_room_is_tried_again_when_the_clock_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Changing(pod("a", step="0"))
    rig = Rig(tmp_path / "a.rec", cluster)
    rig.tick(BEGIN)

    def full(file: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        cluster.put(pod("a", step="1"), BEGIN + 1)
        rig.tick(BEGIN + 1)
    assert rig.recorder.trouble
    rig.tick(BEGIN + 1 + RETRY / 2)
    assert rig.recorder.trouble, "not before it is due"
    rig.tick(BEGIN - HOUR)
    assert not rig.recorder.trouble
    rig.end(BEGIN - HOUR + 1)
    with Recording(tmp_path / "a.rec") as recording:
        assert not recording.damage


@pytest.mark.parametrize("jump", [-HOUR, HOUR])
def test_a_quiet_recording_gives_signs_of_life_after_a_jump(jump: float, tmp_path: Path) -> None:
    rig = Rig(tmp_path / "a.rec", Changing(pod("a", step="0")))
    rig.tick(BEGIN)
    rig.tick(BEGIN + HEARTBEAT)
    sizes = []
    for number in range(4):
        rig.tick(BEGIN + jump + number * HEARTBEAT)
        sizes.append(rig.writer.size)
    assert sizes == sorted(set(sizes)), "each of them is written"
    rig.end(BEGIN + jump + 4 * HEARTBEAT)


@pytest.mark.parametrize("jump", [-HOUR, HOUR])
def test_what_is_stale_is_so_whatever_the_clock_says(jump: float) -> None:
    cluster = Changing(pod("a"))
    update = Update(cluster.update().snapshot, Status(State.STALE, BEGIN))
    engine = Engine(update.snapshot)
    frame = Frame("prod", update, engine, {}, known=Known(engine.snapshot.contents))
    said = "".join(piece.text for piece in freshness(frame, BEGIN + jump)[0])
    assert "STALE" in said
    assert "live" not in said


def test_what_changed_is_not_told_in_passing_for_the_hour_that_comes_again() -> None:
    cluster = Changing(pod("a", step="0"))
    before = Engine(cluster.update().snapshot)
    cluster.put(pod("b", ip="10.0.0.2"), BEGIN)
    found = shift(before, Engine(cluster.update().snapshot), BEGIN)
    assert found is not None
    assert found.told(BEGIN + 1)
    assert not found.told(BEGIN - HOUR)
    assert not found.told(BEGIN + HOUR)
