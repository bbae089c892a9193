"""Policies by name."""

from __future__ import annotations

import pytest

from console.errors import UnknownEnd, UsageError
from console.objects.meta import ObjectRef
from console.policy.explain_names import parse_policy
from tests.clusters import document, namespace, policy, snapshot

SMALL = namespace("a") + namespace("b")
TIERED = "policy.networking.k8s.io"
ANP = document(
    {
        "apiVersion": f"{TIERED}/v1alpha1",
        "kind": "AdminNetworkPolicy",
        "metadata": {"name": "lockdown"},
        "spec": {"priority": 1, "subject": {"namespaces": {}}},
    }
)
CNP = document(
    {
        "apiVersion": f"{TIERED}/v1alpha2",
        "kind": "ClusterNetworkPolicy",
        "metadata": {"name": "x"},
        "spec": {"tier": "Admin", "priority": 1, "subject": {"namespaces": {}}},
    }
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("b/p", ObjectRef("NetworkPolicy", "b", "p")),
        ("b/netpol/p", ObjectRef("NetworkPolicy", "b", "p")),
        ("anp/lockdown", ObjectRef("AdminNetworkPolicy", "", "lockdown")),
        ("AdminNetworkPolicy/lockdown", ObjectRef("AdminNetworkPolicy", "", "lockdown")),
        ("cnp/x", ObjectRef("ClusterNetworkPolicy", "", "x")),
        ("cnp/own", ObjectRef("NetworkPolicy", "cnp", "own")),
    ],
)
def test_policies_by_name(text: str, expected: ObjectRef):
    own = policy("b", "p", "{podSelector: {}}") + policy("cnp", "own", "{podSelector: {}}")
    assert parse_policy(text, snapshot(SMALL + own + ANP + CNP)) == expected


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("b/defualt-deny", "b/default-deny"),
        ("bb/default-deny", "b/default-deny"),
        ("default-deny", "b/default-deny"),
        ("anp", "adminnetworkpolicy/lockdown"),
        ("anp/lockdwn", "adminnetworkpolicy/lockdown"),
    ],
)
def test_a_name_of_no_policy_tells_the_nearest(text: str, nearest: str):
    cluster = snapshot(SMALL + policy("b", "default-deny", "{podSelector: {}}") + ANP)
    with pytest.raises(UnknownEnd) as told:
        parse_policy(text, cluster)
    assert nearest in told.value.nearest
    assert nearest in told.value.hint


@pytest.mark.parametrize("text", ["", "/", "a/", "a/b/c/d", "b/deployment/x"])
def test_what_has_no_form_of_a_name_is_refused_with_the_forms(text: str):
    with pytest.raises(UsageError, match="NAMESPACE/NAME"):
        parse_policy(text, snapshot(SMALL))
