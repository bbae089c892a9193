"""From a context to credentials: tokens, token files, basic auth, and exec plugins.

The plugin protocol is client.authentication.k8s.io (Kubernetes' page "Authenticating",
section "client-go credential plugins"). Plugins are run here and not by the kubernetes
package, which swallows their errors, has no timeout, and hands them the terminal that
the console draws on.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from console.cluster.failures import Aborted, clean
from console.cluster.kubeconfig import Context, Exec
from console.errors import InputError
from console.objects.shapes import NO_JSON, prepare

_PLUGIN_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What to show the server. The certificate and key are PEM; `expires` is a time.time() value, 0 if unknown."""

    token: str = ""
    username: str = ""
    password: str = ""
    certificate: str = ""
    key: str = ""
    expires: float = 0.0


class _PluginStatus(msgspec.Struct, rename="camel"):
    token: str = ""
    client_certificate_data: str = ""
    client_key_data: str = ""
    expiration_timestamp: str | None = None


class _PluginAnswer(msgspec.Struct, rename="camel"):
    kind: str
    api_version: str
    status: _PluginStatus | None = None


def sign_in(context: Context, *, cancelled: Callable[[], bool]) -> Credentials:
    """The credentials of a context's user; client certificates named in the kubeconfig itself are not among them.

    Order of precedence as in client-go: token file, token, basic auth, exec plugin.
    Raises InputError where they cannot be had, Aborted once `cancelled` says so.
    """
    user = context.user
    if user.token_file:
        return Credentials(token=_token_file(context.user_folder / user.token_file))
    if user.token:
        return Credentials(token=user.token.strip())
    if user.username and user.password:
        return Credentials(username=user.username, password=user.password)
    if user.exec is not None:
        return _run(context, user.exec, cancelled)
    if user.auth_provider is not None:
        held = user.auth_provider.config or {}
        token = held.get("id-token") or held.get("access-token") or ""
        if not token:
            message = f"the sign-in by auth-provider {clean(user.auth_provider.name)} has no token"
            raise InputError(message, hint=_again(context))
        # Renewing it would mean writing the kubeconfig, which kubectl does; the console reads what that wrote.
        return Credentials(token=token)
    return Credentials()


def _again(context: Context) -> str:
    return f"sign in again: run `kubectl --context {clean(context.name)} get namespaces` in a terminal"


def _token_file(path: Path) -> str:
    try:
        token = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise InputError(f"the token file {path} cannot be read", hint="check tokenFile in the kubeconfig") from None
    if not token:
        raise InputError(f"the token file {path} is empty", hint="check tokenFile in the kubeconfig")
    return token


def _run(context: Context, plugin: Exec, cancelled: Callable[[], bool]) -> Credentials:
    name = clean(Path(plugin.command).name)
    if plugin.interactive_mode == "Always":
        message = f"the credential plugin {name} needs a terminal of its own (interactiveMode: Always)"
        raise InputError(message, hint="use a context whose plugin can run in the background")
    try:
        process = subprocess.Popen(
            [_command(plugin.command, context.user_folder), *(plugin.args or ())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(context, plugin),
        )
    except FileNotFoundError:
        hint = clean(plugin.install_hint) or "install it, or correct PATH or the kubeconfig"
        raise InputError(f"the credential plugin {name} is not installed", hint=hint) from None
    except OSError as error:
        why = (error.strerror or "error").lower()
        raise InputError(f"the credential plugin {name} cannot be run: {why}", hint=_again(context)) from None
    with process:
        out, err = _output(process, name, context, cancelled)
    said = clean(err.decode("utf-8", "replace").strip().rpartition("\n")[2])
    if process.returncode != 0:
        message = f"the credential plugin {name} failed (exit {process.returncode}){f': {said}' if said else ''}"
        raise InputError(message, hint=_again(context))
    return _credentials(out, name, plugin)


def _output(
    process: subprocess.Popen[bytes], name: str, context: Context, cancelled: Callable[[], bool]
) -> tuple[bytes, bytes]:
    waited = 0.0
    while True:
        try:
            return process.communicate(timeout=_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            waited += _POLL_SECONDS
            if not cancelled() and waited < _PLUGIN_SECONDS:
                continue
        process.kill()
        _, err = process.communicate()
        if cancelled():
            raise Aborted
        said = clean(err.decode("utf-8", "replace"))
        message = f"the credential plugin {name} did not finish within {_PLUGIN_SECONDS:.0f} s"
        raise InputError(f"{message}{f': {said}' if said else ''}", hint=_again(context))


def _command(command: str, folder: Path) -> str:
    """The plugin's path: one with a separator counts from the kubeconfig's folder, a bare name is found in PATH."""
    return str(folder / command) if os.sep in command else command


def _environment(context: Context, plugin: Exec) -> dict[str, str]:
    spec: dict[str, Any] = {"interactive": False}
    if plugin.provide_cluster_info:
        cluster = context.cluster
        told = {
            "server": cluster.server,
            "tls-server-name": cluster.tls_server_name,
            "insecure-skip-tls-verify": cluster.insecure_skip_tls_verify,
            "certificate-authority-data": cluster.certificate_authority_data,
            "proxy-url": cluster.proxy_url,
        }
        spec["cluster"] = {key: value for key, value in told.items() if value}
    info = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}
    own = {each.name: each.value for each in plugin.env or ()}
    return {**os.environ, **own, "KUBERNETES_EXEC_INFO": json.dumps(info)}


prepare(_PluginAnswer)


def _credentials(out: bytes, name: str, plugin: Exec) -> Credentials:
    try:
        answer = msgspec.json.decode(out, type=_PluginAnswer)
    except NO_JSON:
        message = f"the credential plugin {name} printed no ExecCredential"
        raise InputError(message, hint="run it by hand and see what it prints") from None
    if answer.api_version != plugin.api_version:
        message = f"the credential plugin {name} speaks {clean(answer.api_version)}, not {clean(plugin.api_version)}"
        raise InputError(message, hint="correct apiVersion in the kubeconfig, or update the plugin")
    status = answer.status or _PluginStatus()
    if not status.token and not (status.client_certificate_data and status.client_key_data):
        message = f"the credential plugin {name} gave neither a token nor a certificate with its key"
        raise InputError(message, hint="run it by hand and see what it prints")
    expires = 0.0
    if status.expiration_timestamp:
        try:
            expires = datetime.fromisoformat(status.expiration_timestamp).timestamp()
        except ValueError:
            message = f"the credential plugin {name} gave an expirationTimestamp that is no time"
            raise InputError(message, hint="run it by hand and see what it prints") from None
    return Credentials(
        token=status.token,
        certificate=status.client_certificate_data,
        key=status.client_key_data,
        expires=expires,
    )
