"""The wording of an audit that its reports share: statuses, severities, order, what a control is evidence toward."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from console.governance.findings import Audit, Control, Finding, Offence, RuleResult, Severity, Status
from console.objects.meta import ObjectRef
from console.report.clean import clean
from console.report.words import place

#: Glyphs that need no colour to be told apart.
GLYPHS: Final[Mapping[Status, str]] = MappingProxyType(
    {Status.PASS: "✓", Status.FAIL: "✗", Status.UNKNOWN: "?", Status.EXCEPTED: "~"}
)
#: What matters most comes first.
ORDER: Final = (Status.FAIL, Status.UNKNOWN, Status.EXCEPTED, Status.PASS)
NOTICE: Final = (
    "What is shown is evidence toward the controls that are named. It is no statement of compliance with any of them."
)
#: Offences that are listed for one rule; what is beyond is counted. JSON and SARIF have them all.
MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Made:
    """By which version, when (RFC 3339) and from what a report was made.

    Passed in, and empty where it is not to be shown: the same audit gives the same text.
    """

    version: str = ""
    time: str = ""
    source: str = ""

    def words(self) -> str:
        """``netpol-console 1.2, prod-eu1, 2026-11-23T20:00:00Z``."""
        tool = f"netpol-console {self.version}".strip()
        return ", ".join(clean(each) for each in (tool, self.source, self.time) if each)


def status_word(status: Status) -> str:
    """``✗ FAIL``."""
    return f"{GLYPHS[status]} {status.name}"


def in_order(audit: Audit) -> list[RuleResult]:
    """The rules, failed ones first, each group in the charter's order."""
    return sorted(audit.rules, key=lambda rule: ORDER.index(rule.status))


def summary(audit: Audit) -> str:
    """``11 of 13 rules pass: 1 ✗ fail, 1 ? unknown``."""
    counts = [(status, audit.count(status)) for status in ORDER if status is not Status.PASS]
    rest = ", ".join(f"{number} {GLYPHS[status]} {status.value}" for status, number in counts if number)
    head = f"{audit.count(Status.PASS)} of {len(audit.rules)} rules pass"
    return f"{head}: {rest}" if rest else head


def severities(audit: Audit) -> str:
    """``3 high, 2 low``; empty where there is no finding."""
    counts = dict.fromkeys(Severity, 0)
    for finding in audit.findings:
        counts[finding.severity] += 1
    return ", ".join(f"{number} {severity.value}" for severity, number in counts.items() if number)


def scope(audit: Audit) -> str:
    """``60 workloads, 150 pods, 40 policies``."""
    return f"{audit.workloads} workloads, {audit.pods} pods, {audit.policies} policies"


def object_word(ref: ObjectRef) -> str:
    """``NetworkPolicy training/default-deny``."""
    return f"{clean(ref.kind)} {place(ref)}"


def pair_word(offence: Offence) -> str:
    """``training/job/a → internet 443/TCP``; what lies between is named."""
    chain = " → ".join(clean(each) for each in (offence.source, *offence.through, offence.destination))
    ports = clean(offence.ports or offence.port)
    return f"{chain} {ports}".rstrip()


def offence_facts(offence: Offence) -> Iterator[str]:
    """Why it is one, which objects decide, and since when."""
    if offence.why:
        yield clean(offence.why)
    if offence.policies:
        yield f"decided by {', '.join(object_word(ref) for ref in offence.policies)}"
    if offence.since or offence.because:
        since = f"since {clean(offence.since)}" if offence.since else ""
        yield f"{since} {clean(offence.because)}".strip()


def folded(offences: Sequence[Offence]) -> Iterator[tuple[tuple[str, ...], list[Offence]]]:
    """The first `MOST` offences, those with the same facts together, in the order in which these come first."""
    groups: dict[tuple[str, ...], list[Offence]] = {}
    for offence in offences[:MOST]:
        groups.setdefault(tuple(offence_facts(offence)), []).append(offence)
    yield from groups.items()


def controls_word(controls: tuple[Control, ...]) -> str:
    """Controls by framework: ``PCI DSS 4.0 1.2.5, 1.3.2; SOC 2 CC6.1``."""
    frameworks: dict[str, list[str]] = {}
    for each in controls:
        frameworks.setdefault(clean(each.framework), []).append(clean(each.id))
    return "; ".join(f"{name} {', '.join(ids)}" for name, ids in frameworks.items())


def touched(audit: Audit) -> Mapping[Control, tuple[list[RuleResult], list[Finding]]]:
    """The controls of an audit, by name, each with the rules and findings that are evidence toward it."""
    found: dict[Control, tuple[list[RuleResult], list[Finding]]] = {}
    for rule in audit.rules:
        for each in rule.controls:
            found.setdefault(each, ([], []))[0].append(rule)
    for finding in audit.findings:
        for each in finding.controls:
            found.setdefault(each, ([], []))[1].append(finding)
    return dict(sorted(found.items()))
