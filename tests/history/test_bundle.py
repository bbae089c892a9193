"""The container of evidence: the same bytes for the same contents, and no byte that can be changed unseen."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from console.errors import InputError
from console.history.bundle import SIGNATURE, SUMS, pack, unpack
from console.history.signing import signer, verifier

CONTENTS = {"objects.json": b'{"pods": []}', "audit.json": b"{}", "report.html": "<p>● ok</p>".encode()}


def test_what_was_packed_is_unpacked_in_any_order_of_packing():
    data = pack(CONTENTS)
    assert data == pack(dict(reversed(CONTENTS.items())))
    assert unpack(data).contents == CONTENTS


def test_the_sums_are_those_that_sha256sum_reads(tmp_path: Path):
    with zipfile.ZipFile(io.BytesIO(pack(CONTENTS))) as archive:
        archive.extractall(tmp_path)
    for name, data in CONTENTS.items():
        assert f"{hashlib.sha256(data).hexdigest()}  {name}" in (tmp_path / SUMS).read_text()
    done = subprocess.run(["sha256sum", "--check", "--strict", SUMS], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@given(st.data())
def test_no_byte_can_be_changed_added_or_cut_off_unseen(data: st.DataObject):
    packed = bytearray(pack(CONTENTS, lambda sums: hashlib.sha512(sums).digest()))
    place = data.draw(st.integers(0, len(packed) - 1))
    how = data.draw(st.sampled_from(["flip", "cut", "add", "put"]))
    if how == "flip":
        packed[place] ^= 1 << data.draw(st.integers(0, 7))
    elif how == "cut":
        del packed[place:]
    elif how == "put":
        packed.insert(place, 0)
    else:
        packed += b"\0"
    with pytest.raises(InputError):
        unpack(bytes(packed))


def test_what_was_changed_is_named():
    whole = pack(CONTENTS)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    for change, told in (
        ({"audit.json": b"[]"}, "audit.json is not what its sum says"),
        ({"audit.json": None}, "audit.json is not in it"),
        ({"more.txt": b""}, "more.txt was added"),
    ):
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w") as archive:
            for name, data in {**files, **change}.items():
                if data is not None:
                    archive.writestr(name, data)
        with pytest.raises(InputError) as caught:
            unpack(written.getvalue())
        assert told in caught.value.hint


def test_files_of_other_kinds_are_no_bundles():
    compressed = io.BytesIO()
    with zipfile.ZipFile(compressed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"a" * 10_000_000)
    for data in (b"", b"PK", b"apiVersion: v1", compressed.getvalue()):
        with pytest.raises(InputError):
            unpack(data)


def test_a_signature_is_of_one_key_and_of_these_contents(tmp_path: Path):
    mine, other = (_key(tmp_path / name) for name in ("mine.pem", "other.pem"))
    bundle = unpack(pack(CONTENTS, signer(str(mine))))
    assert bundle.signature is not None
    for key, right in ((mine, True), (mine.with_suffix(".pub"), True), (other.with_suffix(".pub"), False)):
        assert verifier(str(key))(bundle.sums, bundle.signature) is right
    changed = unpack(pack({**CONTENTS, "audit.json": b"[]"}))
    assert not verifier(str(mine))(changed.sums, bundle.signature)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to read the signature with")
def test_openssl_reads_the_signature(tmp_path: Path):
    key = _key(tmp_path / "key.pem")
    with zipfile.ZipFile(io.BytesIO(pack(CONTENTS, signer(str(key))))) as archive:
        archive.extractall(tmp_path)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pub", "-rawin", "-in", SUMS]
    done = subprocess.run([*command, "-sigfile", SIGNATURE], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_file_that_holds_no_such_key_is_named(tmp_path: Path):
    rsa = tmp_path / "rsa.pem"
    rsa.write_bytes(generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    text = tmp_path / "text.pem"
    text.write_text("not a key")
    for path in (rsa, text, tmp_path / "absent.pem"):
        with pytest.raises(InputError) as caught:
            signer(str(path))
        assert path.name in caught.value.message
        with pytest.raises(InputError):
            verifier(str(path))


def _key(path: Path) -> Path:
    key = Ed25519PrivateKey.generate()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.with_suffix(".pub").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path
