"""The words of a charter: who is meant (``role:training``), and on which ports (``on 443/TCP``)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from enum import Enum
from typing import Final, NamedTuple

from console.policy.matrix import OUTSIDE
from console.policy.model import Protocol
from console.policy.universe import INTERNET, METADATA


class Kind(Enum):
    """What a term names. GROUP is an outside group of the charter, OUTSIDE a part of the outside every cluster has."""

    ANY = "any"
    AI = "ai"
    ROLE = "role"
    DOMAIN = "domain"
    NAMESPACE = "namespace"
    WORKLOAD = "workload"
    GROUP = "outside"
    OUTSIDE = "part"


class PortTerm(NamedTuple):
    """Ports `low` to `high`, or those a destination declares by `name`. `protocol` None: any, by name."""

    protocol: Protocol | None
    low: int = 0
    high: int = 0
    name: str = ""

    def __str__(self) -> str:
        spoken = f"/{self.protocol.value}" if self.protocol else ""
        if self.name:
            return self.name + spoken
        return (str(self.low) if self.low == self.high else f"{self.low}-{self.high}") + spoken


class Term(NamedTuple):
    """Who is meant, and the ports (none: those of the rule). `one`: any one of them will do (for ``must``)."""

    kind: Kind
    value: str = ""
    ports: tuple[PortTerm, ...] = ()
    one: bool = False

    @property
    def inside(self) -> bool:
        """Whether workloads are meant."""
        return self.kind not in (Kind.GROUP, Kind.OUTSIDE)

    def words(self) -> str:
        """As it is read aloud."""
        who = f"some {self._who()}" if self.one else self._who()
        return who + (f" on {', '.join(map(str, self.ports))}" if self.ports else "")

    def _who(self) -> str:
        if self.kind is Kind.ANY:
            return "any workload"
        if self.kind is Kind.AI:
            return "any AI workload"
        if self.kind is Kind.OUTSIDE:
            return _SPOKEN.get(self.value, self.value)
        if self.kind in (Kind.DOMAIN, Kind.NAMESPACE):
            return f"{self.kind.value} {self.value}"
        return self.value


class BadTerm(ValueError):
    """A text that is no term. `hint` says what would be."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


_SPOKEN: Final = {INTERNET: "the internet", METADATA: "the metadata address", "apiserver": "the API server"}
_SCHEMES: Final = {kind.value: kind for kind in (Kind.ROLE, Kind.DOMAIN, Kind.NAMESPACE, Kind.WORKLOAD, Kind.GROUP)}
_ONE: Final = "one of "
_PLAIN: Final = ("any", "ai", *OUTSIDE)
_FORMS: Final = (
    f"write {', '.join(_PLAIN)}, role:NAME, domain:NAME, namespace:NAME, workload:NAMESPACE/KIND/NAME or outside:GROUP"
)
_PORT: Final = re.compile(
    r"(?:(?P<low>\d+)(?:-(?P<high>\d+))?|(?P<name>[a-z0-9]([a-z0-9-]*[a-z0-9])?))(?:/(?P<protocol>\w+))?"
)


def parse_term(text: str) -> Term:
    """A term, with its ports. Raises BadTerm."""
    who, _, ports = text.strip().partition(" on ")
    one = who.startswith(_ONE)
    who = who.removeprefix(_ONE).strip()
    on = parse_ports([part for part in ports.split(",") if part.strip()])
    if who in _PLAIN:
        kind = Kind(who) if who in ("any", "ai") else Kind.OUTSIDE
        return Term(kind, who if kind is Kind.OUTSIDE else "", on, one)
    scheme, colon, value = who.partition(":")
    if not colon or scheme not in _SCHEMES or not value.strip():
        near = get_close_matches(scheme if colon else who, [*_SCHEMES, *_PLAIN], n=1)
        meant = f"did you mean {near[0]}{':' + value if colon else ''}? " if near else ""
        raise BadTerm(f"{text!r} names nobody", meant + _FORMS)
    value = value.strip()
    if scheme == "workload" and (value.count("/") != 2 or not all(value.split("/"))):
        raise BadTerm(f"{text!r} names no workload", "write workload:NAMESPACE/KIND/NAME")
    return Term(_SCHEMES[scheme], value.lower() if scheme == "workload" else value, on, one)


def parse_ports(texts: Sequence[str | int]) -> tuple[PortTerm, ...]:
    """Ports as ``443``, ``443/TCP``, ``8000-8080`` or a name that pods declare. Raises BadTerm."""
    return tuple(_port(str(text).strip()) for text in texts)


def _port(text: str) -> PortTerm:
    found = _PORT.fullmatch(text)
    if found is None:
        raise BadTerm(f"{text!r} is no port", "write 443, 443/TCP, 8000-8080 or a port's name")
    written = (found["protocol"] or "").upper()
    if written and written not in Protocol.__members__:
        raise BadTerm(f"{found['protocol']} is not a protocol policies speak of", "TCP, UDP and SCTP are")
    protocol = Protocol(written) if written else None
    if found["name"]:
        return PortTerm(protocol, name=found["name"])
    low = int(found["low"])
    high = int(found["high"] or low)
    if not 1 <= low <= high <= 65535:
        raise BadTerm(f"{text!r} is no range of ports", "ports are 1 to 65535")
    return PortTerm(protocol or Protocol.TCP, low, high)


def listed(terms: Sequence[Term], joint: str = "and") -> str:
    """Terms as they are read aloud."""
    words = [term.words() for term in terms]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {joint} {words[-1]}" if words else "nothing"
