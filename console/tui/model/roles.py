"""What workloads are to an AI platform, worked out ahead of the screens and kept for as long as it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from console.governance.roles import Classification, classify
from console.objects.meta import ObjectRef
from console.objects.snapshot import Contents
from console.objects.workloads import Workload


class RolesWithin:
    """The roles in one namespace as it stands, each worked out when it is first asked for."""

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self._known: dict[ObjectRef, Classification] = {}

    def of(self, workload: Workload) -> Classification:
        """What a workload is."""
        ref = workload.ref
        found = self._known.get(ref)
        if found is None:
            found = self._known[ref] = classify(workload, self.contents.namespace)
        return found


class Roles:
    """The roles in a cluster; those of a namespace in which nothing changed are those known `before`.

    Several threads may ask: at worst two of them work out the same.
    """

    _known: dict[str, RolesWithin]

    def __init__(self, contents: Mapping[str, Contents], before: Roles | None = None) -> None:
        known = before._known.copy() if before is not None else {}
        self._known = {name: kept for name, kept in known.items() if contents.get(name) is kept.contents}

    def within(self, contents: Contents) -> RolesWithin:
        """Those in a namespace."""
        return self._known.setdefault(contents.namespace.name, RolesWithin(contents))

    def work_out(self, contents: Mapping[str, Contents], *, unless: Callable[[], bool]) -> None:
        """Work out all of them, until `unless` says that something else is to be done."""
        for held in contents.values():
            if unless():
                return
            within = self.within(held)
            for workload in held.workloads:
                within.of(workload)
