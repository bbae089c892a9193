"""The timeline: which objects changed, by whom, which paths that opened or closed, and what it did to the charter.

Pure: snapshots and their changes go in, entries come out. Changes that touch no path are
counted and not told, unless they are of what one watches for itself: labels, namespaces,
services, policies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from console.cluster.source import Change, Verb
from console.governance.findings import Audit
from console.history.churn import Churn
from console.history.turned import RuleChange, turned
from console.objects.core import EndpointSlice, Owner, Pod
from console.objects.meta import ObjectRef
from console.objects.snapshot import OWNER_KINDS, KubeObject, Snapshot
from console.policy.asking import Modes
from console.policy.difference import difference
from console.policy.difference_model import Alone, Difference
from console.policy.difference_model import Change as PathChange
from console.policy.engine import Engine
from console.policy.fix_rules import VOLATILE

#: Changes within so many seconds are one step: what one command does to many objects.
TOGETHER: Final = 1.0
#: Kinds that change all the time and decide no path.
_BUSY: Final = ("EndpointSlice", *OWNER_KINDS)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened: to objects of one kind alike, by one manager.

    `at` is in seconds since the epoch, `facts` what changed in words (``label role: a → b``),
    `by` the field manager (empty: not known, as for what was deleted), `workload` whose
    pods they are. `paths` opened, closed or changed by it; `came` and `went` are workloads
    that began and ended with it, with what they reach outside.
    """

    at: float
    verb: Verb
    refs: tuple[ObjectRef, ...]
    facts: str = ""
    by: str = ""
    workload: ObjectRef | None = None
    paths: tuple[PathChange, ...] = ()
    came: tuple[Alone, ...] = ()
    went: tuple[Alone, ...] = ()
    rules: tuple[RuleChange, ...] = ()

    @property
    def opens(self) -> bool:
        """Whether ports opened."""
        return any(path.opened for path in self.paths)

    @property
    def closes(self) -> bool:
        """Whether ports closed."""
        return any(path.closed for path in self.paths)

    def about(self, *, workload: str = "", namespace: str = "", rule: str = "") -> bool:
        """Whether it concerns a workload (``NAMESPACE/KIND/NAME``), a namespace and a rule; those not given are any.

        It concerns what changed, and both ends of each path that did.
        """
        ends = {part.name for path in self.paths for part in (*path.sources, *path.destinations)}
        ends |= {alone.name for alone in (*self.came, *self.went)}
        if self.workload is not None:
            ends.add(workload_name(self.workload))
        spaces = {ref.namespace or ref.name for ref in self.refs} | {
            end.partition("/")[0] for end in ends if "/" in end
        }
        named = {f"{ref.namespace}/{ref.name}" for ref in self.refs}
        return (
            (not workload or workload.lower() in ends or workload in named)
            and (not namespace or namespace in spaces)
            and (not rule or any(each.rule == rule for each in self.rules))
        )


@dataclass(frozen=True, slots=True)
class Step:
    """The entries of one moment, and how many other changes there were that touched no path."""

    at: float
    entries: tuple[Entry, ...]
    folded: int
    snapshot: Snapshot


#: Changes and the snapshot after them, as a source's updates and a recording's events give them.
Happened = tuple[float, Sequence[Change], Snapshot]


