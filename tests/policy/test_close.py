"""Closing: what is proposed closes the pair on every port, opens nothing, and closes just what it says it closes.

What a proposal closes is found here the slow way: by asking about every pair of pods, one
connection at a time, before and after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from hypothesis import given, note, settings

from console.policy.close import Close, NoClose, close_for
from console.policy.close_told import folded
from console.policy.ends import parse_end, pod_end
from console.policy.engine import Engine
from console.policy.fix import with_objects
from console.policy.model import Protocol
from console.policy.opens import Path
from console.policy.parties import families_of
from console.policy.ports import any_port
from console.policy.verdict import Connection, End, Outcome
from tests.clusters import document, namespace, pod, policy, snapshot
from tests.policy.asking import WORLDS, ask, engine_of, questioned, unhurried
from tests.policy.strategies import PORTS, worlds
from tests.policy.strategies_tiers import tiered_worlds
from tests.policy.test_fix import World, called, changes, raws_of

proposed = settings(unhurried, max_examples=max(15, WORLDS // 20))


def shut(engine: Engine, source: End, destination: End) -> bool:
    """Whether no port is open between two ends; one pod on both sides is no pair."""
    for span in any_port(engine, source, destination).spans:
        for case in engine.cases(Connection(source, destination, span.protocol, span.low)):
            if case.outcome is not Outcome.BLOCKED and case.sources != case.destinations:
                return False
    return True


def plain(name: str) -> str:
    """A name without how many of its pods are meant."""
    return re.sub(r" \(\d+ of \d+\)$", "", name)


HOW = [(protocol, port) for protocol in Protocol for port in (*PORTS, 79)]


def closed(before: Engine, after: Engine) -> Iterator[tuple[int, str, str]]:
    """The paths between workloads that differ, the slow way: 1 opened, -1 closed."""
    ends = [pod_end(each) for each in before.snapshot.pods() if not each.finished]
    for sign, one, other, _, _ in changes(before, after, ends, HOW):
        families = [set(families_of(end.pods[0])) for end in (one, other)]
        if all(families) and families[0].isdisjoint(families[1]):
            continue  # pods that share no family are no pair
        yield sign, called(one, before.snapshot), called(other, before.snapshot)


def doubted(engine: Engine, paths: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of some paths between workloads of which it cannot be known, on some port, whether they are open."""
    ends = [pod_end(each) for each in engine.snapshot.pods() if not each.finished]
    names = [(called(end, engine.snapshot), end) for end in ends]
    return {
        (one, other)
        for one, source in names
        for other, destination in names
        if (one, other) in paths
        and any(
            case.outcome is Outcome.UNKNOWN
            for protocol, port in HOW
            for case in engine.cases(Connection(source, destination, protocol, port))
        )
    }


def check(engine: Engine, source: End, destination: End, found: Close) -> None:
    after = Engine(with_objects(engine.snapshot, found.objects), engine)
    assert all(after.compiled(each) for each in after.snapshot.tiered.values()), "the API server would refuse it"
    assert all(after.compiled(each) for each in after.snapshot.policies()), "the API server would refuse it"
    assert shut(after, source, destination)
    said = {(plain(path.source), plain(path.destination)) for path in (*found.closes, *found.may_close)}
    asked = tuple({called(pod_end(pod), engine.snapshot) for pod in end.pods} for end in (source, destination))
    really = set()
    for sign, one, other in closed(engine, after):
        assert sign < 0, f"opens {one} → {other}"
        really.add((one, other))
        assert (one, other) in said or (one in asked[0] and other in asked[1]), f"does not say {one} → {other}"
    # A pod and its own node are open to each other whatever policies say; told is what policies let through.
    hosts = {called(pod_end(each), engine.snapshot) for each in engine.snapshot.pods() if each.host_network}

    def inside(paths: tuple[Path, ...]) -> set[tuple[str, str]]:
        pairs = {(plain(path.source), plain(path.destination)) for path in paths}
        pairs = {pair for pair in pairs if all("/" in end for end in pair) and hosts.isdisjoint(pair)}
        # Of some pods of a StatefulSet and some of the same it is not told whether they are the same ones.
        return {(one, other) for one, other in pairs if one != other or "/pod/" in one}

    assert inside(found.closes) <= really, f"closes no {inside(found.closes) - really}"
    doubtful = inside(found.may_close) - really
    assert doubtful == doubted(engine, doubtful), "it is known whether these are open"


