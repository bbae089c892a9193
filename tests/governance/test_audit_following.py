"""An auditor that follows changes says what a new one would, and looks again only at what a change touches."""

from __future__ import annotations

from datetime import date

from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from console.governance.audit import Auditor
from console.governance.audit_follow import Happened, follow
from console.governance.charter_default import default_charter
from console.governance.charter_read import load
from console.governance.findings import Audit
from console.objects.core import Pod
from console.objects.netpol import NetworkPolicy
from console.objects.snapshot import SnapshotBuilder
from console.policy.engine import Engine
from tests.clusters import document, namespace, pod, policy, snapshot
from tests.governance.auditing import TODAY, demo, pairs, rule
from tests.governance.test_rules_proven import WORLDS, unhurried
from tests.policy.strategies import Raw, worlds
from tests.policy.strategies_tiers import tiered_worlds
from tests.policy.test_following import objects, steps

CHARTER = load("""\
charter: everything
baseline: {deny-ingress: {}, deny-egress: {}, dns: {}, metadata: {}, policies-select: {}, replicas-alike: {}}
rules:
  - {name: never, from: any, never: [any, internet], ports: [80]}
  - {name: only, to: namespace:a, only: ['namespace:b', 'namespace:c on 53/UDP'], ports: [80, 53/UDP]}
  - {name: must, from: namespace:a, must: [namespace:b, one of namespace:c], ports: [80]}
  - {name: chain, from: namespace:a, never: metadata, through: any chain}
""")


def _said(found: Audit) -> object:
    """What is said, without which of several equal pods or paths it is told of."""
    return [
        (
            each.name,
            each.status,
            each.pairs,
            sorted((o.source, o.destination, o.ports, o.outcome.value) for o in each.offences),
            sorted((o.source, o.destination) for o in each.unknowns),
        )
        for each in found.rules
    ]


def _found(found: Audit) -> object:
    return sorted(
        (each.code, str(each.object), each.severity.value, each.title, each.evidence) for each in found.findings
    )


