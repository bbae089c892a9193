"""What holding a cluster to its charter comes to, as data: rules with their status, findings with their evidence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from console.objects.meta import ObjectRef
from console.policy.verdict import Outcome


class Status(Enum):
    """What became of a rule. UNKNOWN is never a pass: something that could decide was not known."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    EXCEPTED = "excepted"


class Severity(Enum):
    """How much a finding matters, the worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class Control(NamedTuple):
    """A control that a rule or finding is evidence toward; never a claim of compliance."""

    framework: str
    id: str

    def __str__(self) -> str:
        return f"{self.framework} {self.id}"


class Place(NamedTuple):
    """Where something is written; `line` counts from 1, 0 where it is not known."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Offence:
    """One pair that a rule forbids and the cluster lets through (or asks for, and the cluster blocks).

    `source`, `destination` and `port` are what `simulate` takes, so that the verdict and
    its trace can be had at any time by asking again. `ports` are all the ports in words.
    `policies` are the objects that decide. `through` are the ends in between, for a rule
    about chains. `outcome` UNKNOWN: it may be one. `since` (RFC 3339) and `because` are
    known only where changes are followed.
    """

    source: str
    destination: str
    port: str
    ports: str
    outcome: Outcome
    why: str
    policies: tuple[ObjectRef, ...] = ()
    through: tuple[str, ...] = ()
    since: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """A rule of the charter, judged. `pairs` is how many pairs of workloads (or outside groups) were asked about.

    `excepted` are the offences an exception covers, each with who owns it, until when and why.
    `sentence` is the rule read aloud; `why` says in a line what the status rests on.
    """

    name: str
    sentence: str
    status: Status
    pairs: int
    why: str
    severity: Severity
    offences: tuple[Offence, ...] = ()
    unknowns: tuple[Offence, ...] = ()
    excepted: tuple[tuple[Offence, str], ...] = ()
    controls: tuple[Control, ...] = ()
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, or wider than it looks, beyond the charter's rules.

    `code` is stable (``NO_DEFAULT_DENY``). `object` is what it is about. `evidence` are facts,
    a line each; `remedy` says what to do, `manifest` as YAML where that can be written.
    """

    code: str
    severity: Severity
    object: ObjectRef
    title: str
    evidence: tuple[str, ...]
    remedy: str
    controls: tuple[Control, ...] = ()
    manifest: str = ""
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Audit:
    """One judgement of a snapshot. `coverage` says, a line each, what could not be read."""

    charter: str
    rules: tuple[RuleResult, ...]
    findings: tuple[Finding, ...]
    workloads: int
    pods: int
    policies: int
    coverage: tuple[str, ...] = ()

    def count(self, status: Status) -> int:
        """How many rules came to a status."""
        return sum(1 for rule in self.rules if rule.status is status)
