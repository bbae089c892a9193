"""The header, the banner and the notices: how fresh and how whole what is shown is, and what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from console.cluster.source import State
from console.objects.coverage import POLICY_KIND_NOT_MODELLED
from console.tui.model.frame import Frame
from console.tui.text import Line, Piece, Tone


def place(frame: Frame, namespace: str) -> tuple[Line, ...]:
    """Where we are, as ways to write it, the widest first."""
    where: Line = (Piece(frame.title, Tone.STRONG),)
    if namespace:
        where = (*where, Piece(" › ", Tone.DIM), Piece(namespace))
    ways = [(Piece("netpol-console", Tone.ACCENT), Piece("  "), *where), where]
    if (last := frame.title.rstrip("/").rpartition("/")[2]) != frame.title:
        # A path, or a context of a cloud: its end says most, and the counts are worth more than the rest.
        ways.append((Piece(f"…/{last}", Tone.STRONG), *where[1:]))
    return tuple(ways)


def freshness(frame: Frame, now: float) -> tuple[Line, ...]:
    """How fresh what is shown is, with counts, as ways to write it, the widest first. `now` in time.time() seconds."""
    status = frame.status
    counted = _counts(frame)
    if status.state is State.CONNECTING:
        return ((Piece("◌ connecting", Tone.WARN),),)
    if status.state is State.LOADING:
        loaded = status.loaded.get("pods", 0)
        return ((Piece(f"◌ loading {loaded:,} pods", Tone.WARN),),)
    if status.state is State.STALE:
        stale = Piece(f"◍ STALE {age(now - status.since)}", Tone.BAD)
        return ((stale, *counted), (stale,))
    if status.state is State.FAILED:
        return ((Piece("✗ no connection", Tone.BAD),),)
    if status.state is State.PAST:
        return _past(status.since, counted)
    head = Piece("● live", Tone.GOOD) if status.state is State.LIVE else Piece("■ files", Tone.ACCENT)
    if status.resources:
        refused = Piece(f" · ✗ refused {', '.join(status.resources)}", Tone.BAD)
        return ((head, refused, *counted), (head, refused), (head, Piece(" · ✗ refused", Tone.BAD)))
    return ((head, *counted), (head, counted[1]), (head,))


def with_charter(fresh: tuple[Line, ...], charter: tuple[Line, ...]) -> tuple[Line, ...]:
    """How fresh what is shown is, and how it stands to the charter, as ways to write it, the widest first."""
    if not any(charter):
        return fresh
    between = Piece(" · ", Tone.DIM)
    ways = [(*fresh[0], between, *charter[0]), *((*way, between, *charter[-1]) for way in fresh)]
    return (*ways, *fresh)


def as_of(frame: Frame) -> str:
    """``as of 2026-11-23 14:02:11`` where a moment of the past is shown; else nothing."""
    if frame.status.state is not State.PAST:
        return ""
    return f"as of {datetime.fromtimestamp(frame.status.since).astimezone():%Y-%m-%d %H:%M:%S}"


def titled(title: str, frame: Frame) -> str:
    """The title of something that covers the header, with the moment it shows where that is not now."""
    return " · ".join(part for part in (title, as_of(frame)) if part)


def _past(at: float, counted: Line) -> tuple[Line, ...]:
    """A moment of a recording, so written that nobody takes it for now."""
    moment = datetime.fromtimestamp(at).astimezone()
    day, clock = f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S}"
    head = Piece(f"◷ PAST {clock}", Tone.WARN)
    return ((Piece(f"◷ PAST {day} {clock}", Tone.WARN), *counted), (head, *counted), (head,))


def _counts(frame: Frame) -> Line:
    snapshot = frame.snapshot
    held = snapshot.contents.values()
    pods = sum(len(each.pods) for each in held)
    policies = sum(len(each.policies) + len(each.foreign) for each in held) + len(snapshot.foreign)
    return (
        Piece(f" · {len(snapshot.contents)} ns"),
        Piece(f" · {pods:,} {'pod' if pods == 1 else 'pods'}"),
        Piece(f" · {policies:,} {'policy' if policies == 1 else 'policies'}"),
    )


def age(seconds: float) -> str:
    """A span as one reads it at a glance: ``9s``, ``2m14s``, ``3h05m``, ``2d4h``."""
    whole = max(int(seconds), 0)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86400}d{whole % 86400 // 3600}h"


def banner(frame: Frame) -> Line:
    """One line of what lowers trust in what is shown; empty where nothing does."""
    said = [text for text, _ in _concerns(frame)]
    if not said:
        return ()
    more = f" · {len(said) - 1} more" if len(said) > 1 else ""
    return (Piece("! ", Tone.BAD), Piece(said[0], Tone.WARN), Piece(more, Tone.WARN), Piece("  ! details", Tone.DIM))


def _concerns(frame: Frame) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each thing that lowers trust: one line, and what is behind it."""
    status = frame.status
    if (status.state in (State.STALE, State.FAILED) and status.message) or (
        status.state in (State.LIVE, State.PAST) and status.message
    ):
        yield status.message, tuple(part for part in (status.hint,) if part)
    kinds = Counter(policy.kind for policy in frame.snapshot.foreign_policies())
    if kinds:
        what = " and ".join(f"{count} {_plural(kind, count)}" for kind, count in kinds.most_common())
        are, they = ("is", "it") if sum(kinds.values()) == 1 else ("are", "they")
        line = f"{what} {are} not evaluated: verdicts {they} may touch are UNKNOWN"
        yield line, tuple(str(policy.ref) for policy in frame.snapshot.foreign_policies())
    gaps = [gap for gap in frame.engine.gaps if gap.code != POLICY_KIND_NOT_MODELLED]
    loading = status.state in (State.CONNECTING, State.LOADING)
    by_code: dict[str, list[str]] = {}
    for gap in gaps:
        if not (loading and gap.code == "LOADING"):
            by_code.setdefault(gap.code, []).append(gap.why)
    for reasons in by_code.values():
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        yield f"{reasons[0]}{more}", tuple(reasons)
    wrong = [diagnostic for diagnostic in frame.update.diagnostics if diagnostic.severity.value != "note"]
    if wrong:
        what = str(wrong[0]) if len(wrong) == 1 else f"{len(wrong)} problems in what was read"
        yield what, tuple(map(str, wrong))


