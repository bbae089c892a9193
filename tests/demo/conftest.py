from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from console.demo.server import ApiServer
from console.demo.store import Store
from tests.cluster.raw import namespace, pod

from .http import Client, Connect


@pytest.fixture
def store() -> Store:
    return Store([namespace("a"), namespace("b"), *(pod(ns, f"p{n}") for ns in "ab" for n in range(5))])


@pytest.fixture
def server(store: Store) -> Iterator[ApiServer]:
    with ApiServer(store, bookmark_seconds=0.05) as server:
        yield server


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes clients, of any server, that are closed in the end."""
    with ExitStack() as stack:
        yield lambda server, **options: stack.enter_context(Client(server, **options))


@pytest.fixture
def client(server: ApiServer, connect: Connect) -> Client:
    return connect(server)
