"""The explanation of a policy as text and as JSON values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from console.policy.explain_model import (
    DirectionView,
    Effect,
    Explanation,
    Members,
    PeerView,
    PortView,
    RuleView,
    Standing,
)
from console.policy.explain_words import peer_words, policy_name, port_words, workload_name
from console.policy.model import Action, CidrPeer, Direction, DomainPeer, Policy, Tier
from console.policy.networking import dotted
from console.report.clean import clean
from console.report.json import ref_json
from console.report.words import count, some

#: What a rule does to the traffic of a direction.
_VERBS: Final[Mapping[tuple[Action, Direction], str]] = {
    (Action.ALLOW, Direction.INGRESS): "lets in",
    (Action.ALLOW, Direction.EGRESS): "lets out to",
    (Action.DENY, Direction.INGRESS): "keeps out",
    (Action.DENY, Direction.EGRESS): "keeps from reaching",
    (Action.PASS, Direction.INGRESS): "leaves to the next tier what comes from",
    (Action.PASS, Direction.EGRESS): "leaves to the next tier what goes to",
}
_TIERS: Final = {Tier.ADMIN: "Admin tier", Tier.NETWORK_POLICY: "NetworkPolicy tier", Tier.BASELINE: "Baseline tier"}
_HEADINGS: Final = {Effect.NOTHING: "does nothing", Effect.WIDER: "wider than it looks"}


def explanation_lines(explanation: Explanation) -> Iterator[str]:
    """The explanation in plain sentences: selects, governs, allows; what was filled in; problems; findings."""
    yield _title(explanation)
    yield from _selects(explanation)
    policy = explanation.policy
    if policy is not None:
        for direction in (Direction.INGRESS, Direction.EGRESS):
            view = next((each for each in explanation.directions if each.direction is direction), None)
            if view is None:
                yield f"  says nothing of {direction.value}"
            else:
                yield from _direction(policy, view, selected=bool(explanation.selected.pods))
    if explanation.defaults:
        yield ""
        yield "  filled in by the API server"
        yield from (f"    {dotted(each.path)}: {clean(each.sentence)}" for each in explanation.defaults)
    if explanation.problems:
        yield ""
        yield "  not valid" if any(each.fatal for each in explanation.problems) else "  outdated"
        yield from (f"    {clean(dotted(each.path))}: {clean(each.message)}" for each in explanation.problems)
    for effect, heading in _HEADINGS.items():
        found = [each for each in explanation.findings if each.effect is effect]
        if found:
            yield ""
            yield f"  {heading}"
            yield from (f"    {each.code}  {clean(dotted(each.path))}: {clean(each.sentence)}" for each in found)
    if explanation.gaps:
        yield ""
        yield "  not known"
        yield from (f"    {each.code}: {clean(each.why)}" for each in explanation.gaps)


def _title(explanation: Explanation) -> str:
    policy, name = explanation.policy, clean(str(explanation.ref))
    if policy is None or policy.tier is Tier.NETWORK_POLICY:
        return name
    return f"{name}  ({_TIERS[policy.tier]}, priority {policy.priority})"


def _selects(explanation: Explanation) -> Iterator[str]:
    selected = explanation.selected
    whom = _whom(selected)
    if explanation.standing is Standing.NOT_EVALUATED:
        yield "  is of a kind that is not evaluated here: what it allows is not known"
        yield f"  may select {whom}; verdicts on these are UNKNOWN" if selected.pods else "  may select no pod now"
    elif explanation.standing is Standing.INVALID:
        yield "  is not valid: an API server refuses it"
        yield f"  may select {whom}; verdicts on these are UNKNOWN" if selected.pods else "  may select no pod now"
    else:
        yield f"  selects {whom}"
    if selected.host_network:
        found = count(selected.host_network, "hostNetwork pod")
        verb = "matches" if selected.host_network == 1 else "match"
        yield f"  {found} {verb} as well and {'is' if selected.host_network == 1 else 'are'} not governed by it"


def _whom(members: Members) -> str:
    if not members.pods:
        return "no pod" if members.certain else "no pod that could be read"
    names = [workload_name(ref) for ref in members.workloads]
    return f"{_size(members)}: {some(names)}"


def _size(members: Members) -> str:
    """``4 pods of 2 workloads``; a template of a file stands for any number of pods."""
    workloads = count(len(members.workloads), "workload")
    pods = len(members.pods) - members.templates
    if not pods:
        return f"the pods of {workloads}" if members.templates else "no pod now"
    return f"{count(pods, 'pod')} of {workloads}"


def _direction(policy: Policy, view: DirectionView, *, selected: bool) -> Iterator[str]:
    isolates = policy.tier is Tier.NETWORK_POLICY
    names = [ref.name if isolates else policy_name(ref) for ref in view.beside]
    beside = clean(" and ".join(names)) if len(names) == 2 else some(names, 1)
    if isolates:
        verb = "isolates them for" if selected else "would isolate what it selects for"
        together = f", with {beside}" if beside else ""
        way = "in" if view.direction is Direction.INGRESS else "out"
        alone = "; has no rule of its own" if beside else f" and lets nothing {way}"
        yield f"  {verb} {view.direction.value}{together}{'' if view.rules else alone}"
    else:
        yield f"  judges {view.direction.value}; the first rule that matches decides"
        if beside:
            yield f"    at the same priority as {beside}: which is asked first is undefined"
    if view.ahead:
        yield f"    asked before it: {some([policy_name(ref) for ref in view.ahead])}"
    for rule in view.rules:
        yield from _rule(rule, view.direction)


def _rule(view: RuleView, direction: Direction) -> Iterator[str]:
    rule = view.rule
    head = f"    rule {rule.index + 1} {_VERBS[rule.action, direction]}"
    ports = _ports(view.ports)
    if view.peers is None:
        yield f"{head} {'anything' if direction is Direction.EGRESS else 'anyone'} on {ports}"
    elif len(view.peers) == 1:
        yield f"{head} {_peer(view.peers[0])} on {ports}"
    else:
        yield f"{head}, on {ports}:"
        for peer in view.peers:
            yield f"      {_peer(peer)}"


def _peer(view: PeerView) -> str:
    peer, members = view.peer, view.members
    words = clean(peer_words(peer))
    if view.nodes is not None:
        return f"{words} ({count(len(view.nodes), 'node')})"
    if isinstance(peer, DomainPeer):
        return f"{words} (which addresses these have is not known here)"
    if members is None:
        return words
    if isinstance(peer, CidrPeer):
        return f"{words} ({_size(members)} among them)" if members.pods else words
    unsure = "" if members.certain else ", of what could be read"
    return f"{words} ({_size(members)}{unsure})"


def _ports(ports: Sequence[PortView] | None) -> str:
    if ports is None:
        return "every port"
    return " and ".join(_port(port) for port in ports)


def _port(view: PortView) -> str:
    words = clean(port_words(view.match))
    if not view.match.name:
        return words
    # The protocol is said already where the rule names one.
    numbers = ", ".join(number.partition("/")[0] if view.match.protocol else number for number, _ in view.numbers)
    if not numbers:
        return f"{words} (no such port now)"
    return f"{words} ({numbers}" + (f"; {count(view.undeclared, 'pod')} without)" if view.undeclared else ")")


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """The explanation as JSON values."""
    policy = explanation.policy
    return {
        "policy": ref_json(explanation.ref),
        "standing": explanation.standing.name.lower(),
        "tier": policy.tier.name.lower() if policy else None,
        "priority": policy.priority if policy and policy.tier is not Tier.NETWORK_POLICY else None,
        "selects": _members(explanation.selected),
        "directions": [_direction_json(view) for view in explanation.directions],
        "defaults": [{"path": dotted(each.path), "sentence": each.sentence} for each in explanation.defaults],
        "problems": [
            {"path": dotted(each.path), "message": each.message, "fatal": each.fatal} for each in explanation.problems
        ],
        "findings": [
            {
                "code": each.code,
                "effect": each.effect.name.lower(),
                "path": dotted(each.path),
                "sentence": each.sentence,
                "policies": [ref_json(ref) for ref in each.refs],
            }
            for each in explanation.findings
        ],
        "gaps": [{"code": gap.code, "why": gap.why} for gap in explanation.gaps],
    }


def _members(members: Members) -> dict[str, Any]:
    return {
        "pods": len(members.pods) - members.templates,
        "templates": members.templates,
        "workloads": [workload_name(ref) for ref in members.workloads],
        "host_network": members.host_network,
        "complete": members.certain,
    }


def _direction_json(view: DirectionView) -> dict[str, Any]:
    return {
        "direction": view.direction.value,
        "asked_before": [ref_json(ref) for ref in view.ahead],
        "together_with": [ref_json(ref) for ref in view.beside],
        "rules": [
            {
                "path": dotted(each.rule.path),
                "action": each.rule.action.value,
                "peers": None if each.peers is None else [_peer_json(peer) for peer in each.peers],
                "ports": None if each.ports is None else [_port_json(port) for port in each.ports],
            }
            for each in view.rules
        ],
    }


def _peer_json(view: PeerView) -> dict[str, Any]:
    return {
        "path": dotted(view.peer.path),
        "text": peer_words(view.peer),
        "matches": _members(view.members) if view.members else None,
        "nodes": None if view.nodes is None else list(view.nodes),
    }


def _port_json(view: PortView) -> dict[str, Any]:
    return {
        "path": dotted(view.match.path),
        "text": port_words(view.match),
        "numbers": [{"port": number, "pods": pods} for number, pods in view.numbers],
        "undeclared": view.undeclared,
    }
