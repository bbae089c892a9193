"""What is loaded before the console paints for the first time: a terminal's patience is half a second."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

#: Opens the console as far as its screen, and prints what was imported by then.
PROBE = """
import io, sys

class Terminal(io.StringIO):
    def isatty(self):
        return True

import console.tui.app

def run(source, **others):
    print(*sys.modules, sep="\\n", file=answer)
    return 0

console.tui.app.run = run
answer, sys.stdin, sys.stdout = sys.stdout, Terminal(), Terminal()
from console.cli import main
sys.exit(main(sys.argv[1:]))
"""


def loaded(tmp_path: Path, *flags: str) -> set[str]:
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", PROBE, *flags], capture_output=True, text=True, timeout=60, env=home)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def of(folders: set[str], modules: set[str]) -> set[str]:
    return {name for name in modules if any(name == each or name.startswith(f"{each}.") for each in folders)}


@pytest.mark.parametrize("flags", [("--demo",), ("--manifests", "here.yaml")])
def test_the_first_paint_waits_for_screens_alone(tmp_path: Path, flags: tuple[str, ...]):
    modules = loaded(tmp_path, *flags)
    assert of({"textual"}, modules)
    late = {"console.cluster", "console.demo", "console.objects", "console.policy", "console.governance"}
    assert of(late | {"kubernetes", "msgspec", "yaml", "rapidfuzz", "networkx"}, modules) == set()


def test_of_a_cluster_the_kubeconfig_alone_is_read_before(tmp_path: Path):
    kubeconfig = tmp_path / "config"
    context = {"name": "here", "context": {"cluster": "here", "user": "me"}}
    cluster = {"name": "here", "cluster": {"server": "http://127.0.0.1:1"}}
    kubeconfig.write_text(
        json.dumps({"current-context": "here", "contexts": [context], "clusters": [cluster], "users": [{"name": "me"}]})
    )
    modules = loaded(tmp_path, "--kubeconfig", str(kubeconfig))
    late = {"console.cluster.live", "console.demo", "console.objects.decode", "console.policy", "console.governance"}
    assert of(late | {"kubernetes", "rapidfuzz", "networkx"}, modules) == set()
