"""Manifests as a source: what is kept, what is refused and why, and what is not known for it."""

from __future__ import annotations

import gc
import io
import json
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from console.cluster.load import load
from console.cluster.manifests import ManifestSource, Reading, read
from console.cluster.source import State, Update
from console.errors import ClusterError, InputError
from console.objects.coverage import INVALID_POLICY, UNPARSED
from console.objects.diagnostics import Severity
from console.objects.meta import ObjectRef, OwnerRef
from console.objects.selectors import LabelSelector
from console.objects.yaml_text import locate


def pod(name: str, namespace: str | None = None, owner: tuple[str, str] | None = None, **labels: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "labels": labels}
    if namespace:
        metadata["namespace"] = namespace
    if owner:
        metadata["ownerReferences"] = [
            {"apiVersion": "apps/v1", "kind": owner[0], "name": owner[1], "controller": True}
        ]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}


def workload(kind: str, name: str, version: str = "apps/v1", **labels: str) -> dict[str, Any]:
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "i"}]}}
    spec = {"jobTemplate": {"spec": {"template": template}}} if kind == "CronJob" else {"template": template}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def policy(name: str, spec: object = None, namespace: str = "training") -> dict[str, Any]:
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec or {}}


def reading(tmp_path: Path, *documents: Any) -> Reading:
    """Read documents, given as values or as text, from a file."""
    texts = [document if isinstance(document, str) else yaml.safe_dump(document) for document in documents]
    (tmp_path / "all.yaml").write_text("---\n".join(texts))
    return read([str(tmp_path)])


def names(found: Reading) -> list[str]:
    return sorted(f"{pod.namespace}/{pod.name}" for pod in found.snapshot.pods())


def test_pods_without_a_namespace_are_in_default(tmp_path: Path) -> None:
    found = reading(tmp_path, pod("a"), pod("b", "training"))
    assert names(found) == ["default/a", "training/b"]
    assert found.diagnostics == ()
    assert found.snapshot.coverage.complete


def test_policies_keep_their_own_text_and_place(tmp_path: Path) -> None:
    found = reading(tmp_path, pod("a"), "# mine\n" + yaml.safe_dump(policy("p", {"ingress": []})))
    [kept] = found.snapshot.policies()
    assert kept.text is not None
    assert kept.text.yaml is not None
    assert kept.text.yaml.startswith("# mine\n")
    whole = (tmp_path / "all.yaml").read_text()
    lines = locate(kept.text.yaml, ("spec", "ingress"))
    assert lines is not None
    assert whole.splitlines()[kept.text.line + lines[0] - 2] == "  ingress: []"


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_what_kubectl_get_prints(tmp_path: Path, form: str) -> None:
    inner = {"apiVersion": "v1", "kind": "List", "items": [pod("b"), policy("p")]}
    listed = {"apiVersion": "v1", "items": [pod("a"), inner], "kind": "List", "metadata": {"resourceVersion": ""}}
    text = yaml.safe_dump(listed) if form == "yaml" else json.dumps(listed, indent=4)
    found = reading(tmp_path, text)
    assert names(found) == ["default/a", "default/b"]
    [kept] = found.snapshot.policies()
    assert kept.text is not None
    assert (kept.text.yaml is None) == (form == "json")
    start = text.splitlines()[kept.text.line - 1]
    assert start.strip() == ("- apiVersion: networking.k8s.io/v1" if form == "yaml" else "{")


@pytest.mark.parametrize(
    ("kind", "version"),
    [
        ("Deployment", "apps/v1"),
        ("StatefulSet", "apps/v1"),
        ("DaemonSet", "apps/v1"),
        ("ReplicaSet", "apps/v1"),
        ("ReplicationController", "v1"),
        ("Job", "batch/v1"),
        ("CronJob", "batch/v1"),
        ("Rollout", "argoproj.io/v1alpha1"),
    ],
)
def test_a_workload_without_pods_stands_for_its_template(tmp_path: Path, kind: str, version: str) -> None:
    found = reading(tmp_path, workload(kind, "w", version, app="x"))
    [made] = found.snapshot.pods()
    assert (made.template, made.labels) == (True, {"app": "x"})
    assert [each.ref for each in found.snapshot.workloads()] == [ObjectRef(kind, "default", "w")]


