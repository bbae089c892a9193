"""An audit as JUnit XML: a test case a rule, and one a finding, for whatever shows test reports.

Of the form Jenkins' xUnit plugin reads. A rule that cannot be known is an error, never a
pass; one that holds by an exception only is skipped, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree as ET

from console.governance.findings import Audit, Finding, RuleResult, Severity, Status
from console.report.audit_words import (
    Made,
    controls_word,
    object_word,
    offence_facts,
    pair_word,
    status_word,
)
from console.report.clean import clean

_ORDER: Final = tuple(Severity)


def render(audit: Audit, *, fail_on: Severity | None = Severity.LOW, made: Made | None = None) -> str:
    """The audit as JUnit XML. Findings less severe than `fail_on` are skipped, with what they say; all where None."""
    rules = [_of_rule(audit, rule) for rule in audit.rules]
    findings = [_of_finding(audit, finding, fail_on) for finding in audit.findings]
    root = ET.Element("testsuites", {"name": clean(f"audit by the charter {audit.charter}")})
    for name, cases in (("charter", rules), ("findings", findings)):
        suite = ET.SubElement(root, "testsuite", _counts(cases) | {"name": name})
        if made is not None and made.time:
            suite.set("timestamp", clean(made.time).removesuffix("Z"))
        suite.extend(cases)
        if name == "charter" and audit.coverage:
            lines = [f"not read: {clean(each)}" for each in audit.coverage]
            ET.SubElement(suite, "system-err").text = "\n".join(lines)
    for field in ("tests", "failures", "errors"):
        root.set(field, str(sum(int(suite.get(field, "0")) for suite in root)))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _counts(cases: list[ET.Element]) -> dict[str, str]:
    kinds = [child.tag for case in cases for child in case]
    return {
        "tests": str(len(cases)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
    }


def _case(kind: str, audit: Audit, name: str) -> ET.Element:
    return ET.Element("testcase", {"classname": clean(f"{kind}.{audit.charter}"), "name": clean(name), "time": "0"})


def _of_rule(audit: Audit, rule: RuleResult) -> ET.Element:
    case = _case("charter", audit, rule.name)
    tags = {Status.FAIL: "failure", Status.UNKNOWN: "error", Status.EXCEPTED: "skipped"}
    tag = tags.get(rule.status)
    if tag is not None:
        told = ET.SubElement(case, tag, {"message": clean(f"{status_word(rule.status)}: {rule.why or rule.sentence}")})
        if tag != "skipped":
            told.set("type", rule.severity.value)
        told.text = "\n".join(_told(rule))
    elif rule.excepted:
        ET.SubElement(case, "system-out").text = "\n".join(_told(rule))
    return case


def _told(rule: RuleResult) -> Iterator[str]:
    yield clean(rule.sentence)
    for glyph, offences in (("✗", rule.offences), ("?", rule.unknowns)):
        for offence in offences:
            yield f"{glyph} {pair_word(offence)}"
            yield from (f"    {fact}" for fact in offence_facts(offence))
    for offence, reason in rule.excepted:
        yield f"~ {pair_word(offence)}"
        yield f"    excepted: {clean(reason)}"
    if rule.controls:
        yield f"evidence toward {controls_word(rule.controls)}"


def _of_finding(audit: Audit, finding: Finding, fail_on: Severity | None) -> ET.Element:
    case = _case("findings", audit, f"{finding.code} {object_word(finding.object)}")
    failed = fail_on is not None and _ORDER.index(finding.severity) <= _ORDER.index(fail_on)
    told = ET.SubElement(case, "failure" if failed else "skipped", {"message": clean(finding.title)})
    if failed:
        told.set("type", finding.severity.value)
    lines = [f"{finding.severity.value}: {clean(finding.title)}", *map(clean, finding.evidence)]
    if finding.place is not None:
        lines.append(clean(f"written at {finding.place.file}:{finding.place.line}"))
    lines += [clean(finding.remedy)] if finding.remedy else []
    lines += [f"evidence toward {controls_word(finding.controls)}"] if finding.controls else []
    told.text = "\n".join(lines)
    return case
