"""Small clusters, valid policies of every shape and questions, for properties that must hold of all of them.

The vocabulary is tiny on purpose: selectors meet labels, ranges meet addresses, names
meet ports. It is spelt out as pools to choose from, simplest first, because one choice
is drawn and shrunk much faster than the many that would build the same thing. What the
specification leaves contested or undefined is left out (named ports of sidecars and of
hostNetwork pods), so that there is always one right answer. Everything drawn is what
the API server would accept. Drawn objects share parts: copy before changing one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import combinations, product
from random import Random
from typing import Any

from hypothesis import strategies as st

Raw = dict[str, Any]
#: ``(source, destination, protocol, port)``, the ends as the oracle takes them.
Connection = tuple[tuple[str, ...], tuple[str, ...], str, int]

MOST_PODS = 8
NAMESPACES = ("a", "b", "c", "d")
KEYS = ("app", "role")
VALUES = ("x", "y", "")
PROTOCOLS = ("TCP", "UDP", "SCTP")
PORTS = (80, 53, 81, 8080, 65535)
NAMES = ("http", "dns")
NODES = {"n1": ("10.0.0.1", "fd00::1"), "n2": ("10.0.0.2", "fd00::2")}
OUTSIDE = ("192.0.2.7", "10.9.9.9", "2001:db8::7")
CIDRS = (
    "0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.0.0/29", "10.1.0.1/32", "10.1.0.2/31", "10.0.0.1/32", "10.0.0.0/30",
    "192.0.2.0/24", "192.0.2.7/32", "10.1.0.3/16", "::/0", "fd00::/8", "fd01::/64", "fd01::/126", "fd01::2/128",
    "fd00::1/128", "2001:db8::/32",
)  # fmt: skip


def _inside(inner: str, outer: str) -> bool:
    """Whether a range lies strictly in another: the only exceptions a valid ipBlock may make."""
    one, other = ip_network(inner, strict=False), ip_network(outer, strict=False)
    if isinstance(one, IPv4Network) and isinstance(other, IPv4Network):
        return one != other and one.subnet_of(other)
    return isinstance(one, IPv6Network) and isinstance(other, IPv6Network) and one != other and one.subnet_of(other)


def _field(key: str, values: Iterable[Any]) -> list[Raw]:
    """A field that is absent, null, or one of the values."""
    return [{}, {key: None}, *({key: value} for value in values)]


def _expressions(keys: Iterable[str], values: tuple[str, ...]) -> list[Raw]:
    some = [list(chosen) for size in (1, 2) for chosen in combinations(values, size)]
    return [
        *({"key": key, "operator": each} for key in keys for each in ("Exists", "DoesNotExist")),
        *({"key": k, "operator": each, "values": v} for k in keys for each in ("In", "NotIn") for v in some),
    ]


def _merged(*parts: Iterable[Raw]) -> list[Raw]:
    """Every combination of one of each part."""
    return [{key: value for part in chosen for key, value in part.items()} for chosen in product(*parts)]


LABELS = _merged(*([{}, *({key: value} for value in VALUES)] for key in KEYS))
BY_LABELS = [{"matchLabels": each} for each in LABELS if each]
BY_EXPRESSION: list[Raw] = [{"matchExpressions": [each]} for each in _expressions(KEYS, VALUES)]
BY_BOTH = _merged(BY_LABELS[:8], BY_EXPRESSION)
BY_EXPRESSIONS = [{"matchExpressions": list(each)} for each in combinations(_expressions(KEYS, VALUES), 2)]
BY_NAME: list[Raw] = [
    *({"matchLabels": {"kubernetes.io/metadata.name": name}} for name in NAMESPACES),
    *({"matchExpressions": [each]} for each in _expressions(["kubernetes.io/metadata.name"], NAMESPACES)),
]
EVERYTHING: list[Raw] = [{}, {"matchLabels": None}, {"matchExpressions": []}]

selectors = st.one_of(*map(st.sampled_from, (EVERYTHING, BY_LABELS, BY_EXPRESSION, BY_BOTH, BY_EXPRESSIONS)))
#: Namespaces are selected by their labels, and by the name label that each has.
namespace_selectors = st.sampled_from(BY_NAME) | selectors

BLOCKS = [
    {"cidr": outer} | more
    for outer in CIDRS
    for inside in [[inner for inner in CIDRS if _inside(inner, outer)]]
    for more in _field("except", [[], *([each] for each in inside), *map(list, combinations(inside, 2))])
]
peers = st.one_of(
    st.fixed_dictionaries({"podSelector": selectors}),
    st.fixed_dictionaries({"namespaceSelector": namespace_selectors}),
    st.fixed_dictionaries({"namespaceSelector": namespace_selectors, "podSelector": st.none() | selectors}),
    st.builds(lambda block: {"ipBlock": block}, st.sampled_from(CIDRS).map(lambda cidr: {"cidr": cidr})),
    st.builds(lambda block: {"ipBlock": block}, st.sampled_from(BLOCKS)),
)
ports = st.sampled_from(
    _merged(
        _field("protocol", PROTOCOLS),
        [
            *_field("port", (*PORTS, *NAMES * 5)),
            *({"port": low, "endPort": high} for low, high in product(PORTS, PORTS) if low <= high),
        ],
    )
)


def _listed(field: str, entries: st.SearchStrategy[Raw]) -> st.SearchStrategy[Raw]:
    """A list field that is absent, null, empty, or has one or two entries."""
    return st.one_of(
        st.sampled_from(_field(field, [[]])),
        st.lists(entries, min_size=1, max_size=2).map(lambda drawn: {field: drawn}),
    )


def rules(field: str) -> st.SearchStrategy[Raw]:
    """One rule; `field` is ``from`` or ``to``."""
    return st.builds(lambda peers, ports: peers | ports, _listed(field, peers), _listed("ports", ports))


ingress_rules, egress_rules = rules("from"), rules("to")
_types = st.sampled_from(
    _field("policyTypes", [[], ["Ingress"], ["Egress"], ["Ingress", "Egress"], ["Egress", "Ingress"]])
)
#: The ``spec`` of a NetworkPolicy, before the API server's defaulting.
specs = st.builds(
    lambda *parts: {key: value for part in parts for key, value in part.items()},
    st.sampled_from(_field("podSelector", [{}])) | st.fixed_dictionaries({"podSelector": selectors}),
    _listed("ingress", ingress_rules),
    _listed("egress", egress_rules),
    _types,
)


def policies(name: str) -> st.SearchStrategy[Raw]:
    """A NetworkPolicy."""

    def made(namespace: str, spec: Raw) -> Raw:
        metadata = {"name": name, "namespace": namespace}
        policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata}
        return policy | ({"spec": spec} if spec else {})

    return st.builds(made, st.sampled_from(NAMESPACES[:3]), specs)


# Pods ----------------------------------------------------------------------------------------------------------------

_PORT = [
    {"containerPort": port} | protocol for port, protocol in product(PORTS, _field("protocol", PROTOCOLS))
]  # one port of a container, before its name


def _containers(*names: tuple[str, ...]) -> list[Raw]:
    """Containers declaring ports of these names, with some of all combinations of numbers and protocols."""
    flat = [(number, name) for number, each in enumerate(names) for name in each]
    chooser = Random(len(flat))
    found = []
    for _ in range(60 if flat else 1):
        containers: list[Raw] = [{"name": f"c{number}", "image": "i", "ports": []} for number in range(len(names))]
        for number, name in flat:
            containers[number]["ports"].append({**chooser.choice(_PORT), **({"name": name} if name else {})})
        found.append({"containers": containers})
    return found


_MAIN_AND_INIT = [each["containers"] for each in _containers(("dns",), NAMES)]
POD_SPECS = [
    *_containers(()),
    *_containers(("http",)),
    *_containers(("http", "dns")),
    *_containers(("dns", "")),
    # Two containers may share a port's name.
    *_containers(("http",), ("http", "dns")),
    # The ports of plain init containers never count.
    *({"containers": [main], "initContainers": [init]} for main, init in _MAIN_AND_INIT),
]
#: How a pod's status tells the addresses of its node, by node.
HOSTED: dict[str, list[Raw]] = {
    "": [{}],
    **{
        name: [
            {},
            {"hostIP": v4},
            {"hostIP": v4, "hostIPs": [{"ip": v4}, {"ip": v6}]},
            {"hostIPs": [{"ip": v6}, {"ip": v4}]},
        ]
        for name, (v4, v6) in NODES.items()
    },
}
SET = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "set", "uid": "u", "controller": True}
WORN = [*({"labels": each} for each in LABELS), {}, {"labels": None}]
SORTS = ("running", "running", "running", "running", "host", "pending", "finished")


def pods(number: int, families: st.SearchStrategy[tuple[str, bool]]) -> st.SearchStrategy[Raw]:
    """A pod: on its own address or its node's, pending without one, or finished; alone or one of a StatefulSet's."""

    def made(sort: str, place: tuple[str, Raw], holds: tuple[str, bool], metadata: Raw, containers: Raw) -> Raw:
        node, hosted = place
        spec: Raw = dict(containers)
        v4, v6 = f"10.1.0.{number}", f"fd01::{number}"
        if sort == "host":
            node, hosted = (node, hosted) if node else ("n1", HOSTED["n1"][0])
            v4, v6 = NODES[node]
            spec = {"containers": [{"name": "c", "image": "i"}], "hostNetwork": True}
        status = {"phase": {"pending": "Pending", "finished": "Succeeded"}.get(sort, "Running"), **hosted}
        if node:
            spec["nodeName"] = node
        if sort != "pending":
            chosen = "46" if sort == "host" else holds[0]
            addresses = [{"4": v4, "6": v6}[family] for family in chosen]
            status["podIP"] = addresses[0]
            if len(addresses) > 1 or holds[1]:
                status["podIPs"] = [{"ip": each} for each in addresses]
        named = {"name": f"p{number}", **metadata}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": named, "spec": spec, "status": status}

    return st.builds(made, _sorts, _places, families, _metadata, st.sampled_from(POD_SPECS))


_sorts = st.sampled_from(SORTS)
_places = st.sampled_from([(node, hosted) for node in HOSTED for hosted in HOSTED[node]])
_metadata = st.sampled_from(_merged([{"namespace": name} for name in "aaabbc"], WORN, [{}, {"ownerReferences": [SET]}]))


def _namespaces(worn: list[Raw]) -> list[Raw]:
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, **each}}
        for name, each in zip(NAMESPACES, worn, strict=False)
    ]


def nodes(names: tuple[str, ...]) -> list[Raw]:
    """The Node objects of these names."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": {"app": "x"} if name == "n1" else {"role": "y"}},
            "status": {"addresses": [{"type": "InternalIP", "address": each} for each in NODES[name]]},
        }
        for name in names
    ]


