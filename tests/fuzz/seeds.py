"""What fuzzing starts from: real shapes of everything that is read, and the words that matter in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from console.demo.platform import platform
from console.governance import charter_model
from console.governance.charter_default import default_text
from console.history.bundle import pack
from console.history.deltas import Facts, Standing, State, encode
from console.objects import netpol, selectors, tiered, wire
from console.objects.core import Pod
from console.objects.decode import decode
from console.objects.netpol import NetworkPolicy

from .targets import TARGETS

_TIERED: Final = """
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: fence}
spec:
  priority: 7
  subject: {namespaces: {matchLabels: {app: a}}}
  ingress:
  - {action: Deny, from: [{pods: {namespaceSelector: {}, podSelector: {}}}], ports: [{portRange: {start: 1, end: 9}}]}
  egress:
  - action: Pass
    to: [{networks: [10.0.0.0/8]}, {nodes: {}}, {domainNames: ["*.x.io"]}]
    ports: [{namedPort: https}]
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: base}
spec:
  tier: Baseline
  priority: 3
  subject: {pods: {podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [p]}]}}}
  egress: [{action: Accept, to: [{networks: ["::/0"]}], protocols: [{tcp: {destinationPort: {number: 443}}}]}]
"""
_SCALARS: Final = (
    "a: |-\n  text\n  more\nb: >\n  folded\nc: 'it''s'\nd: \"\\u00e9\"\n",
    "- y\n- 0o7\n- 1_000\n- .inf\n- 0x1F\n- 1e3\n- ~\n- 2001-01-01\n- !!str 3\n",
    "a: &x {b: [1, 2]}\nc: *x\nd:\n  <<: *x\n",
    "%YAML 1.1\n---\na: 1\n...\n---\nb: 2\n",
    "kind: List\napiVersion: v1\nitems:\n- kind: Pod\n  apiVersion: v1\n  metadata: {name: x}\n",
)
_KUBECONFIG: Final = {
    "current-context": "c",
    "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": "n"}}],
    "clusters": [{"name": "k", "cluster": {"server": "https://h:6443", "insecure-skip-tls-verify": True}}],
    "users": [{"name": "u", "user": {"exec": {"command": "x", "apiVersion": "client.authentication.k8s.io/v1"}}}],
}


def seeds(target: str) -> Iterator[bytes]:
    """Inputs of a target to start from. Raises KeyError for a target that does not exist."""
    if target not in TARGETS:
        raise KeyError(target)
    findings = Path(__file__).with_name("findings").glob(f"{target}-*")
    yield from (each.read_bytes() for each in findings)
    raw = [*_one_of_each(platform(0.0)), *yaml.safe_load_all(_TIERED)]
    as_json = [msgspec.json.encode(each) for each in raw]
    as_yaml = [yaml.safe_dump(each, sort_keys=False).encode() for each in raw]
    if target in ("lines", "documents", "manifests", "overlay", "cleaned"):
        yield from (each.encode() for each in _SCALARS)
        yield from as_yaml
    if target in ("documents", "objects", "policies", "manifests", "overlay"):
        yield from as_json
    if target in ("page", "event"):
        for number, each in enumerate(as_json):
            listed = b'{"metadata":{"resourceVersion":"7","continue":"t"},"items":[%b]}' % each
            told = b'{"type":"ADDED","object":%b}' % each
            yield bytes([number % 24]) + (listed if target == "page" else told)
        yield b'\0{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}'
    if target == "ends":
        yield from (b"a/p\nb/p\n443", b"a/pod/p\nsvc:a/p\n80/TCP", b"ip:10.0.0.1\ncidr:10.0.0.0/8\nhttps")
        yield from (b"internet\nnamespace:a\n53/UDP", b"node:x\napiserver\n1", b"metadata\nip:fd00::1\n65535/SCTP")
    if target == "rows":
        yield b'{"id":1,"src":{"namespace":"a","pod":"p"},"dst":{"ip":"10.0.0.2"},"protocol":"UDP","port":53}'
        yield b'{"id":"x","src":"a/p","dst":{"namespace":"b","kind":"Pod","name":"p"},"port":"https"}'
    if target == "settings":
        yield b'theme = "netpol-night"\nnamespace = "training"\n[keys]\n"simulate.swap" = "w"\n'
    if target == "kubeconfig":
        yield msgspec.json.encode(_KUBECONFIG)
    if target == "refused":
        yield b'\x003{"kind":"Status","message":"no pods","reason":"Forbidden","details":{"retryAfterSeconds":3}}'
    if target == "charter":
        yield default_text().encode()
    if target == "bundle":
        yield pack({"report.md": b"# nothing", "charter.yaml": default_text().encode()})
    if target == "recording":
        held = [decode(each) for each in raw]
        pods = [each for each in held if isinstance(each, Pod)]
        policies = [each for each in held if isinstance(each, NetworkPolicy)]
        yield b"\1" + encode(State(Facts("x"), Standing(), pods=pods[:2], policies=policies[:1]))
        yield b"\1" + encode(State(Facts(), Standing()))
    if target == "cli":
        yield from (
            b"\0a/p\nb/p\n--port\n443\n-o\njson",
            b"\1a/p",
            b"\2--by\nrole\n-o\ndot\n--port\n53/UDP",
            b"\3a/p\n--hops\n3",
        )


def words() -> list[str]:
    """A dictionary for a fuzzer: field names, kinds and signs that a mutation would hardly hit."""
    found = {
        "kind",
        "apiVersion",
        "metadata",
        "spec",
        "items",
        "List",
        "null",
        "true",
        "---\n",
        "...\n",
        "<<",
        "&a",
        "*a",
    }
    for module in (wire, netpol, selectors, tiered, charter_model):
        for shape in vars(module).values():
            if isinstance(shape, type) and issubclass(shape, msgspec.Struct):
                found.update(field.encode_name for field in msgspec.structs.fields(shape))
    found.update(re.findall(r"[A-Za-z*.]{3,}", _TIERED))
    found.update(
        [
            "---\n",
            "...\n",
            "<<",
            "&a",
            "*a",
            "{{",
            "}}",
            "!!str",
            "!!binary",
            "0x",
            "0o",
            "1_0",
            "-1",
            "65536",
            "1e999",
            "\u202e",
            "\x1b[",
        ]
    )
    return sorted(found)


def _one_of_each(raw: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Three objects of each kind."""
    counts: dict[str, int] = {}
    found = []
    for each in raw:
        counts[each["kind"]] = counts.get(each["kind"], 0) + 1
        if counts[each["kind"]] <= 3:
            found.append(each)
    return found
