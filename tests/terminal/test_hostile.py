"""A cluster whose every name tries to be more than a name: nothing of it reaches a terminal, a clipboard or a file."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

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
)
_OSC: Final = re.compile(rb"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
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
    assert not re.search(rb"owned\x07|ZXZpbA==\x07|\x1b\]52|\x1b\]8;[^;]*;http|\x1b\[2J\x1b\[31mred", written)
    # The terminal framework sets the shape of the mouse's pointer (OSC 22), and nothing else.
    assert {each[:5] for each in _OSC.findall(written)} <= {b"\x1b]22;"}
    shown = _OSC.sub(b"", written).decode()
    found = _HIDDEN.search(shown.replace("\x1b", ""))
    assert found is None, (found, shown[max(0, found.start() - 80) : found.end() + 20] if found else "")
    assert "[bold red]" in shown, "markup is text"
    assert _files(tmp_path) == before


def _questions() -> list[list[str]]:
    evil = EVIL[0]
    pod, policy = f"ns-{evil}/pod-{evil}", f"ns-{evil}/pol-{evil}"
    asked = [
        ["matrix", "--by", by, "-o", form] for by, form in (("pod", "text"), ("workload", "json"), ("role", "csv"))
    ]
    asked += [["matrix", "--by", "namespace", "-o", form] for form in ("csv", "dot", "mermaid")]
    asked += [["simulate", pod, "internet", "--port", "443", "--trace"], ["simulate", pod, "internet", "-o", "json"]]
    asked += [["explain", policy], ["explain", policy, "-o", "json"], ["reach", pod], ["reach", pod, "--hops", "2"]]
    asked += [["simulate", f"ns-{evil}/nobody", pod], ["explain", evil], [evil], ["reach", pod, "-o", "json"]]
    return asked


def test_nothing_of_it_is_obeyed_where_a_command_writes(folder: Path, tmp_path: Path) -> None:
    before = _files(tmp_path)
    # One process for all of them: what is under test is what they write.
    program = "import sys, json; from console.cli import main; [main(each) for each in json.loads(sys.argv[1])]"
    source = ["--manifests", str(folder)]
    asked = json.dumps([[*each, *source] for each in _questions()])
    done = subprocess.run(
        [sys.executable, "-c", program, asked], env=environment(tmp_path), capture_output=True, check=False
    )
    for written in (done.stdout.decode(), done.stderr.decode()):
        assert len(written) > 2000
        found = _HIDDEN.search(written.replace("\t", "")) or re.search("[\x1b\r]", written)
        assert found is None, (found, written[max(0, found.start() - 80) : found.end() + 20] if found else "")
    assert "Traceback" not in done.stderr.decode()
    assert "defect" not in done.stderr.decode()
    assert not re.search(r"(?m)(^|,)[=+@-]cmd", done.stdout.decode()), "no cell that a spreadsheet runs"
    assert _files(tmp_path) == before
