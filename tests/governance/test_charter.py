"""Charters as they are written: what is wrong with one is named with its line and column; what is right is read."""

from __future__ import annotations

import re
from datetime import date

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.governance.charter import Verb
from console.governance.charter_check import expired
from console.governance.charter_default import default_charter, default_text
from console.governance.charter_examples import try_examples
from console.governance.charter_model import CharterText, schema
from console.governance.charter_problems import CharterError
from console.governance.charter_read import load, read
from console.governance.charter_terms import Kind, Term, parse_ports, parse_term
from console.policy.model import Protocol

HEAD = "charter: test\n"
RULE = "rules:\n  - name: a\n    from: role:training\n    never: internet\n"


def problems(text: str) -> list[str]:
    """What is wrong, as ``line:column: message``, hints included."""
    return [f"{each.line}:{each.column}: {each.message} {each.hint}" for each in read(text).problems]


class TestBadCharters:
    @pytest.mark.parametrize(
        ("text", "place", "words"),
        [
            # Unknown keys name the nearest.
            ("charter: x\nruls: []\n", "2:1", "unknown key 'ruls' did you mean rules?"),
            (HEAD + "rules:\n  - nmae: a\n    from: ai\n    never: internet\n", "3:5", "did you mean name?"),
            (HEAD + "baseline:\n  deny_egress: {}\n", "3:3", "did you mean deny-egress?"),
            (HEAD + "baseline:\n  dns:\n    in: any\n    excpt: ai\n", "5:5", "did you mean except?"),
            (HEAD + "domains:\n  d:\n    - podselector: {}\n", "4:7", "did you mean podSelector?"),
            # Shapes.
            ("- a\n", "1:1", "this is no charter"),
            ("charter: n\n", "1:1", "quote it"),
            ("rules: []\n", "1:1", "missing key 'charter'"),
            (HEAD + "rules:\n  - name: a\n    severity: huge\n    from: ai\n    never: internet\n", "4:5", "huge"),
            (HEAD + "rules:\n  - name: [a]\n    from: ai\n    never: internet\n", "3:5", "expected text"),
            # Rules.
            (HEAD + "rules:\n  - name: a\n    never: internet\n", "3:5", "needs from or to"),
            (HEAD + "rules:\n  - name: a\n    from: ai\n", "3:5", "needs one of never, only and must"),
            (HEAD + RULE + RULE.removeprefix("rules:\n"), "6:5", "is the name of the rule in line 3 too"),
            (HEAD + RULE.replace("training", "trainnig"), "4:5", "did you mean training?"),
            (HEAD + RULE.replace("internet", "outside:hubs"), "5:5", "there is no outside group 'hubs'"),
            (HEAD + RULE.replace("internet", "intrnet"), "5:5", "did you mean internet?"),
            (HEAD + RULE.replace("internet", "[]"), "5:5", "names nobody"),
            (HEAD + RULE + "    ports: [http/FTP]\n", "6:13", "FTP is not a protocol"),
            (HEAD + RULE + "    ports: 70000\n", "6:5", "no range of ports"),
            (HEAD + RULE + "    among: ai\n", "6:5", "among narrows an only"),
            (HEAD + RULE.replace("never: ", "must: one of ") + "    through: any chain\n", "6:5", "is for never"),
            (HEAD + RULE.replace("internet", "one of internet"), "5:5", "one of is for what a rule must reach"),
            # Rules that can never match.
            (HEAD + RULE.replace("role:training", "internet"), "3:5", "both of its ends are outside"),
            (HEAD + RULE + "    ports: [https]\n", "3:5", "places outside declare no ports by name"),
            (HEAD + "rules:\n  - name: a\n    to: ai\n    among: role:training\n    only: role:training\n", "3:5",
             "all of those among whom it is said are allowed"),
            (HEAD + "outside:\n  h: {hosts: [a.b]}\nrules:\n  - name: a\n    from: outside:h\n    never: ai\n", "5:5",
             "connections come from addresses"),
            (HEAD + "outside:\n  h: {hosts: [a.b]}\nrules:\n  - name: a\n    from: ai\n    must: outside:h\n", "5:5",
             "give the group cidrs"),
            # Groups.
            (HEAD + "outside:\n  g: {}\n", "3:3", "names no place"),
            (HEAD + "outside:\n  g: {cidrs: [10.0.0.0/33]}\n", "3:15", "is no network"),
            (HEAD + "outside:\n  g: {cidrs: [127.0.0.0/8]}\n", "3:15", "nothing outside ever has an address"),
            (HEAD + "outside:\n  a: {include: [b]}\n  b: {include: [a]}\n", "3:3", "goes in a circle: a → b → a"),
            (HEAD + "domains:\n  a: [{domains: [b]}]\n  b: [{domains: [a]}]\n", "3:3", "goes in a circle: a → b → a"),
            (HEAD + "roles:\n  r: [{roles: [r]}]\n", "3:3", "goes in a circle: r → r"),
            (HEAD + "domains:\n  d: []\n", "3:3", "its list is empty"),
            (HEAD + "domains:\n  d:\n    - {}\n", "4:7", "this selection is empty"),
            (HEAD + "domains:\n  d:\n    - podSelector: {}\n", "4:7", "podSelector is empty"),
            (HEAD + "roles:\n  r:\n    - podSelector:\n        matchExpressions:\n          - {key: a, operator: In}\n",
             "6:13", "In without values matches nothing"),
            (HEAD + "domains:\n  a: [{namespaces: [x, z]}]\n  b: [{namespaces: [z]}]\n", "4:21",
             "namespace z is in domain a too"),
            (HEAD + "domains:\n  a: [{names: [x/Pod/y]}]\n  b: [{names: [x/pod/Y]}]\n", "4:16", "is in domain a too"),
            # Exceptions and examples.
            (HEAD + RULE + "exceptions:\n  - {rule: b, owner: o, reason: r, until: 2026-01-01}\n", "7:6",
             "there is no rule 'b'"),
            (HEAD + RULE + "exceptions:\n  - {rule: a, owner: o, reason: r, until: soon}\n", "7:36", "is no day"),
            (HEAD + RULE + "exceptions:\n  - {rule: a, owner: '', reason: r, until: 2026-01-01}\n", "7:15",
             "needs its owner"),
            (HEAD + RULE + "examples:\n  - {open: ai to internet, breaks: a}\n", "7:6", "is no path"),
            (HEAD + RULE + "examples:\n  - {open: ai -> internet, breaks: z}\n", "7:28", "there is no rule 'z'"),
        ],
    )  # fmt: skip
    def test_each_fault_is_named_with_its_place(self, text: str, place: str, words: str) -> None:
        found = problems(text)
        assert any(each.startswith(f"{place}: ") and words in each for each in found), found
        with pytest.raises(CharterError):
            load(text)

    def test_every_fault_is_told_at_once(self) -> None:
        text = "charter: x\nfoo: 1\nrules:\n  - name: a\n    bar: 2\n    from: ai\n    never: internet\n"
        assert len(problems(text)) == 2

    def test_an_exception_that_expired_is_named_with_its_line(self) -> None:
        text = HEAD + RULE + "exceptions:\n  - {rule: a, owner: ml, reason: test, until: 2026-11-22}\n"
        charter = load(text, file="c.yaml")
        assert not list(expired(charter, date(2026, 11, 22).toordinal()))
        (problem,) = expired(charter, date(2026, 11, 23).toordinal())
        assert str(problem).startswith("c.yaml:7:1: warning: the exception to 'a' expired on 2026-11-22")


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=200))
def test_no_text_is_too_odd_to_be_told_of(text: str) -> None:
    found = read(text)
    assert (found.charter is None) == any(problem.error for problem in found.problems)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_damaged_charter_is_told_of_or_read(data: st.DataObject) -> None:
    lines = default_text().splitlines()
    number = data.draw(st.integers(0, len(lines) - 1))
    line = lines[number]
    where = data.draw(st.integers(0, len(line)))
    lines[number] = (
        line[:where] + data.draw(st.sampled_from(["", ":", "[", "x", "- ", "{}", "'", "\t"])) + line[where + 1 :]
    )
    found = read("\n".join(lines))
    assert (found.charter is None) == any(problem.error for problem in found.problems)
    assert all(1 <= problem.line <= len(lines) + 1 for problem in found.problems)


