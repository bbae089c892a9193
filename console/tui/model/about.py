"""All that Browse says about the object under the cursor: the details beside the list, and the YAML behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from console.objects.core import Pod
from console.objects.workloads import Workload
from console.tui.model import details
from console.tui.model.policies import Policy
from console.tui.model.sight import Sight
from console.tui.model.yamlview import Sheet, Sheets, plain_sheet
from console.tui.text import Line, Piece, Tone, fold

#: Lays lines out for a width in cells: each with whether it is marked.
Laid = Callable[[int], Sequence[tuple[Line, bool]]]


class Yaml(NamedTuple):
    """YAML to be shown by itself: what it is called, its lines, and the text one would copy."""

    title: str
    laid: Laid
    text: str


def about(sight: Sight, sheets: Sheets, chosen: Workload | Pod | Policy) -> Laid:
    """The details of an object; of a policy its YAML too."""
    if isinstance(chosen, Workload):
        return _folded(list(details.of_workload(sight, chosen)))
    if isinstance(chosen, Pod):
        return _folded(list(details.of_pod(sight, chosen, _workload_of(sight, chosen))))
    head: list[Line] = [*details.of_policy(sight, chosen), ()]
    sheet = sheets.of(chosen.ref, sight.frame.snapshot)
    if sheet is None:
        return _folded([*head, (Piece("its YAML was not kept", Tone.DIM),)])
    above, below = _folded(head), plain_sheet(sheet)
    return lambda cells: [*above(cells), *below(cells)]


def yaml(sight: Sight, sheets: Sheets, chosen: Workload | Pod | Policy) -> Yaml | None:
    """The YAML of a policy, or of those that select a workload or a pod; None where none is kept."""
    refs = [chosen.ref]
    if isinstance(chosen, Workload | Pod):
        posture = sight.facts.posture(chosen)
        refs = list(dict.fromkeys((*posture.ingress.policies, *posture.egress.policies)))
    kept = [(str(ref), sheet) for ref in refs if (sheet := sheets.of(ref, sight.frame.snapshot)) is not None]
    if not kept:
        return None
    title = kept[0][0] if len(kept) == 1 else f"{len(kept)} policies that select {chosen.name}"
    return Yaml(title, lambda cells: _one_by_one(kept, cells), "\n---\n".join(sheet.text for _, sheet in kept) + "\n")


def _one_by_one(kept: Sequence[tuple[str, Sheet]], cells: int) -> list[tuple[Line, bool]]:
    laid: list[tuple[Line, bool]] = []
    for name, sheet in kept:
        if len(kept) > 1:
            laid.append(((Piece(f"── {name} ", Tone.ACCENT),), False))
        laid += plain_sheet(sheet)(cells)
    return laid


def _folded(lines: Sequence[Line]) -> Laid:
    return lambda cells: [(part, False) for line in lines for part in fold(line, cells)]


def _workload_of(sight: Sight, pod: Pod) -> Workload | None:
    held = sight.frame.snapshot.contents.get(pod.namespace)
    ref = held.workload_of(pod) if held else None
    return next((each for each in held.workloads if each.ref == ref), None) if held else None
