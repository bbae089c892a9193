"""An audit's reports: each says all of it, in the form its readers take, and obeys nothing that a cluster wrote."""

from __future__ import annotations

import json
import os
import re
import unicodedata
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from console.demo.platform import platform
from console.demo.store import Store
from console.governance.audit import audit
from console.governance.charter_default import default_charter
from console.governance.findings import Audit, Severity, Status
from console.governance.groups import By, groups
from console.policy.engine import Engine
from console.policy.matrix import Matrix, matrix
from console.policy.reach import Reachability
from console.report import audit_html, audit_json, audit_junit, audit_markdown, audit_sarif, audit_text
from console.report.audit_words import Made
from tests.demo.snapshots import snapshot_of
from tests.report.audits import HOSTILE, everything, hostile

RENDERERS = (audit_text, audit_json, audit_markdown, audit_html, audit_sarif, audit_junit)
NAMES = [module.__name__.rpartition("_")[2] for module in RENDERERS]
VOID = {"meta", "br", "img", "link", "input", "hr"}


@pytest.fixture(scope="module")
def demo() -> tuple[Audit, Matrix]:
    engine = Engine(snapshot_of(Store(list(platform(1_800_000_000.0)))))
    reach = Reachability(engine)
    return audit(engine, default_charter(), today=date(2026, 11, 23)), matrix(reach, groups(reach, By.ROLE))


