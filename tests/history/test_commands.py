"""``record``, and the flags that choose a recording and a moment of it."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path

import pytest

from console.cli import main
from console.cluster.contexts import from_dict
from console.cluster.live import LiveSource
from console.cluster.source import Source, Update
from console.commands.record import session
from console.errors import InputError, UsageError
from console.history.frames import MAGIC
from console.history.recording import Recording
from console.history.times import moment, rfc3339, seconds, utc
from console.history.writer import Writer

from .changing import BEGIN

END = BEGIN + 7200
#: A cluster that does not answer.
CONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "x",
    "clusters": [{"name": "x", "cluster": {"server": "http://127.0.0.1:9"}}],
    "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    "users": [{"name": "x", "user": {}}],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("end", END),
        ("-5m", END - 300),
        ("+30s", BEGIN + 30),
        ("+1h30m", BEGIN + 5400),
        ("-90", END - 90),
        (rfc3339(BEGIN + 60), BEGIN + 60.999999),
        (rfc3339(BEGIN + 60.25, exact=True), BEGIN + 60.25),
        (rfc3339(BEGIN), BEGIN + 0.999999),
        (rfc3339(END), END),
        (f"{datetime.fromtimestamp(END - 60).astimezone():%H:%M:%S}", END - 59.000001),
        (datetime.fromtimestamp(BEGIN + 60).astimezone().replace(tzinfo=None).isoformat(), BEGIN + 60.999999),
    ],
)
def test_moments_are_read_as_people_write_them(text: str, expected: float) -> None:
    assert moment(text, BEGIN, END) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("25:00", "no time of day"),
        ("yesterday", "no moment"),
        ("-3h", "before its beginning"),
        ("+3h", "after its end"),
        ("", "no moment"),
    ],
)
def test_what_is_no_moment_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        moment(text, BEGIN, END)


def test_a_time_of_day_is_the_last_one_before_the_end() -> None:
    asked = f"{datetime.fromtimestamp(END + 60).astimezone():%H:%M:%S}"
    assert moment(asked, END - 2 * 86_400, END) == END + 60.999999 - 86_400


@pytest.mark.parametrize(("zone", "here"), [("UTC0", "2026-11-23T15:20:00Z"), ("JST-9", "2026-11-24T00:20:00+09:00")])
def test_a_stamp_in_utc_is_the_same_in_every_time_zone(zone: str, here: str, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        with monkeypatch.context() as patched:
            patched.setenv("TZ", zone)
            time.tzset()
            assert rfc3339(1_795_447_200.9) == here
            assert utc(1_795_447_200.9) == "2026-11-23T15:20:00Z"
            assert moment(utc(BEGIN + 60), BEGIN, END) == BEGIN + 60.999999
    finally:
        time.tzset()


def test_spans_of_time() -> None:
    assert (seconds("90"), seconds("1h30m"), seconds("7d")) == (90, 5400, 604_800)
    for text in ("", "h", "5x", "-5m"):
        with pytest.raises(UsageError):
            seconds(text)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["record", "-o", "{}", "--manifests", "{}"], "nothing to record"),
        (["record", "-o", "{}", "--demo", "--max-size", "much"], "is no size"),
        (["record", "-o", "{}", "--demo", "--for", "ever"], "is no span of time"),
        (["record", "-o", "{}/no/such/folder", "--demo"], "cannot be recorded to"),
        (["timeline", "--demo"], "needs --recording"),
        (["story", "a/b"], "needs --recording"),
        (["story", "a/b", "--recording", "{}", "--hops", "0"], "leads nowhere"),
        (["timeline", "--recording", "{}", "--at", "end"], "use --from and --to"),
        (["timeline", "--recording", "{}", "--demo"], "two sources"),
        (["timeline", "--recording", "{}", "--overlay", "x.yaml"], "nothing can be laid over that"),
        (["simulate", "a/b", "c/d", "--recording", "{}"], "cannot be read"),
        (["simulate", "a/b", "c/d", "--recording", "{}", "--demo"], "two sources"),
        (["simulate", "a/b", "c/d", "--demo", "--at", "14:02"], "no moment of the demo"),
    ],
)
def test_what_cannot_be_done_is_one_message_and_status_2(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([each.replace("{}", str(tmp_path / "a.rec")) for each in arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_cluster_that_cannot_be_read_is_no_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config").write_text(json.dumps(CONFIG))
    command = ["record", "-o", str(tmp_path / "a.rec"), "--kubeconfig", str(tmp_path / "config"), "--for", "0.3"]
    assert main(command) == 3
    assert "nothing was recorded" in capsys.readouterr().err


def flags(**given: object) -> argparse.Namespace:
    nothing = dict.fromkeys(("record", "recording", "speed", "manifests", "overlay", "max_size", "max_age"))
    return argparse.Namespace(**{**nothing, "annotations": False, **given})


def test_a_session_records_the_source_it_began_with_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.rec"

    def make(context: str | None) -> Source:
        return LiveSource(from_dict({**CONFIG, "current-context": "x"}, context=context))

    made = session(flags(record=str(path)), make)
    with pytest.raises(InputError, match="being recorded to already"):
        session(flags(record=str(path)), make)
    assert isinstance(made("x"), LiveSource)
    first, again = made(None), made(None)
    for source in (first, again):  # as when it is opened anew
        said: list[Update] = []
        source.open(said.append)
        source.close()
        assert not [each for update in said for each in update.diagnostics]
    busy = Writer(path)
    last, heard = made(None), threading.Event()
    last.open(lambda update: heard.set() if "nothing is recorded" in str(update.diagnostics) else None)
    assert heard.wait(10)
    last.close()
    busy.close()
    assert session(flags(), make) is make


@pytest.mark.parametrize("given", [{"speed": 2.0}, {"speed": 0.0, "recording": "a.rec"}])
def test_speed_is_for_recordings(given: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="--speed says how fast"):
        session(flags(**given), lambda _: pytest.fail("no source was asked for"))


def test_record_goes_on_until_it_is_told_to_stop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.rec"
    command = [sys.executable, "-m", "console", "record", "-o", str(path), "--demo"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 30
        while not (path.exists() and path.stat().st_size > len(MAGIC)) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == 0, said
    assert "synced within 1 s" in said
    assert "ended" in said
    with Recording(path) as recording:
        assert recording.facts.source == "demo"
        assert recording.facts.cluster
    question = ["simulate", "training/pytorchjob/llm-finetune", "internet", "--port", "443"]
    assert main([*question, "--recording", str(path), "--at", "-0s"]) == 1
    assert "BLOCKED" in capsys.readouterr().out
