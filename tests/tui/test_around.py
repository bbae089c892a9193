from __future__ import annotations

from msgspec.structs import replace

from console.cluster.live import LiveSource
from console.demo.cluster import DemoCluster
from console.objects.snapshot import SnapshotBuilder
from console.policy.engine import Engine
from console.tui.model.shift import shift, stirred
from console.tui.widgets.tree import PathTree
from tests import clusters

from .conftest import Still
from .driver import Driver, console
from .objects import policy
from .test_simulate import FEAST, TRAINER, ask


def lines(user: Driver, id: str) -> list[str]:
    return user.app.screen.query_one(f"#{id}", PathTree).lines


def tree(user: Driver, id: str) -> PathTree:
    return user.app.screen.query_one(f"#{id}", PathTree)


def pinned(user: Driver) -> str:
    return "".join(piece.text for piece in user.list("pins").table.line(0, 200))


async def around(user: Driver, end: str) -> None:
    await user.live()
    await user.command(f"reach {end}")
    await user.until(lambda: "Blast radius, 4 hops" in str(tree(user, "hops").border_title), "worked out")


def under_cursor(user: Driver, id: str) -> str:
    node = tree(user, id).node
    return "".join(piece.text for piece in node.line) if node is not None else ""


async def on_line(user: Driver, id: str, *parts: str) -> None:
    """Put the cursor on the line of a tree that holds all of some texts."""
    await user.tab_to(id)
    view = tree(user, id)
    for _ in range(80):
        if all(part in under_cursor(user, id) for part in parts):
            return
        await user.press("j")
    raise AssertionError(f"no line with {parts}:\n" + "\n".join(view.lines))


async def test_r_in_browse_shows_what_a_workload_reaches_and_what_reaches_it(still: Still) -> None:
    async with console(still) as user:
        await user.live()
        await user.command("ns training")
        await user.until(lambda: "llm-finetune" in " ".join(user.rows()))
        await user.put_cursor("llm-finetune")
        await user.press("r")
        await user.see("From here · 9 workloads", "To here · 4 workloads", "Blast radius, 4 hops")
        onward, inward = ("\n".join(lines(user, id)) for id in ("onward", "inward"))
        assert "● deployment/feast-online" in onward
        assert "feature-store" in onward
        assert "6566/TCP" in onward
        assert "○ internet" in onward
        assert "● statefulset/prometheus-k8s" in inward
        assert "deployment/feast-online" not in inward
        await user.press("escape")
        await user.until(lambda: user.app.base and user.app.base.NAME == "browse", "back")


async def test_an_edge_leads_to_simulate_which_says_the_same_and_esc_leads_back(still: Still) -> None:
    async with console(still) as user:
        await around(user, TRAINER)
        await on_line(user, "onward", "deployment/feast-online")
        await user.press("enter")
        await user.see("● ALLOWED")
        assert user.app.session.question == (TRAINER, "feature-store/deployment/feast-online", "6566/TCP")
        await user.press("escape")
        await user.until(lambda: user.app.base and user.app.base.NAME == "around", "back")
        # Where one was is where one comes back to, before and after all of it is worked out again.
        assert "deployment/feast-online" in under_cursor(user, "onward")
        await user.until(lambda: "Blast radius, 4 hops" in str(tree(user, "hops").border_title), "worked out again")
        assert "deployment/feast-online" in under_cursor(user, "onward")
        assert "From here · 9 workloads" in user.text
        await on_line(user, "onward", "internet")
        await user.press("enter")
        await user.see("○ BLOCKED")
        assert user.app.session.question == (TRAINER, "internet", "443/TCP")


async def test_several_hops_are_a_tree_of_edges_with_the_paths_to_close(still: Still) -> None:
    async with console(still, size=(160, 60)) as user:
        await around(user, TRAINER)
        text = "\n".join(lines(user, "hops"))
        assert "● internet  in 2 hops" in text
        assert "paths and it no longer reaches internet" in text
        await on_line(user, "hops", "└─ ", "→ internet")
        await user.press("enter")
        await user.see("● ALLOWED")
        question = user.app.session.question
        assert question.destination == "internet"
        assert question.source != TRAINER
        await user.press("escape")
        await user.until(lambda: user.app.base and user.app.base.NAME == "around", "back")
        await on_line(user, "hops", "close these", "internet")
        await user.press("l")
        before = len(lines(user, "hops"))
        await user.press("h")
        assert len(lines(user, "hops")) < before


