"""From the wire to the cluster-scoped policies, whichever version wrote them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

import msgspec

from console.objects import wire
from console.objects.convert import manager_of, name_of
from console.objects.diagnostics import Malformed
from console.objects.meta import SourceText
from console.objects.shapes import prepare
from console.objects.tiered import TieredPeer, TieredPolicy, TieredPort, TieredRule

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


class _PortNumber(wire.Wire):
    port: int
    protocol: str | None = None


class _PortRange(wire.Wire):
    start: int
    end: int
    protocol: str | None = None


class _Destination(wire.Wire):
    number: int | None = None
    range: _PortRange | None = None


class _Protocol(wire.Wire):
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
            ingress=tuple(_rule(rule, f"spec.ingress[{n}]", "from") for n, rule in enumerate(spec.ingress or ())),
            egress=tuple(_rule(rule, f"spec.egress[{n}]", "to") for n, rule in enumerate(spec.egress or ())),
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


def _rule(raw: _WireRule, path: str, key: str) -> TieredRule:
    peers = raw.from_ if key == "from" else raw.to
    if not peers:
        raise Malformed("needs at least one peer", path=f"{path}.{key}")
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
        key: tuple[str | int, ...] = ("ports", index)
        where = f"{path}.ports[{index}]"
        if entry.get("portNumber") is not None:
            number = _as(entry["portNumber"], _PortNumber, f"{where}.portNumber")
            yield TieredPort((*key, "portNumber"), number.protocol or "TCP", number.port, number.port)
        elif entry.get("portRange") is not None:
            span = _as(entry["portRange"], _PortRange, f"{where}.portRange")
            yield TieredPort((*key, "portRange"), span.protocol or "TCP", span.start, span.end)
        elif isinstance(entry.get("namedPort"), str):
            yield TieredPort((*key, "namedPort"), name=entry["namedPort"])
        else:
            raise Malformed("must be a portNumber, a portRange or a namedPort", path=where)


def _protocols(raw: Any, path: str) -> Iterator[TieredPort]:
    """v1alpha2: exactly one of tcp, udp, sctp, destinationNamedPort; no destinationPort means all of its ports."""
    for index, entry in enumerate(raw):
        where = f"{path}.protocols[{index}]"
        if isinstance(entry.get("destinationNamedPort"), str):
            yield TieredPort(("protocols", index, "destinationNamedPort"), name=entry["destinationNamedPort"])
            continue
        spoken = [name for name in ("tcp", "udp", "sctp") if entry.get(name) is not None]
        if len(spoken) != 1:
            raise Malformed("must be exactly one of tcp, udp, sctp or destinationNamedPort", path=where)
        key = ("protocols", index, spoken[0])
        target = _as(entry[spoken[0]], _Protocol, f"{where}.{spoken[0]}").destination_port
        if target is None:
            yield TieredPort(key, spoken[0].upper())
        elif target.range is not None:
            yield TieredPort((*key, "destinationPort"), spoken[0].upper(), target.range.start, target.range.end)
        elif target.number is not None:
            yield TieredPort((*key, "destinationPort"), spoken[0].upper(), target.number, target.number)
        else:
            raise Malformed("must be a number or a range", path=f"{where}.{spoken[0]}.destinationPort")


def _as(raw: Any, shape: type[_T], path: str) -> _T:
    try:
        return msgspec.convert(raw, shape)
    except msgspec.ValidationError as error:
        raise Malformed(str(error).replace("`", "").replace("Expected", "expected"), path=path) from None