def _plural(kind: str, count: int) -> str:
    kind = kind.partition(".")[0]
    if count == 1:
        return kind
    return f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"


def notices(frame: Frame) -> Iterator[Line]:
    """All that lowers trust, in full."""
    found = False
    for line, behind in _concerns(frame):
        if found:
            yield ()
        found = True
        yield (Piece("! ", Tone.BAD), Piece(line, Tone.STRONG))
        for each in behind if behind != (line,) else ():
            yield (Piece(f"  {each}"),)
    notes = [diagnostic for diagnostic in frame.update.diagnostics if diagnostic.severity.value == "note"]
    for note in notes:
        yield (Piece(f"  {note}", Tone.DIM),)
    if not found and not notes:
        yield (Piece("Everything asked for was read, and every policy found is evaluated.", Tone.GOOD),)


def failure(frame: Frame, keys: Mapping[str, str]) -> tuple[Line, ...]:
    """What to say where nothing could be read at all; `keys` says how to write each key by what it does."""
    status = frame.status
    if status.state is not State.FAILED:
        return ()
    lines: list[Line] = [(Piece("✗ ", Tone.BAD), Piece(status.message or "the source cannot be read", Tone.STRONG))]
    if status.hint:
        lines.append((Piece(status.hint),))
    lines.append(())
    for key, does in keys.items():
        lines.append((Piece(f"{key:<8}", Tone.KEY), Piece(does, Tone.DIM)))
    return tuple(lines)
