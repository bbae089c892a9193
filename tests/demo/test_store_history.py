"""The store's history holds for any sequence of changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.demo.api.kinds import BUILT_IN
from console.demo.store import Compacted, Store
from tests.cluster.raw import namespace, pod, pod_ref

PODS = next(kind for kind in BUILT_IN if kind.kind == "Pod")
NAMES = st.sampled_from([("a", "x"), ("a", "y"), ("b", "x")])
CHANGES = st.lists(st.tuples(st.sampled_from(["apply", "label", "delete", "other"]), NAMES, st.integers(0, 3)))


def change(store: Store, what: str, where: tuple[str, str], value: int) -> None:
    exists = pod_ref(*where) in store.refs("Pod")
    if what == "other":
        store.apply(namespace(where[0], n=str(value)))
    elif what == "apply":
        store.apply(pod(*where, applied=str(value)))
    elif exists and what == "label":
        store.patch_labels(pod_ref(*where), {"label": str(value)})
    elif exists:
        store.delete(pod_ref(*where))


@given(CHANGES)
def test_every_moment_can_be_read_again(changes: list[tuple[str, tuple[str, str], int]]) -> None:
    store = Store([pod("a", "x")])
    moments = {store.version: store.view(PODS)[0]}
    for each in changes:
        change(store, *each)
        moments[store.version] = store.view(PODS)[0]
    for version, items in moments.items():
        assert store.view(PODS, version) == (items, version)


@given(CHANGES, st.integers(0, 10))
def test_a_list_and_the_changes_after_it_make_the_present(
    changes: list[tuple[str, tuple[str, str], int]], at: int
) -> None:
    store = Store([pod("a", "x")])
    for each in changes[:at]:
        change(store, *each)
    items, version = store.view(PODS)
    for each in changes[at:]:
        change(store, *each)
    held = {(obj.namespace, obj.name): obj for obj in items}
    for entry in store.since(PODS, version)[0]:
        key = (entry.obj.namespace, entry.obj.name)
        assert (key in held) == (entry.type != "ADDED")
        if entry.type == "DELETED":
            del held[key]
        else:
            held[key] = entry.obj
    assert tuple(held[key] for key in sorted(held)) == store.view(PODS)[0]


@given(CHANGES, st.integers(1, 5))
def test_what_is_kept_is_bounded_and_what_is_not_says_so(
    changes: list[tuple[str, tuple[str, str], int]], log_size: int
) -> None:
    store = Store([pod("a", "x")], log_size=log_size)
    start = store.version
    for each in changes:
        change(store, *each)
    kept = [version for version in range(start, store.version + 1) if reads(store, version)]
    assert kept == list(range(store.version + 1 - len(kept), store.version + 1))
    assert min(log_size, store.version - start) < len(kept) <= 2 * log_size + 1


def reads(store: Store, version: int) -> bool:
    try:
        store.since(PODS, version)
    except Compacted:
        return False
    return True
