"""Misspelt fields of policies: an API server drops them without a word, and the policy means something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from console.cluster.manifests import read
from console.objects.diagnostics import Severity
from console.objects.fields import unknown_fields
from tests.policy.asking import unhurried
from tests.policy.strategies import Raw, policies
from tests.policy.strategies_tiers import tiered_worlds

few = settings(unhurried, max_examples=30)


@pytest.mark.parametrize(("spec", "path", "meant"), [
    ("{podSelectors: {}}", ("podSelectors",), "podSelector"),
    ("{podSelector: {matchLabel: {a: b}}}", ("podSelector", "matchLabel"), "matchLabels"),
    ("{podSelector: {}, ingress: [{form: []}]}", ("ingress", 0, "form"), "from"),
    ("{podSelector: {}, ingress: [{}, {to: []}]}", ("ingress", 1, "to"), ""),
    ("{podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, excepts: []}}]}]}",
     ("egress", 0, "to", 0, "ipBlock", "excepts"), "except"),
    ("{podSelector: {}, egress: [{ports: [{endport: 90}]}]}", ("egress", 0, "ports", 0, "endport"), "endPort"),
])  # fmt: skip
def test_a_field_that_does_not_exist_is_named_with_the_one_that_was_meant(
    spec: str, path: tuple[str | int, ...], meant: str
) -> None:
    assert list(unknown_fields({"spec": yaml.safe_load(spec)})) == [(("spec", *path), meant)]


@pytest.mark.parametrize(("kind", "spec", "path", "meant"), [
    ("AdminNetworkPolicy", "{subject: {namespaces: {matchLabel: {}}}}",
     ("subject", "namespaces", "matchLabel"), "matchLabels"),
    ("AdminNetworkPolicy", "{egress: [{port: []}]}", ("egress", 0, "port"), "ports"),
    ("ClusterNetworkPolicy", "{ingress: [{protocol: []}]}", ("ingress", 0, "protocol"), "protocols"),
    ("BaselineAdminNetworkPolicy", "{priority: 5}", ("priority",), ""),
])  # fmt: skip
def test_those_of_cluster_scoped_policies_are_named_too(
    kind: str, spec: str, path: tuple[str | int, ...], meant: str
) -> None:
    assert list(unknown_fields({"kind": kind, "spec": yaml.safe_load(spec)})) == [(("spec", *path), meant)]


@few
@given(policies("np"))
def test_a_valid_policy_has_none(raw: Raw) -> None:
    assert list(unknown_fields(raw)) == []


@few
@given(tiered_worlds())
def test_valid_policies_of_all_tiers_have_none(objects: list[Raw]) -> None:
    found = [each for raw in objects if raw["kind"].endswith("Policy") for each in unknown_fields(raw)]
    assert found == []


@pytest.mark.parametrize("spec", [None, [], "x", {"ingress": 7}, {"podSelector": [None]}])
def test_what_is_no_policy_at_all_has_none(spec: Any) -> None:
    assert list(unknown_fields({"spec": spec})) == []


def test_manifests_warn_of_it_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "np.yaml").write_text(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec:\n"
        "  podSelector:\n    matchLabel: {app: web}\n"
    )
    (told,) = read([str(tmp_path)]).diagnostics
    assert (told.severity, told.line, told.path) == (Severity.WARNING, 6, "spec.podSelector.matchLabel")
    assert "matchLabels may be meant" in told.message
