from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from console.cluster.source import Change, State, Status, Update, Verb
from console.objects.meta import Manager, ObjectRef
from console.objects.snapshot import Snapshot
from console.policy.verdict import Outcome
from console.tui.desk import Desk
from console.tui.model.frame import Frame, Question
from tests.clusters import namespace, pod, policy, snapshot

from .sources import Scripted

OPEN = namespace("shop") + pod("shop", "web", "10.0.0.1", app="web") + pod("shop", "db", "10.0.0.2", app="db")
CLOSED = OPEN + policy("shop", "deny", "podSelector: {matchLabels: {app: db}}")
ASKED = Question("shop/web", "shop/db", "5432/TCP")


class Listener:
    """Collects frames, and lets a test hold the desk up."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.came = threading.Condition()
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, frame: Frame) -> None:
        self.gate.wait(10)
        with self.came:
            self.frames.append(frame)
            self.came.notify_all()

    def wait(self, true) -> Frame:  # type: ignore[no-untyped-def]
        with self.came:
            assert self.came.wait_for(lambda: self.frames and true(self.frames[-1]), 10)
            return self.frames[-1]


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def source() -> Scripted:
    return Scripted()


@pytest.fixture
def desk(listener: Listener, source: Scripted) -> Iterator[Desk]:
    desk = Desk(listener, clock=lambda: 100.0)
    desk.start(source)
    listener.wait(lambda frame: frame.status.state is State.CONNECTING)
    yield desk
    desk.stop()


def update(of: Snapshot, *changes: Change) -> Update:
    return Update(of, Status(State.LIVE, 0.0), changes)


#: When things change: after all that the desk was told before, whose moment is that of the test.
LATER = 5_000_000_000.0


def change(kind: str, name: str, detail: str = "", at: float = LATER) -> Change:
    return Change(Verb.MODIFIED, ObjectRef(kind, "shop", name), at, Manager("kubectl"), detail)


def test_only_the_newest_update_is_worked_on_and_no_change_is_lost(
    desk: Desk, listener: Listener, source: Scripted
) -> None:
    desk.ask((ASKED,))
    source.tell(update(snapshot(OPEN)))
    listener.wait(lambda frame: ASKED in frame.answers and frame.answers[ASKED].verdict)
    listener.gate.clear()
    source.tell(update(snapshot(OPEN)))
    before = len(listener.frames)
    # The desk is held up at this one; these wait, and add up.
    source.tell(update(snapshot(CLOSED), change("NetworkPolicy", "deny", "created")))
    for _ in range(50):
        source.tell(update(snapshot(CLOSED), change("Pod", "other")))
    listener.gate.set()
    frame = listener.wait(lambda frame: frame.answers[ASKED].flip)
    assert len(listener.frames) <= before + 3
    flip = frame.answers[ASKED].flip
    assert flip is not None
    assert (flip.before, flip.after, flip.at) == (Outcome.ALLOWED, Outcome.BLOCKED, LATER)
    assert [each.ref.name for each in flip.changes] == ["deny"]


def test_a_flip_that_no_change_explains_blames_none(desk: Desk, listener: Listener, source: Scripted) -> None:
    desk.ask((ASKED,))
    source.tell(update(snapshot(OPEN)))
    listener.wait(lambda frame: ASKED in frame.answers and frame.answers[ASKED].verdict)
    source.tell(update(snapshot(CLOSED), change("Pod", "unrelated")))
    flip = listener.wait(lambda frame: frame.answers[ASKED].flip).answers[ASKED].flip
    assert flip is not None
    assert flip.changes == ()
    assert flip.at == 100.0


def test_the_likeliest_change_is_named_first(desk: Desk, listener: Listener, source: Scripted) -> None:
    desk.ask((ASKED,))
    source.tell(update(snapshot(OPEN)))
    listener.wait(lambda frame: ASKED in frame.answers and frame.answers[ASKED].verdict)
    changes = (
        change("Pod", "web", at=90),
        change("NetworkPolicy", "deny", at=10),
        change("Pod", "db", "label a", at=5),
    )
    source.tell(update(snapshot(CLOSED), *changes))
    flip = listener.wait(lambda frame: frame.answers[ASKED].flip).answers[ASKED].flip
    assert flip is not None
    # What is told in detail first, then policies before pods.
    assert [each.ref.name for each in flip.changes] == ["db", "deny", "web"]


def test_nothing_of_a_source_that_was_left_arrives(desk: Desk, listener: Listener, source: Scripted) -> None:
    other = Scripted("other")
    desk.follow(other)
    listener.wait(lambda frame: frame.title == "other")
    assert source.closed
    source.tell(update(snapshot(CLOSED)))
    other.tell(update(snapshot(OPEN)))
    frame = listener.wait(lambda frame: frame.status.state is State.LIVE)
    assert frame.title == "other"
    assert not list(frame.snapshot.policies())


def test_stopping_closes_the_source_and_ends_the_thread(listener: Listener, source: Scripted) -> None:
    desk = Desk(listener)
    desk.start(source)
    listener.wait(lambda frame: True)
    desk.stop()
    assert source.closed
    assert not [thread for thread in threading.enumerate() if thread.name == "desk"]


def test_an_answer_that_nothing_changed_for_is_not_worked_out_again(
    desk: Desk, listener: Listener, source: Scripted
) -> None:
    desk.ask((ASKED,))
    cluster = snapshot(OPEN)
    source.tell(update(cluster))
    first = listener.wait(lambda frame: ASKED in frame.answers and frame.answers[ASKED].verdict).answers[ASKED]
    source.tell(Update(cluster, Status(State.STALE, 1.0)))
    again = listener.wait(lambda frame: frame.status.state is State.STALE).answers[ASKED]
    assert again.verdict is first.verdict
