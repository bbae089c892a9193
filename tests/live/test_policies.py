"""The server as the judge of what a policy means: what it refuses, and what it makes of the rest.

Each policy is also read as from a file. Both readings must compile to the same rules,
and what the console calls invalid must be what the server refuses.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from console.objects.decode import decode
from console.objects.diagnostics import Malformed
from console.objects.netpol import NetworkPolicy
from console.objects.selectors import LabelSelector
from console.policy.networking import compile_policy, validate

from . import objects
from .client import Client
from .rig import ControlPlane

WHERE = "policies"
DRY_RUN = {"dryRun": "All"}
HTTP = {"port": 80}
BOX: dict[str, Any] = {"podSelector": {"matchLabels": {"app": "x"}}}


@pytest.fixture(scope="module")
def admin(cluster: ControlPlane) -> Client:
    client = cluster.server.admin
    objects.add_namespace(client, WHERE)
    return client


def _ingress(*rules: Any, **more: Any) -> objects.Raw:
    return {"podSelector": {}, "ingress": list(rules), **more}


def _egress(*rules: Any, **more: Any) -> objects.Raw:
    return {"podSelector": {}, "egress": list(rules), **more}


def _block(cidr: Any, *inner: Any) -> objects.Raw:
    return _ingress({"from": [{"ipBlock": {"cidr": cidr, "except": list(inner)} if inner else {"cidr": cidr}}]})


def _port(**port: Any) -> objects.Raw:
    return _ingress({"ports": [port]})


def _selector(**selector: Any) -> objects.Raw:
    return {"podSelector": selector}


def _expression(key: str, operator: str, values: Any = None) -> objects.Raw:
    return _selector(matchExpressions=[{"key": key, "operator": operator, "values": values}])


SPECS: dict[str, Any] = {
    "no spec": None,
    "an empty spec": {},
    "an empty selector": _selector(),
    "null fields": {"podSelector": None, "ingress": None, "egress": None, "policyTypes": None},
    "an empty ingress": _ingress(),
    "an empty egress": _egress(),
    "both empty": {"podSelector": {}, "ingress": [], "egress": []},
    "egress with a rule": _egress({}),
    "both with a rule": {"podSelector": {}, "ingress": [{}], "egress": [{}]},
    "a null rule": _ingress(None),
    "types empty": _egress({}, policyTypes=[]),
    "types that leave the rules out": _egress({}, policyTypes=["Ingress"]),
    "types without rules": {"podSelector": {}, "policyTypes": ["Egress"]},
    "types twice": {"podSelector": {}, "policyTypes": ["Ingress", "Ingress"]},
    "types thrice": {"podSelector": {}, "policyTypes": ["Ingress", "Egress", "Ingress"]},
    "a type in lower case": {"podSelector": {}, "policyTypes": ["ingress"]},
    "a type of a number": {"podSelector": {}, "policyTypes": [1]},
    "peers empty": _ingress({"from": []}),
    "peers null": _ingress({"from": None, "ports": [HTTP]}),
    "an empty peer": _ingress({"from": [{}]}),
    "a null peer": _ingress({"from": [None]}),
    "a peer of null selectors": _ingress({"from": [{"podSelector": None, "namespaceSelector": None}]}),
    "an empty pod selector as a peer": _ingress({"from": [{"podSelector": {}}]}),
    "an empty namespace selector as a peer": _ingress({"from": [{"namespaceSelector": {}}]}),
    "both selectors": _ingress({"from": [{"namespaceSelector": {}, **BOX}]}),
    "two peers": _ingress({"from": [{"namespaceSelector": {}}, BOX]}),
    "a selector beside a block": _ingress({"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}, **BOX}]}),
    "to in an ingress rule": _ingress({"to": [BOX]}),
    "from in an egress rule": _egress({"from": [BOX]}),
    "a block": _block("10.0.0.0/8"),
    "a block of everything": _block("0.0.0.0/0"),
    "a block of one": _block("10.0.0.1/32"),
    "a block with exceptions": _block("10.0.0.0/8", "10.1.0.0/16", "10.2.0.0/16"),
    "a block of IPv6": _block("2001:db8::/32", "2001:db8:1::/48"),
    "a block with bits beyond its prefix": _block("10.0.0.1/8"),
    "a block of IPv6 with bits beyond its prefix": _block("2001:db8::1/32"),
    "a block with leading zeros": _block("010.0.0.0/8"),
    "a block with a zero prefix in front": _block("10.0.0.0/08"),
    "a block mapped into IPv6": _block("::ffff:10.0.0.0/104"),
    "a block of IPv6 in capitals": _block("2001:DB8::/32"),
    "a block of IPv6 written long": _block("2001:0db8::/32"),
    "a block of IPv6 with a zone": _block("fe80::%eth0/64"),
    "a block without a prefix": _block("10.0.0.0"),
    "a block with a netmask": _block("10.0.0.0/255.0.0.0"),
    "a block with a prefix too long": _block("10.0.0.0/33"),
    "a block with a blank": _block(" 10.0.0.0/8"),
    "a block of text": _block("everything"),
    "an empty block": _block(""),
    "a block without a cidr": _ingress({"from": [{"ipBlock": {}}]}),
    "a block of a number": _block(10),
    "a short block": _block("10/8"),
    "an exception outside": _block("10.0.0.0/8", "11.0.0.0/16"),
    "an exception as large": _block("10.0.0.0/8", "10.0.0.0/8"),
    "an exception larger": _block("10.0.0.0/8", "0.0.0.0/0"),
    "an exception of the other family": _block("10.0.0.0/8", "2001:db8::/32"),
    "an exception of text": _block("10.0.0.0/8", "some"),
    "an exception twice": _block("10.0.0.0/8", "10.1.0.0/16", "10.1.0.0/16"),
    "an exception with bits beyond its prefix": _block("10.0.0.0/8", "10.1.0.1/16"),
    "exceptions empty": _ingress({"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": []}}]}),
    "ports empty": _ingress({"ports": []}),
    "ports null": _ingress({"ports": None, "from": [BOX]}),
    "an empty port": _port(),
    "a null port": _ingress({"ports": [None]}),
    "a protocol alone": _port(protocol="UDP"),
    "SCTP": _port(protocol="SCTP", port=7777),
    "ICMP": _port(protocol="ICMP"),
    "a protocol in lower case": _port(protocol="tcp", port=80),
    "an empty protocol": _port(protocol="", port=80),
    "port 0": _port(port=0),
    "port 65535": _port(port=65535),
    "port 65536": _port(port=65536),
    "a negative port": _port(port=-1),
    "a port of a fraction": _port(port=80.5),
    "a port of a whole fraction": _port(port=80.0),
    "a port name": _port(port="http"),
    "a port of digits in quotes": _port(port="80"),
    "an empty port name": _port(port=""),
    "a port name in capitals": _port(port="HTTP"),
    "a port name with an underscore": _port(port="my_port"),
    "a port name with two dashes": _port(port="a--b"),
    "a port name that ends in a dash": _port(port="a-"),
    "a port name of fifteen": _port(port="a23456789012345"),
    "a port name of sixteen": _port(port="a234567890123456"),
    "a port of true": _port(port=True),
    "a range": _port(port=80, endPort=90),
    "a range of one": _port(port=80, endPort=80),
    "a range backwards": _port(port=80, endPort=79),
    "a range to the end": _port(port=1, endPort=65535),
    "a range too far": _port(port=1, endPort=65536),
    "a range to 0": _port(port=80, endPort=0),
    "a range without a start": _port(endPort=90),
    "a range from a name": _port(port="http", endPort=90),
    "a range to a name": _port(port=80, endPort="90"),
    "labels": _selector(matchLabels={"app": "x", "tier.example.com/name": "y_z.1"}),
    "an empty label value": _selector(matchLabels={"app": ""}),
    "labels null": _selector(matchLabels=None),
    "labels empty": _selector(matchLabels={}),
    "a label of a number": _selector(matchLabels={"app": 1}),
    "a label of a boolean": _selector(matchLabels={"app": True}),
    "a label value too long": _selector(matchLabels={"app": "x" * 64}),
    "a label value as long as may be": _selector(matchLabels={"app": "x" * 63}),
    "a label value with a blank": _selector(matchLabels={"app": "a b"}),
    "a label value that ends in a dot": _selector(matchLabels={"app": "a."}),
    "an empty label key": _selector(matchLabels={"": "x"}),
    "a label key too long": _selector(matchLabels={"k" * 64: "x"}),
    "a label key with a prefix too long": _selector(matchLabels={f"{'p' * 254}/k": "x"}),
    "a label key with a prefix in capitals": _selector(matchLabels={"Example.com/k": "x"}),
    "a label key with two slashes": _selector(matchLabels={"a/b/c": "x"}),
    "a label key with an empty prefix": _selector(matchLabels={"/k": "x"}),
    "a label key with two dots in its prefix": _selector(matchLabels={"a..b/k": "x"}),
    "a label key whose prefix has a dash before a dot": _selector(matchLabels={"a-.b/k": "x"}),
    "In": _expression("app", "In", ["x", "y"]),
    "In the same twice": _expression("app", "In", ["x", "x"]),
    "In nothing": _expression("app", "In", []),
    "In null": _expression("app", "In"),
    "In a wrong value": _expression("app", "In", ["a b"]),
    "NotIn": _expression("app", "NotIn", ["x"]),
    "NotIn nothing": _expression("app", "NotIn", []),
    "Exists": _expression("app", "Exists"),
    "Exists with an empty list": _expression("app", "Exists", []),
    "Exists with values": _expression("app", "Exists", ["x"]),
    "DoesNotExist": _expression("app", "DoesNotExist"),
    "Gt": _expression("app", "Gt", ["1"]),
    "an operator in lower case": _expression("app", "in", ["x"]),
    "an empty operator": _expression("app", "", ["x"]),
    "no key": _selector(matchExpressions=[{"operator": "Exists"}]),
    "an expression of null": _selector(matchExpressions=[None]),
    "labels and expressions": _selector(
        matchLabels={"app": "x"}, matchExpressions=[{"key": "tier", "operator": "NotIn", "values": ["a", "b"]}]
    ),
    "a misspelt field": {"podSelektor": {}, "ingress": [{"form": []}]},
    "a list for a selector": {"podSelector": []},
    "text for rules": {"podSelector": {}, "ingress": "all"},
    "a mapping for rules": {"podSelector": {}, "ingress": {}},
    "a real one": {
        "podSelector": {"matchLabels": {"app": "vllm"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {
                "from": [
                    {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateway"}}, **BOX},
                    {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}},
                ],
                "ports": [{"port": "http"}, {"protocol": "UDP", "port": 9000, "endPort": 9010}],
            }
        ],
        "egress": [{"to": [{"namespaceSelector": {}}], "ports": [{"protocol": "UDP", "port": 53}]}],
    },
}


def _as_read(raw: objects.Raw) -> NetworkPolicy | str:
    """The policy as the console reads it; why not, where it is invalid."""
    try:
        policy = decode(raw)
    except Malformed as error:
        return str(error)
    assert isinstance(policy, NetworkPolicy)
    fatal = [problem for problem in validate(policy) if problem.fatal]
    return "; ".join(f"{problem.path}: {problem.message}" for problem in fatal) or policy


def _agree(admin: Client, spec: Any) -> None:
    raw = objects.policy("asked", spec)
    raw["metadata"]["namespace"] = WHERE
    if spec is None:
        del raw["spec"]
    answer = admin.ask("POST", objects.NETWORK_POLICIES.format(WHERE), raw, query=DRY_RUN)
    read = _as_read(raw)
    if isinstance(read, str):
        assert answer.status in (400, 422), f"the server takes what the console refuses: {read}"
        return
    if validate(read):
        # Old clusters hold what new servers no longer take: the console reads it, and says so.
        assert answer.status == 422
        blamed = {cause["field"].rpartition(".")[2].partition("[")[0] for cause in answer.json["details"]["causes"]}
        assert blamed <= {"cidr", "except"}
        return
    assert answer.status == 201, f"the console takes what the server refuses: {answer.json['message']}"
    served = decode(answer.json)
    assert isinstance(served, NetworkPolicy)
    assert _meaning(served) == _meaning(read)


def _meaning(policy: NetworkPolicy) -> Any:
    """The compiled policy, in which an empty list and an absent one are the same: they are in every field left."""

    def bare(value: Any) -> Any:
        if isinstance(value, LabelSelector):
            wanted = [(each.key, each.operator, each.values or None) for each in value.match_expressions or ()]
            return value.match_labels or None, wanted
        if isinstance(value, msgspec.Struct):
            return {name: bare(each) for name, each in msgspec.structs.asdict(value).items()}
        return [bare(each) for each in value] if isinstance(value, tuple) else value

    return bare(compile_policy(policy))


def test_a_label_of_null_is_an_error_where_the_server_reads_empty_text(admin: Client) -> None:
    """The one known difference: ``app:`` with nothing behind it is rather a slip than a wish."""
    raw = objects.policy("asked", _selector(matchLabels={"app": None}))
    answer = admin.ask("POST", objects.NETWORK_POLICIES.format(WHERE), raw, query=DRY_RUN)
    assert answer.json["spec"]["podSelector"] == {"matchLabels": {"app": ""}}
    assert "must be a string, is null" in str(_as_read(raw))


@pytest.mark.parametrize("name", SPECS)
def test_a_policy_means_what_the_server_takes_it_for(admin: Client, name: str) -> None:
    _agree(admin, SPECS[name])


def _some(field: str, *values: Any) -> st.SearchStrategy[objects.Raw]:
    return st.sampled_from([{}, *({field: value} for value in values)])


def _merged(*parts: st.SearchStrategy[objects.Raw]) -> st.SearchStrategy[objects.Raw]:
    return st.tuples(*parts).map(lambda drawn: {key: value for part in drawn for key, value in part.items()})


_SELECTORS = [spec["podSelector"] for spec in SPECS.values() if spec and "podSelector" in spec]
_CIDRS = ("10.0.0.0/8", "10.1.0.0/16", "10.0.0.1/8", "0.0.0.0/0", "::/0", "2001:db8::/32", "2001:db8:1::/48", "x", "")
_blocks = _merged(
    st.sampled_from(_CIDRS).map(lambda cidr: {"cidr": cidr}),
    _some("except", None, [], *([cidr] for cidr in _CIDRS), ["10.1.0.0/16", "10.2.0.0/16"]),
)
_peers = _merged(
    _some("podSelector", *_SELECTORS),
    _some("namespaceSelector", None, {}, {"matchLabels": {"a": "b"}}),
    st.one_of(st.just({}), _blocks.map(lambda block: {"ipBlock": block})),
)
_ports = _merged(
    _some("protocol", None, "TCP", "UDP", "SCTP", "ICMP", ""),
    _some("port", None, 0, 1, 80, 65535, 65536, "http", "80", "", "a--b"),
    _some("endPort", None, 0, 79, 80, 90, 65535, 65536),
)


def _lists(field: str, of: st.SearchStrategy[Any]) -> st.SearchStrategy[objects.Raw]:
    return st.one_of(st.just({}), st.just({field: None}), st.lists(of, max_size=2).map(lambda drawn: {field: drawn}))


_specs = _merged(
    _some("podSelector", *_SELECTORS),
    _some("policyTypes", None, [], ["Ingress"], ["Egress"], ["Ingress", "Egress"], ["x"]),
    _lists("ingress", _merged(_lists("from", _peers), _lists("ports", _ports))),
    _lists("egress", _merged(_lists("to", _peers), _lists("ports", _ports))),
)


@settings(
    max_examples=300,
    deadline=None,
    # Drawn anew each run; a failure is reproduced by the spec that the message shows.
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(spec=_specs)
def test_any_policy_means_what_the_server_takes_it_for(admin: Client, spec: objects.Raw) -> None:
    _agree(admin, spec)
