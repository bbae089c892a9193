"""A real cluster recorded while people work on it: what was then is told afterwards as it was told then."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from console.errors import ConsoleError
from console.history.recording import Recording
from console.history.times import rfc3339

from . import objects
from .client import Client
from .estate import (
    NEVER,
    SECRET,
    TO_ALL,
    TO_STORE,
    TRAINER,
    Ask,
    Said,
    asking,
    build,
    config,
    edit,
    pods,
    policies,
)
from .rig import ControlPlane, until


@pytest.fixture(scope="module")
def plane(planes: Callable[..., ControlPlane]) -> Iterator[ControlPlane]:
    plane = planes()
    build(plane)
    yield plane
    plane.stop()


@pytest.fixture
def admin(plane: ControlPlane) -> Client:
    return plane.server.admin


@pytest.fixture
def ask(plane: ControlPlane, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    return asking(plane, tmp_path, capsys)


@pytest.fixture
def charter(ask: Ask, tmp_path: Path) -> str:
    return str(tmp_path / "charter.yaml")


@contextmanager
def _recording(path: Path, kubeconfig: Path) -> Iterator[None]:
    """``record`` in a process of its own, from its first picture of the cluster until it is told to stop."""
    command = [sys.executable, "-m", "console", "record", "-o", str(path), "--kubeconfig", str(kubeconfig)]
    environment = {**os.environ, "HOME": str(path.parent)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            until("the recording has begun", lambda: _events(path) is not None, seconds=60, every=0.1)
            yield
            process.send_signal(signal.SIGINT)
            assert process.stderr is not None
            said = process.stderr.read()
            assert process.wait(10) == 0, said
            assert "Traceback" not in said
        finally:
            process.kill()


def _events(path: Path) -> list[str] | None:
    """The field managers of the changes that the recording holds; None before it can be read."""
    try:
        with Recording(path) as recording:
            return [
                change.manager.name if change.manager else ""
                for place in range(recording.places)
                for event in recording.events(place)
                for change in event.changes()
            ]
    except (ConsoleError, OSError):
        return None


def _has(path: Path, manager: str) -> bool:
    return manager in (_events(path) or ())


def _judged(said: Said) -> Any:
    """What an audit found, whatever it was made of and when."""
    return {key: said.json[key] for key in ("rules", "findings", "coverage", "workloads", "pods", "policies")}


def test_what_a_recording_tells_of_a_moment_is_what_was_told_at_that_moment(
    plane: ControlPlane, admin: Client, ask: Ask, charter: str, tmp_path: Path
) -> None:
    """Somebody opens training to the internet, and the repository's controller closes it again."""
    path = tmp_path / "estate.rec"
    audit = ("audit", "--charter", charter, "-o", "json")
    recorded = ("--recording", str(path))
    with _recording(path, config(plane, tmp_path, "least")):
        before = ask(*audit)
        edit(admin, TO_ALL, "kubectl-edit")
        until("the edit is recorded", lambda: _has(path, "kubectl-edit"))
        opened, moment = ask(*audit), rfc3339(time.time(), exact=True)
        live_proof = tmp_path / "live.zip"
        assert ask("evidence", "-o", str(live_proof), "--charter", charter).status == 0
        edit(admin, TO_STORE, "argocd-controller")
        until("the revert is recorded", lambda: _has(path, "argocd-controller"))
        closed = ask(*audit)
    assert before.rules[NEVER] == closed.rules[NEVER] == "pass"
    assert opened.rules[NEVER] == "fail"

    then = ask(*audit, *recorded, "--at", moment)
    assert _judged(then) == _judged(opened)
    assert _judged(ask(*audit, *recorded)) == _judged(closed)

    # Evidence of that moment, made afterwards, has the same objects and verdicts as what was made on the spot.
    proof = tmp_path / "then.zip"
    assert ask("evidence", "-o", str(proof), "--charter", charter, *recorded, "--at", moment).status == 0
    for bundle in (live_proof, proof):
        assert ask("evidence", "verify", str(bundle)).status == 0
    assert _held(proof) == _held(live_proof)

    timeline = ask("timeline", "--charter", charter, "-o", "json", "--paths", *recorded).json["entries"]
    told = [
        (each["manager"], each["objects"][0]["name"], [path["kind"] for path in each["paths"]]) for each in timeline
    ]
    assert told == [("kubectl-edit", "egress", ["opened"]), ("argocd-controller", "egress", ["closed"])]
    assert [[rule["name"] for rule in each["rules"]] for each in timeline] == [[NEVER], [NEVER]]

    story = ask("story", TRAINER, "--charter", charter, *recorded, "--at", moment)
    assert story.status in (0, 1)
    for words in ("internet", "kubectl-edit", "argocd-controller"):
        assert words in story.out

    difference = ask("diff", f"{path}@{moment}", str(path), "-o", "json")
    assert difference.status == 0
    (change,) = difference.json["changes"]
    assert (change["kind"], change["closed"]) == ("closed", ["443/TCP"])

    with Recording(path) as recording:
        held = "\n".join(repr(event) for place in range(recording.places) for event in recording.events(place))
    assert "fit-0" in held
    assert SECRET not in held


def _held(bundle: Path) -> dict[str, Any]:
    """The objects and verdicts of a bundle, without where and when they were read."""
    with zipfile.ZipFile(bundle) as held:
        objects_ = json.loads(held.read("objects.json"))
        verdicts = [json.loads(line) for line in held.read("verdicts.jsonl").splitlines()]
    assert objects_.pop("facts")
    assert verdicts
    return {**objects_, "verdicts": verdicts}


def test_manifests_and_what_the_server_made_of_them_are_one(ask: Ask, admin: Client, tmp_path: Path) -> None:
    """Defaults, uids, managed fields and statuses change no path; what somebody edits in place does, and is named."""
    files = tmp_path / "estate.yaml"
    raws = [*(objects.namespace(where) for where in ("train", "store", "serve")), *policies()]
    for where, raw, address in pods():
        metadata = {**raw["metadata"], "namespace": where}
        raws.append({**raw, "metadata": metadata, "status": objects.status(address)})
    files.write_text(yaml.safe_dump_all(raws))
    ends = (str(files), "context:estate")
    same = ask("diff", *ends, "-o", "json", "--fail-on", "any")
    assert same.status == 0, same.out
    assert same.json["changes"] == []
    edit(admin, TO_ALL, "kubectl-edit")
    drifted = ask("diff", *ends, "-o", "json", "--fail-on", "opened")
    assert drifted.status == 1
    (change,) = drifted.json["changes"]
    assert (change["kind"], change["opened"]) == ("opened", ["443/TCP"])
    assert "egress" in str(change["causes"])
    edit(admin, TO_STORE, "kubectl-edit")
