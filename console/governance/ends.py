"""The ends of a rule, and what a charter's terms and ports mean of them."""

from __future__ import annotations

from dataclasses import dataclass

from console.governance.charter_terms import Kind, PortTerm, Term
from console.governance.inventory import Entry
from console.policy.model import Protocol
from console.policy.reach import Reachability


@dataclass(frozen=True, slots=True)
class Side:
    """A workload, or a part of the outside, as one end of a rule.

    `ask` is what `simulate` takes for it. `hosts`: it is only known by host name, so that the
    internet stands for it. `vague`: where it is cannot be told, so that anything outside may be it.
    """

    name: str
    ask: str
    classes: int
    entry: Entry | None = None
    hosts: tuple[str, ...] = ()
    vague: bool = False


def overlapping(reach: Reachability, port: PortTerm) -> int:
    """The port atoms that hold any port of a range."""
    protocol = port.protocol or Protocol.TCP
    if port.low == port.high:
        return reach.port(protocol, port.low)
    found = 0
    for number in range(reach.atoms.all.bit_length()):
        atom = 1 << number
        each, low, high = next(reach.atoms.spans(atom))
        if each is protocol and low <= port.high and port.low <= high:
            found |= atom
    return found


def means(term: Term, entry: Entry) -> bool:
    """Whether a term means a workload."""
    if term.kind is Kind.ANY:
        return True
    if term.kind is Kind.AI:
        return entry.ai
    if term.kind is Kind.ROLE:
        return entry.role == term.value
    if term.kind is Kind.DOMAIN:
        return entry.domain == term.value
    if term.kind is Kind.NAMESPACE:
        return entry.workload.namespace == term.value
    return term.kind is Kind.WORKLOAD and entry.name.lower() == term.value