class Timeline:
    """Tells one snapshot after another, from the first on."""

    def __init__(
        self, start: Snapshot, *, audit: Callable[[Engine], Audit] | None = None, modes: Modes | None = None
    ) -> None:
        """`audit` judges a snapshot by the charter; without it there is nothing to say of rules."""
        self._engine = Engine(start, modes=modes)
        self._churn = Churn(self._engine)
        self._snapshot = start
        self._modes = modes
        self._audit = audit
        self._judged = audit(self._engine) if audit is not None else None

    def tell(self, at: float, changes: Sequence[Change], snapshot: Snapshot) -> Step:
        """What happened between the last snapshot and this one, which `changes` led to."""
        before, self._snapshot = self._snapshot, snapshot
        touching = [self._churn.touches(change, before, snapshot) for change in changes]
        told = [
            change for change, touches in zip(changes, touching, strict=True) if touches or _of_interest(change, before)
        ]
        groups = [*_grouped(told, before, snapshot)]
        folded = len(changes) - len(told)
        if before.coverage != snapshot.coverage:
            groups.append(Entry(at, Verb.MODIFIED, (), _coverage(before, snapshot)))
        elif not any(touching):
            return Step(at, tuple(groups), folded, snapshot)
        old = self._engine if self._engine.snapshot is before else Engine(before, self._engine, modes=self._modes)
        new = Engine(snapshot, old, modes=self._modes)
        found = difference(old, new)
        rules = self._rules(new)
        self._engine, self._churn = new, Churn(new)
        entries = [*_with_effects(groups, found, rules)]
        quiet = [each for each in entries if not _worth_telling(each)]
        folded += sum(len(each.refs) for each in quiet)
        return Step(at, tuple(each for each in entries if each not in quiet), folded, snapshot)

    def _rules(self, engine: Engine) -> tuple[RuleChange, ...]:
        if self._audit is None:
            return ()
        before, self._judged = self._judged, self._audit(engine)
        assert before is not None
        return turned(before, self._judged)


def gathered(happened: Iterable[Happened]) -> Iterator[Happened]:
    """What happened, with what follows within TOGETHER seconds of the first taken together.

    But not two changes of one object: what the first opened the second may have closed.
    """
    first, changes, last = 0.0, list[Change](), None
    seen: set[ObjectRef] = set()
    for at, more, snapshot in happened:
        refs = {change.ref for change in more if change.ref.kind not in _BUSY}
        if last is not None and (at - first > TOGETHER or not seen.isdisjoint(refs)):
            yield first, tuple(changes), last
            changes, last = [], None
            seen.clear()
        seen |= refs
        if last is None:
            first = at
        changes += more
        last = snapshot
    if last is not None:
        yield first, tuple(changes), last


def workload_name(ref: ObjectRef) -> str:
    """A workload as the command line names it."""
    return f"{ref.namespace}/{ref.kind.lower()}/{ref.name}"


def _of_interest(change: Change, before: Snapshot) -> bool:
    """Whether a change is told though it touches no path: of labels, namespaces, services, policies."""
    obj = change.after if change.after is not None else change.before
    if isinstance(obj, Pod):
        was, now = change.before, change.after
        if was is None:
            return bool(_unlike(obj, before))
        return isinstance(was, Pod) and isinstance(now, Pod) and was.uid == now.uid and was.labels != now.labels
    return not isinstance(obj, EndpointSlice | Owner)


def _worth_telling(entry: Entry) -> bool:
    """Whether it did something, or is told whatever it does."""
    pods_only = all(ref.kind == "Pod" for ref in entry.refs)
    does = entry.paths or entry.came or entry.went or entry.rules or "label " in entry.facts
    return bool(does) or not pods_only or not entry.refs


def _coverage(before: Snapshot, after: Snapshot) -> str:
    """What can be read no more, and what can again."""
    were, are = ({gap.why: None for gap in each.coverage.gaps} for each in (before, after))
    lost = [f"not known any more: {why}" for why in are if why not in were]
    found = [f"known again: {why}" for why in were if why not in are]
    return "; ".join((*lost, *found))


def _grouped(changes: Iterable[Change], before: Snapshot, after: Snapshot) -> Iterator[Entry]:
    """An entry for all objects to which the same happened by the same manager."""
    groups: dict[tuple[object, ...], Entry] = {}
    for change in changes:
        workload = _workload(change, before, after)
        by = change.manager.name if change.manager is not None else ""
        home = workload or (change.ref.namespace, change.ref.name if workload is None else "")
        facts = _unlike(change.after, before) if change.verb is Verb.ADDED else change.detail
        key = change.verb, change.ref.kind, home, by, facts
        known = groups.get(key)
        if known is None:
            groups[key] = Entry(change.at, change.verb, (change.ref,), facts, by, workload)
        elif change.ref not in known.refs:
            groups[key] = replace(known, refs=(*known.refs, change.ref))
    yield from groups.values()