class TestTerms:
    @pytest.mark.parametrize(
        ("text", "kind", "value"),
        [
            ("any", Kind.ANY, ""),
            ("ai", Kind.AI, ""),
            ("role:training", Kind.ROLE, "training"),
            ("domain:train-data", Kind.DOMAIN, "train-data"),
            ("namespace:a", Kind.NAMESPACE, "a"),
            ("workload:a/Deployment/b", Kind.WORKLOAD, "a/deployment/b"),
            ("outside:hubs", Kind.GROUP, "hubs"),
            ("metadata", Kind.OUTSIDE, "metadata"),
        ],
    )
    def test_whom_they_mean(self, text: str, kind: Kind, value: str) -> None:
        assert parse_term(text) == Term(kind, value)

    def test_their_ports(self) -> None:
        term = parse_term("role:monitoring on metrics, 9090/TCP, 53/udp, 1-9/SCTP")
        assert [str(port) for port in term.ports] == ["metrics", "9090/TCP", "53/UDP", "1-9/SCTP"]
        assert term.words() == "monitoring on metrics, 9090/TCP, 53/UDP, 1-9/SCTP"
        assert parse_ports([443])[0].protocol is Protocol.TCP


class TestTheDefaultCharter:
    def test_it_has_no_fault_and_is_short_enough_to_read_aloud(self) -> None:
        assert not read(default_text()).problems
        assert len(default_charter().rules) <= 10
        assert len(default_text().splitlines()) < 130

    def test_it_says_what_it_is_for(self) -> None:
        rules = {rule.name: rule for rule in default_charter().rules}
        assert rules["training never reaches the internet"].verb is Verb.NEVER
        assert rules["training reads the feature store"].verb is Verb.MUST
        assert rules["only gateways reach external APIs"].sentence == (
            "of any AI workload, only gateway reaches external-apis on 443/TCP"
        )

    def test_its_examples_are_as_written(self) -> None:
        tried = list(try_examples(default_charter()))
        assert len(tried) > 5
        assert [each.example.text for each in tried if not each.as_written] == []

    def test_its_controls_are_known(self) -> None:
        from console.governance.controls import SHOWN

        charter = default_charter()
        named = [*(each for rule in charter.rules for each in rule.controls)]
        named += [each for ground in charter.baseline for each in ground.controls]
        assert named
        assert [str(control) for control in named if control not in SHOWN] == []