_pods_by_families = [
    [pods(number, st.sampled_from(families)) for number in range(1, MOST_PODS + 1)]
    for families in (
        [("4", False), ("4", True)],
        [("46", True), ("64", True)],
        [("6", False), ("6", True)],
        [("4", False), ("6", True), ("46", True), ("64", True)],
    )
]
_clusters = st.sampled_from([_pods_by_families[each] for each in (0, 1, 1, 2, 3)])
_each_policy = [policies(f"np{number}") for number in range(4)]
_how_many_pods, _how_many_policies = st.integers(2, MOST_PODS), st.integers(1, len(_each_policy))
_known_nodes = st.sampled_from(((), ("n1",), tuple(NODES)))
_known_namespaces = st.lists(st.sampled_from(WORN), max_size=3)


_alike = st.sampled_from(((), ("ports",), ("ports",), ("ports", "labels")))


def _replicated(drawn: list[Raw], alike: tuple[str, ...]) -> Iterator[Raw]:
    """The pods, those of one StatefulSet made alike in the ports they declare or their labels, as replicas are."""
    first: dict[str, Raw] = {}
    for pod in drawn:
        metadata, spec = pod["metadata"], pod["spec"]
        if "ownerReferences" in metadata and "hostNetwork" not in spec:
            like = first.setdefault(metadata["namespace"], pod)
            if "ports" in alike:
                containers = {key: value for key, value in like["spec"].items() if key != "nodeName"}
                spec = {key: value for key, value in spec.items() if key == "nodeName"} | containers
            if "labels" in alike:
                metadata = metadata | {"labels": like["metadata"].get("labels")}
        yield pod | {"metadata": metadata, "spec": spec}


