"""An audit in any of the forms it is reported in (report.forms)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from console.governance.findings import Audit, Severity
from console.report.audit_words import Made

if TYPE_CHECKING:
    from console.policy.engine import Engine
    from console.policy.matrix import Matrix


def written(
    form: str,
    audit: Audit,
    *,
    made: Made | None = None,
    engine: Engine | None = None,
    fail_on: Severity | None = Severity.LOW,
) -> str:
    """The audit in one of the forms, ending with a line's end.

    With the `engine` it was judged by, a page shows who reaches whom, too. `fail_on` is the
    least severe finding that is a failure where the form has failures; None where none is.
    """
    more: dict[str, Any] = {}
    if form == "html" and engine is not None:
        more["matrix"] = _by_role(engine)
    elif form == "junit":
        more["fail_on"] = fail_on
    # Each form is a module of this package, imported when it is asked for.
    text: str = importlib.import_module(f"console.report.audit_{form}").render(audit, made=made, **more)
    return text.rstrip("\n") + "\n"


def _by_role(engine: Engine) -> Matrix:
    from console.governance.groups import By, groups
    from console.policy.matrix import matrix
    from console.policy.reach import Reachability

    reach = Reachability(engine)
    return matrix(reach, groups(reach, By.ROLE))