class Page(HTMLParser):
    """The elements and texts of a page; fails where tags do not nest."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.texts.append(data)


def raw_control(text: str) -> list[str]:
    """Characters that a terminal or a reader would act on, or would not show."""
    return [each for each in text if each != "\n" and unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


@pytest.mark.parametrize("module", RENDERERS, ids=NAMES)
def test_the_same_audit_gives_the_same_text_and_every_rule_and_finding_is_in_it(module: Any) -> None:
    text = module.render(everything())
    assert text == module.render(everything())
    assert text.endswith("\n")
    plain = Page(text).texts if module is audit_html else [text]
    whole = "".join(plain).replace("&#95;", "_")
    for name in ("holds", "broken", "open", "let-be", "DNS_FORGOTTEN", "ALL_PORTS", "MADE_UP", "forbidden"):
        assert name in whole


@pytest.mark.parametrize("module", RENDERERS, ids=NAMES)
def test_hostile_text_is_shown_and_not_obeyed(module: Any) -> None:
    text = module.render(hostile(), made=Made(HOSTILE, "2026-11-23T20:00:00Z", HOSTILE))
    assert raw_control(text) == []
    assert text.encode()  # no half of a surrogate pair is left


def test_text_fits_a_terminal_and_tells_statuses_by_glyph_and_word(demo: tuple[Audit, Matrix]) -> None:
    for found in (everything(), demo[0]):
        for line in audit_text.render(found).splitlines():
            # Only one word that is longer than a line goes beyond it.
            assert len(line) <= 80 or len(line.split()) <= 3, line
    text = audit_text.render(everything())
    assert "house rules: 1 of 5 rules pass: 1 ✗ fail, 2 ? unknown, 1 ~ excepted" in text
    assert re.search(r"^✗ FAIL +broken", text, re.M)
    assert re.search(r"^\? UNKNOWN +open", text, re.M)
    assert "a/b/c → gateway/deployment/g → internet 443/TCP" in text
    assert "excepted: ml-research until 2027-01-01: migration" in text
    assert "no statement of compliance" in " ".join(text.split())
    # What failed comes before what passed.
    assert text.index("✗ FAIL") < text.index("? UNKNOWN") < text.index("~ EXCEPTED") < text.index("✓ PASS")


def test_json_has_what_scripts_rely_on() -> None:
    found = json.loads(audit_json.render(everything()))
    assert {each["name"]: each["status"] for each in found["rules"]} == {
        "holds": "pass", "broken": "fail", "open": "unknown", "let-be": "excepted", "nothing-known": "unknown",
    }  # fmt: skip
    assert found["findings"][1] | {"code": "ALL_PORTS", "severity": "low"} == found["findings"][1]
    assert found["findings"][1]["object"] == {"kind": "NetworkPolicy", "namespace": "training", "name": "default-deny"}
    assert found["findings"][1]["place"] == {"file": "k8s/my policies/p.yaml", "line": 7}
    assert found["rules"][1]["offences"][2]["through"] == ["gateway/deployment/g"]
    assert found["summary"] | {"pass": 1, "fail": 1, "unknown": 2, "excepted": 1} == found["summary"]
    # What is escaped in the text is, to whoever parses it, what the cluster said.
    assert json.loads(audit_json.render(hostile()))["findings"][0]["title"] == HOSTILE


def test_markdown_tables_keep_their_columns_and_hold_no_markup_of_the_cluster() -> None:
    text = audit_markdown.render(hostile())
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        widths = {line.count("|") for line in block.splitlines()}
        assert len(widths) == 1
    outside = re.sub(r"^(`{3,})yaml\n.*?^\1$", "", text, flags=re.S | re.M)
    for sign in ("<script", "<img", "](", "**b**", "`a`", "~~s~~", "https://", "@admin", "www.evil"):
        assert sign not in outside
    assert "@<!-- -->admin" in text
    # The manifest's own fence does not end the block.
    assert re.search(r"^````yaml$", text, re.M)


def test_the_page_stands_alone(demo: tuple[Audit, Matrix]) -> None:
    found, who = demo
    for page in (audit_html.render(found, matrix=who), audit_html.render(hostile()), audit_html.render(everything())):
        read = Page(page)
        tags = {tag for tag, _ in read.tags}
        assert not tags & {"script", "img", "link", "iframe", "object", "form", "base", "audio", "video"}
        for tag, attributes in read.tags:
            assert not any(name.startswith("on") for name in attributes)
            assert not {"src", "srcset", "action", "style"} & attributes.keys()
            assert (attributes.get("href") or "#").startswith("#"), tag
        assert "url(" not in page
        assert "@import" not in page
        assert page.startswith("<!DOCTYPE html>")
        assert ("meta", "width=device-width, initial-scale=1") in [
            (tag, attributes.get("content")) for tag, attributes in read.tags
        ]
        ids = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
        assert len(ids) == len(set(ids))
        assert {attributes["href"] for tag, attributes in read.tags if tag == "a"} <= {f"#{each}" for each in ids}


def test_the_page_says_in_words_what_it_shows_in_colour(demo: tuple[Audit, Matrix]) -> None:
    found, who = demo
    read = Page(audit_html.render(found, matrix=who))
    cells = [attributes.get("title") for tag, attributes in read.tags if tag == "td" and "title" in attributes]
    rows = len(who.rows) + len(who.outside)
    assert len(cells) == rows * rows
    assert set(cells) <= {"allowed", "blocked", "partial", "unknown", "no pair"}
    words = "".join(read.texts)
    assert words.count("✗ FAIL") >= found.count(Status.FAIL)
    assert "prefers-color-scheme:dark" in audit_html.render(found)


def test_sarif_is_what_its_schema_and_code_scanning_ask_for(demo: tuple[Audit, Matrix]) -> None:
    for found in (everything(), hostile(), demo[0]):
        log = json.loads(audit_sarif.render(found, made=Made("1.0", "2026-11-23T20:00:00Z", "x")))
        _against_schema(log)
        assert log["version"] == "2.1.0"
        (run,) = log["runs"]
        rules = run["tool"]["driver"]["rules"]
        assert len({each["id"] for each in rules}) == len(rules)
        for each in rules:
            assert each["shortDescription"]["text"]
            assert each["help"]["text"]
            assert each["help"]["markdown"]
            assert each["defaultConfiguration"]["level"] in ("error", "warning", "note")
            assert 0 < float(each["properties"]["security-severity"]) <= 10
            assert len(each["properties"]["tags"]) <= 20
        for each in run["results"]:
            assert rules[each["ruleIndex"]]["id"] == each["ruleId"]
            assert each["message"]["text"]
            for location in each["locations"]:
                logical = location["logicalLocations"]
                assert all(logical.count(one) == 1 for one in logical)


def _against_schema(log: dict[str, Any]) -> None:
    """Against SARIF's own JSON schema, where a copy of it is at hand; its licence keeps it out of here."""
    path = os.environ.get("NETPOL_SARIF_SCHEMA")
    if path:
        jsonschema = pytest.importorskip("jsonschema")
        schema = json.loads(Path(path).read_text())
        jsonschema.validators.validator_for(schema)(schema).validate(log)


def results(found: Audit, **more: Any) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(audit_sarif.render(found, **more))["runs"][0]["results"]
    return listed


