"""Files of YAML and JSON, cut into documents: each with its value, its own text and its place."""

from __future__ import annotations

import gc
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.objects.nesting import MAX_DEPTH, too_deep
from console.objects.yaml_text import Document, load_documents, render, to_yaml

LIST = """\
apiVersion: v1
# what kubectl get -o yaml prints
items:
- apiVersion: v1
  kind: Pod
  metadata:
    name: a
    annotations:
      note: |
        - kind: Fake
        items:
- apiVersion: v1
  kind: Pod
  metadata:
    name: b

# the last
-   apiVersion: v1
    kind: Pod
    metadata: {name: c}
kind: List
metadata:
  resourceVersion: ""
"""


def load(text: str) -> list[Document]:
    return list(load_documents(text, file="f.yaml"))


def values(text: str) -> list[Any]:
    documents = load(text)
    assert [problem for document in documents for problem in document.problems] == []
    return [document.value for document in documents]


def problem(text: str) -> tuple[int, str]:
    """The line and message of the only problem of a text."""
    [found] = [problem for document in load(text) for problem in document.problems]
    assert found.file == "f.yaml"
    return found.line, found.message


def test_documents_keep_their_place_and_text() -> None:
    documents = load("# head\na: 1\n---\n\n--- # next\nb: 2\n...\n--- {c: 3}\n---\nd: 4")
    assert [document.value for document in documents] == [{"a": 1}, {"b": 2}, {"c": 3}, {"d": 4}]
    assert [(document.text.line, document.text.yaml) for document in documents] == [
        (1, "# head\na: 1\n"),
        (6, "b: 2\n"),
        (8, "--- {c: 3}\n"),
        (10, "d: 4"),
    ]
    assert {document.text.file for document in documents} == {"f.yaml"}


@pytest.mark.parametrize(
    "text", ["", "\n", "---\n---\n", "# only\n---\n# comments", "%YAML 1.1\n---\n", "--- ~\n", "\ufeff"]
)
def test_what_is_empty_is_no_document(text: str) -> None:
    assert load(text) == []


def test_markers_count_only_where_yaml_says_so() -> None:
    assert values("a: |\n  ---\n  b\n---x: 1\n") == [{"a": "---\nb\n", "---x": 1}]
    assert values("a: '---'\n") == [{"a": "---"}]
    assert values("---\ta: 1\n---\nb: 2\n".replace("\ta: 1", "\t# c")) == [{"b": 2}]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_byte_order_marks_and_line_ends_of_other_systems(end: str) -> None:
    documents = load("\ufeff" + "a: |\n  x\n---\nb: 2\n".replace("\n", end))
    assert [document.value for document in documents] == [{"a": "x\n"}, {"b": 2}]
    assert documents[1].text.line == 4


@pytest.mark.parametrize(
    ("broken", "line", "message"),
    [
        ("a:\n\tb: 1\n", 4, "a tab is used for indentation"),
        ("a: 'x\nb: 1\n", 3, "a quote is opened here and never closed"),
        ("a: [1,\nb: 1\n", 3, "a `[` that is never closed, or a comma missing after it"),
        ("a: b: c\n", 3, "a second `key:` where a value is expected"),
        ("a: 1\nb\nc: 2\n", 5, "a line that is neither `key: value` nor `- item`"),
        ("a: 1\na: 2\n", 4, "the key a is given twice"),
        ("a: {{x: 1}: 2}\nb: 1\n", 3, "this is a template, not YAML: it holds {{ … }}"),
        ("a: { {x: 1}: 2}\nb: 1\n", 3, "a mapping or a list cannot be a key"),
        ("? - a\n  - b\n\n\n", 3, "a mapping or a list cannot be a key"),
        ("a: @x\n", 3, "a value cannot start with @"),
        ("a: *x\n", 3, "no anchor &x comes before this"),
        ("a: &x [*x]\n", 3, "the anchor &x contains itself"),
        ("a: \x07\n", 3, "the character U+0007 is not allowed in YAML"),
        ("  a: 1\nb: 2\n", 4, "a line outside the mapping or list above"),
        ("a: !x!y z\n", 3, "a tag (`!…`) that is declared nowhere"),
        ("a: {{ .Values.x }}\n", 3, "this is a template, not YAML: it holds {{ … }}"),
        ("{{- if .Values.x }}\na: 1\n{{- end }}\n", 3, "this is a template, not YAML: it holds {{ … }}"),
    ],
)
def test_a_broken_document_loses_only_itself(broken: str, line: int, message: str) -> None:
    text = f"ok: 1\n---\n{broken}---\nok: 2\n"
    assert problem(text) == (line, message)
    assert [document.value for document in load(text) if not document.problems] == [{"ok": 1}, {"ok": 2}]


