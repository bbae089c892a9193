"""``evidence`` and ``evidence verify``: what is written holds, and what was changed does not."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from console.cli import main
from console.history.bundle import pack, unpack
from tests.clusters import namespace, pod, policy
from tests.history.changing import BEGIN, Changing, Rig
from tests.history.changing import pod as kept

CLUSTER = (
    namespace("train")
    + namespace("store")
    + pod("train", "job", "10.0.0.1", role="training")
    + pod("store", "db", "10.0.0.2", app="db")
    + policy("train", "deny", "{podSelector: {}, policyTypes: [Egress]}")
)
CHARTER = """
charter: mine
rules:
  - {name: training stays inside, from: "namespace:train", never: internet}
exceptions: []
"""
FLAGS = ("--charter", "charter.yaml", "--today", "2026-11-23", "--manifests", "cluster.yaml")
Files = dict[str, bytes]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("cluster.yaml").write_text(CLUSTER)
    Path("charter.yaml").write_text(CHARTER)
    return tmp_path


def write(*more: str, file: str = "proof.zip") -> bytes:
    assert main(["evidence", "-o", file, *FLAGS, *more]) == 0
    return Path(file).read_bytes()


def test_what_was_written_holds_and_is_the_same_to_the_byte_each_time(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write("--ask", "store/db internet 443/TCP")
    assert write("--ask", "store/db internet 443/TCP", file="again.zip") == data
    capsys.readouterr()
    assert main(["evidence", "verify", "proof.zip"]) == 0
    told = capsys.readouterr()
    assert "✓ proof.zip holds" in told.out
    assert "it is not signed" in told.err


def test_it_holds_the_verdicts_with_their_traces_and_what_was_asked(folder: Path) -> None:
    contents = unpack(write("--ask", "store/db internet 443/TCP")).contents
    verdicts = [json.loads(line) for line in contents["verdicts.jsonl"].splitlines()]
    said = {(each["source"], each["destination"]): each["verdict"] for each in verdicts}
    assert said["train/pod/job", "internet"]["outcome"] == "blocked"
    assert said["train/pod/job", "internet"]["egress"]["isolated_by"]
    assert said["store/db", "internet"]["outcome"] == "allowed"
    (rule,) = json.loads(contents["audit.json"])["rules"]
    assert (rule["name"], rule["status"]) == ("training stays inside", "pass")
    assert contents["charter.yaml"].decode() == CHARTER
    assert b"<html" in contents["report.html"].lower()


def test_of_a_recording_it_is_the_same_whatever_the_time_zone_and_the_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = Path("kept/here.rec")
    recorded.parent.mkdir()
    rig = Rig(recorded, Changing(kept("a", app="web")))
    rig.tick(BEGIN)
    rig.end(BEGIN + 60)
    flags = ("--charter", "charter.yaml", "--today", "2026-11-23", "--at", "end")
    found = []
    try:
        for zone, path in (("UTC0", recorded), ("JST-9", recorded.absolute())):
            with monkeypatch.context() as patched:
                patched.setenv("TZ", zone)
                time.tzset()
                assert main(["evidence", "-o", "proof.zip", *flags, "--recording", str(path)]) == 0
            found.append(Path("proof.zip").read_bytes())
    finally:
        time.tzset()
    facts = json.loads(unpack(found[0]).contents["facts.json"])
    assert facts["source"] == "here.rec"
    assert facts["moment"].endswith("Z")
    assert found[0] == found[1]


def test_exceptions_of_a_recording_are_held_against_its_own_day(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rig = Rig(Path("here.rec"), Changing(kept("job", namespace="train")))
    rig.tick(BEGIN)
    rig.end(BEGIN + 60)
    excepted = "[{rule: training stays inside, from: 'namespace:train', owner: me, reason: why, until: %s}]"
    recorded_on = "2027-01-15"
    for until, said, status in ((recorded_on, "excepted", 0), ("2027-01-14", "fail", 1)):
        Path("charter.yaml").write_text(CHARTER.replace("[]", excepted % until))
        flags = ("--charter", "charter.yaml", "--recording", "here.rec", "--at", "end")
        assert main(["evidence", "-o", f"{until}.zip", *flags]) == 0
        (rule,) = json.loads(unpack(Path(f"{until}.zip").read_bytes()).contents["audit.json"])["rules"]
        capsys.readouterr()
        assert main(["audit", "-o", "json", "--fail-on", "fail", *flags]) == status
        (also,) = json.loads(capsys.readouterr().out)["rules"]
        assert (rule["status"], also["status"]) == (said, said)


def test_what_was_laid_over_and_read_beside_is_told(folder: Path) -> None:
    Path("more.yaml").write_text(namespace("more"))
    Path("open.yaml").write_text(policy("train", "deny", "{podSelector: {}, policyTypes: [Ingress]}"))
    facts = json.loads(unpack(write("more.yaml", "--overlay", "open.yaml")).contents["facts.json"])
    assert facts["source"] == "cluster.yaml +1 + overlay"


def test_nothing_secret_is_in_it(folder: Path) -> None:
    spec = """---
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: store, annotations: {token: hunter2-a}}
spec: {containers: [{name: c, image: i, env: [{name: PASSWORD, value: hunter2-b}], args: [--key=hunter2-c]}]}
status: {podIP: 10.0.0.9}
---
apiVersion: v1
kind: Secret
metadata: {name: s, namespace: store}
stringData: {key: hunter2-d}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: n, namespace: store, annotations: {note: hunter2-e}}
spec: {podSelector: {}}
"""
    Path("cluster.yaml").write_text(CLUSTER + spec)
    assert b"hunter2" not in write()


def edited(data: bytes, change: Callable[[Files], None]) -> bytes:
    """The bundle as somebody would make it who changed a file and made new sums."""
    files = dict(unpack(data).contents)
    change(files)
    return pack(files)


def swapped_verdict(files: Files) -> None:
    line = files["verdicts.jsonl"]
    files["verdicts.jsonl"] = line.replace(b'"outcome":"blocked"', b'"outcome":"allowed"')


def swapped_status(files: Files) -> None:
    files["audit.json"] = files["audit.json"].replace(b'"pass"', b'"fail"')


def removed_policy(files: Files) -> None:
    objects = json.loads(files["objects.json"])
    objects["policies"] = []
    files["objects.json"] = json.dumps(objects).encode()


def changed_report(files: Files) -> None:
    files["report.html"] += b"<!-- -->"


def missing_file(files: Files) -> None:
    del files["verdicts.jsonl"]


def added_file(files: Files) -> None:
    files["more.txt"] = b"more"


def no_objects(files: Files) -> None:
    del files["objects.json"]


def broken_objects(files: Files) -> None:
    files["objects.json"] = b"{"


def no_utf8(files: Files) -> None:
    files["facts.json"] = files["facts.json"].replace(b'"source":"', b'"source":"\xff', 1)


def nested_without_end(files: Files) -> None:
    files["objects.json"] = b'{"x":' + b"[" * 100_000


def verdicts_of_no_question(files: Files) -> None:
    files["verdicts.jsonl"] = b'\xff\n{"source": [{}], "port": {}}\n' + b"[" * 100_000 + b"\n"


def broken_charter(files: Files) -> None:
    files["charter.yaml"] = b"rules: ["


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (swapped_verdict, "it says allowed, the objects say blocked"),
        (swapped_status, "audit.json is not what follows"),
        (removed_policy, "audit.json is not what follows"),
        (changed_report, "report.html is not what follows"),
        (missing_file, "verdicts.jsonl is missing"),
        (added_file, "more.txt is no part of a bundle"),
        (no_objects, "it has no objects.json"),
        (broken_objects, "objects.json cannot be read"),
        (no_utf8, "facts.json cannot be read"),
        (nested_without_end, "objects.json cannot be read"),
        (verdicts_of_no_question, "verdicts.jsonl:1 is no JSON"),
        (verdicts_of_no_question, "[{}] → None {}: it says error, the objects say not asked"),
        (verdicts_of_no_question, "verdicts.jsonl:3 is no JSON"),
        (broken_charter, "charter.yaml"),
    ],
)
def test_a_bundle_changed_by_somebody_who_made_new_sums_does_not_hold(
    folder: Path, capsys: pytest.CaptureFixture[str], change: Callable[[Files], None], told: str
) -> None:
    Path("proof.zip").write_bytes(edited(write(), change))
    capsys.readouterr()
    assert main(["evidence", "verify", "proof.zip"]) == 1
    out = capsys.readouterr().out
    assert told in out
    assert "✗ proof.zip does not hold" in out


def test_one_byte_that_was_changed_does_not_hold(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = bytearray(write())
    data[data.index(b"isolated")] ^= 1
    Path("proof.zip").write_bytes(data)
    assert main(["evidence", "verify", "proof.zip"]) == 1
    assert "the bundle" in capsys.readouterr().out


def test_a_signature_is_asked_for_by_its_key(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("mine", "other"):
        key = Ed25519PrivateKey.generate()
        Path(f"{name}.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        Path(f"{name}.pub").write_bytes(public)
    write("--sign", "mine.pem")
    assert main(["evidence", "verify", "proof.zip", "--key", "mine.pub"]) == 0
    assert main(["evidence", "verify", "proof.zip", "--key", "other.pub"]) == 1
    assert "it is not signed by other.pub" in capsys.readouterr().out
    # Everything made anew by somebody without the key, and the old signature put beside it.
    with zipfile.ZipFile("proof.zip") as archive:
        signature = archive.read("SHA256SUMS.sig")
    Path("cluster.yaml").write_text(CLUSTER.replace("deny", "open-to-all"))
    Path("forged.zip").write_bytes(pack(unpack(write(file="other.zip")).contents, lambda _: signature))
    assert main(["evidence", "verify", "forged.zip"]) == 0
    assert main(["evidence", "verify", "forged.zip", "--key", "mine.pub"]) == 1
    write(file="unsigned.zip")
    assert main(["evidence", "verify", "unsigned.zip", "--key", "mine.pub"]) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["evidence"], "-o FILE"),
        (["evidence", "verify"], "verify FILE"),
        (["evidence", "verify", "absent.zip"], "absent.zip"),
        (["evidence", "verify", "cluster.yaml", "--key", "absent.pub"], "absent.pub"),
        (["evidence", "-o", "x.zip", "--ask", "a b", *FLAGS], "SRC DST PORT"),
        (["evidence", "-o", "x.zip", "--ask", "train/jib internet 443", *FLAGS], "train/jib"),
        (["evidence", "-o", "no/such/folder/x.zip", *FLAGS], "cannot be written"),
        (["evidence", "-o", "x.zip", "--sign", "absent.pem", *FLAGS], "absent.pem"),
        (["evidence", "-o", "x.zip", "--charter", "absent.yaml", "--manifests", "cluster.yaml"], "absent.yaml"),
        (["evidence", "-o", "x.zip", *FLAGS, "--today", "soon"], "soon"),
    ],
)
def test_what_cannot_be_done_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert main(arguments) == 2
    assert told in capsys.readouterr().err
    assert not Path("x.zip").exists()


def test_what_could_not_be_read_is_told_when_it_is_made_and_by_who_verifies(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("cluster.yaml").write_text(CLUSTER + "---\nkind: NetworkPolicy\napiVersion: networking.k8s.io/v1\nspec: 3\n")
    assert main(["evidence", "-o", "proof.zip", *FLAGS]) == 3
    assert "made of a part only: NetworkPolicy default/(no name) at cluster.yaml:" in capsys.readouterr().err
    assert main(["evidence", "verify", "proof.zip"]) == 0
    assert "? not read: " in capsys.readouterr().out


def test_a_bundle_is_a_zip_that_says_what_it_is(folder: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(write())) as archive:
        assert archive.testzip() is None
        readme = archive.read("README.txt").decode()
    assert "evidence verify" in readme
    assert "1 PASS" in readme