def test_sarif_points_at_lines_and_pins_what_has_none_to_a_file() -> None:
    found = results(everything())
    by_rule = {each["ruleId"]: each["locations"][0] for each in found}
    assert by_rule["ALL_PORTS"]["physicalLocation"] == {
        "artifactLocation": {"uri": "k8s/my%20policies/p.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 7},
    }
    assert by_rule["ALL_PORTS"]["logicalLocations"][0]["fullyQualifiedName"] == "NetworkPolicy training/default-deny"
    assert by_rule["charter/broken"]["physicalLocation"]["region"] == {"startLine": 12}
    # A finding about a namespace is in no file: code scanning wants one all the same.
    assert by_rule["DNS_FORGOTTEN"]["physicalLocation"]["artifactLocation"]["uri"] == "k8s/charter.yaml"
    assert by_rule["DNS_FORGOTTEN"]["physicalLocation"]["region"] == {"startLine": 1}


def test_sarif_never_shows_what_is_unknown_as_passed_and_says_why_what_is_excepted_is() -> None:
    found = {each["ruleId"]: each for each in results(everything())}
    for name in ("charter/open", "charter/nothing-known"):
        assert (found[name]["kind"], found[name]["level"]) == ("fail", "error")
        assert found[name]["message"]["text"].startswith("It cannot be known")
    assert found["charter/let-be"]["suppressions"][0]["justification"] == "ml-research until 2027-01-01: migration"
    assert "charter/holds" not in found


def test_each_sarif_result_has_a_fingerprint_of_its_own(demo: tuple[Audit, Matrix]) -> None:
    one = replace(everything().findings[1], title="rule a is about nothing")
    twice = replace(everything(), findings=(one, replace(one, title="rule b is about nothing")))
    for found in (everything(), twice, demo[0]):
        prints = [each["partialFingerprints"]["netpolConsole/v1"] for each in results(found)]
        assert len(set(prints)) == len(prints)


def test_a_sarif_fingerprint_stays_when_lines_move_and_evidence_is_counted_otherwise() -> None:
    before = everything()
    moved = tuple(
        replace(
            each,
            evidence=(*each.evidence, "7 pods"),
            title="other words",
            place=each.place and each.place._replace(line=99),
        )
        for each in before.findings
    )
    after = replace(before, findings=moved)

    def prints(found: Audit) -> list[str]:
        return [each["partialFingerprints"]["netpolConsole/v1"] for each in results(found)]

    assert prints(before) == prints(after)


def test_sarif_keeps_to_what_code_scanning_shows_and_says_what_it_leaves_out() -> None:
    one = everything().findings[0]
    many = replace(
        everything(),
        rules=(),
        findings=tuple(replace(one, object=one.object._replace(name=f"n{number}")) for number in range(5_003)),
    )
    (run,) = json.loads(audit_sarif.render(many))["runs"]
    assert len(run["results"]) == 5_000
    assert "3 results are left out" in run["invocations"][0]["toolExecutionNotifications"][-1]["message"]["text"]


def test_junit_has_a_case_for_each_rule_and_unknown_is_never_green() -> None:
    root = ET.fromstring(audit_junit.render(everything()))
    charter, findings = root.findall("testsuite")
    children = {case.get("name"): [child.tag for child in case] for case in charter.findall("testcase")}
    assert children == {
        "holds": [], "broken": ["failure"], "open": ["error"], "let-be": ["skipped"], "nothing-known": ["error"],
    }  # fmt: skip
    assert {key: charter.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "5", "failures": "1", "errors": "2", "skipped": "1",
    }  # fmt: skip
    excepted = charter.find("testcase[@name='let-be']/skipped")
    assert excepted is not None
    assert "ml-research until 2027-01-01: migration" in (excepted.text or "")
    assert findings.get("failures") == "3"
    stricter = ET.fromstring(audit_junit.render(everything(), fail_on=Severity.HIGH)).findall("testsuite")[1]
    assert (stricter.get("failures"), stricter.get("skipped")) == ("2", "1")
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("8", "4", "2")
    err = charter.find("system-err")
    assert err is not None
    assert "pods of gateway: forbidden" in (err.text or "")


def test_junit_of_a_hostile_cluster_is_still_xml() -> None:
    root = ET.fromstring(audit_junit.render(hostile()))
    assert len(root.findall(".//testcase")) == len(Status) + 1
    assert "<script>" in (root.findall(".//failure")[0].text or "")
