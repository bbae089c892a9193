"""What mends a rule, as a file: comments that say what it does and to whom, and YAML that can be applied."""

from __future__ import annotations

import json

import yaml

from console.governance.audit_fix import Proposal
from console.governance.findings import Offence, RuleResult, Severity, Status
from console.policy.close import CLOSED, Close, NoClose
from console.policy.opens import Path
from console.policy.verdict import Outcome
from console.report import audit_fix


def offence(source: str) -> Offence:
    return Offence(source, "internet", "443/TCP", "every port", Outcome.ALLOWED, "no policy governs it")


def policy(name: str, rules: int) -> dict[str, object]:
    meta = {"namespace": "a", "name": name}
    spec: dict[str, object] = {"podSelector": {}, "egress": [{}] * rules}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec}


RULE = RuleResult("no net\x1b[31m", "it never reaches the internet", Status.FAIL, 4, "", Severity.HIGH)
PATHS = tuple(Path(f"a/pod/{one}", f"b/pod/{other}", "80/TCP") for one in "xy" for other in "mn")
FOUND = [
    Proposal(offence("a/pod/one"), Close((policy("p", 1),), ("NetworkPolicy a/p: egress rule 1 goes",), PATHS)),
    Proposal(offence("a/pod/two"), Close((policy("p", 0),), ("NetworkPolicy a/p: egress rule 1 goes",), ())),
    Proposal(offence("a/pod/three"), NoClose(CLOSED)),
    Proposal(offence("a/pod/four"), NoClose("it is on its node's network")),
]


def test_all_but_the_policies_is_comment_and_each_policy_is_there_once_as_the_last_left_it() -> None:
    text = audit_fix.text(RULE, FOUND, 3)
    assert list(yaml.safe_load_all(text)) == [policy("p", 0)]
    assert "\x1b" not in text
    told = [line.removeprefix("#").strip() for line in text.split("---")[0].splitlines()]
    assert "opens nothing, also closes 4 paths:" in told
    assert "a/pod/x, a/pod/y → b/pod/m, b/pod/n 80/TCP" in told
    assert "what is proposed above closes it, too" in told
    assert "no policy closes it: it is on its node's network" in told
    assert "and 3 pairs more: apply these, and ask again" in told


def test_json_tells_each_pair_with_its_own_policies_and_all_together() -> None:
    found = json.loads(audit_fix.json(RULE, FOUND, 3))
    assert found["left"] == 3
    assert yaml.safe_load(found["manifest"]) == policy("p", 0)
    one, _, _, four = found["proposals"]
    assert yaml.safe_load(one["manifest"]) == policy("p", 1)
    assert len(one["closes"]) == 4
    assert (four["manifest"], four["why_none"]) == (None, "no policy closes it: it is on its node's network")