@settings(unhurried, max_examples=max(10, WORLDS // 2))
@given(
    st.one_of(worlds(), tiered_worlds()),
    st.one_of(worlds(), tiered_worlds()),
    st.lists(st.tuples(st.integers(0, 30), st.booleans() | st.just(True)), min_size=1, max_size=6),
)
def test_following_any_changes_is_as_good_as_auditing_anew(
    world: list[Raw], other: list[Raw], chosen: list[tuple[int, bool]]
) -> None:
    auditor = Auditor(CHARTER, today=TODAY)
    engine: Engine | None = None
    for builder in steps(objects(world), objects(other), chosen):
        engine = Engine(builder.build(), engine)
        fresh = Auditor(CHARTER, today=TODAY).audit(Engine(engine.snapshot))
        found = auditor.audit(engine)
        assert _said(found) == _said(fresh)
        assert _found(found) == _found(fresh)


def _edit(builder: SnapshotBuilder, kind: str, first: int, second: int) -> None:
    """One change of what is there; `first` and `second` say of what, and what it is to look like."""
    cluster = builder.build()
    pods = [*cluster.pods()]
    if not pods:
        return
    pod, like = pods[first % len(pods)], pods[second % len(pods)]
    policies = [*cluster.policies()]
    policy = policies[first % len(policies)] if policies else None
    spaces = [held.namespace for held in cluster.contents.values() if held.namespace.declared]
    space, other = spaces[first % len(spaces)], spaces[second % len(spaces)]
    if kind == "labels":
        builder.put(replace(pod, labels=like.labels))
    elif kind == "a label":
        key, value = [*like.labels.items(), ("app", "x")][second % (len(like.labels) + 1)]
        builder.put(replace(pod, labels={**pod.labels, key: value}))
    elif kind == "a label less":
        builder.put(replace(pod, labels=dict([*pod.labels.items()][1:])))
    elif kind == "looks":
        builder.put(replace(pod, ports=like.ports, images=like.images))
    elif kind == "finished":
        builder.put(replace(pod, phase="Running" if pod.finished else "Succeeded"))
    elif kind == "gone":
        builder.drop(pod.ref, Pod)
    elif kind == "one more":
        builder.put(replace(pod, name=f"{pod.name}-{second}", ips=()))
    elif kind == "elsewhere":
        builder.put(replace(pod, namespace=like.namespace, name=f"{pod.name}-{second}", ips=()))
    elif kind == "namespace":
        own = {"kubernetes.io/metadata.name": space.name}
        builder.put(replace(space, labels={**other.labels, **own}))
    elif kind == "policy gone" and policy is not None:
        builder.drop(policy.ref, type(policy))
    elif kind == "policy" and policy is not None:
        builder.put(replace(policy, pod_selector=policies[second % len(policies)].pod_selector))
    elif kind == "service":
        services = [*cluster.services()]
        if services:
            one = services[first % len(services)]
            builder.put(replace(one, cluster_ips=services[second % len(services)].cluster_ips))
    elif kind == "owner":
        owners = [owner for held in cluster.contents.values() for owner in held.owners.values()]
        if owners:
            builder.drop(owners[first % len(owners)].ref, type(owners[0]))


_EDITS = (
    *("labels", "a label", "a label less", "looks", "finished", "gone", "one more", "elsewhere"),
    *("namespace", "policy gone", "policy", "service", "owner"),
)


@settings(unhurried, max_examples=max(10, WORLDS // 20))
@given(st.lists(st.tuples(st.sampled_from(_EDITS), st.integers(0, 999), st.integers(0, 999)), min_size=1, max_size=8))
@example([("one more", 0, 0), ("one more", 0, 1), ("looks", 528, 0)])
def test_following_edits_of_a_platform_is_as_good_as_auditing_anew(edits: list[tuple[str, int, int]]) -> None:
    builder, auditor = _builder(), Auditor(default_charter(), today=TODAY)
    engine = Engine(builder.build())
    auditor.audit(engine)
    for kind, first, second in edits:
        _edit(builder, kind, first, second)
        engine = Engine(builder.build(), engine)
        fresh = Auditor(default_charter(), today=TODAY).audit(Engine(engine.snapshot))
        found = auditor.audit(engine)
        assert _said(found) == _said(fresh)
        assert _found(found) == _found(fresh)


def _builder() -> SnapshotBuilder:
    builder = SnapshotBuilder()
    for obj in demo(0).objects():
        builder.put(obj)
    return builder


def _trainers(builder: SnapshotBuilder) -> list[Pod]:
    pods = builder.build().contents["training"].pods.values()
    return [pod for pod in pods if pod.name.startswith("llm-finetune")]


def test_a_pod_that_is_ready_turns_nothing_and_judges_nothing() -> None:
    builder, auditor = _builder(), Auditor(default_charter(), today=TODAY)
    engine = Engine(builder.build())
    before = auditor.audit(engine)
    pod = _trainers(builder)[0]
    builder.put(replace(pod, ready=not pod.ready, resource_version="2"))
    now = auditor.audit(Engine(builder.build(), engine))
    assert all(one is other for one, other in zip(before.rules, now.rules, strict=True))
    assert auditor.inventory.entries["training/pytorchjob/llm-finetune"].workload.pods != ()


def test_what_a_label_opens_is_told_with_what_did_it_and_since_when() -> None:
    builder, auditor = _builder(), Auditor(default_charter(), today=TODAY)
    engine = Engine(builder.build())
    name, ends = "training never reaches the internet", ("training/pytorchjob/llm-finetune", "internet")
    first, turns = follow(None, auditor.audit(engine), at="t0", happened=[], inventory=auditor.inventory)
    assert len(turns) == len(first.rules)
    changed = [replace(pod, labels={**pod.labels, "egress": "model-hub"}) for pod in _trainers(builder)]
    for each in changed:
        builder.put(each)
    engine = Engine(builder.build(), engine)
    happened = [Happened(pod.ref, f"label egress: (none) → model-hub on {pod.ref} (kubectl-label)") for pod in changed]
    second, turns = follow(first, auditor.audit(engine), at="t1", happened=happened, inventory=auditor.inventory)
    assert ends in pairs(rule(second, name))
    (offence,) = rule(second, name).offences
    assert offence.since == "t1"
    assert offence.because.startswith("label egress: (none) → model-hub")
    assert offence.because.endswith("and 3 more")
    assert {turn.rule.name for turn in turns} >= {name, "policies-select"}
    # What stood keeps what is known of it; what is closed again is said to be.
    third, turns = follow(second, auditor.audit(engine), at="t2", happened=[], inventory=auditor.inventory)
    assert rule(third, name).offences[0].since == "t1"
    assert not turns
    for each in changed:
        builder.put(replace(each, labels={key: value for key, value in each.labels.items() if key != "egress"}))
    engine = Engine(builder.build(), engine)
    _, turns = follow(third, auditor.audit(engine), at="t3", happened=[], inventory=auditor.inventory)
    (turn,) = (each for each in turns if each.rule.name == name)
    assert [(each.source, each.destination) for each in turn.closed] == [ends]


def test_an_exception_that_ends_is_held_against_the_day_it_is_given() -> None:
    text = "charter: x\nrules:\n  - {name: a, from: role:training, never: metadata}\n"
    charter = load(text + "exceptions:\n  - {rule: a, owner: o, reason: r, until: 2026-01-01}\n")
    assert not any(
        each.code == "EXCEPTION_EXPIRED"
        for each in Auditor(charter, today=date(2026, 1, 1)).audit(Engine(demo(0))).findings
    )
    assert any(
        each.code == "EXCEPTION_EXPIRED"
        for each in Auditor(charter, today=date(2026, 1, 2)).audit(Engine(demo(0))).findings
    )


def test_an_alternative_that_opens_heals_whoever_had_none() -> None:
    shut = "{podSelector: {matchLabels: {app: NAME}}, policyTypes: [Ingress]}"
    stores = [pod("c", name, f"10.0.0.{number}", app=name) for number, name in enumerate(("first", "second"), 2)]
    closed = [policy("c", name, shut.replace("NAME", name)) for name in ("first", "second")]
    builder = SnapshotBuilder(
        snapshot("".join([namespace("a"), namespace("c"), pod("a", "one", "10.0.0.1"), *stores, *closed]))
    )
    charter = load("charter: x\nrules:\n  - {name: must, from: namespace:a, must: one of namespace:c, ports: [80]}\n")
    auditor = Auditor(charter, today=TODAY)
    engine = Engine(builder.build())
    assert pairs(rule(auditor.audit(engine), "must")) == {("a/pod/one", "c/pod/first")}
    builder.drop(engine.snapshot.contents["c"].policies["second"].ref, NetworkPolicy)
    assert not rule(auditor.audit(Engine(builder.build(), engine)), "must").offences


def test_a_label_that_no_policy_asks_for_and_that_says_what_a_pod_is_for_is_seen() -> None:
    out = "{podSelector: {matchLabels: {app: out}}, egress: [{ports: [{port: 443}], to: [{ipBlock: BLOCK}]}]}"
    block = "{cidr: 0.0.0.0/0, except: [169.254.169.254/32]}"
    text = namespace("a") + pod("a", "out", "10.0.0.1", app="out") + policy("a", "out", out.replace("BLOCK", block))
    builder, auditor = SnapshotBuilder(snapshot(text)), Auditor(default_charter(), today=TODAY)
    engine = Engine(builder.build())

    def severity(found: Audit) -> str:
        return next(each.severity.value for each in found.findings if each.code == "OPEN_INTERNET")

    assert severity(auditor.audit(engine)) == "medium"
    (held,) = engine.snapshot.pods()
    builder.put(replace(held, labels={**held.labels, "governance.netpol-console.dev/role": "gateway"}))
    assert severity(auditor.audit(Engine(builder.build(), engine))) == "low"


def test_a_label_by_which_two_alternatives_would_match_a_pod_as_one_is_seen() -> None:
    either = (
        "{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: in}}}, {namespaceSelector: OTHER}]}]}"
    )
    other = "{matchLabels: {kubernetes.io/metadata.name: b}}"
    pods = [pod("a", "own", "10.0.0.1", app="in"), pod("b", "one", "10.0.0.2"), pod("b", "two", "10.0.0.3")]
    text = "".join([namespace("a"), namespace("b"), *pods, policy("a", "in", either.replace("OTHER", other))])
    builder, auditor = SnapshotBuilder(snapshot(text)), Auditor(default_charter(), today=TODAY)
    engine = Engine(builder.build())

    def told(found: Audit) -> list[str]:
        return [found for each in found.findings if each.code == "OPENS_BOTH" for found in each.evidence]

    assert told(auditor.audit(engine)) == []
    held = engine.snapshot.contents["b"].pods["one"]
    builder.put(replace(held, labels={"app": "in"}))
    (evidence,) = told(auditor.audit(Engine(builder.build(), engine)))
    assert evidence.endswith("they match 3 pods, and in one item, where both must hold, they would match 1")


def test_pods_are_named_in_one_order_whenever_they_came() -> None:
    def tied(name: str) -> str:
        spec = {"tier": "Admin", "priority": 1, "subject": {"namespaces": {}}}
        spec["ingress"] = [{"action": "Accept", "from": [{"namespaces": {}}]}]
        api = "policy.networking.k8s.io/v1alpha2"
        return document({"apiVersion": api, "kind": "ClusterNetworkPolicy", "metadata": {"name": name}, "spec": spec})

    text = namespace("a") + namespace("b") + pod("b", "two", "10.0.0.2") + tied("c1") + tied("c2")
    builder, auditor = SnapshotBuilder(snapshot(text)), Auditor(default_charter(), today=TODAY)
    engine = Engine(builder.build())
    auditor.audit(engine)
    for each in snapshot(pod("a", "one", "10.0.0.1")).pods():
        builder.put(each)
    found = auditor.audit(Engine(builder.build(), engine))
    (finding,) = [each for each in found.findings if each.code == "SAME_PRIORITY"]
    assert finding.evidence[1] == "both select 2 pods: a/one, b/two"


def test_engines_that_share_nothing_name_each_policy_once() -> None:
    builder, auditor = _builder(), Auditor(default_charter(), today=TODAY)
    auditor.audit(Engine(builder.build()))
    # What changes is elsewhere first, so that the namespace's policies are compiled anew and nothing else of it.
    for name in ("serving", "training", "serving", "training"):
        one = next(iter(builder.build().contents[name].policies.values()))
        builder.put(replace(one, labels={**one.labels, "edited": name}, resource_version="2"))
        found = auditor.audit(Engine(builder.build()))
    reach = auditor.scene.reach
    for number in range(len(reach.universe.pods)):
        refs = [policy.ref for policy in reach.selecting(number)]
        assert len(refs) == len(set(refs))
    assert _said(found) == _said(Auditor(default_charter(), today=TODAY).audit(Engine(builder.build())))
