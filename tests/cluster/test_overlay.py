"""Overlays: objects added, replaced and removed before anything is judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.cluster.overlay import Overlay, OverlaySource
from console.cluster.source import State, Status, Update
from console.errors import InputError
from console.objects.coverage import INVALID_POLICY, Gap
from console.objects.meta import ObjectRef
from console.policy.verdict import Outcome
from tests.clusters import ask, document, pod, policy, snapshot

BASE = pod("a", "src", role="x") + pod("b", "dst", role="y") + policy("b", "deny", "{podSelector: {}}")


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str) -> list[str]:
        (tmp_path / "overlay.yaml").write_text(text)
        return [str(tmp_path / "overlay.yaml")]

    return write


def removal(kind: str, namespace: str, name: str, api: str = "networking.k8s.io/v1") -> str:
    meta = {"namespace": namespace, "name": name, "annotations": {"netpol-console.dev/overlay": "remove"}}
    return document({"apiVersion": api, "kind": kind, "metadata": meta})


def test_a_policy_is_added_replaced_and_removed(written):
    base = snapshot(BASE)
    assert ask(base, "a/src", "b/dst", "80").outcome is Outcome.BLOCKED
    for text in (
        policy("b", "allow", "{podSelector: {}, ingress: [{}]}"),
        policy("b", "deny", "{podSelector: {}, ingress: [{}]}"),
        removal("NetworkPolicy", "b", "deny"),
    ):
        changed, diagnostics = Overlay(written(text)).over(base)
        assert ask(changed, "a/src", "b/dst", "80").outcome is Outcome.ALLOWED
        assert diagnostics == ()
    assert ask(base, "a/src", "b/dst", "80").outcome is Outcome.BLOCKED


def test_what_is_not_there_cannot_be_removed_and_is_said(written):
    _, diagnostics = Overlay(written(removal("NetworkPolicy", "b", "nope"))).over(snapshot(BASE))
    (said,) = diagnostics
    assert (said.ref, said.line) == (ObjectRef("NetworkPolicy", "b", "nope"), 2)


def test_a_workload_replaces_the_pods_it_has_by_its_template(written):
    owned = document(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "namespace": "a",
                "name": "web-5d-1",
                "labels": {"app": "web", "pod-template-hash": "5d"},
                "ownerReferences": [
                    {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d", "controller": True}
                ],
            },
        }
    )
    template = {"metadata": {"labels": {"app": "new"}}, "spec": {"containers": [{"image": "x"}]}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": "a", "name": "web"},
        "spec": {"template": template},
    }
    changed, _ = Overlay(written(document(deployment))).over(snapshot(BASE + owned))
    (web,) = [workload for workload in changed.workloads() if workload.name == "web"]
    assert [dict(each.labels) for each in web.pods] == [{"app": "new"}]
    gone, _ = Overlay(written(removal("Deployment", "a", "web", "apps/v1"))).over(snapshot(BASE + owned))
    assert [workload.name for workload in gone.workloads()] == ["src", "dst"]


def test_replacing_a_broken_policy_closes_the_gap_it_left(written):
    gap = Gap(code=INVALID_POLICY, resource="networkpolicies", namespace="b", why="x",
              ref=ObjectRef("NetworkPolicy", "b", "deny"))  # fmt: skip
    base = snapshot(BASE, gap)
    assert ask(base, "a/src", "b/dst", "80").outcome is Outcome.UNKNOWN
    changed, _ = Overlay(written(policy("b", "deny", "{podSelector: {}, ingress: []}"))).over(base)
    assert ask(changed, "a/src", "b/dst", "80").outcome is Outcome.BLOCKED


def test_what_cannot_be_read_in_an_overlay_is_a_gap_as_anywhere(written):
    changed, diagnostics = Overlay(written(pod("c", "new") + "---\nkind: [half\n")).over(snapshot(BASE))
    assert ask(changed, "b/dst", "a/src", "80").outcome is Outcome.UNKNOWN
    assert diagnostics


def test_an_overlay_without_objects_is_an_error(written):
    with pytest.raises(InputError, match="holds no object"):
        Overlay(written("just: text\n"))


def test_every_update_of_a_live_source_carries_the_overlay(written):
    class Two:
        title = "two"

        def open(self, on_update):
            for text in (BASE, BASE + pod("c", "late")):
                on_update(Update(snapshot(text), Status(State.LIVE, 0.0)))

        def close(self):
            pass

    seen: list[Update] = []
    laid = OverlaySource(Two(), Overlay(written(removal("NetworkPolicy", "b", "deny"))))
    laid.open(seen.append)
    assert laid.title == "two + overlay"
    assert [list(update.snapshot.policies()) for update in seen] == [[], []]
    assert seen[1].snapshot.pod("c", "late") is not None
