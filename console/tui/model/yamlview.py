"""A policy's YAML as lines: numbers, a mark at what decided, and beside each clause what was found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from console.objects.meta import ObjectRef
from console.objects.snapshot import Snapshot
from console.objects.yaml_text import Positions, render
from console.policy.model import Action, Path
from console.policy.trace import Clause, Match, PolicyTrace, RuleTrace
from console.report import words
from console.tui.model.nodes import Focus
from console.tui.text import Line, Piece, Tone, cleaned, width, wrap

_KEY: Final = re.compile(r"(?P<before>[\s-]*)(?P<key>[^\s:#][^:#]*:)(?P<rest>\s.*|$)")
_TONES: Final[Mapping[Match, Tone]] = {True: Tone.GOOD, False: Tone.BAD, None: Tone.WARN}
#: Facts begin here at the earliest, and here at the latest, as a part of the width.
_LEFTMOST, _RIGHTMOST = 0.3, 0.62

Laid = Callable[[int], Sequence[tuple[Line, bool]]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The YAML of an object, and where its parts stand."""

    text: str
    lines: tuple[str, ...]
    positions: Positions


class Sheets:
    """YAML of policies, rendered when first looked at and kept for as long as the object stays the same."""

    def __init__(self) -> None:
        self._kept: dict[ObjectRef, tuple[object, Sheet]] = {}

    def of(self, ref: ObjectRef, snapshot: Snapshot) -> Sheet | None:
        """The YAML of a policy; None where it is gone or came without its text."""
        policy = snapshot.policy(ref)
        if policy is None or policy.text is None:
            return None
        kept = self._kept.get(ref)
        if kept is None or kept[0] is not policy:
            text = _whole(ref, render(policy.text).rstrip("\n"))
            kept = (policy, Sheet(text, tuple(text.split("\n")), Positions(text)))
            self._kept[ref] = kept
        return kept[1]


def _whole(ref: ObjectRef, text: str) -> str:
    """The YAML with its kind: an API server leaves it out of the items of a list."""
    if ref.kind == "NetworkPolicy" and text.startswith("metadata:"):
        return f"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n{text}"
    return text


def plain_sheet(sheet: Sheet) -> Laid:
    """The YAML with line numbers."""
    return _laid(sheet, frozenset(), {})


def marked_sheet(sheet: Sheet, focus: Focus) -> Laid:
    """The YAML with the lines marked that decided (or those the focus points at), and a fact beside each clause."""
    marked = frozenset(
        line for place in focus.places or deciding(focus.policy) for line in _lines(sheet.positions, place)
    )
    facts: dict[int, list[tuple[Match, str]]] = {}
    for clause in _clauses(focus.policy):
        found = sheet.positions.lines(clause.path)
        if found is not None:
            entry = (clause.matched, _fact(clause))
            held = facts.setdefault(found[0], [])
            if entry not in held:
                held.append(entry)
    return _laid(sheet, marked, facts)


def deciding(policy: PolicyTrace) -> tuple[Path, ...]:
    """The places of a policy that decided: what matched in the rule that carried, or what failed in each that did not.

    Of a policy that isolates without a rule that could match, what selects the pod.
    """
    if policy.selects is False:
        return tuple(clause.path for clause in policy.subject if clause.matched is False)
    if (policy.decided is not None and policy.decided is not Action.DENY) or policy.deciding is not None:
        carried = next((rule for rule in policy.rules if rule.index == policy.deciding), None)
        if carried is not None:
            peers = [peer for peer in carried.peers if peer.matched]
            paths = [clause.path for peer in peers for clause in peer.clauses]
            paths += [clause.path for clause in carried.ports if clause.matched]
            return tuple(paths) or (carried.path,)
    nearest = min((len(_failed(rule)) for rule in policy.rules), default=0)
    failed = tuple(clause.path for rule in policy.rules if len(_failed(rule)) == nearest for clause in _failed(rule))
    return failed or (("spec", "podSelector"), ("spec", "policyTypes"))


def _failed(rule: RuleTrace) -> list[Clause]:
    """What kept a rule from matching: the clauses of peers where no peer matched, and of ports where none did."""
    failed = [clause for peer in rule.peers for clause in peer.clauses if not clause.matched]
    ports = [clause for clause in rule.ports if not clause.matched]
    return (failed if rule.peer is not True else []) + (ports if rule.port is not True else [])


def _lines(positions: Positions, place: Path) -> range:
    found = positions.lines(place)
    return range(found[0], found[1] + 1) if found else range(0)


def _clauses(policy: PolicyTrace) -> Iterable[Clause]:
    yield from policy.subject
    for rule in policy.rules:
        yield from rule.clauses()


def _fact(clause: Clause) -> str:
    """What was found, in as few words as stand beside a line: ``✗ role=train``."""
    if clause.matched:
        # What matched is what the line says, unless it says a name or a range.
        return "✓" if clause.wanted == clause.found else f"✓ {clause.found}"
    note = f" ({clause.note})" if clause.note else ""
    return f"{words.match_glyph(clause.matched)} {clause.found}{note}"


def _laid(sheet: Sheet, marked: frozenset[int], facts: Mapping[int, list[tuple[Match, str]]]) -> Laid:
    def lay(cells: int) -> list[tuple[Line, bool]]:
        digits = len(str(len(sheet.lines)))
        longest = max((len(sheet.lines[number - 1]) for number in facts if number <= len(sheet.lines)), default=0)
        gutter = digits + 2
        column = gutter + min(max(longest + 2, int(cells * _LEFTMOST)), int(cells * _RIGHTMOST))
        laid: list[tuple[Line, bool]] = []
        for number, text in enumerate(sheet.lines, 1):
            mark = number in marked
            front = (
                Piece("▶" if mark else " ", Tone.WARN),
                Piece(f"{number:>{digits}} ", Tone.WARN if mark else Tone.DIM),
            )
            line = (*front, *_coloured(text))
            beside = facts.get(number, ())
            if not beside:
                laid += _folded(line, cells, gutter, mark)
                continue
            parts = _folded(line, cells, gutter, mark) if width(line) > cells else [(line, mark)]
            first, *others = beside
            last = parts[-1][0]
            at = max(min(column, cells - len(first[1])), width(last) + 2)
            if at + len(first[1]) <= cells:
                said = Piece(first[1], _TONES[first[0]])
                parts[-1] = ((*last, Piece(" " * (at - width(last))), said), mark)
            else:
                others = list(beside)
            laid += parts
            for matched, fact in others:
                # No room beside the line: the fact stands under it, to the right.
                at = max(min(column, cells - len(fact)), gutter)
                under = (Piece(" " * at), Piece(fact, _TONES[matched]))
                laid += [(part, mark) for part in wrap(cleaned(under), cells, indent=at + 2)]
        return laid

    return lay


def _folded(line: Line, cells: int, gutter: int, mark: bool) -> list[tuple[Line, bool]]:
    """A line too long for the pane goes on under itself rather than out of sight."""
    text = "".join(piece.text for piece in line[2:])
    indent = gutter + len(text) - len(text.lstrip(" -")) + 2
    return [(part, mark) for part in wrap(cleaned(line), cells, indent=min(indent, cells // 3))]


def _coloured(text: str) -> Line:
    found = _KEY.fullmatch(text)
    if found is None:
        return (Piece(text, Tone.DIM if text.lstrip().startswith("#") else Tone.PLAIN),)
    return (Piece(found["before"]), Piece(found["key"], Tone.KEY), Piece(found["rest"]))
