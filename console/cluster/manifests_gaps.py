"""What cannot be known for want of a document that was refused: as much as the document lets one say, and no less."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

from console.objects.coverage import INVALID_POLICY, UNPARSED, Gap
from console.objects.meta import ObjectRef
from console.objects.resources import CUSTOM_GROUPS, FOREIGN_KINDS, RESOURCES
from console.objects.selectors import LabelSelector

# Where documents, and items of lists, say their kind. Deeper ones belong to other things (roleRef, targetRef).
_KIND: Final = re.compile(r"^(?:[ ]{0,2}(?:- )?)[\"']?kind[\"']?:[ \t]*[\"']?(\w+)", re.MULTILINE)
#: A word that may be the kind of a policy. Fields, such as ``dnsPolicy``, start in lower case.
_POLICIES: Final = re.compile(r"\b[A-Z]\w*(?:Policy|Firewall)\b")
_DECIDING: Final = {resource.kind: resource.full_name for resource in RESOURCES if resource.decides}
_POLICY_GROUPS: Final = frozenset(["networking.k8s.io", "extensions", *CUSTOM_GROUPS])
_CLUSTER_WIDE: Final = frozenset(
    ["Namespace", "Node"]
    + ["AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy"]
    + [kind.partition(".")[0] for kinds in FOREIGN_KINDS.values() for _, kind, namespaced in kinds if not namespaced]
)


def ref_of(value: Any) -> ObjectRef | None:
    """The reference of a raw object, as far as it says; None where it has no kind."""
    if not isinstance(value, Mapping) or not isinstance(value.get("kind"), str):
        return None
    meta = value.get("metadata")
    meta = meta if isinstance(meta, Mapping) else {}
    kind = value["kind"]
    namespace = "" if kind in _CLUSTER_WIDE else str(meta.get("namespace") or "default")
    return ObjectRef(kind, namespace, str(meta.get("name") or "(no name)"))


def gap_of_text(text: str, place: str) -> Gap | None:
    """The gap that an unreadable text leaves; None where all it can have held decides nothing."""
    kinds = set(_KIND.findall(text))
    if not kinds or _POLICIES.search(text) or any(kind.endswith("List") for kind in kinds):
        return Gap(code=UNPARSED, resource="*", why=f"{place} could not be read; it may hold policies")
    for kind in sorted(kinds):
        resource = _DECIDING.get(kind) or ("pods" if "containers:" in text else None)
        if resource is not None:
            return Gap(code=UNPARSED, resource=resource, why=f"{place} could not be read; it holds a {kind}")
    return None


def gap_of_object(value: Any, why: str, paths: Collection[str]) -> Gap | None:
    """The gap that a refused object leaves, narrowed by what is readable of it; None where it decides nothing.

    `paths` are the places of what is wrong with it (``""``: anywhere); nothing is taken from there.
    """
    ref = ref_of(value)
    if ref is None:
        return None
    version = value.get("apiVersion")
    group = version.rpartition("/")[0] if isinstance(version, str) else None
    policy = bool(_POLICIES.search(ref.kind)) and (group is None or group in _POLICY_GROUPS)
    namespace = ref.namespace or None
    if any(path == "" or path.startswith("metadata") for path in paths):
        namespace = None
    if not policy:
        resource = _DECIDING.get(ref.kind) or ("pods" if _has_template(value) else None)
        return Gap(code=UNPARSED, resource=resource, why=why, namespace=namespace, ref=ref) if resource else None
    doubtful = any(path in ("", "spec") or path.startswith("spec.podSelector") for path in paths)
    standard = ref.kind == "NetworkPolicy" and group == "networking.k8s.io"
    selector = _selector(value.get("spec")) if standard and not doubtful else None
    resource = "networkpolicies" if ref.kind == "NetworkPolicy" else ref.kind
    return Gap(code=INVALID_POLICY, resource=resource, why=why, namespace=namespace, pod_selector=selector, ref=ref)


def _has_template(value: Mapping[str, Any]) -> bool:
    spec = value.get("spec")
    return isinstance(spec, Mapping) and ("template" in spec or "jobTemplate" in spec)


def _selector(spec: Any) -> LabelSelector | None:
    if not isinstance(spec, Mapping):
        return None
    try:
        return msgspec.convert(spec.get("podSelector") or {}, LabelSelector)
    except msgspec.ValidationError:
        return None
