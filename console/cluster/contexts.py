"""Where kubeconfigs are, and the cluster and user that one of their contexts means.

Files are found as kubectl does (client-go ``tools/clientcmd``): an explicit path alone,
else every file of KUBECONFIG, else ``~/.kube/config``; with none of them, the service
account of the pod the console runs in. No file is ever written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from console.cluster.failures import clean
from console.cluster.kubeconfig import DEFAULT_NAMESPACE, VIEW, Cluster, Context, Kubeconfig, User
from console.errors import InputError

#: Where a pod's service account is mounted.
SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
IN_CLUSTER: Final = "in-cluster"
_MAX_BYTES: Final = 8 << 20


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
            raise InputError(f"{path} is no kubeconfig: it is larger than {_MAX_BYTES >> 20} MiB", hint=VIEW)
        text = path.read_text("utf-8")
    except IsADirectoryError:
        raise InputError(f"{path} is a folder, not a kubeconfig", hint="name the file in it") from None
    except OSError as error:
        why = (error.strerror or "error").lower()
        raise InputError(f"{path} cannot be read: {why}", hint="check its permissions") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is no kubeconfig: it is not text", hint=VIEW) from None
    try:
        # Kubeconfigs hold secrets: the parser's own message would quote the lines around the mistake.
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        # At the end of the text the mark stands on a line of its own.
        last = len(text.splitlines())
        line = f", line {min(error.problem_mark.line + 1, last)}" if error.problem_mark else ""
        raise InputError(f"{path}{line}: this is not YAML: {clean(error.problem or 'broken')}", hint=VIEW) from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise InputError(f"{path}: this is not YAML", hint=VIEW) from None
