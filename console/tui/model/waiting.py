"""What stands where something of all pairs would, while it is not there: why, and what to do about that."""

from __future__ import annotations

from collections.abc import Mapping

from console.cluster.source import State
from console.errors import ConsoleError
from console.tui.model import status
from console.tui.model.frame import Frame
from console.tui.text import Line, Piece, Tone


def waiting(
    frame: Frame, *, trouble: str, error: ConsoleError | None, rescue_keys: Mapping[str, str]
) -> tuple[Line, ...]:
    """`trouble` is what failed in the console itself, `error` what is wrong with what was asked for."""
    if frame.status.state is State.FAILED:
        return status.failure(frame, rescue_keys)
    if trouble:
        return ((Piece(f"✗ the console itself failed: {trouble}", Tone.BAD),),)
    if error is not None:
        return (Piece(f"✗ {error.message}", Tone.BAD),), (Piece(error.hint, Tone.WARN),)
    return ((Piece("◌ working out all pairs …", Tone.DIM),),)


def nobody(frame: Frame, *, narrowed: str, closer: bool, rescue_keys: Mapping[str, str]) -> tuple[Line, ...]:
    """Why a matrix has no rows: its filter, a part of the cluster that was looked at closer, or the cluster."""
    if narrowed:
        what, key, does = f"Nothing passes the filter {narrowed}", "esc", " takes it off"
    elif frame.status.state is State.FAILED:
        return status.failure(frame, rescue_keys)
    elif frame.status.state in (State.CONNECTING, State.LOADING):
        return ((Piece("◌ loading pods …", Tone.DIM),),)
    elif closer:
        what, key, does = "No pod of this part of the cluster runs any more", "esc", " looks from further away"
    else:
        what, key, does = "No pod runs here: there is nobody to reach anybody", "!", " says what was not read"
    return (Piece(what),), (Piece(key, Tone.KEY), Piece(does, Tone.DIM))
