"""From the documents of manifests to objects: what is kept, what is refused and why, what may be missing for it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from console.cluster.manifests_gaps import gap_of_object, gap_of_text, ref_of
from console.objects.core import Owner, Pod
from console.objects.coverage import Coverage, Gap
from console.objects.decode import decode, template_pod
from console.objects.diagnostics import Diagnostic, Malformed, Severity
from console.objects.fields import unknown_fields
from console.objects.meta import ObjectRef, SourceText
from console.objects.netpol import NetworkPolicy
from console.objects.snapshot import Snapshot, SnapshotBuilder
from console.objects.tiered import TieredPolicy
from console.objects.yaml_text import Document, Positions, with_letters
from console.policy.networking import Problem, dotted, validate
from console.policy.tiered import validate_tiered

_STEP: Final = re.compile(r"\[(\d+)\]|\[([^\]]*)\]|([^.\[\]]+)")
#: Conditions of a Job that has ended: its template makes no pod any more.
_ENDED: Final = ("Complete", "Failed")


#: The annotation by which an object in an overlay asks to be removed (its value is ``remove``).
REMOVAL: Final = "netpol-console.dev/overlay"


class Collector:
    """Takes documents in order and makes a snapshot of them; says what it refused, and what is not known for it."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.gaps: list[Gap] = []
        #: Files with documents that are no Kubernetes objects, and files with kustomizations.
        self.strange: dict[str, None] = {}
        self.kustomizations: dict[str, None] = {}
        #: Objects of kinds that no verdict and no screen needs, by kind. Nothing of them is kept.
        self.unused: Counter[str] = Counter()
        #: Those of them whose kind is not one of Kubernetes' own, as ``Kind.group``: they may make pods nobody sees.
        self.unknown: Counter[str] = Counter()
        #: Raw objects that ask to be removed: of use to an overlay only.
        self.removals: list[tuple[dict[str, Any], SourceText]] = []
        #: How many objects were taken.
        self.taken = 0
        self._builder = SnapshotBuilder()
        self._places: dict[tuple[str, ObjectRef], str] = {}
        self._templates: dict[ObjectRef, Pod] = {}

    def add(self, document: Document) -> None:
        """Take a document, whatever it is."""
        value, text = document.value, document.text
        kind = value.get("kind") if isinstance(value, dict) else None
        if document.problems:
            self._refuse(document)
        elif kind == "Kustomization":
            self.kustomizations[text.file] = None
        elif not isinstance(kind, str):
            self.strange[text.file] = None
        elif _asks_removal(value):
            self.removals.append((value, text))
        else:
            try:
                self._take(value, text)
            except Malformed as error:
                if not self._take_letters(text):
                    self._malformed(value, text, error)

    def snapshot(self) -> Snapshot:
        """The snapshot of everything taken. Workloads without a pod of their own stand for their template."""
        snapshot = self._builder.build()
        names = {name: set(held.pods) for name, held in snapshot.contents.items()}
        working = {
            ref for held in snapshot.contents.values() for ref in (held.workload_of(pod) for pod in held.pods.values())
        }
        for ref, pod in self._templates.items():
            if ref in working:
                continue
            taken, name = names.setdefault(ref.namespace, set()), pod.name
            while name in taken:  # two workloads of different kinds may have one name; their pods may not
                name = f"{name}-{ref.kind.lower()}"
            taken.add(name)
            self._builder.put(msgspec.structs.replace(pod, name=name))
        return self._builder.build(Coverage(tuple(self.gaps)))

    def _take(self, value: dict[str, Any], text: SourceText) -> None:
        obj = decode(value, text)
        template = template_pod(value) if obj is None or isinstance(obj, Owner) else None
        if obj is not None:
            ref = obj.ref
        elif template is not None:
            ref = ObjectRef(value["kind"], template.namespace, template.name)
        else:
            self.unused[value["kind"]] += 1
            group = value["apiVersion"].rpartition("/")[0]
            if "." in group and not group.endswith(".k8s.io"):
                self.unknown[f"{value['kind']}.{group}"] += 1
            return
        self.taken += 1
        self._once(value["apiVersion"].rpartition("/")[0], ref, text)
        if obj is not None:
            self._builder.put(obj)
        if template is not None and not _ended(value):
            self._templates[ref] = template
        # What is not valid stays in the snapshot, to be shown; the engine evaluates no such policy.
        if isinstance(obj, NetworkPolicy):
            self._check(ref, text, [*validate(obj), *_dropped(value)])
        elif isinstance(obj, TieredPolicy):
            self._check(ref, text, [*validate_tiered(obj), *_dropped(value)])

    def _take_letters(self, text: SourceText) -> bool:
        """Whether a malformed document is fine with its unquoted y and n taken for text; it is then taken, loudly."""
        value = with_letters(text)
        if value is None:
            return False
        try:
            self._take(value, text)
        except Malformed:
            return False
        self.diagnostics.append(
            Diagnostic(
                severity=Severity.WARNING,
                message="an unquoted y or n was read as text; Kubernetes reads true or false there and refuses it",
                hint="quote it",
                file=text.file,
                line=text.line,
                ref=ref_of(value),
            )
        )
        return True

    def _once(self, group: str, ref: ObjectRef, text: SourceText) -> None:
        before = self._places.get((group, ref))
        self._places[group, ref] = f"{text.file}:{text.line}"
        if before is not None:
            self.diagnostics.append(
                Diagnostic(
                    severity=Severity.WARNING,
                    message="given twice; this one counts",
                    hint=f"the one at {before} does not",
                    file=text.file,
                    line=text.line,
                    ref=ref,
                )
            )

    def _check(self, ref: ObjectRef, text: SourceText, problems: Sequence[Problem]) -> None:
        if not problems:
            return
        places = _Places(text)
        self.diagnostics.extend(
            Diagnostic(
                severity=Severity.ERROR if problem.fatal else Severity.WARNING,
                message=problem.message,
                file=text.file,
                line=places.line(problem.path),
                ref=ref,
                path=dotted(problem.path),
            )
            for problem in problems
        )

    def _malformed(self, value: dict[str, Any], text: SourceText, error: Malformed) -> None:
        ref = error.ref or ref_of(value)
        line = _Places(text).line(_steps(error.path))
        self.diagnostics.append(
            Diagnostic(
                severity=Severity.ERROR, message=error.message, file=text.file, line=line, ref=ref, path=error.path
            )
        )
        self._miss(gap_of_object(value, f"{ref} at {text.file}:{line} is malformed ({error})", [error.path]))

    def _refuse(self, document: Document) -> None:
        """A document that Kubernetes would refuse, or could not even read."""
        text, problems = document.text, document.problems
        ref = ref_of(document.value)
        self.diagnostics.extend(msgspec.structs.replace(problem, ref=ref) for problem in problems)
        place = f"{text.file}:{problems[0].line}"
        if ref is None:
            self._miss(gap_of_text(text.yaml or (text.json or b"").decode(errors="replace"), place))
        else:
            why = f"{ref} at {place} is malformed ({problems[0].message})"
            self._miss(gap_of_object(document.value, why, [problem.path for problem in problems]))

    def _miss(self, gap: Gap | None) -> None:
        if gap is not None:
            self.gaps.append(gap)


