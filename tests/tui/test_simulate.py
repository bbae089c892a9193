from __future__ import annotations

import re

from console.cluster.live import LiveSource
from console.demo.api.kinds import Kind
from console.demo.cluster import DemoCluster
from console.objects.meta import ObjectRef
from console.tui.screens.picker import Picker
from console.tui.widgets.answer import AnswerBox
from console.tui.widgets.field import Field
from console.tui.widgets.pane import TextPane
from console.tui.widgets.tree import PathTree

from .conftest import Still
from .driver import Driver, console
from .objects import pods_of, policy

TRAINER = "training/pytorchjob/llm-finetune"
FEAST = "feature-store/deploy/feast-online"


def answer(user: Driver) -> str:
    return user.app.screen.query_one(AnswerBox).text


def tree(user: Driver) -> str:
    return "\n".join(user.app.screen.query_one(PathTree).lines)


def yaml(user: Driver) -> TextPane:
    return user.app.screen.query_one("#yaml", TextPane)


def field(user: Driver, part: str) -> str:
    return user.app.screen.query_one(f"#{part}", Field).value


async def ask(user: Driver, source: str, destination: str, port: str) -> None:
    await user.live()
    await user.command(f"sim {source} {destination} {port}")
    await user.until(lambda: user.app.screen.query_one(AnswerBox).text.split()[1:2], "answered")
    await user.until(lambda: "judging" not in answer(user) and "Choose" not in answer(user), "answered")


async def pick(user: Driver, text: str) -> None:
    """Choose in the picker that is open, or opens now."""
    await user.until(lambda: isinstance(user.app.screen, Picker), "opened a picker")

    def offered() -> str:
        return str(user.app.screen.query_one("#box").border_title) if isinstance(user.app.screen, Picker) else ""

    before = offered()
    await user.paste(text)
    await user.press("enter")
    await user.until(lambda: offered() != before, "went on")


async def test_keys_alone_lead_from_nothing_to_a_verdict(still: Still) -> None:
    async with console(still) as user:
        await user.live()
        await user.press("2")
        await user.see("Choose a source (s), a destination (d) and a port (p)")
        await user.press("s")
        await user.until(lambda: isinstance(user.app.screen, Picker))
        await user.type("llm-fine")
        await user.press("enter")
        # Each choice asks for what is still missing.
        await pick(user, "deployment/feast-onl")
        await pick(user, "6566")
        await user.see("● ALLOWED")
        assert (field(user, "source"), field(user, "port")) == (TRAINER, "6566/TCP")
        assert field(user, "destination") == "feature-store/deployment/feast-online"


async def test_the_contract_of_the_demo_is_what_the_screen_says(source: LiveSource) -> None:
    questions = {
        (TRAINER, FEAST, "6566/TCP"): "● ALLOWED",
        (TRAINER, "internet", "443/TCP"): "○ BLOCKED",
        ("serving/deploy/vllm-llama", "svc:observability/otel-collector", "4317/TCP"): "● ALLOWED",
        ("serving/deploy/vllm-llama", "internet", "443/TCP"): "○ BLOCKED",
        ("notebooks/deploy/hub", "ip:169.254.169.254", "80/TCP"): "● ALLOWED",
    }
    async with console(source) as user:
        for (start, end, port), expected in questions.items():
            await ask(user, start, end, port)
            await user.until(lambda outcome=expected: answer(user).startswith(outcome), expected)


async def test_a_blocked_path_shows_the_policy_the_clause_that_failed_and_the_line_of_yaml(
    demo: DemoCluster, source: LiveSource
) -> None:
    friends = {"from": [{"podSelector": {"matchLabels": {"role": "friend"}}}], "ports": [{"port": 8080}]}
    demo.store.apply(
        policy("kube-system", "friends", podSelector={"matchLabels": {"app": "gpu-operator"}}, ingress=[friends])
    )
    async with console(source) as user:
        await ask(user, "kube-system/deploy/coredns", "kube-system/deploy/gpu-operator", "8080")
        await user.see("○ BLOCKED", "at the destination: kube-system/friends podSelector wants role=friend")
        await user.see("Why not", "NetworkPolicy kube-system/friends")
        assert "✗ podSelector wants role=friend; the source has no label role" in " ".join(tree(user).split())
        assert [line.split() for line in yaml(user).marked] == [["▶17", "role:", "friend", "✗", "role", "absent"]]
        matched = [line.split()[1:] for line in yaml(user).text.split("\n") if line.endswith("✓")]
        assert matched == [["app:", "gpu-operator", "✓"], ["-", "protocol:", "TCP", "✓"]]


