"""The rig itself: what the tests build on is there, and is what it says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import urllib3

from . import objects
from .binaries import BuildFailed, Missing, find
from .rig import ControlPlane, until


def test_the_server_says_its_own_version(cluster: ControlPlane) -> None:
    version = cluster.server.admin.get("/version").json
    assert version["gitVersion"].startswith(f"v{version['major']}.{version['minor'].rstrip('+')}.")


def test_pods_have_phase_and_addresses(cluster: ControlPlane) -> None:
    admin = cluster.server.admin
    objects.add_namespace(admin, "rig-pods")
    objects.add_pod(admin, "rig-pods", objects.pod("one", {"app": "one"}), "10.1.0.1", phase="Pending")
    served = admin.get("/api/v1/namespaces/rig-pods/pods/one").json
    assert (served["status"]["phase"], served["status"]["podIP"]) == ("Pending", "10.1.0.1")


def test_users_may_only_what_they_were_granted(cluster: ControlPlane) -> None:
    admin = cluster.server.admin
    objects.add_namespace(admin, "rig-rbac")
    objects.bind(admin, "prober", [objects.rule("core", "pods", "list")], where="rig-rbac")
    prober = cluster.server.as_user("prober")
    until("the grant holds", lambda: prober.ask("GET", "/api/v1/namespaces/rig-rbac/pods").status == 200)
    assert prober.ask("GET", "/api/v1/pods").status == 403
    assert prober.ask("GET", "/api/v1/namespaces/rig-rbac/secrets").status == 403


def test_what_users_ask_is_recorded_and_what_the_rig_asks_is_not(cluster: ControlPlane) -> None:
    cluster.server.admin.get("/api/v1/nodes")
    cluster.server.as_user("nobody", headers={"User-Agent": "rig-probe"}).ask("GET", "/api/v1/secrets")
    recorded = until(
        "the refused read is recorded",
        lambda: [each for each in cluster.server.audit() if each.get("userAgent") == "rig-probe"],
    )
    assert {each["verb"] for each in recorded} == {"list"}
    assert {each["objectRef"]["resource"] for each in recorded} == {"secrets"}
    assert "rig-admin" not in {each["user"]["username"] for each in cluster.server.audit()}


def test_objects_put_into_etcd_are_served_like_created_ones(cluster: ControlPlane) -> None:
    admin = cluster.server.admin
    objects.add_namespace(admin, "rig-bulk")
    objects.add_pod(admin, "rig-bulk", objects.pod("made", {"app": "bulk"}, ports={"http": 80}), "10.1.1.1")
    made = admin.get("/api/v1/namespaces/rig-bulk/pods/made").json
    with admin.watch("/api/v1/namespaces/rig-bulk/pods", resourceVersion=made["metadata"]["resourceVersion"]) as events:
        names = (("rig-bulk", f"copy-{number}", f"10.1.1.{number + 2}") for number in range(3))
        cluster.etcd.put(objects.stored_copies(made, names))
        told = sorted(next(events)["object"]["metadata"]["name"] for _ in range(3))
    assert told == ["copy-0", "copy-1", "copy-2"]
    copy = admin.get("/api/v1/namespaces/rig-bulk/pods/copy-1").json
    assert copy["spec"] == made["spec"]
    assert copy["status"]["podIP"] == "10.1.1.3"
    assert copy["metadata"]["uid"] != made["metadata"]["uid"]


def test_a_killed_server_comes_back_on_its_data_with_new_tokens(own_cluster: ControlPlane) -> None:
    server = own_cluster.server
    objects.add_namespace(server.admin, "kept")
    before = server.as_user("nobody")
    server.kill()
    with pytest.raises(urllib3.exceptions.HTTPError):
        before.ask("GET", "/version")
    server.rotate("nobody")
    server.start()
    assert server.admin.get("/api/v1/namespaces/kept").json["metadata"]["name"] == "kept"
    assert before.ask("GET", "/version").status == 401
    assert server.as_user("nobody").ask("GET", "/version").status == 200


def test_our_own_build_ends_with_the_test_run(own_cluster: ControlPlane, programs: object) -> None:
    process = own_cluster.server.process
    assert process
    if "built" not in str(programs):
        pytest.skip("only our own build follows its standard input")
    process.close_pipe()
    until("the server ended by itself", lambda: not process.running)


def test_without_programs_and_without_go_the_reason_is_told(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="no Go to build them"):
        find({"PATH": str(tmp_path)})
    with pytest.raises(BuildFailed, match=r"KUBEBUILDER_ASSETS=.* holds no etcd"):
        find({"PATH": os.environ["PATH"], "KUBEBUILDER_ASSETS": str(tmp_path)})


def test_programs_given_are_taken_before_anything_is_built(tmp_path: Path) -> None:
    for name in ("etcd", "kube-apiserver"):
        (tmp_path / name).touch(mode=0o755)
    assert find({"PATH": "", "KUBEBUILDER_ASSETS": str(tmp_path)}).etcd == (str(tmp_path / "etcd"),)
    assert find({"PATH": str(tmp_path)}).origin == "PATH"
