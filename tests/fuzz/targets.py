"""What is fuzzed: decoders of whatever comes from outside, each as a function of bytes that must not raise.

A target raises only where the console breaks a promise: an exception that is none of
its own, a value that cannot be what Kubernetes means, a control character let through.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import tempfile
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from console.cluster.failures import refusal
from console.cluster.kubeconfig import Kubeconfig
from console.cluster.manifests import read as read_manifests
from console.cluster.overlay import Overlay
from console.errors import ConsoleError, UsageError
from console.governance.charter_read import read as read_charter
from console.governance.groups import By, groups
from console.history.bundle import pack as pack_bundle
from console.history.bundle import unpack
from console.history.frames import FRESH, MAGIC
from console.history.frames import pack as pack_frame
from console.history.recording import Recording
from console.objects.decode import decode, decode_event, decode_page, template_pod
from console.objects.diagnostics import Malformed
from console.objects.resources import FOREIGN_KINDS, RESOURCES, TIERED, custom
from console.objects.shapes import NO_JSON
from console.objects.snapshot import Snapshot
from console.objects.yaml_events import YamlError
from console.objects.yaml_lines import UNREAD, LineReader
from console.objects.yaml_positions import Positions
from console.objects.yaml_render import to_yaml
from console.objects.yaml_text import load_documents
from console.objects.yaml_values import read as read_yaml
from console.policy.ends import connection, parse_end, parse_port
from console.policy.engine import Engine
from console.policy.explain import explain
from console.policy.matrix import matrix
from console.policy.ports import any_port
from console.policy.reach import Reachability
from console.policy.rows import Rows
from console.report.clean import clean, clean_lines
from console.settings import parse as parse_settings

Target = Callable[[bytes], None]
_FOREIGN: Final = tuple(
    found
    for group, kinds in FOREIGN_KINDS.items()
    for plural, _, _ in kinds
    if (found := custom(group, "v1", plural)) is not None
)
_RESOURCES: Final = (*RESOURCES, *TIERED, *_FOREIGN)


class Broken(AssertionError):
    """A promise of the console that an input breaks."""


def _text(data: bytes) -> str:
    return data.decode(errors="surrogateescape")


def lines(data: bytes) -> None:
    """The quick YAML reader reads a document as the complete one does, or leaves it alone."""
    text = _text(data)
    quick = LineReader().read(text)
    if quick is UNREAD:
        return
    try:
        whole = read_yaml(text)
    except YamlError as error:
        raise Broken(f"the quick reader takes what is no YAML ({error}): {quick!r}") from None
    if whole.problems or not _same(quick, whole.value):
        raise Broken(f"{quick!r} is not {whole!r}")


def documents(data: bytes) -> None:
    """Any text is documents and problems; what is read can be written as JSON and YAML and be read again."""
    for document in load_documents(_text(data), file="f"):
        written = msgspec.json.encode(document.value)
        if document.problems:
            continue
        again = list(load_documents(to_yaml(document.value), file="f"))
        values = [each.value for each in again] or [None]
        if document.value not in ({}, []) and not _is_list(document.value) and not _same(values[0], document.value):
            raise Broken(f"{written!r} comes back as {values[0]!r}")
        text = document.text.yaml if document.text.yaml is not None else (document.text.json or b"").decode()
        Positions(text).lines(("spec", "ingress", 0, "from", 0))


def objects(data: bytes) -> None:
    """Any JSON object is an object of ours, none that is kept, or malformed."""
    raw = _json(data)
    if isinstance(raw, dict):
        for read in (decode, template_pod):
            with contextlib.suppress(Malformed):
                read(raw)


def page(data: bytes) -> None:
    """A page of any resource, whatever a server sends."""
    resource = _RESOURCES[data[0] % len(_RESOURCES)] if data else RESOURCES[0]
    with contextlib.suppress(Malformed):
        decode_page(data[1:], resource)


def event(data: bytes) -> None:
    """A line of a watch of any resource, whatever a server sends."""
    resource = _RESOURCES[data[0] % len(_RESOURCES)] if data else RESOURCES[0]
    with contextlib.suppress(Malformed):
        decode_event(data[1:], resource)


def manifests(data: bytes) -> None:
    """Any file is a snapshot that every question can be asked of, or an InputError."""
    try:
        snapshot = read_manifests(["-"], io.BytesIO(data)).snapshot
    except ConsoleError:
        return
    _questions(snapshot)


def policies(data: bytes) -> None:
    """Any policy over a small cluster: compiled, judged, explained, or told to be invalid."""
    raw = _json(data)
    if not isinstance(raw, dict):
        return
    body = b"\n".join([_CLUSTER, msgspec.json.encode(raw)])
    try:
        snapshot = read_manifests(["-"], io.BytesIO(body)).snapshot
    except ConsoleError:
        return
    _questions(snapshot)


def overlay(data: bytes) -> None:
    """Any file laid over a small cluster."""
    try:
        over = Overlay(["-"], io.BytesIO(data))
    except ConsoleError:
        return
    _questions(over.over(_small())[0])


def ends(data: bytes) -> None:
    """Any text as an end, a port, a question."""
    source, _, rest = _text(data).partition("\n")
    destination, _, port = rest.partition("\n")
    cluster = _small()
    for ask in (
        lambda: parse_end(source, cluster),
        lambda: parse_port(port),
        lambda: Engine(cluster).evaluate(connection(source, destination, port, cluster)),
    ):
        with contextlib.suppress(UsageError):
            ask()


def rows(data: bytes) -> None:
    """Any JSON line of a batch."""
    row = _json(data)
    if isinstance(row, dict):
        with contextlib.suppress(UsageError):
            Engine(_small()).outcome(Rows(_small()).connection(row))


def settings(data: bytes) -> None:
    """Any text as the settings file."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    with contextlib.suppress(ConsoleError):
        parse_settings(text, "config.toml")


