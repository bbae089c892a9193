"""The command line as users and scripts meet it: answers on stdout, talk on stderr, the exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from console.cli import main
from tests.clusters import pod, policy

CLUSTER = (
    pod("a", "src", "10.0.0.1", role="client")
    + pod("b", "dst", "10.0.0.2", role="server", ports=[{"name": "http", "containerPort": 80}])
    + policy("b", "in", "{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {role: x}}}]}]}")
)
Output = pytest.CaptureFixture[str]


@pytest.fixture
def manifests(tmp_path: Path) -> str:
    (tmp_path / "cluster.yaml").write_text(CLUSTER)
    return str(tmp_path)


@pytest.mark.parametrize(("question", "status", "answer"), [
    ("training/pytorchjob/llm-finetune feature-store/deploy/feast-online --port 6566/TCP", 0, "ALLOWED"),
    ("training/pytorchjob/llm-finetune internet --port 443/TCP", 1, "BLOCKED"),
    ("serving/deploy/vllm-llama svc:observability/otel-collector --port 4317/TCP", 0, "ALLOWED"),
    ("serving/deploy/vllm-llama internet --port 443/TCP", 1, "BLOCKED"),
    ("gateway/deploy/litellm internet --port 443/TCP", 0, "ALLOWED"),
    ("notebooks/deploy/hub ip:169.254.169.254 --port 80/TCP", 0, "ALLOWED"),
    ("training/pytorchjob/llm-finetune internet --port 443/TCP --at 60", 0, "ALLOWED"),
])  # fmt: skip
def test_the_demo_answers(question: str, status: int, answer: str, capsys: Output):
    assert main(["simulate", *question.split(), "--demo"]) == status
    assert answer in capsys.readouterr().out.splitlines()[1]


def test_json_has_the_whole_answer(manifests: str, capsys: Output):
    assert main(["simulate", "a/src", "b/dst", "--port", "http", "-o", "json", "--manifests", manifests]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["outcome"], answer["port"], answer["protocol"]) == ("blocked", 80, "TCP")
    assert answer["egress"]["allowed"] is True
    assert answer["ingress"]["isolated_by"] == [{"kind": "NetworkPolicy", "namespace": "b", "name": "in"}]
    (miss,) = answer["near_misses"]
    assert miss["path"] == "spec.ingress[0]"
    assert [clause["path"] for clause in miss["failed"]] == [
        "spec.ingress[0].from[0].podSelector",
        "spec.ingress[0].from[0].podSelector.matchLabels.role",
    ]
    assert "kind: NetworkPolicy" in answer["fix"]["manifest"]
    assert answer["fix"]["opens"] == []


def test_a_proposed_fix_opens_the_path_when_it_is_applied(manifests: str, capsys: Output):
    main(["simulate", "a/src", "b/dst", "--port", "80", "-o", "json", "--manifests", manifests])
    Path(manifests, "fix.yaml").write_text(json.loads(capsys.readouterr().out)["fix"]["manifest"])
    assert main(["simulate", "a/src", "b/dst", "--port", "80", "--manifests", manifests]) == 0


def test_without_a_port_every_port_is_answered(manifests: str, capsys: Output):
    assert main(["simulate", "b/dst", "a/src", "--manifests", manifests]) == 0
    assert "every port" in capsys.readouterr().out
    question = ["simulate", "training/pytorchjob/llm-finetune", "feature-store/deploy/feast-online", "--demo"]
    assert main([*question, "-o", "json"]) == 1
    spans = json.loads(capsys.readouterr().out)["ports"]
    allowed = [(span["protocol"], span["low"], span["high"]) for span in spans if span["outcome"] == "allowed"]
    assert allowed == [("TCP", 6566, 6566)]
    assert all(
        sum(s["high"] - s["low"] + 1 for s in spans if s["protocol"] == name) == 65535 for name in ("TCP", "UDP")
    )


def test_an_allowed_path_has_nothing_to_fix(manifests: str, capsys: Output):
    assert main(["simulate", "b/dst", "a/src", "--port", "80", "-o", "json", "--manifests", manifests]) == 0
    assert json.loads(capsys.readouterr().out)["fix"] is None


class TestBatch:
    def test_answers_each_line_in_order_and_ignores_what_it_does_not_know(
        self, manifests: str, tmp_path: Path, capsys: Output
    ):
        ends = {"src": {"namespace": "a", "pod": "src"}, "dst": {"namespace": "b", "pod": "dst"}}
        back = {"src": ends["dst"], "dst": ends["src"]}
        rows = [
            {"id": 7, **ends, "protocol": "TCP", "port": 80, "expect": "deny", "manifests": "elsewhere"},
            {"id": "b", **back, "protocol": "UDP", "port": 53},
            {"id": "c", "src": {"ip": "8.8.8.8"}, "dst": ends["dst"], "protocol": "TCP", "port": 80},
        ]
        questions = tmp_path / "questions.jsonl"
        questions.write_text("\n\n".join(map(json.dumps, rows)))
        assert main(["simulate", "--batch", str(questions), "--manifests", manifests + "/cluster.yaml"]) == 0
        answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert answers == [
            {"id": 7, "outcome": "blocked"},
            {"id": "b", "outcome": "allowed"},
            {"id": "c", "outcome": "blocked"},
        ]

    def test_a_line_that_cannot_be_asked_loses_only_itself(self, manifests: str, tmp_path: Path, capsys: Output):
        questions = tmp_path / "questions.jsonl"
        good = {"id": 2, "src": "a/src", "dst": "b/dst", "port": 80}
        lines = ["{half", "[]", '{"id": 1}', json.dumps(good), json.dumps({**good, "id": 3, "dst": "b/dts"})]
        questions.write_text("\n".join(lines))
        assert main(["simulate", "--batch", str(questions), "--manifests", manifests + "/cluster.yaml"]) == 2
        out, err = capsys.readouterr()
        answers = [json.loads(line) for line in out.splitlines()]
        assert [answer["outcome"] for answer in answers] == ["error", "error", "error", "blocked", "error"]
        assert "questions.jsonl:5" in err
        assert "did you mean b/dst" in err

    def test_unknown_is_a_status_of_its_own(self, manifests: str, tmp_path: Path, capsys: Output):
        Path(manifests, "half.yaml").write_text("kind: [NetworkPolicy\n")
        questions = tmp_path / "q.jsonl"
        questions.write_text(json.dumps({"id": 1, "src": "b/dst", "dst": "a/src", "port": 80}))
        assert main(["simulate", "--batch", str(questions), "--manifests", manifests]) == 3
        assert json.loads(capsys.readouterr().out)["outcome"] == "unknown"


def test_a_policy_is_explained(capsys: Output):
    assert main(["explain", "training/model-hub-egress", "--demo"]) == 1
    out = capsys.readouterr().out
    assert "SELECTS_NO_POD" in out
    assert "OPEN_INTERNET" in out
    assert main(["explain", "training/model-hub-egres", "--demo"]) == 2
    assert "did you mean training/model-hub-egress" in capsys.readouterr().err


def test_the_matrix_reads_without_colour_and_for_machines(capsys: Output):
    assert main(["matrix", "--demo", "--by", "role"]) == 0
    rows = {line[5:].split()[0]: line for line in capsys.readouterr().out.splitlines()[1:] if line[:4].strip()}
    assert rows["training"].rstrip().split("│")[1].split() == ["○", "○", "○", "○"]
    assert main(["matrix", "--demo", "--within", "training", "--by", "workload", "-o", "json"]) == 0
    cells = {(cell["from"], cell["to"]): cell for cell in json.loads(capsys.readouterr().out)["cells"]}
    mine = "training/pytorchjob/llm-finetune"
    assert cells[mine, "internet"]["outcome"] == "blocked"
    assert cells[mine, mine]["ports"] == ["23456/TCP", "29500–29999/TCP"]


@pytest.mark.parametrize(("arguments", "said"), [
    (["simulat"], "did you mean simulate"),
    (["simulate"], "needs SRC and DST"),
    (["simulate", "a/src", "b/dst", "--port", "80", "--demo", "--manifests", "x"], "two sources"),
    (["simulate", "a/src", "b/dst", "--port", "80", "--at", "3", "--manifests", "x"], "use it with --demo"),
    (["simulate", "--batch", "/nowhere.jsonl", "--demo"], "/nowhere.jsonl cannot be read"),
    (["simulate", "a/src", "b/dst", "--port", "80", "--manifests", "/nowhere"], "/nowhere"),
    (["simulate", "training/nope", "internet", "--port", "80", "--demo"], "no pod training/nope"),
    (["simulate", "x/y", "internet", "--port", "443/ICMP", "--demo"], "ICMP"),
    (["--frobnicate"], "--frobnicate"),
])  # fmt: skip
def test_a_question_that_cannot_be_asked_is_one_message_and_status_2(arguments: list[str], said: str, capsys: Output):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert out == ""
    assert "Traceback" not in err


def test_a_kubeconfig_that_points_nowhere_is_status_3_and_says_what_to_do(tmp_path: Path, capsys: Output):
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "dead",
        "contexts": [{"name": "dead", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "u", "user": {}}],
    }
    file = tmp_path / "config"
    file.write_text(json.dumps(config))
    assert main(["simulate", "a/b", "c/d", "--port", "80", "--kubeconfig", str(file)]) == 3
    err = capsys.readouterr().err
    assert "dead" in err
    assert "refused" in err


def test_a_console_without_a_terminal_says_so():
    done = subprocess.run(
        [sys.executable, "-m", "console", "--demo"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "needs a terminal" in done.stderr


@pytest.mark.parametrize("environment", [{"LC_ALL": "C", "PYTHONUTF8": "0"}, {"TERM": "dumb"}, {"NO_COLOR": "1"}])
def test_glyphs_never_end_a_run(environment: dict[str, str], manifests: str):
    done = subprocess.run(
        [sys.executable, "-m", "console", "simulate", "a/src", "b/dst", "--port", "80", "--manifests", manifests],
        capture_output=True,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 1
    assert b"BLOCKED" in done.stdout
    assert b"\x1b" not in done.stdout


def test_a_reader_that_goes_away_is_no_error(manifests: str):
    command = f"{sys.executable} -m console simulate a/src b/dst --port 80 --trace --manifests {manifests} | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_what_a_label_says_never_reaches_the_terminal(tmp_path: Path, capsys: Output):
    (tmp_path / "x.yaml").write_text(CLUSTER.replace("role: client", 'role: "\\e]52;c;aGk=\\a[/oops]\\u202e"'))
    main(["simulate", "a/src", "b/dst", "--port", "80", "--manifests", str(tmp_path)])
    out, err = capsys.readouterr()
    assert not any(character in out + err for character in "\x1b\x07\u202e")
    assert "[/oops]" in out


def test_help_does_not_load_what_it_does_not_need():
    code = "import sys; from console.cli import main; main(['simulate', '--help'])"
    probe = "; import atexit; atexit.register(lambda: print([m for m in heavy if m in sys.modules], file=sys.stderr))"
    heavy = "heavy = ['textual', 'rich', 'kubernetes', 'networkx', 'yaml', 'msgspec', 'rapidfuzz']; "
    done = subprocess.run(
        [sys.executable, "-c", heavy + "import sys" + probe + "; " + code], capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == "[]"
