"""The reflector is a pure machine: these tests are the server, the network, and whoever keeps the objects."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.cluster.failures import Failure
from console.cluster.reflector import Reflector, same
from console.cluster.steps import (
    Absent,
    Behind,
    Changed,
    Diagnosed,
    Elapsed,
    Ended,
    EventArrived,
    Failed,
    Filled,
    Following,
    Garbled,
    Happened,
    List,
    Listed,
    News,
    Opened,
    PageArrived,
    Polled,
    Reload,
    Reloaded,
    Stop,
    Timing,
    Unreadable,
    Wait,
    Watch,
)
from console.objects.core import Pod
from console.objects.decode import Event, Page
from console.objects.diagnostics import Diagnostic, Severity
from console.objects.meta import Manager, ObjectRef

TIMING = Timing(limit=2)
DOWN = Failure(0, "connection refused")
GARBAGE = Diagnostic(severity=Severity.ERROR, message="not JSON")


def pod(name: str, version: int, *, uid: str = "", **labels: str) -> Pod:
    return Pod("n", name, labels, uid=uid or f"uid-{name}", resource_version=str(version))


def failure(code: int, retry_after: float = 0.0) -> Failure:
    return Failure(code, f"the server answers {code}", retry_after=retry_after)


class Keeper:
    """Holds what the news tell, and checks that each piece fits what was told before."""

    def __init__(self) -> None:
        self.held: dict[ObjectRef, Pod] = {}
        self.news: list[News] = []

    def take(self, news: list[News]) -> None:
        for each in news:
            self.news.append(each)
            if isinstance(each, Unreadable):
                self.held.clear()
            elif isinstance(each, Filled):
                self.held.update({obj.ref: obj for obj in each.objects})
            elif isinstance(each, Changed):
                subject = each.after or each.before
                assert self.held.get(subject.ref) == each.before, "a change starts from what was told last"
                if each.after is None:
                    del self.held[subject.ref]
                else:
                    self.held[subject.ref] = each.after

    def of(self, kind: type[News]) -> list[News]:
        return [each for each in self.news if isinstance(each, kind)]


def drive(machine: Reflector, keeper: Keeper, *happened: Happened) -> object:
    command = None
    for each in happened:
        step = machine.step(each)
        keeper.take(step.news)
        command = step.command
    return command


def listed(*objects: Pod, version: int = 10) -> PageArrived:
    return PageArrived(Page(list(objects), str(version)))


def event(kind: str, obj: Pod) -> EventArrived:
    return EventArrived(Event(kind, obj, obj.resource_version))


def watching(*objects: Pod, timing: Timing = TIMING, **how: bool) -> tuple[Reflector, Keeper]:
    """A machine that has listed `objects` and whose stream is open."""
    machine, keeper = Reflector(timing=timing, **how), Keeper()
    assert machine.start().command == List("", timing.limit)
    assert drive(machine, keeper, listed(*objects)) == Watch("10", timing.watch)
    assert drive(machine, keeper, Opened()) is None
    return machine, keeper


def test_a_list_is_read_in_pages_and_the_watch_starts_at_its_version() -> None:
    machine, keeper = Reflector(timing=TIMING), Keeper()
    first = drive(machine, keeper, PageArrived(Page([pod("a", 1), pod("b", 2)], "10", "more")))
    assert first == List("more", 2)
    assert [each.count for each in keeper.of(Filled)] == [2]
    assert not keeper.of(Listed)
    assert drive(machine, keeper, listed(pod("c", 3))) == Watch("10", TIMING.watch)
    assert [each.count for each in keeper.of(Listed)] == [3]
    assert {ref.name for ref in keeper.held} == {"a", "b", "c"}


def test_events_and_bookmarks_move_the_version_on() -> None:
    machine, keeper = watching(pod("a", 1))
    drive(machine, keeper, event("MODIFIED", pod("a", 11, role="x")), event("ADDED", pod("b", 12)))
    drive(machine, keeper, event("DELETED", pod("a", 13, role="x")))
    assert {ref.name for ref in keeper.held} == {"b"}
    assert drive(machine, keeper, Ended(60.0)) == Watch("13", TIMING.watch)
    drive(machine, keeper, Opened(), EventArrived(Event("BOOKMARK", None, "99")))
    assert drive(machine, keeper, Ended(60.0)) == Watch("99", TIMING.watch)


def test_an_event_that_changes_nothing_the_console_keeps_is_no_news() -> None:
    machine, keeper = watching(pod("a", 1, role="x"))
    before = len(keeper.news)
    touched = Pod("n", "a", {"role": "x"}, uid="uid-a", resource_version="20", manager=Manager("kubelet"))
    drive(machine, keeper, event("MODIFIED", touched))
    assert len(keeper.news) == before
    assert drive(machine, keeper, Ended(60.0)) == Watch("20", TIMING.watch)


def test_an_object_made_again_under_its_name_goes_and_comes() -> None:
    machine, keeper = watching(pod("a", 1))
    drive(machine, keeper, event("MODIFIED", pod("a", 12, uid="another")))
    assert [(each.before is None, each.after is None) for each in keeper.of(Changed)] == [(False, True), (True, False)]


@pytest.mark.parametrize(
    "refusal",
    [
        EventArrived(Event("ERROR", code=410, message="too old resource version")),
        EventArrived(Event("ERROR", code=504, message="Too large resource version")),
        EventArrived(Event("ERROR", code=500, message="etcd event received with PrevKv=nil")),
        Failed(failure(410)),
        Failed(failure(504)),
        Failed(failure(400)),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_version_the_server_cannot_serve_means_list_again_and_only_real_changes_are_told(refusal: Happened) -> None:
    machine, keeper = watching(pod("a", 1), pod("b", 2), pod("c", 3))
    assert drive(machine, keeper, refusal) == List("", TIMING.limit)
    drive(machine, keeper, PageArrived(Page([pod("a", 1), pod("b", 21, role="y")], "30", "more")))
    assert not keeper.of(Changed), "half a list tells nothing: what is missing may be on the next page"
    assert drive(machine, keeper, listed(pod("d", 22), version=30)) == Watch("30", TIMING.watch)
    told = {(each.after or each.before).name: each for each in keeper.of(Changed)}
    assert set(told) == {"b", "c", "d"}
    assert told["c"].after is None
    assert told["d"].before is None


def test_an_expired_continue_token_starts_the_list_anew_and_in_the_end_asks_for_all_at_once() -> None:
    machine, keeper = Reflector(timing=TIMING), Keeper()
    page = PageArrived(Page([pod("a", 1), pod("gone", 2)], "10", "more"))
    drive(machine, keeper, page)
    assert drive(machine, keeper, Failed(failure(410))) == List("", 2)
    drive(machine, keeper, page)
    assert drive(machine, keeper, Failed(failure(410))) == List("", 2)
    drive(machine, keeper, page)
    assert drive(machine, keeper, Failed(failure(410))) == List("", 0)
    assert isinstance(drive(machine, keeper, listed(pod("a", 1), pod("b", 3), version=12)), Watch)
    assert {ref.name for ref in keeper.held} == {"a", "b"}
    assert all(each.first for each in keeper.of(Changed)), "a repair within the first list is no change of the cluster"


def test_a_page_that_fails_is_asked_for_again_where_it_stood() -> None:
    machine, keeper = Reflector(timing=TIMING), Keeper()
    drive(machine, keeper, PageArrived(Page([pod("a", 1), pod("b", 2)], "10", "more")))
    assert drive(machine, keeper, Failed(failure(503))) == Wait(TIMING.backoff_min)
    assert drive(machine, keeper, Elapsed()) == List("more", 2)


def test_waits_double_up_to_half_a_minute_and_are_spread() -> None:
    for jitter in (0.0, 0.99):
        machine, keeper, waits = Reflector(timing=TIMING, jitter=lambda share=jitter: share), Keeper(), []
        for _ in range(10):
            command = drive(machine, keeper, Failed(DOWN))
            assert isinstance(command, Wait)
            waits.append(command.seconds)
            drive(machine, keeper, Elapsed())
        if not jitter:
            assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30]
        else:
            assert waits[0] == pytest.approx(0.7475)
            assert max(waits) == 30


def test_one_failure_is_not_told_and_two_are_until_the_stream_is_open_again() -> None:
    machine, keeper = watching(pod("a", 1))
    drive(machine, keeper, Failed(DOWN, lasted=60.0), Failed(DOWN))
    assert not keeper.of(Behind)
    drive(machine, keeper, Elapsed(), Failed(DOWN))
    assert [each.failure for each in keeper.of(Behind)] == [DOWN]
    assert drive(machine, keeper, Elapsed()) == Watch("10", TIMING.watch), "no list: the version is still good"
    drive(machine, keeper, Opened())
    assert isinstance(keeper.news[-1], Following)


def test_a_resource_that_only_fails_is_unreadable_in_the_end_and_asked_for_all_the_same() -> None:
    machine, keeper = Reflector(timing=TIMING), Keeper()
    drive(machine, keeper, PageArrived(Page([pod("a", 1), pod("b", 2)], "10", "more")))
    for _ in range(6):
        assert isinstance(drive(machine, keeper, Failed(failure(503))), Wait)
        command = drive(machine, keeper, Elapsed())
    assert [each.failure.code for each in keeper.of(Unreadable)] == [503]
    assert command == List("", 2), "what its first page told counts no more"
    drive(machine, keeper, PageArrived(Page([pod("a", 1), pod("b", 2)], "10", "more")), listed(pod("c", 3)))
    assert len(keeper.held) == 3


def test_429_waits_as_long_as_the_server_asks_and_says_so() -> None:
    machine, keeper = Reflector(timing=TIMING), Keeper()
    assert drive(machine, keeper, Failed(failure(429, retry_after=7))) == Wait(7)
    assert keeper.of(Behind)
    assert drive(machine, keeper, Failed(failure(429, retry_after=86_400))) == Wait(TIMING.retry_after_max)


def test_401_reads_the_credentials_again_once_and_then_with_patience() -> None:
    machine, keeper = watching(pod("a", 1))
    drive(machine, keeper, Ended(60.0))
    assert drive(machine, keeper, Failed(failure(401))) == Reload()
    assert drive(machine, keeper, Reloaded()) == Watch("10", TIMING.watch)
    assert not keeper.of(Behind)
    waited = drive(machine, keeper, Failed(failure(401)))
    assert isinstance(waited, Wait)
    assert keeper.of(Behind)
    assert drive(machine, keeper, Elapsed()) == Reload()
    assert drive(machine, keeper, Failed(Failure(0, "the plugin failed"))) == Wait(TIMING.sign_in)
    assert drive(machine, keeper, Elapsed()) == Reload()
    drive(machine, keeper, Reloaded(), Opened())
    drive(machine, keeper, Ended(60.0))
    assert drive(machine, keeper, Failed(failure(401))) == Reload(), "what was accepted once may expire again"


def test_403_makes_a_resource_unreadable_and_is_asked_again_soon_then_after_minutes() -> None:
    machine, keeper = Reflector(timing=TIMING), Keeper()
    assert drive(machine, keeper, Failed(failure(403))) == Wait(TIMING.steady)
    assert [each.failure.code for each in keeper.of(Unreadable)] == [403]
    assert drive(machine, keeper, Elapsed()) == List("", 2)
    assert drive(machine, keeper, Failed(failure(403))) == Wait(TIMING.refused)
    assert drive(machine, keeper, Elapsed()) == List("", 2)
    drive(machine, keeper, listed(pod("a", 1)))
    assert len(keeper.held) == 1


def test_403_from_a_server_that_just_started_is_not_believed() -> None:
    machine, keeper = watching(pod("a", 1))
    drive(machine, keeper, Ended(60.0), Failed(DOWN), Elapsed())
    assert drive(machine, keeper, Failed(failure(403))) == List("", 2)
    for _ in range(TIMING.doubts):
        assert isinstance(drive(machine, keeper, Failed(failure(403))), Wait)
        assert drive(machine, keeper, Elapsed()) == List("", 2)
    drive(machine, keeper, listed(pod("a", 1), version=20))
    assert not keeper.of(Unreadable)
    assert len(keeper.held) == 1


def test_a_right_taken_away_is_noticed_by_a_list_and_a_right_to_list_alone_means_polling() -> None:
    machine, keeper = watching(pod("a", 1))
    drive(machine, keeper, Ended(60.0))
    assert drive(machine, keeper, Failed(failure(403))) == List("", 2)
    drive(machine, keeper, listed(pod("a", 1), version=20))
    assert drive(machine, keeper, Failed(failure(403))) == Wait(TIMING.poll)
    assert keeper.of(Polled)
    for _ in range(TIMING.doubts):
        assert drive(machine, keeper, Elapsed()) == List("", 2)
        assert isinstance(drive(machine, keeper, Failed(failure(403))), Wait)
    assert not keeper.of(Unreadable), "a server that was just started refuses for a moment"
    assert drive(machine, keeper, Elapsed()) == List("", 2)
    assert drive(machine, keeper, Failed(failure(403))) == Wait(TIMING.refused)
    assert keeper.of(Unreadable)


def test_404_ends_an_optional_resource_and_its_objects_go() -> None:
    machine, keeper = watching(pod("a", 1), optional=True)
    drive(machine, keeper, Ended(60.0))
    assert drive(machine, keeper, Failed(failure(404))) == List("", 2)
    assert drive(machine, keeper, Failed(failure(404))) == Stop()
    assert not keeper.held
    assert isinstance(keeper.news[-1], Absent)


def test_404_of_a_resource_every_cluster_has_makes_it_unreadable() -> None:
    machine, keeper = Reflector(timing=TIMING), Keeper()
    assert isinstance(drive(machine, keeper, Failed(failure(404))), Wait)
    assert keeper.of(Unreadable)


def test_what_cannot_be_decoded_is_told_and_listed_again() -> None:
    machine, keeper = watching(pod("a", 1))
    assert drive(machine, keeper, Garbled(GARBAGE, lasted=60.0)) == List("", 2)
    assert [each.diagnostic for each in keeper.of(Diagnosed)] == [GARBAGE]
    assert isinstance(drive(machine, keeper, Garbled(GARBAGE)), Wait)


def test_a_list_without_a_version_cannot_be_followed() -> None:
    machine, keeper = Reflector(timing=TIMING), Keeper()
    drive(machine, keeper, PageArrived(Page([pod("a", 1)], "")))
    assert keeper.of(Diagnosed)
    assert not keeper.held


def test_a_stream_that_breaks_soon_every_time_is_not_hammered() -> None:
    machine, keeper = watching(pod("a", 1))
    waits = []
    for _ in range(8):
        command = drive(machine, keeper, Ended(0.01))
        assert isinstance(command, Wait)
        waits.append(command.seconds)
        drive(machine, keeper, Elapsed(), Opened())
    assert waits == sorted(waits)
    assert waits[-1] == TIMING.backoff_max
    assert drive(machine, keeper, Ended(TIMING.steady)) == Watch("10", TIMING.watch)


def test_a_stream_that_never_says_anything_is_not_trusted() -> None:
    machine, keeper = watching(pod("a", 1))
    assert drive(machine, keeper, Ended(TIMING.idle, silent=True)) == List("", 2)
    drive(machine, keeper, listed(pod("a", 1), pod("b", 2)))
    assert {ref.name for ref in keeper.held} == {"a", "b"}


def test_same_looks_past_version_and_manager_only() -> None:
    assert same(pod("a", 1, x="y"), pod("a", 2, x="y"))
    assert not same(pod("a", 1, x="y"), pod("a", 2, x="z"))
    assert not same(pod("a", 1), pod("a", 2, uid="another"))
    assert not same(None, pod("a", 1))


# Whatever goes wrong -------------------------------------------------------------------------------------------------


@dataclass
class Server:
    """A collection with versions, a log, and compaction, as etcd keeps it."""

    objects: dict[str, Pod] = field(default_factory=dict)
    log: list[tuple[int, str, Pod]] = field(default_factory=list)
    version: int = 1
    compacted: int = 0
    made: int = 0

    def change(self, name: str, what: int) -> None:
        self.version += 1
        before = self.objects.get(name)
        if what == 0 and before is not None:
            del self.objects[name]
            self.log.append((self.version, "DELETED", before))
            return
        self.made += before is None
        uid = before.uid if before else f"uid-{name}-{self.made}"
        after = Pod("n", name, {"value": str(what)}, uid=uid, resource_version=str(self.version))
        self.objects[name] = after
        self.log.append((self.version, "MODIFIED" if before else "ADDED", after))

    def at(self, version: int) -> dict[str, Pod]:
        found: dict[str, Pod] = {}
        for when, kind, obj in self.log:
            if when <= version:
                found.pop(obj.name, None)
                if kind != "DELETED":
                    found[obj.name] = obj
        return found

    def page(self, command: List) -> Happened:
        version, _, after = command.continue_token.partition("/")
        moment = int(version) if version else self.version
        if moment < self.compacted:
            return Failed(failure(410))
        items = [obj for name, obj in sorted(self.at(moment).items()) if name > after]
        shown = items[: command.limit] if command.limit else items
        more = f"{moment}/{shown[-1].name}" if len(shown) < len(items) else ""
        return PageArrived(Page(shown, str(moment), more))

    def since(self, version: str) -> list[Event] | None:
        if int(version) < self.compacted:
            return None
        return [Event(kind, obj, str(when)) for when, kind, obj in self.log if when > int(version)]


names = st.sampled_from("abcdefg")
changes = st.lists(st.tuples(names, st.integers(0, 3)), max_size=4)
codes = st.sampled_from([0, 400, 401, 403, 404, 410, 429, 500, 503, 504])


@dataclass
class Trouble:
    """One round: what happens to the cluster, and what goes wrong with the next request."""

    changes: list[tuple[str, int]]
    compact: bool
    code: int | None  # the request fails with it
    garbled: bool
    delivered: int  # events of a stream that arrive before it breaks
    breaks: str
    lasted: float


troubles = st.builds(
    Trouble,
    changes=changes,
    compact=st.booleans(),
    code=st.none() | codes,
    garbled=st.booleans(),
    delivered=st.integers(0, 3),
    breaks=st.sampled_from(["ends", "cut", "410", "garbled", "bookmark"]),
    lasted=st.sampled_from([0.01, 60.0]),
)
CALM = Trouble([], False, None, False, 10_000, "quiet", 60.0)


class World:
    """A server, a machine and a keeper, and the rounds between them."""

    def __init__(self) -> None:
        self.server = Server()
        self.machine = Reflector(timing=TIMING)
        self.keeper = Keeper()
        self.command: object = self.machine.start().command
        self.in_sync = False
        self.waits: list[float] = []
        self.without_wait = 0

    def happen(self, happened: Happened) -> None:
        step = self.machine.step(happened)
        self.keeper.take(step.news)
        if step.command is not None:
            self.command = step.command
            self.without_wait = 0 if isinstance(step.command, Wait) else self.without_wait + 1

    def round(self, trouble: Trouble) -> None:
        for name, what in trouble.changes:
            self.server.change(name, what)
        if trouble.compact:
            self.server.compacted = self.server.version
        command = self.command
        if isinstance(command, Wait):
            self.waits.append(command.seconds)
            self.happen(Elapsed())
        elif isinstance(command, Reload):
            self.happen(Failed(DOWN) if trouble.code == 0 else Reloaded())
        elif trouble.code is not None:
            self.happen(Failed(failure(trouble.code)))
        elif isinstance(command, List):
            self.happen(Garbled(GARBAGE) if trouble.garbled else self.server.page(command))
        elif isinstance(command, Watch):
            self.stream(command, trouble)

    def stream(self, command: Watch, trouble: Trouble) -> None:
        events = self.server.since(command.resource_version)
        self.happen(Opened())
        if events is None:
            self.happen(EventArrived(Event("ERROR", code=410, message="too old")))
            return
        for each in events[: trouble.delivered]:
            self.happen(EventArrived(each))
        if trouble.breaks == "quiet":
            self.in_sync = True
            return
        if trouble.breaks == "bookmark" and trouble.delivered >= len(events):
            self.happen(EventArrived(Event("BOOKMARK", None, str(self.server.version))))
        happened: dict[str, Happened] = {
            "cut": Failed(DOWN, lasted=trouble.lasted),
            "410": EventArrived(Event("ERROR", code=410, message="too old")),
            "garbled": Garbled(GARBAGE, lasted=trouble.lasted),
        }
        self.happen(happened.get(trouble.breaks, Ended(trouble.lasted)))


@given(st.lists(troubles, max_size=40))
@settings(max_examples=200, deadline=None)
def test_whatever_goes_wrong_what_is_kept_becomes_what_the_server_has(rounds: list[Trouble]) -> None:
    world = World()
    for trouble in rounds:
        world.round(trouble)
    for _ in range(20):
        if world.in_sync:
            break
        world.round(CALM)
    assert world.in_sync, "a server that answers is followed within a few requests"
    kept = {ref.name: (obj.uid, obj.labels) for ref, obj in world.keeper.held.items()}
    assert kept == {name: (obj.uid, obj.labels) for name, obj in world.server.objects.items()}
    bound = max(TIMING.backoff_max, TIMING.refused * 1.25, TIMING.sign_in, TIMING.retry_after_max)
    assert all(TIMING.backoff_min <= seconds <= bound for seconds in world.waits)


@given(
    st.lists(
        st.builds(
            Trouble,
            changes,
            st.just(True),
            codes | st.none(),
            st.just(True),
            st.integers(0, 3),
            st.sampled_from(["ends", "cut", "410", "garbled"]),
            st.just(0.01),
        ),
        min_size=30,
        max_size=60,
    )
)
@settings(max_examples=40, deadline=None)
def test_a_server_that_never_serves_well_is_never_hammered(rounds: list[Trouble]) -> None:
    world = World()
    for trouble in rounds:
        world.round(trouble)
        assert world.without_wait <= 6, "requests without a pause between them"