def kubeconfig(data: bytes) -> None:
    """Any value as a kubeconfig."""
    with contextlib.suppress(ConsoleError):
        found = Kubeconfig([("config", Path("/"), _json(data))])
        for name in found.contexts:
            with contextlib.suppress(ConsoleError):
                found.context(name)


def charter(data: bytes) -> None:
    """Any text as a charter: what it says, or what is wrong with it, each with its line."""
    text = _text(data)
    found = read_charter(text)
    if found.charter is None and not found.problems:
        raise Broken("neither a charter nor a problem")
    last = text.count("\n") + text.count("\r") + 1
    if any(not 1 <= each.line <= last for each in found.problems):
        raise Broken(f"a line that is not there: {found.problems}")


def bundle(data: bytes) -> None:
    """Any bytes as an evidence bundle: what was packed, to the byte, or an InputError."""
    with contextlib.suppress(ConsoleError):
        found = unpack(data)
        if found.signature is None and pack_bundle(found.contents) != data:
            raise Broken("two bundles hold the same")


def recording(data: bytes) -> None:
    """Any bytes as a recording, and as what a whole frame of one holds."""
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    payload = deflate.compress(data[1:]) + deflate.flush(zlib.Z_SYNC_FLUSH)
    framed = pack_frame(FRESH, 1, payload, b"")[0]
    with tempfile.NamedTemporaryFile(prefix="netpol-fuzz-") as file:
        file.write(MAGIC + (data[1:] if data[:1] == b"\0" else framed))
        file.flush()
        with contextlib.suppress(ConsoleError), Recording(file.name) as found:
            for place in range(found.places):
                for each in found.events(place):
                    each.changes()


def refused(data: bytes) -> None:
    """Any body of an answer that refuses."""
    failure = refusal(403 if data[:1] < b"\x80" else 500, data[2:], data[1:2].decode("latin-1"))
    _printable(failure.message)


def cleaned(data: bytes) -> None:
    """No text keeps a character that a terminal obeys or hides."""
    text = _text(data)
    _printable(clean(text))
    if "\n" in clean(text):
        raise Broken("one line has become two")
    _printable(clean_lines(text))


