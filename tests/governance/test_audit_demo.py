"""The default charter on the demo: the planted faults, each with its pair and policy, and nothing that is not there."""

from __future__ import annotations

import pytest

from console.governance.findings import Audit, Status
from console.policy.verdict import Outcome
from tests.governance.auditing import asked, audited, demo, pairs, rule

NO_INTERNET = "training never reaches the internet"
TRAINERS = ("training/pytorchjob/llm-finetune", "internet")


@pytest.fixture(scope="module")
def now() -> Audit:
    return audited(demo(0))


def test_each_offence_is_what_the_engine_says_of_its_question(now: Audit) -> None:
    """One meaning of a rule: what is told of all pairs is what `simulate` tells of one."""
    told = [(offence, each.name) for each in now.rules for offence in each.offences if offence.ports]
    assert len(told) > 50
    for offence, name in told:
        assert asked(demo(0), offence) is offence.outcome, (name, offence)


def test_deciding_policies_exist_and_are_named_in_why(now: Audit) -> None:
    for each in now.rules:
        for offence in each.offences:
            for ref in offence.policies:
                assert demo(0).policy(ref) is not None
            assert offence.why


@pytest.mark.parametrize(
    ("name", "source", "destination", "policy"),
    [
        # 1. Kubeflow's policies have no egress rule: its operators reach the internet.
        ("deny-egress", "kubeflow/deployment/training-operator", "internet", ""),
        # 2. A policy on ml-pipeline blocks the API server's call to its webhook.
        ("the API server reaches webhooks", "internet", "pipelines/deployment/ml-pipeline", "ml-pipeline"),
        # 3. ml-pipeline admits every profile namespace, on every port.
        (
            "nothing outside training and pipelines reaches train-data",
            "notebooks/deployment/hub",
            "pipelines/deployment/ml-pipeline",
            "ml-pipeline",
        ),
        # 4. A policy selects a label that only a mesh sets: Weaviate is open.
        ("policies-select", "internet", "namespace:vector-db", "weaviate-from-mesh"),
        ("deny-ingress", "internet", "vector-db/statefulset/weaviate", ""),
        # 5. JupyterHub's defaults: notebooks reach the internet, the hub the metadata address.
        ("only gateways reach external APIs", "notebooks/pod/jupyter-ana", "internet", "singleuser"),
        ("metadata", "notebooks/deployment/hub", "metadata", "hub"),
        # 6. A policy shipped by a chart isolates every other pod of its namespace.
        ("services-reachable", "internet", "registry/deployment/model-registry", "postgresql"),
        # 7. Egress denied without a thought of DNS.
        ("dns", "vector-db/statefulset/qdrant", "kube-system/deployment/coredns", "default-deny-egress"),
        # 8. A canary whose labels differ from its siblings'.
        ("replicas-alike", "gateway/deployment/litellm", "serving/deployment/embedder", "engines"),
    ],
)
def test_each_planted_fault_is_found(now: Audit, name: str, source: str, destination: str, policy: str) -> None:
    result = rule(now, name)
    assert result.status is Status.FAIL
    (offence,) = (each for each in result.offences if (each.source, each.destination) == (source, destination))
    assert policy in {ref.name for ref in offence.policies} if policy else not offence.policies


def test_what_holds_is_said_to_hold(now: Audit) -> None:
    held = {each.name for each in now.rules if each.status is Status.PASS}
    assert held == {
        NO_INTERNET,
        "training reads the feature store",
        "serving logs to the internal collector",
        "serving never reaches outside storage",
    }
    assert all(each.pairs for each in now.rules)


def test_the_internet_opens_to_training_by_a_label_and_closes_again(now: Audit) -> None:
    assert TRAINERS not in pairs(rule(now, NO_INTERNET))
    opened = rule(audited(demo(40)), NO_INTERNET)
    assert opened.status is Status.FAIL
    (offence,) = opened.offences
    assert (offence.source, offence.destination) == TRAINERS
    assert [ref.name for ref in offence.policies] == ["model-hub-egress"]
    assert asked(demo(40), offence) is Outcome.ALLOWED
    assert TRAINERS not in pairs(rule(audited(demo(100)), NO_INTERNET))


def test_unlabelled_ai_workloads_are_one_finding_for_each_namespace_and_role(now: Audit) -> None:
    (found,) = (finding for finding in now.findings if finding.code == "AI_WORKLOAD_UNLABELLED")
    assert str(found.object) == "Namespace notebooks"
    assert found.title.startswith("6 workloads taken for notebook")
    named = [fact.partition(":")[0] for fact in found.evidence]
    assert named == ["daemonset/continuous-image-puller", "deployment/hub", "pod/jupyter-ana", *named[3:]]
    assert found.evidence[-1] == "and 1 more"


def test_the_audit_counts_what_it_looked_at(now: Audit) -> None:
    snapshot = demo(0)
    assert now.pods == sum(1 for pod in snapshot.pods() if not pod.finished)
    assert now.policies == sum(1 for _ in snapshot.policies())
    assert now.workloads == sum(1 for each in snapshot.workloads() if each.active)
