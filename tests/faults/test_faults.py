"""The live source behind a line that breaks: it never takes what is broken for the cluster, and mends by itself."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from console.cluster.contexts import from_dict
from console.cluster.live import LiveSource
from console.cluster.source import State, Update
from console.cluster.steps import Timing
from console.cluster.transport import Limits
from console.demo.server import ApiServer
from console.demo.store import Store
from tests.cluster.conftest import QUICK, Reader, names
from tests.cluster.raw import namespace, pod, policy

from .proxy import Proxy, Spoil, answer, changed, cut, endless, headed, hold

ALL = {"p0", "p1", "p2"}
PODS = "GET [^ ]*/pods"
TIMING: Timing = replace(QUICK, limit=0)
HURRIED = Limits(connect=0.5, answer=0.4, whole=1.5, body=1 << 20, line=1 << 16, sign_in=0.1)
PAGE = b'{"kind":"PodList","metadata":{"resourceVersion":"1"},"items":['


@pytest.fixture
def store() -> Store:
    return Store([namespace("a"), *(pod("a", name) for name in sorted(ALL)), policy("a", "deny")])


@pytest.fixture
def server(store: Store) -> Iterator[ApiServer]:
    with ApiServer(store, bookmark_seconds=0.05) as server:
        yield server


@pytest.fixture
def proxy(server: ApiServer) -> Iterator[Proxy]:
    with Proxy(int(server.url.rpartition(":")[2])) as proxy:
        yield proxy


@pytest.fixture
def follow(server: ApiServer, proxy: Proxy) -> Iterator[Callable[[], Reader]]:
    with ExitStack() as stack:

        def start() -> Reader:
            config = server.kubeconfig()
            config["clusters"][0]["cluster"]["server"] = f"http://127.0.0.1:{proxy.port}"
            source = LiveSource(from_dict(config), limits=HURRIED, timing=TIMING)
            reader = Reader()
            stack.callback(source.close)
            source.open(reader)
            return reader

        yield start


def length(value: bytes) -> Spoil:
    """Says another Content-Length."""
    return changed(lambda head, body: b"HTTP/1.1 200 OK\r\nContent-Length: " + value + b"\r\n\r\n" + body)


def shortened(head: bytes, body: bytes) -> bytes:
    return headed(PAGE + b'{"metadata":{"name":"p0"')


def flipped(seed: int) -> Spoil:
    """Some bytes of the answer are others; wherever they are."""

    def change(head: bytes, body: bytes) -> bytes:
        data = bytearray(head + b"\r\n\r\n" + body)
        dice = random.Random(seed)
        for _ in range(20):
            data[dice.randrange(len(data))] = dice.randrange(256)
        return bytes(data)

    return changed(change)


SPOILT: dict[str, Spoil] = {
    "closed before a byte": cut(0),
    "reset before a byte": cut(0, reset=True),
    "closed in the status line": cut(7),
    "closed in the head": cut(60),
    "reset in the body": cut(400, reset=True),
    "silent after the head": hold(180),
    "silent in the body": hold(400),
    "noise": answer(bytes(random.Random(1).randbytes(4096))),
    "no HTTP": answer(b"SSH-2.0-OpenSSH_9.9\r\n"),
    "a status that is none": answer(b"HTTP/1.1 2OO OK\r\n\r\n"),
    "a status beyond all": answer(b"HTTP/1.1 99999999999 OK\r\nContent-Length: 0\r\n\r\n"),
    "no content": answer(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "half an answer": answer(b"HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\n\r\n{}"),
    "a redirect": answer(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"),
    "a redirect to a file": answer(b"HTTP/1.1 307 X\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"),
    "informed without end": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "headers without end": endless(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 100),
    "a header without end": endless(b"HTTP/1.1 200 OK\r\nX-A: ", b"b" * 8192),
    "a body without end": endless(b"HTTP/1.1 200 OK\r\n\r\n" + PAGE, b"        " * 8192),
    "a length too long": length(b"999999"),
    "a length too short": length(b"60"),
    "a length below zero": length(b"-1"),
    "a length that is no number": length(b"many"),
    "two lengths": length(b"60\r\nContent-Length: 70"),
    "chunks that are none": answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    "a chunk too long": answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n{}\r\n0\r\n\r\n"),
    "a chunk beyond memory": answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}"),
    "gzip that is none": answer(headed(b"{}", b"Content-Encoding: gzip")),
    "half of a gzip": answer(headed(gzip.compress(PAGE + b"]}")[:20], b"Content-Encoding: gzip")),
    "an encoding nobody knows": answer(headed(b"{}", b"Content-Encoding: snappy")),
    "a bomb": answer(headed(gzip.compress(b" " * (8 << 20)), b"Content-Encoding: gzip")),
    "half of the JSON": changed(shortened),
    "JSON nested without end": answer(headed(PAGE + b'{"metadata":' * 50_000)),
    "text that is no UTF-8": answer(headed(b'{"kind":"\xff\xfe","metadata":{"resourceVersion":"\xff"},"items":[]}')),
    "a list of something else": answer(headed(b'{"kind":"PodList","items":{}}')),
    "null": answer(headed(b"null")),
    "nothing": answer(headed(b"")),
    "a wait that is no number": answer(b"HTTP/1.1 429 X\r\nRetry-After: \xb2\r\nContent-Length: 0\r\n\r\n"),
    "a wait for ever": answer(b"HTTP/1.1 429 X\r\nRetry-After: 99999999999999\r\nContent-Length: 0\r\n\r\n"),
    **{f"flipped bytes {seed}": flipped(seed) for seed in range(4)},
}


def true_when_live(update: Update) -> bool:
    """What a source shows as live is the cluster, or says what it lacks."""
    return update.status.state is not State.LIVE or names(update) >= ALL or not update.snapshot.coverage.complete


@pytest.mark.parametrize("what", SPOILT)
def test_a_broken_list_is_never_the_cluster_and_is_read_again(
    what: str, proxy: Proxy, follow: Callable[[], Reader]
) -> None:
    fault = proxy.lay(SPOILT[what], on=PODS)
    reader = follow()
    assert fault.hit.wait(10)
    # Bytes that flip may leave a right answer, or a right one of other names: it is the others that must not pass.
    if "flipped" not in what:
        reader.until(lambda update: update.status.state is not State.CONNECTING)
        assert all(map(true_when_live, reader.updates))
    fault.lift()
    reader.until(lambda update: update.status.state is State.LIVE and names(update) == ALL)
    assert not any(line.startswith(b"GET / ") for line in proxy.asked), "redirects are not followed"


STREAMED: dict[str, Spoil] = {
    "closed at once": cut(0),
    "reset in the head": cut(50, reset=True),
    "noise": answer(b"HTTP/1.1 200 OK\r\n\r\n" + random.Random(2).randbytes(4096)),
    "noise in lines": answer(b"HTTP/1.1 200 OK\r\n\r\n" + random.Random(3).randbytes(64) + b"\n{}\n[]\nnull\n1\n"),
    "a line without end": endless(
        b'HTTP/1.1 200 OK\r\n\r\n{"type":"ADDED","object":{"metadata":{"name":"', b"x" * 4096
    ),
    "text that is no UTF-8": answer(b'HTTP/1.1 200 OK\r\n\r\n{"type":"ADDED","object":{"metadata":{"name":"\xff"}}}\n'),
    "an event without an object": answer(b'HTTP/1.1 200 OK\r\n\r\n{"type":"MODIFIED","object":{}}\n'),
    "events of nothing": endless(b"HTTP/1.1 200 OK\r\n\r\n", b"\n" * 4096),
    "silence in the head": hold(120),
    "silence": hold(0, head=b"HTTP/1.1 200 OK\r\n\r\n"),
    "bookmarks of the past": answer(
        b'HTTP/1.1 200 OK\r\n\r\n{"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"0"}}}\n'
    ),
    "errors that are none": answer(b'HTTP/1.1 200 OK\r\n\r\n{"type":"ERROR","object":{"code":"410"}}\n'),
}


@pytest.mark.parametrize("what", STREAMED)
def test_a_broken_watch_is_never_taken_for_a_quiet_cluster(
    what: str, store: Store, proxy: Proxy, follow: Callable[[], Reader]
) -> None:
    reader = follow()
    reader.until_state(State.LIVE)
    fault = proxy.lay(STREAMED[what], on=f"{PODS}.*watch=1")
    proxy.drop()
    assert fault.hit.wait(10)
    store.apply(pod("a", "meanwhile"))
    fault.lift()
    reader.until(lambda update: update.status.state is State.LIVE and "meanwhile" in names(update))
    assert names(reader.latest) == ALL | {"meanwhile"}


def test_a_line_that_is_down_shows_as_stale_until_it_is_back(
    store: Store, proxy: Proxy, follow: Callable[[], Reader]
) -> None:
    reader = follow()
    live = reader.until_state(State.LIVE)
    fault = proxy.lay(cut(0, reset=True))
    proxy.drop()
    stale = reader.until_state(State.STALE)
    assert names(stale) == names(live)
    store.apply(pod("a", "meanwhile"))
    assert "meanwhile" not in names(reader.latest)
    fault.lift()
    reader.until(lambda update: update.status.state is State.LIVE and "meanwhile" in names(update))


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0, -(10**9)])
def test_a_clock_that_jumps_costs_nothing(
    jump: float, store: Store, proxy: Proxy, follow: Callable[[], Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    right = time.time
    reader = follow()
    reader.until_state(State.LIVE)
    monkeypatch.setattr(time, "time", lambda: right() + jump)
    fault = proxy.lay(cut(0, reset=True))
    proxy.drop()
    reader.until_state(State.STALE)
    store.apply(pod("a", "meanwhile"))
    fault.lift()
    reader.until(lambda update: update.status.state is State.LIVE and "meanwhile" in names(update))


@pytest.mark.parametrize("what", ["events of nothing", "silence"])
def test_what_a_silent_stream_withholds_is_seen_all_the_same(
    what: str, store: Store, proxy: Proxy, follow: Callable[[], Reader]
) -> None:
    proxy.lay(STREAMED[what], on=f"{PODS}.*watch=1")
    reader = follow()
    reader.until_state(State.LIVE)
    store.apply(pod("a", "meanwhile"))
    reader.until(lambda update: update.status.state is State.LIVE and "meanwhile" in names(update))
