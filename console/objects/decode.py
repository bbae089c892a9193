"""Raw JSON to objects: one object, a page of a list, or an event of a watch.

A wrong type is an error with its path; one malformed item of a list never loses the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from console.objects import convert, wire
from console.objects.convert_tiered import WireTiered, tiered
from console.objects.core import Pod
from console.objects.coverage import INVALID_POLICY, Gap
from console.objects.diagnostics import Diagnostic, Malformed, Severity
from console.objects.meta import ObjectRef, SourceText
from console.objects.nesting import MAX_DEPTH, too_deep
from console.objects.resources import FOREIGN_KINDS, RESOURCES, TIERED, Resource
from console.objects.shapes import NO_JSON
from console.objects.snapshot import KubeObject

_Converter = Callable[..., KubeObject]
#: By apiVersion and kind: another version of a kind may mean another thing by the same fields.
_CONVERTERS: Final[Mapping[tuple[str, str], tuple[type[wire.Wire], _Converter]]] = {
    ("v1", "Namespace"): (wire.WireObject, convert.namespace),
    ("v1", "Pod"): (wire.WirePod, convert.pod),
    ("v1", "Service"): (wire.WireService, convert.service),
    ("v1", "Node"): (wire.WireNode, convert.node),
    ("discovery.k8s.io/v1", "EndpointSlice"): (wire.WireEndpointSlice, convert.endpoint_slice),
    ("networking.k8s.io/v1", "NetworkPolicy"): (wire.WireNetworkPolicy, convert.network_policy),
    ("apps/v1", "ReplicaSet"): (wire.WireObject, convert.owner("ReplicaSet")),
    ("batch/v1", "Job"): (wire.WireObject, convert.owner("Job")),
}
#: What decides verdicts, and the versions it is served at. Workloads are not here: any version's template is read.
_SERVED: Final[Mapping[str, tuple[str, ...]]] = {
    resource.kind: tuple(each.api_version for each in (*RESOURCES, *TIERED) if each.kind == resource.kind)
    for resource in (*RESOURCES, *TIERED)
    if resource.decides
}
#: Where a workload kind keeps its pod template.
_TEMPLATES: Final[Mapping[str, tuple[str, ...]]] = {"CronJob": ("spec", "jobTemplate", "spec", "template")}
_TEMPLATE: Final = ("spec", "template")
_WRONG_TYPE: Final = re.compile(r"Expected `([^`]+)`, got `([^`]+)`(?: - at `\$\.?([^`]*)`)?")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. What could not be decoded is in `diagnostics`, and in `gaps` where it could decide."""

    objects: list[KubeObject]
    resource_version: str = ""
    continue_token: str = ""
    diagnostics: list[Diagnostic] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a watch; `code` and `message` are those of the Status in an ERROR."""

    type: str
    object: KubeObject | None = None
    resource_version: str = ""
    code: int = 0
    message: str = ""


def decode(raw: Mapping[str, Any], text: SourceText | None = None) -> KubeObject | None:
    """The object of a raw one; None for kinds the console does not keep.

    Raises Malformed, also for a kind that it keeps at a version no API server has: what
    that would mean cannot be known.
    """
    kind, version = raw.get("kind"), raw.get("apiVersion")
    if not isinstance(kind, str) or not isinstance(version, str):
        raise Malformed("no Kubernetes object: it needs apiVersion and kind")
    group = version.rpartition("/")[0]
    found = _CONVERTERS.get((version, kind)) or _custom(group, version, kind)
    if found is None and kind in _SERVED and _is_native(group):
        raise Malformed(
            f"Kubernetes serves no {kind} at {version}; write {' or '.join(_SERVED[kind])}",
            path="apiVersion",
            ref=_ref(kind, raw),
        )
    if found is None:
        return None
    shape, converter = found
    try:
        return converter(msgspec.convert(raw, shape), text)
    except msgspec.ValidationError as error:
        raise _malformed(error, raw, _ref(kind, raw)) from None
    except Malformed as error:
        raise Malformed(error.message, path=error.path, ref=_ref(kind, raw)) from None


def template_pod(raw: Mapping[str, Any]) -> Pod | None:
    """The pod that a workload object would make; None if the object has no pod template or is itself owned.

    Raises Malformed where the template is there but not what its kind requires.
    """
    kind, version = str(raw.get("kind", "")), str(raw.get("apiVersion", ""))
    template: Any = raw
    for key in _TEMPLATES.get(kind, _TEMPLATE):
        template = template.get(key) if isinstance(template, Mapping) else None
    spec = template.get("spec") if isinstance(template, Mapping) else None
    if not isinstance(spec, Mapping) or not isinstance(spec.get("containers"), list):
        return None
    try:
        meta = msgspec.convert(raw.get("metadata") or {}, wire.WireMeta)
        if any(owner.controller for owner in meta.owner_references or ()):
            return None
        shape = msgspec.convert(template, wire.WirePodTemplate)
        return convert.template(kind, meta, shape, api_version=version)
    except msgspec.ValidationError as error:
        raise _malformed(error, raw, _ref(kind, raw)) from None
    except Malformed as error:
        raise Malformed(error.message, path=error.path, ref=_ref(kind, raw)) from None


def decode_page(body: bytes, resource: Resource) -> Page:
    """One page of a LIST of `resource`. Raises Malformed if the body is no list at all."""
    try:
        listed = msgspec.json.decode(body, type=wire.WireRawList)
    except NO_JSON as error:
        raise Malformed(f"the server's answer is no list of {resource.plural}: {error}") from None
    if listed.items is msgspec.UNSET:
        raise Malformed(f"the server's answer is no list of {resource.plural}: it has no items")
    page = Page([], listed.metadata.resource_version or "", listed.metadata.continue_ or "")
    decoder = _ItemDecoder(resource)
    # Empty lists of metadata come as null.
    for item in listed.items or ():
        try:
            page.objects.append(decoder(item))
        except Malformed as error:
            page.diagnostics.append(_diagnostic(error))
            gap = gap_of(resource, error)
            if gap is not None:
                page.gaps.append(gap)
    return page


def decode_event(line: bytes, resource: Resource) -> Event:
    """One line of a WATCH of `resource`. Raises Malformed if it is no event, or its object no such resource."""
    try:
        event = msgspec.json.decode(line, type=wire.WireEvent)
        if event.type == "ERROR":
            status = msgspec.json.decode(event.object, type=wire.WireStatus)
            return Event("ERROR", code=status.code, message=status.message or status.reason or "")
        if event.type == "BOOKMARK":
            meta = msgspec.json.decode(event.object, type=wire.WireObject).metadata
            return Event("BOOKMARK", resource_version=meta.resource_version or "")
    except NO_JSON as error:
        raise Malformed(f"the server sent what is no watch event: {error}") from None
    if event.type not in ("ADDED", "MODIFIED", "DELETED"):
        raise Malformed(f"the server sent a watch event of unknown type {event.type!r}")
    obj = _ItemDecoder(resource)(event.object)
    return Event(event.type, obj, obj.resource_version)


def gap_of(resource: Resource, error: Malformed) -> Gap | None:
    """What is not known for want of a malformed object; None where the resource decides no verdict."""
    if not resource.decides:
        return None
    namespace = error.ref.namespace if error.ref and resource.namespaced else None
    why = f"{error.ref or resource.kind} is malformed ({error})"
    return Gap(code=INVALID_POLICY, resource=resource.full_name, why=why, namespace=namespace or None, ref=error.ref)


class _ItemDecoder:
    """Decodes items of one resource; list items carry no kind of their own, the resource has it."""

    def __init__(self, resource: Resource) -> None:
        found = _CONVERTERS.get((resource.api_version, resource.kind))
        found = found or _custom(resource.group, resource.api_version, resource.kind)
        if found is None:  # pragma: no cover - a Resource without a converter is a programming error
            raise LookupError(resource.kind)
        shape, self._convert = found
        self._decoder = msgspec.json.Decoder(shape)
        self._kind = resource.kind
        # Policies keep their own text for the YAML view.
        self._keeps_text = shape in (wire.WireNetworkPolicy, wire.WireForeign, WireTiered)
        self._api_version = resource.api_version

    def _text(self, item: bytes) -> bytes:
        """The item with its kind, which the items of a list go without. Raises Malformed where it nests too deep."""
        if too_deep(item):
            raise Malformed(f"nested more than {MAX_DEPTH} levels deep")
        if msgspec.json.decode(item, type=wire.WireKind).kind is not None or not item.startswith(b"{"):
            return item
        # In the order of a watch, so that a policy's text is the same however it came.
        return msgspec.json.encode({"kind": self._kind, "apiVersion": self._api_version})[:-1] + b"," + item[1:]

    def __call__(self, item: msgspec.Raw) -> KubeObject:
        try:
            text = SourceText(json=self._text(bytes(item))) if self._keeps_text else None
            return self._convert(self._decoder.decode(item), text)
        except msgspec.ValidationError as error:
            raw = _raw(item)
            raise _malformed(error, raw, _ref(self._kind, raw)) from None
        except NO_JSON as error:
            raise Malformed(f"the server sent malformed JSON: {error}") from None
        except Malformed as error:
            raise Malformed(error.message, path=error.path, ref=_ref(self._kind, _raw(item))) from None


def _raw(item: msgspec.Raw) -> Any:
    """The value of an item; None where no value can be made of it, which a part of it may still be."""
    try:
        return msgspec.json.decode(item)
    except NO_JSON:
        return None


def _is_native(group: str) -> bool:
    """Whether an API group is Kubernetes' own: elsewhere a kind of the same name is another (Knative's Service)."""
    return "." not in group or group.endswith(".k8s.io")


def _custom(group: str, version: str, kind: str) -> tuple[type[wire.Wire], _Converter] | None:
    for resource in TIERED:
        if (resource.api_version, resource.kind) == (version, kind):
            return WireTiered, tiered(kind, version)
    unread = [(each.plural, each.kind, False) for each in TIERED if each.group == group]
    for _, known, namespaced in (*FOREIGN_KINDS.get(group, ()), *unread):
        if kind == known or known.startswith(f"{kind}."):
            return wire.WireForeign, convert.foreign(known, version, namespaced=namespaced)
    return None


def _ref(kind: str, raw: Any) -> ObjectRef:
    meta = raw.get("metadata") if isinstance(raw, Mapping) else None
    meta = meta if isinstance(meta, Mapping) else {}
    cluster_scoped = kind in ("Namespace", "Node") or any(kind == resource.kind for resource in TIERED)
    namespace = "" if cluster_scoped else str(meta.get("namespace") or "default")
    return ObjectRef(kind, namespace, str(meta.get("name") or "(no name)"))


def _diagnostic(error: Malformed) -> Diagnostic:
    return Diagnostic(severity=Severity.ERROR, message=error.message, ref=error.ref, path=error.path)


_NAMES: Final = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "a mapping",
    "array": "a list",
    "null": "null",
}


def _malformed(error: msgspec.ValidationError, raw: Any, ref: ObjectRef) -> Malformed:
    found = _WRONG_TYPE.match(str(error))
    if found is None:
        message, _, path = str(error).partition(" - at `$.")
        return Malformed(message.replace("`", ""), path=path.rstrip("`"), ref=ref)
    wanted, got, path = found[1], found[2], found[3] or ""
    wanted = " or ".join(_NAMES.get(name, name) for name in wanted.split(" | ") if name != "null")
    path, value = _exact(raw, path, wanted)
    if isinstance(value, bool):
        shown = "true" if value else "false"
        hint = "; YAML reads an unquoted y, yes, no, on or off as true or false: quote it" if "string" in wanted else ""
    else:
        shown = f"{_NAMES.get(got, got)} ({value})" if isinstance(value, (int, float)) else _NAMES.get(got, got)
        hint = "; quote it" if "string" in wanted and isinstance(value, (int, float)) else ""
    return Malformed(f"must be {wanted}, is {shown}{hint}", path=path, ref=ref)


def _exact(raw: Any, path: str, wanted: str) -> tuple[str, Any]:
    """The path with each ``[...]`` (msgspec's mark for some key of a mapping) made exact, and the value there."""
    head, mark, tail = path.partition("[...]")
    value: Any = raw
    for step in re.findall(r"[^.\[\]]+", head):
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
    if mark and not tail and isinstance(value, Mapping) and wanted == "a string":
        for key, entry in value.items():
            if entry is not None and not isinstance(entry, str):
                return f"{head}[{key}]", entry
    return path, value
