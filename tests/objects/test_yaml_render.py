"""The YAML view of an object."""

from __future__ import annotations

import json

import pytest
import yaml

from console.objects.meta import SourceText
from console.objects.yaml_text import load_documents, render, to_yaml


def test_json_of_the_api_server_as_kubectl_users_know_it() -> None:
    served = {
        "status": {"phase": "Running"},
        "kind": "Pod",
        "metadata": {
            "uid": "1",
            "managedFields": [{"manager": "kubectl"}],
            "labels": {"b": "2", "a": "yes"},
            "namespace": "training",
            "name": "llm-0",
        },
        "spec": {
            "nodeName": "node-1",
            "containers": [{"name": "main", "ports": [{"containerPort": 80}]}],
            "volumes": [],
        },
        "apiVersion": "v1",
    }
    assert render(SourceText(json=json.dumps(served).encode())) == (
        "apiVersion: v1\n"
        "kind: Pod\n"
        "metadata:\n"
        "  name: llm-0\n"
        "  namespace: training\n"
        "  labels:\n"
        '    b: "2"\n'
        '    a: "yes"\n'
        '  uid: "1"\n'
        "spec:\n"
        "  nodeName: node-1\n"
        "  containers:\n"
        "  - name: main\n"
        "    ports:\n"
        "    - containerPort: 80\n"
        "  volumes: []\n"
        "status:\n"
        "  phase: Running\n"
    )


def test_a_files_own_text_is_shown_as_it_is() -> None:
    own = "# mine\nkind: Pod   # really\n"
    assert render(SourceText(yaml=own)) == own


@pytest.mark.parametrize(
    "text", ["y", "n", "on", "010", "0o7", "1e3", "1_000", "~", "", "null", "1.5", "0x1F", ".5_5", "true"]
)
def test_strings_that_kubernetes_would_read_as_something_else_are_quoted(text: str) -> None:
    shown = to_yaml({"a": text, text: "b"})
    [document] = load_documents(shown)
    assert document.value == {"a": text, text: "b"}


def test_text_of_several_lines_is_shown_as_lines() -> None:
    assert to_yaml({"a": "x\n  y\n"}) == "a: |\n  x\n    y\n"


def test_long_text_is_not_wrapped() -> None:
    text = "word " * 100 + "end"
    assert to_yaml({"a": text}) == f"a: {text}\n"


@pytest.mark.parametrize(
    "char",
    ["\x1b", "\x00", "\x07", "\x85", "\x9b", "\u202e", "\u2066", "\u200b", "\ufeff", "\ue000", "\U000e0041", "\r"],
)
def test_no_character_that_acts_on_a_terminal_gets_through(char: str) -> None:
    value = {f"k{char}": f"a{char}[/b]\n{char}"}
    shown = to_yaml(value)
    assert char not in shown
    assert shown.isprintable() or set(shown) - {"\n"} == {c for c in shown if c.isprintable()}
    assert yaml.safe_load(shown) == value


def test_ordinary_text_of_any_language_is_left_readable() -> None:
    assert to_yaml({"team": "Größe 训练 обучение"}) == "team: Größe 训练 обучение\n"


def test_an_object_that_is_none_is_still_shown() -> None:
    assert render(SourceText(json=b"[1, {}]")) == "- 1\n- {}\n"
    assert render(SourceText(json=b'{"metadata": 1}')) == "metadata: 1\n"
