"""What an explanation calls idle can go: no verdict changes."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from console.objects.meta import ObjectRef
from console.objects.selectors import LabelSelector, Requirement
from console.policy.explain import explain
from console.policy.explain_cover import subject_within
from console.policy.explain_model import Effect, Finding
from console.policy.match import selects
from console.policy.model import Subject
from tests.policy.strategies import BY_LABELS, BY_NAME, KEYS, NAMES, PORTS, VALUES, Raw, connections, selectors, worlds
from tests.policy.strategies import Connection as Asked
from tests.policy.test_oracle import ask, engine_of, policies_of

checked = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


def without(objects: list[Raw], ref: ObjectRef, findings: list[Finding]) -> list[Raw]:
    """The objects without the parts that findings about one policy point at, all at once."""
    changed: list[Raw] = json.loads(json.dumps(objects))  # drawn objects share parts, even within one
    policy = next(each for each in changed if (each["kind"], each["metadata"]["name"]) == (ref.kind, ref.name))
    spec = policy.setdefault("spec", {})
    if ref.kind == "NetworkPolicy":
        # Of a policy that says nothing of its types, taking a rule could change which directions it governs.
        spec["policyTypes"] = spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    for finding in sorted(findings, key=lambda each: each.path, reverse=True):
        path = finding.path[1:]
        if finding.code == "SELECTS_NO_POD":
            return [each for each in changed if each is not policy]
        holder = at(spec, path[:-1])
        if finding.code in ("PEER_MATCHES_NOTHING", "PORT_NOWHERE") and len(holder) == 1:
            # An empty list would mean any: what goes with the last peer or port is the rule.
            del at(spec, path[:1])[path[1]]
        else:
            del holder[path[-1]]
    return changed


def exact(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """What is claimed to do nothing, by code; no hints."""
    by_code: dict[str, list[Finding]] = {}
    for each in findings:
        if each.effect is Effect.NOTHING and "a hint only" not in each.sentence:
            by_code.setdefault(each.code, []).append(each)
    return by_code


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


@st.composite
def twinned(draw: st.DrawFn) -> tuple[list[Raw], list[Asked]]:
    """A cluster in which rules recur, in their own policy and in others, and questions about it."""
    objects = copy.deepcopy(draw(worlds()))
    specs = [each.setdefault("spec", {}) for each in policies_of(objects)]
    for field in ("ingress", "egress"):
        drawn = [rule for spec in specs for rule in spec.get(field) or ()]
        if drawn:
            spec = draw(st.sampled_from(specs))
            spec[field] = [*(spec.get(field) or []), copy.deepcopy(draw(st.sampled_from(drawn)))]
    return objects, connections(objects, draw(st.integers(0, 2**32)), 30)


@checked
@given(twinned(), st.data())
def test_what_does_nothing_can_go(world: tuple[list[Raw], list[Asked]], data: st.DataObject):
    objects, questions = world
    engine = engine_of(objects)
    idle = [
        (each.ref, findings)
        for each in engine.snapshot.policies()
        for findings in exact(explain(engine, each.ref).findings).values()
    ]
    assume(idle)
    ref, findings = data.draw(st.sampled_from(idle))
    after = engine_of(without(objects, ref, findings))
    for question in questions:
        assert ask(after, question).outcome is ask(engine, question).outcome, (question, ref, findings)


PODS = [
    *({"namespaces": each} for each in ({}, *BY_NAME[:3], BY_LABELS[0])),
    *({"pods": {"namespaceSelector": each, "podSelector": BY_LABELS[0]}} for each in ({}, BY_NAME[0])),
]
NETWORKS = [{"networks": [each]} for each in ("0.0.0.0/0", "10.1.0.0/16", "10.1.0.1/32")]
TCP = [
    {"tcp": {"destinationPort": {"number": PORTS[0]}}},
    {"tcp": {"destinationPort": {"range": {"start": 1, "end": 100}}}},
    {"tcp": {}},
]
NAMED = [{"destinationNamedPort": each} for each in NAMES]


def tiered_rules(key: str) -> list[Raw]:
    """Rules of a ClusterNetworkPolicy, of which many cover others. Names of ports do not go with networks."""
    by_pods = [(peers, ports) for peers in PODS for ports in ([], *([each] for each in (*TCP, *NAMED)))]
    by_network = [(peers, ports) for peers in NETWORKS for ports in ([], *([each] for each in TCP))]
    return [
        {"action": action, key: [peers], **({"protocols": ports} if ports else {})}
        for action in ("Accept", "Deny", "Pass")
        for peers, ports in (by_pods if key == "from" else [*by_pods, *by_network])
    ]


_subjects = st.sampled_from(PODS)
_tiers = st.sampled_from(["Admin", "Admin", "Baseline"])
_ingress = st.lists(st.sampled_from(tiered_rules("from")), max_size=4)
_egress = st.lists(st.sampled_from(tiered_rules("to")), max_size=4)


def tiered(number: int) -> st.SearchStrategy[Raw]:
    """A ClusterNetworkPolicy of priority `number`."""
    meta = {"apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy"}
    spec = {"priority": st.just(number), "tier": _tiers, "subject": _subjects, "ingress": _ingress, "egress": _egress}
    return st.fixed_dictionaries(spec).map(lambda spec: {**meta, "metadata": {"name": f"t{number}"}, "spec": spec})


@checked
@given(worlds(), tiered(1), tiered(2), st.integers(0, 2**32), st.data())
def test_a_rule_that_is_never_reached_can_go(world: list[Raw], one: Raw, two: Raw, seed: int, data: st.DataObject):
    objects = [*world, one, two]
    engine = engine_of(objects)
    covered = [
        (ref, findings)
        for ref in (ObjectRef(each["kind"], "", each["metadata"]["name"]) for each in (one, two))
        if (findings := exact(explain(engine, ref).findings).get("RULE_COVERED"))
    ]
    assume(covered)
    ref, findings = data.draw(st.sampled_from(covered))
    after = engine_of(without(objects, ref, findings))
    for question in connections(objects, seed, 15):
        assert ask(after, question).outcome is ask(engine, question).outcome, (question, ref, findings)


def subject(selector: Raw) -> Subject:
    asked = [
        Requirement(each["key"], each["operator"], each.get("values"))
        for each in selector.get("matchExpressions") or ()
    ]
    return Subject((), (), "", LabelSelector(), LabelSelector(selector.get("matchLabels"), asked))


def worn() -> Iterator[dict[str, str]]:
    """Every way to wear the labels of the vocabulary, one value that no selector names among them."""
    for values in product((None, *VALUES, "other"), repeat=len(KEYS)):
        yield {key: value for key, value in zip(KEYS, values, strict=True) if value is not None}


@settings(max_examples=500, deadline=None)
@given(selectors, selectors)
def test_one_selector_within_another_is_decided_exactly(one: Raw, other: Raw):
    narrow, wide = subject(one), subject(other)
    assert narrow.pods is not None
    assert wide.pods is not None
    picked = [labels for labels in worn() if selects(narrow.pods, labels)]
    # Of a selector that contradicts itself nothing is claimed.
    truly = bool(picked) and all(selects(wide.pods, labels) for labels in picked)
    assert subject_within(narrow, wide) is truly