@proposed
@given(questioned(worlds() | tiered_worlds()))
def test_it_closes_every_port_opens_nothing_and_says_all_else_it_closes(world: World) -> None:
    objects, questions = world
    engine, raws = engine_of(objects), raws_of(objects)
    tried = 0
    for question in questions:
        verdict = ask(engine, question)
        source, destination = verdict.connection.source, verdict.connection.destination
        if verdict.outcome is Outcome.BLOCKED or source == destination or not (source.pods or destination.pods):
            continue
        found = close_for(engine, source, destination, raws.get)
        note(f"{question}: {verdict.outcome}, {found}")
        if isinstance(found, Close):
            check(engine, source, destination, found)
            tried += 1
        if tried == 2:  # asking about every pair takes its time
            break


# By hand -------------------------------------------------------------------------------------------------------------

TRAINER = pod("t", "trainer", "10.1.0.1", app="trainer")
STORE = pod("f", "store", "10.1.0.2", app="store")
OTHER = pod("f", "other", "10.1.0.3", app="other")
PODS = namespace("t") + namespace("f") + TRAINER + STORE + OTHER


def close(text: str, source: str, destination: str) -> Close | NoClose:
    """What closes a path of a cluster in YAML."""
    cluster = snapshot(text)
    raws = raws_of(each for each in yaml.safe_load_all(text) if each)
    found = close_for(Engine(cluster), parse_end(source, cluster), parse_end(destination, cluster), raws.get)
    if isinstance(found, Close):
        check(Engine(cluster), parse_end(source, cluster), parse_end(destination, cluster), found)
    return found


def done(found: Close | NoClose) -> Close:
    assert isinstance(found, Close), found
    return found


def spec(found: Close | NoClose) -> dict[str, Any]:
    """The spec of the one policy that is proposed."""
    (raw,) = done(found).objects
    held: dict[str, Any] = raw["spec"]
    return held


def test_what_nothing_isolates_is_closed_to_the_internet_alone() -> None:
    found = done(close(PODS, "t/trainer", "internet"))
    assert found.closes == ()
    held = spec(found)
    assert held["policyTypes"] == ["Egress"]
    assert held["podSelector"] == {"matchLabels": {"app": "trainer"}}
    assert {"namespaceSelector": {}} in held["egress"][0]["to"]
    assert done(close(PODS, "internet", "f/store")).closes == ()


def test_an_address_becomes_an_exception_of_the_block_that_lets_it() -> None:
    wide = policy(
        "t", "wide", "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}"
    )
    found = done(close(PODS + wide, "t/trainer", "metadata"))
    assert spec(found)["egress"] == [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}}]}]
    assert found.closes == ()


def test_a_rule_for_this_alone_goes_and_the_policy_goes_on_to_isolate() -> None:
    only = policy("t", "only", "{podSelector: {}, egress: [{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}")
    found = done(
        close(PODS + policy("t", "shut", "{podSelector: {}, policyTypes: [Egress]}") + only, "t/trainer", "internet")
    )
    assert spec(found)["egress"] == []
    assert spec(found)["policyTypes"] == ["Ingress", "Egress"]
    assert found.closes == ()
    assert found.does == ("NetworkPolicy t/only: egress rule 1 goes",)


def test_a_selector_of_all_namespaces_is_narrowed_to_the_others() -> None:
    every = "{podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {}}]}]}"
    found = done(close(PODS + policy("f", "every", every), "t/trainer", "f/store"))
    names = {str(path) for path in found.closes}
    assert names == {"t/pod/trainer → f/pod/other every port"}, "the policy selects the other pod, too"


