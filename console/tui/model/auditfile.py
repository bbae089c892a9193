"""An audit on screen written to a file: as a report, or with all it rests on as evidence."""

from __future__ import annotations

from pathlib import Path

import console
from console.errors import InputError, UsageError
from console.governance.questions import Question
from console.history.times import day, utc
from console.policy.engine import Engine
from console.report.audit_file import written
from console.report.audit_words import Made
from console.report.forms import AUDIT, form_of
from console.tui.model.frame import Question as Asked
from console.tui.model.standing import Standing
from console.tui.saving import Occupied, save

EVIDENCE = ".zip"


def exported(
    standing: Standing, file: str, *, title: str, at: float, asked: tuple[Asked, ...], over: bool = False
) -> Path:
    """Write the audit to a file in the form its name ends with; ``.zip`` is an evidence bundle. Not for the event loop.

    `title` is the source's, `at` when it was read (time.time() seconds), `asked` the
    connections to prove beside the charter's. Raises UsageError for a form there is not,
    and InputError where nothing can be written.
    """
    form = form_of(file, AUDIT, besides=(EVIDENCE,))
    audit, engine = standing.audit, standing.engine
    if audit is None or engine is None:
        raise UsageError("nothing was audited yet", hint="wait for the first audit")
    if form == EVIDENCE:
        data: str | bytes = _evidence(standing, engine, title, at, asked)
    else:
        data = written(form, audit, made=Made(console.__version__, utc(at), title))
    try:
        return save(data, file, over=over)
    except Occupied as error:
        raise InputError(error.message, hint=f":export {file} over writes over it") from None


def _evidence(standing: Standing, engine: Engine, title: str, at: float, asked: tuple[Asked, ...]) -> bytes:
    from console.history.bundle import pack
    from console.report.evidence import begin, complete, terms_of

    terms = terms_of(
        engine.snapshot,
        source=title,
        today=day(at).isoformat(),
        charter_file=standing.charter_file,
        at=at,
        asked=(Question(*each) for each in asked if each.complete),
        modes=engine.modes,
    )
    return pack(complete(begin(engine.snapshot, terms, standing.charter_text)))
