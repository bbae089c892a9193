from __future__ import annotations

from console.cluster.live import LiveSource
from console.demo.cluster import DemoCluster
from console.objects.meta import ObjectRef

from .conftest import Still
from .driver import console
from .objects import pod, pods_of, policy

NAMESPACES = (
    "feature-store", "gateway", "ingress-nginx", "kube-system", "kubeflow", "notebooks",
    "observability", "pipelines", "registry", "serving", "training", "vector-db",
)  # fmt: skip


async def test_every_namespace_is_listed_with_its_pods_counted(demo: DemoCluster, source: LiveSource) -> None:
    async with console(source) as user:
        await user.live()
        shown = dict(row.split() for row in user.rows("namespaces"))
        assert shown.pop("all") == str(len(demo.store.refs("Pod")))
        assert shown == {name: str(len(demo.store.refs("Pod", name))) for name in NAMESPACES}
        await user.see(*NAMESPACES, "● live", "12 ns")


async def test_a_workload_shows_role_replicas_and_how_each_direction_stands(still: Still) -> None:
    async with console(still, size=(160, 40)) as user:
        await user.live()
        await user.command("ns training")
        row = user.row("llm-finetune")
        assert row.split()[1:4] == ["PyTorchJob", "training", "4/4"]
        assert row.count("■ rules") == 2
        await user.command("ns kube-system")
        assert user.row("coredns").split()[-4:] == ["■", "rules", "□", "open"]


async def test_the_right_pane_says_what_selects_it_and_what_each_policy_does(still: Still) -> None:
    async with console(still, size=(160, 50)) as user:
        await user.live()
        await user.command("ns training")
        await user.put_cursor("llm-finetune")
        await user.see("training · train-data", "why: ", "default-deny  closes", "to-feature-store  opens 6566/TCP")
        assert "isolated by" in user.text
        assert "role=trainer" in user.text


async def test_a_pod_that_appears_is_shown_without_a_key_and_without_losing_the_cursor(
    demo: DemoCluster, source: LiveSource
) -> None:
    async with console(source) as user:
        await user.live()
        await user.command("ns vector-db")
        await user.command("pod")
        await user.press("j", "j")
        before = user.under_cursor()
        scrolled = user.list().scroll_offset
        demo.store.apply(pod("vector-db", "aaa-first-of-all"))
        await user.see("aaa-first-of-all")
        assert user.under_cursor() == before
        assert user.list().cursor == 3
        assert user.list().scroll_offset == scrolled
        assert dict(row.split() for row in user.rows("namespaces"))["vector-db"] == "14"


async def test_a_label_that_changes_is_shown_without_a_key(demo: DemoCluster, source: LiveSource) -> None:
    async with console(source, size=(120, 60)) as user:
        await user.live()
        await user.command("ns training")
        await user.command("pod")
        ref = pods_of(demo, "training", "tensorboard")[0]
        await user.put_cursor(ref.name)
        assert "tier=gold" not in user.text
        demo.store.patch_labels(ref, {"tier": "gold"})
        await user.see("tier", "=gold")
        assert user.under_cursor().startswith(ref.name)


async def test_a_policy_that_is_edited_changes_how_a_workload_stands(demo: DemoCluster, source: LiveSource) -> None:
    async with console(source) as user:
        await user.live()
        await user.command("ns kube-system")
        await user.put_cursor("gpu-operator")
        assert user.row("gpu-operator").count("□ open") == 2
        selected = {"matchLabels": {"app": "gpu-operator"}}
        demo.store.apply(policy("kube-system", "lock", podSelector=selected, policyTypes=["Ingress"]))
        await user.until(lambda: "▣ closed" in user.row("gpu-operator"))
        rule = [{"ports": [{"port": 8080}]}]
        demo.store.apply(policy("kube-system", "lock", podSelector=selected, policyTypes=["Ingress"], ingress=rule))
        await user.until(lambda: "■ rules" in user.row("gpu-operator"))
        await user.see("lock  opens 8080/TCP")
        demo.store.delete(ObjectRef("NetworkPolicy", "kube-system", "lock"))
        await user.until(lambda: user.row("gpu-operator").count("□ open") == 2)
        assert user.under_cursor().startswith("gpu-operator")


