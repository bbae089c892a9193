"""What if the policies were these: a text tried on the newest snapshot, its verdict, and what opens and closes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from console.cluster.manifests_objects import REMOVAL, Collector
from console.cluster.overlay import Overlay
from console.objects.diagnostics import Diagnostic, Severity
from console.objects.meta import ObjectRef
from console.objects.yaml_text import load_documents, to_yaml
from console.policy.difference import difference
from console.policy.difference_model import Change, Difference, Kind, Part
from console.policy.engine import Engine
from console.policy.fix import raw_policy
from console.policy.verdict import Outcome
from console.report import words
from console.report.clean import clean_lines
from console.report.reach import ports_word
from console.tui.model import verdict
from console.tui.model.fixview import nothing_to_fix, remedy
from console.tui.model.frame import Answer, Question, ask
from console.tui.text import Line, Piece, Tone

_SIGNS: Final = {
    Kind.OPENED: ("+", Tone.GOOD),
    Kind.CHANGED: ("±", Tone.WARN),
    Kind.CLOSED: ("−", Tone.BAD),
    Kind.UNKNOWN: ("?", Tone.WARN),
}
#: Ends that one line names.
_MOST: Final = 12


@dataclass(frozen=True, slots=True)
class Start:
    """What an editor begins with. `removal` is the YAML that means that the policy `ref` is taken away."""

    text: str = ""
    ref: ObjectRef | None = None
    removal: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What is edited."""
        return str(self.ref) if self.ref is not None else "a new policy"

    def meant(self, text: str) -> str:
        """A text, or what an empty one means."""
        return text if text.strip() else self.removal


def begin(engine: Engine, ref: ObjectRef | None, question: Question) -> Start:
    """The policy `ref` as text; where there is none, the fix of a blocked question. Not for the event loop."""
    snapshot = engine.snapshot
    written = snapshot.policy(ref) if ref is not None else None
    raw = raw_policy(snapshot, ref) if ref is not None else None
    if ref is not None and written is not None and written.text is not None and raw is not None:
        raw = {"apiVersion": "networking.k8s.io/v1", "kind": ref.kind, **raw}
        own = written.text.yaml
        # One's own file keeps its comments, unless it holds what a terminal would obey.
        text = own if own is not None and "kind:" in own and clean_lines(own) == own else to_yaml(raw)
        gone = {"name": ref.name, **({"namespace": ref.namespace} if ref.namespace else {})}
        removal = {
            "apiVersion": raw["apiVersion"],
            "kind": ref.kind,
            "metadata": {**gone, "annotations": {REMOVAL: "remove"}},
        }
        return Start(text.strip("\n") + "\n", ref, to_yaml(removal))
    judged = ask(question, engine).verdict if question.complete else None
    if judged is not None and not nothing_to_fix(judged):
        found = remedy(engine, judged)
        if found.text:
            return Start(found.text, note="Begun with the smallest fix.")
    return Start(note="No policy is in focus: write one, or paste one.")


@dataclass(frozen=True)
class Trial:
    """A text on an engine: the engine that comes of it (None where the text is not valid), and what is wrong with it.

    `was` and `now` answer the question in question, if there is one.
    """

    text: str
    base: Engine
    engine: Engine | None
    told: tuple[Diagnostic, ...]
    was: Answer | None
    now: Answer | None

    @property
    def faults(self) -> tuple[Diagnostic, ...]:
        """What makes the text invalid."""
        return tuple(each for each in self.told if each.severity is Severity.ERROR)

    @cached_property
    def difference(self) -> Difference:
        """What opens and closes, everywhere. Not for the event loop."""
        assert self.engine is not None
        return difference(self.base, self.engine)


def attempt(text: str, start: Start, base: Engine, question: Question) -> Trial:
    """Try a text. Not for the event loop."""
    was = ask(question, base) if question.complete else None
    collector = _collect(start.meant(text))
    told = tuple(collector.diagnostics)
    if any(each.severity is Severity.ERROR for each in told):
        return Trial(text, base, None, told, was, None)
    snapshot, more = Overlay.of(collector).over(base.snapshot) if _holds(collector) else (base.snapshot, told)
    if start.ref is not None and start.ref not in _named(collector):
        message = f"{start.ref} stays as it is: the text is of another one"
        more = (*more, Diagnostic(severity=Severity.WARNING, message=message, line=1))
    engine = Engine(snapshot, base)
    return Trial(text, base, engine, more, was, ask(question, engine) if question.complete else None)


