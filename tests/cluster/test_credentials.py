"""Signing in: tokens, token files and exec plugins, and each way in which they fail."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from console.cluster.contexts import from_dict
from console.cluster.credentials import sign_in
from console.cluster.failures import Aborted
from console.cluster.kubeconfig import Context
from console.errors import InputError

V1 = "client.authentication.k8s.io/v1"


def context(**user: Any) -> Context:
    raw = {
        "current-context": "ctx",
        "contexts": [{"name": "ctx", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://10.0.0.1", "certificate-authority-data": "Q0E="}}],
        "users": [{"name": "u", "user": user}],
    }
    return from_dict(raw).context()


def plugin(script: str, **more: Any) -> dict[str, Any]:
    return {"command": sys.executable, "args": ["-c", script], "apiVersion": V1, **more}


def answering(**status: str) -> str:
    return f"print({json.dumps(json.dumps({'apiVersion': V1, 'kind': 'ExecCredential', 'status': status}))})"


def credentials(**user: Any) -> Any:
    return sign_in(context(**user), cancelled=lambda: False)


def failing(**user: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        credentials(**user)
    assert caught.value.hint
    return caught.value


def test_tokens_of_files_are_read_anew_and_trimmed(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("from-file\n", "utf-8")
    assert credentials(tokenFile=str(path), token="inline").token == "from-file"
    path.write_text("rotated", "utf-8")
    assert credentials(tokenFile=str(path)).token == "rotated"
    assert "cannot be read" in failing(tokenFile=str(tmp_path / "gone")).message


def test_a_token_goes_before_a_plugin() -> None:
    assert credentials(token="t", exec=plugin("raise SystemExit(1)")).token == "t"


def test_basic_auth() -> None:
    found = credentials(username="u", password="s3cr3t")
    assert (found.username, found.password) == ("u", "s3cr3t")
    assert "s3cr3t" not in repr(found)


def test_a_plugin_gives_a_token_and_says_when_it_expires() -> None:
    found = credentials(exec=plugin(answering(token="t", expirationTimestamp="2030-01-01T00:00:00Z")))
    assert found.token == "t"
    assert found.expires == 1893456000


def test_a_plugin_gives_a_certificate() -> None:
    found = credentials(exec=plugin(answering(clientCertificateData="CERT", clientKeyData="KEY")))
    assert (found.certificate, found.key) == ("CERT", "KEY")


def test_a_plugin_learns_the_cluster_where_the_kubeconfig_says_so_and_its_own_environment() -> None:
    script = (
        "import os, json; info = json.loads(os.environ['KUBERNETES_EXEC_INFO']);"
        f"print(json.dumps({{'apiVersion': '{V1}', 'kind': 'ExecCredential',"
        "'status': {'token': '|'.join([info['spec']['cluster']['server'], os.environ['EXTRA'],"
        "str(info['spec']['interactive'])])}}))"
    )
    found = credentials(exec=plugin(script, provideClusterInfo=True, env=[{"name": "EXTRA", "value": "x"}]))
    assert found.token == "https://10.0.0.1|x|False"


def test_a_plugin_named_by_a_relative_path_is_beside_the_kubeconfig(tmp_path: Path) -> None:
    script = tmp_path / "bin" / "sign-in"
    script.parent.mkdir()
    script.write_text(f"#!{sys.executable}\n{answering(token='beside')}", "utf-8")
    script.chmod(0o755)
    held = context(exec={"command": "bin/sign-in", "apiVersion": V1})
    moved = Context(held.name, held.cluster, held.user, held.namespace, tmp_path, tmp_path)
    assert sign_in(moved, cancelled=lambda: False).token == "beside"


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("import sys; sys.exit('the session has \\x1b[31mexpired')", "failed (exit 1): the session has [31mexpired"),
        ("print('hello')", "printed no ExecCredential"),
        ('print(\'{"kind": "ExecCredential", "apiVersion": "other/v1"}\')', "speaks other/v1"),
        (answering(), "neither a token nor a certificate"),
        (answering(clientCertificateData="C"), "neither a token nor a certificate"),
        (answering(token="t", expirationTimestamp="soon"), "that is no time"),
    ],
)
def test_a_plugin_that_fails_says_what_it_said(script: str, says: str) -> None:
    assert says in failing(exec=plugin(script)).message


def test_a_plugin_that_is_not_there_says_how_to_get_it() -> None:
    error = failing(exec={"command": "no-such-plugin-here", "apiVersion": V1, "installHint": "get it at the shop"})
    assert "no-such-plugin-here is not installed" in error.message
    assert error.hint == "get it at the shop"


def test_a_plugin_that_wants_the_terminal_is_not_run() -> None:
    assert "terminal" in failing(exec=plugin("", interactiveMode="Always")).message


def test_a_plugin_cannot_read_the_consoles_keys() -> None:
    script = f"import sys; assert sys.stdin.read() == ''; {answering(token='t')}"
    assert credentials(exec=plugin(script)).token == "t"


def test_a_plugin_that_hangs_ends_with_the_call() -> None:
    given_up = threading.Event()
    threading.Timer(0.2, given_up.set).start()
    before = time.monotonic()
    with pytest.raises(Aborted):
        sign_in(context(exec=plugin("import time; time.sleep(60)")), cancelled=given_up.is_set)
    assert time.monotonic() - before < 30


def test_an_old_auth_provider_serves_while_its_token_does() -> None:
    assert credentials(**{"auth-provider": {"name": "oidc", "config": {"id-token": "jwt"}}}).token == "jwt"
    error = failing(**{"auth-provider": {"name": "gcp", "config": {}}})
    assert "kubectl --context ctx" in error.hint
