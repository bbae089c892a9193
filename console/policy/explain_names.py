"""From what a user types to the policy it names, with the nearest names where it names none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from console.errors import UnknownEnd, UsageError
from console.objects.meta import ObjectRef
from console.objects.resources import FOREIGN_KINDS, TIERED
from console.objects.snapshot import Snapshot
from console.policy.explain_words import listed, policy_name

_FORMS: Final = "write NAMESPACE/NAME, or KIND/NAME for a cluster-scoped policy: anp/NAME, banp/default, cnp/NAME"


def _foreign(namespaced: bool) -> Iterator[tuple[str, str]]:
    for group, kinds in FOREIGN_KINDS.items():
        for plural, kind, inside in kinds:
            if inside is namespaced:
                yield kind.lower(), kind
                yield f"{plural}.{group}", kind


#: What cluster-scoped kinds are called, in lower case: kubectl's short names, singulars and plurals.
_CLUSTER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "anp": "AdminNetworkPolicy",
        "banp": "BaselineAdminNetworkPolicy",
        "cnp": "ClusterNetworkPolicy",
        "ccnp": "CiliumClusterwideNetworkPolicy",
        **{name: each.kind for each in TIERED for name in (each.kind.lower(), each.plural, each.full_name)},
        **dict(_foreign(namespaced=False)),
    }
)
_NAMESPACED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "netpol": "NetworkPolicy",
        "networkpolicy": "NetworkPolicy",
        "networkpolicies": "NetworkPolicy",
        "cnp": "CiliumNetworkPolicy",
        **dict(_foreign(namespaced=True)),
    }
)


def parse_policy(text: str, snapshot: Snapshot) -> ObjectRef:
    """The policy a text names: ``ns/name``, ``kind/name`` (cluster-scoped) or ``ns/kind/name``.

    Raises UsageError for a text of no known form, UnknownEnd for one that names nothing.
    """
    parts = text.strip().split("/")
    if not all(parts) or len(parts) > 3:
        raise UsageError(f"{text!r} names no policy", hint=_FORMS)
    if len(parts) == 1:
        raise _ambiguous(parts[0], snapshot)
    if len(parts) == 3:
        kind = _NAMESPACED.get(parts[1].lower())
        if kind is None:
            raise UsageError(f"{parts[1]!r} is no kind of policy that has a namespace", hint=_FORMS)
        return _existing(ObjectRef(kind, parts[0], parts[2]), snapshot)
    kind = _CLUSTER.get(parts[0].lower())
    # A namespace may be called what a kind is: then the one that has the policy is meant.
    wide = ObjectRef(kind, "", parts[1]) if kind else None
    own = ObjectRef("NetworkPolicy", parts[0], parts[1])
    if wide is not None and (snapshot.policy(wide) is not None or snapshot.policy(own) is None):
        return _existing(wide, snapshot)
    return _existing(own, snapshot)


def _existing(ref: ObjectRef, snapshot: Snapshot) -> ObjectRef:
    if snapshot.policy(ref) is not None:
        return ref
    unread = next((gap for gap in snapshot.coverage.gaps if gap.ref == ref), None)
    if unread is not None:
        raise UnknownEnd(f"{ref} is there, but could not be read", hint=f"{unread.why}: mend it first")
    if ref.namespace and ref.namespace not in snapshot.contents:
        near = get_close_matches(ref.namespace, list(snapshot.contents), n=3, cutoff=0.5)
        nearest = [policy_name(ref._replace(namespace=name)) for name in near]
        nearest = [text for text in nearest if text in {policy_name(each) for each in _refs(snapshot)}]
        raise _unknown(f"there is no namespace {ref.namespace!r}", nearest, snapshot.contents, snapshot, "namespaces")
    inside = [each for each in _refs(snapshot) if each.namespace == ref.namespace]
    known = {each.name: each for each in inside if each.kind == ref.kind}
    near = get_close_matches(ref.name, list(known), n=3, cutoff=0.5)
    nearest = [policy_name(each) for each in inside if each.name == ref.name]
    nearest += [policy_name(known[name]) for name in near]
    raise _unknown(f"there is no {ref}", nearest, map(policy_name, known.values()), snapshot, _resource(ref.kind))


def _ambiguous(name: str, snapshot: Snapshot) -> UnknownEnd:
    refs = list(_refs(snapshot))
    kind = _CLUSTER.get(name.lower())
    meant = [each for each in refs if each.name == name or (each.kind == kind and not each.namespace)]
    close = get_close_matches(name, {each.name for each in refs}, n=3, cutoff=0.5)
    near = [policy_name(each) for each in meant or refs if meant or each.name in close]
    return _unknown(f"{name!r} does not say which policy", near, map(policy_name, refs), snapshot, "networkpolicies")


def _refs(snapshot: Snapshot) -> Iterator[ObjectRef]:
    """Every policy of every kind."""
    yield from (policy.ref for policy in snapshot.policies())
    yield from (policy.ref for policy in snapshot.tiered.values())
    yield from (policy.ref for policy in snapshot.foreign_policies())


def _resource(kind: str) -> str:
    return next((each.full_name for each in TIERED if each.kind == kind), "networkpolicies")


def _unknown(message: str, nearest: list[str], known: Iterable[str], snapshot: Snapshot, resource: str) -> UnknownEnd:
    hint = f"did you mean {' or '.join(nearest[:3])}?" if nearest else f"known: {listed(sorted(known), 6) or 'none'}"
    gaps = snapshot.coverage.of(resource)
    if gaps:
        hint = f"{hint}{'' if nearest else '.'} It may be among what could not be read: {gaps[0].why}."
    return UnknownEnd(message, hint=hint, nearest=tuple(nearest[:3]))
