"""The wording of verdicts and of their traces, from a clause up to the headline.

Everything here is plain text of one line, cleaned of what a terminal would obey.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from console.objects.core import METADATA_NAME
from console.policy.explain_words import policy_name
from console.policy.fix import Fix
from console.policy.model import Action, Direction, Tier
from console.policy.ports import PortsVerdict
from console.policy.trace import (
    Clause,
    ClauseKind,
    DirectionTrace,
    Ground,
    PeerTrace,
    PolicyTrace,
    RuleTrace,
    TierResult,
    TierTrace,
)
from console.policy.verdict import Case, NearMiss, Outcome, ServiceState, ServiceStep, Verdict
from console.report.clean import clean
from console.report.words import count, match_glyph, outcome_word, place, some

_END: Final = {Direction.EGRESS: "source", Direction.INGRESS: "destination"}
_NAMED: Final = f"{METADATA_NAME}="
_ADDRESSED: Final = (ClauseKind.IP_BLOCK, ClauseKind.NETWORKS, ClauseKind.DOMAIN_NAMES)
_DOES: Final = {Action.ALLOW: "allows", Action.DENY: "denies", Action.PASS: "passes"}
_TIER: Final = {Tier.ADMIN: "Admin", Tier.NETWORK_POLICY: "Namespace", Tier.BASELINE: "Baseline"}


def clause_fact(clause: Clause, side: str = "peer") -> str:
    """A clause as a fact: ``podSelector wants role=trainer; the source has role=train``.

    `side` is what the end it met is called.
    """
    note = f" ({clean(clause.note)})" if clause.note else ""
    wanted, found = clean(clause.wanted), clean(clause.found)
    if clause.kind in (ClauseKind.ANY_PEER, ClauseKind.ANY_PORT):
        named = "peer" if clause.kind is ClauseKind.ANY_PEER else "port"
        return f"{clean(clause.note) or f'names no {named}'}: {wanted} matches"
    if clause.kind is ClauseKind.PORT:
        return f"port wants {wanted}; asked is {found}{note}"
    if clause.kind in _ADDRESSED:
        verb = "has" if clause.caveat == "NO_ADDRESS" else "is"
        return f"{clause.kind.value} wants {wanted}; the {side} {verb} {found}{note}"
    if clause.kind is ClauseKind.UNKNOWN_PEER:
        return f"{wanted} is a peer of a kind that is not known here{note}"
    if clause.kind is ClauseKind.NODES:
        return f"nodes wants {wanted}; the {side} {'has' if '=' in found else 'is'} {_absent(found)}{note}"
    if clause.kind is ClauseKind.NAMESPACE:
        return f"wants {wanted}; the {side} is in {found}{note}"
    if wanted.startswith(_NAMED) and found.startswith(_NAMED):
        return f"wants namespace {wanted[len(_NAMED) :]}; the {side} is in {found[len(_NAMED) :]}"
    has = "is" if "=" not in found and " absent" not in found else "has"
    if clause.kind is ClauseKind.NAMESPACE_SELECTOR:
        owner = f"the {side}" if has == "is" else f"the {side}'s namespace"
        return f"namespaceSelector wants {wanted}; {owner} {has} {_absent(found)}{note}"
    return f"podSelector wants {wanted}; the {side} {has} {_absent(found)}{note}"


def _absent(found: str) -> str:
    return f"no label {found.removesuffix(' absent')}" if found.endswith(" absent") else found


def other_end(direction: Direction) -> str:
    """What the peer of a direction is called: the destination for egress, the source for ingress."""
    return _END[Direction.INGRESS if direction is Direction.EGRESS else Direction.EGRESS]


def this_end(direction: Direction) -> str:
    """What the governed end of a direction is called."""
    return _END[direction]


def rule_line(rule: RuleTrace) -> str:
    """``rule 1  peer ✓  port ✗``; rules count from 1, as people do."""
    verb = "" if rule.action is Action.ALLOW else f" {rule.action.value}"
    return f"rule {rule.index + 1}{verb}  peer {match_glyph(rule.peer)}  port {match_glyph(rule.port)}"


def peer_line(peer: PeerTrace) -> str:
    """``peer 2 ✗``, or ``any peer ✓``."""
    return f"{'any peer' if peer.index is None else f'peer {peer.index + 1}'} {match_glyph(peer.matched)}"


def policy_line(policy: PolicyTrace) -> str:
    """A policy and what it did: ``to-feature-store  allows by rule 1``."""
    name = clean(policy_name(policy.ref))
    if policy.selects is False:
        return f"{name}  does not select it"
    if policy.decided is not None and policy.deciding is not None:
        return f"{name}  {_DOES[policy.decided]} by rule {policy.deciding + 1}"
    if policy.selects is None:
        return f"{name}  may select it"
    if not policy.rules:
        return f"{name}  isolates, has no rule"
    held = next((rule for rule in policy.rules if rule.matched is not False), None)
    if held is not None:
        return f"{name}  rule {held.index + 1} {'matches too' if held.matched else 'may match'}"
    return f"{name}  no rule matches" if len(policy.rules) > 1 else f"{name}  its rule does not match"


def tier_line(tier: TierTrace) -> str:
    """A tier and what came of it."""
    name = _TIER[tier.tier]
    if tier.tier is Tier.NETWORK_POLICY and tier.policies:
        isolated = f"isolated by {len(tier.policies)}"
        result = {
            TierResult.ALLOWED: "a rule matches",
            TierResult.DENIED: "no rule matches",
            TierResult.UNKNOWN: "whether a rule matches cannot be known",
        }.get(tier.result, tier.result.value)
        return f"{name}  {isolated}: {result}"
    return f"{name}  {tier.result.value}"


def direction_reason(trace: DirectionTrace) -> str:
    """Why a direction is allowed, blocked or unknown, in one clause."""
    end = this_end(trace.direction)
    if trace.gaps:
        return f"cannot be known: {clean(trace.gaps[0].why)}"
    if trace.ground is Ground.OUTSIDE:
        return f"the {end} is no pod: no policy here governs it"
    if trace.ground is Ground.HOST_NETWORK:
        return f"the {end} is on its node's network: no policy isolates it"
    if trace.ground is Ground.SELF:
        return "a pod cannot block itself"
    if trace.ground is Ground.OWN_NODE:
        return "a pod's own node is always let through"
    if trace.ground is Ground.DEFAULT:
        return f"no policy isolates the {end}"
    deciders = trace.deciders
    allowing = [policy for policy in deciders if policy.decided is Action.ALLOW]
    if trace.allowed and allowing:
        names = [f"{policy_name(policy.ref)} rule {(policy.deciding or 0) + 1}" for policy in allowing]
        return f"allowed by {some(names, 2)}"
    if trace.allowed is None:
        unknown = next(_unknown_clauses(trace), None)
        if unknown is None:
            return "cannot be known: policies of equal priority disagree"
        return f"cannot be known: {clause_fact(unknown, other_end(trace.direction))}"
    denying = [policy for policy in deciders if policy.decided is Action.DENY]
    if denying:
        return f"denied by {clean(policy_name(denying[0].ref))} rule {(denying[0].deciding or 0) + 1}"
    isolating = [place(ref) for ref in trace.isolated_by]
    return f"isolated by {some(isolating, 2)}, and no rule matches"


def _unknown_clauses(trace: DirectionTrace) -> Iterator[Clause]:
    for policy in trace.policies():
        yield from (clause for clause in policy.subject if clause.matched is None)
        for rule in policy.rules:
            yield from (clause for clause in rule.clauses() if clause.matched is None)


def direction_line(trace: DirectionTrace) -> str:
    """``egress   allowed by training/to-feature-store rule 1``."""
    return f"{trace.direction.value:<8} {direction_reason(trace)}"


def service_line(step: ServiceStep) -> str:
    """How a Service carried the connection, or what broke."""
    name = clean(f"{step.service.namespace}/{step.service.name}")
    port = f"{step.port.port}/{step.port.protocol}"
    if step.state is ServiceState.TRANSLATED:
        return f"{name} {port} → {_target(step)}, {_endpoints(step)}"
    if step.state is ServiceState.EXTERNAL_NAME:
        return f"{name} is an ExternalName for {clean(step.service.external_name)}: looked up outside the cluster"
    if step.state is ServiceState.NOT_KNOWN:
        return f"what stands behind {name} is not known: {clean(step.why)}"
    if step.state is ServiceState.UNRESOLVED_TARGET:
        return f"{name} {port}: no ready endpoint declares targetPort {clean(str(step.port.target))}"
    if not step.total:
        selects = f"no pod has {_labels(step)}" if step.service.selector else "it has no selector and no EndpointSlice"
        return f"{name} has no endpoints: {selects}, so nothing stands behind it"
    return f"{name} has no ready endpoint ({step.total} not ready)"


def _labels(step: ServiceStep) -> str:
    return ", ".join(clean(f"{key}={value}") for key, value in step.service.selector.items())


def _target(step: ServiceStep) -> str:
    if step.service.headless:
        other = "" if step.port.target == step.port.port else f" (not its targetPort {clean(str(step.port.target))})"
        return f"headless, so the pods' own port {step.port.port}{other}"
    numbers = ", ".join(map(str, step.ports))
    target = clean(str(step.port.target))
    return f"targetPort {target}" if numbers == target else f"targetPort {target} ({numbers})"


def _endpoints(step: ServiceStep) -> str:
    unready = step.total - step.ready - step.unresolved
    less = [f"{unready} not ready"] if unready else []
    less += [f"{step.unresolved} without that port"] if step.unresolved else []
    return f"{step.ready} of {step.total} endpoints ready" + (f" ({', '.join(less)})" if less else "")


def near_miss_line(miss: NearMiss) -> str:
    """A near miss and the clauses that failed."""
    rule = "selects another end" if miss.rule is None else f"rule {miss.rule + 1}"
    side = this_end(miss.direction) if miss.rule is None else other_end(miss.direction)
    facts = "; ".join(clause_fact(clause, side) for clause in miss.failed)
    return f"{place(miss.policy)} {rule}: {facts}"


def fix_line(fix: Fix) -> str:
    """What a fix opens beside the path asked for."""
    if not fix.opens:
        return "opens nothing else"
    return f"also opens {count(len(fix.opens), 'path')}: {some([str(path) for path in fix.opens], 4)}"


def headline(verdict: Verdict) -> str:
    """Why, in one line, to stand behind the outcome."""
    if verdict.outcome is Outcome.PARTIAL:
        return _partial(verdict)
    case = verdict.leading
    if case is None:
        return f"at the Service: {service_line(verdict.service)}" if verdict.service else ""
    if verdict.outcome is Outcome.ALLOWED:
        if all(direction.ground is not Ground.POLICY for direction in case.directions()):
            return _unpoliced(case)
        return "; ".join(f"{each.direction.value} {direction_reason(each)}" for each in case.directions())
    if verdict.outcome is Outcome.UNKNOWN:
        unknown = next(each for each in verdict.cases if each.outcome is Outcome.UNKNOWN)
        trace = next(each for each in unknown.directions() if each.allowed is None)
        return f"at the {this_end(trace.direction)}: {direction_reason(trace).removeprefix('cannot be known: ')}"
    return _blocked(verdict, case)


def ports_headline(verdict: PortsVerdict) -> str:
    """What any port comes to, in one line."""
    if verdict.outcome is not Outcome.PARTIAL:
        every = {Outcome.ALLOWED: "every port", Outcome.BLOCKED: "no port", Outcome.UNKNOWN: "for every port"}
        return every[verdict.outcome] if verdict.spans else "no port"
    allowed = verdict.of(Outcome.ALLOWED)
    return f"allowed on {some([str(span) for span in allowed], 6)}" if allowed else "no port is wholly allowed"


def _blocked(verdict: Verdict, case: Case) -> str:
    closed = [trace for trace in case.directions() if trace.allowed is False]
    ends = " and ".join(this_end(trace.direction) for trace in closed)
    nearest = next((miss for miss in verdict.near_misses if len(miss.failed) == 1 and miss.rule is not None), None)
    if len(closed) == 1 and nearest is not None:
        fact = clause_fact(nearest.failed[0], other_end(nearest.direction))
        return f"at the {ends}: {place(nearest.policy)} {fact}"
    return f"at the {ends}: {'; '.join(direction_reason(trace) for trace in closed)}"


def _unpoliced(case: Case) -> str:
    reasons = [direction_reason(each) for each in case.directions()]
    special = [
        reason
        for reason, each in zip(reasons, case.directions(), strict=True)
        if each.ground not in (Ground.DEFAULT, Ground.OUTSIDE)
    ]
    if special:
        return "; ".join(dict.fromkeys(special))
    governed = [this_end(each.direction) for each in case.directions() if each.ground is Ground.DEFAULT]
    if not governed:
        return "neither end is a pod: no policy here governs them"
    return "no policy isolates either end" if len(governed) == 2 else f"no policy isolates the {' or '.join(governed)}"


def _partial(verdict: Verdict) -> str:
    parts = []
    for outcome in (Outcome.BLOCKED, Outcome.UNKNOWN, Outcome.ALLOWED):
        cases = [case for case in verdict.cases if case.outcome is outcome]
        facts = [", ".join(clean(fact) for fact in case.facts) for case in cases if case.facts]
        whom = "" if facts and facts[0].startswith("over ") else "for "
        if cases:
            parts.append(f"{outcome.value} {whom}{some(facts, 2)}" if facts else f"{outcome.value} for some")
    return "; ".join(parts)


def case_title(case: Case) -> str:
    """What a case is about: its answer, how many ends, and what sets it apart."""
    ends = f"{some(case.sources, 2)} → {some(case.destinations, 2)}"
    facts = f"  [{', '.join(clean(fact) for fact in case.facts)}]" if case.facts else ""
    return f"{outcome_word(case.outcome)}  {ends}{facts}"
