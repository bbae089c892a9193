"""Policy kinds that come as CRDs: found, followed, and let go."""

from __future__ import annotations

from typing import Any

from console.cluster.source import State
from console.demo.server import ApiServer
from console.demo.store import Store
from console.objects.coverage import NOT_READABLE
from console.objects.meta import ObjectRef

from .conftest import Follow

CILIUM = ObjectRef("CiliumNetworkPolicy", "a", "deny")


def cilium(name: str = "deny") -> dict[str, Any]:
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"namespace": "a", "name": name},
        "spec": {"endpointSelector": {"matchLabels": {"app": "web"}}},
    }


def kinds(update) -> list[str]:
    return sorted(policy.kind for policy in update.snapshot.foreign_policies())


def test_a_kind_that_is_there_is_read_with_the_first_load(store: Store, follow: Follow) -> None:
    store.apply(cilium())
    update = follow().until_state(State.LIVE)
    assert kinds(update) == ["CiliumNetworkPolicy"]
    assert update.snapshot.coverage.complete


def test_a_kind_that_comes_while_the_console_runs_is_found_and_one_that_goes_is_let_go(
    store: Store, server: ApiServer, follow: Follow
) -> None:
    reader = follow()
    reader.until_state(State.LIVE)
    store.apply(cilium())
    reader.until(lambda update: kinds(update) == ["CiliumNetworkPolicy"])
    store.apply(cilium("another"))
    reader.until(lambda update: len(kinds(update)) == 2)
    store.delete(ObjectRef("CustomResourceDefinition", "", "ciliumnetworkpolicies.cilium.io"))
    update = reader.until(lambda update: not kinds(update))
    assert update.status.state is State.LIVE
    assert update.snapshot.coverage.complete
    store.apply(cilium())
    reader.until(lambda update: kinds(update) == ["CiliumNetworkPolicy"])


def test_a_kind_that_may_not_be_read_is_a_gap_under_its_full_name(
    store: Store, server: ApiServer, follow: Follow
) -> None:
    store.apply(cilium())
    server.access.refuse(resource="ciliumnetworkpolicies")
    update = follow().until_state(State.LIVE)
    [gap] = update.snapshot.coverage.gaps
    assert (gap.code, gap.resource) == (NOT_READABLE, "ciliumnetworkpolicies.cilium.io")


def test_an_extension_server_that_is_down_hides_nothing_but_its_own_kinds(
    store: Store, server: ApiServer, follow: Follow
) -> None:
    store.apply(cilium())
    server.faults.answer(503, verb="list", resource="ciliumnetworkpolicies", times=None)
    update = follow().until_state(State.LIVE)
    [gap] = update.snapshot.coverage.gaps
    assert (gap.code, gap.resource) == (NOT_READABLE, "ciliumnetworkpolicies.cilium.io")
    assert "503" in gap.why
    assert not server.requests.find(verb="create"), "rights are not what is missing"
    server.faults.clear()
    follow().until(lambda update: kinds(update) == ["CiliumNetworkPolicy"])


def test_apis_that_cannot_be_asked_for_are_asked_again(server: ApiServer, store: Store, follow: Follow) -> None:
    store.apply(cilium())
    broken = server.faults.answer(500, verb="get", resource="", times=None)
    reader = follow()
    update = reader.until(lambda update: update.snapshot.coverage.of("*"))
    assert not kinds(update)
    assert broken.wait()
    broken.release()
    assert kinds(reader.until_state(State.LIVE)) == ["CiliumNetworkPolicy"]
