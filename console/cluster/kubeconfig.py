"""What kubeconfig files say: clusters, users and contexts, merged as kubectl merges them, and one context whole.

The first file to define a name, or the current context, wins (client-go ``tools/clientcmd``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from console.cluster.failures import clean
from console.errors import InputError
from console.objects.shapes import prepare

#: What a context without a namespace means.
DEFAULT_NAMESPACE: Final = "default"
#: What to do about a file that is no kubeconfig.
VIEW: Final = "compare it with what `kubectl config view` accepts"


class Cluster(msgspec.Struct, frozen=True, rename="kebab"):
    """``clusters[].cluster``: where the API server is, and how its certificate is checked."""

    server: str = ""
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""


class ExecVariable(msgspec.Struct, frozen=True):
    """``users[].user.exec.env[]``."""

    name: str
    value: str = ""


class Exec(msgspec.Struct, frozen=True, rename="camel"):
    """``users[].user.exec``: a command that prints credentials (client.authentication.k8s.io)."""

    command: str
    api_version: str
    args: list[str] | None = None
    env: list[ExecVariable] | None = None
    install_hint: str = ""
    provide_cluster_info: bool = False
    interactive_mode: str = ""


class AuthProvider(msgspec.Struct, frozen=True):
    """``users[].user.auth-provider``: the in-tree sign-ins that exec plugins have replaced."""

    name: str
    config: dict[str, str] | None = None

    def __repr__(self) -> str:
        return "AuthProvider(…)"


class User(msgspec.Struct, frozen=True, rename="kebab"):
    """``users[].user``: credentials, and whom to act as."""

    token: str = ""
    token_file: str = msgspec.field(name="tokenFile", default="")
    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    username: str = ""
    password: str = ""
    exec: Exec | None = None
    auth_provider: AuthProvider | None = None
    impersonate: str = msgspec.field(name="as", default="")
    impersonate_groups: list[str] | None = msgspec.field(name="as-groups", default=None)
    impersonate_uid: str = msgspec.field(name="as-uid", default="")
    impersonate_extra: dict[str, list[str]] | None = msgspec.field(name="as-user-extra", default=None)

    def __repr__(self) -> str:
        return "User(…)"  # a repr ends up in logs; credentials must not


class ContextEntry(msgspec.Struct, frozen=True):
    """``contexts[].context``."""

    cluster: str = ""
    user: str = ""
    namespace: str = ""


class _NamedCluster(msgspec.Struct):
    name: str
    cluster: Cluster | None = None


class _NamedUser(msgspec.Struct):
    name: str
    user: User | None = None


class _NamedContext(msgspec.Struct):
    name: str
    context: ContextEntry | None = None


class _File(msgspec.Struct, rename="kebab"):
    clusters: list[_NamedCluster] | None = None
    users: list[_NamedUser] | None = None
    contexts: list[_NamedContext] | None = None
    current_context: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """One context, whole: what to connect to, as whom, and the namespace it stands in.

    Relative paths in `cluster` count from `cluster_folder`, those in `user` from
    `user_folder`: the folders of the files that define them.
    """

    name: str
    cluster: Cluster
    user: User
    namespace: str
    cluster_folder: Path
    user_folder: Path


class Kubeconfig:
    """What one or several kubeconfig files say together."""

    def __init__(self, files: Sequence[tuple[str, Path, object]]) -> None:
        """`files` are (what messages call it, its folder, its parsed YAML), the most important first.

        Raises InputError for a file that is no kubeconfig.
        """
        self._clusters: dict[str, tuple[Cluster, Path]] = {}
        self._users: dict[str, tuple[User, Path]] = {}
        self._contexts: dict[str, ContextEntry] = {}
        self.current = ""
        self.where = ", ".join(name for name, _, _ in files)
        for name, folder, raw in files:
            self._add(name, folder, raw)

    @property
    def contexts(self) -> tuple[str, ...]:
        """The names of all contexts, sorted."""
        return tuple(sorted(self._contexts))

    def context(self, name: str | None = None) -> Context:
        """A context by name, or the current one. Raises InputError if it does not exist or is not whole."""
        wanted = name or self.current
        if not wanted:
            raise InputError(f"{self.where} has no current context", hint=self._choose())
        entry = self._contexts.get(wanted)
        if entry is None:
            from rapidfuzz import process  # here, not above: 20 ms that only a slip pays

            near = [match for match, score, _ in process.extract(wanted, self.contexts, limit=3) if score >= 50]
            hint = f"did you mean {' or '.join(clean(each) for each in near)}?" if near else self._choose()
            raise InputError(f"no context {clean(wanted)} in {self.where}", hint=hint)
        if entry.cluster not in self._clusters:
            named = clean(entry.cluster) or "(none)"
            message = f"context {clean(wanted)} names the cluster {named}, which is not defined"
            raise InputError(f"{self.where}: {message}", hint="add the cluster, or choose another context")
        if entry.user and entry.user not in self._users:
            message = f"context {clean(wanted)} names the user {clean(entry.user)}, who is not defined"
            raise InputError(f"{self.where}: {message}", hint="add the user, or choose another context")
        cluster, cluster_folder = self._clusters[entry.cluster]
        user, user_folder = self._users.get(entry.user, (User(), Path()))
        if not cluster.server:
            raise InputError(f"{self.where}: cluster {clean(entry.cluster)} has no server", hint="set its address")
        namespace = entry.namespace or DEFAULT_NAMESPACE
        return Context(wanted, cluster, user, namespace, cluster_folder, user_folder)

    def _choose(self) -> str:
        if not self._contexts:
            return "it defines no contexts; `kubectl config view` shows what it holds"
        return f"choose one with --context: {', '.join(clean(each) for each in self.contexts[:8])}"

    def _add(self, name: str, folder: Path, raw: object) -> None:
        if raw is None:
            return
        if not isinstance(raw, dict):
            raise InputError(f"{name} is no kubeconfig: it must be a mapping", hint=VIEW)
        try:
            file = msgspec.convert(raw, _File)
        except msgspec.ValidationError as error:
            raise InputError(f"{name} is no kubeconfig: {_told(error)}", hint=VIEW) from None
        for cluster in file.clusters or ():
            self._clusters.setdefault(cluster.name, (cluster.cluster or Cluster(), folder))
        for user in file.users or ():
            self._users.setdefault(user.name, (user.user or User(), folder))
        for context in file.contexts or ():
            self._contexts.setdefault(context.name, context.context or ContextEntry())
        self.current = self.current or file.current_context or ""


prepare(_File)


def _told(error: msgspec.ValidationError) -> str:
    return str(error).replace("`", "").replace("$.", "").replace("Expected", "expected").replace(" - at ", " at ")
