"""What changed between two states of an object, in facts short enough for one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from console.cluster.source import Change, Verb
from console.objects.core import EndpointSlice
from console.objects.meta import Manager
from console.objects.snapshot import KubeObject

_NOT_TOLD: Final = frozenset({"uid", "resource_version", "manager", "text", "created"})
#: What no entry of ``managedFields`` that is read here tells the writer of: a status has writers of its own, the
#: scheduler binds, and who deletes is not written down.
_NOT_WRITTEN: Final = frozenset({"phase", "ready", "ips", "host_ips", "node", "deleting", "addresses"})
#: How fields are called in the objects' own YAML, where that differs from a plain reading.
_NAMES: Final[Mapping[str, str]] = {
    "ips": "podIPs",
    "host_ips": "hostIPs",
    "node": "nodeName",
    "host_network": "hostNetwork",
    "service_account": "serviceAccountName",
    "pod_selector": "podSelector",
    "namespace_selector": "namespaceSelector",
    "policy_types": "policyTypes",
    "cluster_ips": "clusterIPs",
    "external_name": "externalName",
    "publish_not_ready": "publishNotReadyAddresses",
    "address_type": "addressType",
}
_LONGEST: Final = 60


def change(before: KubeObject | None, after: KubeObject | None, at: float) -> Change:
    """The Change from one state to the other (None: it is not there); at least one of them is an object."""
    if after is None:
        assert before is not None
        # Who deleted an object is not written anywhere in it.
        return Change(Verb.DELETED, before.ref, at, before=before)
    if before is None:
        return Change(Verb.ADDED, after.ref, at, after.manager, after=after)
    fields = [name for name in after.__struct_fields__ if name not in _NOT_TOLD]
    changed = [name for name in fields if getattr(before, name) != getattr(after, name)]
    detail = "; ".join(_facts(before, after, changed)) or "metadata changed"
    writer = None if changed and _NOT_WRITTEN.issuperset(changed) else _writer(before.manager, after.manager)
    return Change(Verb.MODIFIED, after.ref, at, writer, detail, before, after)


def _writer(before: Manager | None, after: Manager | None) -> Manager | None:
    """Who made of the one state the other: of those who wrote within one second, whoever had not before."""
    if before is None or after is None or before.time != after.time:
        return after
    fresh = set(after.names) - set(before.names)
    return Manager.any_of(fresh, after.operation, after.time) if fresh else after


def _facts(before: Any, after: Any, changed: Sequence[str]) -> Iterator[str]:
    old: Mapping[str, str] = getattr(before, "labels", {})
    new: Mapping[str, str] = getattr(after, "labels", {})
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            yield f"label {key}: {_shown(old.get(key))} → {_shown(new.get(key))}"
    for field in changed:
        if field not in ("labels", "endpoints"):
            yield _field(_NAMES.get(field, field), getattr(before, field), getattr(after, field))
    if isinstance(after, EndpointSlice) and "endpoints" in changed:
        was, now = (sum(endpoint.ready for endpoint in each.endpoints) for each in (before, after))
        yield f"ready endpoints: {was} → {now}" if was != now else "endpoints changed"


def _field(name: str, was: Any, now: Any) -> str:
    if isinstance(was, bool) and isinstance(now, bool):
        return name if now else f"not {name}"
    plain = (str, int, type(None))
    if isinstance(was, tuple) and isinstance(now, tuple) and all(isinstance(each, str) for each in (*was, *now)):
        return f"{name}: {_shown(', '.join(was))} → {_shown(', '.join(now))}"
    if isinstance(was, plain) and isinstance(now, plain):
        return f"{name}: {_shown(was)} → {_shown(now)}"
    return f"{name} changed"


def _shown(value: object) -> str:
    text = "(none)" if value is None or value == "" else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
