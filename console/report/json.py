"""A verdict as JSON values: the whole trace, for scripts and records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from console.objects.meta import ObjectRef
from console.objects.yaml_render import to_yaml
from console.policy.fix import Fix
from console.policy.networking import dotted
from console.policy.ports import PortsVerdict
from console.policy.trace import Clause, DirectionTrace, PolicyTrace, RuleTrace
from console.policy.verdict import Case, End, NearMiss, ServiceStep, Verdict
from console.report import verdict_words


def verdict_json(verdict: Verdict, fix: Fix | None) -> dict[str, Any]:
    """The verdict with its explanation.

    ``egress`` and ``ingress`` are those of the first case (what is broken first);
    ``cases`` has them all. ``fix`` is null where nothing is to fix, or no policy can.
    """
    leading = verdict.leading
    return {
        "source": _end(verdict.connection.source),
        "destination": _end(verdict.connection.destination),
        "protocol": verdict.connection.protocol.value,
        "port": verdict.connection.port,
        "outcome": verdict.outcome.value,
        "reason": verdict_words.headline(verdict),
        "service": _service(verdict.service) if verdict.service else None,
        "egress": _direction(leading.egress) if leading else None,
        "ingress": _direction(leading.ingress) if leading else None,
        "cases": [_case(case) for case in verdict.cases],
        "caveats": [{"code": each.code, "sentence": each.sentence, "detail": each.detail} for each in verdict.caveats],
        "near_misses": [_near_miss(miss) for miss in verdict.near_misses],
        "fix": {"manifest": manifest(fix.objects), "opens": [str(path) for path in fix.opens]} if fix else None,
    }


def ports_json(verdict: PortsVerdict) -> dict[str, Any]:
    """The answer for any port."""
    return {
        "source": _end(verdict.source),
        "destination": _end(verdict.destination),
        "outcome": verdict.outcome.value,
        "ports": [
            {"protocol": span.protocol.value, "low": span.low, "high": span.high, "outcome": span.outcome.value}
            for span in verdict.spans
        ],
    }


def manifest(objects: Iterable[Mapping[str, Any]]) -> str:
    """Raw objects as YAML documents, ready to apply."""
    return "---\n".join(map(to_yaml, objects))


def ref_json(ref: ObjectRef) -> dict[str, str]:
    """Which object, as JSON values."""
    return {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name}


def _end(end: End) -> dict[str, Any]:
    return {
        "kind": end.kind.value,
        "text": str(end),
        "object": ref_json(end.ref) if end.ref else None,
        "pods": [f"{pod.namespace}/{pod.name}" for pod in end.pods],
    }


def _service(step: ServiceStep) -> dict[str, Any]:
    return {
        "object": ref_json(step.service.ref),
        "port": step.port.port,
        "target_port": step.port.target,
        "state": step.state.name.lower(),
        "ready": step.ready,
        "endpoints": step.total,
        "ports": list(step.ports),
    }


def _case(case: Case) -> dict[str, Any]:
    return {
        "outcome": case.outcome.value,
        "sources": list(case.sources),
        "destinations": list(case.destinations),
        "port": case.port,
        "facts": list(case.facts),
        "egress": _direction(case.egress),
        "ingress": _direction(case.ingress),
    }


def _direction(trace: DirectionTrace) -> dict[str, Any]:
    return {
        "allowed": trace.allowed,
        "ground": trace.ground.name.lower(),
        "reason": verdict_words.direction_reason(trace),
        "isolated_by": [ref_json(ref) for ref in trace.isolated_by],
        "gaps": [{"code": gap.code, "why": gap.why} for gap in trace.gaps],
        "tiers": [
            {
                "tier": tier.tier.name.lower(),
                "result": tier.result.value,
                "policies": [_policy(policy) for policy in tier.policies],
                "unselecting": [_policy(policy) for policy in tier.unselecting],
            }
            for tier in trace.tiers
        ],
    }


def _policy(policy: PolicyTrace) -> dict[str, Any]:
    return {
        "object": ref_json(policy.ref),
        "selects": policy.selects,
        "governs": policy.governs,
        "subject": [_clause(clause) for clause in policy.subject],
        "decided": policy.decided.value if policy.decided else None,
        "deciding_rule": policy.deciding,
        "rules": [_rule(rule) for rule in policy.rules],
    }


def _rule(rule: RuleTrace) -> dict[str, Any]:
    return {
        "path": dotted(rule.path),
        "action": rule.action.value,
        "matched": rule.matched,
        "peers": [
            {
                "path": dotted(peer.path),
                "matched": peer.matched,
                "clauses": [_clause(clause) for clause in peer.clauses],
            }
            for peer in rule.peers
        ],
        "ports": [_clause(clause) for clause in rule.ports],
    }


def _clause(clause: Clause) -> dict[str, Any]:
    return {
        "kind": clause.kind.value,
        "path": dotted(clause.path),
        "matched": clause.matched,
        "wanted": clause.wanted,
        "found": clause.found,
        "note": clause.note,
    }


def _near_miss(miss: NearMiss) -> dict[str, Any]:
    return {
        "direction": miss.direction.value,
        "object": ref_json(miss.policy),
        "path": dotted(miss.path),
        "failed": [_clause(clause) for clause in miss.failed],
        "text": verdict_words.near_miss_line(miss),
    }
