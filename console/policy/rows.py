"""Questions as JSON rows: ``{"id", "src", "dst", "protocol", "port"}``, unknown keys ignored.

An end is ``{"namespace", "pod"}``, a workload ``{"namespace", "kind", "name"}``
(``pod`` picks one of its pods), ``{"ip"}``, or text as `parse_end` takes it; a destination in
text may carry its port, as `split_port` takes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.errors import UsageError
from console.objects.snapshot import Snapshot
from console.policy.ends import address_end, parse_end, parse_port, split_port
from console.policy.verdict import Connection, End


class Rows:
    """Turns rows into connections of one snapshot; each end is resolved once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._ends: dict[str, End] = {}

    def connection(self, row: Mapping[str, Any]) -> Connection:
        """The question of a row. Raises UsageError and UnknownEnd."""
        asked = dict(row)
        if isinstance(row.get("dst"), str):
            asked["dst"], port = split_port(row["dst"])
            asked |= {"port": port} if port else {}
        for key in ("src", "dst", "port"):
            if key not in asked:
                raise UsageError(f"the row has no {key!r}", hint='it needs "src", "dst", "protocol" and "port"')
        destination = self._end(asked["dst"])
        written = str(asked["port"])
        port = written if "/" in written else f"{written}/{asked.get('protocol') or 'TCP'}"
        number, protocol = parse_port(port, destination)
        return Connection(self._end(asked["src"]), destination, protocol, number)

    def _end(self, raw: Any) -> End:
        key = repr(raw)
        if key not in self._ends:
            self._ends[key] = _end(raw, self._snapshot)
        return self._ends[key]


def _end(raw: Any, snapshot: Snapshot) -> End:
    if isinstance(raw, str):
        return parse_end(raw, snapshot)
    if isinstance(raw, Mapping):
        if "ip" in raw:
            return address_end(str(raw["ip"]), snapshot)
        namespace = raw.get("namespace") or "default"
        if raw.get("pod"):
            return parse_end(f"{namespace}/{raw['pod']}", snapshot)
        if raw.get("kind") and raw.get("name"):
            return parse_end(f"{namespace}/{raw['kind']}/{raw['name']}", snapshot)
    raise UsageError(
        f"{str(raw)[:80]} names no end", hint='write {"namespace", "pod"}, {"namespace", "kind", "name"} or {"ip"}'
    )
