"""From a store to a snapshot and its verdicts, without a server in between."""

from __future__ import annotations

from console.demo.store import Store
from console.objects.decode import decode
from console.objects.snapshot import Snapshot, build
from console.policy.ends import parse_end
from console.policy.engine import Engine
from console.policy.model import Protocol
from console.policy.verdict import Connection, Verdict


def snapshot_of(store: Store) -> Snapshot:
    raw = (stored.decoded() for kind in store.kinds() for stored in store.view(kind)[0])
    return build(obj for obj in map(decode, raw) if obj is not None)


def verdict(store: Store, source: str, destination: str, port: int) -> Verdict:
    snapshot = snapshot_of(store)
    ends = parse_end(source, snapshot), parse_end(destination, snapshot)
    return Engine(snapshot).evaluate(Connection(*ends, Protocol.TCP, port))


def outcome(store: Store, source: str, destination: str, port: int) -> str:
    return verdict(store, source, destination, port).outcome.value
