"""What changed, in facts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from console.cluster.facts import change
from console.cluster.source import Verb
from console.objects.core import ContainerPort, Endpoint, EndpointSlice, Pod, Service
from console.objects.meta import Manager

POD = Pod("a", "p", {"app": "web", "old": "1"}, ips=("10.0.0.1",), phase="Pending", ready=False)


def detail(before: Any, **changed: Any) -> str:
    return change(before, msgspec.structs.replace(before, **changed), 7.0).detail


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"labels": {"app": "db", "old": "1"}}, "label app: web → db"),
        ({"labels": {"app": "web", "old": "1", "new": "x"}}, "label new: (none) → x"),
        ({"labels": {"app": "web"}}, "label old: 1 → (none)"),
        ({"phase": "Running"}, "phase: Pending → Running"),
        ({"ready": True}, "ready"),
        ({"ips": ("10.0.0.2", "fd00::2")}, "podIPs: 10.0.0.1 → 10.0.0.2, fd00::2"),
        ({"node": "n1"}, "nodeName: (none) → n1"),
        ({"host_network": True}, "hostNetwork"),
        ({"ports": (ContainerPort(80),)}, "ports changed"),
        ({"phase": "Running", "ready": True}, "phase: Pending → Running; ready"),
        ({"resource_version": "9", "manager": Manager("kubelet")}, "metadata changed"),
    ],
)
def test_each_field_is_told_in_the_words_of_the_object(changed: dict[str, Any], says: str) -> None:
    assert detail(POD, **changed) == says


def test_nobody_is_named_for_a_status_or_where_a_pod_is() -> None:
    held = msgspec.structs.replace(POD, manager=Manager("kubectl-run", "Update", "2026-01-01T00:00:00Z"))
    later = Manager("kubectl-label", "Update", "2026-01-01T00:00:05Z")
    for changed in ({"phase": "Running"}, {"ready": True, "ips": ("10.0.0.2",)}, {"node": "n1"}):
        one = change(held, msgspec.structs.replace(held, resource_version="2", **changed), 7.0)
        assert one.manager is None
    both = change(held, msgspec.structs.replace(held, phase="Running", labels={"app": "db"}, manager=later), 7.0)
    assert both.manager == later
    assert change(held, msgspec.structs.replace(held, resource_version="2", manager=later), 7.0).manager == later


def test_what_goes_from_true_to_false() -> None:
    assert detail(msgspec.structs.replace(POD, ready=True), ready=False) == "not ready"


def test_services_and_slices() -> None:
    service = Service("a", "s", selector={"app": "web"})
    assert detail(service, selector={"app": "db"}) == "selector changed"
    assert detail(service, external_name="example.org") == "externalName: (none) → example.org"
    endpoints = EndpointSlice(
        "a", "s-1", "s", endpoints=(Endpoint(("10.0.0.1",)), Endpoint(("10.0.0.2",), ready=False))
    )
    assert detail(endpoints, endpoints=(Endpoint(("10.0.0.1",)), Endpoint(("10.0.0.2",)))) == "ready endpoints: 1 → 2"
    assert detail(endpoints, endpoints=(Endpoint(("10.0.0.3",)),)) == "endpoints changed"


def test_long_values_are_cut() -> None:
    told = detail(POD, labels={"app": "x" * 4000, "old": "1"})
    assert told.startswith("label app: web → xxx")
    assert len(told) < 100


def test_coming_and_going() -> None:
    by = msgspec.structs.replace(POD, manager=Manager("kubectl"))
    came, went = change(None, by, 7.0), change(by, None, 8.0)
    assert (came.verb, came.manager, came.at) == (Verb.ADDED, Manager("kubectl"), 7.0)
    assert (went.verb, went.manager, went.ref) == (Verb.DELETED, None, POD.ref)


@pytest.mark.parametrize(
    ("was", "now", "who"),
    [
        (Manager("zed", time="1"), Manager("kubectl", time="2"), "kubectl"),
        (Manager("zed", time="1"), Manager("kubectl or zed", time="1"), "kubectl"),
        (Manager("a or zed", time="1"), Manager("a or kubectl or zed", time="1"), "kubectl"),
        (Manager("kubectl or zed", time="1"), Manager("kubectl or zed", time="1"), "kubectl or zed"),
        (Manager("kubectl", time="1"), Manager("kubectl or zed", time="2"), "kubectl or zed"),
        (None, Manager("kubectl or zed", time="2"), "kubectl or zed"),
    ],
)
def test_who_did_it_is_told_as_far_as_seconds_tell(was: Manager | None, now: Manager, who: str) -> None:
    before, after = (msgspec.structs.replace(POD, manager=each) for each in (was, now))
    told = change(before, after, 7.0).manager
    assert told is not None
    assert told.name == who
