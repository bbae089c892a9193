"""``netpol-console audit`` as its users run it: answers, exit statuses, and the watch over a cluster that lives."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from console.cli import main
from tests.clusters import namespace, pod, policy

CLEAN = """\
charter: one rule
rules:
  - {name: no internet, from: role:training, never: internet}
"""
TRAINER = namespace("t", team="ml") + pod(
    "t", "trainer", "10.0.0.1", ports=[], **{"governance.netpol-console.dev/role": "training"}
)
CLOSED = TRAINER + policy("t", "deny", "{podSelector: {}, policyTypes: [Ingress, Egress]}")

Write = Callable[[str, str], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(name: str, text: str) -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return make


def test_the_demo_breaks_its_charter_and_says_so_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--demo", "-o", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    statuses = {each["name"]: each["status"] for each in found["rules"]}
    assert statuses["training never reaches the internet"] == "pass"
    assert statuses["metadata"] == "fail"
    assert {"code", "severity", "object"} <= found["findings"][0].keys()


def test_at_forty_seconds_training_reaches_the_internet(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--demo", "--at", "40", "-o", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    (rule,) = (each for each in found["rules"] if each["name"] == "training never reaches the internet")
    assert rule["status"] == "fail"
    assert "training/pytorchjob/llm-finetune" in json.dumps(rule["offences"])


@pytest.mark.parametrize(
    ("cluster", "flags", "expected"),
    [
        (TRAINER, [], 1),
        (TRAINER, ["--fail-on", "fail"], 1),
        (TRAINER, ["--fail-on", "unknown"], 0),
        (CLOSED, ["--fail-on", "fail,unknown"], 0),
        (CLOSED, ["--fail-on", "finding:critical"], 0),
    ],
)
def test_the_exit_status_says_what_it_was_asked_to(
    cluster: str, flags: list[str], expected: int, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    found = main(["audit", "--manifests", write("c.yaml", cluster), "--charter", write("charter", CLEAN), *flags])
    assert found == expected, capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "failing"),
    [
        ([], ("high", "medium", "low")),
        (["--fail-on", "finding:high"], ("high",)),
        (["--fail-on", "finding:high,finding:medium,fail"], ("high", "medium")),
        (["--fail-on", "fail,unknown"], ()),
    ],
)
def test_a_finding_fails_in_junit_where_it_makes_the_exit_status(
    flags: list[str], failing: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["audit", "--demo", *flags, "-o", "json"])
    severities = [each["severity"] for each in json.loads(capsys.readouterr().out)["findings"]]
    assert {"high", "medium", "low", "info"} == set(severities)
    main(["audit", "--demo", *flags, "-o", "junit"])
    suite = ElementTree.fromstring(capsys.readouterr().out).findall("testsuite")[1]
    failed = sum(each in failing for each in severities)
    assert (suite.get("failures"), suite.get("skipped")) == (str(failed), str(len(severities) - failed))


def test_what_could_not_be_read_is_no_pass(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    broken = CLOSED + "---\napiVersion: v1\nkind: Pod\nmetadata: {name: [\n"
    charter = write("charter", CLEAN)
    arguments = ["audit", "--manifests", write("c.yaml", broken), "--charter", charter, "-o", "json"]
    assert main([*arguments, "--fail-on", "fail,unknown"]) == 3
    (rule,) = json.loads(capsys.readouterr().out)["rules"]
    assert rule["status"] == "unknown"


def test_a_charter_with_errors_names_each_with_line_and_column(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = "charter: x\nrules:\n  - name: a\n    form: role:training\n    never: internet\n"
    path = write("bad.yaml", bad)
    assert main(["audit", "--demo", "--charter", path]) == 2
    told = capsys.readouterr().err
    assert f"{path}:4:5: unknown key 'form'" in told
    assert "did you mean from?" in told


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--fail-on", "everything"], "is no condition"),
        (["--metrics", "1"], "--metrics is for --watch"),
        (["--watch", "--metrics", "here"], "is no address"),
        (["--charter", "/nowhere.yaml"], "cannot be read"),
    ],
)
def test_what_is_asked_wrongly_is_told(flags: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--demo", *flags]) == 2
    assert words in capsys.readouterr().err


def test_a_watch_over_files_says_one_line_and_ends(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    charter = write("charter", CLEAN)
    assert main(["audit", "--watch", "--manifests", write("c.yaml", TRAINER), "--charter", charter]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert said["rules"] == [{"name": "no internet", "status": "fail"}]
    assert said["turned"][0]["opened"][0]["source"] == "t/pod/trainer"


@pytest.mark.parametrize(
    ("arguments", "module", "package", "extra"),
    [
        (["audit", "--watch", "--metrics", "0"], "prometheus_client", "prometheus-client", "metrics"),
        (["evidence", "-o", "x.zip", "--sign", __file__], "cryptography", "cryptography", "sign"),
        (["matrix", "-o", "svg"], "drawsvg", "drawsvg", "picture"),
    ],
)
def test_a_package_that_is_not_installed_is_named_with_what_brings_it(
    arguments: list[str],
    module: str,
    package: str,
    extra: str,
    monkeypatch: pytest.MonkeyPatch,
    write: Write,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert main([*arguments, "--manifests", write("c.yaml", TRAINER)]) == 2
    told = capsys.readouterr().err
    assert f"need {package}, which is not installed" in told
    assert f"pip install 'netpol-console[{extra}]'" in told


class _Watch:
    """The command over the lively demo, in a process of its own."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "console", "audit", "--demo", "--watch", "--metrics", "0"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"}
        )

    def line(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def served_at(self) -> str:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if "serving" in line:
                return line.split()[-1]
        raise AssertionError("it serves nothing")


def test_a_watch_serves_health_and_metrics_and_ends_when_told() -> None:
    watch = _Watch()
    try:
        url = watch.served_at()
        assert "127.0.0.1" in url
        first = watch.line()
        assert {"name": "metadata", "status": "fail"} in first["rules"]
        metrics = _get(f"{url}/metrics")
        assert 'netpol_console_rule_status{rule="metadata",status="fail"} 1.0' in metrics
        assert 'netpol_console_rule_status{rule="metadata",status="pass"} 0.0' in metrics
        assert _get(f"{url}/healthz") == "ok\n"
        with pytest.raises(urllib.error.HTTPError) as refused:
            _get(f"{url}/secrets")
        refused.value.close()
        assert refused.value.code == 404
        # The first change of the timetable that turns anything comes later; ended by a signal, it is no error.
        watch.process.send_signal(signal.SIGTERM)
        assert watch.process.wait(10) == 0
    finally:
        watch.process.kill()
        watch.process.communicate()


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        body: bytes = answer.read()
        return body.decode()


def test_a_fix_closes_what_breaks_a_rule_and_nothing_else(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    rule = "training never reaches the internet"
    assert main(["audit", "--demo", "--at", "40", "--fix", rule]) == 1
    told = capsys.readouterr().out
    assert "NetworkPolicy training/model-hub-egress: egress rule 1 goes" in told
    assert "opens nothing, closes nothing else" in told
    assert re.search(r"kubectl label pods -n training (llm-finetune-\S+ )+egress-\n", told)
    main(["audit", "--demo", "--at", "40", "--overlay", write("fix.yaml", told), "-o", "json"])
    statuses = {each["name"]: each["status"] for each in json.loads(capsys.readouterr().out)["rules"]}
    assert statuses[rule] == "pass"


def test_fixes_of_a_rule_go_together_and_say_where_there_is_none(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "--demo", "--fix", "deny-ingress", "-o", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    none = [each["to"] for each in found["proposals"] if each["manifest"] is None]
    assert none == ["observability/daemonset/node-exporter"]
    assert all(not each["opens"] for each in found["proposals"])
    main(["audit", "--demo", "--overlay", write("fix.yaml", found["manifest"]), "-o", "json"])
    (rule,) = (each for each in json.loads(capsys.readouterr().out)["rules"] if each["name"] == "deny-ingress")
    assert [each["to"] for each in rule["offences"]] == none


def test_a_fix_opens_what_a_rule_asks_for(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--demo", "--fix", "dns", "-o", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    main(["audit", "--demo", "--overlay", write("fix.yaml", found["manifest"]), "-o", "json"])
    statuses = {each["name"]: each["status"] for each in json.loads(capsys.readouterr().out)["rules"]}
    assert statuses["dns"] == "pass"


def test_a_fix_is_of_a_rule_that_there_is(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["audit", "--manifests", write("c.yaml", CLOSED), "--charter", write("charter", CLEAN), "--fix"]
    assert main([*arguments, "no such"]) == 2
    assert "it has: no internet" in capsys.readouterr().err
    assert main([*arguments, "no internet"]) == 0
    assert "nothing offends this rule" in capsys.readouterr().out
    assert main([*arguments, "no internet", "-o", "html"]) == 2