async def test_the_cursor_stays_in_its_place_where_its_object_goes(demo: DemoCluster, source: LiveSource) -> None:
    async with console(source) as user:
        await user.live()
        await user.command("ns vector-db")
        await user.command("pod")
        await user.press("j", "j")
        doomed, *_ = user.under_cursor().split()
        after = user.rows()[3]
        demo.store.delete(ObjectRef("Pod", "vector-db", doomed))
        await user.until(lambda: doomed not in user.text)
        assert user.list().cursor == 2
        assert user.under_cursor() == after


async def test_enter_opens_the_pods_of_a_workload_and_escape_comes_back_to_it(
    demo: DemoCluster, source: LiveSource
) -> None:
    async with console(source) as user:
        await user.live()
        await user.command("ns serving")
        await user.put_cursor("vllm-llama")
        await user.press("enter")
        assert [row.split()[0] for row in user.rows()] == [ref.name for ref in pods_of(demo, "serving", "vllm-llama")]
        await user.see("Pods · serving/vllm-llama")
        await user.press("escape")
        assert user.under_cursor().startswith("vllm-llama")


async def test_moving_through_namespaces_shows_each_and_enter_goes_to_its_workloads(still: Still) -> None:
    async with console(still) as user:
        await user.live()
        await user.press("shift+tab")
        assert user.focused == "namespaces"
        await user.press("j", "j")
        await user.see("Workloads · gateway", "litellm")
        await user.press("enter")
        assert user.focused == "listing"
        await user.press("escape")
        assert user.focused == "namespaces"


async def test_a_filter_narrows_the_list_by_words_nearly_words_their_contrary_and_labels(still: Still) -> None:
    filters = {
        "litellm": {"litellm", "litellm-postgresql", "litellm-redis"},
        "litelm": {"litellm", "litellm-postgresql", "litellm-redis"},
        "redis lite": {"litellm-redis"},
        "!litellm": {"guardrails"},
        "-l app.kubernetes.io/name=litellm": {"litellm"},
    }
    async with console(still) as user:
        await user.live()
        await user.command("ns gateway")
        everything = {row.split()[0] for row in user.rows()}
        for typed, kept in filters.items():
            await user.press("slash")
            await user.paste(typed)
            await user.press("enter")
            assert {row.split()[0] for row in user.rows()} == kept
            assert f"/{typed[:20]}" in user.text
            await user.press("escape")
            assert {row.split()[0] for row in user.rows()} == everything


async def test_a_filter_stays_while_the_cluster_changes(demo: DemoCluster, source: LiveSource) -> None:
    async with console(source) as user:
        await user.live()
        await user.command("pod")
        await user.press("slash")
        await user.type("vllm")
        await user.press("enter")
        before = len(user.rows())
        demo.store.apply(pod("training", "not-of-interest"))
        demo.store.apply(pod("training", "a-vllm-too"))
        await user.until(lambda: len(user.rows()) == before + 1)
        assert all("vllm" in row for row in user.rows())


async def test_a_filter_that_is_none_says_what_to_write(still: Still) -> None:
    async with console(still) as user:
        await user.live()
        await user.press("slash")
        await user.paste("-l ==")
        await user.see("write -l key=value")


async def test_an_empty_list_says_what_to_do(still: Still) -> None:
    async with console(still) as user:
        await user.live()
        await user.press("slash")
        await user.type("nothinglikeit")
        await user.press("enter")
        await user.see("No workload passes the filter nothinglikeit", "esc takes it off")


async def test_policies_are_listed_with_what_they_do_and_shown_as_yaml(still: Still) -> None:
    async with console(still, size=(160, 50)) as user:
        await user.live()
        await user.command("ns training")
        await user.press("p")
        await user.see("Policies · training")
        assert user.row("default-deny").count("▣ closes") == 2
        await user.put_cursor("to-feature-store")
        await user.see("kind: NetworkPolicy", "selects role in (trainer, etl)")
        await user.press("enter")
        await user.see("NetworkPolicy training/to-feature-store", "policyTypes:")
        assert user.focused == "text"
        await user.press("escape", "escape")
        await user.see("Workloads · training")


