"""Fields of a policy that its kind does not have: an API server drops them, and what is left may say another thing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final

from console.objects.tiered import PORTS_FIELD

#: A shape: the fields of a mapping, each with the shape of its value (None: anything), of each item where it is a list.
_Shape = Mapping[str, Any]
_Path = tuple[str | int, ...]

_SELECTOR: Final[_Shape] = MappingProxyType(
    {"matchLabels": None, "matchExpressions": {"key": None, "operator": None, "values": None}}
)
_PEER: Final[_Shape] = MappingProxyType(
    {"podSelector": _SELECTOR, "namespaceSelector": _SELECTOR, "ipBlock": {"cidr": None, "except": None}}
)
_PORT: Final[_Shape] = MappingProxyType({"protocol": None, "port": None, "endPort": None})
#: networking.k8s.io/v1 NetworkPolicySpec (types.go).
_NETWORK_POLICY: Final[_Shape] = MappingProxyType(
    {
        "podSelector": _SELECTOR,
        "policyTypes": None,
        "ingress": {"from": _PEER, "ports": _PORT},
        "egress": {"to": _PEER, "ports": _PORT},
    }
)


_SUBJECT: Final[_Shape] = MappingProxyType(
    {"namespaces": _SELECTOR, "pods": {"namespaceSelector": _SELECTOR, "podSelector": _SELECTOR}}
)


def unknown_fields(raw: Mapping[str, Any]) -> Iterator[tuple[_Path, str]]:
    """The places of fields that a policy's kind does not have, each with the name that was probably meant (or ``""``).

    Those of the peers of a cluster-scoped policy are left out: they close their rule, and are told there.
    """
    kind = str(raw.get("kind"))
    yield from _unknown(raw.get("spec"), _tiered(kind) if kind in PORTS_FIELD else _NETWORK_POLICY, ("spec",))


def _tiered(kind: str) -> _Shape:
    rule: dict[str, Any] = {"name": None, "action": None, PORTS_FIELD[kind]: None}
    spec: dict[str, Any] = {"subject": _SUBJECT, "ingress": rule | {"from": None}, "egress": rule | {"to": None}}
    if kind != "BaselineAdminNetworkPolicy":
        spec |= {"priority": None}
    return spec | {"tier": None} if kind == "ClusterNetworkPolicy" else spec


def _unknown(value: Any, shape: _Shape, at: _Path) -> Iterator[tuple[_Path, str]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(item, shape, (*at, index))
    elif isinstance(value, Mapping):
        for field, inside in value.items():
            if field not in shape:
                near = get_close_matches(field, [each for each in shape if each not in value], n=1)
                yield (*at, field), near[0] if near else ""
            elif shape[field] is not None:
                yield from _unknown(inside, shape[field], (*at, field))
