"""``record``, and the flags that choose a recording and a moment of it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from console.cli import main
from console.errors import UsageError
from console.history.frames import MAGIC
from console.history.recording import Recording
from console.history.times import moment, rfc3339, seconds

from .changing import BEGIN

END = BEGIN + 7200


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
    cluster = {"name": "x", "cluster": {"server": "http://127.0.0.1:9"}}
    context = {"name": "x", "context": {"cluster": "x", "user": "x"}}
    config = {"current-context": "x", "clusters": [cluster], "contexts": [context], "users": [{"name": "x"}]}
    (tmp_path / "config").write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **config}))
    command = ["record", "-o", str(tmp_path / "a.rec"), "--kubeconfig", str(tmp_path / "config"), "--for", "0.3"]
    assert main(command) == 3
    assert "nothing was recorded" in capsys.readouterr().err


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
