"""A charter: the written rules for AI traffic, as values. `charter_read` makes one from its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum

from console.governance.charter_terms import PortTerm, Term
from console.governance.findings import Control, Place, Severity
from console.objects.selectors import LabelSelector
from console.policy.model import Network


class Verb(Enum):
    """What a rule says."""

    NEVER = "never"
    ONLY = "only"
    MUST = "must"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule about `subject`: what it reaches (`outward`), or what reaches it.

    `among` narrows an ``only`` to some of the others. `chain` means through any others.
    """

    name: str
    verb: Verb
    outward: bool
    subject: tuple[Term, ...]
    others: tuple[Term, ...]
    among: tuple[Term, ...]
    ports: tuple[PortTerm, ...]
    chain: bool
    severity: Severity
    sentence: str
    controls: tuple[Control, ...]
    place: Place


class Ground(Enum):
    """The rules of a baseline, by their keys."""

    DENY_INGRESS = "deny-ingress"
    DENY_EGRESS = "deny-egress"
    DNS = "dns"
    METADATA = "metadata"
    POLICIES_SELECT = "policies-select"
    REPLICAS_ALIKE = "replicas-alike"
    SERVICES_REACHABLE = "services-reachable"


@dataclass(frozen=True, slots=True)
class BaselineRule:
    """A rule of the baseline, and the workloads for which it holds."""

    ground: Ground
    within: tuple[Term, ...]
    besides: tuple[Term, ...]
    severity: Severity
    sentence: str
    controls: tuple[Control, ...]
    place: Place

    @property
    def name(self) -> str:
        """As exceptions name it."""
        return self.ground.value


@dataclass(frozen=True, slots=True)
class Selection:
    """Workloads of a role or domain: all that is said must hold."""

    namespaces: tuple[str, ...]
    namespace_selector: LabelSelector | None
    pod_selector: LabelSelector | None
    names: tuple[str, ...]
    roles: tuple[str, ...]
    domains: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class OutsideGroup:
    """Places outside: networks, and hosts by name. Groups it includes are resolved."""

    networks: tuple[Network, ...]
    hosts: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Pardon:
    """An exception: what is let pass a rule until the end of a day. No `sources` (or `destinations`): any."""

    rule: str
    sources: tuple[Term, ...]
    destinations: tuple[Term, ...]
    owner: str
    reason: str
    until: date
    place: Place

    def words(self) -> str:
        """Who answers for it, until when, and why."""
        return f"until {self.until.isoformat()}, owner {self.owner}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Example:
    """A path that is `open` (or blocked), and the rules it breaks. All the terms of an end hold of it."""

    open: bool
    source: tuple[Term, ...]
    destination: tuple[Term, ...]
    port: PortTerm | None
    breaks: tuple[str, ...]
    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Charter:
    """What an AI platform's traffic is held to. `role_keys` and `domain_keys` are labels beside the console's own."""

    name: str
    file: str
    role_keys: tuple[str, ...]
    domain_keys: tuple[str, ...]
    roles: Mapping[str, tuple[Selection, ...]]
    domains: Mapping[str, tuple[Selection, ...]]
    outside: Mapping[str, OutsideGroup]
    baseline: tuple[BaselineRule, ...]
    rules: tuple[Rule, ...]
    pardons: tuple[Pardon, ...]
    examples: tuple[Example, ...]

    def networks(self) -> tuple[Network, ...]:
        """Every network a group names: what addresses have to be told apart by."""
        return tuple(dict.fromkeys(network for group in self.outside.values() for network in group.networks))