def _workload(change: Change, before: Snapshot, after: Snapshot) -> ObjectRef | None:
    """Whose pod it is, where it is a pod."""
    for obj, snapshot in ((change.after, after), (change.before, before)):
        if isinstance(obj, Pod):
            held = snapshot.contents.get(obj.namespace)
            if held is not None:
                return held.workload_of(obj)
    return None


def _unlike(obj: KubeObject | None, before: Snapshot) -> str:
    """In which labels a pod that came differs from the others of its workload, as in a canary."""
    held = before.contents.get(obj.namespace) if isinstance(obj, Pod) else None
    if not isinstance(obj, Pod) or held is None:
        return ""
    workload = held.workload_of(obj)
    there = next((each.active for each in held.workloads if each.ref == workload), ())
    if not there or any(_labels(pod) == _labels(obj) for pod in there):
        return ""
    was, now = _labels(there[0]), _labels(obj)
    differing = [key for key in sorted({*was, *now}) if was.get(key) != now.get(key)]
    facts = [f"label {key}: {was.get(key, '(none)')} → {now.get(key, '(none)')}" for key in differing]
    return f"unlike the others of its {workload.kind}: {'; '.join(facts)}"


def _labels(pod: Pod) -> dict[str, str]:
    return {key: value for key, value in pod.labels.items() if key not in VOLATILE}


def _with_effects(groups: Sequence[Entry], found: Difference, rules: tuple[RuleChange, ...]) -> Iterator[Entry]:
    """The entries with the paths each is responsible for; what nobody is found responsible for is the first one's."""
    if not groups:
        return
    paths: list[list[PathChange]] = [[] for _ in groups]
    for change in found.changes:
        paths[_responsible(groups, change)].append(change)
    came: list[list[Alone]] = [[] for _ in groups]
    went: list[list[Alone]] = [[] for _ in groups]
    for alone, lists in (
        (each, lists) for lists, some in ((came, found.added), (went, found.removed)) for each in some
    ):
        place = next(
            (n for n, each in enumerate(groups) if each.workload and workload_name(each.workload) == alone.name), 0
        )
        lists[place].append(alone)
    # What a rule turned for, if no path says so, is the first thing that did anything.
    weights = [(bool(paths[n]), bool(came[n] or went[n])) for n in range(len(groups))]
    first = max(range(len(groups)), key=lambda n: (weights[n], -n))
    told: list[list[RuleChange]] = [[] for _ in groups]
    for rule in rules:
        moved = (n for n in range(len(groups)) if rule.pairs & {pair for path in paths[n] for pair in pairs_of(path)})
        told[next(moved, first)].append(rule)
    for number, entry in enumerate(groups):
        yield replace(
            entry,
            paths=tuple(paths[number]),
            came=tuple(came[number]),
            went=tuple(went[number]),
            rules=tuple(told[number]),
        )


def pairs_of(path: PathChange) -> Iterator[tuple[str, str]]:
    """The ends of the paths that changed, each source with each destination."""
    for source in path.sources:
        for destination in path.destinations:
            yield source.name, destination.name


def _responsible(groups: Sequence[Entry], change: PathChange) -> int:
    named = {ref for cause in change.causes for ref in cause.refs}
    for number, entry in enumerate(groups):
        if named.intersection(entry.refs):
            return number
    for number, entry in enumerate(groups):
        if entry.workload is not None and entry.workload in named:
            return number
    ends = {part.name for part in (*change.sources, *change.destinations)}
    for number, entry in enumerate(groups):
        if entry.workload is not None and workload_name(entry.workload) in ends:
            return number
    return 0
