"""Objects laid over a snapshot: what if these were there, and those not. Nothing is sent anywhere.

An object of an overlay replaces the one of its kind, namespace and name. One with the
annotation ``netpol-console.dev/overlay: remove`` takes it away. A workload stands for
its template and replaces the pods it has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, TextIO

from console.cluster.manifests import collected, told
from console.cluster.manifests_objects import Collector
from console.cluster.source import Source, Update
from console.errors import InputError
from console.objects.core import Owner, Pod
from console.objects.coverage import Coverage
from console.objects.decode import decode
from console.objects.diagnostics import Diagnostic, Malformed, Severity
from console.objects.meta import ObjectRef, SourceText
from console.objects.snapshot import KubeObject, Snapshot, SnapshotBuilder


@dataclass(frozen=True, slots=True)
class _Removal:
    """What to take away: an object, or (`kind` None) the pods of a workload."""

    ref: ObjectRef
    kind: type[KubeObject] | None
    text: SourceText


class Overlay:
    """The objects of files, ready to be laid over any snapshot."""

    def __init__(self, paths: Sequence[str], stdin: TextIO | BinaryIO | None = None) -> None:
        """Read the files. Raises InputError where they hold no object."""
        collector = collected(paths, stdin)
        if not collector.taken and not collector.removals:
            shown = "\n  ".join(str(each) for each in told(collector)[:3])
            raise InputError(f"the overlay {', '.join(paths)} holds no object", hint=shown or "give it YAML of objects")
        self._take(collector)

    @classmethod
    def of(cls, collector: Collector) -> Overlay:
        """What was collected as an overlay."""
        made = cls.__new__(cls)
        made._take(collector)
        return made

    def _take(self, collector: Collector) -> None:
        self._diagnostics = list(told(collector))
        self._over = collector.snapshot()
        found = (_removal(value, text, self._diagnostics) for value, text in collector.removals)
        self._removals = [removal for removal in found if removal is not None]

    def over(self, base: Snapshot) -> tuple[Snapshot, tuple[Diagnostic, ...]]:
        """The snapshot with the overlay on it, and what there is to say about it."""
        builder, changed, diagnostics = SnapshotBuilder(base), set[ObjectRef](), list(self._diagnostics)
        for removal in self._removals:
            if removal.kind is not None:
                gone = builder.drop(removal.ref, removal.kind) is not None
            else:
                gone = _drop_pods(builder, base, removal.ref)
            changed.add(removal.ref)
            if not gone:
                message = "there is none of that name to remove"
                diagnostics.append(_said(Severity.WARNING, message, removal.text, removal.ref))
        for obj in self._over.objects():
            if isinstance(obj, Pod) and obj.template and obj.owner is not None:
                _drop_pods(builder, base, ObjectRef(obj.owner.kind, obj.namespace, obj.owner.name))
            builder.put(obj)
            changed.add(obj.ref)
        # A policy that could not be judged is no gap any more where the overlay replaces it.
        kept = tuple(gap for gap in base.coverage.gaps if gap.ref is None or gap.ref not in changed)
        return builder.build(Coverage((*kept, *self._over.coverage.gaps))), tuple(diagnostics)


class OverlaySource:
    """A source with an overlay on every snapshot it hands on."""

    def __init__(self, source: Source, overlay: Overlay) -> None:
        self._source = source
        self._overlay = overlay

    @property
    def title(self) -> str:
        """The source's title, marked."""
        return f"{self._source.title} + overlay"

    def open(self, on_update: Callable[[Update], None]) -> None:
        """See Source."""

        def lay(update: Update) -> None:
            snapshot, diagnostics = self._overlay.over(update.snapshot)
            on_update(replace(update, snapshot=snapshot, diagnostics=(*update.diagnostics, *diagnostics)))

        self._source.open(lay)

    def close(self) -> None:
        """See Source."""
        self._source.close()


def _drop_pods(builder: SnapshotBuilder, base: Snapshot, workload: ObjectRef) -> bool:
    held = base.contents.get(workload.namespace)
    pods = [pod for pod in held.pods.values() if held.workload_of(pod) == workload] if held else []
    gone = [builder.drop(pod.ref, Pod) for pod in pods]
    return any(pod is not None for pod in gone)


def _removal(value: dict[str, Any], text: SourceText, diagnostics: list[Diagnostic]) -> _Removal | None:
    meta = value["metadata"]
    ref = ObjectRef(str(value["kind"]), str(meta.get("namespace") or "default"), str(meta.get("name")))
    try:
        obj = decode(value)
    except Malformed as error:
        diagnostics.append(_said(Severity.ERROR, f"cannot be removed: {error}", text, ref))
        return None
    if obj is None or isinstance(obj, Owner):
        return _Removal(ref, None, text)
    return _Removal(obj.ref, type(obj), text)


def _said(severity: Severity, message: str, text: SourceText, ref: ObjectRef) -> Diagnostic:
    return Diagnostic(severity=severity, message=message, file=text.file, line=text.line, ref=ref)
