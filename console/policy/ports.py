"""Any port: which ports of each protocol a connection may use.

Policies cut the ports into ranges that they cannot tell apart; one port of each is
judged by the same evaluator that judges single connections.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from console.errors import UsageError
from console.objects.core import Pod
from console.policy.engine import Engine
from console.policy.model import Policy, Protocol
from console.policy.verdict import Connection, End, Outcome

_FIRST: Final = 1
_LAST: Final = 65535
#: Ranges are judged one by one, each by every rule and port there is: so many of these together take some seconds.
_MOST_WORK: Final = 2_000_000
#: What judging a rule takes, in judgements of one of its ports.
_RULE: Final = 8


class PortSpan(msgspec.Struct, frozen=True):
    """Ports `low` to `high` (inclusive) of a protocol, which all have the same outcome."""

    protocol: Protocol
    low: int
    high: int
    outcome: Outcome

    def __str__(self) -> str:
        ports = "all ports" if (self.low, self.high) == (_FIRST, _LAST) else f"{self.low}–{self.high}"
        return f"{self.low if self.low == self.high else ports}/{self.protocol.value}"


class PortsVerdict(msgspec.Struct, frozen=True):
    """The answer for every port. For a Service with an address the spans are its own ports: it has no others."""

    source: End
    destination: End
    spans: tuple[PortSpan, ...]

    @property
    def outcome(self) -> Outcome:
        """ALLOWED or BLOCKED where every port is, UNKNOWN where none is PARTIAL or sure to differ, else PARTIAL."""
        found = {span.outcome for span in self.spans}
        if len(found) == 1:
            return found.pop()
        return Outcome.PARTIAL if found else Outcome.BLOCKED

    def of(self, outcome: Outcome) -> tuple[PortSpan, ...]:
        """The spans with an outcome."""
        return tuple(span for span in self.spans if span.outcome is outcome)


def any_port(engine: Engine, source: End, destination: End) -> PortsVerdict:
    """Judge every port of every protocol between two ends.

    Raises UsageError as `Engine.evaluate` does, and where policies make more ranges than can be judged in a moment.
    """
    service = destination.service
    if service is not None and service.type == "ExternalName":
        every = (PortSpan(protocol, _FIRST, _LAST, Outcome.UNKNOWN) for protocol in Protocol)
        return PortsVerdict(source, destination, tuple(every))
    if service is not None and not service.headless:
        spans = [
            _judged(engine, Connection(source, destination, Protocol(port.protocol), port.port), port.port)
            for port in service.ports
            if port.protocol in Protocol.__members__
        ]
        return PortsVerdict(source, destination, tuple(spans))
    # The name of a headless Service leads to its pods, on whatever port.
    pods = engine.behind(service) if service is not None else destination.pods
    policies = engine.over({pod.namespace for pod in (*source.pods, *pods)})
    spans = []
    for protocol in Protocol:
        bounds = sorted(_bounds(policies, pods, protocol))
        if len(bounds) * _weight(policies) > _MOST_WORK:
            raise UsageError(
                f"policies cut the {protocol.value} ports between these ends into {len(bounds):,} ranges",
                hint="ask for one port: --port 443",
            )
        judged = (
            _judged(engine, Connection(source, destination, protocol, low), high - 1)
            for low, high in zip(bounds, [*bounds[1:], _LAST + 1], strict=True)
        )
        spans += _merged(judged)
    return PortsVerdict(source, destination, tuple(spans))


def _weight(policies: Sequence[Policy]) -> int:
    rules = [rule for policy in policies for rule in (*(policy.ingress or ()), *(policy.egress or ()))]
    return sum(_RULE + len(rule.ports or ()) for rule in rules)


def _judged(engine: Engine, connection: Connection, high: int) -> PortSpan:
    return PortSpan(connection.protocol, connection.port, high, engine.outcome(connection))


def _bounds(policies: Sequence[Policy], pods: Iterable[Pod], protocol: Protocol) -> set[int]:
    """Where a range begins: at each port a rule or the destination names, and right after it."""
    found = {_FIRST}
    for policy in policies:
        for rule in (*(policy.ingress or ()), *(policy.egress or ())):
            for match in rule.ports or ():
                if match.protocol in (None, protocol) and match.low is not None and match.high is not None:
                    found |= {match.low, match.high + 1}
    for pod in pods:
        for port in pod.ports:
            if port.protocol == protocol.value and port.name:
                found |= {port.port, port.port + 1}
    return {bound for bound in found if _FIRST <= bound <= _LAST}


def _merged(spans: Iterable[PortSpan]) -> Iterator[PortSpan]:
    held: PortSpan | None = None
    for span in spans:
        if held is not None and span.outcome is held.outcome:
            held = replace(held, high=span.high)
            continue
        if held is not None:
            yield held
        held = span
    if held is not None:
        yield held
