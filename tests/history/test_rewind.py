"""A source looked at as it was, while it goes on."""

from __future__ import annotations

from console.cluster.source import Change, State, Status, Update, Verb
from console.history.moments import Moments
from console.history.rewind import Movable, Rewind, movable
from console.objects.meta import ObjectRef
from console.objects.snapshot import Snapshot
from tests.clusters import namespace, snapshot
from tests.tui.sources import Scripted


def changed(name: str, at: float) -> Change:
    return Change(Verb.MODIFIED, ObjectRef("Pod", "a", name), at)


class Watched:
    """A rewindable source with what it said."""

    def __init__(self, moments: Moments | None = None) -> None:
        self.source = Scripted()
        self.rewind = Rewind(self.source, moments)
        self.said: list[Update] = []
        self.rewind.open(self.said.append)

    def happens(self, at: float) -> Snapshot:
        now = snapshot(namespace(f"at-{at:g}"))
        self.source.tell(Update(now, Status(State.LIVE, at), (changed(f"p{at:g}", at),)))
        return now


def test_what_the_source_says_is_handed_on_until_a_moment_is_shown() -> None:
    watched = Watched()
    first, second = watched.happens(1.0), watched.happens(2.0)
    assert [update.snapshot for update in watched.said] == [first, second]
    watched.rewind.go(1.5)
    assert watched.said[-1].snapshot is first
    assert (watched.said[-1].status.state, watched.said[-1].status.since) == (State.PAST, 1.0)
    assert watched.said[-1].changes == ()


def test_what_happens_meanwhile_waits_with_all_its_changes() -> None:
    watched = Watched()
    watched.happens(1.0)
    watched.rewind.go(1.0)
    count = len(watched.said)
    watched.happens(2.0)
    last = watched.happens(3.0)
    assert len(watched.said) == count
    watched.rewind.now()
    assert watched.said[-1].snapshot is last
    assert [change.ref.name for change in watched.said[-1].changes] == ["p2", "p3"]
    watched.rewind.now()
    assert len(watched.said) == count + 1
    watched.happens(4.0)
    assert [change.ref.name for change in watched.said[-1].changes] == ["p4"]


def test_changes_told_already_are_not_told_again_on_the_way_back() -> None:
    watched = Watched()
    watched.happens(1.0)
    newest = watched.happens(2.0)
    watched.rewind.go(1.0)
    watched.rewind.now()
    assert watched.said[-1].snapshot is newest
    assert watched.said[-1].changes == ()


def test_the_moments_of_the_meantime_can_be_gone_to_as_well() -> None:
    watched = Watched()
    watched.happens(1.0)
    watched.rewind.go(1.0)
    second = watched.happens(2.0)
    watched.happens(3.0)
    watched.rewind.go(2.5)
    assert watched.said[-1].snapshot is second


def test_before_the_first_moment_there_is_nothing_to_show() -> None:
    watched = Watched()
    assert not watched.rewind.go(1.0)
    watched.rewind.now()
    assert watched.said == []
    first = watched.happens(1.0)
    assert not watched.rewind.go(0.5)
    assert watched.rewind.go(1.0)
    assert watched.said[-1].snapshot is first


def test_of_older_moments_those_are_kept_of_which_something_was_told_and_where_it_began() -> None:
    watched = Watched(Moments(recent=2, worth=2))
    states = {at: watched.happens(at) for at in (1.0, 2.0, 3.0)}
    watched.rewind.mark(2.0)
    watched.rewind.mark(3.0)
    states.update((at, watched.happens(at)) for at in (4.0, 5.0, 6.0, 7.0))
    shown = {}
    for at in (1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5):
        shown[at] = watched.rewind.go(at) and watched.said[-1].snapshot
    assert shown[1.5] is False  # only two are kept of those that are old
    assert shown[2.5] is states[2.0]
    assert shown[3.5] is shown[4.5] is shown[5.5] is states[3.0]
    assert shown[6.5] is states[6.0]
    assert shown[7.5] is states[7.0]


def test_what_was_not_read_whole_is_no_moment() -> None:
    watched = Watched()
    watched.source.tell(Update(snapshot(namespace("half")), Status(State.LOADING, 1.0)))
    watched.rewind.go(5.0)
    assert [update.status.state for update in watched.said] == [State.LOADING]


def test_a_source_whose_past_can_be_looked_at_is_left_as_it_is() -> None:
    source = Scripted()
    around = movable(source)
    assert isinstance(around, Movable)
    assert movable(around) is around
    assert around.title == source.title
    around.close()
    assert source.closed
