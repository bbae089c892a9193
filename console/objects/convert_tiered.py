"""From the wire to the cluster-scoped policies, whichever version wrote them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from console.objects import wire
from console.objects.convert import manager_of, name_of
from console.objects.diagnostics import Malformed
from console.objects.meta import SourceText
from console.objects.shapes import prepare
from console.objects.tiered import PORTS_FIELD, TieredPeer, TieredPolicy, TieredPort, TieredRule

_T = TypeVar("_T")
_PEER_FIELDS: Final = frozenset(["namespaces", "pods", "nodes", "networks", "domainNames"])


class _WireRule(wire.Wire):
    action: str
    name: str | None = None
    from_: list[dict[str, Any]] | None = msgspec.field(name="from", default=None)
    to: list[dict[str, Any]] | None = None
    ports: list[dict[str, Any]] | None = None
    protocols: list[dict[str, Any]] | None = None


class _WireSpec(wire.Wire):
    subject: dict[str, Any]
    tier: str = ""
    priority: int | None = None
    ingress: list[_WireRule] | None = None
    egress: list[_WireRule] | None = None


class WireTiered(wire.Wire):
    """Any of the three kinds."""

    metadata: wire.WireMeta
    spec: _WireSpec


# A field that is not known here could narrow what a port matches, so none is overlooked.
class _PortNumber(wire.Wire, forbid_unknown_fields=True):
    port: int
    protocol: str | None = None


class _PortRange(wire.Wire, forbid_unknown_fields=True):
    start: int
    end: int
    protocol: str | None = None


class _Range(wire.Wire, forbid_unknown_fields=True):
    start: int
    end: int


class _Destination(wire.Wire, forbid_unknown_fields=True):
    number: int | None = None
    range: _Range | None = None


class _Protocol(wire.Wire, forbid_unknown_fields=True):
    destination_port: _Destination | None = None


prepare(WireTiered, TieredPeer, _PortNumber, _PortRange, _Protocol)


def tiered(kind: str, api_version: str) -> Any:
    """The converter of a kind: wire shape and text in, TieredPolicy out; raises Malformed."""

    def convert(raw: WireTiered, text: SourceText | None = None) -> TieredPolicy:
        meta, spec = raw.metadata, raw.spec
        return TieredPolicy(
            kind=kind,
            name=name_of(meta),
            api_version=api_version,
            tier=_tier(kind, spec),
            priority=_priority(kind, spec),
            subject=_peer(spec.subject, "spec.subject"),
            ingress=tuple(_rule(kind, rule, f"spec.ingress[{n}]", "from") for n, rule in enumerate(spec.ingress or ())),
            egress=tuple(_rule(kind, rule, f"spec.egress[{n}]", "to") for n, rule in enumerate(spec.egress or ())),
            text=text,
            uid=meta.uid or "",
            resource_version=meta.resource_version or "",
            manager=manager_of(meta),
        )

    return convert


def _tier(kind: str, spec: _WireSpec) -> str:
    if kind != "ClusterNetworkPolicy":
        return "Baseline" if kind == "BaselineAdminNetworkPolicy" else "Admin"
    if spec.tier not in ("Admin", "Baseline"):
        raise Malformed(f"must be Admin or Baseline, is {spec.tier!r}", path="spec.tier")
    return spec.tier


def _priority(kind: str, spec: _WireSpec) -> int:
    if kind == "BaselineAdminNetworkPolicy":
        return 0
    if spec.priority is None:
        raise Malformed("needs a priority from 0 to 1000", path="spec.priority")
    return spec.priority


def _rule(kind: str, raw: _WireRule, path: str, key: str) -> TieredRule:
    peers = raw.from_ if key == "from" else raw.to
    if not peers:
        raise Malformed("needs at least one peer", path=f"{path}.{key}")
    for field, listed in (("ports", raw.ports), ("protocols", raw.protocols)):
        if listed is None:
            continue
        if field != PORTS_FIELD[kind]:
            # An API server drops the field, and what is left matches every port: nobody can have meant that.
            raise Malformed(f"{kind} writes its ports in {PORTS_FIELD[kind]}", path=f"{path}.{field}")
        if not listed:
            raise Malformed("needs at least one entry; leave it out to match every port", path=f"{path}.{field}")
    ports = [*_ports(raw.ports or (), path), *_protocols(raw.protocols or (), path)]
    return TieredRule(
        action=raw.action,
        peers=tuple(_peer(peer, f"{path}.{key}[{n}]") for n, peer in enumerate(peers)),
        ports=tuple(ports) or None,
        name=raw.name or "",
    )


def _peer(raw: Mapping[str, Any], path: str) -> TieredPeer:
    known = {key: value for key, value in raw.items() if key in _PEER_FIELDS and value is not None}
    unknown = tuple(sorted(str(key) for key in raw if key not in _PEER_FIELDS))
    try:
        peer = msgspec.convert(known, TieredPeer)
    except msgspec.ValidationError as error:
        message, _, where = str(error).replace("`", "").partition(" - at $.")
        raise Malformed(message.replace("Expected", "expected"), path=f"{path}.{where}" if where else path) from None
    return msgspec.structs.replace(peer, unknown=unknown) if unknown else peer


def _ports(raw: Any, path: str) -> Iterator[TieredPort]:
    """v1alpha1: exactly one of portNumber, portRange, namedPort; the protocol defaults to TCP."""
    for index, entry in enumerate(raw):
        where = f"{path}.ports[{index}]"
        field, value = _only(entry, ("portNumber", "portRange", "namedPort"), where)
        key = ("ports", index, field)
        if field == "portNumber":
            number = _as(value, _PortNumber, f"{where}.{field}")
            yield TieredPort(key, number.protocol or "TCP", number.port, number.port)
        elif field == "portRange":
            span = _as(value, _PortRange, f"{where}.{field}")
            yield TieredPort(key, span.protocol or "TCP", span.start, span.end)
        else:
            yield TieredPort(key, name=_as(value, str, f"{where}.{field}"))


def _protocols(raw: Any, path: str) -> Iterator[TieredPort]:
    """v1alpha2: exactly one of tcp, udp, sctp, destinationNamedPort; no destinationPort means all of its ports."""
    for index, entry in enumerate(raw):
        where = f"{path}.protocols[{index}]"
        field, value = _only(entry, ("tcp", "udp", "sctp", "destinationNamedPort"), where)
        key, at = ("protocols", index, field), f"{where}.{field}"
        if field == "destinationNamedPort":
            yield TieredPort(key, name=_as(value, str, at))
            continue
        target = _as(value, _Protocol, at).destination_port
        if target is None:
            yield TieredPort(key, field.upper())
        elif (target.range is None) == (target.number is None):
            raise Malformed("must be exactly one of number and range", path=f"{at}.destinationPort")
        elif target.range is not None:
            if target.range.start >= target.range.end:
                raise Malformed("start must be less than end", path=f"{at}.destinationPort.range")
            yield TieredPort((*key, "destinationPort"), field.upper(), target.range.start, target.range.end)
        else:
            yield TieredPort((*key, "destinationPort"), field.upper(), target.number, target.number)


def _only(entry: Mapping[str, Any], fields: Sequence[str], where: str) -> tuple[str, Any]:
    """The one field that is set, and its value: an API server refuses two (MaxProperties), and none."""
    held = {field: value for field, value in entry.items() if value is not None}
    if len(held) != 1 or not held.keys() <= set(fields):
        raise Malformed(f"must be exactly one of {', '.join(fields[:-1])} and {fields[-1]}", path=where)
    return next(iter(held.items()))


def _as(raw: Any, shape: type[_T], path: str) -> _T:
    try:
        return msgspec.convert(raw, shape)
    except msgspec.ValidationError as error:
        raise Malformed(str(error).replace("`", "").replace("Expected", "expected"), path=path) from None
