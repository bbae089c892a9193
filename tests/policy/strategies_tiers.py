"""Valid cluster-scoped policies of every shape, over the clusters of `tests.policy.strategies`."""

from __future__ import annotations

from itertools import product

from hypothesis import strategies as st

from tests.policy.strategies import (
    CIDRS,
    NAMES,
    NAMESPACES,
    NODES,
    PORTS,
    PROTOCOLS,
    Raw,
    namespace_selectors,
    nodes,
    selectors,
    worlds,
)

GROUP = "policy.networking.k8s.io"
RANGES = [(low, high) for low, high in product(PORTS, PORTS) if low < high]
#: The versions differ in how they write a port. Named ports go with pods only.
NUMBERED: dict[str, list[Raw]] = {
    "v1alpha1": [
        *({"portNumber": {"port": port}} for port in PORTS),
        *({"portNumber": {"port": port, "protocol": each}} for port, each in product(PORTS, PROTOCOLS)),
        *({"portRange": {"start": low, "end": high}} for low, high in RANGES),
        *({"portRange": {"start": low, "end": high, "protocol": p}} for (low, high), p in product(RANGES, PROTOCOLS)),
    ],
    "v1alpha2": [
        *({each.lower(): {"destinationPort": {"number": port}}} for port, each in product(PORTS, PROTOCOLS)),
        *(
            {each.lower(): {"destinationPort": {"range": {"start": low, "end": high}}}}
            for (low, high), each in product(RANGES, PROTOCOLS)
        ),
    ],
}
NAMED: dict[str, list[Raw]] = {
    "v1alpha1": [{"namedPort": name} for name in NAMES],
    "v1alpha2": [{"destinationNamedPort": name} for name in NAMES],
}
ACTIONS = {"v1alpha1": ("Allow", "Deny", "Pass"), "v1alpha2": ("Accept", "Deny", "Pass")}
PORTS_FIELD = {"v1alpha1": "ports", "v1alpha2": "protocols"}
ALLOWING = ("Allow", "Accept")
EVERYWHERE: list[Raw] = [{"namespaces": {}}, {"pods": {"namespaceSelector": {}, "podSelector": {}}}] * 2 + [
    {"namespaces": {"matchLabels": {"kubernetes.io/metadata.name": name}}} for name in NAMESPACES[:2]
]
NETWORKS = [each for each in CIDRS if each != "10.1.0.3/16"]  # these must be written with their own prefix

_both = st.fixed_dictionaries({"namespaceSelector": namespace_selectors, "podSelector": selectors})
_pods = {"v1alpha1": _both, "v1alpha2": _both | st.fixed_dictionaries({"podSelector": selectors})}
_subjects = {
    version: st.one_of(
        st.sampled_from(EVERYWHERE),
        st.fixed_dictionaries({"namespaces": namespace_selectors}),
        st.fixed_dictionaries({"pods": pods}),
    )
    for version, pods in _pods.items()
}
_outside = st.one_of(
    st.fixed_dictionaries({"networks": st.lists(st.sampled_from(NETWORKS), min_size=1, max_size=2, unique=True)}),
    st.fixed_dictionaries({"nodes": selectors}),
)
_names = st.just({"domainNames": ["models.example.com", "*.example.org"]})


def _rules(version: str, actions: tuple[str, ...], *, egress: bool) -> st.SearchStrategy[list[Raw]]:
    """The rules of one direction, first to last."""
    key, field = ("to" if egress else "from"), PORTS_FIELD[version]

    def among(actions: tuple[str, ...], peers: st.SearchStrategy[Raw], ports: list[Raw]) -> st.SearchStrategy[Raw]:
        return st.fixed_dictionaries(
            {"action": st.sampled_from(actions), key: st.lists(peers, min_size=1, max_size=2)},
            optional={field: st.lists(st.sampled_from(ports), min_size=1, max_size=2)},
        )

    inside = _subjects[version]
    kinds = [among(actions, inside, NUMBERED[version] + NAMED[version] * 20)] * 3
    # A field of a later version, alone or beside peers that are known.
    kinds.append(among(actions, st.just({"later": {}}) | inside, NUMBERED[version]))
    if egress:
        kinds += [among(actions, inside | _outside, NUMBERED[version])] * 3
        kinds.append(among(actions[:1], _outside | _names, NUMBERED[version]))
    return st.lists(st.one_of(kinds), min_size=1, max_size=3)


def _policies(version: str, kind: str, name: str, actions: tuple[str, ...], more: Raw) -> st.SearchStrategy[Raw]:
    return st.builds(
        lambda spec: {
            "apiVersion": f"{GROUP}/{version}", "kind": kind, "metadata": {"name": name}, "spec": spec,
        },
        st.fixed_dictionaries(
            {"subject": _subjects[version], **more},
            optional={
                "ingress": _rules(version, actions, egress=False),
                "egress": _rules(version, actions, egress=True),
            },
        ),
    )  # fmt: skip


_priority = {"priority": st.sampled_from((1, 1, 1, 0, 1000))}
_admin = [_policies("v1alpha1", "AdminNetworkPolicy", f"a{n}", ACTIONS["v1alpha1"], _priority) for n in range(3)]
_baseline = _policies("v1alpha1", "BaselineAdminNetworkPolicy", "default", ("Allow", "Deny"), {})
_tier = {"tier": st.sampled_from(("Admin", "Admin", "Baseline"))}
_cluster = [
    _policies("v1alpha2", "ClusterNetworkPolicy", f"c{n}", ACTIONS["v1alpha2"], _tier | _priority) for n in range(4)
]
#: The kinds of one version at a time: how the two share a tier is written nowhere.
_few = [st.tuples(*_admin[:1]), st.tuples(_baseline), st.tuples(*_cluster[:1]), st.tuples(*_admin[:1], _baseline)]
_many = [st.tuples(*_admin, _baseline), st.tuples(*_cluster[:3]), st.tuples(*_cluster)]
_tiered = st.one_of(*_few, *_many * 3)


@st.composite
def tiered_worlds(draw: st.DrawFn) -> list[Raw]:
    """A cluster with policies of all tiers.

    Its nodes are all known, as their labels can decide.
    """
    rest = [each for each in draw(worlds()) if each["kind"] != "Node"]
    return [*nodes(tuple(NODES)), *rest, *draw(_tiered)]
