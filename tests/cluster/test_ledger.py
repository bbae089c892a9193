"""What watchers read together: readers that take over from each other, and the state that follows."""

from __future__ import annotations

import subprocess
import sys

from console.cluster.failures import Failure
from console.cluster.ledger import Ledger
from console.cluster.source import State
from console.cluster.steps import Behind, Changed, Filled, Following, Key, Listed, Unreadable
from console.objects.core import Pod
from console.objects.resources import RESOURCES

PODS = next(resource for resource in RESOURCES if resource.plural == "pods")
JOBS = next(resource for resource in RESOURCES if resource.plural == "jobs")
WHOLE, IN_A = Key(PODS), Key(PODS, "a")
REFUSED = Failure(403, "forbidden")
DOWN = Failure(0, "connection refused")


def pod(name: str, version: int = 1, space: str = "a", **labels: str) -> Pod:
    return Pod(space, name, labels, uid=f"{space}-{name}", resource_version=str(version))


def ledger(*keys: Key) -> Ledger:
    made = Ledger()
    made.kinds = True
    for key in keys:
        made.expect(key)
    return made


def names(made: Ledger) -> set[str]:
    return {held.name for held in made.update(0.0).snapshot.pods()}


def fill(made: Ledger, key: Key, *pods: Pod) -> None:
    made.take(key, [Filled(list(pods), len(pods)), Listed(len(pods))], 1.0)


def test_a_reader_that_takes_over_lets_go_of_what_is_gone() -> None:
    made = ledger(WHOLE)
    fill(made, WHOLE, pod("kept"), pod("gone"), pod("other", space="b"))
    made.take(WHOLE, [Unreadable(REFUSED)], 2.0)
    made.expect(IN_A)
    fill(made, IN_A, pod("kept"))
    assert names(made) == {"kept", "other"}, "of other namespaces nothing newer is known"
    made.take(IN_A, [Changed(None, pod("new", 5))], 3.0)
    fill(made, WHOLE, pod("kept"), pod("other", space="b"))
    assert names(made) == {"kept", "other"}


def test_two_readers_of_one_object_tell_a_change_once() -> None:
    made = ledger(WHOLE, IN_A)
    fill(made, WHOLE, pod("p"))
    fill(made, IN_A, pod("p"))
    before, after = pod("p"), pod("p", 2, app="x")
    made.take(IN_A, [Changed(before, after)], 2.0)
    made.take(WHOLE, [Changed(before, after)], 2.0)
    assert len(made.update(3.0).changes) == 1
    made.take(WHOLE, [Changed(after, None)], 4.0)
    made.take(IN_A, [Changed(after, None)], 4.0)
    assert len(made.update(5.0).changes) == 1


def test_last_words_of_a_reader_that_was_sent_away_are_not_heard() -> None:
    made = ledger(WHOLE)
    fill(made, WHOLE, pod("p"))
    made.forget(WHOLE)
    made.take(WHOLE, [Changed(None, pod("ghost"))], 2.0)
    assert names(made) == {"p"}


def test_changes_are_handed_on_once() -> None:
    made = ledger(WHOLE)
    fill(made, WHOLE)
    made.take(WHOLE, [Changed(None, pod("p"))], 2.0)
    assert len(made.update(3.0).changes) == 1
    assert made.update(4.0).changes == ()


def test_since_says_when_the_state_was_entered() -> None:
    made = ledger(WHOLE)
    fill(made, WHOLE)
    assert made.update(10.0).status.since == 10.0
    assert made.update(20.0).status.since == 10.0
    made.take(WHOLE, [Behind(DOWN)], 30.0)
    stale = made.update(30.0).status
    assert (stale.state, stale.since, stale.message) == (State.STALE, 30.0, "connection refused")
    made.take(WHOLE, [Following()], 40.0)
    assert made.update(40.0).status.state is State.LIVE


def test_what_no_verdict_needs_makes_nothing_stale_but_is_told() -> None:
    made = ledger(WHOLE, Key(JOBS))
    fill(made, WHOLE)
    made.take(Key(JOBS), [Listed(0), Behind(DOWN)], 1.0)
    status = made.update(2.0).status
    assert (status.state, status.resources, status.message) == (State.LIVE, ("jobs",), "connection refused")


def test_the_same_trouble_again_is_no_news() -> None:
    made = ledger(WHOLE)
    fill(made, WHOLE)
    made.take(WHOLE, [Behind(DOWN)], 1.0)
    mark = made.mark
    made.take(WHOLE, [Behind(DOWN)], 2.0)
    assert made.mark == mark
    made.take(WHOLE, [Following()], 3.0)
    assert made.mark != mark


def test_the_kubernetes_package_is_loaded_late_and_its_models_never() -> None:
    program = """
import sys, threading
import console.cluster.contexts, console.cluster.live, console.cluster.load
assert not [name for name in sys.modules if name.startswith(("kubernetes", "urllib3", "textual"))]
from console.demo.server import ApiServer
from console.demo.store import Store
with ApiServer(Store()) as server:
    source = console.cluster.live.LiveSource(console.cluster.contexts.from_dict(server.kubeconfig()))
    console.cluster.load.load(source, timeout=20)
loaded = {name for name in sys.modules if name.startswith("kubernetes.client.")}
assert "kubernetes.client.api_client" in loaded
assert not [name for name in loaded if name.startswith(("kubernetes.client.api.", "kubernetes.client.models."))]
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