async def test_the_path_opens_down_to_the_clause_and_the_yaml_follows_the_cursor(still: Still) -> None:
    async with console(still, size=(160, 60)) as user:
        await ask(user, TRAINER, FEAST, "6566")
        await user.see("to-feature-store  allows by rule 1", "rule 1  peer ✓  port ✓", "· source")
        assert yaml(user).border_title == "NetworkPolicy training/to-feature-store"
        assert any("port: 6566" in line for line in yaml(user).marked)
        assert not any("podSelector: {}" in line for line in yaml(user).marked)
        view = user.app.screen.query_one(PathTree)
        while "allow-dns" not in "".join(piece.text for piece in view.node.line):
            await user.press("j")
        await user.until(lambda: yaml(user).border_title == "NetworkPolicy training/allow-dns")
        await user.press("l", "a")
        assert "port wants 53/UDP; asked is 6566/TCP" in tree(user)
        await user.press("h")
        assert "port wants 53/UDP; asked is 6566/TCP" not in tree(user)


async def test_the_verdict_turns_by_itself_and_says_what_turned_it(demo: DemoCluster, source: LiveSource) -> None:
    async with console(source) as user:
        await ask(user, TRAINER, "internet", "443")
        assert answer(user).startswith("○ BLOCKED")
        view = user.app.screen.query_one(PathTree)
        before = view.key
        demo.advance(31)
        await user.until(lambda: answer(user).startswith("● ALLOWED"), "turned")
        await user.see("changed ", " by Pod training/llm-finetune-", "egress", "(kubectl", "was ○ BLOCKED")
        assert view.key == before
        demo.advance(91)
        await user.until(lambda: answer(user).startswith("○ BLOCKED"), "turned back")


async def test_a_pinned_connection_is_watched_whatever_else_is_asked(demo: DemoCluster, source: LiveSource) -> None:
    async with console(source) as user:
        await ask(user, TRAINER, "internet", "443")
        await user.press("P")
        await user.see("Pinned")
        await ask(user, "gateway/deploy/litellm", "internet", "443")
        assert user.rows("pins") == [f"○ BLOCKED  {TRAINER} → internet 443/TCP"]
        demo.advance(31)
        await user.until(lambda: user.rows("pins")[0].startswith("● ALLOWED"), "turned")
        assert "changed " in user.rows("pins")[0]
        assert "by Pod training/llm-finetune-" in user.rows("pins")[0]
        assert answer(user).startswith("● ALLOWED")
        await user.tab_to("pins")
        await user.press("enter")
        await user.until(lambda: field(user, "source") == TRAINER)
        await user.press("P")
        await user.until(lambda: not user.app.session.pins)
        assert "Pinned" not in user.text


async def test_x_asks_for_the_other_way_round_and_for_a_port_that_is_there(still: Still) -> None:
    async with console(still) as user:
        await ask(user, TRAINER, FEAST, "6566")
        await user.press("x")
        await user.until(lambda: field(user, "source") == FEAST)
        assert field(user, "destination") == TRAINER
        # The trainer has no port 6566, and others, of which none is chosen for the user.
        assert field(user, "port") == ""
        await user.see("Choose a port (p)")
        await user.press("p")
        await pick(user, "23456")
        await user.until(lambda: answer(user).startswith("○ BLOCKED"))


