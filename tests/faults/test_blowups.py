"""Policies built to be slow: twice as much of anything is not four times the work."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from console.cluster.manifests import read
from console.errors import UsageError
from console.governance.groups import By, groups
from console.policy.ends import connection, parse_end
from console.policy.engine import Engine
from console.policy.explain import explain
from console.policy.matrix import matrix
from console.policy.ports import any_port
from console.policy.reach import Reachability
from console.report.text import verdict_lines

Raw = dict[str, Any]


def _pod(name: str, address: str, labels: Mapping[str, str], **meta: Any) -> Raw:
    about = {"name": name, "namespace": "a", "labels": labels, **meta}
    status = {"phase": "Running", "podIPs": [{"ip": address}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": {"containers": []}, "status": status}


def _policy(**spec: Any) -> Raw:
    about = {"name": "p", "namespace": "a"}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": about, "spec": spec}


def _network(number: int) -> str:
    return f"{20 + (number >> 16)}.{number >> 8 & 255}.{number & 255}.0/24"


def _labels(size: int) -> list[Raw]:
    labels = {f"k{number}": "v" for number in range(size)}
    return [_pod("x", "10.0.0.3", labels), _policy(podSelector={"matchLabels": labels}, ingress=[])]


def _expressions(size: int) -> list[Raw]:
    wanted = [{"key": f"k{number}", "operator": "NotIn", "values": ["a", "b"]} for number in range(size)]
    return [_policy(podSelector={}, ingress=[{"from": [{"podSelector": {"matchExpressions": wanted}}]}])]


def _blocks(size: int) -> list[Raw]:
    blocks = [{"ipBlock": {"cidr": _network(number)}} for number in range(size)]
    return [_policy(podSelector={}, policyTypes=["Egress"], egress=[{"to": blocks}])]


def _excepts(size: int) -> list[Raw]:
    block = {"cidr": "0.0.0.0/0", "except": [_network(number) for number in range(size)]}
    return [_policy(podSelector={}, policyTypes=["Egress"], egress=[{"to": [{"ipBlock": block}]}])]


def _ports(size: int) -> list[Raw]:
    ports = [{"port": 1 + number * 7 % 60000, "endPort": 1 + number * 7 % 60000 + 3} for number in range(size)]
    return [_policy(podSelector={}, ingress=[{"ports": ports}])]


def _owners(size: int) -> list[Raw]:
    def owned(by: int) -> list[Raw]:
        return [{"kind": "ReplicaSet", "name": f"r{by}", "apiVersion": "apps/v1", "controller": True}]

    ring = [
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {"name": f"r{number}", "namespace": "a", "ownerReferences": owned((number + 1) % size)},
        }
        for number in range(size)
    ]
    return [_pod("x", "10.0.0.3", {}, ownerReferences=owned(0)), *ring]


def _all_of_it(objects: list[Raw]) -> float:
    """CPU seconds of reading, one verdict in and out with its text, all pairs and explaining every policy."""
    ends = [_pod("s", "10.0.0.1", {"app": "s"}), _pod("d", "10.0.0.2", {"app": "d"})]
    text = b"\n".join(msgspec.json.encode(each) for each in (*ends, *objects))
    began = time.process_time()
    snapshot = read(["-"], io.BytesIO(text)).snapshot
    engine = Engine(snapshot)
    for destination in ("a/d", "ip:20.0.1.7"):
        list(verdict_lines(engine.evaluate(connection("a/s", destination, "443", snapshot)), None, trace=True))
    reach = Reachability(engine)
    matrix(reach, groups(reach, By.WORKLOAD))
    for policy in snapshot.policies():
        explain(engine, policy.ref)
    return time.process_time() - began


@pytest.mark.parametrize("built", [_labels, _expressions, _blocks, _excepts, _ports, _owners])
def test_four_times_as_much_is_far_from_sixteen_times_the_work(built: Callable[[int], list[Raw]]) -> None:
    _all_of_it(built(10))
    small, large = (min(_all_of_it(built(size)) for _ in range(2)) for size in (250, 1000))
    assert large < 10 * max(small, 0.005)


def test_ranges_beyond_counting_are_refused_and_one_port_is_not() -> None:
    text = b"\n".join(msgspec.json.encode(each) for each in (_pod("s", "10.0.0.1", {}), *_ports(8000)))
    engine = Engine(read(["-"], io.BytesIO(text)).snapshot)
    end = parse_end("a/s", engine.snapshot)
    with pytest.raises(UsageError, match="cut the TCP ports between these ends into"):
        any_port(engine, parse_end("internet", engine.snapshot), end)
    assert engine.evaluate(connection("internet", "a/s", "8", engine.snapshot)).outcome


def test_json_that_is_deeper_than_any_object_is_told() -> None:
    raw = b'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","labels":' + b"[" * 5000 + b"]" * 5000 + b"}}"
    good = msgspec.json.encode(_pod("s", "10.0.0.1", {}))
    found = read(["-"], io.BytesIO(good + b"\n---\n" + raw))
    assert [pod.name for pod in found.snapshot.pods()] == ["s"]
    assert any("nested" in each.message for each in found.diagnostics)
    assert not found.snapshot.coverage.complete