def test_every_duplicate_key_is_named_with_its_path_and_the_last_value_is_kept() -> None:
    [document] = load(
        "spec:\n  a: 1\n  list:\n  - x: 1\n    x: 2\n  a: {q: 1, q: 2}\nmetadata:\n  labels: {a.b/c: 1, a.b/c: 2}\n"
    )
    assert [(found.line, found.path) for found in document.problems] == [
        (5, "spec.list[0].x"),
        (6, "spec.a.q"),
        (6, "spec.a"),
        (8, "metadata.labels[a.b/c]"),
    ]
    assert document.value["spec"]["a"] == {"q": 2}


def test_merge_keys() -> None:
    bases = "base: &b {a: 1, b: 2}\nother: &o {a: 3, c: 4}\n"
    [value] = values(f"{bases}use:\n  <<: *b\n  b: 5\nboth:\n  <<: [*b, *o]\nafter:\n  a: 0\n  <<: *b\n")
    assert value["use"] == {"a": 1, "b": 5}
    assert value["both"] == {"a": 1, "b": 2, "c": 4}
    assert value["after"] == {"a": 1, "b": 2}  # as go-yaml v2 does: << replaces what stands above it
    assert problem("use:\n  <<: 1\n") == (2, "<< takes a mapping, or a list of mappings")
    assert values("'<<': {a: 1}\n") == [{"<<": {"a": 1}}]


def test_aliases_share_what_they_stand_for() -> None:
    [value] = values("a: &x {k: [1, &s two]}\nb: *x\nc: *s\n*s : 3\n")
    assert value == {"a": {"k": [1, "two"]}, "b": {"k": [1, "two"]}, "c": "two", "two": 3}
    assert value["a"] is value["b"]


def bomb(levels: int) -> str:
    return "a0: &a0 [x, x]\n" + "".join(
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, levels)
    )


@pytest.mark.parametrize(
    "text",
    [
        bomb(12),  # hundreds of billions of values in a kilobyte
        "a: &a x\nb: [" + "*a," * 1_000_000 + "]\n",
        f"a: &a {'x' * 1_000_000}\nb: [" + "*a," * 20_000 + "]\n",
        "a: &a {" + "".join(f"k{index}: 1, " for index in range(1000)) + "}\n" + "b:\n" + "- <<: *a\n" * 20_000,
    ],
    ids=["nested", "million aliases", "long text", "merges"],
)
def test_an_alias_bomb_is_refused_within_bounded_memory(text: str) -> None:
    tracemalloc.start()
    _, message = problem(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert message == "aliases would expand this document to more than 100,000 values"
    assert peak < 20 * len(text) + 5_000_000


def test_aliases_within_reason_are_no_bomb() -> None:
    [value] = values("x: &x [1, 2, 3]\nz: [" + "*x," * 10_000 + "]\n")
    assert len(value["z"]) == 10_000


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "- " * 100_000, "{a: " * 1_000, "a:\n" + "".join(f"{' ' * n}a:\n" for n in range(1, 300))]
)
def test_what_nests_too_deep_is_refused(text: str) -> None:
    assert "nested" in problem(text)[1]


def test_nesting_up_to_the_limit_is_fine() -> None:
    assert len(values("[" * MAX_DEPTH + "]" * MAX_DEPTH)) == 1
    deep: Any = None
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert values(to_yaml(deep)) == [deep]


def levels(value: Any) -> int:
    """How deep a value nests, level by level."""
    layer, found = [value], 0
    while layer := [each for each in layer if isinstance(each, list | dict)]:
        found += 1
        layer = [inner for each in layer for inner in (each.values() if isinstance(each, dict) else each)]
    return found


