from __future__ import annotations

import socket
import threading
from pathlib import Path

from console.cluster.contexts import from_dict
from console.cluster.live import LiveSource
from console.cluster.source import State
from console.demo.cluster import DemoCluster
from console.errors import InputError
from tests.clusters import namespace, pod, policy, snapshot

from .conftest import BRISK, live_source
from .driver import console
from .sources import Scripted

SMALL = snapshot(
    namespace("shop") + pod("shop", "web", "10.0.0.1", app="web") + policy("shop", "deny", "podSelector: {}")
)


def nowhere() -> LiveSource:
    """A source whose server does not listen."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    raw = {
        "current-context": "nowhere",
        "contexts": [{"name": "nowhere", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "u", "user": {}}],
    }
    return LiveSource(from_dict(raw), timing=BRISK)


async def test_before_anything_is_read_there_is_a_skeleton_and_the_keys_work() -> None:
    source = Scripted()
    async with console(source) as user:
        await user.see("netpol-console", "scripted", "◌ connecting", "1 Browse", "Namespaces", "Workloads", "? help")
        await user.see("◌ loading workloads …")
        await user.press("2")
        await user.see("Choose a source")
        await user.press("1", "p", "y", "s", "enter", "escape")
        await user.see("Workloads")


async def test_time_may_pass_while_a_screen_has_nothing_on_it_yet() -> None:
    async with console(Scripted()) as user:
        await user.see("◌ connecting")
        assert user.app.base is not None
        await user.app.base.query("Chrome").remove()  # as it is before all is put together
        user.app.tick()


async def test_while_it_loads_the_header_counts_and_what_is_there_is_shown() -> None:
    source = Scripted()
    async with console(source) as user:
        await user.until(lambda: source.opened)
        source.say(State.LOADING, SMALL, loaded={"pods": 3120})
        await user.see("◌ loading 3,120 pods", "shop/web")
        source.say(State.LIVE, SMALL)
        await user.see("● live · 1 ns · 1 pod · 1 policy")


async def test_a_source_that_goes_stale_says_since_when_and_the_rest_stays_usable() -> None:
    now = 1_000_000.0
    source = Scripted()
    async with console(source, clock=lambda: now) as user:
        await user.until(lambda: source.opened)
        source.say(State.LIVE, SMALL)
        await user.see("● live")
        source.say(State.STALE, SMALL, since=now - 134, message="the API server does not answer", hint="trying again")
        await user.see("◍ STALE 2m14s", "! the API server does not answer", "shop/web")
        await user.command("sim shop/web internet 443")
        await user.see("● ALLOWED")


async def test_the_age_of_stale_data_grows_by_itself() -> None:
    moment = [1_000_000.0]
    source = Scripted()
    async with console(source, clock=lambda: moment[0]) as user:
        await user.until(lambda: source.opened)
        source.say(State.STALE, SMALL, since=moment[0], message="gone")
        await user.see("◍ STALE 0s")
        moment[0] += 3 * 3600 + 5 * 60
        await user.see("◍ STALE 3h05m")


async def test_a_server_that_dies_makes_it_stale_and_one_that_comes_back_live(
    demo: DemoCluster, source: LiveSource
) -> None:
    async with console(source) as user:
        await user.live()
        demo.server.stop()
        await user.until(lambda: "◍ STALE" in user.header, "stale")
        await user.see("litellm")


async def test_a_first_load_that_fails_says_why_and_what_to_do_in_the_middle_of_the_screen() -> None:
    tried = []
    source = nowhere()

    def again() -> LiveSource:
        tried.append(nowhere())
        return tried[-1]

    async with console(source, contexts=("a", "b"), open_context=lambda name: Scripted(name), reopen=again) as user:
        await user.until(lambda: user.app.frame.status.state is State.FAILED, "failed")
        await user.see(
            "✗ no connection", user.app.frame.status.message[:40], "^r", "try again", ":ctx", "another context"
        )
        assert "Traceback" not in user.text
        assert not user.list("namespaces").table.empty
        await user.press("ctrl+r")
        await user.until(lambda: tried)
    for each in (source, *tried):
        each.close()


async def test_trying_again_reaches_a_server_that_is_there_by_now(demo: DemoCluster) -> None:
    good = live_source(demo)
    async with console(nowhere(), reopen=lambda: good) as user:
        await user.until(lambda: user.app.frame.status.state is State.FAILED, "failed")
        await user.press("ctrl+r")
        await user.live()
        await user.see("● live", "training")
    good.close()


async def test_another_context_is_followed_and_the_old_one_left() -> None:
    first, second = Scripted("one"), Scripted("two")
    async with console(first, contexts=("one", "two"), open_context=lambda name: second) as user:
        await user.until(lambda: first.opened)
        first.say(State.LIVE, SMALL)
        await user.see("shop/web")
        await user.command("sim shop/web internet 443")
        await user.see("● ALLOWED")
        await user.command("ctx two")
        await user.until(lambda: second.opened and first.closed, "switched")
        first.say(State.LIVE, SMALL)
        await user.see("◌ connecting", "Choose a source")
        second.say(State.LIVE, snapshot(namespace("lab")))
        await user.see("two", "● live · 1 ns")
        await user.press("1")
        await user.see("lab")
        await user.until(lambda: "shop" not in user.text, "forgot the old one")
    assert second.closed


async def test_a_context_that_cannot_be_opened_leaves_the_present_one() -> None:
    def broken(name: str) -> Scripted:
        raise InputError(f"context {name!r} has no cluster", hint="see kubectl config view")

    source = Scripted("one")
    async with console(source, contexts=("one", "two"), open_context=broken) as user:
        await user.until(lambda: source.opened)
        source.say(State.LIVE, SMALL)
        await user.see("shop/web")
        await user.command("ctx")
        await user.see("Context", "this one")
        await user.press("down", "enter")
        await user.until(lambda: "context 'two' has no cluster. see kubectl config view" in user.notices)
        assert not source.closed
        await user.see("shop/web")


async def test_what_may_not_be_read_is_said_in_header_banner_and_notices(demo: DemoCluster, source: LiveSource) -> None:
    demo.faults.answer(403, resource="networkpolicies", times=None)
    async with console(source, size=(140, 36)) as user:
        await user.until(lambda: user.app.frame.snapshot.coverage.gaps and user.rows("namespaces"), "gaps")
        await user.until(lambda: user.text.split("\n")[2].startswith(" ! "), "a banner")
        await user.press("exclamation_mark")
        await user.see("What to know", "networkpolicies")


async def test_a_fault_of_the_console_itself_is_told_and_does_not_end_it() -> None:
    source = Scripted()
    async with console(source) as user:
        await user.until(lambda: source.opened)
        source.say(State.LIVE, SMALL)
        await user.see("shop/web")
        source.say(State.LIVE, "no snapshot at all")  # type: ignore[arg-type]
        await user.see("the console itself failed", "shop/web")
        source.say(State.LIVE, SMALL)
        await user.see("● live")


async def test_files_are_called_files(tmp_path: Path) -> None:
    source = Scripted(str(tmp_path))
    async with console(source) as user:
        await user.until(lambda: source.opened)
        source.say(State.STATIC, SMALL)
        await user.see("■ files · 1 ns")


async def test_a_long_path_gives_way_to_the_counts_and_keeps_its_end() -> None:
    source = Scripted(f"/srv/{'clusters/' * 9}prod-eu1.yaml")
    async with console(source) as user:
        await user.until(lambda: source.opened)
        source.say(State.STATIC, SMALL)
        await user.see("…/prod-eu1.yaml", "■ files · 1 ns", "1 pod ·")


async def test_what_is_typed_before_everything_is_loaded_is_not_lost() -> None:
    gate = threading.Event()
    source = Scripted()

    def slowly() -> Scripted:
        gate.wait(10)
        return source

    async with console(slowly, title="slow") as user:
        await user.see("slow", "◌ starting", "Namespaces", "Workloads")
        assert user.app.base is None
        user.burst(":netpol\n")
        await user.pilot.pause()
        gate.set()
        await user.see("Policies · all namespaces", "scripted")


async def test_a_source_that_cannot_be_made_says_why_and_can_be_tried_again() -> None:
    found: list[Scripted] = []

    def make() -> Scripted:
        if not found:
            found.append(Scripted("there"))
            raise InputError("the kubeconfig has no context", hint="see kubectl config get-contexts")
        return found[0]

    async with console(make, title="kubeconfig") as user:
        await user.see("✗ the kubeconfig has no context", "see kubectl config get-contexts", "^r", "try again")
        await user.press("ctrl+r")
        await user.until(lambda: found[0].opened, "tried again")
        found[0].say(State.LIVE, SMALL)
        await user.see("there", "shop/web")
