"""From paths to texts: whatever a path turns out to be, it is one clear message, and the rest is still read."""

from __future__ import annotations

import gzip
import io
import os
import threading
from pathlib import Path

import pytest

from console.cluster import manifests_files
from console.cluster.manifests import read
from console.cluster.manifests_files import Failure, Text, texts
from console.errors import InputError
from console.objects.coverage import UNPARSED
from console.objects.diagnostics import Severity

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: good}\n"


def only(path: Path | str) -> Text | Failure:
    [found] = texts([str(path)], None)
    return found


def failed(path: Path | str) -> Failure:
    found = only(path)
    assert isinstance(found, Failure)
    return found


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A folder with one good manifest, to which a test adds something odd."""
    (tmp_path / "good.yaml").write_text(POD)
    return tmp_path


def assert_rest_is_read(folder: Path, message: str, *, lost: bool = True) -> None:
    """The good manifest was read, the odd file is one ERROR that says so, and what it may have held is a gap."""
    reading = read([str(folder)])
    assert [pod.name for pod in reading.snapshot.pods()] == ["good"]
    [found] = reading.diagnostics
    assert message in found.message
    assert found.severity is Severity.ERROR
    assert [gap.code for gap in reading.snapshot.coverage.gaps] == [UNPARSED] * lost


def test_folders_are_read_in_order_and_below(tmp_path: Path) -> None:
    for name in ("b.yml", "a.yaml", "c.json", "sub/z.yaml", "sub/.hidden.yaml", ".git/x.yaml", "notes.txt", "D.YAML"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x: 1")
    found = [Path(each.file).relative_to(tmp_path).as_posix() for each in texts([str(tmp_path)], None)]
    assert found == ["D.YAML", "a.yaml", "b.yml", "c.json", "sub/z.yaml"]


def test_a_file_named_by_itself_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / ".kube-dump").write_text("a: 1")
    assert only(tmp_path / ".kube-dump") == Text(str(tmp_path / ".kube-dump"), "a: 1")


def test_a_file_that_several_paths_lead_to_is_read_once(good: Path) -> None:
    (good / "link.yaml").symlink_to(good / "good.yaml")
    paths = [str(good / "good.yaml"), str(good), str(good / "link.yaml"), str(good)]
    assert len(list(texts(paths, None))) == 1


def test_links_that_lead_in_circles_are_walked_once(good: Path) -> None:
    (good / "sub").mkdir()
    (good / "sub" / "up").symlink_to(good)
    (good / "sub" / "other").symlink_to(good / "sub")
    assert [each.file for each in texts([str(good)], None)] == [str(good / "good.yaml")]


def test_compressed_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml.gz").write_bytes(gzip.compress(b"a: 1\n") + gzip.compress(b"b: 2\n"))
    assert only(tmp_path).text == "a: 1\nb: 2\n"  # type: ignore[union-attr]


def test_a_damaged_compressed_file(good: Path) -> None:
    (good / "a.yaml.gz").write_bytes(gzip.compress(b"a: 1\n" * 100)[:-9])
    assert_rest_is_read(good, "is compressed, but damaged")


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_too_large_is_not_unpacked(good: Path, monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    monkeypatch.setattr(manifests_files, "MAX_BYTES", 1 << 20)
    data = b"# large\n" * (1 << 18)
    (good / "a.yaml").write_bytes(gzip.compress(data) if packed else data)
    assert_rest_is_read(good, "is larger than 1 MiB")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_text_in_a_wide_encoding_is_read_with_a_warning(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.yaml").write_bytes(POD.encode(encoding))
    reading = read([str(tmp_path)])
    assert [pod.name for pod in reading.snapshot.pods()] == ["good"]
    [found] = reading.diagnostics
    assert (found.severity, f"is {encoding.upper()} text" in found.message) == (Severity.WARNING, True)


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(POD.encode("utf-8-sig"))
    reading = read([str(tmp_path)])
    assert (len(list(reading.snapshot.pods())), reading.diagnostics) == (1, ())


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n\0\0\0", POD.encode("utf-16-le"), b"a: 1\n" * 10_000 + b"\0"])
def test_a_binary_file(good: Path, data: bytes) -> None:
    (good / "a.yaml").write_bytes(data)
    assert_rest_is_read(good, "is a binary file")


def test_a_file_that_starts_as_wide_text_and_is_none(good: Path) -> None:
    (good / "a.yaml").write_bytes(b"\xff\xfea")
    assert_rest_is_read(good, "starts as UTF-16 text, but is none")


def test_bytes_that_are_no_utf_8_lose_their_document_only(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"# ok\nkind: \xe9\n---\n" + POD.encode())
    reading = read([str(tmp_path)])
    assert [pod.name for pod in reading.snapshot.pods()] == ["good"]
    [found] = reading.diagnostics
    assert (found.line, found.message) == (2, "the byte 0xE9 is no UTF-8")


def test_a_missing_path_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "manifests").mkdir()
    found = failed(tmp_path / "manifets" / "prod")
    assert found.message == "no such file or folder"
    assert found.hint == f"did you mean {tmp_path / 'manifests'}?"
    assert "nothing of a similar name" in failed(tmp_path / "zzz").hint


def test_a_missing_path_does_not_keep_the_others_from_being_read(good: Path) -> None:
    reading = read([str(good / "nothing"), str(good)])
    assert [pod.name for pod in reading.snapshot.pods()] == ["good"]
    [gap] = reading.snapshot.coverage.gaps
    assert (gap.code, gap.resource) == (UNPARSED, "*")


def test_an_empty_folder(tmp_path: Path) -> None:
    found = failed(tmp_path)
    assert (found.message, found.lost) == ("the folder holds no manifests", False)
    with pytest.raises(InputError, match="no Kubernetes object could be read from") as error:
        read([str(tmp_path)])
    assert "the folder holds no manifests" in error.value.hint


def test_a_link_to_nowhere(good: Path) -> None:
    (good / "a.yaml").symlink_to("gone.yaml")
    assert_rest_is_read(good, "is a link to gone.yaml, which does not exist")


def test_a_link_to_itself(good: Path) -> None:
    (good / "a.yaml").symlink_to(good / "a.yaml")
    assert_rest_is_read(good, "cannot be read: Too many levels of symbolic links")


def test_a_file_that_may_not_be_read(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Tests may run as root, who may read everything: refuse as the kernel would.
    (good / "a.yaml").write_text(POD)
    really = os.open

    def refuse(path: str, flags: int) -> int:
        if path.endswith("a.yaml"):
            raise PermissionError(13, "Permission denied", path)
        return really(path, flags)

    monkeypatch.setattr(manifests_files.os, "open", refuse)
    assert_rest_is_read(good, "cannot be read: Permission denied")


def test_a_folder_that_may_not_be_read(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (good / "sub").mkdir()
    really = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("sub"):
            raise PermissionError(13, "Permission denied", path)
        return really(path)

    monkeypatch.setattr(manifests_files.os, "scandir", refuse)
    assert_rest_is_read(good, "cannot be read: Permission denied")


def test_a_pipe_in_a_folder_is_not_opened(good: Path) -> None:
    os.mkfifo(good / "a.yaml")
    assert_rest_is_read(good, "is no regular file")


def test_a_pipe_that_nobody_writes_to_does_not_wait_for_ever(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert failed(tmp_path / "pipe").message == "is a pipe that nobody writes to"


def test_a_pipe_with_a_writer_is_read_to_its_end(tmp_path: Path) -> None:
    # What <(kubectl get …) gives.
    reader, writer = os.pipe()
    started = threading.Event()

    def write() -> None:
        started.wait(5)
        with os.fdopen(writer, "w") as pipe:
            for _ in range(10_000):
                pipe.write("a: 1234567890\n")

    thread = threading.Thread(target=write)
    thread.start()
    threading.Timer(0.05, started.set).start()
    found = only(f"/dev/fd/{reader}")
    thread.join(5)
    os.close(reader)
    assert isinstance(found, Text)
    assert len(found.text) == 140_000


@pytest.mark.parametrize("stdin", [io.BytesIO(POD.encode()), io.StringIO(POD), io.BytesIO(gzip.compress(POD.encode()))])
def test_standard_input(stdin: io.BytesIO | io.StringIO) -> None:
    reading = read(["-", "-"], stdin)
    assert [pod.name for pod in reading.snapshot.pods()] == ["good"]
    assert reading.diagnostics == ()


def test_standard_input_that_is_not_there() -> None:
    with pytest.raises(InputError) as error:
        read(["-"])
    assert "standard input cannot be read here" in error.value.hint


def test_a_file_name_that_is_no_utf_8_can_be_told(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.yaml")
    Path(path).write_text(POD + "---\na: [\n")
    reading = read([path])
    [found] = reading.diagnostics
    assert found.file.endswith("caf\ufffd.yaml")
    str(found).encode()