@st.composite
def worlds(draw: st.DrawFn) -> list[Raw]:
    """The raw objects of a cluster: nodes, namespaces (some only in use), pods and policies."""
    return [
        *nodes(draw(_known_nodes)),
        *_namespaces(draw(_known_namespaces)),
        *_replicated([draw(each) for each in draw(_clusters)[: draw(_how_many_pods)]], draw(_alike)),
        *[draw(each) for each in _each_policy[: draw(_how_many_policies)]],
    ]


# Questions -----------------------------------------------------------------------------------------------------------


def connections(objects: list[Raw], seed: int, count: int) -> list[Connection]:
    """Questions about a cluster, mostly between its live pods.

    Drawn by a seed from what could be there, less what is not, so that a failing cluster
    shrinks while most of its questions stay. Half of the ports are ones the destination declares.
    """
    live = {
        each["metadata"]["name"]: each
        for each in objects
        if each["kind"] == "Pod" and each["status"]["phase"] != "Succeeded"
    }
    ends = {name: ("pod", each["metadata"]["namespace"], name) for name, each in live.items()}
    random = Random(seed)
    found: list[Connection] = []
    for _ in range(4 * count):
        src, dst = (random.choice(_ANY_END) for _ in range(2))
        how = random.choice(("TCP", "TCP", "UDP", "SCTP")), random.choice((*PORTS, 79))
        declared = _declared(live[dst]) if dst in live else []
        if declared and random.random() < 0.5:
            how = random.choice(declared)
        if {src, dst} <= live.keys() | _ADDRESSES:
            found.append((ends.get(src, ("ip", src)), ends.get(dst, ("ip", dst)), *how))
    return found[:count]


def _declared(pod: Raw) -> list[tuple[str, int]]:
    """Protocols and numbers of the ports that a pod's containers declare."""
    ports = [port for each in pod["spec"]["containers"] for port in each.get("ports") or []]
    return [(port.get("protocol") or "TCP", port["containerPort"]) for port in ports]


_PODS = tuple(f"p{number}" for number in range(1, MOST_PODS + 1))
_ADDRESSES = {
    *OUTSIDE, *NODES["n1"], *NODES["n2"],
    "10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.4", "fd01::1", "fd01::2", "fd01::3",
}  # fmt: skip
_ANY_END = (*_PODS * 4, *sorted(_ADDRESSES))
