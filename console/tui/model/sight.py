"""What is worked out about the objects of a frame when they are first seen, and kept for as long as it holds."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

from console.governance.roles import Classification
from console.objects.core import Pod
from console.objects.meta import ObjectRef
from console.objects.snapshot import Contents
from console.objects.workloads import Workload
from console.policy.posture import Posture
from console.tui.model.frame import Frame

T = TypeVar("T")


class Facts:
    """Postures and roles in a frame. What a namespace in which nothing changed had before is kept."""

    def __init__(self, frame: Frame, before: Facts | None = None) -> None:
        self.frame = frame
        self._postures: dict[str, tuple[Contents, dict[ObjectRef, Posture]]] = {}
        if before is not None and before.frame.engine.gaps == frame.engine.gaps:
            contents = frame.snapshot.contents
            postures = before._postures.items()
            self._postures = {name: kept for name, kept in postures if contents.get(name) is kept[0]}

    def role(self, workload: Workload) -> Classification:
        """What a workload is to an AI platform."""
        return self.frame.known.within(self.frame.snapshot.contents[workload.namespace]).role(workload)

    def posture(self, of: Workload | Pod) -> Posture:
        """How a workload (its running pods) or a pod stands, per direction."""
        contents = self.frame.snapshot.contents[of.namespace]
        _, known = self._postures.setdefault(of.namespace, (contents, {}))
        ref = of.ref
        if ref not in known:
            known[ref] = self.frame.engine.posture((of,) if isinstance(of, Pod) else of.active)
        return known[ref]


class Sight:
    """Facts, and the tables of them. What a namespace in which nothing changed showed before is kept.

    Tables hold on to `facts` and never to this, which holds them: a ring that nothing but a
    look for garbage ends would keep each frame with all that was made of it.
    """

    def __init__(self, frame: Frame, before: Sight | None = None) -> None:
        self.frame = frame
        self.facts: Facts = Facts(frame, before.facts if before is not None else None)
        self._kept: dict[object, Any] = {}
        self._kept_of: dict[str, tuple[Contents, dict[object, Any]]] = {}
        if before is not None:
            if before.frame.snapshot is frame.snapshot and before.frame.engine is frame.engine:
                self._kept = before._kept
            contents = frame.snapshot.contents
            self._kept_of = {name: kept for name, kept in before._kept_of.items() if contents.get(name) is kept[0]}

    def kept(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made once for a state of the cluster and kept under a key."""
        if key not in self._kept:
            self._kept[key] = make()
        return cast("T", self._kept[key])

    def kept_of(self, contents: Contents, key: Hashable, make: Callable[[Contents], T]) -> T:
        """What `make` gives for a namespace, made once and kept until something changes in that namespace."""
        _, kept = self._kept_of.setdefault(contents.namespace.name, (contents, {}))
        if key not in kept:
            kept[key] = make(contents)
        return cast("T", kept[key])
