"""``matrix``, ``reach`` and ``diff`` as users and scripts meet them."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from console.cli import main
from tests.clusters import namespace, pod, policy

Output = pytest.CaptureFixture[str]
OPEN = (
    namespace("a")
    + namespace("b")
    + pod("a", "src", "10.0.0.1", role="client")
    + pod("b", "dst", "10.0.0.2", role="server")
)
SHUT = policy("b", "in", "{podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: 80}]}]}")
HALF = policy("b", "in", "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 80}]}]}")
INSIDE = policy("a", "out", "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}]}]}")


def file(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def answer(capsys: Output, *arguments: str) -> tuple[int, Any]:
    """The exit status and the JSON printed."""
    status = main([*arguments, "-o", "json"])
    return status, json.loads(capsys.readouterr().out)


def told(found: Any) -> list[tuple[str, list[str], list[str], list[str], list[str]]]:
    return [
        (
            change["kind"],
            [part["name"] for part in change["from"]],
            [part["name"] for part in change["to"]],
            change["opened"],
            change["closed"],
        )
        for change in found["changes"]
    ]


class TestDiff:
    def test_the_demo_opens_training_to_the_internet_by_a_label(self, capsys: Output):
        status, found = answer(capsys, "diff", "demo", "demo@60", "--fail-on", "opened")
        assert status == 1
        assert ("opened", ["training/pytorchjob/llm-finetune"], ["internet"], ["443/TCP"], []) in told(found)
        (change,) = (each for each in found["changes"] if each["to"][0]["name"] == "internet")
        assert {
            "what": "changed",
            "objects": [
                {"kind": "Pod", "namespace": "training", "name": f"llm-finetune-{name}"}
                for name in ("master-0", "worker-0", "worker-1", "worker-2")
            ],
            "fact": "label egress: (none) → model-hub",
        } in change["causes"]
        assert change["from"] == [{"name": "training/pytorchjob/llm-finetune", "count": 4, "of": 4}]
        assert (change["was"]["outcome"], change["now"]["outcome"]) == ("blocked", "allowed")
        assert [each["workload"] for each in found["removed"]] == ["training/job/dataset-tokenize"]

    def test_the_demo_closes_it_again(self, capsys: Output):
        assert main(["diff", "demo@60", "demo@100"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "demo@60 → demo@100  −1 closed"
        at = lines.index("− closed   training/pytorchjob/llm-finetune → internet  443/TCP")
        assert "    NetworkPolicy training/model-hub-egress applies no more" in lines[at:]
        assert any("label egress: model-hub → (none)" in line and "llm-finetune" in line for line in lines[at:])

    def test_two_files_by_their_ports(self, tmp_path: Path, capsys: Output):
        old, new = file(tmp_path, "old.yaml", OPEN + SHUT + INSIDE), file(tmp_path, "new.yaml", OPEN + HALF + INSIDE)
        status, found = answer(capsys, "diff", old, new)
        assert status == 0
        assert ("opened", ["a/pod/src"], ["b/pod/dst"], ["80/TCP"], []) in told(found)
        (cause,) = found["changes"][0]["causes"]
        assert (cause["what"], cause["fact"]) == ("changed", "spec.ingress changed")

    @pytest.mark.parametrize(("fail_on", "forth", "back"), [("opened", 1, 0), ("closed", 0, 1), ("any", 1, 1)])
    def test_what_fails_is_chosen(self, fail_on: str, forth: int, back: int, tmp_path: Path, capsys: Output):
        old, new = file(tmp_path, "old.yaml", OPEN + SHUT), file(tmp_path, "new.yaml", OPEN + HALF)
        assert main(["diff", old, new, "--fail-on", fail_on]) == forth
        assert main(["diff", new, old, "--fail-on", fail_on]) == back
        assert main(["diff", new, new, "--fail-on", fail_on]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == f"{new} → {new}  no path differs"

    def test_a_workload_that_is_new_is_apart_and_fails_on_any_difference_only(self, tmp_path: Path, capsys: Output):
        old, new = file(tmp_path, "old.yaml", OPEN), file(tmp_path, "new.yaml", OPEN + pod("b", "thief", "10.0.0.3"))
        assert main(["diff", old, new, "--fail-on", "opened"]) == 0
        assert "  b/pod/thief (1 pod)  reaches internet every port" in capsys.readouterr().out
        assert main(["diff", old, new, "--fail-on", "any"]) == 1

    def test_an_overlay_is_held_against_what_it_lies_on(self, tmp_path: Path, capsys: Output):
        base, over = file(tmp_path, "base.yaml", OPEN + INSIDE), file(tmp_path, "over.yaml", SHUT)
        assert main(["diff", "--overlay", over, "--manifests", base, "--fail-on", "closed"]) == 1
        out = capsys.readouterr().out
        assert out.startswith(f"before → with {over}  ")
        assert "NetworkPolicy b/in added" in out

    def test_one_of_the_two_may_be_standard_input(self, tmp_path: Path):
        new = file(tmp_path, "new.yaml", OPEN + SHUT)
        done = subprocess.run(
            [sys.executable, "-m", "console", "diff", "-", new, "--fail-on", "closed"],
            input=OPEN,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (1, "")

    def test_what_cannot_be_known_is_a_status_of_its_own(self, tmp_path: Path, capsys: Output):
        foreign = """---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {namespace: b, name: x}