async def test_the_yaml_of_a_workload_is_that_of_all_policies_that_select_it(still: Still) -> None:
    async with console(still) as user:
        await user.live()
        await user.command("ns kube-system")
        await user.put_cursor("coredns")
        await user.press("y")
        await user.see("kind: NetworkPolicy", "namespace: kube-system")
        await user.press("escape")
        await user.put_cursor("gpu-operator")
        await user.press("y")
        await user.until(lambda: "No policy selects gpu-operator" in user.notices)


async def test_replicas_whose_labels_differ_are_named(demo: DemoCluster, source: LiveSource) -> None:
    odd = pods_of(demo, "serving", "vllm-llama")[1]
    demo.store.patch_labels(odd, {"app.kubernetes.io/component": "canary"})
    async with console(source, size=(200, 60)) as user:
        await user.live()
        await user.command("ns serving")
        await user.put_cursor("vllm-llama")
        await user.see("1 of 3 replicas differ", odd.name, "app.kubernetes.io/component=canary")


async def test_source_and_destination_are_remembered_and_both_lead_to_the_verdict(still: Still) -> None:
    async with console(still) as user:
        await user.live()
        await user.command("ns serving")
        await user.put_cursor("vllm-llama")
        await user.press("s")
        await user.see("from serving/deployment/vllm-llama  to –")
        await user.command("ns feature-store")
        await user.put_cursor("feast-redis")
        await user.press("d")
        # Its port is the only one it has, so nothing is left to ask.
        await user.see("6379/TCP", "Path")
        await user.until(lambda: user.app.base and user.app.base.NAME == "simulate")


async def test_what_was_said_of_the_first_end_does_not_lie_over_the_keys_of_what_opens(still: Still) -> None:
    async with console(still, size=(80, 24)) as user:
        await user.live()
        await user.command("ns serving")
        await user.put_cursor("vllm-llama")
        await user.press("s")
        await user.until(lambda: "Now d on the destination" in user.notices)
        await user.command("ns observability")
        await user.put_cursor("otel-collector")
        await user.press("d")
        await user.see("Port of observability")
        assert "Now d on the destination" not in user.notices


async def test_a_label_full_of_tricks_is_shown_for_what_it_is(demo: DemoCluster, source: LiveSource) -> None:
    tricks = {"a": "[/oops]", "b": "\x1b[31mred\x1b]0;title\x07", "c": "\u202egnp.exe", "d": "x" * 4096, "e": "a\nb"}
    demo.store.apply(pod("training", "aaa-hostile", **tricks))
    async with console(source, size=(120, 60)) as user:
        await user.live()
        await user.command("ns training")
        await user.command("pod")
        await user.put_cursor("aaa-hostile")
        await user.see("=[/oops]", r"\x1b[31mred\x1b]0;title\x07", r"=\u202egnp.exe", r"=a\nb", "…(+3976)")
        assert all(character.isprintable() or character == "\n" for character in user.text)


async def test_what_has_ended_is_listed_behind_what_runs(still: Still) -> None:
    async with console(still) as user:
        await user.live()
        for namespace in ("feature-store", "training"):
            await user.command(f"ns {namespace}")
            await user.until(lambda namespace=namespace: user.app.session.view.namespace == namespace)
            ended = ["ended" in row for row in user.rows()]
            assert any(ended)
            assert ended == sorted(ended)
        await user.command("pod")
        await user.see("Succeeded")
        ended = ["Succeeded" in row for row in user.rows()]
        assert ended == sorted(ended)


async def test_names_that_do_not_fit_keep_their_beginning_and_their_end(still: Still) -> None:
    async with console(still) as user:
        await user.live()
        await user.see("…dmission-create", "…ginx-controller", "feature-store/feast-materialize")
