"""Find etcd and kube-apiserver, or build them once."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MODULE = Path(__file__).parent / "rig"
_SOURCES = ("go.mod", "go.sum", "main.go")


class Missing(Exception):
    """Neither the programs nor a Go that could build them are here; the message says what was looked for."""


class BuildFailed(Exception):
    """Go is here and could not build them; the message ends with what it said."""


@dataclass(frozen=True)
class Binaries:
    """The start of each program's command line, and where they came from."""

    etcd: tuple[str, ...]
    apiserver: tuple[str, ...]
    origin: str


def find(env: Mapping[str, str] = os.environ) -> Binaries:
    """From ``KUBEBUILDER_ASSETS``, else PATH, else built from the Go module beside this file.

    Raises Missing or BuildFailed. A build takes minutes, once: the program is kept in the
    user's cache directory under a hash of its sources.
    """
    assets = env.get("KUBEBUILDER_ASSETS", "")
    for origin, path in (("KUBEBUILDER_ASSETS", assets), ("PATH", env.get("PATH", ""))):
        etcd, apiserver = (shutil.which(name, path=path) if path else None for name in ("etcd", "kube-apiserver"))
        if etcd and apiserver:
            return Binaries((etcd,), (apiserver,), origin)
        if origin == "KUBEBUILDER_ASSETS" and assets:
            raise BuildFailed(f"KUBEBUILDER_ASSETS={assets} holds no etcd and kube-apiserver that can be run")
    program = str(built(env))
    return Binaries((program, "etcd"), (program, "kube-apiserver"), "built")


def built(env: Mapping[str, str]) -> Path:
    """The program built from ``rig/``, from the cache where it was built before."""
    go = shutil.which("go", path=env.get("PATH", ""))
    if go is None:
        raise Missing("no etcd and kube-apiserver in KUBEBUILDER_ASSETS or on PATH, and no Go to build them")
    needs = _version(r"^go (\S+)$")
    has = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout.strip()
    if _numbers(has.removeprefix("go")) < _numbers(needs):
        raise Missing(f"no etcd and kube-apiserver in KUBEBUILDER_ASSETS or on PATH; {has} is older than go{needs}")
    digest = hashlib.sha256()
    for name in _SOURCES:
        digest.update((MODULE / name).read_bytes())
    digest.update(has.encode())
    cache = Path(env.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "netpol-console" / "live-rig"
    program = cache / digest.hexdigest()[:16] / "rig"
    if not program.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not program.exists():
                _build(go, program, env)
                for old in cache.iterdir():
                    if old.is_dir() and old != program.parent:
                        shutil.rmtree(old, ignore_errors=True)
    return program


def _build(go: str, program: Path, env: Mapping[str, str]) -> None:
    # Without these the server calls itself v0.0.0-master: it takes its version from its link flags.
    version = _version(r"^\s*k8s\.io/kubernetes (v\S+)$")
    major, minor, _ = version.removeprefix("v").split(".", 2)
    base = "k8s.io/component-base/version"
    stamps = f"-X {base}.gitVersion={version} -X {base}.gitMajor={major} -X {base}.gitMinor={minor}"
    program.parent.mkdir(parents=True, exist_ok=True)
    fresh = program.with_suffix(".new")
    command = [go, "build", "-p", "2", "-trimpath", "-ldflags", f"-s -w {stamps}", "-o", str(fresh), "."]
    if nice := shutil.which("nice"):
        command = [nice, "-n", "10", *command]
    done = subprocess.run(
        command, cwd=MODULE, env={**env, "CGO_ENABLED": "0"}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = "\n".join(done.stderr.splitlines()[-20:])
        raise BuildFailed(f"cannot build etcd and kube-apiserver (set KUBEBUILDER_ASSETS instead):\n{said}")
    fresh.rename(program)


def _version(pattern: str) -> str:
    found = re.search(pattern, (MODULE / "go.mod").read_text(), re.MULTILINE)
    assert found, f"go.mod has no line like {pattern}"
    return found.group(1)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
