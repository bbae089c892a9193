"""An audit as JSON, all of it, for scripts and records."""

from __future__ import annotations

from typing import Any

from console.governance.findings import Audit, Control, Finding, Offence, Place, RuleResult, Severity, Status
from console.report.audit_words import NOTICE, Made
from console.report.clean import json_text
from console.report.json import ref_json


def render(audit: Audit, *, made: Made | None = None) -> str:
    """The audit as JSON text of several lines, in the same order each time."""
    return json_text(audit_json(audit, made=made))


def audit_json(audit: Audit, *, made: Made | None = None) -> dict[str, Any]:
    """The audit as JSON values: ``rules`` with their ``status``, ``findings`` with code, severity and object."""
    return {
        "charter": audit.charter,
        **({"made": {"version": made.version, "time": made.time, "source": made.source}} if made else {}),
        "summary": {
            **{status.value: audit.count(status) for status in Status},
            "findings": {
                severity.value: sum(1 for each in audit.findings if each.severity is severity) for severity in Severity
            },
        },
        "workloads": audit.workloads,
        "pods": audit.pods,
        "policies": audit.policies,
        "coverage": list(audit.coverage),
        "rules": [_rule(rule) for rule in audit.rules],
        "findings": [_finding(finding) for finding in audit.findings],
        "notice": NOTICE,
    }


def _rule(rule: RuleResult) -> dict[str, Any]:
    return {
        "name": rule.name,
        "sentence": rule.sentence,
        "status": rule.status.value,
        "severity": rule.severity.value,
        "why": rule.why,
        "pairs": rule.pairs,
        "offences": [_offence(each) for each in rule.offences],
        "unknowns": [_offence(each) for each in rule.unknowns],
        "excepted": [{**_offence(each), "reason": reason} for each, reason in rule.excepted],
        "evidence_toward": _controls(rule.controls),
        "place": _place(rule.place),
    }


def _offence(offence: Offence) -> dict[str, Any]:
    return {
        "from": offence.source,
        "to": offence.destination,
        "port": offence.port,
        "ports": offence.ports,
        "outcome": offence.outcome.value,
        "why": offence.why,
        "policies": [ref_json(ref) for ref in offence.policies],
        "through": list(offence.through),
        "since": offence.since or None,
        "because": offence.because or None,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "object": ref_json(finding.object),
        "title": finding.title,
        "evidence": list(finding.evidence),
        "remedy": finding.remedy,
        "manifest": finding.manifest or None,
        "evidence_toward": _controls(finding.controls),
        "place": _place(finding.place),
    }


def _controls(controls: tuple[Control, ...]) -> list[dict[str, str]]:
    return [{"framework": each.framework, "id": each.id} for each in controls]


def _place(place: Place | None) -> dict[str, str | int] | None:
    # A file's name may hold bytes that are no text, and JSON is text.
    return {"file": place.file.encode("utf-8", "replace").decode(), "line": place.line} if place else None