async def test_the_ports_offered_are_those_the_destination_has(still: Still) -> None:
    async with console(still) as user:
        await ask(user, TRAINER, FEAST, "6566")
        await user.press("p")
        await user.until(lambda: isinstance(user.app.screen, Picker))
        declared = {(row.split()[0], row.split()[1]) for row in user.rows("found")}
        assert ("6566/TCP", "online") in declared
        assert all(name != "usual" for _, name in declared)
        await pick(user, "8443")
        assert field(user, "port") == "8443/TCP"
        await user.until(lambda: answer(user).startswith("○ BLOCKED"))


async def test_an_address_can_be_typed_as_an_end(still: Still) -> None:
    async with console(still) as user:
        await ask(user, TRAINER, FEAST, "6566")
        await user.press("d")
        await pick(user, "169.254.169.254")
        await user.until(lambda: field(user, "destination") == "ip:169.254.169.254")
        await user.until(lambda: answer(user).startswith("○ BLOCKED"))


async def test_an_end_that_is_not_there_is_told_with_the_nearest(still: Still) -> None:
    async with console(still) as user:
        await ask(user, "training/pytorchjob/llm-finetun", "internet", "443")
        await user.see("✗ there is no pytorchjob training/llm-finetun", "llm-finetune")


async def test_replicas_that_differ_make_a_branch_each_with_what_sets_them_apart(
    demo: DemoCluster, source: LiveSource
) -> None:
    odd = pods_of(demo, "training", "llm-finetune")[0]
    async with console(source, size=(160, 50)) as user:
        await ask(user, TRAINER, FEAST, "6566")
        demo.store.patch_labels(odd, {"role": "idle"})
        await user.until(lambda: answer(user).startswith("◐ PARTIAL"), "partial")
        blocked, allowed = re.split("● ALLOWED", tree(user))
        assert re.search(r"○ BLOCKED .*role=idle", blocked)
        assert "role=trainer" in allowed.split("→")[0]
        assert f"training/{odd.name} →" in " ".join(blocked.split())


async def test_a_policy_that_is_not_valid_makes_the_verdict_unknown_and_raises_the_banner(
    demo: DemoCluster, source: LiveSource
) -> None:
    async with console(source) as user:
        await ask(user, TRAINER, "internet", "443")
        outside = {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["192.168.0.0/16"]}}
        broken = policy("training", "broken", podSelector={}, policyTypes=["Egress"], egress=[{"to": [outside]}])
        demo.store.apply(broken)
        await user.until(lambda: answer(user).startswith("? UNKNOWN"), "unknown")
        await user.see("! NetworkPolicy training/broken is not valid")
        await user.press("exclamation_mark")
        await user.see("What to know about what is shown", "training/broken is not valid")


async def test_a_policy_of_a_kind_that_is_not_evaluated_makes_the_verdict_unknown(
    demo: DemoCluster, source: LiveSource
) -> None:
    demo.store.define(Kind("cilium.io", "v2", "ciliumnetworkpolicies", "CiliumNetworkPolicy"))
    demo.store.apply(
        {
            "apiVersion": "cilium.io/v2",
            "kind": "CiliumNetworkPolicy",
            "metadata": {"namespace": "training", "name": "fqdn"},
            "spec": {"endpointSelector": {}},
        }
    )
    async with console(source) as user:
        await ask(user, TRAINER, FEAST, "6566")
        await user.until(lambda: answer(user).startswith("? UNKNOWN"), "unknown")
        await user.see("1 CiliumNetworkPolicy is not evaluated: verdicts it may touch are UNKNOWN")


async def test_a_pod_that_goes_is_told_and_the_question_stays(demo: DemoCluster, source: LiveSource) -> None:
    async with console(source) as user:
        await ask(user, "training/debug-shell", "internet", "443")
        demo.store.delete(ObjectRef("Pod", "training", "debug-shell"))
        await user.see("✗ there is no pod training/debug-shell")
        assert field(user, "source") == "training/debug-shell"


async def test_y_shows_the_policy_in_focus_over_the_whole_screen(still: Still) -> None:
    async with console(still) as user:
        await ask(user, TRAINER, FEAST, "6566")
        await user.press("y")
        await user.until(lambda: user.focused == "text")
        await user.see("NetworkPolicy training/to-feature-store", "▶")
        await user.press("escape")
        await user.see("● ALLOWED")
