"""An audit as SARIF 2.1.0, the form in which code scanning shows findings beside the lines they are about.

Written for GitHub's reading of it: each result has a place in a file where any file is known,
at most 5,000 are shown, a rule has at most 20 tags, and a result keeps its fingerprint when
lines move or pods are counted otherwise.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

from console.governance.findings import Audit, Control, Finding, Offence, Place, RuleResult, Severity, Status
from console.governance.hygiene_codes import ABOUT
from console.objects.meta import ObjectRef
from console.report import audit_markdown
from console.report.audit_words import NOTICE, Made, controls_word, object_word, offence_facts, pair_word
from console.report.clean import clean

Raw = dict[str, Any]
SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#: What GitHub shows of one upload.
_MOST: Final = 5_000
_TAGS: Final = 20
_LEVELS: Final[Mapping[Severity, str]] = MappingProxyType(
    {
        Severity.CRITICAL: "error",
        Severity.HIGH: "error",
        Severity.MEDIUM: "warning",
        Severity.LOW: "note",
        Severity.INFO: "note",
    }
)
#: GitHub's scale: over 9 is critical, 7 high, 4 medium.
_SCORES: Final[Mapping[Severity, str]] = MappingProxyType(
    {
        Severity.CRITICAL: "9.5",
        Severity.HIGH: "8.0",
        Severity.MEDIUM: "5.0",
        Severity.LOW: "2.0",
        Severity.INFO: "0.5",
    }
)


def render(audit: Audit, *, made: Made | None = None) -> str:
    """The audit as a SARIF log.

    What has no place in a file of its own (objects of a live cluster) gets the first line of
    the first file that is named anywhere; where none is, results have logical locations
    only, which GitHub does not take.
    """
    rules = _Rules()
    results = list(_results(audit, rules, _first(audit)))
    notes = [_note("warning", f"could not be read: {clean(each)}") for each in audit.coverage]
    if len(results) > _MOST:
        notes.append(_note("error", f"{len(results) - _MOST} results are left out: {_MOST} are shown at most"))
    invocation: Raw = {"executionSuccessful": True, "toolExecutionNotifications": notes}
    if made is not None and made.time:
        invocation["endTimeUtc"] = made.time
    driver: Raw = {"name": "netpol-console", "rules": rules.written}
    if made is not None and made.version:
        driver["version"] = made.version
    run: Raw = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "automationDetails": {"id": f"netpol-console/{quote(clean(audit.charter), safe='')}/"},
        "invocations": [invocation],
        "results": results[:_MOST],
        "properties": {"workloads": audit.workloads, "pods": audit.pods, "policies": audit.policies},
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=True) + "\n"


def _first(audit: Audit) -> Place | None:
    """The anchor of what has no place of its own."""
    every = [*(rule.place for rule in audit.rules), *(finding.place for finding in audit.findings)]
    return next((Place(place.file, 1) for place in every if place is not None and place.file), None)


class _Rules:
    """The rules of the log, in the order in which results name them first."""

    def __init__(self) -> None:
        self.written: list[Raw] = []
        self._index: dict[str, int] = {}

    def index(self, name: str, make: Raw) -> int:
        """The index of a rule, written down when it is named first."""
        if name not in self._index:
            self._index[name] = len(self.written)
            self.written.append({"id": name, **make})
        return self._index[name]


def _results(audit: Audit, rules: _Rules, anchor: Place | None) -> Iterator[Raw]:
    for rule in audit.rules:
        # Every rule is listed, those that hold too: what was not judged and what passed are told apart.
        index = rules.index(_rule_id(rule), _rule(rule))
        for offence in rule.offences:
            yield _of_offence(rule, index, offence, anchor, "")
        for offence in rule.unknowns:
            yield _of_offence(rule, index, offence, anchor, "It cannot be known whether this holds. ")
        for offence, reason in rule.excepted:
            result = _of_offence(rule, index, offence, anchor, "Excepted. ")
            result["level"] = "note"
            result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": clean(reason)}]
            yield result
        if not (rule.offences or rule.unknowns or rule.excepted) and rule.status in (Status.FAIL, Status.UNKNOWN):
            what = "It cannot be known whether this holds. " if rule.status is Status.UNKNOWN else ""
            yield {
                **_head(_rule_id(rule), index, rule.severity),
                "message": {"text": f"{what}{clean(rule.sentence)}: {clean(rule.why)}"},
                "locations": [_location(rule.place or anchor, ObjectRef("Charter", "", audit.charter))],
                "partialFingerprints": _fingerprint("rule", rule.name),
            }
    # Where one object has several findings of a code, their titles tell them apart.
    alike = Counter((finding.code, finding.object) for finding in audit.findings)
    for finding in audit.findings:
        told = (finding.title,) if alike[finding.code, finding.object] > 1 else ()
        result = _of_finding(finding, rules, anchor)
        result["partialFingerprints"] = _fingerprint("finding", finding.code, str(finding.object), *told)
        yield result


def _rule_id(rule: RuleResult) -> str:
    return f"charter/{clean(rule.name)}"


def _rule(rule: RuleResult) -> Raw:
    about = f"{clean(rule.sentence)}\n\nEvidence toward {controls_word(rule.controls)}." if rule.controls else ""
    return _descriptor(
        clean(rule.name), clean(rule.sentence), about or clean(rule.sentence), rule.severity, rule.controls
    )


def _descriptor(name: str, short: str, about: str, severity: Severity, controls: tuple[Control, ...]) -> Raw:
    tags = ["security", *(f"{clean(each.framework)} {clean(each.id)}" for each in controls)]
    return {
        "name": name,
        "shortDescription": {"text": short},
        "fullDescription": {"text": short},
        "help": {
            "text": f"{about}\n\n{NOTICE}",
            "markdown": "\n\n".join(audit_markdown.text(part) for part in [*about.split("\n\n"), NOTICE] if part),
        },
        "defaultConfiguration": {"level": _LEVELS[severity]},
        "properties": {
            "tags": list(dict.fromkeys(tags))[:_TAGS],
            "security-severity": _SCORES[severity],
            "precision": "very-high",
        },
    }


def _head(name: str, index: int, severity: Severity) -> Raw:
    # SARIF has a kind for what is open; readers drop all but failures, and what is not known must not look green.
    return {"ruleId": name, "ruleIndex": index, "kind": "fail", "level": _LEVELS[severity]}


def _of_offence(rule: RuleResult, index: int, offence: Offence, anchor: Place | None, lead: str) -> Raw:
    facts = "; ".join(offence_facts(offence))
    what = f"{lead}{clean(rule.sentence)}: {pair_word(offence)}"
    ends = [offence.source, *offence.through, offence.destination]
    return {
        **_head(_rule_id(rule), index, rule.severity),
        "message": {"text": f"{what}. {facts}" if facts else what},
        "locations": [_location(rule.place or anchor, *offence.policies, named=ends)],
        "partialFingerprints": _fingerprint("offence", rule.name, *ends, offence.port or offence.ports),
    }


def _of_finding(finding: Finding, rules: _Rules, anchor: Place | None) -> Raw:
    about = ABOUT.get(finding.code)
    short = about.why if about else clean(finding.title)
    remedy = about.remedy if about else clean(finding.remedy)
    help_text = f"{short}\n\n{remedy}"
    if finding.controls:
        help_text += f"\n\nEvidence toward {controls_word(finding.controls)}."
    severity = about.severity if about else finding.severity
    words = "".join(part.capitalize() for part in clean(finding.code).split("_"))
    make = _descriptor(words, short, help_text, severity, finding.controls)
    index = rules.index(clean(finding.code), make)
    facts = "\n".join(f"- {clean(each)}" for each in finding.evidence)
    remedy = f"\n\n{clean(finding.remedy)}" if finding.remedy else ""
    return {
        **_head(clean(finding.code), index, finding.severity),
        "message": {"text": f"{clean(finding.title)}\n{facts}{remedy}"},
        "locations": [_location(finding.place or anchor, finding.object)],
    }


def _location(place: Place | None, *refs: ObjectRef, named: list[str] | None = None) -> Raw:
    logical: list[Raw] = [
        {"name": clean(ref.name), "fullyQualifiedName": object_word(ref), "kind": "object"} for ref in refs
    ]
    logical += [{"fullyQualifiedName": clean(each), "kind": "object"} for each in named or ()]
    # The schema wants each of them once.
    logical = [each for number, each in enumerate(logical) if each not in logical[:number]]
    found: Raw = {"logicalLocations": logical} if logical else {}
    if place is not None and place.file:
        found["physicalLocation"] = {
            "artifactLocation": _artifact(place.file),
            "region": {"startLine": max(place.line, 1)},
        }
    return found


def _artifact(file: str) -> Raw:
    path = PurePosixPath(file)
    uri = quote(str(path), errors="replace")
    return {"uri": f"file://{uri}"} if path.is_absolute() else {"uri": uri, "uriBaseId": "%SRCROOT%"}


def _fingerprint(*parts: str) -> dict[str, str]:
    """What a result is about, whatever it says of it; GitHub follows a result by this from one upload to the next."""
    digest = hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    return {"netpolConsole/v1": digest[:32]}


def _note(level: str, message: str) -> Raw:
    return {"level": level, "message": {"text": message}}