def _holds(collector: Collector) -> bool:
    return bool(collector.taken or collector.removals)


def _named(collector: Collector) -> set[ObjectRef]:
    found = {obj.ref for obj in collector.snapshot().objects()}
    for value, _ in collector.removals:
        meta = value["metadata"]
        found.add(ObjectRef(value["kind"], str(meta.get("namespace") or ""), str(meta.get("name"))))
    return found


def _collect(text: str) -> Collector:
    """The objects of a text; a document that holds none is an error here, where one writes policies."""
    collector = Collector()
    for document in load_documents(text):
        before = collector.taken, len(collector.removals), len(collector.diagnostics)
        collector.add(document)
        if (collector.taken, len(collector.removals), len(collector.diagnostics)) == before:
            value = document.value
            kind = value.get("kind") if isinstance(value, dict) else None
            if isinstance(kind, str):
                message = f"{kind} is no kind that decides a path, or not of this apiVersion"
            else:
                message = "no Kubernetes object: it needs apiVersion and kind"
            error = Diagnostic(severity=Severity.ERROR, message=message, line=document.text.line)
            collector.diagnostics.append(error)
    return collector


# As lines ------------------------------------------------------------------------------------------------------------


def answer_lines(valid: Trial | None, question: Question, *, stale: bool) -> tuple[list[Line], Outcome | None]:
    """The verdict of the last valid text, and how it compares to the cluster's."""
    if not question.complete:
        return [(Piece("No connection is in question: below is what opens and what closes.", Tone.DIM),)], None
    if valid is None or valid.now is None:
        return [(Piece("◌ judging …", Tone.DIM),)], None
    lines = [verdict.headline(valid.now, question)]
    now, was = valid.now.verdict, valid.was.verdict if valid.was else None
    beside: list[Piece] = []
    if stale:
        beside.append(Piece("! as of the last valid text  ", Tone.WARN))
    if now is not None and was is not None:
        if now.outcome is was.outcome:
            beside.append(Piece("as it is in the cluster", Tone.DIM))
        else:
            beside += [Piece("in the cluster it is ", Tone.DIM), verdict.outcome(was)]
    if beside:
        lines.append(tuple(beside))
    return lines, now.outcome if now is not None else None


def told_lines(told: Sequence[Diagnostic]) -> Iterator[Line]:
    """What is wrong with a text, errors first, each with its line."""
    for each in sorted(told, key=lambda one: (one.severity is not Severity.ERROR, one.line)):
        error = each.severity is Severity.ERROR
        where = f"line {each.line}: " if each.line else ""
        path = f"{each.path}: " if each.path else ""
        hint = f"  {each.hint}" if each.hint else ""
        yield (
            Piece("✗ " if error else "! ", Tone.BAD if error else Tone.WARN),
            Piece(where, Tone.STRONG),
            Piece(f"{path}{each.message}"),
            Piece(hint, Tone.DIM),
        )


def path_lines(found: Difference) -> Iterator[Line]:
    """The paths that open, change and close."""
    if not found.changes:
        yield (Piece("no path opens, and none closes", Tone.DIM),)
    for change in found.changes:
        sign, tone = _SIGNS[change.kind]
        family = f" over IPv{change.family}" if change.family else ""
        yield (
            Piece(f"{sign} ", tone),
            Piece(f"{_ends(change.sources)} → {_ends(change.destinations)}  "),
            Piece(f"{_ports(change)}{family}", Tone.STRONG),
        )


def path_title(found: Difference) -> str:
    """How many pairs there are of each: ``Paths · +3 opened · −1 closed``."""
    counts = []
    for kind, (sign, _) in _SIGNS.items():
        pairs = {
            (one.name, other.name)
            for change in found.of(kind)
            for one in change.sources
            for other in change.destinations
        }
        if pairs:
            counts.append(f"{sign}{len(pairs)} {kind.value}")
    return " · ".join(["Paths", *counts])


def _ends(parts: Sequence[Part]) -> str:
    return words.some([part.name if part.count == part.of else f"part of {part.name}" for part in parts], _MOST)


def _ports(change: Change) -> str:
    if change.kind is Kind.CHANGED:
        both = (("+", change.opened), ("−", change.closed))
        return "  ".join(f"{sign}{ports_word(spans)}" for sign, spans in both if spans)
    return ports_word(change.opened or change.closed or change.unknown)
