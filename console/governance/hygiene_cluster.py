"""Hygiene of a cluster: whether anything enforces policies, what of them is not known, priorities that tie."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from console.governance.findings import Finding, Severity
from console.governance.hygiene_codes import make
from console.governance.hygiene_peers import place
from console.governance.hygiene_scene import Scene
from console.objects.core import ForeignPolicy
from console.objects.coverage import INVALID_POLICY, POLICY_KIND_NOT_MODELLED
from console.objects.meta import ObjectRef
from console.policy.explain_words import counted, listed, policy_name
from console.policy.model import Direction, Policy, Tier
from console.policy.reach import bits


def of_cluster(scene: Scene) -> Iterator[Finding]:
    """The findings about the cluster as a whole."""
    yield from _plugin(scene)
    yield from _not_judged(scene)
    yield from _ties(scene)


def _plugin(scene: Scene) -> Iterator[Finding]:
    plugin = scene.engine.plugin
    number = sum(len(held.policies) for held in scene.snapshot.contents.values()) + len(scene.snapshot.tiered)
    policies = f"{number} {'policy' if number == 1 else 'policies'}"
    whole = ObjectRef("Cluster", "", "cluster")
    if plugin is not None and plugin.enforces is False:
        title = f"{plugin.name} enforces no policy"
        yield make("PLUGIN_DOES_NOT_ENFORCE", whole, title, [plugin.fact, f"{policies} are written, and none holds"])
    elif scene.snapshot.nodes and (plugin is None or plugin.enforces is None):
        fact = "no network plugin was recognised" if plugin is None else f"{plugin.name}: {plugin.fact}"
        title = "whether anything enforces the policies is not known"
        yield make("PLUGIN_UNKNOWN", whole, title, [fact, f"{policies} are written"])


def _not_judged(scene: Scene) -> Iterator[Finding]:
    kinds: dict[str, list[ObjectRef]] = {}
    for gap in scene.engine.gaps:
        if gap.ref is None:
            continue
        if gap.code == INVALID_POLICY:
            written = scene.snapshot.policy(gap.ref)
            where = place(written, ()) if written is not None and not isinstance(written, ForeignPolicy) else None
            yield make("POLICY_NOT_VALID", gap.ref, f"{policy_name(gap.ref)} is not valid", [gap.why], place=where)
        elif gap.code == POLICY_KIND_NOT_MODELLED:
            kinds.setdefault(gap.ref.kind, []).append(gap.ref)
    for kind, refs in kinds.items():
        refs.sort()
        number = f"{len(refs)} {'policy' if len(refs) == 1 else 'policies'}"
        title = f"{number} of the kind {kind} are not evaluated" if len(refs) > 1 else f"{refs[0]} is not evaluated"
        names = listed([policy_name(ref) for ref in refs], 6)
        yield make("POLICY_NOT_EVALUATED", refs[0], title, [names, "verdicts about the pods they select are unknown"])


def _ties(scene: Scene) -> Iterator[Finding]:
    """Policies of a tier that share a priority and a pod; it matters most where the order decides."""
    tiers: dict[tuple[Tier, int], list[Policy]] = {}
    for policy in scene.engine.over(()):
        tiers.setdefault((policy.tier, policy.priority), []).append(policy)
    for (tier, priority), policies in tiers.items():
        for one, other in combinations(policies, 2):
            shared = _subject(scene, one) & _subject(scene, other)
            directions = [direction for direction in Direction if one.rules(direction) and other.rules(direction)]
            if not shared or not directions:
                continue
            decides = [each for each in directions if _depends(scene, one, other, each, shared)]
            held = [pod for number in bits(shared) for pod in scene.reach.universe.pods[number].pods]
            pods = sorted(f"{pod.namespace}/{pod.name}" for pod in held)
            facts = [
                f"{policy_name(one.ref)} and {policy_name(other.ref)} have priority {priority} "
                f"in the {tier.name.replace('_', ' ').capitalize()} tier",
                f"both select {counted(len(pods), 'pod')}: {listed(pods)}",
            ]
            if decides:
                facts.append(f"for {' and '.join(each.value for each in decides)} the answer depends on their order")
            written = scene.snapshot.policy(other.ref)
            yield make(
                "SAME_PRIORITY",
                other.ref,
                f"{policy_name(other.ref)} shares its priority with {policy_name(one.ref)}",
                facts,
                severity=Severity.HIGH if decides else Severity.LOW,
                place=place(written, ("spec", "priority"))
                if written is not None and not isinstance(written, ForeignPolicy)
                else None,
            )


def _subject(scene: Scene, policy: Policy) -> int:
    universe = scene.reach.universe
    return universe.selected(policy.subject.namespaces, policy.subject.pods, policy.subject.home)[0] & universe.all


def _depends(scene: Scene, one: Policy, other: Policy, direction: Direction, shared: int) -> bool:
    """Whether the answer for any class they share is not known while the two would do different things."""
    actions = {rule.action for policy in (one, other) for rule in policy.rules(direction) or ()}
    if len(actions) < 2:
        return False
    look = scene.reach.row if direction is Direction.EGRESS else scene.reach.column
    return any(look(number) != look(number, maybe=True) for number in bits(shared))
