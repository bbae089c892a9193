"""The quick reader of plain documents has no opinion of its own: what it reads, the complete reader reads the same."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from console.objects.yaml_events import YamlError
from console.objects.yaml_lines import UNREAD, LineReader
from console.objects.yaml_values import read

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: llm-0   # the first
  labels:
    app.kubernetes.io/name: llm
    "training.kubeflow.org/job-name": 'fine''tune'
    version: "1.0"
    rank: '0'
  annotations:
    note: |
      one
        two

      # three: no comment
    last: |-
      end
  managedFields:
  - manager: kubelet
    fieldsV1:
      f:status:
        f:conditions:
          k:{"type":"Ready"}:
            .: {}
            f:lastProbeTime: {}
spec:
  containers:
  - args:
    - --port=8080
    - -v
    - a:b
    - exec python -m server --model /models/llm --max-num-seqs
      256 --gpu-memory-utilization 0.92  # wrapped
    name: main
    ports:
      - containerPort: 8080
        protocol: TCP
      - containerPort: 0o7
    resources: {}
  # nothing else
  volumes: []

status:
  podIPs:
  - ip: 10.0.0.1
  conditions:
  -   type: Ready
      status: "False"
      message: 'containers with unready status: [main], because it''s
        still starting: wait'
      lastProbeTime: null
  matrix:
  - - 1
    - 2
  - - 3
"""

SCALARS = [
    *(
        "a",
        "b c",
        "1",
        "010",
        "yes",
        "~",
        "null",
        "1e3",
        "-1",
        "- x",
        "--x",
        "'q'",
        "'it''s'",
        '"d"',
        '"x\\n"',
        "{}",
        "[]",
    ),
    *(
        "|",
        "|-",
        "|+",
        "|2",
        ">",
        "{a: 1}",
        "[1, 2]",
        "a:b",
        "a: b",
        "a #c",
        "a#c",
        "# c",
        "*x",
        "&x a",
        "!!str 1",
        "x:",
    ),
    *("a  b", " ", "", "?", "? a", "<<", "=", "http://x:80/y", "@x", "'a' b", '"k": v', "a - b", "a : b", "a :b", "é"),
    *(
        "\ta",
        "a\t",
        "--- a",
        "- |",
        "- a: |",
        "'",
        '"',
        "{",
        "}",
        "[]x",
        "x: |-",
        "1:",
        "y:",
        "'a b':",
        "~:",
        ".inf",
        "k: {}",
    ),
]
KEYS = ["a", "b", "c", "y", "1", "k", "f:m", "'q'", "-1", "~"]
LINES = st.one_of(
    st.builds("{}{}:".format, st.sampled_from(["", "", "  ", "    "]), st.sampled_from(KEYS)),
    st.builds(
        "{}{}: {}".format, st.sampled_from(["", "  ", "   ", "    "]), st.sampled_from(KEYS), st.sampled_from(SCALARS)
    ),
    st.builds(
        "{}- {}: {}".format, st.sampled_from(["", "  ", "    "]), st.sampled_from(KEYS), st.sampled_from(SCALARS)
    ),
    st.builds("{}- {}".format, st.sampled_from(["", "  ", "    "]), st.sampled_from(SCALARS)),
    st.builds("{}- - {}".format, st.sampled_from(["", "  "]), st.sampled_from(SCALARS)),
    st.builds("{}{}".format, st.sampled_from(["", "  ", "    "]), st.sampled_from(SCALARS)),
    st.sampled_from(["", "# c", "  # c"]),
)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.sampled_from(["a: b", "- a", "x\ny\n", "010"])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc/.-y1", min_size=1, max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)


def agree(text: str) -> Any:
    """What the quick reader makes of a text, after checking that the complete one makes the same of it."""
    quick = LineReader().read(text)
    if quick is not UNREAD:
        complete = read(text)
        assert not complete.problems
        assert repr(complete.value) == repr(quick)
    return quick


def test_what_kubectl_prints_is_read_quickly() -> None:
    value = agree(POD)
    assert value is not UNREAD
    assert value["metadata"]["annotations"] == {"note": "one\n  two\n\n# three: no comment\n", "last": "end"}
    assert value["status"]["matrix"] == [[1, 2], [3]]
    assert value["status"]["conditions"][0]["message"] == (
        "containers with unready status: [main], because it's still starting: wait"
    )
    assert value["spec"]["containers"][0]["args"][-1] == (
        "exec python -m server --model /models/llm --max-num-seqs 256 --gpu-memory-utilization 0.92"
    )


@pytest.mark.parametrize(
    "text",
    [
        "a: {b: 1}\n",
        "a: &x 1\n",
        "a: *x\n",
        "a: !!str 1\n",
        "a: b\n\n  c\n",
        "a: b\nc\n",
        "a: b # c\n  d\n",
        "a:\n  b\n",
        "a: 'b\nc'\n",
        "a: 'b\n\n  c'\n",
        "a: '\n  c'\n",
        "a: 'b\n",
        "- a\n  - b\n",
        "a: >\n  b\n",
        "a: 1\na: 2\n",
        "a:\n\tb: 1\n",
        "a:\n  b: 1\n c: 2\n",
        "a: 'é'\n",
        "a: .nan\n",
        "<<: 1\n",
        "a: |\n",
        "a: |\n b",
        "---  a: 1\n",
        "- " * 30 + "a\n",
        "".join(f"{' ' * depth}a:\n" for depth in range(300)),
    ],
)
def test_what_needs_a_parser_is_left_to_it(text: str) -> None:
    assert LineReader().read(text) is UNREAD


@settings(max_examples=1500, deadline=None)
@given(st.lists(LINES, max_size=7), st.sampled_from(["", "\n"]))
@example(["a:", "- |", "  b", "    c", "", "   ", "d: 1"], "\n")
@example(["a: |", "  b", "    "], "\n")
@example(["a: b", "  - c"], "\n")
@example(["a: b", "  1", "  c #", "b: 2"], "")
@example(["- 'a ", "   b''", "   c ' "], "\n")
def test_both_readers_agree_on_any_lines(lines: list[str], end: str) -> None:
    try:
        agree("\n".join(lines) + end)
    except YamlError as error:  # pragma: no cover - only on failure
        pytest.fail(f"read quickly, but it is an error: {error}")


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_both_readers_agree_on_whatever_a_dumper_writes(value: Any) -> None:
    agree(yaml.dump(value, default_flow_style=False))


@given(st.lists(st.sampled_from(POD.splitlines()), min_size=1, max_size=12))
@settings(max_examples=300, deadline=None)
def test_both_readers_agree_on_lines_shuffled(lines: list[str]) -> None:
    try:
        agree("\n".join(lines) + "\n")
    except YamlError as error:  # pragma: no cover - only on failure
        pytest.fail(f"read quickly, but it is an error: {error}")


@pytest.mark.parametrize("part", ["a: x ", "- ", "a", "'", "a:", " ", "''", '"a" ', "# ", "- a: "])
def test_a_long_line_takes_no_more_than_linear_time(part: str) -> None:
    # If any repetition in the pattern were quadratic, this would take minutes.
    for end in ("", " #", ":", "\t"):
        LineReader().read(part * 100_000 + end + "\n")
