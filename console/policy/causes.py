"""Which objects that differ between two snapshots make a path differ, told by the verdicts on it in both."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from console.objects.core import Namespace, Pod
from console.objects.coverage import Gap
from console.objects.meta import ObjectRef
from console.objects.netpol import NetworkPolicy
from console.objects.tiered import TieredPolicy
from console.policy.engine import Engine
from console.policy.gaps import concerns
from console.policy.joint import Member
from console.policy.match import keys_of
from console.policy.model import Action, CidrPeer, Direction, PodPeer, Policy
from console.policy.verdict import Outcome, Verdict

#: What an object says to policies; the rest of it (who wrote it, when) changes no path.
_SAID: Final[Mapping[type, tuple[str, ...]]] = {
    NetworkPolicy: ("pod_selector", "ingress", "egress", "policy_types"),
    TieredPolicy: ("priority", "subject", "ingress", "egress", "tier"),
}
_FIELDS: Final = {"pod_selector": "podSelector", "policy_types": "policyTypes"}
#: Gaps in these resources leave open what any policy matches, not only which there are.
_SEEN_BY_ALL: Final = ("namespaces", "nodes", "*")


class What(Enum):
    """What became of an object. APPLIES, LAPSES: it did not change, and decides now, or no more. UNREAD: not known."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    APPLIES = "applies now"
    LAPSES = "applies no more"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class Cause:
    """Objects of one kind to which the same happened; `fact` says what, ``""`` where that is all there is to say."""

    what: What
    refs: tuple[ObjectRef, ...]
    fact: str = ""


@dataclass
class _Looks:
    """What policies look at: labels of pods and of namespaces, names of ports, addresses."""

    pods: set[str] = field(default_factory=set)
    namespaces: set[str] = field(default_factory=set)
    ports: bool = False
    addresses: bool = False

    def take(self, policies: Iterable[Policy]) -> _Looks:
        """Look at what these do, too."""
        for policy in policies:
            self.pods.update(keys_of(policy.subject.pods))
            self.namespaces.update(keys_of(policy.subject.namespaces))
            for rule in (*(policy.ingress or ()), *(policy.egress or ())):
                self.ports = self.ports or any(match.name for match in rule.ports or ())
                for peer in rule.peers or ():
                    if isinstance(peer, PodPeer):
                        self.pods.update(keys_of(peer.pods))
                        self.namespaces.update(keys_of(peer.namespaces))
                    self.addresses = self.addresses or isinstance(peer, CidrPeer)
        return self


