"""The explanation of a judgement as data: direction → tier → policy → rule → peer → clause.

Screens and reports word it; none of them decides anything. Matches are three-valued:
None means it cannot be known (labels of a namespace that may not be read).
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

import msgspec

from console.objects.core import Namespace, Node, Pod
from console.objects.coverage import Gap
from console.objects.meta import ObjectRef
from console.policy.model import Action, Address, Direction, Path, Protocol, Tier

Match = bool | None


class ClauseKind(Enum):
    """Which part of a policy a clause is."""

    NAMESPACE = "namespace"
    NAMESPACE_SELECTOR = "namespaceSelector"
    POD_SELECTOR = "podSelector"
    IP_BLOCK = "ipBlock"
    NETWORKS = "networks"
    NODES = "nodes"
    DOMAIN_NAMES = "domainNames"
    UNKNOWN_PEER = "peer of an unknown kind"
    PORT = "port"
    ANY_PEER = "any peer"
    ANY_PORT = "any port"


class Clause(msgspec.Struct, frozen=True):
    """One condition, what it wanted and what it found, both as facts (``role=trainer``, ``role=train``).

    `path` points into the policy's object. `note` adds why a value does not count
    (``excepted by 10.0.0.0/8``). `caveat` is the code of the assumption it rests on.
    `hopeless` marks a clause that no value of the end could match (a selector, and an address).
    """

    kind: ClauseKind
    path: Path
    matched: Match
    wanted: str
    found: str
    note: str = ""
    caveat: str = ""
    hopeless: bool = False


class PeerTrace(msgspec.Struct, frozen=True):
    """One peer of a rule and its clauses, all of which must match. `index` None: the rule names no peer."""

    path: Path
    index: int | None
    matched: Match
    clauses: tuple[Clause, ...]


class RuleTrace(msgspec.Struct, frozen=True):
    """One rule. `peer` and `port` are its two halves; it matches when both do."""

    path: Path
    index: int
    action: Action
    matched: Match
    peer: Match
    port: Match
    peers: tuple[PeerTrace, ...]
    ports: tuple[Clause, ...]

    def clauses(self) -> Iterator[Clause]:
        """Every clause of the rule, peers first."""
        for peer in self.peers:
            yield from peer.clauses
        yield from self.ports


class PolicyTrace(msgspec.Struct, frozen=True):
    """One policy asked about one end.

    `selects` tells whether its subject matches the end, `subject` by which clauses.
    `rules` are filled only where it selects and governs the direction. `decided` is
    the action that carried (None: it had no say). `deciding` is that rule's index.
    """

    ref: ObjectRef
    tier: Tier
    selects: Match
    governs: bool
    subject: tuple[Clause, ...]
    rules: tuple[RuleTrace, ...] = ()
    decided: Action | None = None
    deciding: int | None = None
    priority: int = 0


class Party(msgspec.Struct, frozen=True):
    """An end as the network sees it: a pod in its namespace, or a bare address.

    `address` is the one in the family judged (None: none yet). A hostNetwork pod is a
    bare address to policies: `pod` is None for it, `host_pod` keeps it.
    `own_node` holds the addresses of the node a pod runs on; `node` is the node whose
    address a bare address is (`node_known` false: whether it is one's, or which, could not be read).
    `pod_gaps` are the gaps by which a bare address may yet be a pod's.
    """

    name: str
    pod: Pod | None = None
    namespace: Namespace | None = None
    address: Address | None = None
    host_pod: Pod | None = None
    own_node: frozenset[Address] = frozenset()
    node: Node | None = None
    node_known: bool = True
    pod_gaps: tuple[Gap, ...] = ()


class Question(msgspec.Struct, frozen=True):
    """What is asked of a direction: the governed end, the other end, and the port on the destination.

    `service_port` is the port of the Service that led to the destination; None where none did.
    """

    direction: Direction
    subject: Party
    peer: Party
    protocol: Protocol
    port: int
    service_port: int | None = None

    @property
    def destination(self) -> Pod | None:
        """The pod whose declared ports resolve names."""
        return self.peer.pod if self.direction is Direction.EGRESS else self.subject.pod


class TierResult(Enum):
    """What a tier said: SILENT (no policy of it governs the end, or no rule matched outside the isolating tier)."""

    SILENT = "silent"
    ALLOWED = "allowed"
    DENIED = "denied"
    PASSED = "passed"
    UNKNOWN = "unknown"
    NOT_REACHED = "not reached"


class TierTrace(msgspec.Struct, frozen=True):
    """One tier: the policies that select the end, those of its namespace that do not, and what came of it."""

    tier: Tier
    result: TierResult
    policies: tuple[PolicyTrace, ...] = ()
    unselecting: tuple[PolicyTrace, ...] = ()


class Ground(Enum):
    """What a direction's answer rests on."""

    POLICY = "policy"  # a rule matched, or an isolating policy and no rule did
    DEFAULT = "default"  # no tier decided: everything is allowed
    OWN_NODE = "own node"
    SELF = "self"
    HOST_NETWORK = "hostNetwork"
    OUTSIDE = "outside"  # the end is no pod: no policy of this cluster governs it
    GAP = "gap"


class DirectionTrace(msgspec.Struct, frozen=True):
    """One direction judged for one end. `allowed` None: it cannot be known, and `gaps` or clauses say why."""

    question: Question
    allowed: Match
    ground: Ground
    tiers: tuple[TierTrace, ...] = ()
    gaps: tuple[Gap, ...] = ()

    @property
    def direction(self) -> Direction:
        """The direction judged."""
        return self.question.direction

    @property
    def isolated_by(self) -> tuple[ObjectRef, ...]:
        """The NetworkPolicies that isolate the end in this direction."""
        return tuple(
            policy.ref
            for tier in self.tiers
            if tier.tier is Tier.NETWORK_POLICY
            for policy in tier.policies
            if policy.selects and policy.governs
        )

    def policies(self) -> Iterator[PolicyTrace]:
        """Every policy that selects the end and governs the direction, in tier order."""
        for tier in self.tiers:
            yield from tier.policies

    @property
    def deciders(self) -> tuple[PolicyTrace, ...]:
        """The policies whose rule carried."""
        return tuple(policy for policy in self.policies() if policy.decided is not None)
