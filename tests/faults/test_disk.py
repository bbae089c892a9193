"""A disk that is full while something is written: one message, and what was written before is still there."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from console.cluster.source import Update
from console.errors import InputError
from console.history.recorder import RETRY, Recorder
from console.history.recording import Recording
from console.history.tap import RecordedSource
from console.history.writer import Writer
from console.report.put import put
from console.tui.saving import save
from tests.history.changing import BEGIN, Changing, pod
from tests.terminal.rig import Session, console, environment

#: Runs what follows with files that may only become so large (bytes).
_LIMITED = """import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
os.execvp(sys.argv[2], sys.argv[2:])"""


def limited(size: int, command: list[str]) -> list[str]:
    return [sys.executable, "-c", _LIMITED, str(size), *command]


def surroundings(home: Path) -> dict[str, str]:
    # Python itself would keep the modules it compiles, cut short.
    return environment(home, PYTHONDONTWRITEBYTECODE="1")


def run(size: int, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = limited(size, console(*arguments))
    return subprocess.run(command, capture_output=True, text=True, env=surroundings(home), check=False, timeout=100)


def recorded(size: int, path: Path, home: Path, done: Callable[[str], bool]) -> tuple[int, str]:
    """Record the demo until `done` of all that was said, at each line of it; the exit status, and what was said."""
    command = limited(size, console("record", "--demo", "-o", str(path)))
    said = ""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=surroundings(home)) as process:
        assert process.stderr is not None
        for line in process.stderr:
            said += line
            if done(said):
                process.send_signal(signal.SIGTERM)
                break
        said += process.stderr.read()
    return process.returncode, said


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A recording of the demo that ended well."""
    path = tmp_path / "demo.rec"
    status, said = recorded(1 << 30, path, tmp_path, lambda said: "\nlive" in said)
    assert status == 0, said
    return path


def test_a_recording_that_finds_no_room_is_told_once_and_what_was_recorded_is_there(
    begun: Path, tmp_path: Path
) -> None:
    size = begun.stat().st_size
    with Recording(begun) as recording:
        end = recording.end
    status, said = recorded(size + 200, begun, tmp_path, lambda said: "paused" in said)
    assert status == 3
    told = [line for line in said.splitlines() if "paused" in line]
    assert len(told) == 1
    assert "cannot be written: file too large" in told[0]
    assert "Traceback" not in said
    assert begun.stat().st_size == size
    with Recording(begun) as recording:
        assert not recording.damage
        assert recording.end == end


def test_a_file_with_no_room_for_its_first_bytes_is_refused(tmp_path: Path) -> None:
    done = run(4, tmp_path, "record", "--demo", "-o", str(tmp_path / "a.rec"), "--for", "1s")
    assert done.returncode == 2
    assert "cannot be recorded to: file too large" in done.stderr


def test_the_console_goes_on_where_its_recording_does_not(begun: Path, tmp_path: Path) -> None:
    size = begun.stat().st_size
    command = limited(size + 200, console("--demo", "--at", "0", "--record", str(begun)))
    with Session(command, environment=surroundings(tmp_path), size=(160, 40)) as session:
        # The cluster is quiet: nothing but the trouble itself says so.
        session.until("recording is paused")
        session.forget()
        session.press(b"3")
        session.until("Matrix")
        session.press(b"\x11")
        assert session.ended() == 0
        session.assert_clean()
    assert begun.stat().st_size == size
    with Recording(begun) as recording:
        assert not recording.damage


def test_trouble_is_told_when_it_comes_and_when_it_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, shown = Changing(pod("a", step="0")), list[Update]()
    writer = Writer(tmp_path / "a.rec")
    made: list[Recorder] = []

    class Quiet:
        title = "prod"

        def open(self, on_update: object) -> None:
            assert callable(on_update)
            on_update(cluster.update())

        def close(self) -> None:
            pass

    class Still(Recorder):
        """Does nothing on a thread of its own."""

        def start(self) -> None:
            made.append(self)

        def take(self, update: Update) -> None:
            self.record(update, BEGIN)

    source = RecordedSource(Quiet(), lambda say: Still(writer, "prod", say=say))
    source.open(shown.append)
    assert [each.diagnostics for each in shown] == [()]

    def full(file: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        made[0].write(BEGIN)
    assert "no space left" in shown[-1].diagnostics[-1].message
    assert shown[-1].snapshot is cluster.snapshot
    assert len(shown) == 2
    made[0].write(BEGIN + RETRY)
    assert shown[-1].diagnostics == ()
    writer.close()


def test_evidence_that_finds_no_room_leaves_what_was_there(tmp_path: Path) -> None:
    bundle = tmp_path / "proof.zip"
    bundle.write_bytes(b"as it was")
    done = run(10_000, tmp_path, "evidence", "--demo", "-o", str(bundle))
    assert done.returncode == 2
    assert f"{bundle} cannot be written: File too large" in done.stderr
    assert bundle.read_bytes() == b"as it was"
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["proof.zip"]


def test_a_charter_that_finds_no_room_leaves_what_was_there(tmp_path: Path) -> None:
    charter = tmp_path / "charter.yaml"
    charter.write_text("rules: []\n")
    done = run(500, tmp_path, "charter", "init", str(charter), "--force", "--demo")
    assert done.returncode == 2
    assert "cannot be written: File too large" in done.stderr
    assert charter.read_text() == "rules: []\n"


@pytest.mark.parametrize("form", ["text", "json", "html", "sarif"])
def test_a_report_that_finds_no_room_is_no_clean_one(form: str, tmp_path: Path) -> None:
    with (tmp_path / "report").open("wb") as out:
        done = subprocess.run(
            limited(600, console("audit", "--demo", "-o", form)),
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            env=surroundings(tmp_path),
            check=False,
        )
    assert done.returncode == 2
    assert "the answer cannot be written: File too large" in done.stderr
    assert "defect" not in done.stderr


@pytest.mark.parametrize("over", [True, False])
def test_a_file_that_finds_no_room_is_not_there_by_half(
    over: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "report.md"
    if over:
        file.write_text("as it was")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(InputError, match="No space left on device"):
            save("new", str(file), over=over)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == ([("report.md", "as it was")] * over)
    assert save("new", str(file), over=over).read_text() == "new"


def test_a_link_a_mode_and_a_device_stay_what_they_are(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    put(link, b"new", over=True)
    assert link.is_symlink()
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o640)
    put(Path("/dev/null"), b"new", over=True)
    assert Path("/dev/null").is_char_device()
    with pytest.raises(FileExistsError):
        put(file, b"newer", over=False)
    assert file.read_text() == "new"
