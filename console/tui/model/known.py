"""What is worked out about namespaces ahead of the screens, and kept for as long as nothing changes in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

from console.governance.roles import Classification, classify
from console.objects.meta import ObjectRef
from console.objects.snapshot import Contents
from console.objects.workloads import Workload
from console.tui.model.search import Candidate, pods_in, workloads_and_services_in


class Within:
    """A namespace as it stands: the roles of its workloads, and the ends of connections in it. Made when asked for."""

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self._roles: dict[ObjectRef, Classification] = {}

    def role(self, workload: Workload) -> Classification:
        """What a workload is to an AI platform."""
        ref = workload.ref
        found = self._roles.get(ref)
        if found is None:
            found = self._roles[ref] = classify(workload, self.contents.namespace)
        return found

    @cached_property
    def ends(self) -> tuple[list[Candidate], list[Candidate]]:
        """What a picker offers: workloads and Services; pods."""
        return workloads_and_services_in(self.contents), pods_in(self.contents)


class Known:
    """What is known of each namespace; of one in which nothing changed, what was known `before`.

    Several threads may ask: at worst two of them work out the same.
    """

    _known: dict[str, Within]

    def __init__(self, contents: Mapping[str, Contents], before: Known | None = None) -> None:
        known = before._known.copy() if before is not None else {}
        self._known = {name: kept for name, kept in known.items() if contents.get(name) is kept.contents}

    def within(self, contents: Contents) -> Within:
        """What is known of a namespace."""
        return self._known.get(contents.namespace.name) or self._known.setdefault(
            contents.namespace.name, Within(contents)
        )

    def work_out(self, contents: Mapping[str, Contents], *, unless: Callable[[], bool]) -> None:
        """Work out everything, until `unless` says that something else is to be done."""
        for held in contents.values():
            if unless():
                return
            within = self.within(held)
            for workload in held.workloads:
                within.role(workload)
            _ = within.ends

    def ends(self, contents: Mapping[str, Contents], home: str = "") -> list[Candidate]:
        """Every end a connection can have, as `parse_end` reads it: those of namespace `home` first, pods last."""
        found = [Candidate("internet", "any address outside the cluster")]
        pods: list[Candidate] = []
        for _, held in sorted(contents.items(), key=lambda item: item[0] != home):
            first, last = self.within(held).ends
            found += first
            pods += last
        return found + pods
