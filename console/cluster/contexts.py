"""Kubeconfigs: where they are, what contexts they offer, and one context ready to connect with.

Files are found and merged as kubectl does (client-go ``tools/clientcmd``): an explicit
path alone, else every file of KUBECONFIG, else ``~/.kube/config``; the first file to
define a name, or the current context, wins. No file is ever written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml
from rapidfuzz import process

from console.cluster.failures import clean
from console.errors import InputError

#: Where a pod's service account is mounted.
SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
#: What a context without a namespace means.
DEFAULT_NAMESPACE: Final = "default"
IN_CLUSTER: Final = "in-cluster"
_MAX_BYTES: Final = 8 << 20


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
            raise InputError(f"{name} is no kubeconfig: it must be a mapping", hint=_VIEW)
        try:
            file = msgspec.convert(raw, _File)
        except msgspec.ValidationError as error:
            raise InputError(f"{name} is no kubeconfig: {_told(error)}", hint=_VIEW) from None
        for cluster in file.clusters or ():
            self._clusters.setdefault(cluster.name, (cluster.cluster or Cluster(), folder))
        for user in file.users or ():
            self._users.setdefault(user.name, (user.user or User(), folder))
        for context in file.contexts or ():
            self._contexts.setdefault(context.name, context.context or ContextEntry())
        self.current = self.current or file.current_context or ""


_VIEW: Final = "compare it with what `kubectl config view` accepts"


def _told(error: msgspec.ValidationError) -> str:
    return str(error).replace("`", "").replace("$.", "").replace("Expected", "expected").replace(" - at ", " at ")


@dataclass(frozen=True, slots=True)
class Target:
    """Which cluster to look at, and as whom. `context` reads the context anew each time, for rotated credentials."""

    title: str
    context: Callable[[], Context]
    act_as: str = ""
    act_as_groups: tuple[str, ...] = ()


def load_context(
    kubeconfig: str | None = None,
    *,
    context: str | None = None,
    as_user: str | None = None,
    as_groups: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> Target:
    """The cluster a kubeconfig's context names (the current one if None), or the one the console runs in.

    Raises InputError where the kubeconfig or the context cannot be used.
    """
    if as_groups and not as_user:
        raise InputError("groups to act as need a user to act as", hint="add --as NAME")
    inside = in_cluster(environ) if context is None and not find(kubeconfig, environ) else None
    name = inside.name if inside else load(kubeconfig, environ).context(context).name

    def read() -> Context:
        found = in_cluster(environ) if inside else load(kubeconfig, environ).context(name)
        if found is None:
            raise InputError("the service account of this pod is gone", hint=f"look at {SERVICE_ACCOUNT}")
        return found

    return Target(name, read, as_user or "", tuple(as_groups))


def from_dict(raw: Mapping[str, Any], *, context: str | None = None) -> Target:
    """The cluster of a context of a kubeconfig that is in memory already. Raises InputError."""
    found = Kubeconfig([("the kubeconfig", Path.cwd(), dict(raw))]).context(context)
    return Target(found.name, lambda: found)


def find(explicit: str | None = None, environ: Mapping[str, str] | None = None) -> list[Path]:
    """The kubeconfig files that exist, in the order that counts. Raises InputError if `explicit` does not exist."""
    environ = os.environ if environ is None else environ
    if explicit is not None:
        path = Path(explicit).expanduser()
        if not path.exists():
            raise InputError(f"no kubeconfig at {path}", hint="check --kubeconfig")
        return [path]
    listed = [Path(each).expanduser() for each in environ.get("KUBECONFIG", "").split(os.pathsep) if each]
    home = environ.get("HOME")
    if not listed and home:
        listed = [Path(home) / ".kube" / "config"]
    return [path for path in listed if path.exists()]


def load(explicit: str | None = None, environ: Mapping[str, str] | None = None) -> Kubeconfig:
    """Read and merge the kubeconfig files. Raises InputError where there are none, or one cannot be used."""
    environ = os.environ if environ is None else environ
    paths = find(explicit, environ)
    if not paths:
        looked = environ.get("KUBECONFIG") or "~/.kube/config"
        hint = "name one with --kubeconfig, or try the console on --demo or --manifests"
        raise InputError(f"no kubeconfig: there is no {clean(looked)}", hint=hint)
    return Kubeconfig([(str(path), path.absolute().parent, _read(path)) for path in paths])


def in_cluster(environ: Mapping[str, str] | None = None, mounted: Path = SERVICE_ACCOUNT) -> Context | None:
    """The context of the pod the console runs in; None outside of one."""
    environ = os.environ if environ is None else environ
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT")
    token = mounted / "token"
    if not host or not port or not token.is_file():
        return None
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    cluster = Cluster(server=server, certificate_authority=str(mounted / "ca.crt"))
    try:
        namespace = (mounted / "namespace").read_text("utf-8").strip()
    except OSError:
        namespace = ""
    user = User(token_file=str(token))
    return Context(IN_CLUSTER, cluster, user, namespace or DEFAULT_NAMESPACE, mounted, mounted)


def _read(path: Path) -> object:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path} is no kubeconfig: it is larger than {_MAX_BYTES >> 20} MiB", hint=_VIEW)
        text = path.read_text("utf-8")
    except IsADirectoryError:
        raise InputError(f"{path} is a folder, not a kubeconfig", hint="name the file in it") from None
    except OSError as error:
        why = (error.strerror or "error").lower()
        raise InputError(f"{path} cannot be read: {why}", hint="check its permissions") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is no kubeconfig: it is not text", hint=_VIEW) from None
    try:
        # Kubeconfigs hold secrets: the parser's own message would quote the lines around the mistake.
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InputError(f"{path}{line}: this is not YAML: {clean(error.problem or 'broken')}", hint=_VIEW) from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise InputError(f"{path}: this is not YAML", hint=_VIEW) from None
