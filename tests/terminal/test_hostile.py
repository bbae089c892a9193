"""A cluster whose every name tries to be more than a name: nothing of it reaches a terminal, a clipboard or a file."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import pytest
import yaml

from console.cli import main
from console.cluster.facts import change
from console.cluster.manifests import read
from console.cluster.source import State, Status, Update
from console.governance.charter_default import default_text
from console.history.recorder import Recorder
from console.history.writer import Writer
from console.report.clean import clean
from console.report.forms import AUDIT, MATRIX
from tests.history.changing import BEGIN

from .rig import Session, console, environment

#: What terminals obey: titles, hyperlinks, the clipboard, colours, C1 forms of the same, bells; and what deceives eyes.
EVIL: Final = (
    "\x1b]0;owned\x07",
    "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b[2J\x1b[31mred",
    "\x9b31m\x9d52;c;ZXZpbA==\x9c",
    "\u202egnp.exe\u2066\u2069",
    "zero\u200bwidth\ufeff\u00ad",
    "[bold red]markup[/bold red][@click=app.quit]x[/]",
    "\r\n○ BLOCKED  at the source",
    "../../etc/passwd",
    "=cmd|' /C calc'!A0",
    '"]; evil [label="',
    "\x7f\x08\x08\x08\x00",
    "</script></title><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">",
    "`$(id)` | a | **b** <!-- ]]> %%{init: {}}%% &lt; \\",
    "\u2028\u2029\x85\x0b\x0crules: []",
)
_OSC: Final = re.compile(rb"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)


def _object(kind: str, api: str, name: str, number: int, **rest: Any) -> dict[str, Any]:
    evil = EVIL[number % len(EVIL)]
    meta: dict[str, Any] = {"name": name, "namespace": f"ns-{evil}", "labels": {"app": "x", f"key-{evil}": f"v-{evil}"}}
    meta["managedFields"] = [{"manager": f"m-{evil}", "operation": "Update", "time": "2026-01-01T00:00:00Z"}]
    return {"apiVersion": api, "kind": kind, "metadata": meta, **rest}


def _cluster() -> str:
    found = []
    for number, evil in enumerate(EVIL):
        namespace = _object("Namespace", "v1", f"ns-{evil}", number)
        container = {"name": evil, "image": f"img-{evil}", "ports": [{"containerPort": 80, "name": f"p-{evil}"}]}
        status = {"phase": "Running", "podIPs": [{"ip": f"10.0.0.{number + 1}"}], "reason": evil}
        pod = _object("Pod", "v1", f"pod-{evil}", number, spec={"containers": [container]}, status=status)
        owner = {"kind": f"Kind{evil}", "name": f"own-{evil}", "apiVersion": "x/v1", "controller": True}
        pod["metadata"]["ownerReferences"] = [owner]
        selector = {"matchExpressions": [{"key": f"key-{evil}", "operator": "In", "values": [f"v-{evil}", "w"]}]}
        rule = {
            "from": [{"podSelector": {"matchLabels": {f"k-{evil}": f"v-{evil}"}}}],
            "ports": [{"port": f"p-{evil}"}],
        }
        spec = {"podSelector": selector, "ingress": [rule]}
        policy = _object("NetworkPolicy", "networking.k8s.io/v1", f"pol-{evil}", number, spec=spec)
        rule = {"from": [{"podSelector": {"matchLabels": {"app": "x"}}}], "ports": [{"port": 80}]}
        spec = {"podSelector": {"matchLabels": {"app": "x"}}, "ingress": [rule]}
        good = _object("NetworkPolicy", "networking.k8s.io/v1", f"good-{evil}", number, spec=spec)
        strange = _object("CiliumNetworkPolicy", "cilium.io/v2", f"cnp-{evil}", number, spec={"x": evil})
        ports = [{"port": 80, "name": f"s-{evil}", "targetPort": f"p-{evil}"}]
        service = _object("Service", "v1", f"svc-{evil}", number, spec={"selector": {"app": "x"}, "ports": ports})
        broken = _object("NetworkPolicy", "networking.k8s.io/v1", f"bad-{evil}", number, spec={"podSelector": evil})
        other = _object(f"K{evil}", f"{evil}.io/v1", f"o-{evil}", number)
        found += [namespace, pod, policy, good, strange, service, broken, other]
    return "\n".join(json.dumps(each) for each in found)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the cluster in a file whose own name is no better, and nothing else."""
    made = tmp_path / "work"
    made.mkdir()
    (made / "evil\x1b]0;owned\x07\u202e.json").write_text(_cluster())
    return made


