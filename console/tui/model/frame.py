"""One moment of the console: what the source last said, the engine on it, and the answers to what is being asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from console.cluster.source import Change, State, Status, Update
from console.errors import ConsoleError
from console.objects.meta import ObjectRef
from console.objects.snapshot import Snapshot
from console.policy.ends import connection
from console.policy.engine import Engine
from console.policy.verdict import Outcome, Verdict
from console.tui.model.known import Known

#: How far a change of a kind is likely to be what flipped a verdict, where several came at once.
_WEIGHT: Final[Mapping[str, int]] = {"NetworkPolicy": 3, "Namespace": 2, "Pod": 2, "Service": 1, "EndpointSlice": 1}


class Question(NamedTuple):
    """A connection as it was asked, in text: what stands behind the names may change from moment to moment."""

    source: str
    destination: str
    port: str

    @property
    def complete(self) -> bool:
        """Whether all three are given."""
        return bool(self.source and self.destination and self.port)

    def __str__(self) -> str:
        return f"{self.source} → {self.destination} {self.port}"


@dataclass(frozen=True, slots=True)
class Flip:
    """A verdict that changed: when (time.time() seconds), from what, and the changes that concern it, likeliest first.

    `changes` is empty where nothing the source reported explains it.
    """

    at: float
    before: Outcome
    after: Outcome
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question at one moment: a verdict, or the error that kept it from being asked."""

    question: Question
    verdict: Verdict | None = None
    error: ConsoleError | None = None
    flip: Flip | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """All that the screens draw from. `trouble` says what went wrong inside the console itself, if anything did.

    What is `known` beyond that is worked out by and by, once the frame is shown.
    """

    title: str
    update: Update
    engine: Engine
    answers: Mapping[Question, Answer] = field(default_factory=dict)
    trouble: str = ""
    known: Known = field(default_factory=lambda: Known({}))

    @property
    def snapshot(self) -> Snapshot:
        """The objects."""
        return self.update.snapshot

    @property
    def status(self) -> Status:
        """How fresh they are."""
        return self.update.status


def first_frame(title: str, now: float) -> Frame:
    """The frame before anything was read."""
    snapshot = Snapshot()
    return Frame(title, Update(snapshot, Status(State.CONNECTING, now)), Engine(snapshot))


def moved(before: Update, after: Update) -> bool:
    """Whether an update shows another moment than what would follow from the one before it."""
    if after.status.state is State.PAST:
        return not after.changes
    return before.status.state is State.PAST


def ask(question: Question, engine: Engine) -> Answer:
    """The answer to a question, errors of the question included."""
    try:
        verdict = engine.evaluate(connection(*question, engine.snapshot))
    except ConsoleError as error:
        return Answer(question, error=error)
    return Answer(question, verdict)


def follow(before: Answer | None, after: Answer, changes: Iterable[Change], now: float) -> Answer:
    """The new answer with the last flip of its verdict: a new one if the outcome changed, else the one before."""
    if before is None or after.verdict is None:
        return replace(after, flip=before.flip if before else None)
    if before.verdict is None or before.verdict.outcome is after.verdict.outcome:
        return replace(after, flip=before.flip)
    concerned = refs(before.verdict) | refs(after.verdict)
    blamed = [change for change in changes if change.ref in concerned]
    blamed.sort(key=lambda change: (bool(change.detail), _WEIGHT.get(change.ref.kind, 0), change.at), reverse=True)
    at = blamed[0].at if blamed else now
    return replace(after, flip=Flip(at, before.verdict.outcome, after.verdict.outcome, tuple(blamed)))


def refs(verdict: Verdict) -> frozenset[ObjectRef]:
    """The objects a verdict rests on: the ends and their namespaces, the policies that were asked, the Service."""
    found: set[ObjectRef] = set()
    for end in (verdict.connection.source, verdict.connection.destination):
        if end.ref:
            found.add(end.ref)
        for pod in end.pods:
            found |= {pod.ref, ObjectRef("Namespace", "", pod.namespace)}
    for case in verdict.cases:
        for name in (*case.sources, *case.destinations):
            namespace, slash, pod_name = name.partition("/")
            if slash:
                found |= {ObjectRef("Pod", namespace, pod_name), ObjectRef("Namespace", "", namespace)}
        for direction in case.directions():
            for tier in direction.tiers:
                found |= {policy.ref for policy in (*tier.policies, *tier.unselecting)}
    return frozenset(found)