class TestExamples:
    CHARTER = HEAD + (
        "outside:\n  ours: {cidrs: [203.0.113.0/24]}\n"
        "rules:\n"
        "  - {name: no-internet, from: role:training, never: internet, ports: [443]}\n"
        "  - {name: few, from: role:serving, only: [outside:ours, role:logging on 4317]}\n"
        "  - {name: logs, from: domain:d, must: role:logging, ports: [otlp]}\n"
        "examples:\n"
    )

    @pytest.mark.parametrize(
        ("example", "broken"),
        [
            ("open: role:training -> internet on 443", ["no-internet"]),
            ("open: role:training -> internet on 80", []),
            ("open: role:training -> internet", ["no-internet"]),
            ("open: role:training -> outside:ours on 443", ["no-internet"]),
            ("open: role:serving -> outside:ours on 443", []),
            ("open: role:serving -> internet on 443", ["few"]),
            ("open: role:serving -> role:logging on 4317", []),
            ("open: role:serving -> role:logging on 4318", ["few"]),
            ("blocked: role:serving + domain:d -> role:logging on otlp", ["logs"]),
            ("open: role:notebook + domain:d -> role:logging on otlp", []),
            ("blocked: role:training -> internet on 443", []),
        ],
    )
    def test_a_path_breaks_what_it_breaks(self, example: str, broken: list[str]) -> None:
        (tried,) = try_examples(load(f"{self.CHARTER}  - {{{example}}}\n"))
        assert not tried.problem
        assert list(tried.broken) == broken
        assert tried.as_written == (not broken)

    @pytest.mark.parametrize("example", ["ai -> internet", "role:training -> nodes", "metadata -> internet"])
    def test_what_cannot_be_tried_is_said(self, example: str) -> None:
        (tried,) = try_examples(load(f"{self.CHARTER}  - {{open: '{example}'}}\n"))
        assert tried.problem
        assert not tried.as_written


def test_the_schema_tells_every_key() -> None:
    text = msgspec.json.encode(schema()).decode()
    for name in ("charter", "domains", "roles", "outside", "baseline", "rules", "exceptions", "examples"):
        assert f'"{name}"' in text
    for key in re.findall(r"^\s+([a-z-]+):", default_text(), re.MULTILINE):
        assert f'"{key}"' in text or key in {"model-hubs", "external-apis", "outside-storage"}
    assert msgspec.json.schema(CharterText)["$ref"] == schema()["$ref"]
