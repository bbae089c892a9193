"""Pointing into a YAML text: the lines of the value at a path."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from console.objects.yaml_text import Positions, load_documents, locate

POLICY = """\
# feast: who may come in
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: feast-ingress

spec:
  podSelector: {}
  ingress:
  - from:
    - namespaceSelector:
        matchLabels: {team: ml}
      podSelector:
        matchLabels: {role: trainer}

    # the online port
    ports:
    - port: online
    - {port: 8815,
       protocol: TCP}
  - from: &everyone
      - podSelector: {}
  - from: *everyone
  policyTypes:
    - Ingress
"""


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        ((), (2, 25)),
        (("metadata",), (4, 5)),
        (("metadata", "name"), (5, 5)),
        (("spec",), (7, 25)),
        (("spec", "podSelector"), (8, 8)),
        (("spec", "ingress"), (9, 23)),
        (("spec", "ingress", 0), (10, 20)),
        (("spec", "ingress", 0, "from"), (10, 14)),
        (("spec", "ingress", 0, "from", 0), (11, 14)),
        (("spec", "ingress", 0, "from", 0, "podSelector"), (13, 14)),
        (("spec", "ingress", 0, "from", 0, "podSelector", "matchLabels", "role"), (14, 14)),
        (("spec", "ingress", 0, "ports", 0), (18, 18)),
        (("spec", "ingress", 0, "ports", 1), (19, 20)),
        (("spec", "ingress", 0, "ports", 1, "protocol"), (20, 20)),
        (("spec", "ingress", 1), (21, 22)),
        # An alias stands where it is written, what is inside it where its anchor is.
        (("spec", "ingress", 2, "from"), (23, 23)),
        (("spec", "ingress", 2, "from", 0, "podSelector"), (22, 22)),
        (("spec", "policyTypes"), (24, 25)),
    ],
)
def test_the_lines_of_each_part_its_key_included(path: tuple[str | int, ...], lines: tuple[int, int]) -> None:
    assert Positions(POLICY).lines(path) == lines
    assert locate(POLICY, path) == lines


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        (("spec", "egress"), (7, 25)),
        (("spec", "ingress", 9), (9, 23)),
        (("spec", "ingress", 0, "ports", 0, "protocol"), (18, 18)),
        (("spec", "podSelector", "matchLabels", "a"), (8, 8)),
        (("metadata", "name", 0), (5, 5)),
        (("nothing",), (2, 25)),
    ],
)
def test_a_path_that_leads_nowhere_gives_its_nearest_ancestor(
    path: tuple[str | int, ...], lines: tuple[int, int]
) -> None:
    assert locate(POLICY, path) == lines


def test_merged_keys_are_found_where_they_are_written() -> None:
    text = "base: &base\n  a: 1\n  b: 2\nuse:\n  <<: *base\n  b: 3\nmany:\n  <<: [*base]\n"
    places = Positions(text)
    assert places.lines(("use", "a")) == (2, 2)
    assert places.lines(("use", "b")) == (6, 6)
    assert places.lines(("many", "b")) == (3, 3)


def test_keys_are_named_as_in_the_value() -> None:
    assert locate("1: a\ny: b\n'y': c\n", ("1",)) == (1, 1)
    assert locate("1: a\ny: b\n'y': c\n", ("true",)) == (2, 2)
    assert locate("1: a\ny: b\n'y': c\n", ("y",)) == (3, 3)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a: |\n  x\n\n  y\n\n\nb: 1\n", (1, 4)),
        ("a: |+\n  x\n\n\nb: 1\n", (1, 4)),
        ("a: >-  # c\n  x\n  y\n# c\nb: 1\n", (1, 3)),
        ("a: |\n  x", (1, 2)),
        ("a: 'x\n\n  y'\nb: 1\n", (1, 3)),
        ("a: x\n  y\n\nb: 1\n", (1, 2)),
        ("a:\n# c\nb: 1\n", (1, 1)),
        ("a: !!str\nb: 1\n", (1, 1)),
        ("a:\n\n  x\nb: 1\n", (1, 3)),
        ("a: [\n  1,\n]\nb: 1\n", (1, 3)),
    ],
)
def test_scalars_of_several_lines(text: str, lines: tuple[int, int]) -> None:
    assert locate(text, ("a",)) == lines


def test_a_text_that_is_no_yaml_is_pointed_at_as_a_whole() -> None:
    assert locate("a: 1\nb: [\nc: 2\n", ("a",)) == (1, 3)
    assert locate("", ("a",)) is None


def test_a_bomb_of_merges_is_survived() -> None:
    keys = "".join(f"  k{index}: 1\n" for index in range(2_000))
    uses = "".join(f"u{index}: {{<<: *base}}\n" for index in range(2_000))
    assert locate(f"base: &base\n{keys}{uses}", ("u0", "k7")) == (9, 9)


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-100, 100),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12),
    st.sampled_from(["a: b", "- a", "x\ny\n", "x\n\n", "\n", "# a", "word " * 30, "010"]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc/.-", min_size=1, max_size=6), inner, max_size=4)
    ),
    max_leaves=15,
).filter(lambda value: isinstance(value, (dict, list)))


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*path, index))


def read_back(text: str) -> Iterator[Any]:
    """What cut-out lines can mean: as they are, or with dashes at their start taken away one by one."""
    while True:
        yield yaml.safe_load("key:\n" + textwrap.indent(textwrap.dedent(text), " "))["key"]
        if not text.lstrip().startswith("-"):
            return
        text = text.replace("-", " ", 1)


@settings(max_examples=200, deadline=None)
@given(VALUES, st.sampled_from([None, "|", '"']), st.booleans())
def test_the_lines_of_any_value_read_back_as_that_value(value: Any, style: str | None, unicode: bool) -> None:
    text = yaml.dump(value, default_flow_style=False, default_style=style, allow_unicode=unicode, sort_keys=False)
    places = Positions(text)
    lines = text.splitlines(keepends=True)
    for path, expected in paths(value):
        found = places.lines(path)
        assert found is not None
        first, last = found
        wanted = {path[-1]: expected} if path and isinstance(path[-1], str) else expected
        assert any(back == wanted for back in read_back("".join(lines[first - 1 : last]))), (path, found, text)


@settings(max_examples=100, deadline=None)
@given(VALUES)
def test_parts_follow_each_other_and_stay_within_the_whole(value: Any) -> None:
    text = yaml.dump(value, default_flow_style=False, sort_keys=False)
    places = Positions(text)
    for path, part in paths(value):
        first, last = places.lines(path) or (0, 0)
        at = first - 1
        for step in part if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ():
            inner = places.lines((*path, step))
            assert inner is not None
            assert at < inner[0] <= inner[1] <= last
            at = inner[1]


def test_lines_of_a_document_count_from_its_own_text() -> None:
    documents = list(load_documents(f"a: 1\n---\n{POLICY}", file="f.yaml"))
    text = documents[1].text
    assert text.yaml is not None
    assert text.line == 3
    assert locate(text.yaml, ("spec", "podSelector")) == (8, 8)
