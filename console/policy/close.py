"""The smallest change of policies that closes an open path on every port, and every other path it would close.

Taking away what lets a path through, or isolating an end that nothing isolates, opens
nothing. Several ways are worked out: at the one end and at the other, with all of a
peer or rule taken out and with what is left of it kept. Each is checked by judging
everything with it applied; the one that closes least besides is offered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, product
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from console.errors import UsageError
from console.objects.core import Pod
from console.objects.meta import ObjectRef
from console.objects.netpol import NetworkPolicy
from console.objects.snapshot import Snapshot
from console.objects.tiered import TieredPolicy
from console.policy import fix_rules
from console.policy.close_label import Unlabel, unlabel
from console.policy.close_letting import add_peers, letting_rules, ungoverned
from console.policy.close_rules import Others, without
from console.policy.close_told import Told, is_metadata
from console.policy.engine import Engine
from console.policy.fix import with_objects
from console.policy.fix_steps import RawOf
from console.policy.model import Direction, Tier
from console.policy.opens import Path
from console.policy.parties import families_of
from console.policy.ports import any_port
from console.policy.trace import DirectionTrace, Ground
from console.policy.verdict import Case, Connection, End, EndKind, Outcome

#: Why nothing is to do.
CLOSED: Final = "it is closed already"
_ORDERS: Final = ((Direction.EGRESS, Direction.INGRESS), (Direction.INGRESS, Direction.EGRESS))
#: Where policies have a say.
_GOVERNED: Final = (Ground.POLICY, Ground.DEFAULT)
#: How often what still lets a path through is looked for: each time something more is taken out.
_ROUNDS: Final = 64


class Close(msgspec.Struct, frozen=True):
    """Raw objects to apply, in words what they do, and the other paths that they close; they open none.

    `may_close` are paths of which it cannot be known whether they are open now. `unlabel`
    closes the path too, and no more besides than the objects do.
    """

    objects: tuple[Mapping[str, Any], ...]
    does: tuple[str, ...]
    closes: tuple[Path, ...]
    may_close: tuple[Path, ...] = ()
    unlabel: Unlabel | None = None


class NoClose(msgspec.Struct, frozen=True):
    """No policy closes a path, and why."""

    why: str


def close_for(engine: Engine, source: End, destination: End, raw_of: RawOf) -> Close | NoClose:
    """What closes all ports from an end to another; for a Service these are the pods behind it.

    Raises UsageError where policies make more ranges of ports than can be judged in a moment.
    """
    plugin = engine.plugin
    if plugin is not None and plugin.enforces is False:
        return NoClose(f"{plugin.name} enforces no policy: {plugin.fact}")
    try:
        pair = _Pair(engine, source, destination)
    except UsageError as error:
        return NoClose(str(error))
    if not list(pair.open(engine)):
        return NoClose(CLOSED)
    ways: list[tuple[_Way, Told]] = []
    whys: list[str] = []
    orders = _ORDERS if not pair.destination.pods else _ORDERS[::-1]
    for order, keep in product(orders, (False, True)):
        way = _Way(engine, pair, order, raw_of, keep=keep)
        why = way.take()
        if why:
            whys.append(why)
            continue
        if any(way.raws == other.raws for other, _ in ways):
            continue
        told = Told(engine, way.engine, pair.source, pair.destination)
        # What was in doubt and stays so differs in no path; a policy with rules may open what was.
        if told.opens or (told.may_close and way.rules):
            continue
        ways.append((way, told))
        if not told.closes and not told.may_close:
            break
    if not ways:
        return NoClose(whys[0] if whys else "every policy that was tried would open another path")
    way, told = min(ways, key=lambda each: len(each[1].closes) + len(each[1].may_close))
    least = len(told.closes) + len(told.may_close)
    label = unlabel(engine, way.edited, pair.pods(way.orders[0]), lambda after: pair.told(engine, after, least))
    return Close(tuple(way.raws.values()), tuple(way.said), told.closes, told.may_close, label)


class _Pair:
    """Two ends, and what is open between them."""

    def __init__(self, engine: Engine, source: End, destination: End) -> None:
        self.source, self.destination = _pods_of(engine, source), _pods_of(engine, destination)

    def pods(self, direction: Direction) -> tuple[Pod, ...]:
        """The pods governed in a direction."""
        return self.source.pods if direction is Direction.EGRESS else self.destination.pods

    def open(self, engine: Engine) -> Iterator[Case]:
        """The cases that are not closed for sure, on a port of each range; a pod and itself is none."""
        for span in any_port(engine, self.source, self.destination).spans:
            if span.outcome is not Outcome.BLOCKED:
                asked = Connection(self.source, self.destination, span.protocol, span.low)
                for case in engine.cases(asked):
                    itself = any(trace.ground is Ground.SELF for trace in case.directions())
                    if case.outcome is not Outcome.BLOCKED and not itself:
                        yield case

    def told(self, before: Engine, after: Engine, most: int) -> Told | None:
        """What another change comes to; None where it does not close the pair, opens any, or closes over `most`."""
        if next(_Pair(after, *(_again(after, end) for end in (self.source, self.destination))).open(after), None):
            return None
        told = Told(before, after, self.source, self.destination)
        return None if told.opens or len(told.closes) + len(told.may_close) > most else told


def _pods_of(engine: Engine, end: End) -> End:
    """An end, for a Service the pods behind it. Raises UsageError where there are none."""
    if end.service is None:
        return end
    pods = engine.behind(end.service)
    if not pods:
        raise UsageError(f"no pod stands behind {end}, so that no policy can be told to close it")
    return End(EndKind.WORKLOAD, engine.snapshot.contents[pods[0].namespace].workload_of(pods[0]), pods)


def _again(engine: Engine, end: End) -> End:
    """An end with its pods as they are in another snapshot."""
    found = (engine.snapshot.pod(pod.namespace, pod.name) for pod in end.pods)
    return replace(end, pods=tuple(pod for pod in found if pod is not None))


class _Way:
    """One way of closing a pair: at the end that `orders` names first where that can be."""

    def __init__(
        self, engine: Engine, pair: _Pair, orders: tuple[Direction, Direction], raw_of: RawOf, *, keep: bool
    ) -> None:
        self.orders = orders
        self.engine = self._first = engine
        self.raws: dict[ObjectRef, Mapping[str, Any]] = {}
        self.said: list[str] = []
        #: The NetworkPolicies that lose something.
        self.edited: dict[ObjectRef, None] = {}
        #: Whether there are new rules.
        self.rules = False
        self._seen: set[tuple[ObjectRef, Direction]] = set()
        self._shut: set[tuple[Direction, str]] = set()
        self._pair, self._raw_of, self._keep = pair, raw_of, keep

    def take(self) -> str:
        """Take out, round after round, what lets the pair through; why it cannot be done, or ``""``."""
        for _ in range(_ROUNDS):
            edits: dict[tuple[ObjectRef, Direction], dict[int, set[int] | None]] = {}
            free: dict[Direction, dict[str, Pod]] = {}
            cases = list(self._pair.open(self.engine))
            if not cases:
                return ""
            for case in cases:
                trace = next((each for each in self._sides(case) if each.ground in _GOVERNED), None)
                if trace is None:
                    return ungoverned(self._sides(case))
                letting = list(letting_rules(trace))
                for policy, rule in letting:
                    add_peers(edits.setdefault((policy.ref, trace.direction), {}), policy, rule)
                if not letting:
                    names = case.sources if trace.direction is Direction.EGRESS else case.destinations
                    for name in names:
                        pod = self.engine.snapshot.pod(*name.split("/", 1))
                        assert pod is not None
                        free.setdefault(trace.direction, {})[name] = pod
            for (ref, direction), matched in edits.items():
                if not self._edit(ref, direction, matched):
                    return f"the text of {ref}, which lets it through, is not known"
            for direction, pods in free.items():
                if not self._shut.isdisjoint((direction, name) for name in pods):
                    return "it cannot be known what lets it through"
                self._shut.update((direction, name) for name in pods)
                for group in fix_rules.by_workload(self.engine.snapshot, pods.values()):
                    self._isolate(direction, group)
            self.engine = Engine(with_objects(self._first.snapshot, self.raws.values()), self._first)
        return "what lets it through is too much to take apart"

    def _sides(self, case: Case) -> list[DirectionTrace]:
        """The two directions of a case, in the order of the way."""
        return sorted(case.directions(), key=lambda each: self.orders.index(each.direction))

    def _edit(self, ref: ObjectRef, direction: Direction, matched: Mapping[int, set[int] | None]) -> bool:
        raw = self.raws.get(ref) or self._raw_of(ref)
        written = self.engine.snapshot.policy(ref)
        compiled = self.engine.compiled(written) if isinstance(written, NetworkPolicy | TieredPolicy) else None
        if raw is None or compiled is None:
            return False
        api = written.api_version if isinstance(written, TieredPolicy) else "networking.k8s.io/v1"
        named = not isinstance(written, TieredPolicy)
        # A second look at the same rule: what was kept of it lets it through.
        keep = self._keep and named and (ref, direction) not in self._seen
        others = self._others(direction) if keep else None
        changed, said = without({"apiVersion": api, "kind": ref.kind, **raw}, direction, matched, others)
        if named:
            self.edited[ref] = None
            changed["spec"]["policyTypes"] = [
                each.value.capitalize()
                for each in (Direction.INGRESS, Direction.EGRESS)
                if compiled.rules(each) is not None
            ]
        self._seen.add((ref, direction))
        self.raws[ref] = changed
        self.said += [f"{ref}: {each}" for each in said]
        return True

    def _isolate(self, direction: Direction, pods: list[Pod]) -> None:
        """A new policy for pods that nothing isolates: nothing but what is kept gets through."""
        snapshot, home = self.engine.snapshot, pods[0].namespace
        chosen = fix_rules.selector(snapshot, pods)
        alike = fix_rules.selected(snapshot, home, chosen)
        peers: list[Any] = []
        if self._keep and not any(_isolated(self.engine, pod, direction) for pod in alike):
            peers = self._others(direction).peers()
        egress = direction is Direction.EGRESS
        workload = snapshot.contents[home].workload_of(pods[0])
        other = self._pair.destination if egress else self._pair.source
        name = _name(snapshot, workload.name, other, egress=egress, taken=(ref.name for ref in self.raws))
        self.raws[ObjectRef("NetworkPolicy", home, name)] = {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": home},
            "spec": {
                "podSelector": chosen,
                "policyTypes": [direction.value.capitalize()],
                direction.value: [{"to" if egress else "from": peers}] if peers else [],
            },
        }
        self.rules = self.rules or bool(peers)
        who = f"{workload.namespace}/{workload.kind.lower()}/{workload.name}"
        what = f"and names everybody but {other} in its rule" if peers else "and has no rule"
        self.said.append(f"NetworkPolicy {home}/{name} is new: it isolates the {direction.value} of {who}, {what}")

    def _others(self, direction: Direction) -> Others:
        egress = direction is Direction.EGRESS
        end = self._pair.destination if egress else self._pair.source
        families = {each for pod in self._pair.pods(direction) for each in families_of(pod)} or {4, 6}
        return Others(self._first.snapshot, end, end.pods, families)


def _isolated(engine: Engine, pod: Pod, direction: Direction) -> bool:
    return any(
        policy.tier is Tier.NETWORK_POLICY and policy.rules(direction) is not None for policy in engine.selecting(pod)
    )


def _name(snapshot: Snapshot, workload: str, other: End, *, egress: bool, taken: Iterable[str]) -> str:
    """A name that says what a new policy keeps from what, and that no other has."""
    what = other.ref.name if other.ref is not None else "metadata" if is_metadata(other) else other.kind.value
    wanted = f"{workload[:90]}-not-{'to' if egress else 'from'}-{what[:90]}".lower().replace(".", "-")
    used = {each.name for each in snapshot.policies()} | set(taken)
    return next(
        each for each in chain([wanted], (f"{wanted}-{n}" for n in range(2, len(used) + 3))) if each not in used
    )