def cli(data: bytes) -> None:
    """Any arguments on a small cluster: an exit status that is documented, and text that can be shown."""
    from console import cli as command_line

    commands = ("simulate", "explain", "matrix", "reach", "diff")
    command = commands[data[0] % len(commands)] if data else "matrix"
    given = [each for each in _text(data[1:]).split("\n") if "\0" not in each][:8]
    # No file, kubeconfig or cluster of this machine is read, and help is not fuzzed.
    if any(
        each.startswith("-") and not each.startswith(("--po", "--by", "-o", "--wi", "--ho", "--ta")) for each in given
    ):
        return
    out, talk = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(talk):
        status = command_line.main([command, *given, "--manifests", _small_file()])
    if status not in (0, 1, 2, 3):
        raise Broken(f"exit status {status}: {talk.getvalue()}")
    _printable(out.getvalue())
    _printable(talk.getvalue())


TARGETS: Final[Mapping[str, Target]] = {
    each.__name__: each
    for each in (
        *(lines, documents, objects, page, event, manifests, policies, overlay),
        *(ends, rows, settings, kubeconfig, charter, bundle, recording, refused, cleaned, cli),
    )
}


def _questions(snapshot: Snapshot) -> None:
    """Ask everything that a screen asks, of the first few of each."""
    engine = Engine(snapshot)
    reach = Reachability(engine)
    for by in By:
        matrix(reach, groups(reach, by))
    pods = [f"{pod.namespace}/{pod.name}" for pod in snapshot.pods()][:3]
    for policy in list(snapshot.policies())[:3]:
        explain(engine, policy.ref)
    for source in pods:
        for destination in [*pods, "internet"]:
            with contextlib.suppress(UsageError):
                engine.evaluate(connection(source, destination, "443", snapshot))
            with contextlib.suppress(UsageError):
                any_port(engine, parse_end(source, snapshot), parse_end(destination, snapshot))


def _json(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except NO_JSON:
        return None


def _same(one: Any, other: Any) -> bool:
    """Equality that tells true from 1, and takes NaN for itself; 1e3 and 1000 are one number, as in Go's JSON."""
    numbers = isinstance(one, (int, float)) and isinstance(other, (int, float))
    if numbers and not isinstance(one, bool) and not isinstance(other, bool):
        return float(one) == float(other) or (math.isnan(one) and math.isnan(other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and bool(one == other)


def _is_list(value: Any) -> bool:
    return isinstance(value, dict) and str(value.get("kind")).endswith("List")


def _printable(text: str) -> None:
    for each in text.replace("\n", ""):
        if not each.isprintable():
            raise Broken(f"U+{ord(each):04X} gets through: {text[:200]!r}")


def _object(kind: str, api: str, namespace: str, name: str, **rest: Any) -> dict[str, Any]:
    labels = {"app": name, "kubernetes.io/metadata.name": name}
    meta = {"name": name, "labels": labels} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api, "kind": kind, "metadata": meta, **rest}


def _cluster() -> bytes:
    ports = [{"containerPort": 443, "name": "https"}, {"containerPort": 53, "protocol": "UDP", "name": "dns"}]
    spec = {"containers": [{"image": "x", "ports": ports}]}
    raw = [_object("Namespace", "v1", "", name) for name in ("a", "b")]
    for number, (namespace, name) in enumerate((("a", "p"), ("a", "q"), ("b", "p"))):
        status = {"phase": "Running", "podIPs": [{"ip": f"10.0.0.{number}"}, {"ip": f"fd00::{number}"}]}
        raw.append(_object("Pod", "v1", namespace, name, spec=spec, status=status))
    service = {"selector": {"app": "p"}, "clusterIP": "10.1.0.1", "ports": [{"port": 80, "targetPort": "https"}]}
    raw.append(_object("Service", "v1", "a", "p", spec=service))
    return b"\n".join(json.dumps(each).encode() for each in raw)


_CLUSTER: Final = _cluster()


@cache
def _small() -> Snapshot:
    return read_manifests(["-"], io.BytesIO(_CLUSTER)).snapshot


@cache
def _small_file() -> str:
    with tempfile.NamedTemporaryFile("wb", prefix="netpol-fuzz-", suffix=".json", delete=False) as file:
        file.write(_CLUSTER)
    return file.name
