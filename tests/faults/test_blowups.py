"""Policies built to be slow: twice as much of anything is not four times the work."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from console.cli import main
from console.cluster.manifests import read
from console.errors import UsageError
from console.governance.groups import By, groups
from console.governance.hygiene import hygiene
from console.objects.meta import ObjectRef
from console.policy import explain_cover, explain_index
from console.policy.difference import difference
from console.policy.ends import connection, parse_end
from console.policy.engine import Engine
from console.policy.explain import explain
from console.policy.fix import fix_for, raw_policy
from console.policy.fix_rules import selector
from console.policy.matrix import matrix
from console.policy.ports import any_port
from console.policy.reach import Reachability
from console.policy.reachable import place, reached_from, reaching
from console.report.text import verdict_lines

from . import hostile
from .hostile import Raw


def _read(objects: list[Raw]) -> Engine:
    text = b"\n".join(msgspec.json.encode(each) for each in objects)
    return Engine(read(["-"], io.BytesIO(text)).snapshot)


def _all_of_it(objects: list[Raw]) -> float:
    """CPU seconds of reading, verdicts with their text and fix, all pairs, what is reached, explaining and hygiene."""
    began = time.process_time()
    engine = _read(objects)
    snapshot = engine.snapshot
    for destination in ("a/d", "ip:20.0.1.7"):
        verdict = engine.evaluate(connection("a/s", destination, "443", snapshot))
        fix = fix_for(engine, verdict, lambda ref: raw_policy(snapshot, ref))
        list(verdict_lines(verdict, fix, trace=True))
    reach = Reachability(engine)
    matrix(reach, groups(reach, By.WORKLOAD))
    for ask, end in ((reached_from, "a/s"), (reaching, "a/d")):
        asked = place(engine, parse_end(end, snapshot))
        ask(asked, groups(asked.reach, By.WORKLOAD))
    for policy in islice(snapshot.policies(), 10):
        explain(engine, policy.ref)
    hygiene(engine, reach)
    return time.process_time() - began


BUILT = [
    *(hostile.labels, hostile.labels_denied, hostile.blocks, hostile.excepts, hostile.ports, hostile.rules),
    *(hostile.rules_of_pods, hostile.policies, hostile.policies_of_pods, hostile.owners, hostile.services),
]


@pytest.mark.parametrize("built", BUILT)
def test_four_times_as_much_is_far_from_sixteen_times_the_work(built: Callable[[int], list[Raw]]) -> None:
    _all_of_it(hostile.cluster(built, 10))
    small, large = (min(_all_of_it(hostile.cluster(built, size)) for _ in range(2)) for size in (150, 600))
    assert large < 10 * max(small, 0.005)


def test_ports_that_policies_cut_are_put_side_by_side_at_once() -> None:
    def spent(size: int) -> float:
        objects = hostile.cluster(hostile.policies, size)
        old, new = _read(objects[:-1]), _read(objects)
        began = time.process_time()
        assert difference(old, new).changes
        return time.process_time() - began

    small, large = (min(spent(size) for _ in range(2)) for size in (400, 1600))
    assert large < 10 * max(small, 0.005)


def test_expressions_of_values_are_read_once() -> None:
    small, large = (min(_all_of_it(hostile.cluster(hostile.expressions, size)) for _ in range(2)) for size in (50, 200))
    assert large < 40 * max(small, 0.005), "sixteen times the text"


@pytest.mark.parametrize("built", [hostile.rules, hostile.rules_of_pods, hostile.policies, hostile.policies_of_pods])
def test_a_rule_is_compared_with_those_that_name_what_it_names(
    built: Callable[[int], list[Raw]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    def counted(narrow: explain_cover.Shape, wide: explain_cover.Shape) -> bool:
        nonlocal asked
        asked += 1
        return explain_cover.within(narrow, wide)

    monkeypatch.setattr(explain_index, "within", counted)
    engine = _read(hostile.cluster(built, 100))
    for policy in engine.snapshot.policies():
        explain(engine, policy.ref)
    assert 0 < asked <= 500, "of ten thousand pairs"


def test_networks_are_compared_with_those_around_them(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    within = explain_cover.NetworkShape.within

    def counted(narrow: explain_cover.NetworkShape, wide: explain_cover.NetworkShape) -> bool:
        nonlocal asked
        asked += 1
        return within(narrow, wide)

    monkeypatch.setattr(explain_cover.NetworkShape, "within", counted)
    explain(_read(hostile.cluster(hostile.blocks, 300)), ObjectRef("NetworkPolicy", "a", "p"))
    assert asked <= 2000, "of six hundred exceptions, each in one of three hundred networks"


def test_the_labels_of_a_fix_are_each_looked_at_once() -> None:
    engine = _read(hostile.cluster(hostile.labels_denied, 30_000))
    pods = list(engine.snapshot.contents["a"].pods.values())
    asked = [pod for pod in pods if pod.name in ("d", "x")]
    # The one label that keeps y out; what names it last, so that it is the only one that is left.
    assert selector(engine.snapshot, asked) == {"matchLabels": {"k1": "v"}}


def test_a_matrix_that_no_memory_holds_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cluster.json"
    objects = hostile.cluster(hostile.namespaces, 2_400)
    file.write_bytes(b"\n".join(msgspec.json.encode(each) for each in objects))
    assert main(["matrix", "--by", "namespace", "-o", "csv", "--manifests", str(file)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "2,401 × 2,401" in said.err
    assert "--within NAMESPACE" in said.err
    assert main(["matrix", "--by", "pod", "--within", "n7", "-o", "csv", "--manifests", str(file)]) == 0


def test_ranges_beyond_counting_are_refused_and_one_port_is_not() -> None:
    engine = _read([hostile.pod("s", "10.0.0.1", {}), *hostile.ports(8000)])
    end = parse_end("a/s", engine.snapshot)
    with pytest.raises(UsageError, match="cut the TCP ports between these ends into"):
        any_port(engine, parse_end("internet", engine.snapshot), end)
    assert engine.evaluate(connection("internet", "a/s", "8", engine.snapshot)).outcome


def test_json_that_is_deeper_than_any_object_is_told() -> None:
    raw = b'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","labels":' + b"[" * 5000 + b"]" * 5000 + b"}}"
    good = msgspec.json.encode(hostile.pod("s", "10.0.0.1", {}))
    found = read(["-"], io.BytesIO(good + b"\n---\n" + raw))
    assert [pod.name for pod in found.snapshot.pods()] == ["s"]
    assert any("nested" in each.message for each in found.diagnostics)
    assert not found.snapshot.coverage.complete