async def test_r_goes_on_from_edge_to_edge_and_esc_comes_back(still: Still) -> None:
    async with console(still) as user:
        await around(user, TRAINER)
        await on_line(user, "onward", "deployment/feast-online")
        await user.press("r")
        await user.until(lambda: "feast-online" in str(tree(user, "onward").border_subtitle), "gone on")
        await user.until(lambda: any("pytorchjob/llm-finetune" in line for line in lines(user, "inward")), "shown")
        await user.press("escape")
        await user.until(lambda: "llm-finetune" in str(tree(user, "onward").border_subtitle), "back")


async def test_an_end_that_is_not_there_and_a_role_are_told(still: Still) -> None:
    async with console(still) as user:
        await user.live()
        await user.command("reach training/nobody")
        await user.see("✗ there is no pod training/nobody")
        await user.command("matrix role")
        await user.see("roles · any port")
        await user.press("r")
        await user.until(lambda: "A role is no end" in user.notices, "told")


async def test_it_follows_the_cluster(demo: DemoCluster, source: LiveSource) -> None:
    async with console(source) as user:
        await around(user, TRAINER)
        assert any("○ internet" in line for line in lines(user, "onward"))
        demo.advance(31)
        await user.until(lambda: any("● internet" in line for line in lines(user, "onward")), "turned")


async def test_on_a_small_screen_each_tree_is_a_page(still: Still) -> None:
    async with console(still, size=(80, 24)) as user:
        await around(user, TRAINER)
        assert "From here" in user.text
        assert "To here" not in user.text
        await user.tab_to("inward")
        await user.see("To here · 4 workloads")
        await user.tab_to("hops")
        await user.see("● internet  in 2 hops")


async def test_a_change_is_told_with_its_paths_and_the_object_responsible(
    demo: DemoCluster, source: LiveSource
) -> None:
    async with console(source, size=(140, 36)) as user:
        await ask(user, TRAINER, "internet", "443")
        await user.press("P")
        await user.command("ns training")
        demo.advance(31)
        await user.see("+1 path", "Pod training/llm-finetune-", "(kubectl")
        await user.command("paths")
        await user.see("+1 path", "label egress: (none) → model-hub", "(kubectl", "→ internet")
        await user.press("escape")
        # The pinned path flipped, and says by which object and which manager.
        await user.command(f"sim gateway/deploy/litellm {FEAST} 443")
        await user.until(lambda: pinned(user).startswith("● ALLOWED"), "flipped")
        assert "by Pod training/llm-finetune-" in pinned(user)
        assert "(kubectl" in pinned(user)


def test_paths_that_open_and_close_are_counted_with_what_did_it() -> None:
    pods = clusters.pod("a", "x", "10.0.0.1", app="x") + clusters.pod("b", "y", "10.0.0.2")
    closing = clusters.policy("b", "closed", "{podSelector: {}}")
    open_, closed = (Engine(clusters.snapshot(text)) for text in (pods, pods + closing))
    found = shift(open_, closed, 0.0), shift(closed, open_, 0.0)
    assert all(found)
    told = ["".join(piece.text for piece in each.ways[2]) for each in found if each is not None]
    # From the other pod, the internet, private addresses and the metadata address.
    assert told == ["−4 paths by NetworkPolicy b/closed", "+4 paths by NetworkPolicy b/closed"]
    assert shift(open_, open_, 0.0) is None


async def test_what_changes_no_path_is_not_told(demo: DemoCluster, source: LiveSource) -> None:
    async with console(source) as user:
        await user.live()
        await user.until(lambda: user.app.survey._before is not None, "followed")
        demo.store.apply(policy("training", "allows-nothing-new", podSelector={"matchLabels": {"no": "pod"}}))
        await user.until(
            lambda: "allows-nothing-new" in user.app.survey._before.snapshot.contents["training"].policies,  # type: ignore[union-attr]
            "seen",
        )
        assert user.app.findings.shift is None


def test_only_what_may_decide_a_path_stirs(still: Still) -> None:
    seen = []
    still.open(lambda update: seen.append(update.snapshot))
    (snapshot,) = seen
    chosen = next(pod for pod in snapshot.pods() if not pod.finished)
    for changed, expected in (
        (replace(chosen, ready=not chosen.ready, resource_version="x"), False),
        (replace(chosen, labels={**chosen.labels, "new": "label"}), True),
        (replace(chosen, ips=("10.255.255.1",)), True),
        (replace(chosen, phase="Succeeded"), True),
    ):
        builder = SnapshotBuilder(snapshot)
        builder.put(changed)
        assert stirred(snapshot, builder.build()) is expected
    builder = SnapshotBuilder(snapshot)
    written = next(snapshot.policies())
    builder.put(replace(written, labels={"edited": "yes"}))
    assert not stirred(snapshot, builder.build())
    builder.put(replace(written, ingress=None, egress=None))
    assert stirred(snapshot, builder.build())