@given(
    st.recursive(
        st.none() | st.text('[]{}"\\x', max_size=4),
        lambda inner: st.lists(inner) | st.dictionaries(st.text('[]{}"\\x', max_size=4), inner),
    ),
    st.integers(MAX_DEPTH - 12, MAX_DEPTH + 3),
    st.booleans(),
)
def test_brackets_in_strings_nest_nothing(value: Any, around: int, objects: bool) -> None:
    for number in range(around):
        value = {"]": "}", "k": value} if objects and number % 2 else ["[[", value, '\\"']
    assert too_deep(json.dumps(value).encode()) is (levels(value) > MAX_DEPTH)


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 500, 5_000, 50_000, 500_000])
def test_json_is_refused_at_the_same_depth_on_every_python(depth: int) -> None:
    policy = '{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"p"},"x":'
    assert problem(policy + "[" * (depth - 1) + "]" * (depth - 1) + "}") == (1, "nested more than 200 levels deep")


def test_a_list_is_handed_out_item_by_item_each_with_its_own_text() -> None:
    documents = load(LIST)
    assert [document.value["metadata"]["name"] for document in documents] == ["a", "b", "c"]
    assert documents[0].value["metadata"]["annotations"]["note"] == "- kind: Fake\nitems:\n"
    assert [document.text.line for document in documents] == [4, 12, 18]
    assert documents[1].text.yaml == "apiVersion: v1\nkind: Pod\nmetadata:\n  name: b\n\n# the last\n"
    assert documents[2].text.yaml == "apiVersion: v1\nkind: Pod\nmetadata: {name: c}\n"


def test_lists_in_lists_and_indented_items() -> None:
    text = "kind: List\nitems:\n  # one\n  - kind: List\n    items:\n      - kind: A\n      - kind: B\n  - kind: C\n"
    documents = load(text)
    assert [document.value for document in documents] == [{"kind": "A"}, {"kind": "B"}, {"kind": "C"}]
    assert [document.text.line for document in documents] == [6, 7, 8]


@pytest.mark.parametrize(
    "text",
    [
        "kind: List\nitems: [{kind: A}, {kind: B}]\n",
        "{kind: List, items: [{kind: A}, {kind: B}]}\n",
        '{"kind": "List", "items": [{"kind": "A"}, {"kind": "List", "items": [{"kind": "B"}]}]}',
        '{"kind": "A"}\n{"kind": "B"}',
        "kind: List\nitems:\n- &a\n  kind: A\n- kind: B\n",
        "kind: List\nitems:\n-\n  kind: A\n-\n  kind: B\n",
        "kind: List\nitems:\n- {kind: A}\n- kind: B",
    ],
)
def test_lists_written_in_other_ways(text: str) -> None:
    assert values(text) == [{"kind": "A"}, {"kind": "B"}]


def test_anchors_may_tie_the_items_of_a_list_together() -> None:
    documents = load("kind: List\nitems:\n- kind: A\n  x: &x {a: 1}\n- kind: B\n  x: *x\n")
    assert [document.value["x"] for document in documents] == [{"a": 1}, {"a": 1}]
    assert [document.text.line for document in documents] == [3, 5]
    assert render(documents[1].text) == "kind: B\nx:\n  a: 1\n"


def test_items_of_typed_lists_get_the_kind_that_the_list_says() -> None:
    text = "apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: a}\n"
    assert values(text) == values(
        json.dumps({"apiVersion": "v1", "kind": "PodList", "items": [{"metadata": {"name": "a"}}]})
    )
    assert values(text) == [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}]


def test_an_empty_list_has_no_documents() -> None:
    assert load("kind: List\nitems: []\n") == load('{"kind": "List", "items": []}') == []


def test_a_broken_item_loses_only_itself() -> None:
    text = "kind: List\nitems:\n- kind: A\n- kind: B\n  x: 'y\n- kind: C\n- kind: D\n  d: 1\n  d: 2\n"
    documents = load(text)
    assert [document.value for document in documents if not document.problems] == [{"kind": "A"}, {"kind": "C"}]
    assert [found.line for document in documents for found in document.problems] == [5, 9]


