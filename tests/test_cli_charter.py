"""``netpol-console charter`` and ``inventory`` as their users run them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from console.cli import main
from console.governance.charter_read import load, read
from console.governance.roles import ROLE_LABEL
from tests.clusters import namespace, pod, policy

Output = pytest.CaptureFixture[str]


class TestInit:
    def test_it_writes_a_charter_of_this_cluster_that_has_no_fault(self, tmp_path: Path, capsys: Output) -> None:
        path = tmp_path / "charter.yaml"
        assert main(["charter", "init", str(path), "--demo"]) == 0
        text = path.read_text()
        assert read(text).problems == ()
        charter = load(text)
        assert charter.name == "AI platform boundaries of demo"
        assert "train-data" in charter.domains
        # Today's paths and what they break stand there as comments.
        assert "#   training reaches\n" in text
        assert "#     feature-store: 6566/TCP, 8815/TCP" in text
        assert "# Of no domain yet: namespace notebooks (notebook)" in text
        assert "#   FAIL     metadata: 2 pairs of 10" in text
        assert main(["audit", "--demo", "--charter", str(path), "-o", "json"]) == 1
        capsys.readouterr()

    def test_it_writes_over_nothing_unless_told_to(self, tmp_path: Path, capsys: Output) -> None:
        path = tmp_path / "charter.yaml"
        path.write_text("mine")
        assert main(["charter", "init", str(path), "--demo"]) == 2
        assert "is there already" in capsys.readouterr().err
        assert path.read_text() == "mine"
        assert main(["charter", "init", str(path), "--demo", "--force"]) == 0
        assert load(path.read_text())

    def test_what_cannot_be_known_is_not_told_as_nothing(self, tmp_path: Path, capsys: Output) -> None:
        cluster = namespace("t") + pod("t", "fit", "10.0.0.1", **{ROLE_LABEL: "training"})
        cluster += namespace("s") + pod("s", "db", "10.0.0.2", **{ROLE_LABEL: "feature-store"})
        file = tmp_path / "cluster.yaml"
        file.write_text(cluster + policy("t", "closed", "{podSelector: {}, policyTypes: [Egress]}"))
        assert main(["charter", "init", "--manifests", str(file)]) == 0
        assert "#   training reaches\n#     nothing\n" in capsys.readouterr().out
        file.write_text(cluster + policy("t", "odd", "{podSelector: 5}"))
        assert main(["charter", "init", "--manifests", str(file)]) == 3
        text = capsys.readouterr().out
        assert "#   training reaches\n#     not known: feature-store, internet" in text
        (line,) = (line for line in text.splitlines() if line.startswith("#   NOT READ"))
        assert "t/odd" in line
        assert read(text).problems == ()

    def test_names_of_a_cluster_are_never_yaml(self, tmp_path: Path, capsys: Output) -> None:
        odd = tmp_path / "a: b\n# c.yaml"
        odd.write_text(namespace("n") + pod("n", "p", "10.0.0.1", app="vllm"))
        assert main(["charter", "init", "--manifests", str(odd)]) == 0
        assert read(capsys.readouterr().out).problems == ()


class TestCheck:
    def test_the_one_inside_is_read_aloud(self, capsys: Output) -> None:
        assert main(["charter", "check"]) == 0
        told = capsys.readouterr().out
        assert "training never reaches the internet" in told

    def test_faults_are_told_as_compilers_tell_theirs(self, tmp_path: Path, capsys: Output) -> None:
        path = tmp_path / "bad.yaml"
        path.write_text("charter: x\nrules:\n  - name: a\n    from: role:trainin\n    never: internet\n")
        assert main(["charter", "check", str(path)]) == 2
        assert f"{path}:4:5: there is no role 'trainin'\n  did you mean training?" in capsys.readouterr().out

    def test_what_does_not_fit_the_cluster_is_told_where_one_is_named(self, tmp_path: Path, capsys: Output) -> None:
        path = tmp_path / "c.yaml"
        path.write_text("charter: x\nrules:\n  - {name: a, from: namespace:nowhere, never: internet}\n")
        assert main(["charter", "check", str(path)]) == 0
        capsys.readouterr()
        assert main(["charter", "check", str(path), "--demo"]) == 1
        assert f"{path}:3:1: warning:" in capsys.readouterr().out

    def test_an_expired_exception_is_told(self, tmp_path: Path, capsys: Output) -> None:
        path = tmp_path / "c.yaml"
        path.write_text(
            "charter: x\nrules:\n  - {name: a, from: ai, never: internet}\n"
            "exceptions:\n  - {rule: a, owner: o, reason: r, until: 2020-01-01}\n"
        )
        assert main(["charter", "check", str(path)]) == 1
        assert f"{path}:5:1: warning: the exception to 'a' expired" in capsys.readouterr().out


class TestExamples:
    def test_the_one_inside_is_as_written(self, capsys: Output) -> None:
        assert main(["charter", "test"]) == 0
        assert "examples are as written" in capsys.readouterr().out

    def test_an_example_that_is_not_names_its_line(self, tmp_path: Path, capsys: Output) -> None:
        path = tmp_path / "c.yaml"
        path.write_text(
            "charter: x\nrules:\n  - {name: a, from: role:training, never: internet}\n"
            "examples:\n  - open: role:training -> internet on 443\n"
        )
        assert main(["charter", "test", str(path)]) == 1
        told = capsys.readouterr().out
        assert f"{path}:5: it breaks 'a', which the example does not say" in told
        assert "0 of 1 examples" in told

    def test_without_examples_there_is_nothing_to_test(self, tmp_path: Path, capsys: Output) -> None:
        path = tmp_path / "c.yaml"
        path.write_text("charter: x\n")
        assert main(["charter", "test", str(path)]) == 2
        assert "has no examples" in capsys.readouterr().err


def test_the_schema_is_json(capsys: Output) -> None:
    assert main(["charter", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["$schema"].endswith("2020-12/schema")


class TestInventory:
    def test_every_workload_with_what_says_so(self, capsys: Output) -> None:
        assert main(["inventory", "--demo", "-o", "json"]) == 0
        found = {each["workload"]: each for each in json.loads(capsys.readouterr().out)["workloads"]}
        trainer = found["training/pytorchjob/llm-finetune"]
        assert (trainer["role"], trainer["domain"], trainer["ai"], trainer["labelled"]) == (
            "training",
            "train-data",
            True,
            True,
        )
        assert trainer["confidence"] > 0.9
        assert trainer["signals"]
        assert not found["notebooks/deployment/hub"]["labelled"]

    def test_text_marks_what_nobody_labelled(self, capsys: Output) -> None:
        assert main(["inventory", "--demo"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert any("deployment/hub" in line and "notebook*" in line for line in lines)
        assert not any("llm-finetune" in line and "*" in line for line in lines)

    def test_csv_is_a_table_and_no_formula(self, tmp_path: Path, capsys: Output) -> None:
        path = tmp_path / "c.yaml"
        path.write_text(
            namespace("n") + pod("n", "p", "10.0.0.1", ports=[], **{"governance.netpol-console.dev/domain": "=cmd()"})
        )
        assert main(["inventory", "--manifests", str(path), "-o", "csv"]) == 0
        (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
        assert row["domain"] == "'=cmd()"
        assert row["pods"] == "1"
