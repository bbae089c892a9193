"""Kubeconfigs as users have them: several contexts, tokens in place, in files and from exec plugins."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .rig import ApiServer


@dataclass(frozen=True)
class Context:
    """A context: a server and how its user proves who they are."""

    name: str
    server: str
    ca: Path | None = None
    user: dict[str, Any] | None = None
    namespace: str = ""


def token(value: str) -> dict[str, Any]:
    return {"token": value}


def token_file(path: Path) -> dict[str, Any]:
    """The client reads the token from a file, which somebody else keeps fresh."""
    return {"tokenFile": str(path)}


def exec_plugin(token_path: Path) -> dict[str, Any]:
    """A login helper that prints the token found in a file, as a cloud's helper prints the one it fetched."""
    script = (
        "import json, sys; print(json.dumps({'apiVersion': 'client.authentication.k8s.io/v1', "
        "'kind': 'ExecCredential', 'status': {'token': open(sys.argv[1]).read()}}))"
    )
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": sys.executable,
            "args": ["-c", script, str(token_path)],
            "interactiveMode": "Never",
        }
    }


def context(name: str, server: ApiServer, user: str, *, namespace: str = "") -> Context:
    """A context of a user of the server's token file."""
    return Context(name, server.url, server.ca, token(server.users[user].token), namespace)


def write(path: Path, *contexts: Context, current: str = "") -> Path:
    """Write them to `path` (JSON is YAML); `current` is the first one unless given."""
    clusters, users, entries = [], [], []
    for each in contexts:
        cluster: dict[str, Any] = {"server": each.server}
        if each.ca:
            cluster["certificate-authority"] = str(each.ca)
        clusters.append({"name": each.name, "cluster": cluster})
        users.append({"name": each.name, "user": each.user or {}})
        named = {"cluster": each.name, "user": each.name}
        if each.namespace:
            named["namespace"] = each.namespace
        entries.append({"name": each.name, "context": named})
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": clusters,
                "users": users,
                "contexts": entries,
                "current-context": current or contexts[0].name,
            }
        )
    )
    return path
