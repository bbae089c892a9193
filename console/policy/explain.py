"""What one policy selects, governs and allows, and what of it does nothing or is wider than it looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from console.errors import UsageError
from console.objects.core import ForeignPolicy
from console.objects.coverage import Gap
from console.objects.meta import ObjectRef
from console.objects.netpol import NetworkPolicy
from console.objects.resources import TIERED
from console.objects.selectors import LabelSelector
from console.objects.tiered import NamespacedPods, TieredPolicy
from console.policy.engine import Engine
from console.policy.explain_idle import idle, undeclared
from console.policy.explain_model import Default, Explanation, Finding, Members, Standing
from console.policy.explain_pods import Population
from console.policy.explain_study import Study
from console.policy.explain_wide import wide
from console.policy.explain_words import counted
from console.policy.gaps import concerns
from console.policy.match import keys_of
from console.policy.model import Direction, NodePeer, Path, PodPeer, Policy, Rule

_EVERYTHING: Final = LabelSelector()
_TIERED: Final = frozenset(resource.full_name for resource in TIERED)


def explain(engine: Engine, ref: ObjectRef) -> Explanation:
    """The explanation of a policy of the engine's snapshot. Raises UsageError where there is none of that name."""
    written = engine.snapshot.policy(ref)
    if written is None:
        raise UsageError(f"there is no {ref}", hint="name a policy that is there")
    if isinstance(written, ForeignPolicy):
        concerned = _concerned(engine, ref)
        return Explanation(ref, Standing.NOT_EVALUATED, concerned, gaps=_gaps(engine, ref, None, concerned))
    problems = engine.problems(written)
    policy = engine.compiled(written)
    if policy is None:
        concerned = _concerned(engine, ref)
        gaps = _gaps(engine, ref, None, concerned)
        return Explanation(ref, Standing.INVALID, concerned, problems=problems, gaps=gaps)
    study = Study.of(engine, policy, Population(engine.snapshot, label_keys(policy)))
    return Explanation(
        ref,
        Standing.EVALUATED,
        study.selected,
        policy=policy,
        directions=tuple(map(study.company, study.directions)),
        defaults=tuple(_defaults(written)),
        problems=problems,
        findings=oddities(study, written),
        gaps=_gaps(engine, ref, policy, study.selected),
    )


def oddities(study: Study, written: NetworkPolicy | TieredPolicy) -> tuple[Finding, ...]:
    """What of the policy under study does nothing or is wider than it looks."""
    ignored = undeclared(written) if isinstance(written, NetworkPolicy) else ()
    return (*ignored, *idle(study), *wide(study))


def _rules(policy: Policy) -> Iterator[Rule]:
    for direction in Direction:
        yield from policy.rules(direction) or ()


def label_keys(policy: Policy) -> Iterator[str]:
    """The pod labels that a policy asks for anywhere."""
    yield from keys_of(policy.subject.pods)
    for rule in _rules(policy):
        for peer in rule.peers or ():
            if isinstance(peer, PodPeer):
                yield from keys_of(peer.pods)


def _concerned(engine: Engine, ref: ObjectRef) -> Members:
    """The pods whose verdicts a policy that is not evaluated makes UNKNOWN."""
    gap = next((each for each in engine.gaps if each.ref == ref), None)
    if gap is None:
        return Members()
    population = Population(engine.snapshot, keys_of(gap.pod_selector))
    namespaces = gap.namespace_selector or (_EVERYTHING if gap.namespace is None else None)
    return population.members(namespaces, gap.namespace or "", gap.pod_selector)


def _gaps(engine: Engine, ref: ObjectRef, policy: Policy | None, selected: Members) -> tuple[Gap, ...]:
    """What is not known and may change who is selected, who is matched, or what other policies say of them."""
    peers = [peer for rule in _rules(policy) for peer in rule.peers or ()] if policy else []
    wide = not ref.namespace or any(isinstance(peer, PodPeer) and peer.namespaces is not None for peer in peers)
    nodes = any(isinstance(peer, NodePeer) for peer in peers)

    def matters(gap: Gap) -> bool:
        if gap.ref is not None:
            # One policy that is not valid, or of a kind that is not evaluated.
            return gap.ref != ref and any(
                concerns(gap, pod, engine.snapshot.namespace(pod.namespace)) for pod in selected.pods
            )
        if gap.resource in _TIERED or (gap.resource == "nodes" and nodes):
            return True
        if gap.resource in ("pods", "namespaces", "*"):
            return wide or (gap.resource != "namespaces" and gap.covers(ref.namespace))
        return gap.resource == "networkpolicies" and (not ref.namespace or gap.covers(ref.namespace))

    return tuple(gap for gap in engine.gaps if matters(gap))


def _defaults(written: NetworkPolicy | TieredPolicy) -> Iterator[Default]:
    if isinstance(written, TieredPolicy):
        yield from _tiered_defaults(written)
        return
    if not written.policy_types:
        # Empty types mean Ingress, and Egress too only where there is an egress rule (defaults.go).
        filled = "Ingress and Egress: it has an egress rule" if written.egress else "Ingress: it has no egress rule"
        yield Default(("spec", "policyTypes"), f"left out, so {filled}")
    for field, rules in (("ingress", written.ingress), ("egress", written.egress)):
        bare = [
            ("spec", field, number, "ports", index, "protocol")
            for number, rule in enumerate(rules or ())
            for index, port in enumerate(rule.ports or ())
            if port.protocol is None
        ]
        if bare:
            more = f", here and for {counted(len(bare) - 1, 'more port')}" if len(bare) > 1 else ""
            yield Default(bare[0], f"left out, so TCP{more}")


def _tiered_defaults(written: TieredPolicy) -> Iterator[Default]:
    def all_namespaces(pods: NamespacedPods | None, path: Path) -> Iterator[Default]:
        if pods is not None and pods.namespace_selector is None:
            yield Default((*path, "pods", "namespaceSelector"), "left out, so every namespace")

    yield from all_namespaces(written.subject.pods, ("spec", "subject"))
    for field, key, rules in (("ingress", "from", written.ingress), ("egress", "to", written.egress)):
        for number, rule in enumerate(rules):
            for index, peer in enumerate(rule.peers):
                yield from all_namespaces(peer.pods, ("spec", field, number, key, index))