def test_the_label_by_which_a_policy_selects_is_told() -> None:
    hub = policy("t", "hub", "{podSelector: {matchLabels: {egress: hub}}, policyTypes: [Egress], egress: [{}]}")
    shut = policy("t", "shut", "{podSelector: {}, policyTypes: [Egress]}")
    worn = PODS.replace("app: trainer", "app: trainer\n    egress: hub")
    found = done(close(worn + hub + shut, "t/trainer", "internet"))
    assert found.unlabel is None, "all else that the policy opens would go with the label"
    near = "[10.0.0.0/8, 100.64.0.0/10, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16]"
    net = hub.replace("- {}", f"- to:\n    - ipBlock:\n        cidr: 0.0.0.0/0\n        except: {near}")
    assert net != hub
    found = done(close(worn + net + shut, "t/trainer", "internet"))
    assert found.unlabel is not None
    assert found.unlabel.command == "kubectl label pods -n t trainer egress-"


def test_what_no_policy_governs_is_told_and_so_is_what_is_closed() -> None:
    host = document(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"namespace": "t", "name": "host"},
            "spec": {"hostNetwork": True, "nodeName": "n", "containers": [{"image": "x"}]},
            "status": {"phase": "Running", "podIP": "192.168.0.1", "podIPs": [{"ip": "192.168.0.1"}]},
        }
    )
    found = close(PODS + host, "t/host", "internet")
    assert isinstance(found, NoClose)
    assert "t/host is on its node's network, where no policy governs its egress" in found.why
    shut = policy("t", "shut", "{podSelector: {}, policyTypes: [Egress]}")
    assert close(PODS + shut, "t/trainer", "internet") == NoClose("it is closed already")


def test_where_the_plugin_enforces_nothing_no_policy_helps() -> None:
    flannel = document(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "namespace": "kube-flannel",
                "name": "kube-flannel-ds-x",
                "labels": {"app": "flannel"},
                "ownerReferences": [
                    {
                        "apiVersion": "apps/v1",
                        "kind": "DaemonSet",
                        "name": "kube-flannel-ds",
                        "uid": "u",
                        "controller": True,
                    }
                ],
            },
            "spec": {
                "hostNetwork": True,
                "nodeName": "n",
                "containers": [{"image": "docker.io/flannel/flannel:v0.26"}],
            },
            "status": {"phase": "Running", "podIP": "192.168.0.1", "podIPs": [{"ip": "192.168.0.1"}]},
        }
    )
    found = close(PODS + flannel, "t/trainer", "internet")
    assert isinstance(found, NoClose)
    assert "flannel enforces no policy" in found.why


def test_paths_alike_are_told_together() -> None:
    paths = [Path(one, other, "80/TCP") for one in "ab" for other in "xy"] + [Path("c", "x", "80/TCP")]
    assert list(folded(paths)) == [(("a", "b"), ("x", "y"), "80/TCP"), (("c",), ("x",), "80/TCP")]


def test_a_rule_of_an_admin_policy_goes_where_it_lets_through() -> None:
    admin = document(
        {
            "apiVersion": "policy.networking.k8s.io/v1alpha1",
            "kind": "AdminNetworkPolicy",
            "metadata": {"name": "scrape"},
            "spec": {
                "priority": 10,
                "subject": {"namespaces": {"matchLabels": {"kubernetes.io/metadata.name": "f"}}},
                "ingress": [
                    {
                        "action": "Allow",
                        "from": [{"namespaces": {"matchLabels": {"kubernetes.io/metadata.name": "t"}}}],
                    }
                ],
            },
        }
    )
    shut = policy("f", "shut", "{podSelector: {}, policyTypes: [Ingress]}")
    found = done(close(PODS + admin + shut, "t/trainer", "f/store"))
    assert found.does == ("AdminNetworkPolicy scrape: ingress rule 1 goes",)
    assert [str(path) for path in found.closes] == ["t/pod/trainer → f/pod/other every port"]
