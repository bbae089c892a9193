"""Cluster-scoped policies of every kind, for worlds as `strategies` draws them. All drawn are valid ones.

Priorities are few, so that policies meet at equal ones, and so are actions and peers.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.policy.strategies import CIDRS, NAMES, PORTS, Raw, namespace_selectors, selectors, worlds

GROUP = "policy.networking.k8s.io"
#: ClusterNetworkPolicy of the Admin and of the Baseline tier, AdminNetworkPolicy, BaselineAdminNetworkPolicy.
SORTS = ("CNP Admin", "CNP Baseline", "ANP", "BANP")
_ACTIONS = {
    "CNP Admin": ("Accept", "Deny", "Pass"),
    "CNP Baseline": ("Accept", "Deny", "Pass"),
    "ANP": ("Allow", "Deny", "Pass"),
    "BANP": ("Allow", "Deny"),
}

_within = st.fixed_dictionaries({"namespaces": namespace_selectors})
_pods = st.fixed_dictionaries(
    {}, optional={"namespaceSelector": namespace_selectors, "podSelector": st.none() | selectors}
)
_both = _within | st.builds(lambda pods: {"pods": pods}, _pods)
_outside = st.one_of(
    st.builds(lambda some: {"networks": some}, st.lists(st.sampled_from(CIDRS), min_size=1, max_size=2, unique=True)),
    st.builds(lambda selector: {"nodes": selector}, st.sampled_from([{}, {"matchLabels": {"zone": "z"}}])),
)
_unknown = st.just({"services": {}})
_numbers = st.sampled_from([(low, high) for low in PORTS for high in PORTS if low <= high])


def _ports(sort: str, *, named: bool) -> st.SearchStrategy[Raw]:
    """What a rule says of ports, under the field its kind has for it."""
    numbers = st.builds(
        _old_port if "CNP" not in sort else _new_port, _numbers, st.sampled_from(("TCP", "UDP", "SCTP"))
    )
    any_of = numbers
    if named:
        field = "destinationNamedPort" if "CNP" in sort else "namedPort"
        any_of = numbers | st.sampled_from([{field: name} for name in NAMES])
    if "CNP" in sort:
        any_of |= st.sampled_from([{"tcp": {}}, {"udp": {}}])
    listed = st.lists(any_of, min_size=1, max_size=2)
    return st.just({}) | st.builds(lambda some: {"protocols" if "CNP" in sort else "ports": some}, listed)


def _old_port(numbers: tuple[int, int], protocol: str) -> Raw:
    low, high = numbers
    if low == high:
        return {"portNumber": {"protocol": protocol, "port": low}}
    return {"portRange": {"protocol": protocol, "start": low, "end": high}}


def _new_port(numbers: tuple[int, int], protocol: str) -> Raw:
    low, high = numbers
    held = {"number": low} if low == high else {"range": {"start": low, "end": high}}
    return {protocol.lower(): {"destinationPort": held}}


def _rules(sort: str, field: str) -> st.SearchStrategy[Raw]:
    def made(action: str, peers: list[Raw], ports: Raw) -> Raw:
        return {"action": action, field: peers, **ports}

    actions = st.sampled_from(_ACTIONS[sort])
    inside = st.builds(made, actions, st.lists(_both, min_size=1, max_size=2), _ports(sort, named=True))
    unknown = st.builds(made, actions, st.lists(_both | _unknown, min_size=1, max_size=2), st.just({}))
    if field == "from":
        return st.one_of(inside, inside, inside, unknown)
    mixed = st.builds(made, actions, st.lists(_both | _outside, min_size=1, max_size=3), _ports(sort, named=False))
    names = st.builds(
        made, st.just(_ACTIONS[sort][0]), st.just([{"domainNames": ["*.example.org", "a.example"]}]), st.just({})
    )
    return st.one_of(inside, mixed, mixed, unknown, names)


_EACH_RULES = {(sort, field): st.lists(_rules(sort, field), max_size=2) for sort in SORTS for field in ("from", "to")}


def tiered(number: int, sort: str) -> st.SearchStrategy[Raw]:
    """A cluster-scoped policy; there is one BaselineAdminNetworkPolicy at most, so only policy 0 is one."""
    if sort == "BANP" and number:
        sort = "ANP"

    def made(priority: int, subject: Raw, ingress: list[Raw], egress: list[Raw]) -> Raw:
        spec: dict[str, Any] = {"subject": subject}
        if sort != "BANP":
            spec["priority"] = priority
        if "CNP" in sort:
            spec["tier"] = sort.removeprefix("CNP ")
        spec |= {"ingress": ingress} if ingress else {}
        spec |= {"egress": egress} if egress else {}
        kind, version = {
            "ANP": ("AdminNetworkPolicy", "v1alpha1"),
            "BANP": ("BaselineAdminNetworkPolicy", "v1alpha1"),
        }.get(sort, ("ClusterNetworkPolicy", "v1alpha2"))
        name = "default" if sort == "BANP" else f"t{number}"
        return {"apiVersion": f"{GROUP}/{version}", "kind": kind, "metadata": {"name": name}, "spec": spec}

    return st.builds(made, st.integers(0, 2), _both, _EACH_RULES[sort, "from"], _EACH_RULES[sort, "to"])


_each = [st.one_of(*(tiered(number, sort) for sort in SORTS)) for number in range(3)]


@st.composite
def tiered_worlds(draw: st.DrawFn) -> list[Raw]:
    """A world of NetworkPolicies with one to three cluster-scoped policies over it."""
    return [*draw(worlds()), *[draw(each) for each in _each[: draw(st.integers(1, len(_each)))]]]
