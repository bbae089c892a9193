"""Kubeconfigs as people have them, broken ones above all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from console.cluster.contexts import from_dict, in_cluster, load, load_context
from console.errors import InputError


def config(*contexts: str, current: str = "", server: str = "https://10.0.0.1:6443", **user: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": current,
        "contexts": [{"name": name, "context": {"cluster": "c", "user": "u", "namespace": name}} for name in contexts],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user}],
    }


def write(path: Path, raw: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(raw if isinstance(raw, str) else yaml.safe_dump(raw), "utf-8")
    return path


def env(*paths: Path, home: Path | None = None) -> dict[str, str]:
    return {"KUBECONFIG": os.pathsep.join(map(str, paths)), **({"HOME": str(home)} if home else {})}


def test_the_current_context_is_taken_unless_another_is_named(tmp_path: Path) -> None:
    path = str(write(tmp_path / "config", config("prod", "stage", current="stage")))
    assert load(path).contexts == ("prod", "stage")
    assert load_context(path).title == "stage"
    assert load_context(path, context="prod").context().namespace == "prod"


def test_files_are_merged_and_the_first_to_say_something_wins(tmp_path: Path) -> None:
    first = write(tmp_path / "one" / "config", config("a", server="https://first:1"))
    second = write(tmp_path / "two" / "config", config("a", "b", current="b", server="https://second:2"))
    merged = load(environ=env(first, tmp_path / "missing", second))
    assert merged.contexts == ("a", "b")
    assert merged.current == "b"
    assert merged.context("b").cluster.server == "https://first:1"


def test_without_kubeconfig_in_the_environment_the_home_folder_has_it(tmp_path: Path) -> None:
    write(tmp_path / ".kube" / "config", config("home", current="home"))
    assert load_context(environ={"HOME": str(tmp_path)}).title == "home"


def test_a_context_without_a_namespace_is_in_default() -> None:
    raw = config("a", current="a")
    del raw["contexts"][0]["context"]["namespace"]
    assert from_dict(raw).context().namespace == "default"


def test_relative_paths_count_from_the_file_that_has_them(tmp_path: Path) -> None:
    raw = config("a", current="a", tokenFile="token")
    context = load_context(str(write(tmp_path / "deep" / "config", raw))).context()
    assert context.user_folder == tmp_path / "deep"


def test_a_rotated_file_is_read_again_under_the_same_context(tmp_path: Path) -> None:
    path = write(tmp_path / "config", config("a", "b", current="a", token="old"))
    target = load_context(str(path))
    write(path, config("a", "b", current="b", token="new"))
    assert target.context().user.token == "new"
    assert target.context().name == "a"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("contexts: [", ", line 1: this is not YAML"),
        ("a: 1\n\tb: 2\n", ", line 2: this is not YAML"),
        ("- just\n- a list\n", "must be a mapping"),
        ("contexts: 7\n", "expected array | null, got int at contexts"),
        ("users: [{name: u, user: {token: [1]}}]", "expected str, got array at users[0].user.token"),
        ("", "has no current context"),
        (yaml.safe_dump(config("a")), "has no current context"),
        (yaml.safe_dump(config("a", current="gone")), "no context gone"),
        (yaml.safe_dump({**config("a", current="a"), "clusters": []}), "names the cluster c, which is not defined"),
        (yaml.safe_dump({**config("a", current="a"), "users": []}), "names the user u, who is not defined"),
        (yaml.safe_dump(config("a", current="a", server="")), "cluster c has no server"),
    ],
)
def test_a_broken_kubeconfig_is_one_clear_message(tmp_path: Path, text: str, says: str) -> None:
    path = write(tmp_path / "config", text)
    with pytest.raises(InputError) as caught:
        load_context(str(path))
    assert says in caught.value.message
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_no_message_quotes_the_secrets_around_a_mistake(tmp_path: Path) -> None:
    path = write(tmp_path / "config", "users:\n- user: {token: s3cr3t-token\n  name: [\n")
    with pytest.raises(InputError) as caught:
        load(str(path))
    assert "s3cr3t" not in str(caught.value)
    context = from_dict(config("a", current="a", token="s3cr3t", password="s3cr3t")).context()
    assert "s3cr3t" not in repr(context)


def test_an_unknown_context_names_the_nearest(tmp_path: Path) -> None:
    path = str(write(tmp_path / "config", config("prod-eu1", "stage-us2", current="prod-eu1")))
    with pytest.raises(InputError) as caught:
        load_context(path, context="prd-eu")
    assert "prod-eu1" in caught.value.hint
    with pytest.raises(InputError) as caught:
        load_context(path, context="zzzzzz")
    assert "prod-eu1, stage-us2" in caught.value.hint


def test_a_kubeconfig_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no kubeconfig at"):
        load_context(str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"no kubeconfig: there is no ~/\.kube/config") as caught:
        load_context(environ={"HOME": str(tmp_path)})
    assert "--demo" in caught.value.hint


def test_a_folder_bytes_and_a_monster_are_no_kubeconfigs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        load(str(tmp_path))
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not text"):
        load(str(tmp_path / "bytes"))
    with (tmp_path / "large").open("wb") as file:
        file.truncate(9 << 20)
    with pytest.raises(InputError, match="larger than 8 MiB"):
        load(str(tmp_path / "large"))


def test_groups_alone_cannot_be_acted_as(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="need a user"):
        load_context(str(write(tmp_path / "c", config("a", current="a"))), as_groups=["g"])


def test_inside_a_pod_its_service_account_is_used(tmp_path: Path) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    assert in_cluster(environ, tmp_path) is None, "no token, no service account"
    write(tmp_path / "token", "t0ken\n")
    write(tmp_path / "namespace", "ml\n")
    context = in_cluster(environ, tmp_path)
    assert context is not None
    assert (context.cluster.server, context.namespace) == ("https://[fd00::1]:443", "ml")
    assert context.user.token_file == str(tmp_path / "token")
    assert in_cluster({}, tmp_path) is None
