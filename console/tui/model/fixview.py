"""The smallest fix for a verdict as lines: its policies as YAML, what else it opens, or why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.governance.findings import Offence
from console.objects.meta import ObjectRef
from console.objects.yaml_text import Positions
from console.policy.ends import connection
from console.policy.engine import Engine
from console.policy.fix import Fix, fix_for, raw_policy
from console.policy.model import Action, Direction
from console.policy.verdict import EndKind, Outcome, ServiceState, Verdict
from console.report import verdict_words, words
from console.report.json import manifest
from console.tui.model.standing import Standing
from console.tui.model.yamlview import Sheet, plain_sheet
from console.tui.saving import file_name
from console.tui.text import Line, Piece, Tone, fold


@dataclass(frozen=True, slots=True)
class Remedy:
    """What was found: policies as YAML, which of them replace one, and what else they do; or `why_none`."""

    text: str = ""
    refs: tuple[ObjectRef, ...] = ()
    replaced: frozenset[ObjectRef] = frozenset()
    told: tuple[Line, ...] = ()
    why_none: str = ""

    def laid(self, cells: int) -> list[tuple[Line, bool]]:
        """It all as lines of so many cells."""
        told = [(part, False) for line in self._lines() for part in fold(line, cells)]
        if not self.text:
            return told
        text = self.text.rstrip("\n")
        return [*told, *plain_sheet(Sheet(text, tuple(text.split("\n")), Positions("")))(cells)]

    def _lines(self) -> Iterator[Line]:
        if not self.text:
            yield (Piece(self.why_none),)
            return
        for ref in self.refs:
            how = "in place of the one that is there" if ref in self.replaced else "a new policy"
            yield (Piece("apply ", Tone.DIM), Piece(str(ref), Tone.STRONG), Piece(f"  {how}", Tone.DIM))
        yield from self.told
        yield ()

    @property
    def file(self) -> str:
        """The file one would write it to."""
        return file_name("fix-", self.refs[0].name)


def remedy(engine: Engine, verdict: Verdict) -> Remedy:
    """The smallest fix for a verdict of an engine, or why there is none. Evaluates again: not for the event loop."""
    snapshot = engine.snapshot
    fix = fix_for(engine, verdict, lambda ref: raw_policy(snapshot, ref))
    if fix is None:
        return Remedy(why_none=why_none(verdict))
    return _remedy(engine, fix.objects, tuple(_opens(fix)))


def mended(standing: Standing, rule: str, offence: Offence) -> Remedy:
    """What mends an offence of a rule: closes what it forbids, opens what it asks for. Not for the event loop.

    Raises ConsoleError where an end of it is gone.
    """
    from console.governance.audit_fix import close_of, forbids
    from console.governance.charter_read import load
    from console.policy.close import NoClose
    from console.report.audit_fix import close_lines

    engine = standing.engine
    assert engine is not None
    if not forbids(load(standing.charter_text, file=standing.charter_file), rule):
        verdict = engine.evaluate(connection(offence.source, offence.destination, offence.port, engine.snapshot))
        why = nothing_to_fix(verdict)
        return Remedy(why_none=why) if why else remedy(engine, verdict)
    found = close_of(engine, offence)
    if isinstance(found, NoClose):
        return Remedy(why_none=f"No policy closes it: {found.why}.")
    return _remedy(engine, found.objects, tuple((Piece(line),) for line in close_lines(found)))


def _remedy(engine: Engine, objects: Sequence[Mapping[str, Any]], told: tuple[Line, ...]) -> Remedy:
    refs = tuple(_ref(raw) for raw in objects)
    replaced = frozenset(ref for ref in refs if engine.snapshot.policy(ref) is not None)
    return Remedy(manifest(objects), refs, replaced, told)


def _opens(fix: Fix) -> Iterator[Line]:
    if not fix.opens:
        yield (Piece("also opens nothing", Tone.GOOD),)
        return
    yield (Piece(f"also opens {words.count(len(fix.opens), 'path')}:", Tone.WARN),)
    yield from ((Piece(f"  {path}"),) for path in fix.opens)


def _ref(raw: Mapping[str, Any]) -> ObjectRef:
    meta = raw["metadata"]
    return ObjectRef(raw["kind"], meta.get("namespace", ""), meta["name"])


def nothing_to_fix(verdict: Verdict | None) -> str:
    """Why a fix makes no sense for a verdict; ``""`` where it does."""
    if verdict is None:
        return "There is no verdict to fix yet."
    if verdict.outcome is Outcome.ALLOWED:
        return "Nothing is to fix: the connection is ALLOWED."
    if verdict.outcome is Outcome.UNKNOWN:
        return f"Whether a policy blocks it is not known: {verdict_words.headline(verdict)}"
    return ""


def why_none(verdict: Verdict) -> str:
    """Why no policy opens what is blocked."""
    if verdict.service is not None and verdict.service.state is not ServiceState.TRANSLATED:
        return f"No policy blocks it, so none can open it: {verdict_words.service_line(verdict.service)}."
    if verdict.apart:
        return "No policy can open it: the two ends share no address family."
    traces = [trace for case in verdict.cases for trace in case.directions()]
    for trace in traces:
        if trace.allowed is None:
            end = verdict_words.this_end(trace.direction)
            return f"No policy is known to open all of it: at the {end} it {verdict_words.direction_reason(trace)}."
    outside = verdict.connection.source.kind in (EndKind.INTERNET, EndKind.NETWORK, EndKind.ADDRESS)
    for trace in traces:
        denied = next((each for each in trace.deciders if each.decided is Action.DENY), None)
        if trace.allowed is False and denied is not None and trace.direction is Direction.INGRESS and outside:
            where = f"{words.place(denied.ref)} rule {(denied.deciding or 0) + 1}"
            return f"No policy can open it: {where} denies it, and a rule of its kind names pods only as sources."
    return "No policy that was tried opens it: none can name the other end and come before what blocks it."