def test_a_workload_with_pods_adds_none(tmp_path: Path) -> None:
    replica_set = workload("ReplicaSet", "w-5d4f")
    replica_set["metadata"]["ownerReferences"] = [{"kind": "Deployment", "name": "w", "controller": True}]
    pods = pod("w-5d4f-1", owner=("ReplicaSet", "w-5d4f"))
    # In any order: the pod may come before or after what owns it.
    for documents in (
        [workload("Deployment", "w"), replica_set, pods],
        [pods, replica_set, workload("Deployment", "w")],
    ):
        found = reading(tmp_path, *documents)
        assert names(found) == ["default/w-5d4f-1"]
        assert [each.ref for each in found.snapshot.workloads()] == [ObjectRef("Deployment", "default", "w")]


def test_replica_sets_that_are_not_read_are_told_by_their_pods_labels(tmp_path: Path) -> None:
    member = pod("w-5d4f-1", owner=("ReplicaSet", "w-5d4f"), **{"pod-template-hash": "5d4f"})
    assert names(reading(tmp_path, workload("Deployment", "w"), member)) == ["default/w-5d4f-1"]


def test_a_job_that_has_ended_makes_no_pod_any_more(tmp_path: Path) -> None:
    job = workload("Job", "done", "batch/v1")
    job["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}
    assert names(reading(tmp_path, job, pod("a"))) == ["default/a"]


def test_workloads_and_pods_of_one_name_stay_apart(tmp_path: Path) -> None:
    found = reading(tmp_path, workload("Deployment", "w", a="1"), workload("StatefulSet", "w", a="2"), pod("w", a="3"))
    assert sorted(each.labels["a"] for each in found.snapshot.pods()) == ["1", "2", "3"]
    real = found.snapshot.pod("default", "w")
    assert real is not None
    assert not real.template
    assert {each.owner for each in found.snapshot.pods()} == {
        OwnerRef("Deployment", "w", "apps/v1"),
        OwnerRef("StatefulSet", "w", "apps/v1"),
        None,
    }


def test_of_an_object_given_twice_the_last_counts_and_both_places_are_named(tmp_path: Path) -> None:
    found = reading(tmp_path, pod("a", app="1"), pod("b"), pod("a", app="2"))
    kept = found.snapshot.pod("default", "a")
    assert kept is not None
    assert kept.labels == {"app": "2"}
    [told] = found.diagnostics
    assert told.severity is Severity.WARNING
    file = tmp_path / "all.yaml"
    assert (told.line, told.message, told.hint) == (14, "given twice; this one counts", f"the one at {file}:1 does not")


def test_objects_of_one_name_in_different_groups_are_different(tmp_path: Path) -> None:
    knative = workload("Service", "s", "serving.knative.dev/v1")
    core = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
    assert reading(tmp_path, core, knative).diagnostics == ()


def test_a_flood_of_the_same_is_counted(tmp_path: Path) -> None:
    found = reading(tmp_path, *[pod("a")] * 101)
    assert len(found.diagnostics) == 21
    assert found.diagnostics[-1].message == "80 more: given twice; this one counts"


def test_kinds_that_decide_nothing_are_counted_and_not_kept(tmp_path: Path) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"key": "aHVudGVyMg=="}}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    found = reading(tmp_path, secret, config, config, pod("a"))
    assert found.unused == {"Secret": 1, "ConfigMap": 2}
    assert found.diagnostics == ()
    assert "aHVudGVyMg" not in repr(found)


