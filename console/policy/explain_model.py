"""What the explanation of one policy consists of, as data; reports and screens word it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from console.objects.core import Pod
from console.objects.coverage import Gap
from console.objects.meta import ObjectRef
from console.policy.model import Direction, Path, Peer, Policy, PortMatch, Rule
from console.policy.networking import Problem


class Effect(Enum):
    """What a finding says of a part of a policy."""

    NOTHING = "does nothing"
    WIDER = "is wider than it looks"


#: Every code of a finding. Codes are stable: scripts and reports key on them.
EFFECTS: Final[Mapping[str, Effect]] = MappingProxyType(
    {
        "SELECTS_NO_POD": Effect.NOTHING,
        "LABEL_ONLY_INJECTED": Effect.NOTHING,
        "DIRECTION_NOT_DECLARED": Effect.NOTHING,
        "RULE_COVERED": Effect.NOTHING,
        "PEER_MATCHES_NOTHING": Effect.NOTHING,
        "EXCEPT_USELESS": Effect.NOTHING,
        "PORT_NOWHERE": Effect.NOTHING,
        "WHOLE_NAMESPACE": Effect.WIDER,
        "ANY_PEER": Effect.WIDER,
        "ALL_NAMESPACES": Effect.WIDER,
        "OPEN_INTERNET": Effect.WIDER,
        "OPENS_BOTH": Effect.WIDER,
        "ALL_PORTS": Effect.WIDER,
        "NAMED_PORT_DIFFERS": Effect.WIDER,
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """A part of a policy that does nothing, or is wider than it looks: where it stands, and one sentence.

    `refs` are the other policies the sentence rests on.
    """

    code: str
    path: Path
    sentence: str
    refs: tuple[ObjectRef, ...] = ()

    @property
    def effect(self) -> Effect:
        """What the finding says of the part."""
        return EFFECTS[self.code]


@dataclass(frozen=True, slots=True)
class Default:
    """A field that was left out, and what the API server fills in for it."""

    path: Path
    sentence: str


class Standing(Enum):
    """Whether a policy takes part in verdicts."""

    EVALUATED = "evaluated"
    INVALID = "not valid"
    NOT_EVALUATED = "of a kind that is not evaluated"


@dataclass(frozen=True, slots=True)
class Members:
    """The pods that selectors or a network match now, hostNetwork and finished ones left out.

    `namespaces` are those that match, with or without a pod. `host_network` counts the
    hostNetwork pods whose labels match: no selector selects them. `certain` is false
    where more may belong than could be read.
    """

    pods: tuple[Pod, ...] = ()
    workloads: tuple[ObjectRef, ...] = ()
    namespaces: tuple[str, ...] = ()
    host_network: int = 0
    certain: bool = True

    @property
    def templates(self) -> int:
        """How many of the pods are templates of workloads in files: each stands for any number of pods."""
        return sum(pod.template for pod in self.pods)


@dataclass(frozen=True, slots=True)
class PeerView:
    """A peer and what it matches now: pods (None where it names none), and for a nodes peer the nodes."""

    peer: Peer
    members: Members | None
    nodes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class PortView:
    """A port of a rule. For a name: the numbers (``8080/TCP``) it means, with how many destinations mean it.

    `undeclared` counts the destinations that declare no port of that name.
    """

    match: PortMatch
    numbers: tuple[tuple[str, int], ...] = ()
    undeclared: int = 0


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule with what its peers match. None for any peer, or any port."""

    rule: Rule
    peers: tuple[PeerView, ...] | None
    ports: tuple[PortView, ...] | None


@dataclass(frozen=True, slots=True)
class DirectionView:
    """A direction a policy governs, and the other policies over any of the same pods there.

    `ahead` are asked before it: of an earlier tier, or of the same at an earlier
    priority. `beside` count together with it.
    """

    direction: Direction
    rules: tuple[RuleView, ...]
    ahead: tuple[ObjectRef, ...] = ()
    beside: tuple[ObjectRef, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """What one policy selects, governs and allows, and what of it is odd.

    Where it does not take part in verdicts (`standing`), `selected` are the pods it may
    select, whose verdicts it makes UNKNOWN, and only `problems` say more. `gaps` are
    what could not be read and may change a count.
    """

    ref: ObjectRef
    standing: Standing
    selected: Members
    policy: Policy | None = None
    directions: tuple[DirectionView, ...] = ()
    defaults: tuple[Default, ...] = ()
    problems: tuple[Problem, ...] = ()
    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