class Causes:
    """The differences between the objects of two snapshots, by the members and paths they concern."""

    def __init__(self, old: Engine, new: Engine) -> None:
        self._engines = old, new
        self._looks = _Looks().take([*old.over(old.snapshot.contents), *new.over(new.snapshot.contents)])
        refs = {policy.ref for engine in self._engines for policy in engine.over(engine.snapshot.contents)}
        #: The policies that are in both and say something else, with what.
        self._changed = {ref: fact for ref in refs if (fact := self._fact(ref))}
        self._gaps = _unshared(old, new), _unshared(new, old)
        #: Whether a gap leaves open what policies match, in one of the snapshots or in two readings.
        self.blind = any(gap.resource in _SEEN_BY_ALL for gaps in self._gaps for gap in gaps)

    def concern(self, member: Member, policies: tuple[Collection[Policy], Collection[Policy]]) -> frozenset[object]:
        """What differs about a member itself, as marks to tell members apart by. `policies` select it, old and new."""
        were, are = ({policy.ref for policy in each} for each in policies)
        found: set[object] = {*(were ^ are), *(were & self._changed.keys())}
        if member.workload is not None:
            found.update((cause.what, cause.fact) for cause in self._of_member(member, self._looks))
            for engine, gaps, names in zip(self._engines, self._gaps, (member.were, member.are), strict=True):
                pod = engine.snapshot.pod(member.workload.namespace, names[0])
                namespace = engine.snapshot.namespace(member.workload.namespace)
                found.update(gap.why for gap in gaps if pod is not None and concerns(gap, pod, namespace))
        return frozenset(found)

    def of(self, was: Verdict, now: Verdict, members: Iterable[Member]) -> Iterator[Cause]:
        """What makes two verdicts on the same path differ: policies, then the pods and namespaces of its ends."""
        says = _says(was), _says(now)
        turned = {key[0] for key in says[0].keys() | says[1].keys() if says[0].get(key) != says[1].get(key)}
        moved = _moved(was, now) or turned
        refs = dict.fromkeys(
            key[1]
            for key in (*says[1], *says[0])
            if key[0] in moved and _responsible(key[1], says[0].get(key), says[1].get(key), now.outcome)
        )
        looks = _Looks().take(self._compiled(refs)) if refs else self._looks
        yield from self._policies(refs, says)
        for member in dict.fromkeys(members):
            if member.workload is not None:
                yield from self._of_member(member, looks)
        for verdict in (was, now):
            for case in verdict.cases:
                for trace in case.directions():
                    if trace.allowed is None:
                        yield from (Cause(What.UNREAD, (gap.ref,) if gap.ref else (), gap.why) for gap in trace.gaps)

    def _policies(self, refs: Iterable[ObjectRef], says: tuple[_Says, _Says]) -> Iterator[Cause]:
        for ref in refs:
            old, new = (engine.snapshot.policy(ref) for engine in self._engines)
            if old is None:
                yield Cause(What.ADDED, (ref,))
            elif new is None:
                yield Cause(What.REMOVED, (ref,))
            elif ref in self._changed:
                yield Cause(What.CHANGED, (ref,), self._changed[ref])
            else:
                more = any(key[1] == ref and _says_more(said, says[0].get(key)) for key, said in says[1].items())
                yield Cause(What.APPLIES if more else What.LAPSES, (ref,))

    def _compiled(self, refs: Iterable[ObjectRef]) -> Iterator[Policy]:
        for ref in refs:
            for engine in self._engines:
                written = engine.snapshot.policy(ref)
                if isinstance(written, NetworkPolicy | TieredPolicy) and (policy := engine.compiled(written)):
                    yield policy

    def _fact(self, ref: ObjectRef) -> str:
        old, new = (engine.snapshot.policy(ref) for engine in self._engines)
        if old is new or old is None or new is None or _same(old, new):
            return ""
        fields = [name for name in _SAID.get(type(new), ()) if getattr(old, name, None) != getattr(new, name)]
        return f"{', '.join(f'spec.{_FIELDS.get(name, name)}' for name in fields)} changed"

    def _of_member(self, member: Member, looks: _Looks) -> Iterator[Cause]:
        assert member.workload is not None
        home = member.workload.namespace
        old, new = (engine.snapshot for engine in self._engines)
        facts = list(_namespace_facts(old.namespace(home), new.namespace(home), looks))
        if facts:
            yield Cause(What.CHANGED, (ObjectRef("Namespace", "", home),), "; ".join(facts))
        was, now = old.pod(home, member.were[0]), new.pod(home, member.are[0])
        assert was is not None
        assert now is not None
        if not (member.opens and member.closes):
            names = member.are if member.opens else member.were
            what = What.ADDED if member.opens else What.REMOVED
            yield Cause(what, tuple(ObjectRef("Pod", home, name) for name in names))
        elif facts := list(_pod_facts(was, now, looks)):
            replaced = was.name != now.name
            refs = (member.workload,) if replaced else tuple(ObjectRef("Pod", home, name) for name in member.are)
            yield Cause(What.CHANGED, refs, ("other pods: " if replaced else "") + "; ".join(facts))


#: What a policy said of a path: whether it selects the end and governs the direction, and the action it took.
_Said = tuple[bool, Action | None]
_Says = dict[tuple[Direction, ObjectRef], _Said]