def test_a_problem_after_the_items_has_its_own_line() -> None:
    text = "kind: List\nitems:\n- kind: A\n- kind: B\nmetadata:\n  a: 1\n  a: 2\n"
    assert problem(text) == (7, "the key a is given twice")
    assert [document.value for document in load(text) if not document.problems] == [{"kind": "A"}, {"kind": "B"}]


def test_dedenting_an_item_makes_no_error_of_it_valid() -> None:
    # The second line is further left than the item's keys: no YAML, wherever it is moved.
    assert problem("kind: List\nitems:\n-   a:\n  b: 2\n")[0] == 4


def test_items_that_are_no_list_of_objects_stay_where_they_are() -> None:
    assert values("items:\n- a\n- b\nkind: Values\n") == [{"items": ["a", "b"], "kind": "Values"}]
    assert values("kind: PodList\nitems: 1\n") == [{"kind": "PodList", "items": 1}]


def test_json_objects_keep_their_bytes_and_lines() -> None:
    first, second = '{"kind": "A",\n  "x": [1]}', '{"kind":"B"}'
    documents = load(f'{{"kind": "List", "items": [\n{first},\n{second}]}}\n{{"kind": "C"}}')
    assert [document.text.json for document in documents] == [first.encode(), second.encode(), b'{"kind": "C"}']
    assert [document.text.line for document in documents] == [2, 4, 5]


def test_json_with_a_key_given_twice_in_a_policy() -> None:
    assert problem('{"kind": "NetworkPolicy", "spec": {"ingress": [], "ingress": [{}]}}') == (
        1,
        "the key ingress is given twice",
    )


def test_broken_json_says_where_and_keeps_what_stands_before() -> None:
    documents = load('{"kind": "A"}\n{"kind": "B",\n "x": }')
    assert documents[0].value == {"kind": "A"}
    [found] = documents[1].problems
    assert (found.line, found.message) == (3, "JSON is malformed: invalid character")
    long = "x" * (1 << 20)
    assert "JSON is malformed" in problem(f'{{"a": "{long}", }}}}')[1]
    assert problem(f'{{"a":\n"{long}"') == (2, "the JSON is cut off: it ends too early")


def test_yaml_in_flow_style_is_no_broken_json() -> None:
    assert values("{a: 1, b: [x,],}\n") == [{"a": 1, "b": ["x"]}]


NAMES = st.text("abc/.-0", min_size=1, max_size=6)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(max_size=8)
    | st.sampled_from(["a\n- b\n", "x\n#y\n", "y", "0o7"])
)
OBJECTS = st.dictionaries(
    NAMES,
    st.recursive(
        LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
    ),
    min_size=1,
)


@settings(max_examples=80, deadline=None)
@given(st.lists(OBJECTS, min_size=1, max_size=4), st.booleans(), st.booleans())
def test_a_list_means_the_same_as_its_items_one_by_one(objects: list[Any], sort: bool, as_json: bool) -> None:
    listed = {"apiVersion": "v1", "items": objects, "kind": "List", "metadata": {"resourceVersion": ""}}
    text = json.dumps(listed, indent=1) if as_json else to_yaml(dict(sorted(listed.items(), reverse=sort)))
    documents = load(text)
    assert [document.value for document in documents] == objects
    for document in documents:
        assert values(render(document.text)) == [document.value]


def test_loading_leaves_the_garbage_collector_alone() -> None:
    before = gc.isenabled()
    load(LIST)
    assert gc.isenabled() is before


@settings(max_examples=100, deadline=None)
@given(OBJECTS)
def test_what_is_rendered_reads_back_as_the_same_value(value: Any) -> None:
    assert values(to_yaml(value)) == [value]


def test_what_stands_behind_a_containers_log_is_not_taken_for_the_cluster() -> None:
    pod = '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}\n'
    name = "logs for container x of pod n/a ====\n"
    forged = pod.replace('"a"', '"forged"')
    documents = load(f"{pod}==== START {name}GET / 200\n==== END {name}{forged}==== END {name}{pod}")
    assert [document.value and document.value["metadata"]["name"] for document in documents] == ["a", None]
    [told] = documents[1].problems
    assert told.line == 2
    assert "container logs begin here" in told.message
    assert "--output-directory" in told.hint