spec: {endpointSelector: {}}
"""
        old, new = file(tmp_path, "old.yaml", OPEN), file(tmp_path, "new.yaml", OPEN + foreign)
        status, found = answer(capsys, "diff", old, new)
        assert status == 3
        assert {change["kind"] for change in found["changes"]} == {"unknown"}
        causes = [cause for change in found["changes"] for cause in change["causes"] if cause["what"] == "unread"]
        assert {cause["objects"][0]["name"] for cause in causes} == {"x"}
        # The same doubt on both sides is no difference.
        assert main(["diff", new, new]) == 0

    @pytest.mark.parametrize(("arguments", "said"), [
        (["demo"], "needs OLD and NEW"),
        ([], "or --overlay FILE"),
        (["-", "-"], "standard input can be read once"),
        (["demo", "demo@soon"], "names no moment"),
        (["demo", "/nowhere"], "/nowhere"),
        (["demo", "demo", "--demo"], "two sources"),
        (["demo", "demo", "--overlay", "x"], "two sources"),
    ])  # fmt: skip
    def test_what_cannot_be_compared_is_one_message(self, arguments: list[str], said: str, capsys: Output):
        assert main(["diff", *arguments]) == 2
        out, err = capsys.readouterr()
        assert said in err
        assert (out, "Traceback" in err) == ("", False)


class TestReach:
    def test_everything_a_workload_reaches_by_namespace_and_role(self, capsys: Output):
        assert main(["reach", "training/pytorchjob/llm-finetune", "--demo"]) == 0
        lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
        assert lines[0].startswith("training/pytorchjob/llm-finetune (4 pods) reaches 9 of ")
        at = lines.index("  feature-store")
        assert lines[at + 1].split() == ["feature-store", "●", "deployment/feast-offline", "8815/TCP"]
        assert lines[at + 2].split() == ["●", "deployment/feast-online", "6566/TCP"]
        assert ["○", "internet"] in [line.split() for line in lines[lines.index("  outside") :]]

    def test_everything_that_reaches_a_service_on_its_target_ports(self, capsys: Output):
        status, found = answer(capsys, "reach", "--to", "svc:feature-store/feast-online", "--demo")
        assert status == 0
        by_name = {each["workload"]: each for each in found["workloads"]}
        assert by_name["training/pytorchjob/llm-finetune"]["ports"] == ["6566/TCP"]
        assert by_name["training/pytorchjob/llm-finetune"]["role"] == "training"
        assert found["outside"] == []

    def test_only_the_port_asked_for(self, tmp_path: Path, capsys: Output):
        manifests = file(tmp_path, "x.yaml", OPEN + HALF)
        for port, reached in (("80", ["a/pod/src"]), ("81", []), ("80/UDP", [])):
            status, found = answer(capsys, "reach", "--to", "b/dst", "--port", port, "--manifests", manifests)
            assert (status, [each["workload"] for each in found["workloads"]]) == (0, reached)

    @pytest.mark.parametrize("end", ["a/src", "a/pod/src", "namespace:a", "ip:10.0.0.1"])
    def test_a_pod_by_every_name_it_has(self, end: str, tmp_path: Path, capsys: Output):
        manifests = file(tmp_path, "x.yaml", OPEN + HALF)
        _, found = answer(capsys, "reach", end, "--manifests", manifests)
        assert [(each["workload"], each["ports"]) for each in found["workloads"]] == [("b/pod/dst", ["80/TCP"])]

    @pytest.mark.parametrize("end", ["internet", "metadata", "ip:8.8.8.8", "ip:10.9.9.9", "cidr:192.168.0.0/16"])
    def test_the_outside_reaches_in_too(self, end: str, tmp_path: Path, capsys: Output):
        manifests = file(tmp_path, "x.yaml", OPEN + SHUT)
        _, found = answer(capsys, "reach", end, "--manifests", manifests)
        assert [each["workload"] for each in found["workloads"]] == ["a/pod/src"]
        assert found["outside"] == []

    def test_a_part_of_the_outside_is_told_from_the_rest(self, tmp_path: Path, capsys: Output):
        rules = "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 8.8.8.0/24}}]}]}"
        manifests = file(tmp_path, "x.yaml", OPEN + policy("a", "out", rules))
        for end, reached in (("ip:8.8.8.8", ["a/pod/src", "b/pod/dst"]), ("ip:8.8.4.4", ["b/pod/dst"])):
            _, found = answer(capsys, "reach", "--to", end, "--manifests", manifests)
            assert [each["workload"] for each in found["workloads"]] == reached

    def test_what_is_uncertain_is_marked(self, tmp_path: Path, capsys: Output):
        foreign = (
            "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
            "metadata: {namespace: b, name: x}\nspec: {endpointSelector: {}}\n"
        )
        manifests = file(tmp_path, "x.yaml", OPEN + foreign)
        assert main(["reach", "a/src", "--manifests", manifests]) == 3
        assert "? pod/dst  ? every port" in capsys.readouterr().out

    def test_pods_that_could_not_be_read_are_told(self, tmp_path: Path, capsys: Output):
        file(tmp_path, "x.yaml", OPEN)
        file(tmp_path, "half.yaml", "kind: [Pod\n")
        assert main(["reach", "a/src", "--manifests", str(tmp_path)]) == 3
        assert "not seen: pods that could not be read" in capsys.readouterr().out

    def test_the_blast_radius_is_a_tree_with_ports_and_where_to_cut_it(self, capsys: Output):
        question = ["reach", "training/pytorchjob/llm-finetune", "--demo", "--hops", "3"]
        assert main([*question, "--target", "internet", "--target", "role:vector-db"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "training/pytorchjob/llm-finetune within 3 hops"
        assert lines[1].startswith("  hop 1  8 workloads: ")
        at = lines.index("● internet  in 2 hops")
        assert lines[at + 1] == "    training/pytorchjob/llm-finetune"
        assert lines[at + 3] == "       └─ every port → internet"
        assert lines[at + 2].startswith("    └─ ")
        cut = next(n for n, line in enumerate(lines) if line.startswith("    close these"))
        assert "      training/pytorchjob/llm-finetune → registry/deployment/mlflow  5000/TCP" in lines[cut:]

    def test_the_blast_radius_of_a_namespace_as_json(self, tmp_path: Path, capsys: Output):
        manifests = file(tmp_path, "x.yaml", OPEN + HALF + INSIDE)
        status, found = answer(capsys, "reach", "namespace:a", "--manifests", manifests, "--hops", "2")
        assert status == 0
        assert {"hops": 1, "from": ["namespace:a"], "to": ["b/pod/dst"], "ports": ["80/TCP"], "sure": True} in found[
            "reached"
        ]
        (internet, _) = found["targets"]
        assert (internet["hops"], internet["through"], internet["cut_paths"]) == (2, ["b/pod/dst"], 1)
        assert [[edge["to"] for edge in chain] for chain in internet["chains"]] == [[["b/pod/dst"], ["internet"]]]

    @pytest.mark.parametrize(("arguments", "said"), [
        ([], "needs SRC"),
        (["a/src", "--to", "b/dst"], "needs SRC"),
        (["a/src", "--target", "internet"], "add --hops"),
        (["a/src", "--hops", "0"], "leads nowhere"),
        (["--to", "a/src", "--hops", "2"], "starts from SRC"),
        (["a/src", "--hops", "2", "--target", "rule:x"], "names no target"),
        (["a/src", "--hops", "2", "--target", "namespace:z"], "no workload belongs"),
        (["a/srk"], "did you mean a/src"),
        (["ip:127.0.0.1"], "neither a pod nor a place outside"),
    ])  # fmt: skip
    def test_what_cannot_be_asked_is_one_message(self, arguments: list[str], said: str, tmp_path: Path, capsys: Output):
        manifests = file(tmp_path, "x.yaml", OPEN)
        assert main(["reach", *arguments, "--manifests", manifests]) == 2
        out, err = capsys.readouterr()
        assert said in err
        assert (out, "Traceback" in err) == ("", False)

    def test_one_hop_does_not_pay_for_networkx(self, tmp_path: Path):
        manifests = file(tmp_path, "x.yaml", OPEN)
        code = (
            "import sys; from console.cli import main; "
            f"main(['reach', 'a/src', '--manifests', {manifests!r}]); main(['diff', {manifests!r}, {manifests!r}]); "
            "sys.exit('networkx' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


class TestMatrix:
    def test_one_port_or_any(self, tmp_path: Path, capsys: Output):
        manifests = file(tmp_path, "x.yaml", OPEN + HALF)
        for arguments, outcome in (((), "allowed"), (("--port", "80"), "allowed"), (("--port", "443/TCP"), "blocked")):
            status, found = answer(capsys, "matrix", "--by", "pod", "--manifests", manifests, *arguments)
            cells = {(cell["from"], cell["to"]): cell for cell in found["cells"]}
            assert (status, cells["a/src", "b/dst"]["outcome"]) == (0, outcome)
        assert main(["matrix", "--port", "http", "--manifests", manifests]) == 2

    def test_a_namespace_is_no_formula(self, tmp_path: Path, capsys: Output):
        manifests = file(tmp_path, "x.yaml", OPEN + pod("=cmd|' /C calc'!A0", "x", "10.0.0.3"))
        assert main(["matrix", "-o", "csv", "--manifests", manifests]) == 0
        head, *rows = csv.reader(io.StringIO(capsys.readouterr().out))
        assert "'=cmd|' /C calc'!A0" in head
        assert not [cell for row in [head, *rows] for cell in row if cell.startswith("=")]

    @pytest.mark.parametrize("form", ["text", "csv", "dot", "mermaid"])
    def test_no_form_hands_a_name_to_the_terminal(self, form: str, tmp_path: Path, capsys: Output):
        hostile = '---\napiVersion: v1\nkind: Pod\nmetadata: {namespace: a, name: "x\\e]52;c;aGk=\\a\\u202e"}\n'
        manifests = file(tmp_path, "x.yaml", OPEN + hostile)
        assert main(["matrix", "--by", "pod", "-o", form, "--manifests", manifests]) == 0
        out = capsys.readouterr().out
        assert "52;c;aGk=" in out or "52#59;c" in out
        assert not any(character in out for character in "\x1b\x07\u202e")


def test_a_matrix_without_pods_that_could_not_be_read_says_so(tmp_path: Path, capsys: Output):
    broken = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: [q], namespace: b}\nspec: {containers: []}\n"
    assert main(["matrix", "--by", "pod", "-o", "csv", "--manifests", file(tmp_path, "c.yaml", OPEN + broken)]) == 3
    shown = capsys.readouterr()
    assert "not seen: pods that could not be read" in shown.err
    assert shown.out.startswith("from,")
