"""Structs are ready to be decoded into before threads share them: msgspec crashes where two come first together."""

from __future__ import annotations

import subprocess
import sys

#: Runs what follows, and prints the structs that msgspec came to know after the import of their module.
WATCH = """
import sys, threading
import msgspec._utils

LOOKED_UP = msgspec._utils.get_class_annotations.__code__

def watch(frame, event, argument):
    if event == "call" and frame.f_code is LOOKED_UP:
        name, at = frame.f_locals["obj"], frame
        while at is not None and not at.f_code.co_filename.startswith("<frozen importlib"):
            at = at.f_back
        if at is None:
            print("late:", name, file=sys.stderr)

threading.setprofile(watch)
sys.setprofile(watch)
"""


def late(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", WATCH + program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return "\n".join(line for line in done.stderr.splitlines() if line.startswith("late:"))


def test_the_watch_sees_a_struct_that_is_not_ready():
    program = "import msgspec\nclass Odd(msgspec.Struct): pass\nmsgspec.json.decode(b'{}', type=Odd)"
    assert "Odd" in late(program)


def test_a_cluster_is_read_into_structs_that_are_ready():
    question = ["simulate", "training/pytorchjob/llm-finetune", "internet", "--port", "443/TCP", "--demo"]
    assert late(f"from console.cli import main\nassert main({question}) == 1") == ""


def test_watchers_that_are_refused_together_read_statuses_that_are_ready():
    assert late('from console.cluster.failures import refusal\nrefusal(403, b\'{"message": "no"}\')') == ""