def _dropped(value: dict[str, Any]) -> Iterator[Problem]:
    """What an API server would leave out of a policy; it takes the rest, which kubectl refuses to send."""
    for path, meant in unknown_fields(value):
        hint = f"; {meant} may be meant" if meant else ""
        yield Problem(path, f"there is no such field, so it counts for nothing{hint}", fatal=False)


def _asks_removal(value: dict[str, Any]) -> bool:
    meta = value.get("metadata")
    annotations = meta.get("annotations") if isinstance(meta, dict) else None
    return isinstance(annotations, dict) and annotations.get(REMOVAL) == "remove"


class _Places:
    """Lines of a file, by path into the object of one of its documents."""

    def __init__(self, text: SourceText) -> None:
        self._line = text.line
        # JSON is YAML too.
        self._positions = Positions(text.yaml if text.yaml is not None else (text.json or b"").decode(errors="replace"))

    def line(self, path: Sequence[str | int]) -> int:
        lines = self._positions.lines(path)
        return self._line + (lines[0] - 1 if lines else 0)


def _steps(path: str) -> list[str | int]:
    return [int(index) if index else key or name for index, key, name in _STEP.findall(path)]


def _ended(value: dict[str, Any]) -> bool:
    status = value.get("status")
    conditions = status.get("conditions") if value["kind"] == "Job" and isinstance(status, dict) else None
    return isinstance(conditions, list) and any(
        isinstance(each, dict) and each.get("type") in _ENDED and each.get("status") == "True" for each in conditions
    )