def _files(top: Path) -> set[str]:
    return {str(each.relative_to(top)) for each in top.rglob("*")}


def test_nothing_of_it_is_obeyed_by_the_consoles_terminal(folder: Path, tmp_path: Path) -> None:
    before = _files(tmp_path)
    home = environment(tmp_path, XDG_STATE_HOME=str(tmp_path / "state"))
    command = ["sh", "-c", 'cd "$0" && exec "$@"', str(folder), *console("--manifests", ".")]
    with Session(command, environment=home, size=(200, 60)) as session:
        session.until("Workloads")
        session.until("owned")
        # Through the screens: lists, filters, YAML, notices, a question, its answer, its fix, the palette, help.
        for keys in (
            "j",
            "\t",
            "j",
            "j",
            "y",
            "\x1b",
            "!",
            "\x1b",
            "/ev",
            "\r",
            "\x1b",
            "s",
            "j",
            "d",
            "2",
            "f",
            "\x1b",
        ):
            session.press(keys.encode())
            session.forget()
            session.read(0.06)
        for keys in ("3", "\r", "\x1b", "4", "\r", "\x1b", "1", "p", "\x10", "\x1b", "?", "\x1b"):
            session.press(keys.encode())
            session.forget()
            session.read(0.06)
        session.press(b"\x11")
        assert session.ended() == 0
        session.assert_clean()
        written = bytes(session.written)
    _assert_only_shown(written)
    assert _files(tmp_path) == before


def _assert_only_shown(written: bytes) -> None:
    """Of what is written to the terminal only what the console itself wants is for it to obey."""
    assert not re.search(rb"owned\x07|ZXZpbA==\x07|\x1b\]52|\x1b\]8;[^;]*;http|\x1b\[2J\x1b\[31mred", written)
    # The terminal framework sets the shape of the mouse's pointer (OSC 22), and nothing else.
    assert {each[:5] for each in _OSC.findall(written)} <= {b"\x1b]22;"}
    shown = _OSC.sub(b"", written).decode()
    found = _HIDDEN.search(shown.replace("\x1b", ""))
    assert found is None, (found, shown[max(0, found.start() - 80) : found.end() + 20] if found else "")
    assert "[bold red]" in shown, "markup is text"


def _recording(path: Path) -> None:
    """The cluster, and a second later the same with other labels and policies, by managers of such names."""
    now = read(["-"], io.BytesIO(_cluster().encode())).snapshot
    later = read(["-"], io.BytesIO(_cluster().replace('"app": "x"', '"app": "y"', 8).encode())).snapshot
    writer = Writer(path)
    recorder = Recorder(writer, f"cluster {EVIL[0]}")
    before = {each.ref: each for each in now.objects()}
    changes = tuple(
        change(before[each.ref], each, BEGIN + 1)
        for each in later.objects()
        if each.ref in before and each != before[each.ref]
    )
    assert changes
    for snapshot, told, at in ((now, (), BEGIN), (later, changes, BEGIN + 1)):
        recorder.record(Update(snapshot, Status(State.LIVE, BEGIN, f"m-{EVIL[3]}"), told), at)
        recorder.write(at)
    recorder.write(BEGIN + 2, ended=True)
    writer.close()


