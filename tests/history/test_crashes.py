"""Whatever happens to a recording's writer or its file: what was synced is there, and damage is noticed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.errors import InputError
from console.history.cursor import Cursor
from console.history.frames import MAGIC, Damage, Frame, scan
from console.history.recorder import Recorder
from console.history.recording import Recording
from console.history.writer import Writer

from .changing import BEGIN, Changing, pod
from .crashing import BOUND

#: How many writers are killed; 1,000 for looking further.
CRASHES = int(os.environ.get("NETPOL_CRASHES", "25"))


def recorded(path: Path, steps: int) -> bytes:
    """A recording of so many steps in two sessions: step N is at BEGIN + N."""
    cluster = Changing(pod("p", step="0"))
    for session in range(2):
        writer = Writer(path)
        recorder = Recorder(writer, "prod")
        for step in range(session * steps, (session + 1) * steps):
            cluster.put(pod("p", step=str(step)), BEGIN + step)
            recorder.record(cluster.update(), BEGIN + step)
            recorder.write(BEGIN + step)
        writer.close()
    return path.read_bytes()


def last_step(path: Path) -> int:
    with Recording(path) as recording:
        cursor = Cursor(recording)
        cursor.seek(recording.end)
        found = cursor.moment().snapshot.pod("shop", "p")
    assert found is not None
    return int(found.labels["step"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return recorded(tmp_path_factory.mktemp("whole") / "a.rec", 4)


def test_a_file_cut_off_at_any_byte_holds_what_was_whole_until_there(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cut.rec"
    frames = [each for each in scan(whole) if isinstance(each, Frame)]
    ends = [each.end for each in frames]
    for cut in range(len(MAGIC), len(whole)):
        path.write_bytes(whole[:cut])
        left = sum(end <= cut for end in ends)
        if not left:
            with pytest.raises(InputError, match="holds nothing that can be read"):
                Recording(path)
            continue
        with Recording(path) as recording:
            assert recording.end * 1e6 == frames[left - 1].at
            # What was cut is told, unless the cut is between two frames.
            assert [each.torn for each in recording.damage] == [True] * (cut not in ends)


def test_a_writer_goes_on_after_a_cut(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cut.rec"
    for cut in range(len(MAGIC), len(whole), 17):
        path.write_bytes(whole[:cut])
        writer = Writer(path)
        recorder = Recorder(writer, "prod")
        recorder.record(Changing(pod("p", step="99")).update(), BEGIN + 99)
        recorder.write(BEGIN + 99, ended=True)
        writer.close()
        with Recording(path) as recording:
            assert not recording.damage  # the unfinished write was cut off
        assert last_step(path) == 99


@given(data=st.data())
def test_a_changed_byte_is_always_noticed_and_what_is_read_is_as_it_was(whole: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(len(MAGIC), len(whole) - 1))
    bits = data.draw(st.integers(1, 255))
    changed = bytearray(whole)
    changed[place] ^= bits
    found = list(scan(bytes(changed)))
    assert any(isinstance(each, Damage) for each in found)
    assert {each for each in found if isinstance(each, Frame)} < {
        each for each in scan(whole) if isinstance(each, Frame)
    }


@given(data=st.data())
def test_no_frame_can_be_taken_out_or_moved_unnoticed(whole: bytes, data: st.DataObject) -> None:
    frames = [each for each in scan(whole) if isinstance(each, Frame)]
    deltas = [number for number, each in enumerate(frames[:-1]) if number and frames[number + 1].kind == each.kind]
    number = data.draw(st.sampled_from(deltas))
    one, two = frames[number], frames[number + 1]
    first, second = whole[one.offset : one.end], whole[two.offset : two.end]
    instead = data.draw(st.sampled_from((second, second + first, first + first + second)))
    found = scan(whole[: one.offset] + instead + whole[two.end :])
    assert any(isinstance(each, Damage) for each in found)


@given(garbage=st.binary(max_size=400))
def test_garbage_after_the_end_changes_nothing_before_it(whole: bytes, garbage: bytes) -> None:
    frames = [each for each in scan(whole + garbage) if isinstance(each, Frame)]
    assert frames == list(scan(whole))


def test_damage_in_the_middle_loses_only_the_time_until_the_next_keyframe(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "damaged.rec"
    frames = [each for each in scan(whole) if isinstance(each, Frame)]
    changed = bytearray(whole)
    changed[frames[2].start] ^= 1
    path.write_bytes(changed)
    with Recording(path) as recording:
        (hole,) = recording.holes
        assert "damaged" in str(hole)
        assert (hole.begin, hole.end) == (BEGIN + 1, BEGIN + 4)
        assert any("are damaged and were left out" in said for said in recording.warnings())
    assert last_step(path) == 7


@pytest.fixture
def nursery() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.history.crashing"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def test_nothing_that_was_synced_is_lost_when_the_writer_is_killed(
    nursery: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    chance = random.Random(7)
    path = tmp_path / "crash.rec"
    step = torn = 0
    for _ in range(CRASHES):
        print(path, step, file=nursery.stdin, flush=True)
        child = int(nursery.stdout.readline().removeprefix("pid "))
        wanted = step + chance.randrange(1, 40)
        while step < wanted and (line := nursery.stdout.readline()).startswith("ack"):
            step = int(line.split()[1])
        time.sleep(chance.random() / 500)  # somewhere within the next steps
        os.kill(child, signal.SIGKILL)
        while (line := nursery.stdout.readline()).startswith("ack"):
            step = int(line.split()[1])
        assert line == "gone\n"

        with Recording(path) as recording:
            assert all(each.torn for each in recording.damage)
            torn += bool(recording.damage)
        acknowledged = step
        # What was written last may be there without having been acknowledged.
        step = last_step(path)
        assert step >= acknowledged
        assert path.stat().st_size <= BOUND
        step += 1
    print(f"{CRASHES} writers killed, {torn} of them within a write; {step} steps")
