"""What a workload is to an AI platform: its role and governance domain, and the signals that say so.

No single sign is trusted: labels, owner kinds, images, ports and names are weighed
together (`console.governance.roles_signals`), and an explicit label settles it.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from console.governance.roles_signals import Sight, Signal, look, signals_of
from console.governance.roles_table import DOMAINS, Role
from console.objects.core import Namespace
from console.objects.workloads import Workload

__all__ = ["DOMAIN_LABEL", "ROLE_LABEL", "Classification", "Role", "classify"]

#: On pods, or on their namespace: the role, as `Role` spells it. Overrides every other signal.
ROLE_LABEL: Final = "governance.netpol-console.dev/role"
#: On pods, or on their namespace: the governance domain, any label value.
DOMAIN_LABEL: Final = "governance.netpol-console.dev/domain"
_MOST = 0.99  # only an explicit label is certain


@dataclass(frozen=True, slots=True)
class Classification:
    """A workload's role and domain. `domain` is ``""`` where nothing tells it.

    `confidence` is 0 (nothing known) to 1 (said by an explicit label). `signals` says in
    words what spoke, the strongest first; what spoke for another role comes last and
    names that role.
    """

    role: Role
    domain: str
    confidence: float
    signals: tuple[str, ...]


def classify(workload: Workload, namespace: Namespace) -> Classification:
    """The role and domain of a workload, by all of its pods and its namespace.

    Pure, and cheap enough to be asked for every workload after each change. Where pods
    of one workload carry different explicit labels, the one on most pods counts, and
    the confidence is its share.
    """
    sight = look(workload)
    found = _weigh(signals_of(workload, namespace, sight))
    return _override(found, workload, namespace) if _explicit(sight, namespace) else found


def _weigh(signals: list[Signal]) -> Classification:
    """The role that most speaks for, as if signals were independent; what speaks against lowers the confidence.

    Support alone makes no role. Of two roles equally likely the first in `Role` is taken,
    at half the confidence or less.
    """
    doubt: dict[Role, float] = {}
    for signal in signals:
        if not signal.supports:
            doubt[signal.role] = doubt.get(signal.role, 1.0) * (1 - signal.strength)
    for signal in signals:
        if signal.supports and signal.role in doubt:
            doubt[signal.role] *= 1 - signal.strength
    if not doubt:
        return Classification(Role.OTHER, "", 0.0, ())
    ranked = sorted(doubt, key=lambda role: (doubt[role], _ORDER[role]))
    best = 1 - doubt[ranked[0]]
    second = 1 - doubt[ranked[1]] if len(ranked) > 1 else 0.0
    ordered = sorted(signals, key=lambda signal: (-signal.strength, signal.text))
    mine = [signal for signal in ordered if signal.role is ranked[0]]
    others = [signal for signal in ordered if signal.role in doubt and signal.role is not ranked[0]]
    domain = next((signal.domain for signal in mine if signal.domain), DOMAINS.get(ranked[0], ""))
    return Classification(
        ranked[0],
        domain,
        round(min(best * best / (best + second), _MOST), 2),
        tuple(dict.fromkeys([signal.text for signal in mine] + [f"{s.text} (says {s.role.value})" for s in others])),
    )


def _explicit(sight: Sight, namespace: Namespace) -> bool:
    return not {ROLE_LABEL, DOMAIN_LABEL}.isdisjoint(sight.labels.keys() | namespace.labels.keys())


def _override(found: Classification, workload: Workload, namespace: Namespace) -> Classification:
    """Let explicit labels settle what they name. A value that is no role is told, and settles nothing."""
    role, domain, confidence, signals = found.role, found.domain, found.confidence, list(found.signals)
    said, share, where = _said(ROLE_LABEL, workload, namespace)
    if said in _ROLES_BY_VALUE:
        role, confidence = _ROLES_BY_VALUE[said], share
        domain = domain if role is found.role else DOMAINS.get(role, "")
        signals.insert(0, f"label {ROLE_LABEL}={said} on {where}")
    elif said:
        signals.append(f"label {ROLE_LABEL} on {where} names no role, so it was not followed")
    named, _, where = _said(DOMAIN_LABEL, workload, namespace)
    if named:
        domain = named
        signals.insert(0, f"label {DOMAIN_LABEL} on {where}")
    return Classification(role, domain, confidence, tuple(signals))


def _said(key: str, workload: Workload, namespace: Namespace) -> tuple[str, float, str]:
    """The explicit value of a label, the share of pods that agree, and where it stands."""
    votes: dict[str, int] = {}
    for pod in workload.pods:
        value = pod.labels.get(key, "")
        if value:
            votes[value] = votes.get(value, 0) + 1
    if votes:
        value = min(votes, key=lambda value: (-votes[value], value))
        return value, round(votes[value] / sum(votes.values()), 2), "the pods"
    return namespace.labels.get(key, ""), 1.0, "the namespace"


_ORDER: Final = MappingProxyType({role: index for index, role in enumerate(Role)})
_ROLES_BY_VALUE: Final = MappingProxyType({role.value: role for role in Role})
