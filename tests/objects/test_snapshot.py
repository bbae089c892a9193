"""Snapshots share what did not change, and group pods by their workload."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.objects.core import Namespace, Node, Owner, Pod
from console.objects.meta import ObjectRef, OwnerRef
from console.objects.snapshot import SnapshotBuilder, build


def test_a_namespace_nothing_changed_in_is_the_same_object_in_the_next_snapshot():
    builder = SnapshotBuilder()
    builder.put(Pod("a", "x", {}))
    builder.put(Pod("b", "y", {}))
    before = builder.build()
    builder.put(Pod("b", "y", {"role": "new"}))
    after = builder.build()
    assert after.contents["a"] is before.contents["a"]
    assert after.contents["b"].pods["y"].labels == {"role": "new"}
    assert before.contents["b"].pods["y"].labels == {}


def test_what_is_dropped_is_gone_and_an_empty_undeclared_namespace_with_it():
    builder = SnapshotBuilder()
    builder.put(Pod("a", "x", {}))
    builder.build()
    assert builder.drop(ObjectRef("Pod", "a", "x"), Pod) is not None
    assert builder.drop(ObjectRef("Pod", "a", "x"), Pod) is None
    assert dict(builder.build().contents) == {}


def test_a_namespace_in_use_without_an_object_has_its_name_label_only():
    held = build([Pod("a", "x", {})]).contents["a"].namespace
    assert (held.declared, held.labels, held.labels_known) == (False, {"kubernetes.io/metadata.name": "a"}, True)


def test_where_namespaces_cannot_be_read_their_labels_are_not_known():
    builder = SnapshotBuilder()
    builder.put(Pod("a", "x", {}))
    builder.namespace_labels_known(False)
    assert builder.build().namespace("a").labels_known is False


def test_workloads_by_owners_that_were_read_and_by_the_marks_controllers_leave():
    def owned(name: str, kind: str, owner: str, **labels: str) -> Pod:
        return Pod("a", name, labels, owner=OwnerRef(kind, owner))

    snapshot = build(
        [
            owned("p1", "ReplicaSet", "web-5d", **{"pod-template-hash": "5d"}),
            owned("p2", "ReplicaSet", "web-77", **{"pod-template-hash": "77"}),
            owned("p3", "ReplicaSet", "bare"),
            owned("p4", "Job", "nightly-1"),
            owned("p5", "PyTorchJob", "train"),
            Pod("a", "lone", {}),
            Owner("Job", "a", "nightly-1", OwnerRef("CronJob", "nightly")),
        ]
    )
    found = {(w.kind, w.name): [pod.name for pod in w.pods] for w in snapshot.workloads()}
    assert found == {
        ("Deployment", "web"): ["p1", "p2"],
        ("ReplicaSet", "bare"): ["p3"],
        ("CronJob", "nightly"): ["p4"],
        ("PyTorchJob", "train"): ["p5"],
        ("Pod", "lone"): ["lone"],
    }


def test_owners_that_own_each_other_end():
    ring = [Owner("Job", "a", "x", OwnerRef("Job", "y")), Owner("Job", "a", "y", OwnerRef("Job", "x"))]
    snapshot = build([Pod("a", "p", {}, owner=OwnerRef("Job", "x")), *ring])
    assert len(list(snapshot.workloads())) == 1


def test_addresses_of_pods_that_do_not_hold_them_are_nobodys():
    snapshot = build(
        [
            Pod("a", "done", {}, ips=("10.0.0.1",), phase="Succeeded"),
            Pod("a", "host", {}, ips=("192.168.0.1",), host_network=True, node="n", host_ips=("192.168.0.1",)),
            Pod("a", "live", {}, ips=("10.0.0.1",)),
            Node("n", addresses=("192.168.0.1",)),
        ]
    )
    assert {ip: pod.name for ip, pod in snapshot.pods_by_ip.items()} == {"10.0.0.1": "live"}
    assert snapshot.nodes_by_ip == {"192.168.0.1": "n"}


NAMES = st.sampled_from(["a", "b", "c"])
STEPS = st.lists(st.tuples(st.sampled_from(["put", "drop", "build", "namespace"]), NAMES, NAMES, st.text(max_size=2)))


@given(STEPS)
def test_a_builder_always_equals_one_made_anew(steps: list[tuple[str, str, str, str]]):
    builder = SnapshotBuilder()
    held: dict[tuple[str, str], Pod] = {}
    declared: dict[str, Namespace] = {}
    for step, namespace, name, label in steps:
        if step == "put":
            held[namespace, name] = Pod(namespace, name, {"l": label})
            builder.put(held[namespace, name])
        elif step == "drop":
            held.pop((namespace, name), None)
            builder.drop(ObjectRef("Pod", namespace, name), Pod)
        elif step == "namespace":
            declared[namespace] = Namespace(namespace, {"l": label})
            builder.put(declared[namespace])
        else:
            builder.build()
    made = builder.build()
    anew = build([*declared.values(), *held.values()])
    assert {name: (each.namespace, dict(each.pods)) for name, each in made.contents.items()} == {
        name: (each.namespace, dict(each.pods)) for name, each in anew.contents.items()
    }
    assert list(made.contents) == sorted(made.contents)