def test_kinds_nobody_knows_are_named_with_their_numbers(tmp_path: Path) -> None:
    own = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}]
    own.append({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r"}})
    crds = [{"apiVersion": f"g{number}.io/v1", "kind": f"K{number}", "metadata": {"name": "x"}} for number in range(10)]
    [told] = reading(tmp_path, pod("a"), *own, *crds, crds[7]).diagnostics
    assert told.severity is Severity.NOTE
    assert "left out: 2 K7.g7.io, 1 K0.g0.io, 1 K1.g1.io," in told.message
    assert told.message.endswith(" and 2 of 2 more kinds")


@pytest.mark.parametrize(
    "data", ["{key: !!int hunter2}", "{key: 1, key: hunter2}", "[hunter2", "'hunter2\n", "\n\thunter2: 1"]
)
def test_a_broken_secret_is_told_without_what_is_in_it(tmp_path: Path, data: str) -> None:
    found = reading(tmp_path, pod("a"), f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\ndata: {data}\n")
    assert found.diagnostics
    assert "hunter2" not in repr(found)
    assert found.snapshot.coverage.complete


@pytest.mark.parametrize(
    ("document", "line", "path", "message"),
    [
        ("spec: {policyTypes: Ingress}", 4, "spec.policyTypes", "must be a list, is a string"),
        (
            "spec:\n  ingress:\n  - from:\n    - podSelector: []",
            7,
            "spec.ingress[0].from[0].podSelector",
            "must be a mapping",
        ),
        (
            "spec:\n  podSelector:\n    matchLabels:\n      role: yes",
            7,
            "spec.podSelector.matchLabels[role]",
            "quote it",
        ),
        (
            "spec:\n  podSelector:\n    matchLabels:\n      version: 1.5",
            7,
            "spec.podSelector.matchLabels[version]",
            "quote it",
        ),
        ("spec: {}\nspec: {}", 5, "spec", "the key spec is given twice"),
    ],
)
def test_a_policy_that_cannot_be_read_is_told_with_its_place(
    tmp_path: Path, document: str, line: int, path: str, message: str
) -> None:
    head = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: training}\n"
    (tmp_path / "p.yaml").write_text(head + document + "\n---\n" + yaml.safe_dump(pod("a")))
    found = read([str(tmp_path / "p.yaml")])
    assert names(found) == ["default/a"]
    [told] = found.diagnostics
    assert (told.severity, told.line, told.path) == (Severity.ERROR, line, path)
    assert message in told.message
    assert told.ref == ObjectRef("NetworkPolicy", "training", "p")
    [gap] = found.snapshot.coverage.gaps
    assert (gap.code, gap.resource, gap.ref) == (INVALID_POLICY, "networkpolicies", told.ref)
    assert gap.namespace == "training"


def gap_of(tmp_path: Path, text: str) -> Any:
    [gap] = reading(tmp_path, pod("a"), text).snapshot.coverage.gaps
    return gap


HEAD = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: training}\n"


def test_a_gap_is_narrowed_to_what_the_policy_selects(tmp_path: Path) -> None:
    gap = gap_of(tmp_path, HEAD + "spec:\n  podSelector: {matchLabels: {app: x}}\n  ingress: 1\n")
    assert gap.pod_selector == LabelSelector(match_labels={"app": "x"})


@pytest.mark.parametrize(
    "spec",
    [
        "spec:\n  podSelector: {matchLabels: {app: 1}}\n",
        "spec:\n  podSelector: {matchLabels: {app: x, app: y}}\n",
        "spec: {podSelector: {matchLabels: {app: x}}}\nspec: {podSelector: {matchLabels: {app: x}}}\n",
        "spec: 1\n",
    ],
)
def test_a_gap_is_not_narrowed_by_the_part_that_is_wrong(tmp_path: Path, spec: str) -> None:
    gap = gap_of(tmp_path, HEAD + spec)
    assert (gap.namespace, gap.pod_selector) == ("training", None)


def test_a_gap_is_cluster_wide_where_the_metadata_is_wrong(tmp_path: Path) -> None:
    head = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
    assert gap_of(tmp_path, head + "metadata: {name: p, namespace: a, namespace: b}\n").namespace is None
    assert gap_of(tmp_path, head + "metadata: {name: p, namespace: 1}\n").namespace is None


@pytest.mark.parametrize(
    ("text", "code", "resource"),
    [
        ("a: [\n", UNPARSED, "*"),
        ("kind: NetworkPolicy\nspec: [\n", UNPARSED, "*"),
        ("kind: List\nitems: [\n", UNPARSED, "*"),
        ("kind: CiliumNetworkPolicy\nspec: [\n", UNPARSED, "*"),
        ("kind: ConfigMap\n# of the NetworkPolicy\ndata: [\n", UNPARSED, "*"),
        ("kind: Pod\nspec: [\n", UNPARSED, "pods"),
        ("kind: Pod\nspec:\n  dnsPolicy: [\n", UNPARSED, "pods"),
        ("kind: Deployment\nspec:\n  containers: [\n", UNPARSED, "pods"),
        ("kind: Namespace\nmetadata: [\n", UNPARSED, "namespaces"),
        ("kind: NetworkPolicy\nmetadata: {name: p}\n", INVALID_POLICY, "networkpolicies"),
        (
            "apiVersion: extensions/v1beta1\nkind: NetworkPolicy\nmetadata: {name: p}\n",
            INVALID_POLICY,
            "networkpolicies",
        ),
        ("apiVersion: v1\nkind: Pod\nmetadata: {}\n", UNPARSED, "pods"),
        ("apiVersion: apps/v1\nkind: Deployment\nspec: {template: {spec: {containers: [1]}}}\n", UNPARSED, "pods"),
    ],
)
def test_what_is_not_known_for_want_of_a_document(tmp_path: Path, text: str, code: str, resource: str) -> None:
    gap = gap_of(tmp_path, text)
    assert (gap.code, gap.resource) == (code, resource)
    assert str(tmp_path / "all.yaml") in gap.why


@pytest.mark.parametrize(
    "kind", ["ConfigMap", "Secret", "Ingress", "CustomResourceDefinition", "ServiceAccount", "Role"]
)
def test_a_broken_document_of_a_kind_that_decides_nothing_leaves_no_gap(tmp_path: Path, kind: str) -> None:
    found = reading(tmp_path, pod("a"), f"apiVersion: v1\nkind: {kind}\ndata: [\n")
    assert len(found.diagnostics) == 1
    assert found.snapshot.coverage.complete


@pytest.mark.parametrize(
    ("spec", "line", "path", "message"),
    [
        (
            "{egress: [{ports: [\n  {port: 80, endPort: 70}]}]}",
            5,
            "spec.egress[0].ports[0].endPort",
            "must be at least port",
        ),
        (
            "{ingress: [{from:\n  [{ipBlock: {cidr: 10.0.0.0/8,\n    except: [11.0.0.0/8]}}]}]}",
            6,
            "except[0]",
            "inside the cidr",
        ),
        ("\n  podSelector:\n    matchExpressions:\n    - {key: a, operator: In}", 7, "spec.podSelector", ""),
    ],
)
def test_a_policy_that_is_not_valid_is_told_line_by_line_and_still_shown(
    tmp_path: Path, spec: str, line: int, path: str, message: str
) -> None:
    found = reading(tmp_path, f"{HEAD}spec: {spec}\n", pod("a"))
    [told] = found.diagnostics
    assert (told.severity, told.line, told.ref) == (Severity.ERROR, line, ObjectRef("NetworkPolicy", "training", "p"))
    assert path in told.path
    assert message in told.message
    assert [each.name for each in found.snapshot.policies()] == ["p"]


def test_a_policy_of_the_other_tiers_is_checked_too(tmp_path: Path) -> None:
    text = (
        "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {name: p}\n"
        "spec:\n  priority: 2000\n  subject: {namespaces: {}}\n"
    )
    [told] = reading(tmp_path, text, pod("a")).diagnostics
    assert (told.line, told.path) == (5, "spec.priority")


def test_problems_in_json_have_lines_too(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps(policy("p", {"policyTypes": ["Ingres"]}), indent=2))
    [told] = read([str(tmp_path)]).diagnostics
    assert (tmp_path / "p.json").read_text().splitlines()[told.line - 1].strip() == '"Ingres"'


def test_letters_that_only_kubernetes_takes_for_booleans_are_read_as_text_and_told(tmp_path: Path) -> None:
    # PyYAML and most other libraries write y and n without quotes.
    found = reading(tmp_path, "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: y, labels: {b: n}}\n")
    [kept] = found.snapshot.pods()
    assert (kept.namespace, kept.labels) == ("y", {"b": "n"})
    [told] = found.diagnostics
    assert (told.severity, told.hint) == (Severity.WARNING, "quote it")


def test_templates_kustomizations_and_other_yaml_are_explained(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(yaml.safe_dump(pod("a")))
    (tmp_path / "values.yaml").write_text("replicas: 1\n")
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: chart\n")
    (tmp_path / "kustomization.yaml").write_text("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n")
    (tmp_path / "policy.yaml").write_text("kind: NetworkPolicy\nmetadata:\n  name: {{ .Release.Name }}\n")
    found = read([str(tmp_path)])
    assert names(found) == ["default/a"]
    template, kustomization, strange = found.diagnostics
    assert template.severity is Severity.ERROR
    assert "template" in template.message
    assert "helm template" in template.hint
    assert kustomization.severity is strange.severity is Severity.NOTE
    assert "kubectl kustomize" in kustomization.hint
    assert "Chart.yaml" in strange.message
    assert "values.yaml" in strange.message
    assert [gap.code for gap in found.snapshot.coverage.gaps] == [UNPARSED]


def test_nothing_at_all_is_an_error_with_its_reasons(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [\n")
    with pytest.raises(InputError, match="no Kubernetes object could be read") as error:
        read([str(tmp_path)])
    assert f"{tmp_path / 'a.yaml'}:1" in error.value.hint
    (tmp_path / "a.yaml").write_text("")
    with pytest.raises(InputError) as error:
        read([str(tmp_path)])
    assert "apiVersion and kind" in error.value.hint


def test_a_bomb_or_a_deep_nest_loses_only_itself(tmp_path: Path) -> None:
    bomb = "a: &a x\nb: [" + "*a, " * 200_000 + "]\n"
    found = reading(tmp_path, pod("a"), bomb, "[" * 5_000 + "\n", pod("b"))
    assert names(found) == ["default/a", "default/b"]
    assert [told.line for told in found.diagnostics] == [8, 10]


@pytest.mark.parametrize("enabled", [True, False])
def test_reading_pauses_the_garbage_collector_and_leaves_it_as_it_was(enabled: bool) -> None:
    class Input(io.BytesIO):
        collecting: bool | None = None

        def read(self, size: int | None = -1) -> bytes:
            self.collecting = gc.isenabled()
            return super().read(size)

    stdin = Input(yaml.safe_dump(pod("a")).encode())
    if not enabled:
        gc.disable()
    try:
        read(["-"], stdin)
        assert (stdin.collecting, gc.isenabled()) == (False, enabled)
    finally:
        gc.enable()


class Taken:
    """What a source handed on."""

    def __init__(self) -> None:
        self.updates: list[Update] = []
        self.done = threading.Event()

    def __call__(self, update: Update) -> None:
        self.updates.append(update)
        if update.status.state is not State.LOADING:
            self.done.set()


def test_a_source_of_manifests_reads_once_and_is_static(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(pod("a")) + "---\nb: [\n")
    source, taken = ManifestSource([str(tmp_path)]), Taken()
    source.open(taken)
    assert taken.done.wait(10)
    source.close()
    source.close()
    assert [update.status.state for update in taken.updates] == [State.LOADING, State.STATIC]
    assert [each.name for each in taken.updates[-1].snapshot.pods()] == ["a"]
    assert len(taken.updates[-1].diagnostics) == 1


def test_a_source_that_finds_nothing_has_failed(tmp_path: Path) -> None:
    source, taken = ManifestSource([str(tmp_path / "nothing")]), Taken()
    source.open(taken)
    assert taken.done.wait(10)
    source.close()
    status = taken.updates[-1].status
    assert status.state is State.FAILED
    assert "no such file or folder" in status.hint


def test_a_source_can_be_loaded_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(pod("a")))
    update = load(ManifestSource([str(tmp_path)]), timeout=10)
    assert [each.name for each in update.snapshot.pods()] == ["a"]
    with pytest.raises(ClusterError, match="no Kubernetes object"):
        load(ManifestSource([str(tmp_path / "b.yaml")]), timeout=10)


def test_no_update_follows_close(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(pod("a")))
    source, seen = ManifestSource([str(tmp_path)]), []

    def close_at_once(update: Update) -> None:
        seen.append(update.status.state)
        source.close()

    source.close()
    source.open(close_at_once)
    for thread in threading.enumerate():
        if thread.name == "manifests":
            thread.join(10)
    assert seen == []


def test_closing_from_within_an_update_ends_it(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(pod("a")))
    source, seen = ManifestSource([str(tmp_path)]), []

    def close_at_once(update: Update) -> None:
        seen.append(update.status.state)
        source.close()

    source.open(close_at_once)
    for thread in threading.enumerate():
        if thread.name == "manifests":
            thread.join(10)
    assert seen == [State.LOADING]


@pytest.mark.parametrize(
    ("paths", "title"), [(["a/b/"], "a/b"), (["-"], "standard input"), (["x.yaml", "y.yaml", "-"], "x.yaml +2")]
)
def test_the_title_names_the_first_path(paths: list[str], title: str) -> None:
    assert ManifestSource(paths).title == title