def test_nothing_of_its_past_is_obeyed_by_the_consoles_terminal(tmp_path: Path) -> None:
    recording = tmp_path / "evil.rec"
    _recording(recording)
    before = _files(tmp_path)
    home = environment(tmp_path, XDG_STATE_HOME=str(tmp_path / "state"))
    with Session(console("--recording", str(recording)), environment=home, size=(200, 60)) as session:
        session.until("owned")
        # Timeline: an entry, what it changed, the moment before and after it; Matrix: names, a cell, its ports;
        # Audit: rules, offences, findings, the inventory, a fix; reach, one story; each screen then shows the past.
        for keys, seen in (
            *(("5", "label app"), ("j", ""), ("\t", ""), ("j", ""), ("a", "moment just after"), ("b", "just before")),
            *(("3", ""), ("j", ""), ("l", ""), ("\r", "comes between|→"), ("\x1b", ""), ("\x1b", "")),
            *(("4", "deny-ingress"), ("j", ""), ("\t", ""), ("j", ""), ("F", ""), ("\x1b", ""), ("f", ""), ("j", "")),
            *(("i", ""), ("j", ""), ("!", ""), ("\x1b", ""), ("1", ""), ("r", ""), ("\x1b", ""), ("n", ""), ("y", "")),
        ):
            session.press(keys.encode())
            if seen:
                session.until(seen)
            elif keys == "\x1b":  # with a key right behind it, it would be alt and that key
                time.sleep(0.3)
            else:
                session.read(0.1)
        session.press(b"\x11")
        assert session.ended() == 0
        session.assert_clean()
        written = bytes(session.written)
    _assert_only_shown(written)
    assert _files(tmp_path) == before


def _questions(folder: Path) -> list[list[str]]:
    """Every command in every form, of the file in the folder or of a recording of it."""
    evil = EVIL[0]
    pod, policy = f"ns-{evil}/pod-{evil}", f"ns-{evil}/pol-{evil}"
    files, recording = ["--manifests", str(folder)], ["--recording", str(folder.parent / "evil.rec")]
    asked = [["matrix", "--by", "namespace", "-o", form, *files] for form in MATRIX if form != "svg"]
    asked += [["matrix", "--by", by, *files] for by in ("pod", "workload", "role")]
    asked += [["audit", "-o", form, *files] for form in AUDIT]
    asked += [["simulate", pod, "internet", "--port", "443", "--trace", *files]]
    asked += [["simulate", pod, "internet", "-o", "json", *files]]
    asked += [["simulate", f"ns-{each}/pod-{each}", pod, "--port", "80", *files] for each in EVIL if "/" not in each]
    asked += [["explain", policy, *files], ["explain", policy, "-o", "json", *files], ["inventory", *files]]
    asked += [["reach", pod, *files], ["reach", pod, "--hops", "2", *files], ["reach", pod, "-o", "json", *files]]
    asked += [["simulate", f"ns-{evil}/nobody", pod, *files], ["explain", evil, *files], [evil]]
    asked += [["inventory", "-o", "json", *files], ["charter", "init", *files], ["audit", "--fix", evil, *files]]
    asked += [["timeline", *recording], ["timeline", "-o", "json", *recording], ["matrix", "--at", evil, *recording]]
    asked += [["story", pod, *recording], ["story", pod, "-o", "json", *recording], ["audit", *recording]]
    asked += [["diff", f"{recording[1]}@+0s", f"{recording[1]}@+1s", "-o", form] for form in ("text", "json")]
    asked += [["evidence", "-o", str(folder.parent / "evil.zip"), *files]]
    asked += [["evidence", "verify", str(folder.parent / "evil.zip")]]
    return asked


#: One process for all of them: what is under test is what they write.
_PROGRAM: Final = """import sys, json
from console.cli import main
for number, each in enumerate(json.load(open(sys.argv[1])), 1):
    main(each)
    print("\\nasked", number, flush=True)"""


@pytest.fixture
def asked(folder: Path, tmp_path: Path) -> tuple[int, list[str]]:
    """How many questions there are, and the program that asks all of them."""
    _recording(tmp_path / "evil.rec")
    questions = _questions(folder)
    (tmp_path / "asked.json").write_text(json.dumps(questions))
    return len(questions), [sys.executable, "-c", _PROGRAM, str(tmp_path / "asked.json")]


def _answered(session: Session, number: int) -> bool:
    return b"\nasked %d\r" % number in session.written