def _says(verdict: Verdict) -> _Says:
    return {
        (trace.direction, policy.ref): (policy.selects is True and policy.governs, policy.decided)
        for case in reversed(verdict.cases)
        for trace in case.directions()
        for policy in trace.policies()
    }


def _moved(was: Verdict, now: Verdict) -> set[Direction]:
    """The directions whose answer differs."""
    answers = [
        {trace.direction: trace.allowed for case in reversed(verdict.cases) for trace in case.directions()}
        for verdict in (was, now)
    ]
    return {direction for direction in Direction if answers[0].get(direction) != answers[1].get(direction)}


def _says_more(said: _Said, before: _Said | None) -> bool:
    governed, action = before or (False, None)
    return (said[0] and not governed) or (said[1] is not None and said[1] is not action)


def _responsible(ref: ObjectRef, was: _Said | None, now: _Said | None, outcome: Outcome) -> bool:
    """Whether what a policy says of a path has to do with its new outcome.

    NetworkPolicies add up: one opens by allowing, or by isolating no more, and closes the other way round.
    """
    if was == now:
        return False
    if ref.kind != "NetworkPolicy" or outcome not in (Outcome.ALLOWED, Outcome.BLOCKED):
        return True
    before, after = was or (False, None), now or (False, None)
    less, more = (before, after) if outcome is Outcome.ALLOWED else (after, before)
    return (more[1] is Action.ALLOW and less[1] is not Action.ALLOW) or (less[0] and not more[0])


def _pod_facts(was: Pod, now: Pod, looks: _Looks) -> Iterator[str]:
    yield from _label_facts(was.labels, now.labels, looks.pods)
    if was.host_network != now.host_network:
        yield "on its node's network" if now.host_network else "off its node's network"
    if looks.ports and _named(was) != _named(now):
        yield f"named ports: {_named(was) or '(none)'} → {_named(now) or '(none)'}"
    if looks.addresses and (was.ips, was.host_ips) != (now.ips, now.host_ips):
        yield f"podIPs: {', '.join(was.ips) or '(none)'} → {', '.join(now.ips) or '(none)'}"


def _named(pod: Pod) -> str:
    return ", ".join(f"{port.name}={port.port}/{port.protocol}" for port in pod.ports if port.name)


def _namespace_facts(was: Namespace, now: Namespace, looks: _Looks) -> Iterator[str]:
    if was.labels_known and now.labels_known:
        yield from _label_facts(was.labels, now.labels, looks.namespaces)


def _label_facts(was: Mapping[str, str], now: Mapping[str, str], keys: set[str]) -> Iterator[str]:
    for key in sorted(keys):
        if was.get(key) != now.get(key):
            yield f"label {key}: {_shown(was, key)} → {_shown(now, key)}"


def _shown(labels: Mapping[str, str], key: str) -> str:
    return (labels[key] or '""') if key in labels else "(none)"


def _same(one: object, other: object) -> bool:
    """Whether two states of an object say the same to policies; of a kind that is not evaluated, to anyone."""
    if type(one) is not type(other):
        return False
    fields = _SAID.get(type(one))
    return one == other if fields is None else all(getattr(one, each) == getattr(other, each) for each in fields)


def _unshared(engine: Engine, other: Engine) -> tuple[Gap, ...]:
    """The gaps of a snapshot that may hide something else than those of the other one.

    The very same gap is one of one reading, which hides the same from both.
    """
    same = {id(gap) for gap in other.gaps}
    named = {gap.ref: gap for gap in other.gaps if gap.ref is not None}
    return tuple(
        gap
        for gap in engine.gaps
        if id(gap) not in same
        and not (
            gap.ref is not None
            and named.get(gap.ref) == gap
            and _same(engine.snapshot.policy(gap.ref), other.snapshot.policy(gap.ref))
        )
    )
