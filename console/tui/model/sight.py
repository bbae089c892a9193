"""What is worked out about the objects of a frame when they are first seen, and kept for as long as it holds."""

from __future__ import annotations

from console.governance.roles import Classification, classify
from console.objects.core import Pod
from console.objects.meta import ObjectRef
from console.objects.snapshot import Contents
from console.objects.workloads import Workload
from console.policy.posture import Posture
from console.tui.model.frame import Frame


class Sight:
    """Postures and roles, by object. What a namespace in which nothing changed showed before is kept."""

    def __init__(self, frame: Frame, before: Sight | None = None) -> None:
        self.frame = frame
        self._roles: dict[str, tuple[Contents, dict[ObjectRef, Classification]]] = {}
        self._postures: dict[str, tuple[Contents, dict[ObjectRef, Posture]]] = {}
        if before is not None:
            contents = frame.snapshot.contents
            self._roles = {name: kept for name, kept in before._roles.items() if contents.get(name) is kept[0]}
            if before.frame.engine.gaps == frame.engine.gaps:
                postures = before._postures.items()
                self._postures = {name: kept for name, kept in postures if contents.get(name) is kept[0]}

    def role(self, workload: Workload) -> Classification:
        """What a workload is to an AI platform."""
        contents = self.frame.snapshot.contents[workload.namespace]
        _, known = self._roles.setdefault(workload.namespace, (contents, {}))
        ref = workload.ref
        if ref not in known:
            known[ref] = classify(workload, contents.namespace)
        return known[ref]

    def posture(self, of: Workload | Pod) -> Posture:
        """How a workload (its running pods) or a pod stands, per direction."""
        contents = self.frame.snapshot.contents[of.namespace]
        _, known = self._postures.setdefault(of.namespace, (contents, {}))
        ref = of.ref
        if ref not in known:
            known[ref] = self.frame.engine.posture((of,) if isinstance(of, Pod) else of.active)
        return known[ref]