def test_nothing_of_it_is_obeyed_where_a_command_writes_to_a_terminal(
    asked: tuple[int, list[str]], tmp_path: Path
) -> None:
    number, command = asked
    with Session(command, environment=environment(tmp_path), size=(160, 50)) as session:
        for each in range(1, number + 1):  # each is waited for by itself
            session.wait(partial(_answered, session, each), f"answer {each} of {number}")
        assert session.ended() == 0
        session.assert_clean()
        written = session.written.decode()
    written = written.replace("\r\n", "\n").replace("\t", "")
    shown = re.sub(r"\x1b\[[0-9;]*m", "", written)
    assert shown != written, "colours of our own"
    found = _HIDDEN.search(shown) or re.search("[\x1b\r]", shown)
    assert found is None, (found, shown[max(0, found.start() - 200) : found.end() + 20] if found else "")
    assert "Traceback" not in shown
    assert "defect" not in shown
    assert not re.search(r"(?m)^○ BLOCKED  at the source$", shown), "a name is no line"


def test_nothing_of_it_is_obeyed_where_a_command_writes(
    asked: tuple[int, list[str]], folder: Path, tmp_path: Path
) -> None:
    before = _files(tmp_path)
    done = subprocess.run(asked[1], env=environment(tmp_path), capture_output=True, check=False)
    for written in (done.stdout.decode(), done.stderr.decode()):
        assert len(written) > 2000
        found = _HIDDEN.search(written.replace("\t", "")) or re.search("[\x1b\r]", written)
        assert found is None, (found, written[max(0, found.start() - 80) : found.end() + 20] if found else "")
    assert "Traceback" not in done.stderr.decode()
    assert "defect" not in done.stderr.decode()
    assert not re.search(r"(?m)(^|,)[=+@-]cmd", done.stdout.decode()), "no cell that a spreadsheet runs"
    assert _files(tmp_path) - before == {"evil.zip"}, "the one file that was asked for"


def _answer(capsys: pytest.CaptureFixture[str], folder: Path, *question: str) -> str:
    assert main([*question, "--manifests", str(folder)]) in (0, 1, 3)
    return capsys.readouterr().out


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize(
    "question",
    [
        *(("matrix", "--by", "namespace", "-o", "json"), ("inventory", "-o", "json"), ("audit", "-o", "json")),
        *(("audit", "-o", "sarif"), ("matrix", "--by", "namespace", "-o", "csv"), ("audit", "-o", "junit")),
        ("charter", "init"),
    ],
    ids=" ".join,
)
def test_forms_for_programs_are_read_back_with_every_name(
    question: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = _answer(capsys, folder, *question)
    if question[-1] in ("json", "sarif"):
        found = list(_texts(json.loads(written)))
    elif question[-1] == "csv":
        rows = list(csv.reader(io.StringIO(written, newline="")))
        assert len({len(row) for row in rows}) == 1, "no name is a column or a row more"
        found = [cell for row in rows for cell in row]
        assert not [cell for cell in found if cell[:1] in tuple("=+-@\t\r")], "no cell that a spreadsheet runs"
    elif question[-1] == "junit":
        top = ElementTree.fromstring(written)
        found = [text for each in top.iter() for text in (each.text or "", *each.attrib.values())]
    else:
        read = yaml.safe_load(written)
        assert isinstance(read["rules"], list)
        assert read["rules"], "no name is a line of the charter"
        default = yaml.safe_load(default_text())
        assert {*read} == {*default} - {"domains"} or {*read} == {*default}
        found = written.split("\n")
    for evil in EVIL:
        name = f"ns-{evil}"
        assert any(name in text or clean(name) in text for text in found), name


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
@pytest.mark.parametrize("question", [("audit", "-o", "html"), ("matrix", "--by", "namespace", "-o", "svg")])
def test_a_browser_runs_nothing_of_it(
    question: tuple[str, ...], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / f"page.{question[-1]}"
    page.write_text(_answer(capsys, folder, *question))
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    dumped = subprocess.run(
        ["chromium", *flags, page.as_uri()], capture_output=True, text=True, timeout=120, check=True
    ).stdout
    assert "document.title=" in dumped, "it is text"
    assert "<script" not in dumped
    assert "<img" not in dumped
    assert not re.search(r"<title>\s*owned", dumped)
    # That a page which runs something would be found out:
    page = tmp_path / "other.html"
    page.write_text(f"<html><head><title>x</title></head><body>{EVIL[-3]}</body></html>")
    dumped = subprocess.run(
        ["chromium", *flags, page.as_uri()], capture_output=True, text=True, timeout=120, check=True
    ).stdout
    assert "<title>owned</title>" in dumped
